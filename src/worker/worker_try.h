/*-------------------------------------------------------------------------
 *
 * worker_try.h
 *		Steps that may fail; the one place where an error is caught.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_TRY_H
#define OG_WORKER_TRY_H

/* Why a step failed. */
typedef struct Trouble
{
	int			sqlstate;
	char	   *message;		/* in the context that was current */
} Trouble;

typedef void (*Step) (void *arg);

/*
 * Do a step in a transaction of its own, or in a subtransaction of the one that
 * there is.  False if it failed: all that it did to the database is undone.  What
 * ends the process ends it here, too.
 */
extern bool og_try(Step step, void *arg, Trouble *trouble);
extern bool og_try_part(Step step, void *arg, Trouble *trouble);

/* The same for one that has transactions of its own. */
extern bool og_try_alone(Step step, void *arg, Trouble *trouble);

/*
 * May the same step succeed later?  That is so where something was locked, full
 * or interrupted, and not where something does not exist, or is not allowed.
 */
extern bool og_trouble_passes(const Trouble *trouble);

/* Tell of it, once for each that is another one. */
extern void og_trouble_show(const Trouble *trouble);

#endif							/* OG_WORKER_TRY_H */
