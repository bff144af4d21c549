/*-------------------------------------------------------------------------
 *
 * second_testimony.h
 *		What one answer says, as the second opinion gathers it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SECOND_TESTIMONY_H
#define OG_SECOND_TESTIMONY_H

#include "second_opinion.h"

#define STRANGER	(-1)		/* instead of a key */

/* One element, and whom it is about. */
typedef struct Statement
{
	int			key;
	OgVerdict	verdict;
	const Node *element;
	const Node *code;
	const Node *message;
	const Node *part;			/* BTSE: which of the key's orders */
	struct Statement *next;
} Statement;

/* All that one answer says. */
typedef struct Testimony
{
	const OgSlice *keys;
	int			nkeys;
	Statement  *statements;
	Statement **last;
	bool		says_done;		/* the envelope: it was carried out */
	bool		says_refused;	/* the envelope: it was refused */
	OgVerdict	silence;		/* what saying nothing about an order means */
	const Node *code;			/* of the envelope */
	const Node *message;
	bool		held_off;		/* nothing speaks against a status 429 */
} Testimony;

/* Note what an element says. */
extern Statement *second_state(Testimony *t, int key, OgVerdict verdict,
							   const Node *element);

/* The key that an id names, or STRANGER. */
extern int	second_key_of(const Testimony *t, const Node *id);

/* The first member of these names that is there and not null. */
extern const Node *second_first_of(const Node *object,
								   const char *const *names);

extern bool second_is_any_of(const Node *value, const char *const *texts);

/* second_btse.c */
extern void second_hear_btse(Testimony *t, const Asked *asked,
							 const Node *answer);

#endif							/* OG_SECOND_TESTIMONY_H */
