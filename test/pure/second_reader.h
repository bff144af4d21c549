/*-------------------------------------------------------------------------
 *
 * second_reader.h
 *		A second reader of JSON, for fuzzers to compare the first one with.
 *
 * It builds a tree, by recursion, and copies what it reads: slow, plain, and
 * sharing no code with the json room, but bound to the same rules of what an
 * answer may be.  Numbers stay text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SECOND_READER_H
#define OG_SECOND_READER_H

#include "ground/json.h"

typedef struct Node
{
	OgJsonKind	kind;
	OgSlice		bytes;			/* the very place in the answer */
	char	   *text;			/* of a string: what it says, decoded */
	char	   *name;			/* of a member: its key, decoded */
	struct Node *first;			/* elements or members, in their order */
	struct Node *next;
} Node;

/* The tree of an answer; NULL when it is not all that it must be. */
extern const Node *second_read(OgSlice answer);

/* The first member of that name; NULL if there is none, or no object. */
extern const Node *second_member(const Node *object, const char *name);

/* Is there a value of this kind? */
extern bool second_is(const Node *value, OgJsonKind kind);

/* Is it a string or a number, as an id or a code must be? */
extern bool second_is_word(const Node *value);

/* Is it a string or number that says, or is spelled, exactly this? */
extern bool second_says(const Node *value, OgSlice text);
extern bool second_says_text(const Node *value, const char *text);

/* Do two strings or numbers say the same? */
extern bool second_agree(const Node *a, const Node *b);

/*
 * The text of a value cut at max_chars characters, as people are shown it;
 * NULL for null and for nothing.
 */
extern char *second_shown(const Node *value, int max_chars);

/*
 * A number, or a string that is one, written out without an exponent and with
 * no zero in front, as numeric shows it, and how many digits it is spelled
 * with; NULL for anything else.
 */
extern char *second_number(const Node *value, int *count);

/* Characters of UTF-8 text; -1 if it is not valid. */
extern int	second_count(const char *text, size_t len);

#endif							/* OG_SECOND_READER_H */
