/*-------------------------------------------------------------------------
 *
 * worker_function.c
 *		Which functions are the extension's own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "worker/worker_function.h"
#include "worker/worker_table.h"

Oid
og_extension_function(const char *name)
{
	Oid			extension = get_extension_oid(OG_EXTENSION, true);
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(name));
	Oid			found = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Oid			oid = ((Form_pg_proc)
						   GETSTRUCT(&list->members[i]->tuple))->oid;

		if (OidIsValid(extension) &&
			getExtensionOfObject(ProcedureRelationId, oid) == extension)
			found = oid;
	}
	ReleaseSysCacheList(list);
	return found;
}

Oid
og_submit_function(const char *function)
{
	return og_extension_function(psprintf("%s" OG_SUBMIT, function));
}
