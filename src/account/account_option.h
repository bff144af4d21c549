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

/* ---------- account_stream.c ---------- */

/* Is this the URL of a stream, by the rules of those of requests? */
extern bool og_account_stream_url_ok(const char *url, bool *is_wss);

/*
 * Whoever is at a documented address has its streams, unless his options say
 * otherwise.  Errors: 22023 one that is not encrypted, and allow_http does not
 * say that it may be.
 */
extern void og_account_place_streams(OgAccount *account);

#endif							/* OG_ACCOUNT_OPTION_H */
