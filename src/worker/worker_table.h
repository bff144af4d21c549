/*-------------------------------------------------------------------------
 *
 * worker_table.h
 *		The journal's tables, and rows in and out of them below SQL.
 *
 * Whoever submits a call needs no right on these tables, no setting of a session
 * reaches what is written, and no plan is made.  Constraints are not checked,
 * and no trigger is fired; columns that somebody adds are null, and what indexes
 * somebody adds are kept.
 *
 * The order of columns here is that of the install script.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_TABLE_H
#define OG_WORKER_TABLE_H

#include "access/htup.h"
#include "access/skey.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "storage/itemptr.h"
#include "storage/lock.h"
#include "storage/lockdefs.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "ground/message.h"
#include "provider/provider_reading.h"

#define OG_EXTENSION	"order_gateway"

typedef enum OgTable
{
	OG_INSTALLATION_TABLE,
	OG_SWEEP_TABLE,
	OG_CALL_TABLE,
	OG_REFERENCE_TABLE,
	OG_WITHDRAWAL_TABLE,
	OG_MARK_TABLE,
	OG_RESULT_TABLE,
	OG_TRIAL_TABLE,
	OG_END_TABLE,
	OG_WISH_TABLE,
	OG_HEARTBEAT_TABLE,
	OG_UNSETTLED_TABLE,
	OG_STREAM_TABLE,
	OG_STREAM_BOOK_TABLE,
	OG_STREAM_L1_TABLE,
	OG_STREAM_TRADE_TABLE,
	OG_STREAM_FILL_TABLE,
	OG_STREAM_NOTIFICATION_TABLE,
	OG_STREAM_SEEN_TABLE,
	OG_STREAM_MARK_TABLE,
	OG_STREAM_EVENT_TABLE,
	OG_STREAM_SERVER_TABLE,
	OG_INSTALLATION_KEY,		/* indexes */
	OG_SWEEP_KEY,
	OG_CALL_KEY,
	OG_CALL_XID,
	OG_REFERENCE_KEY,
	OG_WITHDRAWAL_KEY,
	OG_WITHDRAWAL_XID,
	OG_MARK_KEY,
	OG_RESULT_KEY,
	OG_RESULT_ORDER,
	OG_TRIAL_KEY,
	OG_END_KEY,
	OG_WISH_KEY,
	OG_HEARTBEAT_KEY,
	OG_UNSETTLED_KEY,
	OG_STREAM_KEY,
	OG_STREAM_ONCE,
	OG_STREAM_BOOK_KEY,
	OG_STREAM_L1_KEY,
	OG_STREAM_TRADE_KEY,
	OG_STREAM_TRADE_AT,
	OG_STREAM_FILL_KEY,
	OG_STREAM_FILL_AT,
	OG_STREAM_NOTIFICATION_KEY,
	OG_STREAM_SEEN_KEY,
	OG_STREAM_SEEN_AT,
	OG_STREAM_MARK_KEY,
	OG_STREAM_EVENT_KEY,
	OG_STREAM_EVENT_AT,
	OG_STREAM_SERVER_KEY,
	OG_CALL_ID,					/* sequences */
	OG_STREAM_ID,
	OG_STREAM_NOTIFICATION_ID,
	OG_STREAM_EVENT_ID,
	OG_TABLES
} OgTable;

enum
{
	INSTALLATION_ID, INSTALLATION_DATABASE, INSTALLATION_SYSTEM_IDENTIFIER,
	INSTALLATION_TIMELINE, INSTALLATION_DONE_BELOW,
	INSTALLATION_DOUBTFUL_BELOW, INSTALLATION_CRASHES, INSTALLATION_RUNNING,
	INSTALLATION_HELD, INSTALLATION_SETTLES, INSTALLATION_ALIVE_AT, INSTALLATION_CREATED_AT,
	INSTALLATION_COLUMNS
};

enum
{
	SWEEP_INSTALLATION, SWEEP_SERVER_ID, SWEEP_ROLE_ID, SWEEP_SERVER,
	SWEEP_ROLE, SWEEP_TIMELINE, SWEEP_WANTED_AT, SWEEP_DONE_AT, SWEEP_FOUND,
	SWEEP_IS_OFF, SWEEP_PROBLEM, SWEEP_COLUMNS
};

enum
{
	CALL_INSTALLATION, CALL_CALL_ID, CALL_XID, CALL_TIMELINE, CALL_ORIGIN,
	CALL_FUNCTION, CALL_FUNCTION_ID, CALL_PROVIDER, CALL_OPERATION,
	CALL_SERVER_ID, CALL_SERVER, CALL_ROLE_ID, CALL_ROLE, CALL_ARGUMENTS,
	CALL_IDS, CALL_ORDER_ARGUMENTS, CALL_REFERENCE, CALL_SUBMITTED_AT,
	CALL_NOT_BEFORE, CALL_EXPIRES_AT, CALL_COLUMNS
};

enum
{
	REFERENCE_INSTALLATION, REFERENCE_ROLE_ID, REFERENCE_REFERENCE,
	REFERENCE_CALL_ID, REFERENCE_CONTENT, REFERENCE_COLUMNS
};

enum
{
	WITHDRAWAL_INSTALLATION, WITHDRAWAL_CALL_ID, WITHDRAWAL_XID,
	WITHDRAWAL_ROLE, WITHDRAWAL_TIMELINE, WITHDRAWAL_WITHDRAWN_AT,
	WITHDRAWAL_COLUMNS
};

enum
{
	MARK_INSTALLATION, MARK_CALL_ID, MARK_NUMBER, MARK_LEAVES, MARK_ORDINALS,
	MARK_TIMELINE, MARK_MARKED_AT, MARK_COLUMNS
};

enum
{
	RESULT_INSTALLATION, RESULT_CALL_ID, RESULT_ORDINAL, RESULT_LEG,
	RESULT_ORDER_ID, RESULT_OUTCOME, RESULT_ANSWERED_OUTCOME, RESULT_CODE,
	RESULT_MESSAGE, RESULT_BATCH, RESULT_ATTEMPTS, RESULT_HTTP_STATUS,
	RESULT_SENT_AT, RESULT_ANSWERED_AT, RESULT_RESPONSE, RESULT_ORDER_STATE,
	RESULT_SETTLED_AT, RESULT_COLUMNS
};

enum
{
	TRIAL_INSTALLATION, TRIAL_CALL_ID, TRIAL_CRASHES, TRIAL_BEGUN_AT,
	TRIAL_COLUMNS
};

enum
{
	END_INSTALLATION, END_CALL_ID, END_QUARANTINED, END_OUTCOMES, END_NOTE,
	END_DONE_AT, END_COLUMNS
};

enum
{
	WISH_INSTALLATION, WISH_NUMBER, WISH_FUNCTION, WISH_FUNCTION_ID,
	WISH_SERVER_ID, WISH_SERVER, WISH_ROLE_ID, WISH_ROLE, WISH_TIMEOUT_MS,
	WISH_WISHED_AT, WISH_COLUMNS
};

enum
{
	HEARTBEAT_INSTALLATION, HEARTBEAT_SERVER_ID, HEARTBEAT_ROLE_ID,
	HEARTBEAT_WISH, HEARTBEAT_STARTED_AT, HEARTBEAT_BEATS,
	HEARTBEAT_BEAT_AT, HEARTBEAT_ANSWERED, HEARTBEAT_CRASHES,
	HEARTBEAT_ARMED_AT, HEARTBEAT_RENEWED_AT, HEARTBEAT_FIRES_AT,
	HEARTBEAT_OUTCOME, HEARTBEAT_CODE, HEARTBEAT_MESSAGE, HEARTBEAT_LOST,
	HEARTBEAT_COLUMNS
};

enum
{
	UNSETTLED_INSTALLATION, UNSETTLED_CALL_ID, UNSETTLED_SERVER_ID,
	UNSETTLED_ROLE_ID, UNSETTLED_SINCE, UNSETTLED_NOTE, UNSETTLED_COLUMNS
};

enum
{
	STREAM_INSTALLATION, STREAM_STREAM_ID, STREAM_KIND, STREAM_SYMBOL,
	STREAM_BOOK_GROUPING, STREAM_INTO_TABLE, STREAM_FUNCTION_ID,
	STREAM_SERVER_ID, STREAM_SERVER, STREAM_ROLE_ID, STREAM_ROLE,
	STREAM_STARTED_AT, STREAM_COLUMNS
};

enum
{
	STREAM_BOOK_INSTALLATION, STREAM_BOOK_SERVER_ID, STREAM_BOOK_SYMBOL,
	STREAM_BOOK_BOOK_GROUPING, STREAM_BOOK_SEQ, STREAM_BOOK_EVENT_TIME,
	STREAM_BOOK_RECEIVED_AT, STREAM_BOOK_BID_PRICES, STREAM_BOOK_BID_SIZES,
	STREAM_BOOK_ASK_PRICES, STREAM_BOOK_ASK_SIZES, STREAM_BOOK_COLUMNS
};

enum
{
	STREAM_L1_INSTALLATION, STREAM_L1_SERVER_ID, STREAM_L1_SYMBOL,
	STREAM_L1_BID_PRICE, STREAM_L1_BID_SIZE, STREAM_L1_ASK_PRICE,
	STREAM_L1_ASK_SIZE, STREAM_L1_EVENT_TIME, STREAM_L1_RECEIVED_AT,
	STREAM_L1_COLUMNS
};

enum
{
	STREAM_TRADE_INSTALLATION, STREAM_TRADE_SERVER_ID, STREAM_TRADE_SERVER,
	STREAM_TRADE_SYMBOL, STREAM_TRADE_TRADE_ID, STREAM_TRADE_SIDE,
	STREAM_TRADE_PRICE, STREAM_TRADE_SIZE, STREAM_TRADE_EVENT_TIME,
	STREAM_TRADE_RECEIVED_AT, STREAM_TRADE_SOURCE, STREAM_TRADE_RAW,
	STREAM_TRADE_COLUMNS
};

enum
{
	STREAM_FILL_INSTALLATION, STREAM_FILL_FILL_ID, STREAM_FILL_SERVER_ID,
	STREAM_FILL_SERVER, STREAM_FILL_ROLE_ID, STREAM_FILL_ROLE,
	STREAM_FILL_ORDER_ID, STREAM_FILL_CLIENT_ORDER_ID, STREAM_FILL_SERIAL_ID,
	STREAM_FILL_TRADE_ID, STREAM_FILL_ORDER_TYPE, STREAM_FILL_SYMBOL,
	STREAM_FILL_SIDE, STREAM_FILL_FILLED_PRICE, STREAM_FILL_FILLED_SIZE,
	STREAM_FILL_FEE_AMOUNT, STREAM_FILL_FEE_CURRENCY, STREAM_FILL_BASE,
	STREAM_FILL_QUOTE, STREAM_FILL_MAKER, STREAM_FILL_EVENT_TIME,
	STREAM_FILL_RECEIVED_AT, STREAM_FILL_SOURCE, STREAM_FILL_RAW,
	STREAM_FILL_COLUMNS
};

enum
{
	STREAM_NOTIFICATION_INSTALLATION, STREAM_NOTIFICATION_NOTIFICATION_ID,
	STREAM_NOTIFICATION_SERVER_ID, STREAM_NOTIFICATION_SERVER,
	STREAM_NOTIFICATION_ROLE_ID, STREAM_NOTIFICATION_ROLE,
	STREAM_NOTIFICATION_ORDER_ID, STREAM_NOTIFICATION_CLIENT_ORDER_ID,
	STREAM_NOTIFICATION_SYMBOL, STREAM_NOTIFICATION_SIDE,
	STREAM_NOTIFICATION_ORDER_TYPE, STREAM_NOTIFICATION_STATUS,
	STREAM_NOTIFICATION_PRICE, STREAM_NOTIFICATION_AVG_FILLED_PRICE,
	STREAM_NOTIFICATION_MAKER, STREAM_NOTIFICATION_STEALTH,
	STREAM_NOTIFICATION_PEG_PRICE_DEVIATION,
	STREAM_NOTIFICATION_TIME_IN_FORCE, STREAM_NOTIFICATION_TX_TYPE,
	STREAM_NOTIFICATION_TRIGGER_PRICE,
	STREAM_NOTIFICATION_ORIGINAL_ORDER_BASE_SIZE,
	STREAM_NOTIFICATION_ORIGINAL_ORDER_QUOTE_SIZE,
	STREAM_NOTIFICATION_CURRENT_ORDER_BASE_SIZE,
	STREAM_NOTIFICATION_CURRENT_ORDER_QUOTE_SIZE,
	STREAM_NOTIFICATION_FILLED_BASE_SIZE,
	STREAM_NOTIFICATION_TOTAL_FILLED_BASE_SIZE,
	STREAM_NOTIFICATION_REMAINING_ORDER_BASE_SIZE,
	STREAM_NOTIFICATION_REMAINING_ORDER_QUOTE_SIZE,
	STREAM_NOTIFICATION_ORDER_CURRENCY, STREAM_NOTIFICATION_EVENT_TIME,
	STREAM_NOTIFICATION_RECEIVED_AT, STREAM_NOTIFICATION_RAW,
	STREAM_NOTIFICATION_COLUMNS
};

enum
{
	STREAM_SEEN_INSTALLATION, STREAM_SEEN_TARGET, STREAM_SEEN_SERVER_ID,
	STREAM_SEEN_ROLE_ID, STREAM_SEEN_KIND, STREAM_SEEN_ID, STREAM_SEEN_AT,
	STREAM_SEEN_COLUMNS
};

enum
{
	STREAM_MARK_INSTALLATION, STREAM_MARK_STREAM_ID, STREAM_MARK_SYMBOL,
	STREAM_MARK_COMPLETE_UNTIL, STREAM_MARK_PASSED_AT, STREAM_MARK_COLUMNS
};

enum
{
	STREAM_EVENT_INSTALLATION, STREAM_EVENT_EVENT_ID, STREAM_EVENT_AT,
	STREAM_EVENT_EVENT, STREAM_EVENT_STREAM_ID, STREAM_EVENT_KIND,
	STREAM_EVENT_SYMBOL, STREAM_EVENT_BOOK_GROUPING, STREAM_EVENT_SERVER_ID,
	STREAM_EVENT_SERVER, STREAM_EVENT_ROLE_ID, STREAM_EVENT_ROLE,
	STREAM_EVENT_MESSAGE, STREAM_EVENT_FROM_TIME, STREAM_EVENT_TO_TIME,
	STREAM_EVENT_ROWS, STREAM_EVENT_RAW, STREAM_EVENT_COLUMNS
};

enum
{
	STREAM_SERVER_INSTALLATION, STREAM_SERVER_NUMBER,
	STREAM_SERVER_SERVER_ID, STREAM_SERVER_SERVER, STREAM_SERVER_COLUMNS
};

/* What each is called, and how many columns of a table are ours. */
extern const char *const og_table_names[OG_TABLES];
extern const int og_table_columns[OG_TABLES];

/*
 * A transaction of a worker's own, with a snapshot, which going through rows that
 * are stored out of line needs.  What was current before is not afterwards.
 */
extern void og_table_begin(void);
extern void og_table_commit(void);

/*
 * Locks of ours on all of a database.  Their classes tell them from those of
 * pg_advisory_lock(), which has 1 and 2.
 */
typedef enum OgLockClass
{
	OG_LOCK_WORKER = 0x4F47,	/* held by the one worker */
	OG_LOCK_MARKING = 0x4F48,	/* see worker_progress.c */
	OG_LOCK_HEARTBEAT = 0x4F49, /* of one server and role: see
								 * worker_heartbeat_row.c */
	OG_LOCK_STREAMS = 0x4F4A	/* held by the one stream worker */
} OgLockClass;

extern LOCKTAG og_lock_tag(OgLockClass class);

/* Is the extension there, with all of these?  Needs a transaction. */
extern bool og_tables_exist(void);

/*
 * What one is called in this database.  Errors: 42P01 where it does not exist.
 */
extern Oid	og_table_oid(OgTable table);

/* The schema of the extension, InvalidOid where there is none. */
extern Oid	og_table_schema(void);

/* Who owns the tables. */
extern Oid	og_table_owner(void);

/*
 * What was read from a table that nobody changes by hand may be kept for as long
 * as this number stays the same: another extension has others.
 */
extern uint64 og_table_version(void);

/* A row of it, for who inserts it himself; "desc" is the table's. */
extern HeapTuple og_table_form(OgTable table, TupleDesc desc,
							   const Datum *values, const bool *nulls);

extern void og_table_insert(OgTable table, const Datum *values,
							const bool *nulls);

/*
 * Many rows at once: form() is given the number of each, and arrays of values
 * and "is null" that begin as zero.
 */
#define OG_MOST_COLUMNS	40

typedef void (*OgForm) (void *owner, int number, Datum *values, bool *nulls);

extern void og_table_insert_many(OgTable table, int count, OgForm form,
								 void *owner);

/* Give columns of a row other values: those with .replace. */
extern void og_table_update(OgTable table, const ItemPointerData *row,
							const Datum *values, const bool *nulls,
							const bool *replace);

/*
 * Remove rows that have these keys, *most of them at most, from which those that
 * go are taken off.  False if some are left: there are more, or somebody holds
 * one of them, who is not waited for.
 */
extern bool og_table_remove(OgTable table, OgTable index, ScanKey keys,
							int nkeys, int *most);

/* The table that this process waits for since somebody has locked it, or NULL. */
extern const char *og_table_awaited;

/*
 * Get this lock on a table until the end of the transaction, without waiting
 * for anybody: false if that cannot be.
 */
extern bool og_table_try_lock(OgTable table, LOCKMODE mode);

/* A row that was found; valid until found() returns. */
typedef struct OgTableRow
{
	const Datum *values;
	const bool *nulls;
	const ItemPointerData *at;
} OgTableRow;

/*
 * Go through rows in the order of an index, whose first columns are given by
 * keys (which number columns of the table, and are used up), as the snapshot
 * shows them: NULL for one that is taken now, or within a parallel plan for that
 * of the plan.  found() says whether to go on; it must not change the table that
 * is gone through.
 */
typedef bool (*OgFound) (void *owner, const OgTableRow *row);

extern void og_table_scan(OgTable table, OgTable index, Snapshot snapshot,
						  ScanKey keys, int nkeys, OgFound found, void *owner);

/* Is there such a row, as far as is committed now? */
extern bool og_table_has(OgTable table, OgTable index, ScanKey keys,
						 int nkeys);

/*
 * Is there such a row, be it one that another transaction has not committed yet?
 * That is *writer then, else it is InvalidTransactionId.
 */
extern bool og_table_find_dirty(OgTable table, OgTable index, ScanKey keys,
								int nkeys, TransactionId *writer);

/* The key of every index of ours begins with it, as does every table. */
extern void og_table_installation_key(ScanKey key,
									  const pg_uuid_t *installation);

/*
 * A key of a column of text: indexes of ours order it as the database does, which
 * is not how ScanKeyInit() has it.
 */
extern void og_table_text_key(ScanKey key, int column, Datum text);

/*
 * Keys of an index that begins with installation and call: that call, or that
 * and all after it.
 */
extern void og_table_call_key(ScanKeyData keys[2],
							  const pg_uuid_t *installation, int64 call_id);
extern void og_table_call_key_from(ScanKeyData keys[2],
								   const pg_uuid_t *installation,
								   int64 call_id);

/* Results of a call, from an order of it on. */
extern void og_table_result_key_from(ScanKeyData keys[3],
									 const pg_uuid_t *installation,
									 int64 call_id, int ordinal);

/* ---------- values of columns ---------- */

/* What is not there is NULL: no text, no bytes, the time 0, the number 0. */
extern Datum og_text_or_null(const char *text, bool *isnull);
extern Datum og_slice_or_null(OgSlice slice, bool *isnull);
extern Datum og_time_or_null(TimestampTz at, bool *isnull);
extern Datum og_int_or_null(int number, bool *isnull);
extern Datum og_name_datum(const char *name);
extern Datum og_texts_datum(const OgSlice *texts, int count);
extern Datum og_ints_datum(const int *numbers, int count);

/* A value of the type order_outcome, and back. */
extern Datum og_outcome_datum(OgVerdict outcome);
extern OgVerdict og_outcome_of(Datum value);

/* Fields as a JSON object of texts, those of many as an array of them. */
extern Datum og_fields_datum(const OgFields *fields);
extern Datum og_fields_list_datum(const OgFields *list, int count,
								  bool *isnull);

/* The same read, in the current context. */
extern void og_fields_read(Datum json, OgFields *fields);
extern OgFields *og_fields_list_read(Datum json, int count);

#endif							/* OG_WORKER_TABLE_H */
