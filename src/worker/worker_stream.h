/*-------------------------------------------------------------------------
 *
 * worker_stream.h
 *		What is known of stream workers where none of them is: who wants one,
 *		and whether it runs.
 *
 * A database has one while something is to be followed there.  Whoever changes
 * that asks; a stream worker answers when it has looked at what there is and
 * found nothing, and ends.  As long as the last that was asked has no answer
 * the launcher has one run.
 *
 * Slots have the numbers of the gateway workers' entries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_STREAM_H
#define OG_WORKER_STREAM_H

#include "ground/shared.h"

extern const OgSharedPart og_streamer_shared;

/* Name of the function that the process runs; its argument is the slot. */
#define STREAMER_MAIN	"og_stream_main"

/* ---------- whoever wants one ---------- */

/* Look at what is to be followed in this database, now or at commit. */
extern void og_streamer_ask(void);
extern void og_streamer_ask_at_commit(void);

/* Is this database's running? */
extern bool og_streamer_is_running(void);

/*
 * Ask if there are rows of the table of streams that belong to this installation.
 * False: that cannot be told now, since somebody has the table for himself, or
 * nobody would hear it, since the launcher has not given this database its slot.
 */
extern bool og_streamer_ask_if_needed(void);

/* ---------- the launcher ---------- */

/* It is this process, to be woken by those who ask. */
extern void og_streamer_launched(void);

/* Is one to run in this slot, which is that of a database? */
extern bool og_streamer_is_wanted(int slot, Oid dboid);

/* ---------- the process ---------- */

/*
 * It is here, for that database, until it ends.  Only afterwards may it be asked
 * whether it is welcome: so whoever sends it away either finds it or is found.
 */
extern bool og_streamer_attach(int slot, Oid dboid);

/* What was asked so far; and that nothing is to be followed as of then. */
extern uint64 og_streamer_asked(void);
extern void og_streamer_answer(uint64 asked);

/* ---------- whoever wants it gone ---------- */

/* End it, the first time by a signal.  True if there is none. */
extern bool og_streamer_send_away(Oid dboid, bool first);

#endif							/* OG_WORKER_STREAM_H */
