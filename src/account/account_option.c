/*-------------------------------------------------------------------------
 *
 * account_option.c
 *		Options of servers and user mappings: the table, and how they are read.
 *
 * Options of servers that all wrappers have are rows of server_options[]; those
 * of one provider alone, and credentials, are rows of its OgProvider.  Values
 * are checked when they are written and again when an account is opened, by
 * the same code.  It looks at text only, never at files or hosts, so what one
 * machine dumps another one restores.
 *
 * Credentials are secrets: no message shows one, and copies of them are wiped.
 * So options are read from the catalog's array itself rather than through the
 * server's helpers, which would leave copies of keys behind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "account/account_option.h"
#include "ground/compat.h"
#include "ground/crypto.h"
#include "ground/list.h"
#include "http/http.h"

/* Keys and secrets are tens of bytes long; this is short of nobody's. */
#define MAX_CREDENTIAL	1000

typedef enum OptionKind
{
	OPTION_URL,
	OPTION_STREAM_URL,
	OPTION_FILE,
	OPTION_DURATION,			/* int, ms; 0 is written without a unit too */
	OPTION_INTEGER,				/* int */
	OPTION_BYTES,				/* int */
	OPTION_BOOL,
	OPTION_PACE
} OptionKind;

typedef struct ServerOption
{
	const char *name;
	OptionKind	kind;
	size_t		member;			/* where OgAccount keeps it */
	const char *preset;			/* as it would be written, or ... */
	size_t		provider_preset;	/* ... where OgProvider has it */
	const char *min;			/* of numbers, as they would be written */
	const char *max;			/* NULL = the provider's largest batch */
	bool		of_streams;		/* where the provider has any */
} ServerOption;

#define INTO(name)		offsetof(OgAccount, name)
#define PRESET(name)	NULL, offsetof(OgProvider, name)

/* Durations are milliseconds in an int, which end at 24.8 days. */
static const ServerOption server_options[] = {
	{"base_url", OPTION_URL, INTO(base_url), PRESET(base_url)},
	{"allow_http", OPTION_BOOL, INTO(allow_http), "false"},
	{"journal", OPTION_BOOL, INTO(journal), "true"},
	{"sslrootcert", OPTION_FILE, INTO(sslrootcert)},
	{"connect_timeout", OPTION_DURATION, INTO(connect_timeout), "10s", 0, "1ms", "1h"},
	{"timeout", OPTION_DURATION, INTO(timeout), "30s", 0, "1ms", "24d"},
	{"call_timeout", OPTION_DURATION, INTO(call_timeout), "0", 0, "0", "24d"},
	{"max_wait", OPTION_DURATION, INTO(max_wait), "10min", 0, "0", "24d"},
	{"expire_after", OPTION_DURATION, INTO(expire_after), NULL, 0, "1ms", "24d"},
	{"settle_after", OPTION_DURATION, INTO(settle_after), "60s", 0, "0", "1d"},
	{"max_in_flight", OPTION_INTEGER, INTO(max_in_flight), "8", 0, "1", "64"},
	{"batch_size", OPTION_INTEGER, INTO(batch_size), NULL, 0, "1", NULL},
	{"rate_limit", OPTION_PACE, INTO(rate_limit), PRESET(rate_limit)},
	{"query_rate_limit", OPTION_PACE, INTO(query_rate_limit), PRESET(query_rate_limit)},
	{"retries", OPTION_INTEGER, INTO(retries), "2", 0, "0", "10"},
	{"max_response_size", OPTION_BYTES, INTO(max_response_size), "8MB", 0, "1kB", "64MB"},
	{"stream_url", OPTION_STREAM_URL, INTO(stream_url), .of_streams = true},
	{"book_stream_url", OPTION_STREAM_URL, INTO(book_stream_url), .of_streams = true},
	{"stream_login_ack", OPTION_BOOL, INTO(stream_login_ack), "true", .of_streams = true},
};

/* ---------- secrets ---------- */

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
	char	   *copy = palloc0(len + 1);

	expected->bytes = copy;
	expected->len = len;
	if (text != NULL)
		memcpy(copy, text, len);
	return copy;
}

/* ---------- what is written ---------- */

/* An option as it is written; the last of some has no name. */
typedef struct Written
{
	const char *name;
	const char *value;
} Written;

/*
 * The options of an array, wiped with the current context.  So is a copy that
 * had to be made to detoast it.
 */
static Written *
read_written(Datum array)
{
	Wipe	   *expected = expect_secret();
	ArrayType  *elements;
	Datum	   *datums;
	int			count;
	Written    *written;

	if (DatumGetPointer(array) == NULL)
		return palloc0(sizeof(Written));
	elements = DatumGetArrayTypeP(array);
	if ((Pointer) elements != DatumGetPointer(array))
	{
		expected->bytes = elements;
		expected->len = VARSIZE(elements);
	}
	deconstruct_array(elements, TEXTOID, -1, false, TYPALIGN_INT,
					  &datums, NULL, &count);

	written = palloc0((count + 1) * sizeof(Written));
	for (int i = 0; i < count; i++)
	{
		void	   *text = DatumGetPointer(datums[i]);
		char	   *copy = og_account_secret(VARDATA_ANY(text),
											 VARSIZE_ANY_EXHDR(text));

		written[i].name = strsep(&copy, "=");
		written[i].value = copy != NULL ? copy : "";
	}
	return written;
}

/* The value of an option, or NULL. */
static const char *
value_of(const Written *written, const char *name)
{
	for (; written->name != NULL; written++)
	{
		if (strcmp(written->name, name) == 0)
			return written->value;
	}
	return NULL;
}

/* ---------- names ---------- */

/* The options that a provider alone has, of servers or of user mappings. */
static const OgOption *
own_options(const OgProvider *provider, bool of_mapping)
{
	return of_mapping ? provider->credentials : provider->settings;
}

static bool
has_option(const OgProvider *provider, const ServerOption *option)
{
	return !option->of_streams || provider->stream_places != NULL;
}

/* The option that servers of several wrappers have, or NULL. */
static const ServerOption *
find_server_option(const OgProvider *provider, const char *name)
{
	for (size_t i = 0; i < lengthof(server_options); i++)
	{
		if (strcmp(server_options[i].name, name) == 0 &&
			has_option(provider, &server_options[i]))
			return &server_options[i];
	}
	return NULL;
}

static bool
is_option(const OgProvider *provider, bool of_mapping, const char *name)
{
	if (!of_mapping && find_server_option(provider, name) != NULL)
		return true;
	for (const OgOption *own = own_options(provider, of_mapping); own->name; own++)
	{
		if (strcmp(own->name, name) == 0)
			return true;
	}
	return false;
}

/* All of them, separated by commas. */
static char *
option_names(const OgProvider *provider, bool of_mapping)
{
	StringInfoData names;

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(server_options) && !of_mapping; i++)
	{
		if (has_option(provider, &server_options[i]))
			og_list_add(&names, "%s", server_options[i].name);
	}
	for (const OgOption *own = own_options(provider, of_mapping); own->name; own++)
		og_list_add(&names, "%s", own->name);
	return names.data;
}

/* Refuse names that are not valid, with those that are. */
static void
check_names(const OgProvider *provider, bool of_mapping, const Written *written)
{
	static const char *const owners[] = {"server", "user mapping"};

	for (; written->name != NULL; written++)
	{
		if (is_option(provider, of_mapping, written->name))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\" of a %s of \"%s\"",
						written->name, owners[of_mapping], provider->wrapper),
				 is_option(provider, !of_mapping, written->name) ?
				 errdetail("It is an option of a %s.", owners[!of_mapping]) : 0,
				 errhint("Valid options of a %s are: %s.", owners[of_mapping],
						 option_names(provider, of_mapping))));
	}
}

void
og_account_read_none(const char *what, Datum options)
{
	const Written *written = read_written(options);

	if (written->name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"", written->name),
				 errhint("%s takes no options; servers and user mappings do.",
						 what)));
}

/* ---------- values ---------- */

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if ((unsigned char) *text < ' ' || *text == 0x7f)
			return true;
	}
	return false;
}

/* What a value of an option that a provider alone has must be, if it is not. */
static const char *
broken_rule(const OgOption *option, const char *value)
{
	StringInfoData choices;

	if (option->valid != NULL && !option->valid(value))
		return psprintf("It must be %s.", option->rule);
	if (option->choices == NULL)
		return NULL;
	for (int i = 0; option->choices[i] != NULL; i++)
	{
		if (strcmp(option->choices[i], value) == 0)
			return NULL;
	}
	initStringInfo(&choices);
	for (int i = 0; option->choices[i] != NULL; i++)
		og_list_add(&choices, "\"%s\"", option->choices[i]);
	return psprintf("Valid values are: %s.", choices.data);
}

/* Raise the error for a value of a server. */
static void
refuse_value(const OgAccount *account, const char *name, const char *value,
			 const char *rule)
{
	/* The user, password or query of a URL could be a secret. */
	if (strpbrk(value, "@?") != NULL)
		value = OG_MASK;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", name, value),
			 account->server == NULL ? 0 :
			 errdetail("It is an option of server \"%s\".", account->server),
			 errhint("%s", rule)));
}

/*
 * Read a number, with a unit or without (flags 0: a count).  What parse_int
 * takes beyond that, signs and other bases, is refused.
 */
static bool
read_number(const char *value, int flags, int *number)
{
	size_t		digits = strspn(value, "0123456789");
	const char *unit = value + digits;

	if (digits == 0 || (value[0] == '0' && digits > 1))
		return false;
	if (flags != 0 && *unit == '.')
		unit += 1 + strspn(unit + 1, "0123456789");
	while (flags != 0 && *unit == ' ')
		unit++;
	if (flags == 0 ? *unit != '\0' :
		unit[strspn(unit, "BGMTdhikmnsu")] != '\0')
		return false;

	/* A duration needs its unit, but nothing is nothing in any unit. */
	if (flags == GUC_UNIT_MS && *unit == '\0')
	{
		*number = 0;
		return strcmp(value, "0") == 0;
	}
	if (!parse_int(value, number, flags, NULL))
		return false;

	/* 1us must not become 0, which may stand for "none" */
	return *number != 0 || strspn(value, "0.") >= digits;
}

static void
read_number_option(const OgAccount *account, const ServerOption *option,
				   const char *value, int *number)
{
	const char *max = option->max != NULL ? option->max
		: psprintf("%d", account->provider->max_batch);
	const char *what = "a whole number";
	const char *units = "";
	int			flags = 0;
	int			least = 0;
	int			most = 0;

	if (option->kind == OPTION_DURATION)
	{
		flags = GUC_UNIT_MS;
		what = "a duration";
		units = ", with its unit: \"ms\", \"s\", \"min\", \"h\" or \"d\"";
	}
	else if (option->kind == OPTION_BYTES)
	{
		flags = GUC_UNIT_BYTE;
		what = "a size";
		units = ", in bytes or with its unit: \"B\", \"kB\" or \"MB\"";
	}

	if (read_number(value, flags, number) &&
		read_number(option->min, flags, &least) && *number >= least &&
		read_number(max, flags, &most) && *number <= most)
		return;
	refuse_value(account, option->name, value,
				 strcmp(max, option->min) == 0 ?
				 psprintf("It must be %s.", max) :
				 psprintf("It must be %s from %s to %s%s.", what, option->min,
						  max, units));
}

/* Read a value into its member of the account. */
static void
read_server_option(OgAccount *account, const ServerOption *option,
				   const char *value)
{
	void	   *member = (char *) account + option->member;
	const char *reason = NULL;
	bool		is_https;

	switch (option->kind)
	{
		case OPTION_DURATION:
		case OPTION_INTEGER:
		case OPTION_BYTES:
			read_number_option(account, option, value, member);
			break;
		case OPTION_BOOL:
			if (!parse_bool(value, member))
				reason = "It must be \"true\" or \"false\".";
			break;
		case OPTION_URL:
			if (!og_http_base_url_ok(value, &is_https))
				reason = "It must be an http or https URL without user, query and fragment, such as \"https://api.example.com\".";
			*(const char **) member = value;
			break;
		case OPTION_STREAM_URL:
			if (!og_account_stream_url_ok(value, &is_https))
				reason = "It must be a wss or ws URL without user, query and fragment, such as \"wss://ws.example.com/ws/spot\".";
			*(const char **) member = value;
			break;
		case OPTION_FILE:
			if (!is_absolute_path(value) || has_control(value) ||
				strlen(value) >= MAXPGPATH)
				reason = "It must be the full path of a file of CA certificates.";
			*(const char **) member = value;
			break;
		case OPTION_PACE:
			if (og_pace_parse(value, member, &reason))
				reason = NULL;
			break;
	}
	if (reason != NULL)
		refuse_value(account, option->name, value, reason);
}

/* ---------- servers ---------- */

/* Plain HTTP shows all to anybody on the way, so it must be meant. */
static void
check_http(const OgAccount *account, bool is_preset)
{
	bool		is_https = false;

	if (account->allow_http ||
		(og_http_base_url_ok(account->base_url, &is_https) && is_https))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"base_url\": \"%s\" is not encrypted",
					account->base_url),
			 is_preset ?
			 errdetail("It is the official address of \"%s\", and used where base_url is not given.",
					   account->provider->name) :
			 account->server == NULL ? 0 :
			 errdetail("It is an option of server \"%s\".", account->server),
			 errhint("Set base_url to an address that begins with \"https\", or have a superuser set allow_http to 'true'.")));
}

/*
 * What an account is where nothing is written.  Its numbers and durations are
 * read once for a provider: a session mostly talks to one.
 */
static const OgAccount *
presets_of(const OgProvider *provider)
{
	static OgAccount presets;
	OgAccount	fresh = {.provider = provider};

	if (presets.provider == provider)
		return &presets;
	for (size_t i = 0; i < lengthof(server_options); i++)
	{
		const ServerOption *option = &server_options[i];
		const char *preset = option->provider_preset == 0 ? option->preset
			: *(const char *const *) ((const char *) provider +
									  option->provider_preset);

		if (preset != NULL)
			read_server_option(&fresh, option, preset);
	}
	presets = fresh;
	return &presets;
}

void
og_account_read_server(OgAccount *account, Datum options)
{
	const OgProvider *provider = account->provider;
	const Written *written = read_written(options);
	OgAccount	read = *presets_of(provider);

	read.serverid = account->serverid;
	read.server = account->server;
	read.version = account->version;
	*account = read;
	check_names(provider, false, written);
	/* In the order in which they are written: the first wrong one is told. */
	for (const Written *option = written; option->name != NULL; option++)
	{
		const ServerOption *known = find_server_option(provider, option->name);

		if (known != NULL)
			read_server_option(account, known, option->value);
	}
	for (int i = 0; provider->settings[i].name != NULL; i++)
	{
		const OgOption *setting = &provider->settings[i];
		const char *value = value_of(written, setting->name);
		const char *rule = value ? broken_rule(setting, value) : NULL;

		if (rule != NULL)
			refuse_value(account, setting->name, value, rule);
		account->settings[i] = value ? value : setting->preset;
	}
	check_http(account, value_of(written, "base_url") == NULL);
	og_account_place_streams(account);
}

/* ---------- user mappings ---------- */

/* The value itself is not for messages. */
static void
check_credential(const OgAccount *account, const OgOption *credential,
				 const char *value, const char *role)
{
	const char *rule;

	if (*value == '\0')
		rule = "It must not be empty.";
	else if (strlen(value) > MAX_CREDENTIAL)
		rule = "It must be at most " CppAsString2(MAX_CREDENTIAL) " bytes long.";
	else if (has_control(value))
		rule = "It must not contain line breaks or other control characters.";
	else
		rule = broken_rule(credential, value);
	if (rule != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\" of a user mapping",
						credential->name),
				 role == NULL ? 0 :
				 errdetail("It is an option of the user mapping for %s on server \"%s\".",
						   role, account->server),
				 errhint("%s", rule)));
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
						 option_names(account->provider, true))));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
			 errmsg("user mapping for %s on server \"%s\" lacks option \"%s\"",
					role, account->server, credential->name),
			 errhint("ALTER USER MAPPING FOR %s SERVER %s OPTIONS (ADD %s '...');",
					 role, quote_identifier(account->server),
					 credential->name)));
}

/* All that the provider does not preset is required. */
void
og_account_read_mapping(OgAccount *account, Datum options, const char *role)
{
	const OgProvider *provider = account->provider;
	const Written *written = read_written(options);

	check_names(provider, true, written);
	for (int i = 0; provider->credentials[i].name != NULL; i++)
	{
		const OgOption *credential = &provider->credentials[i];
		const char *value = value_of(written, credential->name);

		if (value != NULL)
			check_credential(account, credential, value, role);
		else if (credential->preset == NULL)
			refuse_missing(account, credential, role);
		account->credentials[i] = value ? value : credential->preset;
	}
}
