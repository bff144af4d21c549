/*-------------------------------------------------------------------------
 *
 * account_server.c
 *		Options of servers: the table, and how values are read.
 *
 * Options that all wrappers have are rows of server_options[]; those of one
 * provider alone are rows of its OgProvider.  Values are checked when they
 * are written and again when an account is opened, by the same code.  It looks
 * at text only, never at files or hosts, so what one machine dumps another
 * one restores.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/account_option.h"
#include "ground/list.h"
#include "http/http.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* Durations are milliseconds in an int, which end at 24.8 days. */
#define MS_PER_S	1000
#define MS_PER_H	(3600 * MS_PER_S)
#define MS_PER_D	(24 * MS_PER_H)
#define MAX_MS		(24 * MS_PER_D)

#define KB			1024
#define MB			(1024 * KB)

typedef enum OptionKind
{
	OPTION_URL,
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
	int			min;			/* of numbers */
	int			max;			/* 0 = the provider's largest batch */
	const char *preset;			/* as it would be written, or ... */
	size_t		provider_preset;	/* ... where OgProvider has it */
	size_t		member;			/* where OgAccount keeps it */
} ServerOption;

#define INTO(name)		offsetof(OgAccount, name)
#define PRESET(name)	offsetof(OgProvider, name)

static const ServerOption server_options[] = {
	{"base_url", OPTION_URL, 0, 0,
	NULL, PRESET(base_url), INTO(base_url)},
	{"allow_http", OPTION_BOOL, 0, 0,
	"false", 0, INTO(allow_http)},
	{"sslrootcert", OPTION_FILE, 0, 0,
	NULL, 0, INTO(sslrootcert)},
	{"connect_timeout", OPTION_DURATION, 1, MS_PER_H,
	"10s", 0, INTO(connect_timeout)},
	{"timeout", OPTION_DURATION, 1, MAX_MS,
	"30s", 0, INTO(timeout)},
	{"call_timeout", OPTION_DURATION, 0, MAX_MS,
	"0", 0, INTO(call_timeout)},
	{"max_wait", OPTION_DURATION, 0, MAX_MS,
	"10min", 0, INTO(max_wait)},
	{"max_in_flight", OPTION_INTEGER, 1, 64,
	"8", 0, INTO(max_in_flight)},
	{"batch_size", OPTION_INTEGER, 1, 0,
	NULL, 0, INTO(batch_size)},
	{"rate_limit", OPTION_PACE, 0, 0,
	NULL, PRESET(rate_limit), INTO(rate_limit)},
	{"query_rate_limit", OPTION_PACE, 0, 0,
	NULL, PRESET(query_rate_limit), INTO(query_rate_limit)},
	{"retries", OPTION_INTEGER, 0, 10,
	"2", 0, INTO(retries)},
	{"max_response_size", OPTION_BYTES, KB, 64 * MB,
	"8MB", 0, INTO(max_response_size)},
};

/*
 * ----
 * Names
 * ----
 */

/* What an option is where it is not given; NULL = nothing. */
static const char *
preset_of(const OgProvider *provider, const ServerOption *option)
{
	const char *base = (const char *) provider;

	if (option->provider_preset == 0)
		return option->preset;
	return *(const char *const *) (base + option->provider_preset);
}

/* The option of servers that has a name, or NULL. */
static const ServerOption *
find_server_option(const OgWrittenOption *written)
{
	for (size_t i = 0; i < lengthof(server_options); i++)
	{
		if (og_account_is_named(written, server_options[i].name))
			return &server_options[i];
	}
	return NULL;
}

/* The options of a server, separated by commas. */
static char *
server_option_names(const OgProvider *provider)
{
	StringInfoData names;

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(server_options); i++)
		og_list_add(&names, "%s", server_options[i].name);
	og_account_list_own(&names, provider->settings, OG_MAX_SETTINGS);
	return names.data;
}

bool
og_account_is_server_option(const OgProvider *provider,
							const OgWrittenOption *written)
{
	return find_server_option(written) != NULL ||
		og_account_find_own(provider->settings, OG_MAX_SETTINGS,
							written) != NULL;
}

/*
 * Refuse names that are not valid, with those that are.
 */
static void
check_names(const OgProvider *provider, const OgWrittenOption *options,
			int count)
{
	for (int i = 0; i < count; i++)
	{
		if (og_account_is_server_option(provider, &options[i]))
			continue;
		og_account_refuse_name(&options[i], "server", provider,
							   og_account_find_own(provider->credentials,
												   OG_MAX_CREDENTIALS,
												   &options[i]) != NULL ?
							   "It is an option of a user mapping." : NULL,
							   server_option_names(provider));
	}
}

/*
 * ----
 * Values
 * ----
 */

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

/* A bound as a user would write it. */
static char *
show_bound(OptionKind kind, int bound)
{
	if (kind == OPTION_DURATION && bound != 0)
	{
		if (bound % MS_PER_D == 0)
			return psprintf("%dd", bound / MS_PER_D);
		if (bound % MS_PER_H == 0)
			return psprintf("%dh", bound / MS_PER_H);
		return psprintf("%dms", bound);
	}
	if (kind == OPTION_BYTES)
	{
		if (bound % MB == 0)
			return psprintf("%dMB", bound / MB);
		return psprintf("%dkB", bound / KB);
	}
	return psprintf("%d", bound);
}

static void
read_number_option(const OgAccount *account, const ServerOption *option,
				   const char *value, int *number)
{
	int			max = option->max != 0 ? option->max :
		account->provider->max_batch;
	const char *what = "a whole number";
	const char *units = "";
	int			flags = 0;

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
		*number >= option->min && *number <= max)
		return;
	refuse_value(account, option->name, value,
				 max == option->min ?
				 psprintf("It must be %d.", max) :
				 psprintf("It must be %s from %s to %s%s.", what,
						  show_bound(option->kind, option->min),
						  show_bound(option->kind, max), units));
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
			return;
		case OPTION_BOOL:
			if (!parse_bool(value, member))
				reason = "It must be \"true\" or \"false\".";
			break;
		case OPTION_URL:
			if (!og_http_base_url_ok(value, &is_https))
				reason = "It must be an http or https URL without user, query and fragment, such as \"https://api.example.com\".";
			break;
		case OPTION_FILE:
			if (!is_absolute_path(value) || og_account_has_control(value) ||
				strlen(value) >= MAXPGPATH)
				reason = "It must be the full path of a file of CA certificates.";
			break;
		case OPTION_PACE:
			if (!og_pace_parse(value, member, &reason))
				refuse_value(account, option->name, value, reason);
			return;
	}
	if (reason != NULL)
		refuse_value(account, option->name, value, reason);
	if (option->kind != OPTION_BOOL)
		*(const char **) member = value;
}

/* Read one of the provider's own options of a server. */
static const char *
read_setting(const OgAccount *account, const OgOption *setting,
			 const OgWrittenOption *written)
{
	char	   *value;

	if (written == NULL)
		return setting->preset;

	value = pnstrdup(written->value.data, written->value.len);
	if (setting->choices != NULL)
	{
		StringInfoData rule;

		initStringInfo(&rule);
		for (int i = 0; setting->choices[i] != NULL; i++)
		{
			if (strcmp(setting->choices[i], value) == 0)
				return value;
			og_list_add(&rule, "\"%s\"", setting->choices[i]);
		}
		refuse_value(account, setting->name, value,
					 psprintf("Valid values are: %s.", rule.data));
	}
	if (setting->valid != NULL && !setting->valid(value))
		refuse_value(account, setting->name, value,
					 psprintf("It must be %s.", setting->rule));
	return value;
}

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

	if (presets.provider != provider)
	{
		OgAccount	fresh = {.provider = provider};

		for (size_t i = 0; i < lengthof(server_options); i++)
		{
			const char *preset = preset_of(provider, &server_options[i]);

			if (preset != NULL)
				read_server_option(&fresh, &server_options[i], preset);
		}
		presets = fresh;
	}
	return &presets;
}

void
og_account_read_server(OgAccount *account, Datum options)
{
	const OgProvider *provider = account->provider;
	OgAccount	read = *presets_of(provider);
	OgWrittenOption *written;
	int			count = og_account_split_options(options, &written);

	read.serverid = account->serverid;
	read.server = account->server;
	*account = read;
	check_names(provider, written, count);
	for (int i = 0; i < count; i++)
	{
		const ServerOption *option = find_server_option(&written[i]);

		if (option != NULL)
			read_server_option(account, option,
							   pnstrdup(written[i].value.data,
										written[i].value.len));
	}
	for (int i = 0; i < OG_MAX_SETTINGS; i++)
	{
		const OgOption *setting = &provider->settings[i];

		if (setting->name != NULL)
			account->settings[i] =
				read_setting(account, setting,
							 og_account_find_option(written, count,
													setting->name));
	}
	check_http(account,
			   og_account_find_option(written, count, "base_url") == NULL);
}
