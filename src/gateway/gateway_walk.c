/*-------------------------------------------------------------------------
 *
 * gateway_walk.c
 *		The requests of a read, so that it answers all and nothing else.
 *
 * A read is one request, or goes over a span of time (gateway_span.c), or from
 * page to page.
 *
 * What leaves between two pages moves those behind it forward, some of them to
 * a page that was read before.  So pages are read again, until all that one
 * pass told came once more in the next: then nothing had left in the first one
 * after it was told, and what stayed was told by both.  What arrives meanwhile
 * only moves others backward, where they come a second time.  A page of which
 * the provider has no smaller one is the last; no other is, but an empty one.
 *
 * The key of a record is what the columns say that tell it from others; one
 * without them is known by all of its bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "gateway/gateway_walk.h"

/* So often pages are read, until they agree. */
#define MOST_PASSES	8

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
								   operation->span->window_ms(arguments));
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

/* ---------- spans ---------- */

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

/* ---------- pages ---------- */

/* Read from the first page on; what was told so far does not count any more. */
static void
begin_pass(Walk *walk)
{
	if (walk->pass++ > 0)
		walk->read->forget(walk->read->owner);
	if (walk->before != NULL)
		MemoryContextDelete(walk->before->context);
	walk->before = walk->seen;
	walk->nbefore = walk->before != NULL ? walk->before->nkeys : 0;
	walk->seen = og_keys_create();
	walk->again = walk->foreign = walk->given = 0;
	walk->page = 0;
}

/* Was all that the last pass told told again? */
static bool
passes_agree(const Walk *walk)
{
	return walk->before != NULL && walk->again == walk->nbefore;
}

/*
 * Is there no page after the one that was read?  One that tells nothing new is
 * none at all, or the last one once more.
 */
static bool
is_last_page(const Walk *walk)
{
	return walk->count < walk->read->operation->pages->smallest ||
		walk->fresh == 0 || passes_agree(walk);
}

/* After the last page: is it certain that nothing that stayed is missing? */
static bool
is_complete(Walk *walk)
{
	Wholeness  *wholeness = &walk->wholeness;

	if (walk->pass > 1)
		return passes_agree(walk);
	if (walk->page == 1)
		return true;			/* one answer has it all */
	if (walk->page > 2 || walk->count == 0 || walk->fresh > 0)
		return false;

	/* The second page is the first one. */
	if (walk->count >= walk->read->operation->pages->size)
		wholeness->flaw = "does not turn the page";
	else
		wholeness->doubt = "Another page was asked for, and the same one came.";
	return true;
}

static bool
next_page(Walk *walk)
{
	if (walk->pass == 0)
		begin_pass(walk);
	else if (is_last_page(walk))
	{
		if (is_complete(walk))
			return false;
		if (walk->pass == MOST_PASSES)
		{
			walk->wholeness.flaw = psprintf("told other records each time that its pages were read: " INT64_FORMAT " of " INT64_FORMAT " had gone the last time",
											walk->nbefore - walk->again,
											walk->nbefore);
			return false;
		}
		begin_pass(walk);
	}
	walk->count = walk->fresh = 0;
	set_number(walk, walk->read->operation->pages->argument, ++walk->page);
	return true;
}

/*
 * Will another pass tell all of this page?  A first one that has more than a
 * page is not the last, if there is anything new behind its first page.
 */
static bool
is_told_again(const Walk *walk)
{
	return walk->read->operation->pages != NULL && walk->pass == 1 &&
		walk->page > 1;
}

/* Is a record of a page new in this pass? */
static bool
page_admits(Walk *walk, OgSlice key)
{
	bool		fresh = og_keys_add(walk->seen, key);

	walk->count++;
	walk->fresh += fresh;
	if (fresh && walk->before != NULL && !og_keys_add(walk->before, key))
		walk->again++;
	return fresh;
}

/* ---------- the walk ---------- */

bool
og_walk_next(Walk *walk)
{
	bool		first = !walk->begun;

	walk->begun = true;
	if (walk->span != NULL)
		return next_of_span(walk);
	if (walk->read->operation->pages != NULL)
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
	if (walk->read->operation->pages != NULL)
		return page_admits(walk, key_of(walk, record));
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
	else if (!is_told_again(walk))
		walk->read->take(walk->read->owner, record);
}
