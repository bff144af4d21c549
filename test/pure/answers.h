/*-------------------------------------------------------------------------
 *
 * answers.h
 *		What the orders of a request get from a response, as text.
 *
 * There is one line per key:
 *
 *		outcome|code|message|response
 *
 * with "-" for what there is none of, and one line with a "+" before it for
 * each further order of the same key.  A last line counts elements nobody
 * asked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_ANSWERS_H
#define OG_ANSWERS_H

#include "gateway/gateway_collect.h"

#define MAX_KEYS	8

/* In a server a context frees what these rooms allocate; here nobody does. */
extern const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* JSON is easier to read here with ' for ". */
static inline char *
quoted(const char *text)
{
	char	   *copy = pstrdup(text);

	for (char *c = copy; *c != '\0'; c++)
	{
		if (*c == '\'')
			*c = '"';
	}
	return copy;
}

/* Split keys at spaces. */
static int
split_keys(char *text, OgSlice *keys)
{
	int			nkeys = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		keys[nkeys++] = og_slice_of(word);
	return nkeys;
}

static void
append_outcome(StringInfo out, const OgOutcome *outcome)
{
	appendStringInfo(out, "%s|%s|%s|",
					 outcome->verdict == OG_TOO_FREQUENT ? "too_frequent"
					 : og_verdict_name(outcome->verdict),
					 outcome->code ? outcome->code : "-",
					 outcome->message ? outcome->message : "-");
	if (outcome->response.data != NULL)
		appendBinaryStringInfo(out, outcome->response.data,
							   outcome->response.len);
	else
		appendStringInfoChar(out, '-');
}

static char *
outcomes_text(const OgOperation *operation, const OgBatch *batch,
			  const OgResponse *response)
{
	OgCollected collected;
	StringInfoData out;

	og_collect(&collected, operation, batch, response);
	initStringInfo(&out);
	for (int i = 0; i < batch->nkeys; i++)
	{
		for (const OgOutcome *o = &collected.outcomes[i]; o; o = o->next)
		{
			if (out.len > 0)
				appendStringInfoChar(&out, '\n');
			if (o != &collected.outcomes[i])
				appendStringInfoChar(&out, '+');
			append_outcome(&out, o);
		}
	}
	if (collected.foreign > 0)
		appendStringInfo(&out, "\nforeign %d", collected.foreign);
	return out.data;
}

/*
 * A cancel, of orders of the market B-U.  "by_client" before the keys makes the
 * client order id the key.
 */
static inline char *
collect_text(const OgProvider *provider, const char *keys,
			 const OgResponse *response)
{
	const char *client = "by_client ";
	bool		by_client = strncmp(keys, client, strlen(client)) == 0;
	OgFields	arguments = {0};
	OgSlice		slices[MAX_KEYS];
	OgBatch		batch = {&arguments, slices, 0};

	og_fields_add(&arguments, "by",
				  by_client ? "client_order_id" : "order_id");
	og_fields_add(&arguments, "symbol", "B-U");
	batch.nkeys = split_keys(pstrdup(keys + (by_client ? strlen(client) : 0)),
							 slices);
	return outcomes_text(og_provider_operation(provider, "cancel"), &batch,
						 response);
}

#endif							/* OG_ANSWERS_H */
