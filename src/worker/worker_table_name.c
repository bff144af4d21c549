/*-------------------------------------------------------------------------
 *
 * worker_table_name.c
 *		What tables, indexes and sequences are called, and how wide tables are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "worker/worker_table.h"

const char *const og_table_names[OG_TABLES] = {
	[OG_INSTALLATION_TABLE] = "order_gateway_installation",
	[OG_SWEEP_TABLE] = "order_gateway_journal_sweep",
	[OG_CALL_TABLE] = "order_gateway_journal_call",
	[OG_REFERENCE_TABLE] = "order_gateway_journal_reference",
	[OG_WITHDRAWAL_TABLE] = "order_gateway_journal_withdrawal",
	[OG_MARK_TABLE] = "order_gateway_journal_mark",
	[OG_RESULT_TABLE] = "order_gateway_journal_result",
	[OG_TRIAL_TABLE] = "order_gateway_journal_trial",
	[OG_END_TABLE] = "order_gateway_journal_end",
	[OG_WISH_TABLE] = "order_gateway_heartbeat_wish",
	[OG_HEARTBEAT_TABLE] = "order_gateway_heartbeat",
	[OG_UNSETTLED_TABLE] = "order_gateway_journal_unsettled",
	[OG_STREAM_TABLE] = "order_gateway_stream",
	[OG_STREAM_BOOK_TABLE] = "order_gateway_stream_book",
	[OG_STREAM_L1_TABLE] = "order_gateway_stream_l1",
	[OG_STREAM_TRADE_TABLE] = "order_gateway_stream_trade",
	[OG_STREAM_FILL_TABLE] = "order_gateway_stream_fill",
	[OG_STREAM_NOTIFICATION_TABLE] = "order_gateway_stream_notification",
	[OG_STREAM_SEEN_TABLE] = "order_gateway_stream_seen",
	[OG_STREAM_MARK_TABLE] = "order_gateway_stream_mark",
	[OG_STREAM_EVENT_TABLE] = "order_gateway_stream_event",
	[OG_STREAM_SERVER_TABLE] = "order_gateway_stream_server",
	[OG_INSTALLATION_KEY] = "order_gateway_installation_pkey",
	[OG_SWEEP_KEY] = "order_gateway_journal_sweep_pkey",
	[OG_CALL_KEY] = "order_gateway_journal_call_pkey",
	[OG_CALL_XID] = "order_gateway_journal_call_xid",
	[OG_REFERENCE_KEY] = "order_gateway_journal_reference_pkey",
	[OG_WITHDRAWAL_KEY] = "order_gateway_journal_withdrawal_pkey",
	[OG_WITHDRAWAL_XID] = "order_gateway_journal_withdrawal_xid",
	[OG_MARK_KEY] = "order_gateway_journal_mark_pkey",
	[OG_RESULT_KEY] = "order_gateway_journal_result_pkey",
	[OG_RESULT_ORDER] = "order_gateway_journal_result_order",
	[OG_TRIAL_KEY] = "order_gateway_journal_trial_pkey",
	[OG_END_KEY] = "order_gateway_journal_end_pkey",
	[OG_WISH_KEY] = "order_gateway_heartbeat_wish_pkey",
	[OG_HEARTBEAT_KEY] = "order_gateway_heartbeat_pkey",
	[OG_UNSETTLED_KEY] = "order_gateway_journal_unsettled_pkey",
	[OG_STREAM_KEY] = "order_gateway_stream_pkey",
	[OG_STREAM_ONCE] = "order_gateway_stream_once",
	[OG_STREAM_BOOK_KEY] = "order_gateway_stream_book_pkey",
	[OG_STREAM_L1_KEY] = "order_gateway_stream_l1_pkey",
	[OG_STREAM_TRADE_KEY] = "order_gateway_stream_trade_pkey",
	[OG_STREAM_TRADE_AT] = "order_gateway_stream_trade_at",
	[OG_STREAM_FILL_KEY] = "order_gateway_stream_fill_pkey",
	[OG_STREAM_FILL_AT] = "order_gateway_stream_fill_at",
	[OG_STREAM_NOTIFICATION_KEY] = "order_gateway_stream_notification_pkey",
	[OG_STREAM_SEEN_KEY] = "order_gateway_stream_seen_pkey",
	[OG_STREAM_SEEN_AT] = "order_gateway_stream_seen_at",
	[OG_STREAM_MARK_KEY] = "order_gateway_stream_mark_pkey",
	[OG_STREAM_EVENT_KEY] = "order_gateway_stream_event_pkey",
	[OG_STREAM_EVENT_AT] = "order_gateway_stream_event_at",
	[OG_STREAM_SERVER_KEY] = "order_gateway_stream_server_pkey",
	[OG_CALL_ID] = "order_gateway_call_id",
	[OG_STREAM_ID] = "order_gateway_stream_id",
	[OG_STREAM_NOTIFICATION_ID] = "order_gateway_stream_notification_id",
	[OG_STREAM_EVENT_ID] = "order_gateway_stream_event_id"
};

const int	og_table_columns[OG_TABLES] = {
	[OG_INSTALLATION_TABLE] = INSTALLATION_COLUMNS,
	[OG_SWEEP_TABLE] = SWEEP_COLUMNS,
	[OG_CALL_TABLE] = CALL_COLUMNS,
	[OG_REFERENCE_TABLE] = REFERENCE_COLUMNS,
	[OG_WITHDRAWAL_TABLE] = WITHDRAWAL_COLUMNS,
	[OG_MARK_TABLE] = MARK_COLUMNS,
	[OG_RESULT_TABLE] = RESULT_COLUMNS,
	[OG_TRIAL_TABLE] = TRIAL_COLUMNS,
	[OG_END_TABLE] = END_COLUMNS,
	[OG_WISH_TABLE] = WISH_COLUMNS,
	[OG_HEARTBEAT_TABLE] = HEARTBEAT_COLUMNS,
	[OG_UNSETTLED_TABLE] = UNSETTLED_COLUMNS,
	[OG_STREAM_TABLE] = STREAM_COLUMNS,
	[OG_STREAM_BOOK_TABLE] = STREAM_BOOK_COLUMNS,
	[OG_STREAM_L1_TABLE] = STREAM_L1_COLUMNS,
	[OG_STREAM_TRADE_TABLE] = STREAM_TRADE_COLUMNS,
	[OG_STREAM_FILL_TABLE] = STREAM_FILL_COLUMNS,
	[OG_STREAM_NOTIFICATION_TABLE] = STREAM_NOTIFICATION_COLUMNS,
	[OG_STREAM_SEEN_TABLE] = STREAM_SEEN_COLUMNS,
	[OG_STREAM_MARK_TABLE] = STREAM_MARK_COLUMNS,
	[OG_STREAM_EVENT_TABLE] = STREAM_EVENT_COLUMNS,
	[OG_STREAM_SERVER_TABLE] = STREAM_SERVER_COLUMNS
};
