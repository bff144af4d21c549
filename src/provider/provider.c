/*-------------------------------------------------------------------------
 *
 * provider.c
 *		The list of providers, and what their files share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider.h"

/* Characters of a message that are looked through for words. */
#define LONGEST_MENTION	1000

/* A Unix time from here on is one in milliseconds, whatever it is said to be. */
#define FIRST_MS		INT64CONST(100000000000)

/* One further from 1970, in ms, is no time: that is the year 287167. */
#define LAST_MS			INT64CONST(9000000000000000)

/* Larger numbers are refused as being too large, whatever their unit. */
#define MAX_NUMBER		INT64CONST(1000000000)

const OgProvider *const og_providers[] = {
	&og_xt,
	&og_tronsave,
	&og_btse,
	&og_wangdian,
	NULL
};

const OgOperation *
og_provider_operation(const OgProvider *provider, const char *name)
{
	for (int i = 0; i < OG_MAX_TABLES && provider->operations[i]; i++)
	{
		for (const OgOperation *operation = provider->operations[i];
			 operation->name != NULL; operation++)
		{
			if (strcmp(operation->name, name) == 0)
				return operation;
		}
	}
	return NULL;
}

/* Values of order_outcome; OG_TOO_FREQUENT is shown as what it ends as. */
const char *
og_verdict_name(OgVerdict verdict)
{
	switch (verdict)
	{
		case OG_CANCELLED:
			return "cancelled";
		case OG_ACCEPTED:
			return "accepted";
		case OG_NOT_FOUND:
			return "not_found";
		case OG_NOT_CANCELLABLE:
			return "not_cancellable";
		case OG_REJECTED:
		case OG_TOO_FREQUENT:
			return "rejected";
		case OG_NOT_SENT:
			return "not_sent";
		case OG_UNKNOWN:
			break;
	}
	return "unknown";
}

/*
 * ----
 * What the files of the providers share
 * ----
 */

bool
og_says(OgSlice value, const char *text)
{
	OgJsonKind	kind = og_json_kind(value);

	return (kind == OG_JSON_STRING || kind == OG_JSON_NUMBER) &&
		og_json_equals(value, text);
}

bool
og_is_id(OgSlice value)
{
	OgJsonKind	kind = og_json_kind(value);

	return kind == OG_JSON_NUMBER ||
		(kind == OG_JSON_STRING && value.len > strlen("\"\""));
}

bool
og_names(OgSlice value, OgSlice key)
{
	OgJsonKind	kind = og_json_kind(value);

	return (kind == OG_JSON_STRING || kind == OG_JSON_NUMBER) &&
		og_json_compare(value, key) == 0;
}

bool
og_says_in_any_case(OgSlice value, OgSlice text)
{
	OgSlice		plain;
	char	   *said;
	bool		same;

	if (og_json_kind(value) != OG_JSON_STRING)
		return false;
	if (og_json_plain(value, &plain))
		return plain.len == text.len &&
			pg_strncasecmp(plain.data, text.data, text.len) == 0;
	said = og_json_text(value, (int) text.len + 1);
	same = strlen(said) == text.len &&
		pg_strncasecmp(said, text.data, text.len) == 0;
	pfree(said);
	return same;
}

OgVerdict
og_meaning(const OgMeaning *meanings, OgSlice value)
{
	while (meanings->text != NULL && !og_says(value, meanings->text))
		meanings++;
	return meanings->verdict;
}

bool
og_mentions(OgSlice value, const char *const *words, int count)
{
	char	   *text;
	bool		found = false;

	if (og_json_kind(value) != OG_JSON_STRING)
		return false;
	text = og_json_text(value, LONGEST_MENTION);
	for (int i = 0; i < count && !found; i++)
	{
		size_t		len = strlen(words[i]);

		for (const char *c = text; *c != '\0' && !found; c++)
			found = pg_strncasecmp(c, words[i], len) == 0;
	}
	pfree(text);
	return found;
}

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

void
og_take_by_id(OgReading *reading, OgSlice id, const OgResult *result)
{
	OgJsonKind	kind = og_json_kind(id);

	if (kind == OG_JSON_STRING || kind == OG_JSON_NUMBER)
		reading->take(reading, reading->find(reading, id), result);
}

OgSlice
og_first_given(const OgSlice *values, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (og_json_kind(values[i]) > OG_JSON_NULL)
			return values[i];
	}
	return og_slice(NULL, 0);
}

void
og_build_get(OgRequest *request, const char *path, const OgBatch *batch,
			 const OgParameter *parameters)
{
	request->method = OG_GET;
	request->path = path;
	for (; parameters != NULL && parameters->argument != NULL; parameters++)
	{
		const char *value = og_fields_get(batch->arguments,
										  parameters->argument);

		if (value != NULL)
			og_fields_add(&request->query, parameters->name, value);
	}
}

bool
og_build_request(const OgOperation *operation, OgRequest *request,
				 const OgBatch *batch)
{
	if (operation->build != NULL)
		return operation->build(request, batch);
	og_build_get(request, operation->path, batch, operation->parameters);
	return true;
}

cJSON *
og_batch_json(const OgBatch *batch)
{
	size_t		longest = 0;
	char	   *text;
	cJSON	   *array;

	/* cJSON wants NUL-terminated text: one copy at a time is enough. */
	for (int i = 0; i < batch->nkeys; i++)
		longest = Max(longest, batch->keys[i].len);
	text = palloc(longest + 1);

	array = cJSON_CreateArray();
	for (int i = 0; i < batch->nkeys && array != NULL; i++)
	{
		cJSON	   *key;

		memcpy(text, batch->keys[i].data, batch->keys[i].len);
		text[batch->keys[i].len] = '\0';
		key = cJSON_CreateString(text);
		if (!cJSON_AddItemToArray(array, key))
		{
			cJSON_Delete(key);
			cJSON_Delete(array);
			array = NULL;
		}
	}
	pfree(text);
	return array;
}

void
og_append_number_array(StringInfo out, const OgBatch *batch)
{
	for (int i = 0; i < batch->nkeys; i++)
	{
		appendStringInfoChar(out, i == 0 ? '[' : ',');
		appendBinaryStringInfo(out, batch->keys[i].data,
							   (int) batch->keys[i].len);
	}
	appendStringInfoString(out, batch->nkeys == 0 ? "[]" : "]");
}

/*
 * ----
 * Records
 * ----
 */

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

/* Of all columns' fields, and of the member with the key. */
#define MAX_NAMES	(OG_MAX_COLUMNS * OG_MAX_ALIASES + 1)

/* Shapes whose lookups are kept. */
#define LOOKUPS_KEPT	4

/*
 * All different names of all columns' fields, to be picked in one walk, and
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

/*
 * Each field's own name comes first, and those that several columns have are
 * added where they are not there yet.
 */
static void
list_names(Lookup *lookup, const OgColumn *columns)
{
	lookup->columns = columns;
	lookup->count = 0;
	for (int c = 0; columns[c].name != NULL; c++)
	{
		lookup->places[c][0] = columns[c].fields[0] ? lookup->count : -1;
		if (columns[c].fields[0] != NULL)
			lookup->names[lookup->count++] = columns[c].fields[0];
	}
	for (int c = 0; columns[c].name != NULL; c++)
	{
		for (int i = 1; i < OG_MAX_ALIASES; i++)
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
		for (int i = 0; i < OG_MAX_ALIASES && places[i] >= 0 &&
			 values[c].data == NULL; i++)
			values[c] = og_first_given(&picked[places[i]], 1);
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

const char *
og_order_state_name(OgOrderState state)
{
	switch (state)
	{
		case OG_ORDER_OPEN:
			return "open";
		case OG_ORDER_PARTLY_FILLED:
			return "partly_filled";
		case OG_ORDER_FILLED:
			return "filled";
		case OG_ORDER_CANCELLED:
			return "cancelled";
		case OG_ORDER_GONE:
			return "gone";
		case OG_ORDER_UNKNOWN:
			break;
	}
	return "unknown";
}

/* Its sign, and any digit but zero before an exponent, decide. */
bool
og_is_positive(OgSlice value)
{
	OgJsonKind	kind = og_json_kind(value);

	if (kind != OG_JSON_NUMBER && kind != OG_JSON_STRING)
		return false;
	for (size_t i = kind == OG_JSON_STRING ? 1 : 0; i < value.len; i++)
	{
		char		c = value.data[i];

		if (c >= '1' && c <= '9')
			return true;
		if (c != '0' && c != '.')
			return false;
	}
	return false;
}
