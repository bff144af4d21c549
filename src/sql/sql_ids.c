/*-------------------------------------------------------------------------
 *
 * sql_ids.c
 *		The ids of a call, out of an SQL array.
 *
 * An id becomes text exactly as PostgreSQL prints it, so a number is never
 * re-spelled.  Floating point is refused: what such a value prints need not
 * be what was meant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "ground/compat.h"
#include "sql/sql_function.h"

/* The longest id, in bytes. */
#define MAX_ID			128

/* Ids between two checks for interrupts and resets of scratch memory. */
#define IDS_PER_CHECK	1024

/* Can a type hold ids? */
static void
check_type(Oid type, const char *argument)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case UUIDOID:
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("argument \"%s\" is an array of type %s, which cannot hold ids exactly",
					argument, format_type_be(type)),
			 errhint("Use an array of smallint, integer, bigint, numeric, text, varchar, char, name or uuid, or of a domain over one of these.")));
}

void
og_ids_take(FunctionCallInfo fcinfo, int n, const SqlParameter *parameter,
			SqlGiven *given)
{
	given->list = parameter;
	if (PG_ARGISNULL(n))
		given->id_type =
			get_base_element_type(get_fn_expr_argtype(fcinfo->flinfo, n));
	else
	{
		given->ids = PG_GETARG_ARRAYTYPE_P(n);
		given->id_type = ARR_ELEMTYPE(given->ids);
	}
	check_type(given->id_type, parameter->name);
}

/*
 * The text of an id, in the current context unless it is inside the Datum.
 * Infinite numbers and those that are none have no text.
 */
static OgSlice
id_text(Datum id, Oid base_type, FmgrInfo *output)
{
	OgSlice		text;

	if (base_type == TEXTOID || base_type == VARCHAROID ||
		base_type == BPCHAROID)
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(id);

		text = og_slice(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
	else
	{
		const char *spelling = OutputFunctionCall(output, id);

		text = og_slice(spelling, strlen(spelling));
	}
	while (base_type == BPCHAROID && text.len > 0 &&
		   text.data[text.len - 1] == ' ')
		text.len--;
	if (base_type == NUMERICOID && strpbrk(text.data, "NI") != NULL)
		return og_slice(NULL, 0);
	return text;
}

/* Unicode's White_Space. */
static bool
is_white_space(pg_wchar c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 ||
		c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
		c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/*
 * Characters that show nothing (Unicode's Default_Ignorable_Code_Point, and
 * the blank of Braille).  A provider that trims an id of nothing else would
 * see none, which at BTSE means all orders of a market.
 */
static bool
is_invisible(pg_wchar c)
{
	return c == 0xad || c == 0x34f || c == 0x61c ||
		c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 ||
		(c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
		c == 0x2800 || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) ||
		c == 0xfeff || c == 0xffa0 || (c >= 0xfff0 && c <= 0xfff8) ||
		(c >= 0x1bca0 && c <= 0x1bca3) || (c >= 0x1d173 && c <= 0x1d17a) ||
		(c >= 0xe0000 && c <= 0xe0fff);
}

/* Visible ASCII alone, as nearly all ids are: no Unicode to look up. */
static bool
is_plain(OgSlice id)
{
	for (size_t i = 0; i < id.len; i++)
	{
		if (id.data[i] <= ' ' || id.data[i] > '~')
			return false;
	}
	return true;
}

/* What is wrong with the characters of an id, or NULL. */
static const char *
character_fault(OgSlice id, bool *printable)
{
	const unsigned char *at = (const unsigned char *) id.data;
	const unsigned char *end = at + id.len;
	bool		white_first = is_white_space(utf8_to_unicode(at));
	bool		white = false;	/* the character looked at last */
	bool		visible = false;

	for (; at < end; at += pg_utf_mblen(at))
	{
		pg_wchar	c = utf8_to_unicode(at);

		/* C0, DEL and C1 */
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return "contains a control character";
		white = is_white_space(c);
		visible = visible || (!white && !is_invisible(c));
	}
	if (!visible)
		return "is blank";
	*printable = true;
	return white_first || white ? "begins or ends with white space" : NULL;
}

const char *
og_id_fault(OgSlice id, const OgProvider *provider, bool *printable)
{
	const char *fault = NULL;
	const char *wanted = NULL;

	*printable = false;
	if (id.data == NULL)
		return "is not a number";
	if (id.len == 0)
		return "is empty";
	if (id.len > MAX_ID)
		return "is longer than " CppAsString2(MAX_ID) " bytes";
	if (is_plain(id))
		*printable = true;
	else
		fault = character_fault(id, printable);
	if (fault == NULL && provider && provider->check_id)
		wanted = provider->check_id(id);
	return wanted ? psprintf("is not %s", wanted) : fault;
}

static void
check_id(OgSlice id, const SqlGiven *given, int position)
{
	bool		printable;
	const char *fault = og_id_fault(id, given->provider, &printable);

	if (fault == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("id%s at position %d of \"%s\" %s",
					printable ? psprintf(" \"%.*s\"", (int) id.len, id.data) : "",
					position, given->list->name, fault)));
}

OgKeys *
og_ids_keys(const SqlGiven *given)
{
	OgKeys	   *keys = og_keys_create();
	Oid			base_type = getBaseType(given->id_type);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway ids",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ArrayIterator iterator = NULL;
	FmgrInfo	output;
	Oid			function;
	bool		isvarlena;
	Datum		value;
	bool		isnull;
	int			position = 0;

	getTypeOutputInfo(base_type, &function, &isvarlena);
	fmgr_info(function, &output);
	if (given->ids != NULL)
		iterator = array_create_iterator(given->ids, 0, NULL);
	old = MemoryContextSwitchTo(scratch);
	while (iterator != NULL && array_iterate(iterator, &value, &isnull))
	{
		OgSlice		id;

		position++;
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("id at position %d of \"%s\" is null", position,
							given->list->name),
					 errhint("Leave such ids out: array_agg(id) FILTER (WHERE id IS NOT NULL).")));
		id = id_text(value, base_type, &output);
		check_id(id, given, position);
		(void) og_keys_add(keys, id);
		if (position % IDS_PER_CHECK == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(scratch);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	og_keys_finish(keys);
	return keys;
}
