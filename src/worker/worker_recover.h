/*-------------------------------------------------------------------------
 *
 * worker_recover.h
 *		What a worker finds at its start, and what may go on of it.
 *
 * Marked and not answered is "unknown", and never sent again.  What was queued
 * goes on, if it has not expired, and as far as the timeline lets it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_RECOVER_H
#define OG_WORKER_RECOVER_H

#include "worker/worker_journal.h"

/*
 * Put the journal in order, before anything is sent: in transactions of its own,
 * each of them short.  *installation is filled.  Errors: those of the server;
 * then the worker begins anew.
 */
extern void og_recover(OgInstallation *installation);

/*
 * May anything be sent?  Not on a new timeline whose last worker ran long ago,
 * until somebody calls order_gateway_adopt(): asked for again at each look.
 * Needs a transaction.
 */
extern bool og_recover_may_send(const OgInstallation *installation);

/*
 * After a crash, before a call that is found open is made: committed at once, in
 * a transaction of its own.  True if it may be made; false if it has crashed the
 * server twice: then it has got its end as quarantined.  Does nothing, and
 * answers true, where the last worker ended well.
 */
extern bool og_recover_try(const OgInstallation *installation, int64 call_id);

/* Called each second, outside of a transaction: a minute without a crash, that
 * a worker is alive, and below which all calls are done. */
extern void og_recover_tick(OgInstallation *installation,
							int64 oldest_open_call);

#endif							/* OG_WORKER_RECOVER_H */
