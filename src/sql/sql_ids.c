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
#include "utils/numeric.h"
#include "utils/uuid.h"

#include "ground/compat.h"
#include "sql/sql_argument.h"

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

static OgSlice
number_text(int64 number)
{
	char	   *text = palloc(MAXINT8LEN + 1);

	return og_slice(text, pg_lltoa(number, text));
}

/*
 * The text of an id, in the current context unless it is inside the Datum.
 * NaN and the infinities have none.
 */
static OgSlice
id_text(Datum id, Oid base_type)
{
	switch (base_type)
	{
		case INT2OID:
			return number_text(DatumGetInt16(id));
		case INT4OID:
			return number_text(DatumGetInt32(id));
		case INT8OID:
			return number_text(DatumGetInt64(id));
		case NUMERICOID:
			if (numeric_is_nan(DatumGetNumeric(id)) ||
				numeric_is_inf(DatumGetNumeric(id)))
				return og_slice(NULL, 0);
			return og_slice_of(DatumGetCString(DirectFunctionCall1(numeric_out, id)));
		case UUIDOID:
			return og_slice_of(DatumGetCString(DirectFunctionCall1(uuid_out, id)));
		case NAMEOID:
			return og_slice_of(NameStr(*DatumGetName(id)));
		default:
			{
				struct varlena *text = PG_DETOAST_DATUM_PACKED(id);
				OgSlice		slice = og_slice(VARDATA_ANY(text),
											 VARSIZE_ANY_EXHDR(text));

				if (base_type == BPCHAROID)
					while (slice.len > 0 && slice.data[slice.len - 1] == ' ')
						slice.len--;
				return slice;
			}
	}
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

/* C0, DEL and C1. */
static bool
is_control(pg_wchar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
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

/*
 * What is wrong with the characters of an id, or NULL.  *printable tells
 * whether the id may be repeated in the error message.
 */
static const char *
character_fault(OgSlice id, bool *printable)
{
	const unsigned char *at = (const unsigned char *) id.data;
	const unsigned char *end = at + id.len;
	bool		white_first = false;
	bool		white = false;	/* the character looked at last */
	bool		visible = false;

	while (at < end)
	{
		pg_wchar	c = utf8_to_unicode(at);

		white = is_white_space(c);
		if (!white && !is_invisible(c))
			visible = true;
		if (white && at == (const unsigned char *) id.data)
			white_first = true;
		if (is_control(c))
			return "contains a control character";
		at += pg_utf_mblen(at);
	}
	if (!visible)
		return "is blank";
	*printable = true;
	if (white_first || white)
		return "begins or ends with white space";
	return NULL;
}

const char *
og_id_fault(OgSlice id, const OgProvider *provider, bool *printable)
{
	const char *fault = NULL;
	const char *wanted;

	*printable = false;
	if (id.data == NULL)
		return "is not a number";
	if (id.len == 0)
		return "is empty";
	if (id.len > OG_MAX_ID)
		return "is longer than 128 bytes";
	if (is_plain(id))
		*printable = true;
	else
		fault = character_fault(id, printable);
	if (fault != NULL)
		return fault;
	wanted = provider->check_id ? provider->check_id(id) : NULL;
	return wanted ? psprintf("is not %s", wanted) : NULL;
}

static void
check_id(OgSlice id, const SqlGiven *given, int position)
{
	bool		printable;
	const char *fault = og_id_fault(id, given->provider, &printable);

	if (fault == NULL)
		return;
	if (printable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("id \"%.*s\" at position %d of \"%s\" %s",
						(int) id.len, id.data, position, given->list->name,
						fault)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("id at position %d of \"%s\" %s", position,
					given->list->name, fault)));
}

OgKeys *
og_ids_keys(const SqlGiven *given)
{
	OgKeys	   *keys = og_keys_create();
	Oid			base_type = getBaseType(given->id_type);
	MemoryContext scratch;
	MemoryContext old;
	ArrayIterator iterator;
	Datum		value;
	bool		isnull;
	int			position = 0;

	if (given->ids == NULL)
	{
		og_keys_finish(keys);
		return keys;
	}

	iterator = array_create_iterator(given->ids, 0, NULL);
	scratch = AllocSetContextCreate(CurrentMemoryContext,
									"order_gateway ids",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	while (array_iterate(iterator, &value, &isnull))
	{
		OgSlice		id;

		position++;
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("id at position %d of \"%s\" is null", position,
							given->list->name),
					 errhint("Leave such ids out: array_agg(id) FILTER (WHERE id IS NOT NULL).")));
		id = id_text(value, base_type);
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
	array_free_iterator(iterator);
	og_keys_finish(keys);
	return keys;
}
