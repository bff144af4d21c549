/*-------------------------------------------------------------------------
 *
 * gateway_asked.c
 *		Is a record what was asked for?
 *
 * Whoever asks for an order, or for a market, must not be told of another one
 * under its name, however a provider comes to answer with it.  What each
 * argument promises of the records is said in the provider's table; here it is
 * kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "gateway/gateway_walk.h"

/* The most demands of one operation. */
#define MAX_DEMANDS	8

typedef struct Applied
{
	const OgParameter *demand;
	int			column;
	OgSlice		wanted;
} Applied;

struct Asked
{
	Applied		applied[MAX_DEMANDS];
	int			count;
	int			side;			/* column, or -1 */
};

/* Does it apply to these arguments? */
static bool
applies(const OgParameter *demand, const OgFields *arguments)
{
	const char *flag = demand->only_if == NULL ? "true"
		: og_fields_get(arguments, demand->only_if);

	return demand->column != NULL &&
		og_fields_get(arguments, demand->argument) != NULL &&
		(demand->unless == NULL ||
		 og_fields_get(arguments, demand->unless) == NULL) &&
		flag != NULL && strcmp(flag, "true") == 0;
}

Asked *
og_asked_begin(const OgOperation *operation, const OgFields *arguments)
{
	Asked	   *asked = palloc0(sizeof(Asked));

	for (const OgParameter *demand = operation->parameters;
		 demand != NULL && demand->name != NULL; demand++)
	{
		if (!applies(demand, arguments))
			continue;
		Assert(asked->count < MAX_DEMANDS);
		asked->applied[asked->count++] = (Applied)
		{
			demand, og_column(operation->columns, demand->column),
				og_slice_of(og_fields_get(arguments, demand->argument))
		};
	}
	asked->side = operation->columns == NULL ? -1
		: og_column(operation->columns, "side");
	return asked;
}

static bool
is_at_most(OgSlice value, OgSlice most)
{
	int64		number;

	return !og_json_integer(value, &number) ||
		number <= strtoll(most.data, NULL, 10);
}

/*
 * A record without an id is about no order at all.  What is no word says
 * nothing of a market, as where a provider's records have no field for it.
 */
static bool
meets(OgSlice value, const Applied *applied)
{
	switch (applied->demand->sameness)
	{
		case OG_SAME_ID:
			return og_names(value, applied->wanted);
		case OG_SAME_WORD:
			return og_json_kind(value) != OG_JSON_STRING ||
				!og_is_id(value) ||
				og_says_in_any_case(value, applied->wanted);
		case OG_AT_MOST:
			return is_at_most(value, applied->wanted);
	}
	return false;
}

bool
og_asked_for(const Asked *asked, const OgSlice *values)
{
	for (int i = 0; i < asked->count; i++)
	{
		const Applied *applied = &asked->applied[i];

		if (applied->demand->side != NULL &&
			!og_says(values[asked->side], applied->demand->side))
			continue;
		if (!meets(values[applied->column], applied))
			return false;
	}
	return true;
}
