/*-------------------------------------------------------------------------
 *
 * provider_record.h
 *		Records: what a read answers, and what an act says of an order besides
 *		its verdict.
 *
 * A shape is a list of columns, by their names in SQL, with where an element of
 * the answer has each; what is not there, or of another type than documented,
 * is nothing.  All columns of an element are picked in one pass.  Shapes are
 * written in *_fields.def (fields.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PROVIDER_RECORD_H
#define OG_PROVIDER_RECORD_H

#include "provider/provider_reading.h"

typedef enum OgColumnType
{
	OG_TEXT,					/* string, or a number as it is spelled */
	OG_NUMERIC,					/* number, or a string that is one */
	OG_INTEGER,					/* the same, whole and within an int */
	OG_BOOLEAN,
	OG_TIME_MS,					/* Unix time in milliseconds; 0 = none */
	OG_TIME_S,					/* in seconds, or in milliseconds where it is
								 * as large as that */
	OG_JSON_TEXT,				/* any value, its very bytes */
	OG_NAME_OF_CODE				/* what the code in the column before means; has
								 * no fields of its own */
} OgColumnType;

/* A documented number and its name. */
typedef struct OgCode
{
	int			code;
	const char *name;			/* NULL in the last row */
	const char *meaning;		/* as documented */
} OgCode;

/* The most names that documents give to one field. */
#define OG_MAX_ALIASES		4

typedef struct OgColumn
{
	const char *name;			/* in SQL; NULL in the last row */
	OgColumnType type;
	const char *fields[OG_MAX_ALIASES]; /* members of the element: the first
										 * that is given counts.  Only what
										 * stands behind the first may also be
										 * another column's. */
	const OgCode *codes;		/* only OG_NAME_OF_CODE */
} OgColumn;

/* The most columns of a shape. */
#define OG_MAX_COLUMNS		64

/* The name of a code, or NULL if it is not documented. */
extern const char *og_code_name(const OgCode *codes, int64 code);

/* Why an answer says that a read was refused. */
typedef enum OgRefusal
{
	OG_REFUSED_SOMEHOW,			/* not said, or for none of these reasons */
	OG_REFUSED_CREDENTIALS,
	OG_REFUSED_ARGUMENTS,
	OG_REFUSED_UNKNOWN,			/* there is nothing of that name */
	OG_REFUSED_PACE
} OgRefusal;

/*
 * The records of one answer.  A reader calls take() for each, with one JSON
 * value (or nothing) per column of the operation's shape and the bytes of its
 * element, and says in the reading what the envelope claims: a success, or
 * the read has failed.  It sets .key before, if the request had keys.
 */
typedef struct OgRecords OgRecords;
struct OgRecords
{
	OgReading	reading;		/* without take() */
	const OgColumn *columns;
	int			key;			/* which key the next record is about, as
								 * find() tells; -1 = one not asked for */
	void		(*take) (OgRecords *records, const OgSlice *values,
						 OgSlice raw);
	OgRefusal	refusal;
	bool		nothing;		/* it says, be it as a refusal, that there is no
								 * such record: an answer like any other */
};

/* The number of the column of that name, -1 if there is none. */
extern int	og_column(const OgColumn *columns, const char *name);

/* Pick the columns of an object; values has room for OG_MAX_COLUMNS. */
extern void og_pick_columns(const OgColumn *columns, OgSlice object,
							OgSlice *values);

/*
 * Take each object of a list as a record, or an object as the only one, and
 * call that a success.  Anything else is not.
 */
extern void og_take_objects(OgRecords *records, OgSlice value);

/*
 * Take each object of a list of what was asked for by its id, which stands in
 * this member.
 */
extern void og_take_known_objects(OgRecords *records, OgSlice list,
								  const char *id);

/* ---------- times ---------- */

/* Read a Unix time of one of the types above; 0 stands for none. */
extern bool og_time_ms(OgColumnType type, OgSlice value, int64 *ms);

/* Take the server's time from the answer to a probe, or a note that it has none. */
#define OG_NO_TIME	"does not tell the server's time"
extern void og_take_time(OgReading *reading, OgSlice value);

#endif							/* OG_PROVIDER_RECORD_H */
