/*-------------------------------------------------------------------------
 *
 * worker_function.c
 *		Which function of the extension submits calls of another.
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
og_submit_function(const char *function)
{
	Oid			extension = get_extension_oid(OG_EXTENSION, true);
	char	   *name = psprintf("%s" OG_SUBMIT, function);
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
	pfree(name);
	return found;
}
