/*-------------------------------------------------------------------------
 *
 * gateway_walk.c
 *		The requests of a read, so that it answers all and nothing else.
 *
 * A read is one request, or goes over a span of time (gateway_span.c), or from
 * page to page (gateway_page.c).
 *
 * The key of a record is what the columns say that tell it from others; one
 * without them is known by all of its bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "gateway/gateway_walk.h"

/* An argument that is a number, -1 = it is not given. */
static int64
number_of(const OgFields *arguments, const char *name)
{
	const char *text = og_fields_get(arguments, name);

	return text != NULL ? strtoll(text, NULL, 10) : -1;
}

static void
set_number(Walk *walk, const char *name, int64 number)
{
	og_fields_set(&walk->arguments, name, psprintf(INT64_FORMAT, number));
}

static void
begin_span(Walk *walk, OgLengths *lengths)
{
	const OgOperation *operation = walk->read->operation;
	const OgFields *arguments = walk->read->arguments;
	int64		from_ms = number_of(arguments, "from_time");

	walk->time = og_column(operation->columns, operation->span->time);
	walk->to_ms = number_of(arguments, "to_time");
	walk->wanted = number_of(arguments, "count");
	if (from_ms >= 0)
		walk->span = og_span_begin(operation, lengths, &walk->wholeness,
								   from_ms, Max(walk->to_ms, from_ms),
								   og_span_window(operation->span, arguments));
	if (operation->span->newest_first ||
		(walk->span != NULL && walk->wanted >= 0))
		walk->held = og_held_begin(operation->columns);
}

/* Begin a read, in the current context. */
Walk *
og_walk_begin(const OgRead *read, OgLengths *lengths)
{
	const OgOperation *operation = read->operation;
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->read = read;
	for (int i = 0; i < read->arguments->count; i++)
		og_fields_add(&walk->arguments, read->arguments->items[i].name,
					  read->arguments->items[i].value);
	walk->asked = og_asked_begin(operation, read->arguments);
	walk->time = -1;
	walk->to_ms = walk->wanted = -1;
	initStringInfo(&walk->key);
	walk->wholeness.hint = operation->pages != NULL
		? "Ask again when fewer orders come and go, or ask for single orders."
		: "Ask for another stretch of time, or for one order.";
	if (operation->span != NULL)
		begin_span(walk, lengths);
	if (operation->pages != NULL)
		walk->pages = og_pages_begin(read, &walk->wholeness);
	return walk;
}

/* Hand on what was kept back, as it is all there. */
static void
release(Walk *walk)
{
	int64		count;

	if (walk->held == NULL)
		return;
	count = og_held_release(walk->held, walk->wanted, walk->read);
	if (walk->wanted >= 0)
		walk->wanted -= count;
}

static bool
next_of_span(Walk *walk)
{
	int64		kept = walk->held != NULL ? og_held_count(walk->held) : 0;
	const SpanRequest *request = og_span_next(walk->span, walk->wanted, kept);

	if (request == NULL || request->entering)
		release(walk);
	if (request == NULL)
		return false;
	set_number(walk, "from_time", request->from_ms);
	set_number(walk, "to_time", request->to_ms);
	if (request->count >= 0)
		set_number(walk, "count", request->count);
	else
		og_fields_set(&walk->arguments, "count", NULL);
	return true;
}

static bool
next_page(Walk *walk)
{
	int			page = og_pages_next(walk->pages, walk->given, walk->foreign);

	if (page > 0)
		set_number(walk, walk->read->operation->pages->argument, page);
	return page > 0;
}

/* ---------- the walk ---------- */

bool
og_walk_next(Walk *walk)
{
	bool		first = !walk->begun;

	walk->begun = true;
	if (walk->span != NULL)
		return next_of_span(walk);
	if (walk->pages != NULL)
		return next_page(walk);
	if (!first)
		release(walk);
	return first;
}

/* Values as they are spelled: no two lists of them look the same. */
static OgSlice
key_of(Walk *walk, const OgRecord *record)
{
	const OgColumn *columns = walk->read->operation->columns;
	const char *const *id = walk->read->operation->id;

	if (id == NULL || !og_is_id(record->values[og_column(columns, id[0])]))
		return record->raw;
	resetStringInfo(&walk->key);
	for (; *id != NULL; id++)
	{
		OgSlice		value = record->values[og_column(columns, *id)];

		appendBinaryStringInfo(&walk->key, value.data, (int) value.len);
		appendStringInfoChar(&walk->key, ' ');
	}
	return og_slice(walk->key.data, walk->key.len);
}

/* Is this record new, or has one like it been told already? */
static bool
is_new(Walk *walk, const OgRecord *record, const int64 *ms)
{
	if (walk->span != NULL)
		return og_span_admits(walk->span, ms, key_of(walk, record));
	if (walk->pages != NULL)
		return og_pages_admit(walk->pages, key_of(walk, record));
	return true;
}

/* What was asked for is no later than this, and not more. */
static bool
is_asked_for(Walk *walk, const OgRecord *record, const int64 *ms)
{
	if (!og_asked_for(walk->asked, record->values))
		return false;
	if (walk->span != NULL)
		return true;
	if (ms != NULL && walk->to_ms >= 0 && *ms > walk->to_ms)
		return false;
	return walk->wanted < 0 || walk->given < walk->wanted;
}

/* Does anything depend on when a record is of? */
static bool
needs_time(const Walk *walk)
{
	return walk->time >= 0 &&
		(walk->span != NULL || walk->held != NULL || walk->to_ms >= 0);
}

bool
og_walk_knows(Walk *walk, OgSlice body)
{
	return walk->pages != NULL &&
		og_pages_know(walk->pages, body, &walk->given, &walk->foreign);
}

void
og_walk_take(Walk *walk, const OgRecord *record)
{
	const OgColumn *columns = walk->read->operation->columns;
	int64		at;
	const int64 *ms = NULL;

	if (needs_time(walk) &&
		og_time_ms(columns[walk->time].type, record->values[walk->time], &at))
		ms = &at;
	if (!is_new(walk, record, ms))
		return;
	if (!is_asked_for(walk, record, ms))
	{
		walk->foreign++;
		return;
	}
	walk->given++;
	if (walk->held != NULL)
		og_held_add(walk->held, ms, record, walk->wanted);
	else
		walk->read->take(walk->read->owner, record);
}
