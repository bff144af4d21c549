/*-------------------------------------------------------------------------
 *
 * sql_reference.c
 *		Names that users give to what they submit, so that the same again does
 *		no harm.
 *
 * The content that a reference stands for is all that was asked for, but times,
 * and but ids of orders that we made ourselves, which differ from call to call.
 * Who is first is decided by the table's unique index, by INSERT ... ON CONFLICT,
 * which waits, and knows what may be seen above READ COMMITTED.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "ground/compat.h"
#include "sql/sql_reference.h"
#include "worker/worker_table.h"

/* ---------- content ---------- */

/* A text with its length before it, so that no two lists look the same. */
static void
append_text(StringInfo content, OgSlice text)
{
	appendStringInfo(content, "%zu:", text.len);
	appendBinaryStringInfo(content, text.data, (int) text.len);
}

/* However they were given, in SQL or in JSON. */
static void
append_fields(StringInfo content, const OgFields *fields, bool made_id)
{
	OgFields	sorted = {0};

	for (int i = 0; i < fields->count; i++)
		og_fields_add(&sorted, fields->items[i].name, fields->items[i].value);
	og_fields_sort(&sorted);
	for (int i = 0; i < sorted.count; i++)
	{
		const OgField *field = &sorted.items[i];

		if (made_id && strcmp(field->name, "client_order_id") == 0)
			continue;
		append_text(content, og_slice_of(field->name));
		append_text(content, og_slice_of(field->value));
	}
	appendStringInfoChar(content, ';');
	if (sorted.items != NULL)
		pfree(sorted.items);
}

/* SHA-256 of what a call asks for: a bytea. */
static Datum
hash_content(const OgJournalCall *call, const SqlGiven *given)
{
	StringInfoData content;

	initStringInfo(&content);
	appendStringInfoSpaces(&content, VARHDRSZ);
	append_text(&content, og_slice_of(call->function));
	append_text(&content, og_slice_of(call->server));
	append_fields(&content, &call->arguments, given->made_id);
	for (int i = 0; i < call->nids; i++)
	{
		bool		made = given->made_id ||
			(given->made_ids != NULL && given->made_ids[i]);

		if (call->order_arguments != NULL)
			append_fields(&content, &call->order_arguments[i], made);
		append_text(&content, made ? og_slice("", 0) : call->ids[i]);
	}
	SET_VARSIZE(content.data, content.len);
	return DirectFunctionCall1(sha256_bytea, PointerGetDatum(content.data));
}

/* ---------- who is first ---------- */

/* The statement, prepared once for a table of that name. */
static SPIPlanPtr
prepare_insert(Oid table)
{
	static SPIPlanPtr saved = NULL;
	static char *saved_name = NULL;
	static Oid	types[] = {UUIDOID, OIDOID, TEXTOID, INT8OID, BYTEAOID};
	char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
												  get_rel_name(table));
	SPIPlanPtr	prepared;

	if (saved != NULL && strcmp(saved_name, name) == 0)
		return saved;
	if (saved != NULL)
		SPI_freeplan(saved);

	/* What follows waits for locks, and may be cancelled. */
	saved = NULL;
	prepared = SPI_prepare(psprintf("INSERT INTO %s (installation, role_id, reference, call_id, content)"
								 " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
								 name), lengthof(types), types);
	if (prepared == NULL || SPI_keepplan(prepared) != 0)
		elog(ERROR, "could not prepare the insert of a reference");
	name = MemoryContextStrdup(TopMemoryContext, name);
	if (saved_name != NULL)
		pfree(saved_name);
	saved_name = name;
	saved = prepared;
	return saved;
}

/* Is this call the first with its reference? */
static bool
insert_reference(const OgInstallation *installation, const OgJournalCall *call,
				 Datum content)
{
	Oid			table = og_table_oid(OG_REFERENCE_TABLE);
	Datum		values[] = {
		UUIDPGetDatum(&installation->id), ObjectIdGetDatum(call->roleid),
		CStringGetTextDatum(call->reference), Int64GetDatum(call->call_id),
		content
	};
	Oid			user;
	int			context;
	bool		first;
	int			result;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(og_table_owner(),
						   context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	result = SPI_execute_plan(prepare_insert(table), values, NULL, false, 0);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "could not insert a reference: %s",
			 SPI_result_code_string(result));
	first = SPI_processed == 1;
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	return first;
}

/* ---------- who was first ---------- */

typedef struct Earlier
{
	bool		found;
	int64		call_id;
	bool		same;			/* content */
	Datum		content;		/* of the later one */
} Earlier;

static bool
take_earlier(void *owner, const OgTableRow *row)
{
	Earlier    *earlier = owner;

	earlier->found = true;
	earlier->call_id = DatumGetInt64(row->values[REFERENCE_CALL_ID]);
	earlier->same =
		DatumGetBool(DirectFunctionCall2(byteaeq, earlier->content,
										 row->values[REFERENCE_CONTENT]));
	return false;
}

static Earlier
find_earlier(const OgInstallation *installation, const OgJournalCall *call,
			 Datum content, Snapshot snapshot)
{
	Earlier		earlier = {.content = content};
	ScanKeyData keys[3];

	og_table_installation_key(&keys[0], &installation->id);
	ScanKeyInit(&keys[1], REFERENCE_ROLE_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(call->roleid));
	og_table_text_key(&keys[2], REFERENCE_REFERENCE,
					  CStringGetTextDatum(call->reference));
	og_table_scan(OG_REFERENCE_TABLE, OG_REFERENCE_KEY, snapshot, keys, 3,
				  take_earlier, &earlier);
	return earlier;
}

static void
refuse_other_content(const OgJournalCall *call, int64 earlier)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("reference \"%s\" stands for another call",
					call->reference),
			 errdetail("It is that of call " INT64_FORMAT ", which differs in function, server, arguments or ids.",
					   earlier),
			 errhint("Give each call a reference of its own; see order_gateway_calls.")));
}

bool
og_reference_take(const OgInstallation *installation, OgJournalCall *call,
				  const SqlGiven *given)
{
	Datum		content = hash_content(call, given);
	Earlier		earlier = find_earlier(installation, call, content,
									   GetActiveSnapshot());

	/* One that cannot be seen is waited for, or refused, by the insert. */
	while (!earlier.found)
	{
		CHECK_FOR_INTERRUPTS();
		if (call->call_id == 0)
			call->call_id = og_journal_next();
		if (insert_reference(installation, call, content))
			return true;
		earlier = find_earlier(installation, call, content, NULL);
	}
	if (!earlier.same)
		refuse_other_content(call, earlier.call_id);
	call->call_id = earlier.call_id;
	return false;
}
