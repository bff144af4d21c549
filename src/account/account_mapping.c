/*-------------------------------------------------------------------------
 *
 * account_mapping.c
 *		Options of user mappings: credentials.
 *
 * Which ones there are is said by the OgProvider; all that it does not preset
 * are required.  Their values are secrets: no message shows one, and copies of
 * them are wiped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/account_option.h"
#include "utils/builtins.h"

/* Keys and secrets are tens of bytes long; this is short of nobody's. */
#define MAX_CREDENTIAL	1000

/* The credentials of a provider, separated by commas. */
static char *
credential_names(const OgProvider *provider)
{
	StringInfoData names;

	initStringInfo(&names);
	og_account_list_own(&names, provider->credentials, OG_MAX_CREDENTIALS);
	return names.data;
}

static void
check_names(const OgProvider *provider, const OgWrittenOption *options,
			int count)
{
	for (int i = 0; i < count; i++)
	{
		if (og_account_find_own(provider->credentials, OG_MAX_CREDENTIALS,
								&options[i]) != NULL)
			continue;
		og_account_refuse_name(&options[i], "user mapping", provider,
							   og_account_is_server_option(provider, &options[i]) ?
							   "It is an option of a server." : NULL,
							   credential_names(provider));
	}
}

static const char *
read_credential(const OgAccount *account, const OgOption *credential,
				const OgWrittenOption *written, const char *role)
{
	char	   *value = og_account_secret(written->value.data,
										  written->value.len);
	const char *rule = NULL;

	if (*value == '\0')
		rule = "It must not be empty.";
	else if (written->value.len > MAX_CREDENTIAL)
		rule = "It must be at most " CppAsString2(MAX_CREDENTIAL) " bytes long.";
	else if (og_account_has_control(value))
		rule = "It must not contain line breaks or other control characters.";
	else if (credential->valid != NULL && !credential->valid(value))
		rule = psprintf("It must be %s.", credential->rule);

	/* The value itself is not for messages. */
	if (rule != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\" of a user mapping",
						credential->name),
				 role == NULL ? 0 :
				 errdetail("It is an option of the user mapping for %s on server \"%s\".",
						   role, account->server),
				 errhint("%s", rule)));
	return value;
}

static void
refuse_missing(const OgAccount *account, const OgOption *credential,
			   const char *role)
{
	if (role == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("user mapping lacks option \"%s\"", credential->name),
				 errhint("A user mapping of \"%s\" needs all of: %s.",
						 account->provider->wrapper,
						 credential_names(account->provider))));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
			 errmsg("user mapping for %s on server \"%s\" lacks option \"%s\"",
					role, account->server, credential->name),
			 errhint("ALTER USER MAPPING FOR %s SERVER %s OPTIONS (ADD %s '...');",
					 role, quote_identifier(account->server),
					 credential->name)));
}

void
og_account_read_mapping(OgAccount *account, Datum options, const char *role)
{
	const OgProvider *provider = account->provider;
	OgWrittenOption *written;
	int			count = og_account_split_options(options, &written);

	check_names(provider, written, count);
	for (int i = 0; i < OG_MAX_CREDENTIALS; i++)
	{
		const OgOption *credential = &provider->credentials[i];
		const OgWrittenOption *given;

		if (credential->name == NULL)
			continue;
		given = og_account_find_option(written, count, credential->name);
		if (given != NULL)
			account->credentials[i] = read_credential(account, credential,
													  given, role);
		else if (credential->preset != NULL)
			account->credentials[i] = credential->preset;
		else
			refuse_missing(account, credential, role);
	}
}
