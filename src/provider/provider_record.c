/*-------------------------------------------------------------------------
 *
 * provider_record.c
 *		Records: the columns of what is answered, and times.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider_record.h"

/* A Unix time from here on is one in milliseconds, whatever it is said to be. */
#define FIRST_MS		INT64CONST(100000000000)

/* One further from 1970, in ms, is no time: that is the year 287167. */
#define LAST_MS			INT64CONST(9000000000000000)

const char *
og_code_name(const OgCode *codes, int64 code)
{
	while (codes->name != NULL && codes->code != code)
		codes++;
	return codes->name;
}

int
og_column(const OgColumn *columns, const char *name)
{
	for (int i = 0; columns[i].name != NULL; i++)
	{
		if (strcmp(columns[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* ---------- columns ---------- */

/* Of all columns' fields, and of the member with the key. */
#define MAX_NAMES	(OG_MAX_COLUMNS * OG_MAX_ALIASES + 1)

/* Shapes whose lookups are kept. */
#define LOOKUPS_KEPT	4

/*
 * All different names of all columns' fields, to be picked in one pass, and
 * where each column then finds the fields that it may have.
 */
typedef struct Lookup
{
	const OgColumn *columns;
	const char *names[MAX_NAMES];
	int			count;
	int			places[OG_MAX_COLUMNS][OG_MAX_ALIASES]; /* -1 = no such field */
} Lookup;

/* The place of a name, which is added if it is not there yet. */
static int
add_name(Lookup *lookup, const char *name)
{
	int			i = 0;

	while (i < lookup->count && (*lookup->names[i] != *name ||
								 strcmp(lookup->names[i], name) != 0))
		i++;
	if (i == lookup->count)
		lookup->names[lookup->count++] = name;
	return i;
}

static void
list_names(Lookup *lookup, const OgColumn *columns)
{
	lookup->columns = columns;
	lookup->count = 0;
	for (int c = 0; columns[c].name != NULL; c++)
	{
		for (int i = 0; i < OG_MAX_ALIASES; i++)
		{
			const char *name = columns[c].fields[i];

			lookup->places[c][i] = name ? add_name(lookup, name) : -1;
		}
	}
}

/*
 * The lookup of a shape, valid until the next one is asked for.  It follows
 * from a constant table and is kept: acts have an answer for each order.
 */
static const Lookup *
lookup_of(const OgColumn *columns)
{
	static Lookup kept[LOOKUPS_KEPT];
	static int	oldest = 0;
	Lookup	   *lookup;

	for (int i = 0; i < LOOKUPS_KEPT; i++)
	{
		if (kept[i].columns == columns)
			return &kept[i];
	}
	lookup = &kept[oldest];
	oldest = (oldest + 1) % LOOKUPS_KEPT;
	list_names(lookup, columns);
	return lookup;
}

/* Each column has the first of its fields that is given. */
static void
spread(const Lookup *lookup, const OgSlice *picked, OgSlice *values)
{
	for (int c = 0; lookup->columns[c].name != NULL; c++)
	{
		const int  *places = lookup->places[c];

		values[c] = og_slice(NULL, 0);
		for (int i = 0; i < OG_MAX_ALIASES && places[i] >= 0; i++)
		{
			OgSlice		value = picked[places[i]];

			if (og_json_kind(value) <= OG_JSON_NULL)
				continue;
			values[c] = value;
			break;
		}
	}
}

void
og_pick_columns(const OgColumn *columns, OgSlice object, OgSlice *values)
{
	const Lookup *lookup = lookup_of(columns);
	OgSlice		picked[MAX_NAMES];

	og_json_pick(object, lookup->names, picked, lookup->count);
	spread(lookup, picked, values);
}

/* ---------- taking records ---------- */

/* Take each object of a list; "id" is the member with its key, or NULL. */
static void
take_list(OgRecords *records, OgSlice list, const char *id)
{
	OgReading  *reading = &records->reading;
	Lookup		lookup = *lookup_of(records->columns);
	int			id_place = id != NULL ? add_name(&lookup, id) : -1;
	OgSlice		picked[MAX_NAMES];
	OgSlice		values[OG_MAX_COLUMNS];
	OgJsonPicker picker;
	OgSlice		element;

	reading->envelope = OG_ENVELOPE_SILENT;
	if (og_json_kind(list) != OG_JSON_ARRAY)
	{
		reading->note = "has no list where one is due";
		return;
	}
	og_json_pick_open(&picker, list, lookup.names, lookup.count);
	while (og_json_pick_next(&picker, &element, picked))
	{
		if (og_json_kind(element) != OG_JSON_OBJECT)
		{
			reading->note = "has an element that is not an object";
			return;
		}
		if (id_place >= 0)
			records->key = reading->find(reading, picked[id_place]);
		spread(&lookup, picked, values);
		records->take(records, values, element);
	}
	reading->envelope = OG_ENVELOPE_SUCCESS;
}

void
og_take_objects(OgRecords *records, OgSlice value)
{
	OgSlice		values[OG_MAX_COLUMNS];

	if (og_json_kind(value) == OG_JSON_OBJECT)
	{
		records->reading.envelope = OG_ENVELOPE_SUCCESS;
		og_pick_columns(records->columns, value, values);
		records->take(records, values, value);
	}
	else
		take_list(records, value, NULL);
}

void
og_take_known_objects(OgRecords *records, OgSlice list, const char *id)
{
	take_list(records, list, id);
}

/* ---------- times ---------- */

bool
og_time_ms(OgColumnType type, OgSlice value, int64 *ms)
{
	if (!og_json_integer(value, ms) || *ms == 0 ||
		*ms < -LAST_MS || *ms > LAST_MS)
		return false;
	if (type == OG_TIME_S && *ms > -FIRST_MS && *ms < FIRST_MS)
		*ms *= 1000;
	return true;
}

/* Some tell it in seconds, and not all document in what. */
void
og_take_time(OgReading *reading, OgSlice value)
{
	int64		number;
	int64		ms;

	if (!og_time_ms(OG_TIME_S, value, &ms) || ms < 0)
	{
		reading->envelope = OG_ENVELOPE_SILENT;
		reading->note = OG_NO_TIME;
		return;
	}
	(void) og_json_integer(value, &number);
	reading->envelope = OG_ENVELOPE_SUCCESS;
	reading->time_ms = ms;
	reading->time_unit_ms = ms == number ? 1 : 1000;
}
