/*-------------------------------------------------------------------------
 *
 * provider_btse_body.c
 *		The JSON bodies of BTSE's acts.
 *
 * Amounts are JSON numbers, with the digits that they were given with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/* Add a member; false when the value is not of its kind, or memory ran out. */
static bool
add_member(cJSON *body, const char *name, BtseKind kind, const char *value)
{
	switch (kind)
	{
		case BTSE_STRING:
			return cJSON_AddStringToObject(body, name, value) != NULL;
		case BTSE_NUMBER:
			return og_json_is_number(value) &&
				cJSON_AddRawToObject(body, name, value) != NULL;
		case BTSE_BOOLEAN:
			if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
				return false;
			return cJSON_AddBoolToObject(body, name,
										 value[0] == 't') != NULL;
	}
	return false;
}

bool
og_btse_build_body(OgRequest *request, OgMethod method, const char *path,
				   const OgBatch *batch, const char *key_name,
				   BtseKind key_kind, const BtseMember *members)
{
	char	   *key = pnstrdup(batch->keys[0].data, batch->keys[0].len);
	cJSON	   *body = cJSON_CreateObject();
	bool		added = add_member(body, key_name, key_kind, key);

	for (; members->argument != NULL && added; members++)
	{
		const char *value = og_fields_get(batch->arguments,
										  members->argument);

		if (value != NULL)
			added = add_member(body, members->name, members->kind, value);
	}
	pfree(key);
	if (!added)
	{
		cJSON_Delete(body);
		return false;
	}

	request->method = method;
	request->path = path;
	og_fields_add(&request->headers, "Content-Type", "application/json");
	return og_json_append(&request->body, body);
}
