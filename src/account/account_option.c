/*-------------------------------------------------------------------------
 *
 * account_option.c
 *		Options as the catalog has them, and copies of secrets.
 *
 * Options come as a text[] of "name=value".  They are read from the array
 * itself rather than through the server's helpers, which would leave copies of
 * keys behind in the caller's memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/account_option.h"
#include "catalog/pg_type.h"
#include "ground/crypto.h"
#include "ground/list.h"
#include "utils/array.h"

/*
 * ----
 * Secrets
 * ----
 */

/* Wipes some memory of a context when that context is reset. */
typedef struct Wipe
{
	MemoryContextCallback callback;
	void	   *bytes;
	size_t		len;
} Wipe;

static void
wipe(void *arg)
{
	Wipe	   *to_wipe = arg;

	og_wipe(to_wipe->bytes, to_wipe->len);
	to_wipe->len = 0;
}

/* The memory is told afterwards, so that none is filled without a Wipe. */
static Wipe *
expect_secret(void)
{
	Wipe	   *expected = palloc0(sizeof(Wipe));

	expected->callback.func = wipe;
	expected->callback.arg = expected;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &expected->callback);
	return expected;
}

char *
og_account_secret(const char *text, size_t len)
{
	Wipe	   *expected = expect_secret();
	char	   *copy = palloc(len + 1);

	if (text != NULL)
		memcpy(copy, text, len);
	else
		memset(copy, 0, len);
	copy[len] = '\0';
	expected->bytes = copy;
	expected->len = len;
	return copy;
}

/*
 * ----
 * Reading a text[]
 * ----
 */

int
og_account_split_options(Datum array, OgWrittenOption **options)
{
	Wipe	   *expected = expect_secret();
	ArrayType  *elements;
	Datum	   *datums;
	int			count;

	*options = NULL;
	if (DatumGetPointer(array) == NULL)
		return 0;
	elements = DatumGetArrayTypeP(array);
	if ((Pointer) elements != DatumGetPointer(array))
	{
		expected->bytes = elements;
		expected->len = VARSIZE(elements);
	}
	deconstruct_array(elements, TEXTOID, -1, false, TYPALIGN_INT,
					  &datums, NULL, &count);

	*options = palloc0(Max(count, 1) * sizeof(OgWrittenOption));
	for (int i = 0; i < count; i++)
	{
		const char *text = VARDATA_ANY(DatumGetPointer(datums[i]));
		size_t		len = VARSIZE_ANY_EXHDR(DatumGetPointer(datums[i]));
		const char *equals = memchr(text, '=', len);
		size_t		name_len = equals != NULL ? (size_t) (equals - text) : len;
		size_t		value_at = Min(name_len + 1, len);

		(*options)[i].name = og_slice(text, name_len);
		(*options)[i].value = og_slice(text + value_at, len - value_at);
	}
	return count;
}

bool
og_account_is_named(const OgWrittenOption *option, const char *name)
{
	return og_slice_equal(option->name, og_slice_of(name));
}

const OgWrittenOption *
og_account_find_option(const OgWrittenOption *options, int count,
					   const char *name)
{
	const OgWrittenOption *found = NULL;

	for (int i = 0; i < count; i++)
	{
		if (og_account_is_named(&options[i], name))
			found = &options[i];
	}
	return found;
}

const OgOption *
og_account_find_own(const OgOption *table, int size,
					const OgWrittenOption *written)
{
	for (int i = 0; i < size; i++)
	{
		if (table[i].name != NULL &&
			og_account_is_named(written, table[i].name))
			return &table[i];
	}
	return NULL;
}

void
og_account_list_own(StringInfo names, const OgOption *table, int size)
{
	for (int i = 0; i < size; i++)
	{
		if (table[i].name != NULL)
			og_list_add(names, "%s", table[i].name);
	}
}

/*
 * ----
 * Errors, and what values have in common
 * ----
 */

void
og_account_refuse_name(const OgWrittenOption *option, const char *where,
					   const OgProvider *provider, const char *detail,
					   const char *valid)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%.*s\" of a %s of \"%s\"",
					(int) option->name.len, option->name.data,
					where, provider->wrapper),
			 detail != NULL ? errdetail("%s", detail) : 0,
			 errhint("Valid options of a %s are: %s.", where, valid)));
}

void
og_account_read_none(const char *what, Datum options)
{
	OgWrittenOption *written;

	if (og_account_split_options(options, &written) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%.*s\"",
						(int) written[0].name.len, written[0].name.data),
				 errhint("%s takes no options; servers and user mappings do.",
						 what)));
}

bool
og_account_has_control(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if ((unsigned char) *text < ' ' || *text == 0x7f)
			return true;
	}
	return false;
}
