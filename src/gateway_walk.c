/*-------------------------------------------------------------------------
 *
 * gateway_walk.c
 *		The requests of a read that takes several, so that it answers all.
 *
 * Over time, a walk goes from the newest to the oldest, window by window, as
 * long as a provider answers at once.  How many records that is at most is not
 * always documented; so, after an answer, what is as old as the oldest of its
 * records or older is asked for, until nothing new comes.  What two answers
 * both have can only be as old as that, so that the ids of those records are
 * all that has to be remembered.
 *
 * A record whose time or id cannot be read cannot be told from a repeated one:
 * then a window is asked for once.
 *
 * From page to page, all ids are remembered: what comes or goes in between
 * moves others from one page to the next.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "gateway_internal.h"

/* Longest id that is remembered. */
#define MAX_SEEN_ID	128

/* Room for any number. */
#define NUMBER_SIZE	24

struct Walk
{
	MemoryContext context;
	const OgOperation *operation;
	OgFields	arguments;
	char		from_text[NUMBER_SIZE];
	char		to_text[NUMBER_SIZE];
	char		count_text[NUMBER_SIZE];
	int			id;				/* columns, or -1 */
	int			time;
	bool		over_time;
	bool		begun;

	int64		first;			/* all that is asked for, in ms ... */
	int64		window;			/* ... in windows of this length ... */
	int64		start;			/* ... of which this is asked for now */
	int64		end;
	int64		wanted;			/* records at most, -1 = all */

	int64		oldest;			/* of the records of this answer */
	bool		blind;			/* one of them has no time or no id */
	int			count;			/* of them ... */
	int			fresh;			/* ... and those not seen before */
	OgKeys	   *seen;			/* ids that may come again; NULL = none */
	OgKeys	   *boundary;		/* those of the oldest records */
};

/* An argument that is a number, or what stands for none. */
static int64
number_of(const OgFields *arguments, const char *name, int64 otherwise)
{
	const char *text = og_fields_get(arguments, name);

	return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

static int
column_of(const OgOperation *operation, const char *name)
{
	return name != NULL ? og_column(operation->columns, name) : -1;
}

static OgKeys *
new_keys(Walk *walk)
{
	MemoryContext old = MemoryContextSwitchTo(walk->context);
	OgKeys	   *keys = og_keys_create();

	MemoryContextSwitchTo(old);
	return keys;
}

static void
free_keys(OgKeys *keys)
{
	if (keys != NULL)
		MemoryContextDelete(keys->context);
}

static void
set_number(Walk *walk, const char *name, char *text, int64 number)
{
	snprintf(text, NUMBER_SIZE, INT64_FORMAT, number);
	og_fields_set(&walk->arguments, name, text);
}

/* The next window is the one before "end". */
static void
set_window(Walk *walk, int64 end)
{
	walk->end = end;
	walk->start = Max(walk->first, end - walk->window);
	free_keys(walk->seen);
	walk->seen = NULL;
}

/* Begin a read with these arguments, in the current context. */
Walk *
og_walk_begin(const OgOperation *operation, const OgFields *arguments)
{
	const OgWalk *plan = operation->walk;
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->context = CurrentMemoryContext;
	walk->operation = operation;
	for (int i = 0; i < arguments->count; i++)
		og_fields_add(&walk->arguments, arguments->items[i].name,
					  arguments->items[i].value);
	walk->id = column_of(operation, operation->id);
	walk->time = column_of(operation, plan ? plan->time : NULL);
	walk->over_time = plan != NULL &&
		og_fields_get(arguments, "from_time") != NULL;
	if (walk->over_time)
	{
		walk->first = number_of(arguments, "from_time", 0);
		walk->wanted = number_of(arguments, "count", -1);
		walk->window = plan->window_ms(arguments);
		set_window(walk, number_of(arguments, "to_time", walk->first));
	}
	return walk;
}

const OgFields *
og_walk_arguments(const Walk *walk)
{
	return &walk->arguments;
}

/* Go on to what is older.  False if that is not asked for. */
static bool
step_back(Walk *walk)
{
	bool		more_here = walk->fresh > 0 && !walk->blind &&
		!walk->operation->walk->whole;

	if (walk->wanted == 0)
		return false;
	if (more_here)
	{
		free_keys(walk->seen);
		walk->seen = walk->boundary;
		walk->boundary = NULL;
		walk->end = walk->oldest;
	}
	else if (walk->start <= walk->first)
		return false;
	else
		set_window(walk, walk->start - 1);
	return true;
}

/* Prepare the next request.  False if there is none. */
bool
og_walk_next(Walk *walk)
{
	const OgOperation *operation = walk->operation;
	bool		more = !walk->begun;

	if (walk->over_time)
	{
		more = more || step_back(walk);
		set_number(walk, "from_time", walk->from_text, walk->start);
		set_number(walk, "to_time", walk->to_text, walk->end);
		if (walk->wanted >= 0)
			set_number(walk, "count", walk->count_text, walk->wanted +
					   (walk->seen ? walk->seen->nkeys : 0));
	}
	else if (operation->next != NULL)
		more = (!walk->begun || walk->fresh > 0) &&
			operation->next(&walk->arguments, walk->begun ? walk->count : -1);

	walk->begun = true;
	walk->oldest = PG_INT64_MAX;
	walk->blind = false;
	walk->count = walk->fresh = 0;
	free_keys(walk->boundary);
	walk->boundary = NULL;
	return more;
}

static bool
has_id(const Walk *walk, const OgSlice *values)
{
	return walk->id >= 0 && values[walk->id].len <= MAX_SEEN_ID &&
		og_json_kind(values[walk->id]) > OG_JSON_NULL;
}

/* Remember an id.  False if it was there already. */
static bool
add_id(OgKeys *keys, OgSlice id)
{
	int			known = keys->nkeys;

	og_keys_add(keys, id);
	return keys->nkeys > known;
}

/* The time of a record in ms; false if it has none. */
static bool
time_of(const Walk *walk, const OgSlice *values, int64 *ms)
{
	return walk->time >= 0 &&
		og_time_ms(walk->operation->columns[walk->time].type,
				   values[walk->time], ms);
}

/* Remember a record that may come again in the next answer. */
static void
note_boundary(Walk *walk, int64 ms, OgSlice id)
{
	if (ms < walk->oldest)
	{
		free_keys(walk->boundary);
		walk->boundary = new_keys(walk);
		walk->oldest = ms;
	}
	if (ms == walk->oldest)
		(void) add_id(walk->boundary, id);
}

/* Does a record of the answer belong to what is asked for, for the first time? */
static bool
admits_in_time(Walk *walk, const OgSlice *values)
{
	bool		known = has_id(walk, values);
	int64		ms;

	if (!time_of(walk, values, &ms))
		walk->blind = true;
	else if (ms < walk->start || ms > walk->end)
		return false;
	else if (known)
	{
		note_boundary(walk, ms, values[walk->id]);
		if (ms == walk->end && walk->seen != NULL &&
			!add_id(walk->seen, values[walk->id]))
			return false;
	}
	else
		walk->blind = true;
	if (walk->wanted == 0)
		return false;
	if (walk->wanted > 0)
		walk->wanted--;
	return true;
}

/* Is this record to be handed on? */
bool
og_walk_admits(Walk *walk, const OgSlice *values)
{
	bool		fresh = true;

	walk->count++;
	if (walk->over_time)
		fresh = admits_in_time(walk, values);
	else if (walk->operation->next != NULL && has_id(walk, values))
	{
		if (walk->seen == NULL)
			walk->seen = new_keys(walk);
		fresh = add_id(walk->seen, values[walk->id]);
	}
	walk->fresh += fresh;
	return fresh;
}
