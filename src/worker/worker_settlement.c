/*-------------------------------------------------------------------------
 *
 * worker_settlement.c
 *		Orders of the journal that are unknown, and what became of them.
 *
 * A result is changed in place, and so is the count in the end of its call, in one
 * transaction: both rows have no indexed column that changes.  What the call itself
 * had learned stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "worker/worker_settlement.h"
#include "worker/worker_table.h"

/* ---------- what is unknown ---------- */

typedef struct Reading
{
	UnknownResult *results;
	int			count;
	int			size;
	int			most;
	int			last;			/* ordinal that was looked at last */
	int			rows;			/* that may still be looked at */
	int			next;			/* 0 = there is nothing behind it */
} Reading;

static void
add_unknown(Reading *reading, const OgTableRow *row, int ordinal)
{
	text	   *id = DatumGetTextPCopy(row->values[RESULT_ORDER_ID]);

	if (reading->count == reading->size)
	{
		reading->size *= 2;
		reading->results = repalloc(reading->results,
									reading->size * sizeof(UnknownResult));
	}
	reading->results[reading->count++] = (UnknownResult)
	{
		.ordinal = ordinal,
		.order_id = og_slice(VARDATA_ANY(id), VARSIZE_ANY_EXHDR(id)),
		.sent_at = row->nulls[RESULT_SENT_AT] ? 0
			: DatumGetTimestampTz(row->values[RESULT_SENT_AT]),
		.order_state = row->nulls[RESULT_ORDER_STATE] ? NULL
			: TextDatumGetCString(row->values[RESULT_ORDER_STATE])
	};
}

static bool
take_result(void *owner, const OgTableRow *row)
{
	Reading    *reading = owner;
	int			ordinal = DatumGetInt32(row->values[RESULT_ORDINAL]);
	bool		again = ordinal == reading->last;

	if (!again && (reading->rows <= 0 || reading->count == reading->most))
	{
		reading->next = ordinal;
		return false;
	}
	reading->rows--;
	reading->last = ordinal;

	/* Another order of the same id: the first is not told by that either. */
	if (again && reading->count > 0 &&
		reading->results[reading->count - 1].ordinal == ordinal)
		reading->count--;
	else if (!again &&
			 og_outcome_of(row->values[RESULT_OUTCOME]) == OG_UNKNOWN)
		add_unknown(reading, row, ordinal);
	return true;
}

int
og_settlement_unknown(const OgInstallation *installation, int64 call_id,
					  int *from, int most, int *rows,
					  UnknownResult **results)
{
	Reading		reading = {.size = 16,.most = most,.rows = *rows};
	ScanKeyData keys[3];

	reading.results = palloc(reading.size * sizeof(UnknownResult));
	og_table_result_key_from(keys, &installation->id, call_id, *from);
	og_table_scan(OG_RESULT_TABLE, OG_RESULT_KEY, NULL, keys, 3, take_result,
				  &reading);
	*from = reading.next;
	*rows = reading.rows;
	*results = reading.results;
	return reading.count;
}

/* ---------- what became of it ---------- */

/* A row, and where it is. */
typedef struct FoundRow
{
	bool		found;
	ItemPointerData at;
	OgVerdict	outcome;		/* of a result */
	int			outcomes[OG_OUTCOMES];	/* of an end */
	bool		has_note;
} FoundRow;

/* Whatever index somebody adds: the one row is that of the first leg. */
static bool
find_result(void *owner, const OgTableRow *row)
{
	FoundRow   *found = owner;

	found->found = true;
	found->at = *row->at;
	found->outcome = og_outcome_of(row->values[RESULT_OUTCOME]);
	return false;
}

static bool
find_end(void *owner, const OgTableRow *row)
{
	FoundRow   *found = owner;
	ArrayType  *array = DatumGetArrayTypeP(row->values[END_OUTCOMES]);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	found->found = true;
	found->at = *row->at;
	found->has_note = !row->nulls[END_NOTE];
	memcpy(found->outcomes, ARR_DATA_PTR(array),
		   Min(count, OG_OUTCOMES) * sizeof(int));
	return false;
}

/* False if it is not unknown any more, or not there. */
static bool
write_result(const OgInstallation *installation, const Settlement *settlement)
{
	FoundRow	found = {.found = false};
	Datum		values[RESULT_COLUMNS] = {0};
	bool		nulls[RESULT_COLUMNS] = {false};
	bool		replace[RESULT_COLUMNS] = {false};
	ScanKeyData keys[3];

	og_table_call_key(keys, &installation->id, settlement->call_id);
	ScanKeyInit(&keys[2], RESULT_ORDINAL + 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(settlement->ordinal));
	og_table_scan(OG_RESULT_TABLE, OG_RESULT_KEY, NULL, keys, 3, find_result,
				  &found);
	if (!found.found || found.outcome != OG_UNKNOWN)
		return false;
	values[RESULT_ORDER_STATE] =
		CStringGetTextDatum(og_order_state_name(settlement->state));
	replace[RESULT_ORDER_STATE] = true;
	if (settlement->outcome != OG_UNKNOWN)
	{
		values[RESULT_OUTCOME] = og_outcome_datum(settlement->outcome);
		values[RESULT_SETTLED_AT] =
			TimestampTzGetDatum(settlement->settled_at);
		replace[RESULT_OUTCOME] = replace[RESULT_SETTLED_AT] = true;
	}
	og_table_update(OG_RESULT_TABLE, &found.at, values, nulls, replace);
	return settlement->outcome != OG_UNKNOWN;
}

static FoundRow
read_end(const OgInstallation *installation, int64 call_id)
{
	FoundRow	end = {.found = false};
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, call_id);
	og_table_scan(OG_END_TABLE, OG_END_KEY, NULL, keys, 2, find_end, &end);
	return end;
}

static void
write_outcomes(const FoundRow *end)
{
	Datum		values[END_COLUMNS] = {0};
	bool		nulls[END_COLUMNS] = {false};
	bool		replace[END_COLUMNS] = {false};

	values[END_OUTCOMES] = og_ints_datum(end->outcomes, OG_OUTCOMES);
	replace[END_OUTCOMES] = true;
	og_table_update(OG_END_TABLE, &end->at, values, nulls, replace);
	CommandCounterIncrement();
}

void
og_settlement_write(const OgInstallation *installation,
					Settlement *settlements, int count)
{
	for (int first = 0, next; first < count; first = next)
	{
		int64		call_id = settlements[first].call_id;
		FoundRow	end = read_end(installation, call_id);
		bool		counts = false;

		for (next = first; next < count &&
			 settlements[next].call_id == call_id; next++)
		{
			Settlement *settlement = &settlements[next];
			bool		was_unknown = write_result(installation, settlement);

			settlement->counts = was_unknown && !end.found;
			if (!was_unknown)
				continue;
			counts = true;
			end.outcomes[OG_UNKNOWN]--;
			end.outcomes[settlement->outcome]++;
		}
		if (counts && end.found)
			write_outcomes(&end);
	}
	CommandCounterIncrement();
}

static bool
take_note(void *owner, const OgTableRow *row)
{
	if (!row->nulls[UNSETTLED_NOTE])
		*(char **) owner = TextDatumGetCString(row->values[UNSETTLED_NOTE]);
	return false;
}

void
og_settlement_give_up(const OgInstallation *installation, int64 call_id)
{
	FoundRow	end = read_end(installation, call_id);
	char	   *note = NULL;
	Datum		values[END_COLUMNS] = {0};
	bool		nulls[END_COLUMNS] = {false};
	bool		replace[END_COLUMNS] = {false};
	ScanKeyData keys[2];

	if (!end.found || end.has_note)
		return;
	og_table_call_key(keys, &installation->id, call_id);
	og_table_scan(OG_UNSETTLED_TABLE, OG_UNSETTLED_KEY, NULL, keys, 2,
				  take_note, &note);
	if (note == NULL)
		return;
	values[END_NOTE] = CStringGetTextDatum(note);
	replace[END_NOTE] = true;
	og_table_update(OG_END_TABLE, &end.at, values, nulls, replace);
	CommandCounterIncrement();
}
