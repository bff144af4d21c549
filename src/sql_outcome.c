/*-------------------------------------------------------------------------
 *
 * sql_outcome.c
 *		Outcomes as values of the SQL enum order_outcome.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sql_outcome.h"

void
og_sql_outcomes(Oid type, Oid *outcomes)
{
	for (int v = 0; v < OG_OUTCOMES; v++)
	{
		const char *label = og_verdict_name((OgVerdict) v);

		outcomes[v] = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
									  ObjectIdGetDatum(type),
									  CStringGetDatum(label));
		if (!OidIsValid(outcomes[v]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("type %s has no value \"%s\"",
							format_type_be(type), label),
					 errhint("Update the extension: ALTER EXTENSION order_gateway UPDATE.")));
	}
}
