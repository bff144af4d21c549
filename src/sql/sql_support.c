/*-------------------------------------------------------------------------
 *
 * sql_support.c
 *		What the planner may know about our functions: how many rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

/* This header of the server declares arguments the old way. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "nodes/nodeFuncs.h"
#pragma GCC diagnostic pop
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(order_gateway_support);

/* How many elements an array expression has, or -1 where nobody knows. */
static double
length_of_array(Node *array)
{
	if (IsA(array, Const))
	{
		Const	   *constant = (Const *) array;
		ArrayType  *value;

		if (constant->constisnull)
			return 0;
		value = DatumGetArrayTypeP(constant->constvalue);
		return ArrayGetNItems(ARR_NDIM(value), ARR_DIMS(value));
	}
	if (IsA(array, ArrayExpr) && !((ArrayExpr *) array)->multidims)
		return list_length(((ArrayExpr *) array)->elements);
	return -1;
}

/* The first argument that is an array: every function of ours has one. */
static Node *
array_argument(List *args)
{
	ListCell   *cell;

	foreach(cell, args)
		if (OidIsValid(get_base_element_type(exprType(lfirst(cell)))))
			return lfirst(cell);
	return NULL;
}

/* order_gateway_support(internal): one row per id. */
Datum
order_gateway_support(PG_FUNCTION_ARGS)
{
	SupportRequestRows *request = (SupportRequestRows *) PG_GETARG_POINTER(0);
	Node	   *array;
	double		length;

	if (!IsA(request, SupportRequestRows) || !is_funcclause(request->node))
		PG_RETURN_POINTER(NULL);

	array = array_argument(((FuncExpr *) request->node)->args);
	if (array == NULL)
		PG_RETURN_POINTER(NULL);
	array = estimate_expression_value(request->root, array);
	length = length_of_array(array);
	if (length < 0)
		PG_RETURN_POINTER(NULL);
	request->rows = length;
	PG_RETURN_POINTER(request);
}
