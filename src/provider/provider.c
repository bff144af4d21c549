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
