/*-------------------------------------------------------------------------
 *
 * provider.c
 *		The list of providers, and where their operations are found.
 *
 * It sees all providers, so none of them may need it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider.h"

#define LISTED(name)	&og_##name,

const OgProvider *const og_providers[] = {
	OG_PROVIDERS(LISTED)
	NULL
};

const OgOperation *
og_provider_operation(const OgProvider *provider, const char *name)
{
	for (const OgOperation *operation = provider->operations;
		 operation->name != NULL; operation++)
	{
		if (strcmp(operation->name, name) == 0)
			return operation;
	}
	return NULL;
}

bool
og_provider_is_market(const OgProvider *provider, const char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const char *signs = provider->market_signs;
	size_t		len = strlen(text);

	if (signs == NULL || len == 0 || len > OG_MAX_MARKET)
		return false;
	for (; *text != '\0'; text++)
	{
		if (strchr(letters, *text) == NULL && strchr(signs, *text) == NULL)
			return false;
	}
	return true;
}
