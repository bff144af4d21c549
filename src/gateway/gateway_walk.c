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

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "gateway/gateway_walk.h"

/* Room for any number. */
#define NUMBER_SIZE	24

/* Keep more than twice what is wanted, and this, and sort out the rest. */
#define KEPT_BESIDES	1000

struct Walk
{
	const OgRead *read;
	const OgOperation *operation;
	OgFields	arguments;
	char		from_text[NUMBER_SIZE];
	char		to_text[NUMBER_SIZE];
	char		count_text[NUMBER_SIZE];
	char		page_text[NUMBER_SIZE];
	Asked	   *asked;
	int			time;			/* column, or -1 */
	int64		to_ms;			/* no record is later, -1 = whenever */
	int64		wanted;			/* records at most, -1 = all */
	Held	   *held;			/* records that wait for their turn, or NULL */
	StringInfoData key;			/* of the record at hand */
	bool		begun;
	int64		foreign;		/* not asked for ... */
	int64		given;			/* ... and those that were */
	Span	   *span;			/* NULL: no span of time */
	Pages	   *pages;			/* NULL: no pages */
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

static void
begin_span(Walk *walk, OgLengths *lengths)
{
	const OgFields *arguments = walk->read->arguments;
	const OgSpan *plan = walk->operation->span;
	int64		from_ms = number_of(arguments, "from_time", -1);

	walk->time = og_column(walk->operation->columns, plan->time);
	walk->to_ms = number_of(arguments, "to_time", -1);
	walk->wanted = number_of(arguments, "count", -1);
	if (from_ms >= 0)
		walk->span = og_span_begin(walk->operation, lengths, from_ms,
								   Max(walk->to_ms, from_ms),
								   og_span_window(plan, arguments));
	if (plan->newest_first || (walk->span != NULL && walk->wanted >= 0))
		walk->held = og_held_begin(walk->operation->columns);
}

/* Begin a read, in the current context. */
Walk *
og_walk_begin(const OgRead *read, OgLengths *lengths)
{
	const OgOperation *operation = read->operation;
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->read = read;
	walk->operation = operation;
	for (int i = 0; i < read->arguments->count; i++)
		og_fields_add(&walk->arguments, read->arguments->items[i].name,
					  read->arguments->items[i].value);
	walk->asked = og_asked_begin(operation, read->arguments);
	walk->time = -1;
	walk->to_ms = walk->wanted = -1;
	initStringInfo(&walk->key);
	if (operation->span != NULL)
		begin_span(walk, lengths);
	if (operation->pages != NULL)
		walk->pages = og_pages_begin(read);
	return walk;
}

const OgFields *
og_walk_arguments(const Walk *walk)
{
	return &walk->arguments;
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

/* ---------- spans ---------- */

static bool
next_of_span(Walk *walk)
{
	int64		kept = walk->held != NULL ? og_held_count(walk->held) : 0;
	const SpanRequest *request = og_span_next(walk->span, walk->wanted, kept);

	if (request == NULL || og_span_enters(walk->span))
		release(walk);
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

static bool
next_page(Walk *walk)
{
	int			page = og_pages_next(walk->pages, walk->given, walk->foreign);

	if (page > 0)
		set_number(walk, walk->operation->pages->argument, walk->page_text,
				   page);
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
	const OgColumn *columns = walk->operation->columns;
	const char *const *id = walk->operation->id;

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

static void
hold(Walk *walk, const OgRecord *record, const int64 *ms)
{
	og_held_add(walk->held, ms, record);
	if (walk->wanted >= 0 &&
		og_held_count(walk->held) > 2 * walk->wanted + KEPT_BESIDES)
		og_held_prune(walk->held, walk->wanted);
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
	const OgColumn *columns = walk->operation->columns;
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
		hold(walk, record, ms);
	else
		walk->read->take(walk->read->owner, record);
}

int64
og_walk_foreign(const Walk *walk)
{
	return walk->foreign;
}

bool
og_walk_missed(const Walk *walk)
{
	return walk->operation->one && walk->given == 0 && walk->foreign > 0;
}

void
og_walk_again(Walk *walk)
{
	walk->foreign = walk->given = 0;
}

const char *
og_walk_flaw(const Walk *walk, const char **hint)
{
	if (walk->span != NULL)
	{
		*hint = "Ask for another stretch of time, or for one order.";
		return og_span_flaw(walk->span);
	}
	*hint = "Ask again when fewer orders come and go, or ask for single orders.";
	return walk->pages != NULL ? og_pages_flaw(walk->pages) : NULL;
}

const char *
og_walk_doubt(const Walk *walk)
{
	if (walk->span != NULL)
		return og_span_doubt(walk->span);
	return walk->pages != NULL ? og_pages_doubt(walk->pages) : NULL;
}
