/*-------------------------------------------------------------------------
 *
 * provider.c
 *		Operations of providers, and the requests that are made for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider.h"

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
