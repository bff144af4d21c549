/*-------------------------------------------------------------------------
 *
 * worker_recover.h
 *		What a worker finds at its start, and what may go on of it.
 *
 * Marked and not answered is "unknown", and never sent again.  What was queued
 * goes on, if it has not expired, and as far as the timeline lets it.
 *
 * worker_recover.c			calls that cannot go on, or are given up
 * worker_installation.c	where a worker runs, and whether it may send
 *
 * Words: a call is doubtful if another server may have sent it, whose marks are
 * lost; it is suspect if making it may have crashed the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_RECOVER_H
#define OG_WORKER_RECOVER_H

#include "worker/worker_journal.h"

/* ---------- worker_installation.c ---------- */

/*
 * Put the journal in order, before anything is sent: in transactions of its own,
 * each of them short.  *installation is filled.  Errors: those of the server;
 * then the worker begins anew.
 */
extern void og_recover(OgInstallation *installation);

/*
 * May anything be sent?  Not on a new timeline whose last worker ran long ago,
 * until somebody calls order_gateway_adopt(): to be asked for each time.
 */
extern bool og_recover_may_send(const OgInstallation *installation);

/*
 * May unknown outcomes be asked for?  Before that is begun, outside of a
 * transaction: after a crash, that it is tried is committed at once.  No more after
 * the third start without a minute in which nothing crashed, until somebody calls
 * order_gateway_adopt().
 */
extern bool og_recover_may_settle(OgInstallation *installation);

/*
 * For order_gateway_adopt(), in its transaction: what is held is held no more,
 * and unknown outcomes are asked for again.  False if neither was so.
 */
extern bool og_recover_adopt(void);

/*
 * Called each second, outside of a transaction, and waits for nobody: notes that
 * a worker is alive, that a minute went by without a crash, and below which call
 * all are done; and looks whether the installation was adopted.  What was looked
 * at before may have got its end then.
 */
extern void og_recover_tick(OgInstallation *installation);

/*
 * The handler of SIGTERM, which ends the process as die() does: so a worker that
 * was told to end is known from one that fell over.
 */
extern void og_recover_told_to_end(SIGNAL_ARGS);

/* Does the process that exits with this code end well, and can still write? */
extern bool og_recover_ends_well(int code);

/* ---------- worker_recover.c ---------- */

/*
 * Is it a call of another timeline, which another server may have sent without
 * our knowing?
 */
extern bool og_recover_is_doubtful(const OgInstallation *installation,
								   int64 call_id, uint32 timeline);

/*
 * May that be said of a call of another timeline, now or by a worker that has not
 * looked yet?
 */
extern bool og_recover_may_be_doubtful(const OgInstallation *installation,
									   int64 call_id);

/*
 * What an order without a mark is when it is not sent: "unknown" if another
 * server may have done that.  Not so if the call was withdrawn there: nothing was
 * marked after that, and what was before has come along with it.
 */
extern OgVerdict og_recover_unsent(const OgInstallation *installation,
								   const OgJournalCall *call,
								   const OgJournalProgress *progress);

/*
 * Why a call must not be made, or NULL.  Asked for before each is begun, since
 * a prepared transaction may bring one of an older timeline at any time.
 */
extern const char *og_recover_objection(const OgInstallation *installation,
										const OgJournalCall *call,
										const OgJournalProgress *progress);

/* End what other servers may have done of calls; transactions of its own. */
extern void og_recover_end_doubtful(const OgInstallation *installation);

/* The same with what was marked and not answered. */
extern void og_recover_end_marked(const OgInstallation *installation);

/*
 * End a call that cannot be read, or must not be made, as quarantined; in
 * transactions of its own.
 */
extern void og_recover_give_up(const OgInstallation *installation,
							   int64 call_id, const char *why);

/*
 * After a crash, until a minute went by without one: is it a call that was there
 * before, and may be the cause?  Such calls are made one after the other, so that
 * another crash tells which it is: the next may be begun when the last one has
 * its end, or waits with nothing of it under way.  Others go on beside them.
 */
extern bool og_recover_is_suspect(const OgInstallation *installation,
								  int64 call_id);

/* Why nothing is sent while all is held. */
#define OG_HELD	"nothing is sent from this database: it looks like a copy of a server that may still run"

/* Why nothing more is sent of a call of a session that another worker had. */
#define OG_LEFT_BEHIND	"the worker stopped before it could be sent"

/* Suspect are calls whose ids are at most this. */
extern void og_recover_suspect(int64 last_id);

/*
 * Before a suspect call is begun, outside of a transaction: that it is tried is
 * committed at once, in a transaction of its own.  True if it may be made; false
 * if it was tried twice before, and each time the server crashed: then it has
 * got its end as quarantined.
 */
extern bool og_recover_try(const OgInstallation *installation, int64 call_id);

#endif							/* OG_WORKER_RECOVER_H */
