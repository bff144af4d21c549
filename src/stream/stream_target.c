/*-------------------------------------------------------------------------
 *
 * stream_target.c
 *		Can rows of a stream be appended to a table of a user?
 *
 * What would change a value without a word is refused (numeric(10,2) makes 0.01 of
 * 0.007), and so is what would fail only when a transaction is committed, where
 * nobody could tell any more which row it was.  Other rows may still be refused by
 * the table, one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "stream/stream_target.h"
#include "worker/worker_table.h"
#include "worker/worker_value.h"

/* ---------- columns of rows ---------- */

/* Beside what the provider tells. */
static const AppendColumn ours[] = {
	{"server", NAMEOID, FROM_SERVER},
	{"role", NAMEOID, FROM_ROLE},
	{"received_at", TIMESTAMPTZOID, FROM_RECEIVED_AT},
	{"source", TEXTOID, FROM_SOURCE},
	{"raw", JSONOID, FROM_RAW}
};

const OgColumn *
og_append_shape(OgStreamKind kind)
{
	return og_btse_stream_columns(kind);
}

int
og_append_columns(OgStreamKind kind, AppendColumn *columns)
{
	const OgColumn *shape = og_append_shape(kind);
	int			count = 0;

	for (int i = 0; shape[i].name != NULL; i++)
		columns[count++] = (AppendColumn)
	{
		shape[i].name, og_value_type(shape[i].type), FROM_RECORD, i
	};
	for (int i = 0; i < lengthof(ours); i++)
	{
		bool		of_public = kind == OG_STREAM_TRADES;
		bool		has_twin = kind != OG_STREAM_NOTIFICATIONS;

		if ((ours[i].source != FROM_ROLE || !of_public) &&
			(ours[i].source != FROM_SOURCE || has_twin))
			columns[count++] = ours[i];
	}
	return count;
}

/* ---------- types ---------- */

static bool
is_string(Oid type, int32 typmod)
{
	return type == TEXTOID || (type == VARCHAROID && typmod < 0);
}

/* A text goes into what the server lets it into, but is not cut or padded there. */
static bool
takes_text(Oid type)
{
	Oid			text = TEXTOID;
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING &&
		type != BPCHAROID && type != NAMEOID && type != CHAROID &&
		can_coerce_type(1, &text, &type, COERCION_ASSIGNMENT);
}

/* Does a type keep every value of ours as it is? */
static bool
takes(Oid value, Oid type, int32 typmod)
{
	switch (value)
	{
		case NUMERICOID:
			return (type == NUMERICOID && typmod < 0) ||
				is_string(type, typmod);
		case INT4OID:
			return type == INT2OID || type == INT4OID || type == INT8OID ||
				(type == NUMERICOID && typmod < 0) || is_string(type, typmod);
		case BOOLOID:
			return type == BOOLOID || is_string(type, typmod);
		case TIMESTAMPTZOID:
			return type == TIMESTAMPTZOID && (typmod < 0 || typmod >= 3);
		case JSONOID:
			return type == JSONOID || type == JSONBOID ||
				is_string(type, typmod);
		case NAMEOID:
			return type == NAMEOID || takes_text(type);
		default:
			return takes_text(type);
	}
}

static const char *
wanted_type(Oid value)
{
	switch (value)
	{
		case NUMERICOID:
			return "It must be numeric without a precision, which keeps numbers as they are.";
		case INT4OID:
			return "It must be integer or bigint.";
		case BOOLOID:
			return "It must be boolean.";
		case TIMESTAMPTZOID:
			return "It must be timestamp with time zone, with milliseconds at least.";
		case JSONOID:
			return "It must be json or jsonb.";
		default:
			return "It must be text.";
	}
}

static void
check_type(Relation rel, Form_pg_attribute attribute, Oid value)
{
	int32		typmod = attribute->atttypmod;
	Oid			type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);

	if (takes(value, type, typmod))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of table \"%s\" cannot take what a stream appends",
					NameStr(attribute->attname), RelationGetRelationName(rel)),
			 errdetail("It is of type %s.",
					   format_type_with_typemod(attribute->atttypid,
												attribute->atttypmod)),
			 errhint("%s", wanted_type(value))));
}

/* ---------- columns of the table ---------- */

static const AppendColumn *
find_column(const AppendColumn *columns, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	}
	return NULL;
}

/* Nobody gives it a value: may that be? */
static void
check_left_out(Relation rel, Form_pg_attribute attribute)
{
	if (!attribute->attnotnull || attribute->atthasdef ||
		attribute->attidentity != '\0' || attribute->attgenerated != '\0')
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("column \"%s\" of table \"%s\" is NOT NULL, and nothing is appended to it",
					NameStr(attribute->attname), RelationGetRelationName(rel)),
			 errhint("Give it a default, or let it be null.")));
}

static void
match_columns(AppendTarget *target, Relation rel, OgStreamKind kind)
{
	TupleDesc	desc = RelationGetDescr(rel);
	AppendColumn columns[MOST_APPEND_COLUMNS];
	int			count = og_append_columns(kind, columns);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const AppendColumn *column;

		if (attribute->attisdropped)
			continue;
		column = find_column(columns, count, NameStr(attribute->attname));
		if (column == NULL || attribute->attidentity != '\0' ||
			attribute->attgenerated != '\0')
		{
			check_left_out(rel, attribute);
			continue;
		}
		check_type(rel, attribute, column->type);
		target->columns[target->ncolumns++] = *column;
	}
}

/* A row without the id of what it is about is of no use to anybody. */
static void
check_id(const AppendTarget *target, Relation rel, OgStreamKind kind)
{
	static const char *const ids[OG_STREAM_KINDS][2] = {
		[OG_STREAM_TRADES] = {"trade_id"},
		[OG_STREAM_FILLS] = {"serial_id", "trade_id"},
		[OG_STREAM_NOTIFICATIONS] = {"order_id"}
	};
	const char *const *names = ids[kind];

	for (int i = 0; i < lengthof(ids[kind]) && names[i] != NULL; i++)
	{
		if (find_column(target->columns, target->ncolumns, names[i]) != NULL)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("table \"%s\" has no column for the id of what is appended",
					RelationGetRelationName(rel)),
			 names[1] == NULL
			 ? errhint("It must have a column \"%s\" that is neither generated nor an identity.",
					   names[0])
			 : errhint("It must have a column \"%s\" or \"%s\" that is neither generated nor an identity.",
					   names[0], names[1])));
}

/* ---------- the table ---------- */

static const char *
kind_of_relation(char relkind)
{
	switch (relkind)
	{
		case RELKIND_VIEW:
			return "It is a view.";
		case RELKIND_MATVIEW:
			return "It is a materialized view.";
		case RELKIND_FOREIGN_TABLE:
			return "It is a foreign table.";
		default:
			return "It is no table.";
	}
}

/* What is not there in the morning must not be in the ledger either. */
static void
check_storage(Relation rel)
{
	const char *name = RelationGetRelationName(rel);
	char		relkind = rel->rd_rel->relkind;
	const char *what = NULL;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a stream cannot append to \"%s\"", name),
				 errdetail("%s", kind_of_relation(relkind)),
				 errhint("It must be a table, which may be partitioned.")));
	if (IsCatalogRelation(rel))
		what = "It is a table of the system.";
	else if (getExtensionOfObject(RelationRelationId, RelationGetRelid(rel)) ==
			 get_extension_oid(OG_EXTENSION, true))
		what = "It is a table of the extension itself; without into_table its own log is written.";
	else if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		what = "It is a temporary table.";
	else if (rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED)
		what = "It is an unlogged table, which is empty after a crash.";
	if (what != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a stream cannot append to table \"%s\"", name),
				 errdetail("%s", what)));
}

/* A constraint that may be checked at the end of a transaction, or NULL. */
static const char *
find_deferrable(Relation rel)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	const char *found = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationGetRelid(rel)));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId,
							  true, NULL, 1, &key);
	while (found == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint =
			(Form_pg_constraint) GETSTRUCT(tuple);

		if (constraint->condeferrable)
			found = pstrdup(NameStr(constraint->conname));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	for (int i = 0; found == NULL && rel->trigdesc != NULL &&
		 i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgdeferrable && TRIGGER_FOR_INSERT(trigger->tgtype))
			found = trigger->tgname;
	}
	return found;
}

static void
check_rules(Relation rel)
{
	const char *name = RelationGetRelationName(rel);
	const char *deferrable;

	if (rel->rd_rules != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a stream cannot append to table \"%s\"", name),
				 errdetail("It has rules."),
				 errhint("Use triggers instead.")));
	deferrable = find_deferrable(rel);
	if (deferrable != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a stream cannot append to table \"%s\"", name),
				 errdetail("Its constraint \"%s\" is deferrable, so that it would fail when nobody can tell for which row.",
						   deferrable)));
}

/* ---------- rights ---------- */

static void
check_owner(Oid relid, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!superuser_arg(owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a superuser's stream cannot append to table \"%s\"",
						name),
				 errdetail("Its owner is no superuser, and could have his code run as one."),
				 errhint("Start the stream as the owner of the table.")));
}

/* What a table's owner has it run, runs as the role of the stream. */
static void
check_owners(Relation rel, Oid roleid)
{
	List	   *relids;
	ListCell   *cell;

	if (!superuser_arg(roleid))
		return;
	relids = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
		? find_all_inheritors(RelationGetRelid(rel), NoLock, NULL)
		: list_make1_oid(RelationGetRelid(rel));
	foreach(cell, relids)
		check_owner(lfirst_oid(cell), RelationGetRelationName(rel));
	list_free(relids);
}

static void
check_privileges(const AppendTarget *target, Relation rel, Oid roleid)
{
	Oid			schema = RelationGetNamespace(rel);

	if (og_schema_aclcheck(schema, roleid) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA,
					   get_namespace_name(schema));
	if (pg_class_aclcheck(target->relid, roleid, ACL_INSERT) == ACLCHECK_OK)
		return;
	for (int i = 0; i < target->ncolumns; i++)
	{
		AttrNumber	number = get_attnum(target->relid,
										target->columns[i].name);

		if (pg_attribute_aclcheck(target->relid, number, roleid,
								  ACL_INSERT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE,
						   RelationGetRelationName(rel));
	}
}

/* ---------- all of it ---------- */

AppendTarget *
og_target_read(Oid relid, OgStreamKind kind, Oid roleid, LOCKMODE lock)
{
	AppendTarget	   *target = palloc0(sizeof(AppendTarget));
	Relation	rel = try_relation_open(relid, lock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table that a stream appends to does not exist any more")));
	target->relid = relid;
	target->name =
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
								   RelationGetRelationName(rel));
	check_storage(rel);
	check_rules(rel);
	match_columns(target, rel, kind);
	check_id(target, rel, kind);
	check_owners(rel, roleid);
	check_privileges(target, rel, roleid);
	relation_close(rel, NoLock);
	return target;
}

void
og_stream_check_target(Oid relid, OgStreamKind kind)
{
	(void) og_target_read(relid, kind, GetUserId(), AccessShareLock);
}
