/*-------------------------------------------------------------------------
 *
 * provider_request.c
 *		The request for a batch, by what an operation says of it; and which key
 *		of the batch an answer means.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "provider/provider.h"

/* ---------- what a batch says ---------- */

const char *
og_batch_key(const OgBatch *batch)
{
	OgSlice		key;

	if (batch->nkeys != 1)
		return NULL;
	key = batch->keys[0];
	if (key.len == 0 || (unsigned char) key.data[0] <= ' ' ||
		(unsigned char) key.data[key.len - 1] <= ' ')
		return NULL;
	return pnstrdup(key.data, key.len);
}

bool
og_batch_says(const OgBatch *batch, const char *argument, const char *value)
{
	const char *given = og_fields_get(batch->arguments, argument);

	return given != NULL && strcmp(given, value) == 0;
}

int64
og_span_window(const OgSpan *span, const OgFields *arguments)
{
	const char *times = span->times == NULL ? NULL
		: og_fields_get(arguments, span->times);

	return span->window_ms * (times != NULL ? strtol(times, NULL, 10) : 1);
}

cJSON *
og_batch_json(const OgBatch *batch)
{
	cJSON	   *array = cJSON_CreateArray();

	for (int i = 0; i < batch->nkeys && array != NULL; i++)
	{
		char	   *text = pnstrdup(batch->keys[i].data, batch->keys[i].len);
		cJSON	   *key = cJSON_CreateString(text);

		pfree(text);
		if (cJSON_AddItemToArray(array, key))
			continue;
		cJSON_Delete(key);
		cJSON_Delete(array);
		array = NULL;
	}
	return array;
}

/* ---------- requests ---------- */

bool
og_add_json(OgRequest *request, const char *before, cJSON *tree,
			const char *behind)
{
	bool		added;

	og_fields_add(&request->headers, "Content-Type", "application/json");
	appendStringInfoString(&request->body, before);
	added = og_json_append(&request->body, tree);
	appendStringInfoString(&request->body, behind);
	return added;
}

/* What a parameter says; NULL if it is not given. */
static const char *
value_of(const OgBatch *batch, const OgParameter *parameter)
{
	if (parameter->argument == NULL)
		return parameter->always;
	return strcmp(parameter->argument, OG_KEY) == 0 ? og_batch_key(batch)
		: og_fields_get(batch->arguments, parameter->argument);
}

/* Add a member; false when the value is not of its kind, or memory ran out. */
static bool
add_member(cJSON *body, const OgParameter *parameter, const char *value)
{
	const char *name = parameter->name;

	switch (parameter->kind)
	{
		case OG_IN_QUERY:
		case OG_ANSWER_ONLY:
			break;
		case OG_BODY_TEXT:
			return cJSON_AddStringToObject(body, name, value) != NULL;
		case OG_BODY_NUMBER:
			return og_json_is_number(value) &&
				cJSON_AddRawToObject(body, name, value) != NULL;
		case OG_BODY_BOOLEAN:
			if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
				return false;
			return cJSON_AddBoolToObject(body, name, value[0] == 't') != NULL;
	}
	return false;
}

bool
og_add_parameters(OgRequest *request, const OgBatch *batch,
				  const OgParameter *parameters)
{
	cJSON	   *body = NULL;
	bool		added = true;

	for (; parameters->name != NULL && added; parameters++)
	{
		const char *value = value_of(batch, parameters);

		if (parameters->kind == OG_ANSWER_ONLY)
			continue;
		if (value == NULL)
			added = !parameters->required;
		else if (parameters->kind == OG_IN_QUERY)
			og_fields_add(&request->query, parameters->name, value);
		else
		{
			if (body == NULL)
				body = cJSON_CreateObject();
			added = add_member(body, parameters, value);
		}
	}
	if (added)
		return body == NULL || og_add_json(request, "", body, "");
	cJSON_Delete(body);
	return false;
}

bool
og_build_request(const OgOperation *operation, OgRequest *request,
				 const OgBatch *batch)
{
	if (batch->nkeys > operation->batch_max ||
		(batch->nkeys == 0 && operation->kind == OG_ACT))
		return false;
	request->method = operation->method;
	request->path = operation->path;
	return (operation->parameters == NULL ||
			og_add_parameters(request, batch, operation->parameters)) &&
		(operation->build == NULL || operation->build(request, batch));
}

/* ---------- keys ---------- */

static int
compare_keys(const void *a, const void *b)
{
	return og_slice_compare(**(const OgSlice *const *) a,
							**(const OgSlice *const *) b);
}

static int
compare_id(const void *id, const void *key)
{
	return og_json_compare(*(const OgSlice *) id,
						   **(const OgSlice *const *) key);
}

static const OgSlice **
sort_keys(const OgBatch *batch)
{
	const OgSlice **sorted = palloc(batch->nkeys * sizeof(OgSlice *));

	for (int i = 0; i < batch->nkeys; i++)
		sorted[i] = &batch->keys[i];
	qsort(sorted, batch->nkeys, sizeof(OgSlice *), compare_keys);
	return sorted;
}

/* Answers mostly come in the order of the question: try the next key first. */
int
og_key_find(OgKeyIndex *index, OgSlice id)
{
	const OgBatch *batch = index->batch;
	OgJsonKind	kind = og_json_kind(id);
	const OgSlice *const *found;

	CHECK_FOR_INTERRUPTS();
	if (batch->nkeys == 0 ||
		(kind != OG_JSON_STRING && kind != OG_JSON_NUMBER))
		return -1;
	if (index->next < batch->nkeys &&
		og_json_compare(id, batch->keys[index->next]) == 0)
		return index->next++;

	if (index->sorted == NULL)
		index->sorted = sort_keys(batch);
	found = bsearch(&id, index->sorted, batch->nkeys, sizeof(OgSlice *),
					compare_id);
	if (found == NULL)
		return -1;
	index->next = *found - batch->keys + 1;
	return index->next - 1;
}
