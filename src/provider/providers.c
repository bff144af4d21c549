/*-------------------------------------------------------------------------
 *
 * providers.c
 *		The list of providers.
 *
 * The one file that sees them all, and so the only one of its room that others
 * of it may not need.
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
