/*-------------------------------------------------------------------------
 *
 * stream_target.h
 *		Tables of users that rows are appended to.
 *
 * A row of a kind has columns, by the names that the view of that kind has.  The
 * table takes those that it has, too; what it has beside them is up to its
 * defaults.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_TARGET_H
#define OG_STREAM_TARGET_H

#include "storage/lockdefs.h"

#include "provider/provider_record.h"
#include "stream/stream.h"

/* Where the value of a column comes from. */
typedef enum AppendSource
{
	FROM_RECORD,				/* the provider's, by .place */
	FROM_RAW,					/* the element itself */
	FROM_RECEIVED_AT,
	FROM_SOURCE,				/* "stream" or "rest" */
	FROM_SERVER,				/* names ... */
	FROM_ROLE
} AppendSource;

typedef struct AppendColumn
{
	const char *name;
	Oid			type;			/* of the value */
	AppendSource source;
	int			place;			/* in the shape of the kind */
} AppendColumn;

#define MOST_APPEND_COLUMNS	(OG_MAX_COLUMNS + 5)

/* The shape of what the provider tells of a kind. */
extern const OgColumn *og_append_shape(OgStreamKind kind);

/* Columns of rows of a kind, into an array of the size above; how many. */
extern int	og_append_columns(OgStreamKind kind, AppendColumn *columns);

/* A table, with those that it takes. */
typedef struct AppendTarget
{
	Oid			relid;
	char	   *name;			/* qualified, as SQL spells it */
	int			ncolumns;
	AppendColumn columns[MOST_APPEND_COLUMNS];
} AppendTarget;

/*
 * Can this role append rows of a kind to this table?  In the current context, with
 * a lock of that mode until the end of the transaction.  Errors, where it cannot:
 *
 *	42P01 there is no such table; 42809 it is none, but a view or the like; 0A000 a
 *	temporary, unlogged or system table, one of ours, one with rules or with
 *	constraints that are checked at the end of a transaction; 42703 it has no column
 *	for the id; 42804 a column of a type that does not take every value as it is;
 *	23502 one that would have to be given, and is not of ours; 42501 no right, or a
 *	superuser's stream into somebody else's table
 */
extern AppendTarget *og_target_read(Oid relid, OgStreamKind kind, Oid roleid,
							  LOCKMODE lock);

#endif							/* OG_STREAM_TARGET_H */
