/*-------------------------------------------------------------------------
 *
 * settle_finding.h
 *		What the reads of a provider say of one order, and what follows.
 *
 * An inquiry's records either say where an order stands, or they are its fills.
 * Fills are gathered and then judged together: the sum of some of them must
 * never be taken for the whole order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SETTLE_FINDING_H
#define OG_SETTLE_FINDING_H

#include "datatype/timestamp.h"
#include "utils/numeric.h"

#include "gateway/gateway.h"
#include "provider/provider.h"
#include "settle/settle.h"

/* What is known of one order.  All zero: nothing. */
typedef struct Finding
{
	bool		found;
	bool		exists;			/* a record says where it stands, or of a fill */
	bool		closed;			/* fills are known, and not that it is open */
	bool		strange;		/* not found, but what was answered instead may
								 * be about it */
	OgOrderState state;
	int64		made_ms;		/* when it was made, as far as that is told; or
								 * when it first traded.  0 = not told */
	int64		absent_ms;		/* when an inquiry knew nothing of it, by the
								 * provider's clock; 0 = never, or not told */
	const char *doubt;			/* of fills: why it is not known to be filled */
	char	   *raw;			/* the element that says so, or NULL */
} Finding;

/* The fills of an order, while they come. */
typedef struct Fills
{
	MemoryContext context;		/* of what this points to */
	const OgInquiry *inquiry;
	const OgOperation *operation;
	int64		count;
	char	   *order;			/* id of their order */
	OgKeys	   *seen;			/* their own ids */
	bool		several;		/* they are of several orders */
	bool		unsound;		/* one has no id of its own, no fill or no size
								 * above zero */
	Numeric		filled;			/* all of them, NULL = nothing above zero */
	Numeric		size;			/* the largest size that one tells */
	bool		resized;		/* others tell a smaller one */
	bool		amendable;		/* one is of an order that could be amended */
	bool		untimed;		/* one has no time */
	int64		first_ms;
	int64		last_ms;
} Fills;

/* Take a record that says where an order stands, told at this time. */
extern void og_finding_take_state(Finding *finding, const OgInquiry *inquiry,
								  const OgOperation *operation,
								  const OgSlice *values, int64 now_ms);

/* Begin, in the current context, to take fills; take one; judge them all. */
extern void og_fills_begin(Fills *fills, const OgInquiry *inquiry,
						   const OgOperation *operation);
extern void og_fills_take(Fills *fills, const OgSlice *values);

/*
 * "minutes": for so long the inquiries before would have known an order that
 * was not filled.  Where fills suffice, others that were not told yet cannot
 * change that it was filled.
 */
extern bool og_fills_suffice(const Fills *fills, const Finding *finding,
							 int minutes);
extern void og_fills_judge(const Fills *fills, Finding *finding, int minutes,
						   int64 now_ms);

/* The act that nobody knows the outcome of. */
typedef struct UnknownAct
{
	bool		create;			/* not a cancel */
	bool		shared_id;		/* it named what several orders may bear */
	bool		part_is_final;	/* see OgInquiry */
} UnknownAct;

/* What follows for the act, which was sent then, and why. */
extern OgVerdict og_finding_conclude(const Finding *finding,
									 const UnknownAct *act,
									 const OgSent *sent,
									 TimestampTz checked_at,
									 const char **message);

#endif							/* OG_SETTLE_FINDING_H */
