/*-------------------------------------------------------------------------
 *
 * sql_outcome.c
 *		Outcomes and the like as values of SQL enums.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sql/sql_outcome.h"

void
og_sql_enum(Oid type, int count, const char *(*name) (int), Oid *values)
{
	for (int i = 0; i < count; i++)
	{
		values[i] = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
									ObjectIdGetDatum(type),
									CStringGetDatum(name(i)));
		if (!OidIsValid(values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("type %s has no value \"%s\"",
							format_type_be(type), name(i)),
					 errhint("Update the extension: ALTER EXTENSION order_gateway UPDATE.")));
	}
}

static const char *
outcome_name(int verdict)
{
	return og_verdict_name((OgVerdict) verdict);
}

void
og_sql_outcomes(Oid type, Oid *outcomes)
{
	og_sql_enum(type, OG_OUTCOMES, outcome_name, outcomes);
}
