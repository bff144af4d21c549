/*-------------------------------------------------------------------------
 *
 * gateway_walk.c
 *		The requests of a read that takes several, so that it answers all.
 *
 * It goes over a span of time (gateway_span.c), or from page to page.  What
 * comes or goes in between moves other records from one page to the next, so
 * the keys of all are remembered there.
 *
 * The key of a record is what the columns say that tell it from others; one
 * without them is known by all of its bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "gateway_internal.h"

/* Room for any number. */
#define NUMBER_SIZE	24

struct Walk
{
	const OgOperation *operation;
	OgFields	arguments;
	char		from_text[NUMBER_SIZE];
	char		to_text[NUMBER_SIZE];
	char		count_text[NUMBER_SIZE];
	int			time;			/* column, or -1 */
	StringInfoData key;			/* of the record at hand */
	bool		begun;
	Span	   *span;			/* NULL: from page to page */

	OgKeys	   *seen;			/* on all pages so far */
	int			count;			/* records of this one ... */
	int			fresh;			/* ... and those not seen before */
};

/* An argument that is a number, or what stands for none. */
static int64
number_of(const OgFields *arguments, const char *name, int64 otherwise)
{
	const char *text = og_fields_get(arguments, name);

	return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

static void
set_number(Walk *walk, const char *name, char *text, int64 number)
{
	snprintf(text, NUMBER_SIZE, INT64_FORMAT, number);
	og_fields_set(&walk->arguments, name, text);
}

/* Begin a read with these arguments, in the current context. */
Walk *
og_walk_begin(const OgOperation *operation, const OgFields *arguments)
{
	const OgWalk *plan = operation->walk;
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->operation = operation;
	for (int i = 0; i < arguments->count; i++)
		og_fields_add(&walk->arguments, arguments->items[i].name,
					  arguments->items[i].value);
	initStringInfo(&walk->key);
	if (plan != NULL && og_fields_get(arguments, "from_time") != NULL)
	{
		SpanRequest all;

		all.from_ms = number_of(arguments, "from_time", 0);
		all.to_ms = number_of(arguments, "to_time", all.from_ms);
		all.count = number_of(arguments, "count", -1);
		walk->time = og_column(operation->columns, plan->time);
		walk->span = og_span_begin(operation, &all,
								   plan->window_ms(arguments));
	}
	else if (operation->next != NULL)
		walk->seen = og_keys_create();
	return walk;
}

const OgFields *
og_walk_arguments(const Walk *walk)
{
	return &walk->arguments;
}

static bool
next_of_span(Walk *walk)
{
	const SpanRequest *request = og_span_next(walk->span);

	if (request == NULL)
		return false;
	set_number(walk, "from_time", walk->from_text, request->from_ms);
	set_number(walk, "to_time", walk->to_text, request->to_ms);
	if (request->count >= 0)
		set_number(walk, "count", walk->count_text, request->count);
	else
		og_fields_set(&walk->arguments, "count", NULL);
	return true;
}

bool
og_walk_next(Walk *walk)
{
	const OgOperation *operation = walk->operation;
	bool		more = !walk->begun;

	if (walk->span != NULL)
		return next_of_span(walk);
	if (operation->next != NULL)
		more = (!walk->begun || walk->fresh > 0) &&
			operation->next(&walk->arguments, walk->begun ? walk->count : -1);
	walk->begun = true;
	walk->count = walk->fresh = 0;
	return more;
}

/* Values as they are spelled: no two lists of them look the same. */
static OgSlice
key_of(Walk *walk, const OgSlice *values, OgSlice raw)
{
	const OgColumn *columns = walk->operation->columns;
	const char *const *id = walk->operation->id;

	if (id == NULL || !og_is_id(values[og_column(columns, id[0])]))
		return raw;
	resetStringInfo(&walk->key);
	for (; *id != NULL; id++)
	{
		OgSlice		value = values[og_column(columns, *id)];

		appendBinaryStringInfo(&walk->key, value.data, (int) value.len);
		appendStringInfoChar(&walk->key, ' ');
	}
	return og_slice(walk->key.data, walk->key.len);
}

/* Is this record to be handed on? */
bool
og_walk_admits(Walk *walk, const OgSlice *values, OgSlice raw)
{
	const OgColumn *columns = walk->operation->columns;
	bool		fresh;
	int64		ms;

	if (walk->span != NULL)
	{
		bool		timed = og_time_ms(columns[walk->time].type,
									   values[walk->time], &ms);

		return og_span_admits(walk->span, timed ? &ms : NULL,
							  key_of(walk, values, raw));
	}
	if (walk->seen == NULL)
		return true;
	fresh = og_keys_add(walk->seen, key_of(walk, values, raw));
	walk->count++;
	walk->fresh += fresh;
	return fresh;
}

const char *
og_walk_flaw(const Walk *walk)
{
	return walk->span != NULL ? og_span_flaw(walk->span) : NULL;
}

const char *
og_walk_doubt(const Walk *walk)
{
	return walk->span != NULL ? og_span_doubt(walk->span) : NULL;
}
