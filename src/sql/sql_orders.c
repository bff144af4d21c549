/*-------------------------------------------------------------------------
 *
 * sql_orders.c
 *		Many new orders, out of one jsonb.
 *
 * Each is an object of the arguments that a single order takes, by their
 * names.  jsonb keeps numbers as numeric, so amounts are exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "ground/list.h"
#include "sql/sql_function.h"

/* Names of all parameters, for a hint. */
static char *
list_names(const SqlParameter *parameters)
{
	StringInfoData list;

	initStringInfo(&list);
	for (; parameters->name != NULL; parameters++)
		og_list_add(&list, "\"%s\"", parameters->name);
	return list.data;
}

static const SqlParameter *
find_parameter(const SqlGiven *given, const SqlParameter *parameters,
			   const JsonbValue *name)
{
	for (const SqlParameter *parameter = parameters; parameter->name != NULL;
		 parameter++)
	{
		if (strlen(parameter->name) == name->val.string.len &&
			memcmp(parameter->name, name->val.string.val,
				   name->val.string.len) == 0)
			return parameter;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the order at position %d has an unknown member \"%.*s\"",
					given->position,
					pg_mbcliplen(name->val.string.val, name->val.string.len,
								 NAMEDATALEN),
					name->val.string.val),
			 errhint("An order has %s.", list_names(parameters))));
	return NULL;				/* not reached */
}

/* The members of one order, as arguments. */
static void
take_members(SqlGiven *given, const SqlParameter *parameters,
			 JsonbContainer *order)
{
	JsonbIterator *iterator = JsonbIteratorInit(order);
	JsonbValue	value;
	JsonbIteratorToken token;
	const SqlParameter *parameter = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			parameter = find_parameter(given, parameters, &value);
		else if (token == WJB_VALUE)
			og_argument_take_json(given, parameter, &value);
	}
	for (parameter = parameters; parameter->name; parameter++)
	{
		if (og_fields_get(&given->fields, parameter->name) == NULL)
			og_argument_take_null(given, parameter);
	}
}

/* Check an order, and keep it. */
static void
add_order(OgKeys *keys, OgFields *arguments, const SqlFunction *single,
		  const JsonbValue *value, int position)
{
	SqlGiven	given = {single->provider, position};
	const char *id;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the order at position %d is not a JSON object",
						position)));
	take_members(&given, single->parameters, value->val.binary.data);
	single->complete(&given);
	id = og_fields_get(&given.fields, single->key);
	(void) og_keys_add(keys, og_slice_of(id));
	if (keys->nkeys != position)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s stands at an earlier position as well",
						og_argument_subject(&given, single->key)),
				 errhint("Give each order an id of its own, or none, to have one made.")));
	arguments[position - 1] = given.fields;
}

/* All of them, one after the other. */
static void
add_orders(OgKeys *keys, const SqlFunction *single, Jsonb *orders)
{
	OgFields   *arguments =
		palloc0(Max(JB_ROOT_COUNT(orders), 1) * sizeof(OgFields));
	JsonbIterator *iterator = JsonbIteratorInit(&orders->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			position = 0;

	keys->arguments = arguments;
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_ELEM)
			add_order(keys, arguments, single, &value, ++position);
	}
}

void
og_orders_take(SqlGiven *given, const SqlParameter *parameter, Jsonb *orders)
{
	given->orders = og_keys_create();
	if (orders != NULL)
	{
		if (!JB_ROOT_IS_ARRAY(orders) || JB_ROOT_IS_SCALAR(orders))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s is not a JSON array",
							og_argument_subject(given, parameter->name)),
					 errhint("Give an array of objects, such as jsonb_agg(to_jsonb(o)).")));
		add_orders(given->orders, parameter->single, orders);
	}
	og_keys_finish(given->orders);
}
