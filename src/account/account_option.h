/*-------------------------------------------------------------------------
 *
 * account_option.h
 *		Options of servers and user mappings, read into an OgAccount.
 *
 * For the files of this room.  Options come as the catalog has them: a text[]
 * of "name=value", or 0 for none.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_ACCOUNT_OPTION_H
#define OG_ACCOUNT_OPTION_H

#include "account/account.h"
#include "ground/compat.h"

/*
 * Fill the part of an account that comes from the options of a server, or of
 * a user mapping, with presets for those that are not given.  The account
 * must be zeroed but for .provider and, unless the options are just being
 * written, .server; "role" (as SQL writes it) is whose mapping it is, NULL if
 * it is just being written.
 *
 * Errors: HV00D an option that is not valid here, 22023 a value that is not,
 * HV002 a credential that is missing.
 */
extern void og_account_read_server(OgAccount *account, Datum options);
extern void og_account_read_mapping(OgAccount *account, Datum options,
									const char *role);

/* Refuse any option given, since "what" (with its article) takes none. */
extern void og_account_read_none(const char *what, Datum options);

/*
 * Copy text that is a secret into the current context, whose next reset (or
 * end) wipes it.  With text NULL only allocates; the result is then zeroed.
 */
extern char *og_account_secret(const char *text, size_t len);

/* One option of an array, as slices of it. */
typedef struct OgWrittenOption
{
	OgSlice		name;
	OgSlice		value;
} OgWrittenOption;

/*
 * The options of an array.  If it had to be detoasted, that copy is wiped
 * with the current context.
 */
extern int	og_account_split_options(Datum array, OgWrittenOption **options);
extern bool og_account_is_named(const OgWrittenOption *option,
								const char *name);

/* The last of some options that has a name, or NULL. */
extern const OgWrittenOption *og_account_find_option(const OgWrittenOption *options,
													 int count,
													 const char *name);

/*
 * A provider has a table of settings and one of credentials, with room for so
 * many.  The row that an option is one of, or NULL; and the names of all rows,
 * appended to a list.
 */
extern const OgOption *og_account_find_own(const OgOption *table, int size,
										   const OgWrittenOption *written);
extern void og_account_list_own(StringInfo names, const OgOption *table,
								int size);

/* Is it an option of servers, the provider's own or one that all have? */
extern bool og_account_is_server_option(const OgProvider *provider,
										const OgWrittenOption *written);

/* Raise HV00D; "detail" may be NULL, "valid" lists the names. */
pg_noreturn extern void og_account_refuse_name(const OgWrittenOption *option,
											   const char *where,
											   const OgProvider *provider,
											   const char *detail,
											   const char *valid);

extern bool og_account_has_control(const char *text);

#endif							/* OG_ACCOUNT_OPTION_H */
