/* order_gateway--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION order_gateway UPDATE TO '1.1'" to load this file. \quit

--
-- Calls in progress.  What the function returns is already limited to what
-- the current role may see.
--

CREATE FUNCTION order_gateway_activity(
	OUT pid int,
	OUT datid oid,
	OUT roleid oid,
	OUT server name,
	OUT function text,
	OUT started_at timestamptz,
	OUT ids bigint,
	OUT ids_answered bigint,
	OUT requests_sent bigint,
	OUT requests_answered bigint,
	OUT requests_in_flight int,
	OUT requests_retried bigint,
	OUT waiting_for text,
	OUT waiting_since timestamptz,
	OUT expected_end timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_activity() IS
'calls in progress in all databases, one row each, as the view order_gateway_activity shows them: '
'those of the current role, or all to members of pg_read_all_stats. '
'Error 55000 where sessions share no memory';

CREATE VIEW order_gateway_activity AS
SELECT a.pid,
	d.datname AS database,
	pg_catalog.pg_get_userbyid(a.roleid) AS role,
	a.server,
	a.function,
	a.ids,
	a.ids_answered,
	a.requests_sent,
	a.requests_answered,
	a.requests_in_flight,
	a.requests_retried,
	a.waiting_for,
	a.waiting_since,
	a.started_at,
	a.expected_end
FROM order_gateway_activity() AS a
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = a.datid;

COMMENT ON VIEW order_gateway_activity IS
'calls in progress: one row each, those of the current role, or all to members of pg_read_all_stats';
COMMENT ON COLUMN order_gateway_activity.pid IS 'process id of the session, as in pg_stat_activity';
COMMENT ON COLUMN order_gateway_activity.database IS 'database of the session';
COMMENT ON COLUMN order_gateway_activity.role IS 'role that calls, whose user mapping is used';
COMMENT ON COLUMN order_gateway_activity.server IS 'foreign server that is called';
COMMENT ON COLUMN order_gateway_activity.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_activity.ids IS 'ids in the call, repeated ones counted once';
COMMENT ON COLUMN order_gateway_activity.ids_answered IS 'ids that were sent and have their final outcome';
COMMENT ON COLUMN order_gateway_activity.requests_sent IS 'requests that left, those sent again included';
COMMENT ON COLUMN order_gateway_activity.requests_answered IS 'requests to which a whole answer came';
COMMENT ON COLUMN order_gateway_activity.requests_in_flight IS 'requests whose answer is awaited';
COMMENT ON COLUMN order_gateway_activity.requests_retried IS 'attempts after the first one of a batch';
COMMENT ON COLUMN order_gateway_activity.waiting_for IS 'what it waits for: turn (the pace), connect, answer, or backoff (a pause before a retry)';
COMMENT ON COLUMN order_gateway_activity.waiting_since IS 'since when it waits for that';
COMMENT ON COLUMN order_gateway_activity.started_at IS 'when the call began';
COMMENT ON COLUMN order_gateway_activity.expected_end IS 'when it will be done, as far as its progress and the pace tell; NULL while nobody knows';

GRANT SELECT ON order_gateway_activity TO PUBLIC;

--
-- Statistics
--

CREATE FUNCTION order_gateway_stats(
	OUT datid oid,
	OUT server name,
	OUT function text,
	OUT calls bigint,
	OUT requests bigint,
	OUT retries bigint,
	OUT cancelled bigint,
	OUT accepted bigint,
	OUT not_found bigint,
	OUT not_cancellable bigint,
	OUT rejected bigint,
	OUT not_sent bigint,
	OUT unknown bigint,
	OUT bytes_sent bigint,
	OUT bytes_received bigint,
	OUT connections bigint,
	OUT turn_wait_time float8,
	OUT answers bigint,
	OUT min_answer_time float8,
	OUT mean_answer_time float8,
	OUT max_answer_time float8,
	OUT answer_time_histogram bigint[],
	OUT since timestamptz,
	OUT stats_reset timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_stats() IS
'what calls of all databases did since the last reset, one row per server and function, as the view order_gateway_stats shows it. '
'Error 55000 where sessions share no memory';

CREATE VIEW order_gateway_stats AS
SELECT d.datname AS database,
	s.server,
	s.function,
	s.calls,
	s.requests,
	s.retries,
	s.cancelled,
	s.accepted,
	s.not_found,
	s.not_cancellable,
	s.rejected,
	s.not_sent,
	s.unknown,
	s.bytes_sent,
	s.bytes_received,
	s.connections,
	s.turn_wait_time,
	s.answers,
	s.min_answer_time,
	s.mean_answer_time,
	s.max_answer_time,
	s.answer_time_histogram,
	s.since,
	s.stats_reset
FROM order_gateway_stats() AS s
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.datid;

COMMENT ON VIEW order_gateway_stats IS
'what calls did since the last reset: one row per server and function; times are in milliseconds';
COMMENT ON COLUMN order_gateway_stats.database IS 'database that the server belongs to';
COMMENT ON COLUMN order_gateway_stats.server IS 'foreign server, by the name it was called by last';
COMMENT ON COLUMN order_gateway_stats.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_stats.calls IS 'calls that had at least one id';
COMMENT ON COLUMN order_gateway_stats.requests IS 'requests that left, those sent again included';
COMMENT ON COLUMN order_gateway_stats.retries IS 'attempts after the first one of a batch';
COMMENT ON COLUMN order_gateway_stats.cancelled IS 'ids with this outcome; an id that stands for several orders counts with the first';
COMMENT ON COLUMN order_gateway_stats.accepted IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.not_found IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.not_cancellable IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.rejected IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.not_sent IS 'ids with this outcome, those of calls that were stopped included';
COMMENT ON COLUMN order_gateway_stats.unknown IS 'ids with this outcome, those included whose answer was awaited when a call was stopped';
COMMENT ON COLUMN order_gateway_stats.bytes_sent IS 'bytes of requests, without what TLS adds';
COMMENT ON COLUMN order_gateway_stats.bytes_received IS 'bytes of answers, without what TLS adds';
COMMENT ON COLUMN order_gateway_stats.connections IS 'connections that were opened';
COMMENT ON COLUMN order_gateway_stats.turn_wait_time IS 'time spent waiting for turns of the pace, in ms';
COMMENT ON COLUMN order_gateway_stats.answers IS 'requests to which a whole answer came';
COMMENT ON COLUMN order_gateway_stats.min_answer_time IS 'shortest time from sending a request to the end of its answer, in ms';
COMMENT ON COLUMN order_gateway_stats.mean_answer_time IS 'mean of that time, in ms';
COMMENT ON COLUMN order_gateway_stats.max_answer_time IS 'longest such time, in ms';
COMMENT ON COLUMN order_gateway_stats.answer_time_histogram IS
'answers by time: up to 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1, 2, 5, 10, 20, 50 s, and above';
COMMENT ON COLUMN order_gateway_stats.since IS 'when this row was begun';
COMMENT ON COLUMN order_gateway_stats.stats_reset IS 'when all rows were reset last';

CREATE FUNCTION order_gateway_stats_reset()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION order_gateway_stats_reset() IS
'forgets the statistics of all servers and functions. Error 55000 where sessions share no memory';

-- The one who trades, and how much, is not everybody's business.
REVOKE ALL ON FUNCTION order_gateway_stats() FROM PUBLIC;
REVOKE ALL ON FUNCTION order_gateway_stats_reset() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_stats() TO pg_read_all_stats;
GRANT SELECT ON order_gateway_stats TO pg_read_all_stats;

--
-- Limits
--

CREATE FUNCTION order_gateway_limits(
	OUT lane text,
	OUT class text,
	OUT host text,
	OUT datid oid,
	OUT server name,
	OUT rate_limit text,
	OUT requests int,
	OUT used int,
	OUT available int,
	OUT next_turn_at timestamptz,
	OUT held_until timestamptz,
	OUT sessions_waiting int,
	OUT last_sent_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_limits() IS
'what is left of each limit of each lane, as the view order_gateway_limits shows it. '
'Error 55000 where sessions share no memory';

CREATE VIEW order_gateway_limits AS
SELECT l.lane,
	l.class,
	l.host,
	d.datname AS database,
	l.server,
	l.rate_limit,
	l.requests,
	l.used,
	l.available,
	l.next_turn_at,
	l.held_until,
	l.sessions_waiting,
	l.last_sent_at
FROM order_gateway_limits() AS l
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = l.datid;

COMMENT ON VIEW order_gateway_limits IS
'what is left of each limit: one row per lane (what a provider counts requests on) and limit';
COMMENT ON COLUMN order_gateway_limits.lane IS 'name of the account or host: the beginning of a hash, which holds no key';
COMMENT ON COLUMN order_gateway_limits.class IS 'what is counted: orders or queries of an account, or all of a host';
COMMENT ON COLUMN order_gateway_limits.host IS 'host and port of the provider';
COMMENT ON COLUMN order_gateway_limits.database IS 'database of the call that used the lane last';
COMMENT ON COLUMN order_gateway_limits.server IS 'server of the call that used the lane last; its limits are shown';
COMMENT ON COLUMN order_gateway_limits.rate_limit IS 'one limit of that server; NULL where it has none that counts here';
COMMENT ON COLUMN order_gateway_limits.requests IS 'how many requests the limit allows';
COMMENT ON COLUMN order_gateway_limits.used IS 'how many it counts now';
COMMENT ON COLUMN order_gateway_limits.available IS 'how many may be sent at once';
COMMENT ON COLUMN order_gateway_limits.next_turn_at IS 'when the next request may be sent; NULL = now';
COMMENT ON COLUMN order_gateway_limits.held_until IS 'until when nothing is sent because the provider said "too frequent"; NULL = not held back';
COMMENT ON COLUMN order_gateway_limits.sessions_waiting IS 'sessions that wait for a turn';
COMMENT ON COLUMN order_gateway_limits.last_sent_at IS 'when a request was sent last';

REVOKE ALL ON FUNCTION order_gateway_limits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_limits() TO pg_read_all_stats;
GRANT SELECT ON order_gateway_limits TO pg_read_all_stats;

--
-- Before going live: what a DBA wants to know of a server.  It opens
-- connections and uses credentials, so it is granted to nobody at first; it
-- only reads, so it may run in READ ONLY transactions and on standbys.
--

CREATE FUNCTION order_gateway_check(
	server name,
	OUT item text,
	OUT ok boolean,
	OUT result text,
	OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 8;

COMMENT ON FUNCTION order_gateway_check(name) IS
'checks a server before going live, by two requests at most that touch no order: '
'name lookup, connection, TLS and its certificate, HTTP, round trip, clock, and the current user''s credentials. '
'Returns one row per item: ok is true, false with a hint what to do, or NULL where the item was not reached or does not exist. '
'Call it in FROM';

REVOKE ALL ON FUNCTION order_gateway_check(name) FROM PUBLIC;

--
-- Acts on orders and investments at BTSE.  What became of an act comes first
-- in its row, what the provider says of the order after that, named as it is
-- documented: orderID is order_id, clOrderID client_order_id, timestamp
-- event_time, and avgFilledPrice avg_filled_price.
--

CREATE TYPE btse_order_result AS (
	outcome order_outcome,
	code text,
	message text,
	ordinal int,
	attempts int,
	http_status int,
	sent_at timestamptz,
	answered_at timestamptz,
	order_id text,
	client_order_id text,
	symbol text,
	side text,
	order_type int,
	order_type_name text,
	status int,
	status_name text,
	price numeric,
	stop_price numeric,
	trigger_price numeric,
	trigger boolean,
	time_in_force text,
	post_only boolean,
	stealth numeric,
	deviation numeric,
	avg_filled_price numeric,
	original_order_base_size numeric,
	original_order_quote_size numeric,
	current_order_base_size numeric,
	current_order_quote_size numeric,
	filled_base_size numeric,
	total_filled_base_size numeric,
	remaining_order_base_size numeric,
	remaining_order_quote_size numeric,
	order_currency text,
	event_time timestamptz,
	raw json
);

COMMENT ON TYPE btse_order_result IS
'what became of an act on an order at BTSE, and the order as the answer describes it; a field that is missing, null or of another type than documented is NULL, and to be seen in raw';
COMMENT ON COLUMN btse_order_result.outcome IS 'what became of it: accepted = the provider took it; rejected = it refused, and nothing was done; not_sent = it never left this machine; unknown = it may have been done, look before acting; not_found = the provider knows no such open order; cancelled, not_cancellable = the provider said so (btse_cancel_all)';
COMMENT ON COLUMN btse_order_result.code IS 'the provider''s own code, such as the status of the order; NULL where it gives none';
COMMENT ON COLUMN btse_order_result.message IS 'the provider''s own words, or ours where nothing trustworthy came back';
COMMENT ON COLUMN btse_order_result.ordinal IS 'position of the order in the list that was given, from 1; both legs of an OCO order have the same';
COMMENT ON COLUMN btse_order_result.attempts IS 'tries, refused connections included';
COMMENT ON COLUMN btse_order_result.http_status IS 'HTTP status of the answer; NULL without one';
COMMENT ON COLUMN btse_order_result.sent_at IS 'when it left; NULL = never';
COMMENT ON COLUMN btse_order_result.answered_at IS 'when an answer began to come; NULL = never';
COMMENT ON COLUMN btse_order_result.order_id IS 'orderID: the id that the provider gave the order';
COMMENT ON COLUMN btse_order_result.client_order_id IS 'clOrderID: our own id of the order; of a new order always the one that was sent, whatever came back';
COMMENT ON COLUMN btse_order_result.symbol IS 'symbol: the market';
COMMENT ON COLUMN btse_order_result.side IS 'side: BUY or SELL';
COMMENT ON COLUMN btse_order_result.order_type IS 'orderType: number of the type';
COMMENT ON COLUMN btse_order_result.order_type_name IS 'what that number means';
COMMENT ON COLUMN btse_order_result.status IS 'status: number of the state that the order is in';
COMMENT ON COLUMN btse_order_result.status_name IS 'what that number means';
COMMENT ON COLUMN btse_order_result.price IS 'price of the order';
COMMENT ON COLUMN btse_order_result.stop_price IS 'stopPrice: price of the leg of an OCO order that waits';
COMMENT ON COLUMN btse_order_result.trigger_price IS 'triggerPrice: price that sets off the order; 0 if it waits for none';
COMMENT ON COLUMN btse_order_result.trigger IS 'trigger: whether it is set off by a price';
COMMENT ON COLUMN btse_order_result.time_in_force IS 'time_in_force: how long the order stands';
COMMENT ON COLUMN btse_order_result.post_only IS 'postOnly: whether it may only rest in the order book';
COMMENT ON COLUMN btse_order_result.stealth IS 'stealth: how much of the order the order book shows';
COMMENT ON COLUMN btse_order_result.deviation IS 'deviation of a PEG order from the index price';
COMMENT ON COLUMN btse_order_result.avg_filled_price IS 'avgFilledPrice: mean price of what was traded';
COMMENT ON COLUMN btse_order_result.original_order_base_size IS 'originalOrderBaseSize (once originalSize): size of the order when it was new, in base currency';
COMMENT ON COLUMN btse_order_result.original_order_quote_size IS 'originalOrderQuoteSize: the same in quote currency';
COMMENT ON COLUMN btse_order_result.current_order_base_size IS 'currentOrderBaseSize (once size): size of the order now, what was traded included, in base currency';
COMMENT ON COLUMN btse_order_result.current_order_quote_size IS 'currentOrderQuoteSize: the same in quote currency';
COMMENT ON COLUMN btse_order_result.filled_base_size IS 'filledBaseSize (once fillSize): what was traded, in base currency';
COMMENT ON COLUMN btse_order_result.total_filled_base_size IS 'totalFilledBaseSize (once filledSize): all that was traded so far, in base currency';
COMMENT ON COLUMN btse_order_result.remaining_order_base_size IS 'remainingOrderBaseSize, also called remainingBaseSize (once remainingSize): what is still to be traded, in base currency';
COMMENT ON COLUMN btse_order_result.remaining_order_quote_size IS 'remainingOrderQuoteSize, also called remainingQuoteSize: the same in quote currency';
COMMENT ON COLUMN btse_order_result.order_currency IS 'orderCurrency: whether the size was given in base or quote currency';
COMMENT ON COLUMN btse_order_result.event_time IS 'timestamp: when this happened, by the provider''s clock';
COMMENT ON COLUMN btse_order_result.raw IS 'the very bytes of the provider''s element for this order; NULL where there is none';

CREATE TYPE btse_act_result AS (
	outcome order_outcome,
	code text,
	message text,
	attempts int,
	http_status int,
	sent_at timestamptz,
	answered_at timestamptz,
	raw json
);

COMMENT ON TYPE btse_act_result IS
'what became of an act at BTSE whose answer has no body where all is well';
COMMENT ON COLUMN btse_act_result.outcome IS 'what became of it: accepted = the provider took it; rejected = it refused, and nothing was done; not_sent = it never left this machine; unknown = it may have been done, look before acting';
COMMENT ON COLUMN btse_act_result.code IS 'the provider''s own code, such as the status of the order; NULL where it gives none';
COMMENT ON COLUMN btse_act_result.message IS 'the provider''s own words, or ours where nothing trustworthy came back';
COMMENT ON COLUMN btse_act_result.attempts IS 'tries, refused connections included';
COMMENT ON COLUMN btse_act_result.http_status IS 'HTTP status of the answer; NULL without one';
COMMENT ON COLUMN btse_act_result.sent_at IS 'when it left; NULL = never';
COMMENT ON COLUMN btse_act_result.answered_at IS 'when an answer began to come; NULL = never';
COMMENT ON COLUMN btse_act_result.raw IS 'the very bytes of the provider''s element for this order; NULL where there is none';

CREATE TYPE btse_renew_result AS (
	outcome order_outcome,
	code text,
	message text,
	attempts int,
	http_status int,
	sent_at timestamptz,
	answered_at timestamptz,
	order_id text,
	auto_renew boolean,
	raw json
);

COMMENT ON TYPE btse_renew_result IS
'what became of renewing an investment at BTSE';
COMMENT ON COLUMN btse_renew_result.outcome IS 'what became of it: accepted = the provider took it; rejected = it refused, and nothing was done; not_sent = it never left this machine; unknown = it may have been done, look before acting';
COMMENT ON COLUMN btse_renew_result.code IS 'the provider''s own code, such as the status of the order; NULL where it gives none';
COMMENT ON COLUMN btse_renew_result.message IS 'the provider''s own words, or ours where nothing trustworthy came back';
COMMENT ON COLUMN btse_renew_result.attempts IS 'tries, refused connections included';
COMMENT ON COLUMN btse_renew_result.http_status IS 'HTTP status of the answer; NULL without one';
COMMENT ON COLUMN btse_renew_result.sent_at IS 'when it left; NULL = never';
COMMENT ON COLUMN btse_renew_result.answered_at IS 'when an answer began to come; NULL = never';
COMMENT ON COLUMN btse_renew_result.order_id IS 'orderId: the investment; always the one that was sent';
COMMENT ON COLUMN btse_renew_result.auto_renew IS 'autoRenew: whether it will be renewed, as the answer confirms';
COMMENT ON COLUMN btse_renew_result.raw IS 'the very bytes of the provider''s element for this order; NULL where there is none';

CREATE FUNCTION btse_create_order(
	symbol text,
	side text,
	type text,
	size numeric,
	price numeric DEFAULT NULL,
	time_in_force text DEFAULT NULL,
	tx_type text DEFAULT NULL,
	stop_price numeric DEFAULT NULL,
	trigger_price numeric DEFAULT NULL,
	trail_value numeric DEFAULT NULL,
	post_only boolean DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	stealth numeric DEFAULT NULL,
	deviation numeric DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_order_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 2;

COMMENT ON FUNCTION btse_create_order(text, text, text, numeric, numeric, text, text, numeric, numeric, numeric, boolean, text, numeric, numeric, name) IS
'creates an order at BTSE. side BUY or SELL; type LIMIT, MARKET, OCO or PEG; every type but MARKET needs a price; time_in_force GTC (the provider''s '
'default), IOC, FOK, HALFMIN, FIVEMIN, HOUR, TWELVEHOUR, DAY, WEEK or MONTH; tx_type STOP or TRIGGER needs trigger_price; OCO needs stop_price and '
'trigger_price and answers two rows, one for each leg; PEG needs stealth (percent shown, above 0 to 100) and may have a deviation (-10 to 10 percent of '
'the index price). Amounts leave with the digits that they are given with. client_order_id is our own id of the order, by which it can be looked for '
'when the outcome is unknown: take it from a row that was committed before; without one a UUID is made, and returned. Never sent twice; raises errors '
'only before anything is sent. Call it in FROM. Source: BTSE POST /api/v3.3/order, PEG: /api/v3.3/order/peg';

CREATE FUNCTION btse_create_order_preview(
	symbol text,
	side text,
	type text,
	size numeric,
	price numeric DEFAULT NULL,
	time_in_force text DEFAULT NULL,
	tx_type text DEFAULT NULL,
	stop_price numeric DEFAULT NULL,
	trigger_price numeric DEFAULT NULL,
	trail_value numeric DEFAULT NULL,
	post_only boolean DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	stealth numeric DEFAULT NULL,
	deviation numeric DEFAULT NULL,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_create_order_preview(text, text, text, numeric, numeric, text, text, numeric, numeric, numeric, boolean, text, numeric, numeric, name, timestamptz) IS
'the request that btse_create_order with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". A client order id that is not given is made anew by each call. Needs the same privileges as the call';

CREATE FUNCTION btse_create_orders(
	orders jsonb,
	server name DEFAULT 'btse')
RETURNS SETOF btse_order_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_create_orders(jsonb, name) IS
'creates many orders at BTSE, one request each, several in flight: orders is a JSON array of objects with the arguments of btse_create_order by name, '
'such as [{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 0.002, "price": 34000.5, "client_order_id": "a1"}]; amounts are JSON numbers '
'and stay exact. No two orders of a call may have the same client_order_id. All are checked before the first is sent. Returns one row per order in the '
'order of the array, with its ordinal, two for an OCO order. An empty array or NULL is no row. Never sent twice; raises errors only before anything is '
'sent. Call it in FROM. Source: BTSE POST /api/v3.3/order';

CREATE FUNCTION btse_create_orders_preview(
	orders jsonb,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 100;

COMMENT ON FUNCTION btse_create_orders_preview(jsonb, name, timestamptz) IS
'the requests that btse_create_orders with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. Request n is stamped with the time "at" plus n - 1 ms. A client order id that is not given is made anew by each call. Needs the same '
'privileges as the call';

CREATE FUNCTION btse_amend_order(
	symbol text,
	order_id text DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	price numeric DEFAULT NULL,
	size numeric DEFAULT NULL,
	trigger_price numeric DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_order_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_amend_order(text, text, text, numeric, numeric, numeric, name) IS
'amends an open order at BTSE: exactly one of order_id and client_order_id names it, and at least one of price, size and trigger_price is its new '
'value; several are changed together (type ALL). accepted means that the order is amended and stands as the row says; not for PEG orders. Never sent '
'twice; raises errors only before anything is sent. Call it in FROM. Source: BTSE PUT /api/v3.3/order';

CREATE FUNCTION btse_amend_order_preview(
	symbol text,
	order_id text DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	price numeric DEFAULT NULL,
	size numeric DEFAULT NULL,
	trigger_price numeric DEFAULT NULL,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_amend_order_preview(text, text, text, numeric, numeric, numeric, name, timestamptz) IS
'the request that btse_amend_order with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". Needs the same privileges as the call';

CREATE FUNCTION btse_cancel_all(
	symbol text,
	server name DEFAULT 'btse')
RETURNS SETOF btse_order_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_cancel_all(text, name) IS
'cancels every open order of a market at BTSE, also those that nobody here knows of. Returns one row per order that the answer names, with outcome '
'cancelled; one single row with outcome accepted and no order_id says that the provider carried it out and named no order, so there was none to cancel. '
'Any other single row is about the request: unknown means that any or all of the orders may be cancelled. For single orders use btse_cancel. Never sent '
'twice; raises errors only before anything is sent. Call it in FROM. Source: BTSE DELETE /api/v3.3/order without an id';

CREATE FUNCTION btse_cancel_all_preview(
	symbol text,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_cancel_all_preview(text, name, timestamptz) IS
'the request that btse_cancel_all with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". Needs the same privileges as the call';

CREATE FUNCTION btse_cancel_all_after(
	timeout interval,
	server name DEFAULT 'btse')
RETURNS SETOF btse_act_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_cancel_all_after(interval, name) IS
'starts, or starts anew, a timer at BTSE that cancels all open orders of the account, in all markets, when it runs out: call it again before that to '
'keep them. An interval of zero stops it. Parts of a millisecond are rounded up; months and years are refused, since they differ in length. accepted '
'means that the timer runs, from about sent_at on; after unknown, call it again. raises errors only before anything is sent. Call it in FROM. Source: '
'BTSE POST /api/v3.3/order/cancelAllAfter';

CREATE FUNCTION btse_cancel_all_after_preview(
	timeout interval,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_cancel_all_after_preview(interval, name, timestamptz) IS
'the request that btse_cancel_all_after with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret '
'key never shows. It is stamped with the time "at". Needs the same privileges as the call';

CREATE FUNCTION btse_invest_deposit(
	product_id text,
	amount numeric,
	server name DEFAULT 'btse')
RETURNS SETOF btse_act_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_invest_deposit(text, numeric, name) IS
'deposits an amount into an investment product at BTSE. Never sent twice: after unknown, look at the investments before you repeat it; raises errors '
'only before anything is sent. Call it in FROM. Source: BTSE POST /api/v3.3/invest/deposit';

CREATE FUNCTION btse_invest_deposit_preview(
	product_id text,
	amount numeric,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_invest_deposit_preview(text, numeric, name, timestamptz) IS
'the request that btse_invest_deposit with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". Needs the same privileges as the call';

CREATE FUNCTION btse_invest_renew(
	order_id text,
	auto_renew boolean,
	server name DEFAULT 'btse')
RETURNS SETOF btse_renew_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_invest_renew(text, boolean, name) IS
'sets whether an investment at BTSE is renewed by itself when it ends. order_id is the id of the investment. accepted means that the answer confirms '
'both; raises errors only before anything is sent. Call it in FROM. Source: BTSE POST /api/v3.3/invest/renew';

CREATE FUNCTION btse_invest_renew_preview(
	order_id text,
	auto_renew boolean,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_invest_renew_preview(text, boolean, name, timestamptz) IS
'the request that btse_invest_renew with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". Needs the same privileges as the call';

CREATE FUNCTION btse_invest_redeem(
	order_id text,
	amount numeric,
	server name DEFAULT 'btse')
RETURNS SETOF btse_act_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_invest_redeem(text, numeric, name) IS
'redeems an amount from an investment at BTSE. order_id is the id of the investment. Never sent twice: after unknown, look at the investments before '
'you repeat it; raises errors only before anything is sent. Call it in FROM. Source: BTSE POST /api/v3.3/invest/redeem';

CREATE FUNCTION btse_invest_redeem_preview(
	order_id text,
	amount numeric,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_invest_redeem_preview(text, numeric, name, timestamptz) IS
'the request that btse_invest_redeem with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". Needs the same privileges as the call';

-- Whoever may call these can move money under the account that a user mapping
-- names, or see how it would be moved: granted by name only.
REVOKE ALL ON FUNCTION btse_create_order(text, text, text, numeric, numeric, text, text, numeric, numeric, numeric, boolean, text, numeric, numeric, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_create_order_preview(text, text, text, numeric, numeric, text, text, numeric, numeric, numeric, boolean, text, numeric, numeric, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_create_orders(jsonb, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_create_orders_preview(jsonb, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_amend_order(text, text, text, numeric, numeric, numeric, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_amend_order_preview(text, text, text, numeric, numeric, numeric, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_cancel_all(text, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_cancel_all_preview(text, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_cancel_all_after(interval, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_cancel_all_after_preview(interval, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_invest_deposit(text, numeric, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_invest_deposit_preview(text, numeric, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_invest_renew(text, boolean, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_invest_renew_preview(text, boolean, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_invest_redeem(text, numeric, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_invest_redeem_preview(text, numeric, name, timestamptz) FROM PUBLIC;
