/* order_gateway--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION order_gateway" to load this file. \quit

--
-- Outcomes
--

CREATE TYPE order_outcome AS ENUM (
	'cancelled',
	'accepted',
	'not_found',
	'not_cancellable',
	'rejected',
	'not_sent',
	'unknown'
);

COMMENT ON TYPE order_outcome IS
'what became of one order, as far as is known: '
'cancelled = the provider said so; '
'accepted = the provider took it (create, amend and the like); '
'not_found = the provider knows no such open order, or it was cancelled before; '
'not_cancellable = the provider knows it, and its state forbids cancelling; '
'rejected = the provider refused, nothing was done, code and message say why; '
'not_sent = it never left this machine, nothing was done; '
'unknown = it was sent, or may have been, and no trustworthy verdict came back, check before acting';

--
-- Foreign-data wrappers.  They only hold options: a server is an endpoint, a
-- user mapping one role's credentials for it.
--

CREATE FUNCTION xt_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT PARALLEL SAFE;

COMMENT ON FUNCTION xt_fdw_validator(text[], oid) IS
'checks the options of servers and user mappings of xt_fdw';

CREATE FOREIGN DATA WRAPPER xt_fdw VALIDATOR xt_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER xt_fdw IS
'XT exchange; a user mapping needs access_key and secret_key';

CREATE FUNCTION tronsave_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT PARALLEL SAFE;

COMMENT ON FUNCTION tronsave_fdw_validator(text[], oid) IS
'checks the options of servers and user mappings of tronsave_fdw';

CREATE FOREIGN DATA WRAPPER tronsave_fdw VALIDATOR tronsave_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER tronsave_fdw IS
'TronSave energy orders; a user mapping needs api_key';

CREATE FUNCTION btse_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT PARALLEL SAFE;

COMMENT ON FUNCTION btse_fdw_validator(text[], oid) IS
'checks the options of servers and user mappings of btse_fdw';

CREATE FOREIGN DATA WRAPPER btse_fdw VALIDATOR btse_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER btse_fdw IS
'BTSE spot exchange; a user mapping needs api_key and secret_key';

CREATE FUNCTION wangdian_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT PARALLEL SAFE;

COMMENT ON FUNCTION wangdian_fdw_validator(text[], oid) IS
'checks the options of servers and user mappings of wangdian_fdw';

CREATE FOREIGN DATA WRAPPER wangdian_fdw VALIDATOR wangdian_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER wangdian_fdw IS
'Wangdian flagship ERP; a user mapping needs sid, app_key and app_secret (secret:salt)';

--
-- Planner support: the number of rows is the length of the array
--

CREATE FUNCTION order_gateway_support(internal)
RETURNS internal
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT PARALLEL SAFE;

COMMENT ON FUNCTION order_gateway_support(internal) IS
'planner support: a call returns about as many rows as its array has ids';

--
-- Cancel functions.  Not STRICT: a strict set-returning function would answer
-- a NULL argument with silence.  VOLATILE and PARALLEL UNSAFE because each
-- call acts on the world.
--

CREATE FUNCTION batch_cancel(
	market text,
	ids anycompatiblearray,
	server name DEFAULT 'xt',
	-- generated: columns of call
	OUT order_id anycompatible,
	OUT outcome order_outcome,
	OUT code text,
	OUT message text,
	OUT ordinal int,
	OUT batch int,
	OUT attempts int,
	OUT http_status int,
	OUT sent_at timestamptz,
	OUT answered_at timestamptz,
	OUT response json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION batch_cancel(text, anycompatiblearray, name) IS
'cancels orders of one market at XT, up to 100 ids in one request: '
'market such as ''btc_usdt'', ids of 1 to 19 digits in an array of any integer, numeric or text type, '
'server of xt_fdw (default ''xt''). Returns one row per id in input order with its outcome; '
'raises errors only before anything is sent. Call it in FROM. Source: XT batchCancel';

CREATE FUNCTION tronsave_cancel(
	ids anycompatiblearray,
	server name DEFAULT 'tronsave',
	-- generated: columns of call
	OUT order_id anycompatible,
	OUT outcome order_outcome,
	OUT code text,
	OUT message text,
	OUT ordinal int,
	OUT batch int,
	OUT attempts int,
	OUT http_status int,
	OUT sent_at timestamptz,
	OUT answered_at timestamptz,
	OUT response json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION tronsave_cancel(anycompatiblearray, name) IS
'cancels pending energy orders at TronSave, 100 ids in one request (option batch_size) and one request per 2 s: '
'ids of up to 128 bytes in an array of any integer, numeric, text or uuid type, '
'server of tronsave_fdw (default ''tronsave''). Returns one row per id in input order with its outcome; '
'raises errors only before anything is sent. Call it in FROM. Source: TronSave fast-charge-order-cancel';

CREATE FUNCTION btse_cancel(
	symbol text,
	ids anycompatiblearray,
	by text DEFAULT 'order_id',
	server name DEFAULT 'btse',
	-- generated: columns of call
	OUT order_id anycompatible,
	OUT outcome order_outcome,
	OUT code text,
	OUT message text,
	OUT ordinal int,
	OUT batch int,
	OUT attempts int,
	OUT http_status int,
	OUT sent_at timestamptz,
	OUT answered_at timestamptz,
	OUT response json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION btse_cancel(text, anycompatiblearray, text, name) IS
'cancels orders of one market at BTSE, one request per id, several in flight: '
'symbol such as ''BTC-USD'', ids are order ids, or client order ids with by => ''client_order_id'', '
'server of btse_fdw (default ''btse''). Returns one row per id in input order with its outcome, '
'and one for each order where an id cancels several (OCO legs, a shared client order id), with the same ordinal; '
'raises errors only before anything is sent. Call it in FROM. Source: BTSE DELETE /api/v3.3/order';

CREATE FUNCTION wangdian_cancel(
	return_nos anycompatiblearray,
	server name DEFAULT 'wangdian',
	-- generated: columns of call
	OUT order_id anycompatible,
	OUT outcome order_outcome,
	OUT code text,
	OUT message text,
	OUT ordinal int,
	OUT batch int,
	OUT attempts int,
	OUT http_status int,
	OUT sent_at timestamptz,
	OUT answered_at timestamptz,
	OUT response json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION wangdian_cancel(anycompatiblearray, name) IS
'cancels purchase returns in the Wangdian ERP, 20 numbers in one request: '
'return_nos of up to 128 bytes in an array of any integer, numeric, text or uuid type, '
'server of wangdian_fdw (default ''wangdian''). Returns one row per number in input order with its outcome; '
'Wangdian names only failures, so a number it is silent about in a whole answer was cancelled. '
'Raises errors only before anything is sent. Call it in FROM. Source: Wangdian purchase.PurchaseReturn.batchCancelOrder';

--
-- Previews: the requests a call would make, built and signed, but not sent
--

CREATE FUNCTION batch_cancel_preview(
	market text,
	ids anycompatiblearray,
	server name DEFAULT 'xt',
	at timestamptz DEFAULT now(),
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION batch_cancel_preview(text, anycompatiblearray, name, timestamptz) IS
'the requests that batch_cancel with the same arguments would make, built and signed and not sent, one row per request: '
'its number, how many ids it names, method, URL, headers and body; the secret key never shows. '
'Request n is stamped with the time "at" plus n - 1 ms. Needs the same privileges as the call';

CREATE FUNCTION tronsave_cancel_preview(
	ids anycompatiblearray,
	server name DEFAULT 'tronsave',
	at timestamptz DEFAULT now(),
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION tronsave_cancel_preview(anycompatiblearray, name, timestamptz) IS
'the requests that tronsave_cancel with the same arguments would make, built and signed and not sent, one row per request: '
'its number, how many ids it names, method, URL, headers and body; the API key is replaced by ***. '
'Request n is stamped with the time "at" plus n - 1 ms. Needs the same privileges as the call';

CREATE FUNCTION btse_cancel_preview(
	symbol text,
	ids anycompatiblearray,
	by text DEFAULT 'order_id',
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION btse_cancel_preview(text, anycompatiblearray, text, name, timestamptz) IS
'the requests that btse_cancel with the same arguments would make, built and signed and not sent, one row per request: '
'its number, how many ids it names, method, URL, headers and body; the secret key never shows. '
'Request n is stamped with the time "at" plus n - 1 ms. Needs the same privileges as the call';

CREATE FUNCTION wangdian_cancel_preview(
	return_nos anycompatiblearray,
	server name DEFAULT 'wangdian',
	at timestamptz DEFAULT now(),
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION wangdian_cancel_preview(anycompatiblearray, name, timestamptz) IS
'the requests that wangdian_cancel with the same arguments would make, built and signed and not sent, one row per request: '
'its number, how many ids it names, method, URL, headers and body; the salt is replaced by ***, the secret never shows. '
'Request n is stamped with the time "at" plus n - 1 ms. Needs the same privileges as the call';

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
'those of the current role, or all to members of pg_read_all_stats';

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

-- generated: comments of order_gateway_activity
COMMENT ON VIEW order_gateway_activity IS
'calls in progress: one row each, those of the current role, or all to members of pg_read_all_stats';
COMMENT ON COLUMN order_gateway_activity.pid IS 'process id of the session, as in pg_stat_activity';
COMMENT ON COLUMN order_gateway_activity.database IS 'database of the session';
COMMENT ON COLUMN order_gateway_activity.role IS 'role that calls, whose user mapping is used';
COMMENT ON COLUMN order_gateway_activity.server IS 'foreign server that is called, by the name that it has; one of another database by the name that it had when the call began';
COMMENT ON COLUMN order_gateway_activity.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_activity.ids IS 'ids in the call, repeated ones counted once';
COMMENT ON COLUMN order_gateway_activity.ids_answered IS 'ids that were sent and have their final outcome';
COMMENT ON COLUMN order_gateway_activity.requests_sent IS 'requests that left, those sent again included';
COMMENT ON COLUMN order_gateway_activity.requests_answered IS 'requests to which a whole answer came';
COMMENT ON COLUMN order_gateway_activity.requests_in_flight IS 'requests whose answer is awaited';
COMMENT ON COLUMN order_gateway_activity.requests_retried IS 'attempts after the first one of a batch';
COMMENT ON COLUMN order_gateway_activity.waiting_for IS 'what it waits for: turn (the pace), connect, answer, backoff (a pause before a retry), or journal (the worker, to have its request written down before it leaves)';
COMMENT ON COLUMN order_gateway_activity.waiting_since IS 'since when it waits for that';
COMMENT ON COLUMN order_gateway_activity.started_at IS 'when the call began';
COMMENT ON COLUMN order_gateway_activity.expected_end IS 'when it will be done, as far as its progress and the pace tell; NULL while nobody knows';
-- end of generated

--
-- Statistics
--

CREATE FUNCTION order_gateway_stats(
	OUT datid oid,
	OUT server name,
	OUT dropped boolean,
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
'what calls of all databases did since the last reset, one row per server and function, as the view order_gateway_stats shows it';

CREATE VIEW order_gateway_stats AS
SELECT d.datname AS database,
	s.server,
	s.dropped,
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

-- generated: comments of order_gateway_stats
COMMENT ON VIEW order_gateway_stats IS
'what calls did since the last reset: one row per server and function; times are in milliseconds';
COMMENT ON COLUMN order_gateway_stats.database IS 'database that the server belongs to; NULL if it was dropped';
COMMENT ON COLUMN order_gateway_stats.server IS 'foreign server, by the name that it has; one of another database, or one that was dropped, by the name it was called by last';
COMMENT ON COLUMN order_gateway_stats.dropped IS 'whether the server, or its database, was dropped: a new one of the same name has rows of its own; NULL for servers of other databases, where that cannot be seen';
COMMENT ON COLUMN order_gateway_stats.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_stats.calls IS 'calls that had at least one id, and reads';
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
COMMENT ON COLUMN order_gateway_stats.answer_time_histogram IS 'answers by time: up to 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1, 2, 5, 10, 20, 50 s, and above';
COMMENT ON COLUMN order_gateway_stats.since IS 'when this row was begun';
COMMENT ON COLUMN order_gateway_stats.stats_reset IS 'when all rows were reset last';
-- end of generated

CREATE FUNCTION order_gateway_stats_reset()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION order_gateway_stats_reset() IS
'forgets the statistics of all servers and functions';

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
'what is left of each limit of each lane, as the view order_gateway_limits shows it';

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

-- generated: comments of order_gateway_limits
COMMENT ON VIEW order_gateway_limits IS
'what is left of each limit: one row per lane (what a provider counts requests on) and limit';
COMMENT ON COLUMN order_gateway_limits.lane IS 'name of the account or host: the beginning of a hash, which holds no key';
COMMENT ON COLUMN order_gateway_limits.class IS 'what is counted: orders or queries of an account, or all that goes to a host; where the provider counts what is signed together (XT), queries count as orders, too';
COMMENT ON COLUMN order_gateway_limits.host IS 'host and port of the provider';
COMMENT ON COLUMN order_gateway_limits.database IS 'database of the server; NULL if it was dropped';
COMMENT ON COLUMN order_gateway_limits.server IS 'server with this limit that used the lane last, by the name that it has; NULL if it was dropped';
COMMENT ON COLUMN order_gateway_limits.rate_limit IS 'one limit that counts here; NULL where no server has any';
COMMENT ON COLUMN order_gateway_limits.requests IS 'how many requests the limit allows';
COMMENT ON COLUMN order_gateway_limits.used IS 'how many it counts now';
COMMENT ON COLUMN order_gateway_limits.available IS 'how many may be sent at once';
COMMENT ON COLUMN order_gateway_limits.next_turn_at IS 'when the next request may be sent; NULL = now';
COMMENT ON COLUMN order_gateway_limits.held_until IS 'until when nothing is sent because the provider said "too frequent"; NULL = not held back';
COMMENT ON COLUMN order_gateway_limits.sessions_waiting IS 'sessions that wait for a turn';
COMMENT ON COLUMN order_gateway_limits.last_sent_at IS 'when a request was sent last';
-- end of generated

--
-- Gateway workers
--

CREATE FUNCTION order_gateway_workers(
	-- generated: columns of order_gateway_workers
	OUT database name,
	OUT pid int,
	OUT since timestamptz,
	OUT queued bigint,
	OUT in_flight bigint,
	OUT quarantined bigint,
	OUT oldest_queued timestamptz,
	OUT connections int,
	OUT last_commit timestamptz,
	OUT waiting_for_standby boolean,
	OUT unsettled bigint,
	OUT oldest_unsettled timestamptz,
	OUT last_error text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 2;

COMMENT ON FUNCTION order_gateway_workers() IS
'gateway workers of all databases that order_gateway.databases names, as the view order_gateway_workers shows them';

CREATE VIEW order_gateway_workers AS
SELECT w.database,
	w.pid,
	w.since,
	w.queued,
	w.in_flight,
	w.quarantined,
	w.oldest_queued,
	w.connections,
	w.last_commit,
	w.waiting_for_standby,
	w.unsettled,
	w.oldest_unsettled,
	w.last_error
FROM order_gateway_workers() AS w;

-- generated: comments of order_gateway_workers
COMMENT ON VIEW order_gateway_workers IS
'gateway workers: one row for each database that order_gateway.databases names';
COMMENT ON COLUMN order_gateway_workers.database IS 'database, as the setting names it';
COMMENT ON COLUMN order_gateway_workers.pid IS 'process id of its worker, as in pg_stat_activity; NULL = not running: last_error says why, or it is about to start';
COMMENT ON COLUMN order_gateway_workers.since IS 'when the worker was started';
COMMENT ON COLUMN order_gateway_workers.queued IS 'calls that were submitted and not begun';
COMMENT ON COLUMN order_gateway_workers.in_flight IS 'calls that are being made';
COMMENT ON COLUMN order_gateway_workers.quarantined IS 'calls that were given up because they crashed the server';
COMMENT ON COLUMN order_gateway_workers.oldest_queued IS 'since when the queued call that waits longest could have been begun; NULL = none could be: not_before is yet to come';
COMMENT ON COLUMN order_gateway_workers.connections IS 'connections to providers that are open';
COMMENT ON COLUMN order_gateway_workers.last_commit IS 'when the worker wrote to the journal last';
COMMENT ON COLUMN order_gateway_workers.waiting_for_standby IS 'whether requests are held back until synchronous standbys have their marks';
COMMENT ON COLUMN order_gateway_workers.unsettled IS 'calls with orders whose outcome is unknown, which their providers are asked for by and by';
COMMENT ON COLUMN order_gateway_workers.oldest_unsettled IS 'since when the oldest of these is so';
COMMENT ON COLUMN order_gateway_workers.last_error IS 'what went wrong last, maybe long ago; of one that is not running, why';
-- end of generated

--
-- Before going live: what a DBA wants to know of a server.  It opens
-- connections and uses credentials, so it is granted to nobody at first; it
-- only reads, so it may run in READ ONLY transactions and on standbys.
--

CREATE FUNCTION order_gateway_check(
	server name,
	-- generated: columns of check
	OUT item text,
	OUT ok boolean,
	OUT result text,
	OUT hint text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 8;

COMMENT ON FUNCTION order_gateway_check(name) IS
'checks a server before going live, by two requests at most that touch no order: '
'name lookup, connection, TLS and its certificate, HTTP, round trip, clock, and the current user''s credentials. '
'Returns one row per item: ok is true, false with a hint what to do, or NULL where the item was not reached or does not exist. '
'Call it in FROM';

--
-- Row types.  They have names, so that a later version can add attributes.
--

-- generated: types
CREATE TYPE btse_code AS (
	code int,
	name text,
	meaning text
);

COMMENT ON TYPE btse_code IS
'a number of BTSE''s and its name';
COMMENT ON COLUMN btse_code.code IS 'the number, as in columns status and order_type';
COMMENT ON COLUMN btse_code.name IS 'its name';
COMMENT ON COLUMN btse_code.meaning IS 'what it says';

CREATE TYPE btse_market AS (
	symbol text,
	last numeric,
	lowest_ask numeric,
	highest_bid numeric,
	percentage_change numeric,
	volume numeric,
	high24_hr numeric,
	low24_hr numeric,
	base text,
	quote text,
	active boolean,
	size numeric,
	min_valid_price numeric,
	min_price_increment numeric,
	min_order_size numeric,
	min_size_increment numeric,
	max_order_size numeric,
	open_interest numeric,
	open_interest_usd numeric,
	contract_start timestamptz,
	contract_end timestamptz,
	time_based_contract boolean,
	open_time timestamptz,
	close_time timestamptz,
	start_matching timestamptz,
	inactive_time timestamptz,
	funding_rate numeric,
	contract_size numeric,
	max_position numeric,
	min_risk_limit numeric,
	max_risk_limit numeric,
	available_settlement json,
	futures boolean,
	is_market_open_to_otc boolean,
	is_market_open_to_spot boolean,
	raw json
);

COMMENT ON TYPE btse_market IS
'a market of BTSE';
COMMENT ON COLUMN btse_market.symbol IS 'name of the market';
COMMENT ON COLUMN btse_market.last IS 'price of the last trade';
COMMENT ON COLUMN btse_market.lowest_ask IS 'lowest price at which somebody sells';
COMMENT ON COLUMN btse_market.highest_bid IS 'highest price at which somebody buys';
COMMENT ON COLUMN btse_market.percentage_change IS 'change of the price within 24 hours, in percent';
COMMENT ON COLUMN btse_market.volume IS 'volume traded within 24 hours';
COMMENT ON COLUMN btse_market.high24_hr IS 'highest price within 24 hours';
COMMENT ON COLUMN btse_market.low24_hr IS 'lowest price within 24 hours';
COMMENT ON COLUMN btse_market.base IS 'base currency';
COMMENT ON COLUMN btse_market.quote IS 'quote currency';
COMMENT ON COLUMN btse_market.active IS 'is the market active?';
COMMENT ON COLUMN btse_market.size IS 'size traded';
COMMENT ON COLUMN btse_market.min_valid_price IS 'lowest valid price';
COMMENT ON COLUMN btse_market.min_price_increment IS 'step of prices';
COMMENT ON COLUMN btse_market.min_order_size IS 'smallest size of an order';
COMMENT ON COLUMN btse_market.min_size_increment IS 'step of sizes';
COMMENT ON COLUMN btse_market.max_order_size IS 'largest size of an order';
COMMENT ON COLUMN btse_market.open_interest IS 'of futures only';
COMMENT ON COLUMN btse_market.open_interest_usd IS 'of futures only';
COMMENT ON COLUMN btse_market.contract_start IS 'of futures only';
COMMENT ON COLUMN btse_market.contract_end IS 'of futures only';
COMMENT ON COLUMN btse_market.time_based_contract IS 'of futures only';
COMMENT ON COLUMN btse_market.open_time IS 'when the market opens; NULL where 0 is sent';
COMMENT ON COLUMN btse_market.close_time IS 'when the market closes; NULL where 0 is sent';
COMMENT ON COLUMN btse_market.start_matching IS 'when matching begins; NULL where 0 is sent';
COMMENT ON COLUMN btse_market.inactive_time IS 'when the market becomes inactive; NULL where 0 is sent';
COMMENT ON COLUMN btse_market.funding_rate IS 'of futures only';
COMMENT ON COLUMN btse_market.contract_size IS 'of futures only';
COMMENT ON COLUMN btse_market.max_position IS 'of futures only';
COMMENT ON COLUMN btse_market.min_risk_limit IS 'of futures only';
COMMENT ON COLUMN btse_market.max_risk_limit IS 'of futures only';
COMMENT ON COLUMN btse_market.available_settlement IS 'of futures only';
COMMENT ON COLUMN btse_market.futures IS 'is it a futures contract?';
COMMENT ON COLUMN btse_market.is_market_open_to_otc IS 'is it open to over-the-counter trading?';
COMMENT ON COLUMN btse_market.is_market_open_to_spot IS 'is it open to spot trading?';
COMMENT ON COLUMN btse_market.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_candle AS (
	open_time timestamptz,
	open numeric,
	high numeric,
	low numeric,
	close numeric,
	volume numeric,
	raw json
);

COMMENT ON TYPE btse_candle IS
'a candle of a market of BTSE';
COMMENT ON COLUMN btse_candle.open_time IS 'when the candle begins';
COMMENT ON COLUMN btse_candle.open IS 'first price';
COMMENT ON COLUMN btse_candle.high IS 'highest price';
COMMENT ON COLUMN btse_candle.low IS 'lowest price';
COMMENT ON COLUMN btse_candle.close IS 'last price';
COMMENT ON COLUMN btse_candle.volume IS 'volume traded';
COMMENT ON COLUMN btse_candle.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_price AS (
	symbol text,
	index_price numeric,
	last_price numeric,
	mark_price numeric,
	raw json
);

COMMENT ON TYPE btse_price IS
'the prices of a market of BTSE';
COMMENT ON COLUMN btse_price.symbol IS 'name of the market';
COMMENT ON COLUMN btse_price.index_price IS 'price of the index';
COMMENT ON COLUMN btse_price.last_price IS 'price of the last trade';
COMMENT ON COLUMN btse_price.mark_price IS 'not used by spot markets';
COMMENT ON COLUMN btse_price.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_book_level AS (
	symbol text,
	side text,
	level int,
	price numeric,
	size numeric,
	event_time timestamptz,
	raw json
);

COMMENT ON TYPE btse_book_level IS
'a level of an order book of BTSE';
COMMENT ON COLUMN btse_book_level.symbol IS 'name of the market';
COMMENT ON COLUMN btse_book_level.side IS 'buy or sell';
COMMENT ON COLUMN btse_book_level.level IS 'place on its side, 1 is the best price';
COMMENT ON COLUMN btse_book_level.price IS 'price';
COMMENT ON COLUMN btse_book_level.size IS 'size at this price';
COMMENT ON COLUMN btse_book_level.event_time IS 'when the book was like this';
COMMENT ON COLUMN btse_book_level.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_trade AS (
	serial_id text,
	symbol text,
	side text,
	price numeric,
	size numeric,
	event_time timestamptz,
	raw json
);

COMMENT ON TYPE btse_trade IS
'a trade in a market of BTSE';
COMMENT ON COLUMN btse_trade.serial_id IS 'number of the trade, later ones are higher';
COMMENT ON COLUMN btse_trade.symbol IS 'name of the market';
COMMENT ON COLUMN btse_trade.side IS 'BUY or SELL';
COMMENT ON COLUMN btse_trade.price IS 'price';
COMMENT ON COLUMN btse_trade.size IS 'size';
COMMENT ON COLUMN btse_trade.event_time IS 'when it was made';
COMMENT ON COLUMN btse_trade.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_time AS (
	iso text,
	epoch timestamptz,
	raw json
);

COMMENT ON TYPE btse_time IS
'the time by BTSE''s clock';
COMMENT ON COLUMN btse_time.iso IS 'the time as the provider spells it';
COMMENT ON COLUMN btse_time.epoch IS 'the time';
COMMENT ON COLUMN btse_time.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_order AS (
	order_id text,
	symbol text,
	quote text,
	status int,
	status_name text,
	order_state text,
	order_type int,
	order_type_name text,
	side text,
	price numeric,
	order_value numeric,
	trail_value numeric,
	avg_filled_price numeric,
	client_order_id text,
	time_in_force text,
	event_time timestamptz,
	peg_price_min numeric,
	peg_price_max numeric,
	peg_price_deviation numeric,
	cancel_duration numeric,
	trigger_order boolean,
	trigger_price numeric,
	trigger_original_price numeric,
	trigger_order_type int,
	trigger_order_type_name text,
	trigger_trailing_stop_deviation numeric,
	trigger_stop_price numeric,
	triggered boolean,
	original_order_base_size numeric,
	original_order_quote_size numeric,
	current_order_base_size numeric,
	current_order_quote_size numeric,
	remaining_order_base_size numeric,
	remaining_order_quote_size numeric,
	total_filled_base_size numeric,
	order_currency text,
	raw json
);

COMMENT ON TYPE btse_order IS
'an order at BTSE';
COMMENT ON COLUMN btse_order.order_id IS 'id that BTSE gave the order';
COMMENT ON COLUMN btse_order.symbol IS 'name of the market';
COMMENT ON COLUMN btse_order.quote IS 'quote currency; btse_open_orders has none';
COMMENT ON COLUMN btse_order.status IS 'status, see btse_codes(); btse_open_orders has none';
COMMENT ON COLUMN btse_order.status_name IS 'name of that status';
COMMENT ON COLUMN btse_order.order_state IS 'STATUS_ACTIVE or STATUS_INACTIVE; btse_order has none';
COMMENT ON COLUMN btse_order.order_type IS 'type of the order: 76 limit, 77 market, 80 peg or algo';
COMMENT ON COLUMN btse_order.order_type_name IS 'name of that type';
COMMENT ON COLUMN btse_order.side IS 'BUY or SELL';
COMMENT ON COLUMN btse_order.price IS 'price of the order';
COMMENT ON COLUMN btse_order.order_value IS 'value of the whole order';
COMMENT ON COLUMN btse_order.trail_value IS 'trail value';
COMMENT ON COLUMN btse_order.avg_filled_price IS 'average price of what was filled';
COMMENT ON COLUMN btse_order.client_order_id IS 'id that the order was given when it was placed';
COMMENT ON COLUMN btse_order.time_in_force IS 'how long the order is valid: GTC, IOC, FOK, DAY, ...';
COMMENT ON COLUMN btse_order.event_time IS 'the order''s time stamp';
COMMENT ON COLUMN btse_order.peg_price_min IS 'lowest price of a peg order';
COMMENT ON COLUMN btse_order.peg_price_max IS 'highest price of a peg order';
COMMENT ON COLUMN btse_order.peg_price_deviation IS 'deviation from the price of the index, in percent';
COMMENT ON COLUMN btse_order.cancel_duration IS 'if not 0, how long the order is valid, in ms; btse_order has none';
COMMENT ON COLUMN btse_order.trigger_order IS 'is it a trigger order?';
COMMENT ON COLUMN btse_order.trigger_price IS 'price that triggers it, 0 if it is none';
COMMENT ON COLUMN btse_order.trigger_original_price IS 'price of the original order, of trigger orders only';
COMMENT ON COLUMN btse_order.trigger_order_type IS 'type of the triggered order';
COMMENT ON COLUMN btse_order.trigger_order_type_name IS 'name of that type';
COMMENT ON COLUMN btse_order.trigger_trailing_stop_deviation IS 'deviation of the stop price, in percent';
COMMENT ON COLUMN btse_order.trigger_stop_price IS 'stop price, of algo orders only';
COMMENT ON COLUMN btse_order.triggered IS 'was it triggered?';
COMMENT ON COLUMN btse_order.original_order_base_size IS 'size of the order as it was placed, in the base currency; amending does not change it (where only the old name "size" is sent, that)';
COMMENT ON COLUMN btse_order.original_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN btse_order.current_order_base_size IS 'size of the order now, filled and remaining together, in the base currency';
COMMENT ON COLUMN btse_order.current_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN btse_order.remaining_order_base_size IS 'size not filled yet, in the base currency';
COMMENT ON COLUMN btse_order.remaining_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN btse_order.total_filled_base_size IS 'size filled so far, in the base currency';
COMMENT ON COLUMN btse_order.order_currency IS 'currency that the order is in: base or quote';
COMMENT ON COLUMN btse_order.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

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

CREATE TYPE btse_own_trade AS (
	trade_id text,
	order_id text,
	client_order_id text,
	symbol text,
	side text,
	order_type int,
	order_type_name text,
	price numeric,
	size numeric,
	filled_price numeric,
	filled_size numeric,
	avg_filled_price numeric,
	fee_amount numeric,
	fee_currency text,
	base text,
	quote text,
	trigger_type int,
	trigger_type_name text,
	trigger_price numeric,
	realized_pnl numeric,
	total numeric,
	wallet text,
	username text,
	serial_id text,
	event_time timestamptz,
	raw json
);

COMMENT ON TYPE btse_own_trade IS
'a trade of the account at BTSE';
COMMENT ON COLUMN btse_own_trade.trade_id IS 'id of the trade';
COMMENT ON COLUMN btse_own_trade.order_id IS 'id that BTSE gave the order';
COMMENT ON COLUMN btse_own_trade.client_order_id IS 'id that the order was given when it was placed';
COMMENT ON COLUMN btse_own_trade.symbol IS 'name of the market';
COMMENT ON COLUMN btse_own_trade.side IS 'BUY or SELL';
COMMENT ON COLUMN btse_own_trade.order_type IS 'type of the order: 76 limit, 77 market, 80 peg or algo';
COMMENT ON COLUMN btse_own_trade.order_type_name IS 'name of that type';
COMMENT ON COLUMN btse_own_trade.price IS 'price';
COMMENT ON COLUMN btse_own_trade.size IS 'size of the whole order as it was placed';
COMMENT ON COLUMN btse_own_trade.filled_price IS 'price of this trade';
COMMENT ON COLUMN btse_own_trade.filled_size IS 'size of this trade';
COMMENT ON COLUMN btse_own_trade.avg_filled_price IS 'average price of what was filled';
COMMENT ON COLUMN btse_own_trade.fee_amount IS 'fee';
COMMENT ON COLUMN btse_own_trade.fee_currency IS 'currency of the fee';
COMMENT ON COLUMN btse_own_trade.base IS 'base currency';
COMMENT ON COLUMN btse_own_trade.quote IS 'quote currency';
COMMENT ON COLUMN btse_own_trade.trigger_type IS 'what triggered the order: 1001 stop loss, 1002 take profit';
COMMENT ON COLUMN btse_own_trade.trigger_type_name IS 'STOP or TAKEPROFIT';
COMMENT ON COLUMN btse_own_trade.trigger_price IS 'price that triggered it';
COMMENT ON COLUMN btse_own_trade.realized_pnl IS 'not used in spot trading';
COMMENT ON COLUMN btse_own_trade.total IS 'not used in spot trading';
COMMENT ON COLUMN btse_own_trade.wallet IS 'wallet; SPOT@ for spot trading';
COMMENT ON COLUMN btse_own_trade.username IS 'name of the user';
COMMENT ON COLUMN btse_own_trade.serial_id IS 'number of the trade, later ones are higher';
COMMENT ON COLUMN btse_own_trade.event_time IS 'when it was made';
COMMENT ON COLUMN btse_own_trade.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_fee AS (
	symbol text,
	makerfee numeric,
	takerfee numeric,
	raw json
);

COMMENT ON TYPE btse_fee IS
'the fees of the account in a market of BTSE';
COMMENT ON COLUMN btse_fee.symbol IS 'name of the market; BTSE writes it in small letters';
COMMENT ON COLUMN btse_fee.makerfee IS 'fee of who adds an order to the book';
COMMENT ON COLUMN btse_fee.takerfee IS 'fee of who takes one';
COMMENT ON COLUMN btse_fee.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_invest_product AS (
	id text,
	name text,
	currency text,
	type text,
	startdate timestamptz,
	intereststartdate timestamptz,
	rates json,
	compounding boolean,
	autorenewsupported boolean,
	dailylimit numeric,
	minsize numeric,
	incrementalsize numeric,
	raw json
);

COMMENT ON TYPE btse_invest_product IS
'an investment product of BTSE';
COMMENT ON COLUMN btse_invest_product.id IS 'id of the product';
COMMENT ON COLUMN btse_invest_product.name IS 'its name';
COMMENT ON COLUMN btse_invest_product.currency IS 'its currency';
COMMENT ON COLUMN btse_invest_product.type IS 'its type, such as flex or fixed';
COMMENT ON COLUMN btse_invest_product.startdate IS 'when investing begins';
COMMENT ON COLUMN btse_invest_product.intereststartdate IS 'when interest begins';
COMMENT ON COLUMN btse_invest_product.rates IS 'rates: a list of objects with days and rate';
COMMENT ON COLUMN btse_invest_product.compounding IS 'is interest compounded?';
COMMENT ON COLUMN btse_invest_product.autorenewsupported IS 'can it be renewed automatically?';
COMMENT ON COLUMN btse_invest_product.dailylimit IS 'most that can be invested in a day';
COMMENT ON COLUMN btse_invest_product.minsize IS 'least that can be invested';
COMMENT ON COLUMN btse_invest_product.incrementalsize IS 'step of amounts';
COMMENT ON COLUMN btse_invest_product.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_invest_order AS (
	order_id text,
	name text,
	currency text,
	type text,
	rate numeric,
	investment numeric,
	interestearned numeric,
	nextinterestpayouttime timestamptz,
	starttime timestamptz,
	endtime timestamptz,
	duration numeric,
	payoutlocktime numeric,
	autorenew boolean,
	compounding boolean,
	autorenewsupported boolean,
	dailylimit numeric,
	redemptionprocessing boolean,
	raw json
);

COMMENT ON TYPE btse_invest_order IS
'an investment of the account at BTSE';
COMMENT ON COLUMN btse_invest_order.order_id IS 'id of the investment';
COMMENT ON COLUMN btse_invest_order.name IS 'name of the product';
COMMENT ON COLUMN btse_invest_order.currency IS 'its currency';
COMMENT ON COLUMN btse_invest_order.type IS 'its type';
COMMENT ON COLUMN btse_invest_order.rate IS 'rate of interest';
COMMENT ON COLUMN btse_invest_order.investment IS 'amount invested';
COMMENT ON COLUMN btse_invest_order.interestearned IS 'interest earned so far';
COMMENT ON COLUMN btse_invest_order.nextinterestpayouttime IS 'when interest is paid next';
COMMENT ON COLUMN btse_invest_order.starttime IS 'when it began; NULL where 0 is sent';
COMMENT ON COLUMN btse_invest_order.endtime IS 'when it ends; NULL where 0 is sent';
COMMENT ON COLUMN btse_invest_order.duration IS 'length, in ms';
COMMENT ON COLUMN btse_invest_order.payoutlocktime IS 'how long a payout is locked, in ms';
COMMENT ON COLUMN btse_invest_order.autorenew IS 'is it renewed automatically?';
COMMENT ON COLUMN btse_invest_order.compounding IS 'is interest compounded?';
COMMENT ON COLUMN btse_invest_order.autorenewsupported IS 'can it be renewed automatically?';
COMMENT ON COLUMN btse_invest_order.dailylimit IS 'most that can be invested in a day';
COMMENT ON COLUMN btse_invest_order.redemptionprocessing IS 'is it being redeemed?';
COMMENT ON COLUMN btse_invest_order.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE btse_invest_transaction AS (
	txntime timestamptz,
	name text,
	currency text,
	rate numeric,
	type text,
	txntype text,
	amount numeric,
	totalamount numeric,
	interestearned numeric,
	duration numeric,
	raw json
);

COMMENT ON TYPE btse_invest_transaction IS
'what was done with an investment at BTSE';
COMMENT ON COLUMN btse_invest_transaction.txntime IS 'when';
COMMENT ON COLUMN btse_invest_transaction.name IS 'name of the product';
COMMENT ON COLUMN btse_invest_transaction.currency IS 'its currency';
COMMENT ON COLUMN btse_invest_transaction.rate IS 'rate of interest';
COMMENT ON COLUMN btse_invest_transaction.type IS 'type of the product';
COMMENT ON COLUMN btse_invest_transaction.txntype IS 'what was done';
COMMENT ON COLUMN btse_invest_transaction.amount IS 'amount';
COMMENT ON COLUMN btse_invest_transaction.totalamount IS 'amount invested in total';
COMMENT ON COLUMN btse_invest_transaction.interestearned IS 'interest earned';
COMMENT ON COLUMN btse_invest_transaction.duration IS 'length';
COMMENT ON COLUMN btse_invest_transaction.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';

CREATE TYPE xt_order AS (
	order_id text,
	number numeric,
	price numeric,
	avg_price numeric,
	type int,
	type_name text,
	status int,
	status_name text,
	complete_number numeric,
	complete_money numeric,
	entrust_type text,
	fee numeric,
	time timestamptz,
	raw json
);

COMMENT ON TYPE xt_order IS
'an order at XT';
COMMENT ON COLUMN xt_order.order_id IS 'id that XT gave the order';
COMMENT ON COLUMN xt_order.number IS 'size of the order';
COMMENT ON COLUMN xt_order.price IS 'price';
COMMENT ON COLUMN xt_order.avg_price IS 'average price of what was filled';
COMMENT ON COLUMN xt_order.type IS '1 buy, 0 sell';
COMMENT ON COLUMN xt_order.type_name IS 'buy or sell';
COMMENT ON COLUMN xt_order.status IS '0 submitted, 1 open or partly filled, 2 completed, 3 cancelled, 4 matched and settling';
COMMENT ON COLUMN xt_order.status_name IS 'submitted, open, completed, cancelled or settling';
COMMENT ON COLUMN xt_order.complete_number IS 'size filled so far';
COMMENT ON COLUMN xt_order.complete_money IS 'amount paid or got so far';
COMMENT ON COLUMN xt_order.entrust_type IS 'kind of order';
COMMENT ON COLUMN xt_order.fee IS 'fee';
COMMENT ON COLUMN xt_order.time IS 'when it was placed';
COMMENT ON COLUMN xt_order.raw IS 'all of it: the provider''s own bytes, whatever the other columns could not take';
-- end of generated

--
-- Reads: what a provider tells, one row per record.  A field that is missing or
-- of another type than documented is NULL; "raw" has it as it came.
--

CREATE FUNCTION btse_market_summary(
	symbol text DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_market
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_market_summary(text, name) IS
'markets of BTSE with their prices and limits, or one of them. No user mapping is needed. Call it in FROM. Source: BTSE spot API v3.3, GET market_summary';

CREATE FUNCTION btse_ohlcv(
	symbol text,
	resolution int,
	from_time timestamptz DEFAULT NULL,
	to_time timestamptz DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_candle
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 300;

COMMENT ON FUNCTION btse_ohlcv(text, int, timestamptz, timestamptz, name) IS
'candles of a market of BTSE, the newest first; resolution is their length in minutes: 1, 5, 15, 30, 60, 240, 360, 1440, 10080 or 43200. '
'With from_time all from then until to_time (default: now) come, in as many requests as that takes; without it, the 300 before to_time. '
'No user mapping is needed. Call it in FROM. Source: BTSE spot API v3.3, GET ohlcv';

CREATE FUNCTION btse_price(
	symbol text DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_price
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_price(text, name) IS
'prices of the markets of BTSE, or of one of them. No user mapping is needed. Call it in FROM. Source: BTSE spot API v3.3, GET price';

CREATE FUNCTION btse_orderbook(
	symbol text,
	"grouping" int DEFAULT NULL,
	limit_bids int DEFAULT NULL,
	limit_asks int DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_book_level
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 50;

COMMENT ON FUNCTION btse_orderbook(text, int, int, int, name) IS
'order book of a market of BTSE, one row per level; grouping 0 to 8 says how coarse, limit_bids and limit_asks how deep. No user mapping is needed. Call it in FROM. Source: '
'BTSE spot API v3.3, GET orderbook';

CREATE FUNCTION btse_orderbook_l2(
	symbol text,
	depth int DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_book_level
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 50;

COMMENT ON FUNCTION btse_orderbook_l2(text, int, name) IS
'order book of a market of BTSE, one row per level; depth says how many on each side. No user mapping is needed. Call it in FROM. Source: BTSE spot API v3.3, GET orderbook/L2';

CREATE FUNCTION btse_trades(
	symbol text,
	from_time timestamptz DEFAULT NULL,
	to_time timestamptz DEFAULT NULL,
	count int DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_trade
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_trades(text, timestamptz, timestamptz, int, name) IS
'trades in a market of BTSE. With from_time all trades from then until to_time (default: now) come, in windows of 30 days, the newest window first, '
'or the newest "count" of them; without it, what BTSE answers at once: at most 3 days before to_time. No user mapping is needed. Call it in FROM. Source: BTSE spot API v3.3, '
'GET trades';

CREATE FUNCTION btse_time(
	server name DEFAULT 'btse')
RETURNS SETOF btse_time
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_time(name) IS
'time by the clock of BTSE. No user mapping is needed. Call it in FROM. Source: BTSE spot API v3.3, GET time';

CREATE FUNCTION btse_order(
	order_id text DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_order
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION btse_order(text, text, name) IS
'one order of the account at BTSE, by its order id (which counts if both are given) or its client order id. BTSE knows those that are open, '
'and those that were cancelled within 30 minutes; no row comes for any other, so one that is missing may have been filled: see btse_trade_history. '
'Call it in FROM. Source: BTSE spot API v3.3, GET order';

CREATE FUNCTION btse_open_orders(
	symbol text DEFAULT NULL,
	order_id text DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_order
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_open_orders(text, text, text, name) IS
'open orders of the account at BTSE, of all markets or one, or one order. Call it in FROM. Source: BTSE spot API v3.3, GET user/open_orders';

CREATE FUNCTION btse_trade_history(
	symbol text,
	from_time timestamptz DEFAULT NULL,
	to_time timestamptz DEFAULT NULL,
	count int DEFAULT NULL,
	order_id text DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	match_symbol boolean DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_own_trade
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_trade_history(text, timestamptz, timestamptz, int, text, text, boolean, name) IS
'trades of the account at BTSE, of markets whose name begins with symbol, or with match_symbol true is that. '
'With from_time all trades from then until to_time (default: now) come, in windows of 7 days, the newest window first, or the newest "count" of them; '
'without it, what BTSE answers at once: at most 7 days before to_time. Call it in FROM. Source: BTSE spot API v3.3, GET user/trade_history';

CREATE FUNCTION btse_fees(
	symbol text DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS SETOF btse_fee
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_fees(text, name) IS
'fees of the account in the markets of BTSE, or in one of them. Call it in FROM. Source: BTSE spot API v3.3, GET user/fees';

CREATE FUNCTION btse_invest_products(
	server name DEFAULT 'btse')
RETURNS SETOF btse_invest_product
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 20;

COMMENT ON FUNCTION btse_invest_products(name) IS
'investment products of BTSE. Call it in FROM. Source: BTSE spot API v3.3, GET invest/products';

CREATE FUNCTION btse_invest_orders(
	server name DEFAULT 'btse')
RETURNS SETOF btse_invest_order
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 20;

COMMENT ON FUNCTION btse_invest_orders(name) IS
'investments of the account at BTSE. Call it in FROM. Source: BTSE spot API v3.3, GET invest/orders';

CREATE FUNCTION btse_invest_history(
	server name DEFAULT 'btse')
RETURNS SETOF btse_invest_transaction
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION btse_invest_history(name) IS
'what was done with investments of the account at BTSE. Call it in FROM. Source: BTSE spot API v3.3, GET invest/history';

CREATE FUNCTION xt_open_orders(
	market text,
	server name DEFAULT 'xt')
RETURNS SETOF xt_order
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION xt_open_orders(text, name) IS
'open orders of the account in a market of XT, of all pages. Call it in FROM. Source: XT API v1, GET getOpenOrders';

CREATE FUNCTION xt_order(
	market text,
	id text,
	server name DEFAULT 'xt')
RETURNS SETOF xt_order
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;

COMMENT ON FUNCTION xt_order(text, text, name) IS
'one order of the account at XT. Call it in FROM. Source: XT API v1, GET getOrder';

CREATE FUNCTION xt_orders(
	market text,
	ids anycompatiblearray,
	server name DEFAULT 'xt',
	-- generated: columns of xt_order, order_id anycompatible
	OUT order_id anycompatible,
	OUT number numeric,
	OUT price numeric,
	OUT avg_price numeric,
	OUT type int,
	OUT type_name text,
	OUT status int,
	OUT status_name text,
	OUT complete_number numeric,
	OUT complete_money numeric,
	OUT entrust_type text,
	OUT fee numeric,
	OUT "time" timestamptz,
	OUT raw json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION xt_orders(text, anycompatiblearray, name) IS
'orders of the account at XT by their ids, 100 in a request; order_id comes back in the type of the ids. No row comes for an id that XT does not know. '
'Call it in FROM. Source: XT API v1, GET getBatchOrders';

CREATE FUNCTION tronsave_orders(
	ids anycompatiblearray,
	server name DEFAULT 'tronsave',
	-- generated: columns of tronsave_orders
	OUT order_id anycompatible,
	OUT status text,
	OUT raw json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION tronsave_orders(anycompatiblearray, name) IS
'fast-charge orders of the account at TronSave by their ids; order_id comes back in the type of the ids, status in the words of TronSave. '
'No row comes for an id that TronSave does not know. Call it in FROM. Source: TronSave API v0, POST fast-charge-order-tracking';

CREATE FUNCTION wangdian_returns(
	return_nos anycompatiblearray,
	server name DEFAULT 'wangdian',
	-- generated: columns of wangdian_returns
	OUT return_no anycompatible,
	OUT status int,
	OUT status_name text,
	OUT stockout_status int,
	OUT stockout_status_name text,
	OUT goods_count numeric,
	OUT goods_out_count numeric,
	OUT created timestamptz,
	OUT modified timestamptz,
	OUT raw json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION wangdian_returns(anycompatiblearray, name) IS
'purchase returns in the Wangdian ERP by their numbers, one number in a request; return_no comes back in the type of the numbers. '
'status: 10 cancelled, 20 being edited, 30 waiting for audit, 40 audited, 60 done; '
'stockout_status: 0 nothing left the warehouse, 1 a part, 2 all of it, 3 stopped. No row comes for a number that Wangdian does not know. '
'Call it in FROM. Source: Wangdian purchase.PurchaseReturn.queryWithDetail';

-- What the numbers of BTSE are called.  Asks nobody, so anybody may.
CREATE FUNCTION btse_codes()
RETURNS SETOF btse_code
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 49;

COMMENT ON FUNCTION btse_codes() IS
'numbers that BTSE uses for statuses and types, with their names. Source: BTSE spot API v3.3, API Enum';

--
-- What became of orders whose outcome is unknown
--

CREATE TYPE order_state AS ENUM (
	'open',
	'partly_filled',
	'filled',
	'cancelled',
	'gone',
	'unknown'
);

COMMENT ON TYPE order_state IS
'where an order stands: '
'open = the provider has it, and nothing of it was filled; '
'partly_filled = something of it was filled, and it is open, or nobody knows of the rest; '
'filled = it was filled, or is done; '
'cancelled = the provider says so; '
'gone = the provider does not know it, or no more; '
'unknown = the provider says nothing that is documented';

CREATE FUNCTION order_gateway_settle(
	server name,
	ids anycompatiblearray,
	sent_at timestamptz[] DEFAULT NULL,
	market text DEFAULT NULL,
	by text DEFAULT 'order_id',
	act text DEFAULT 'cancel',
	-- generated: columns of settling
	OUT order_id anycompatible,
	OUT outcome order_outcome,
	OUT order_state order_state,
	OUT message text,
	OUT ordinal int,
	OUT checked_at timestamptz,
	OUT raw json
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SUPPORT order_gateway_support;

COMMENT ON FUNCTION order_gateway_settle(name, anycompatiblearray, timestamptz[], text, text, text) IS
'asks a provider by its reads what became of orders whose outcome is unknown, and touches none: '
'ids as they were given to the call, sent_at one time for each id in the same order (as the call returned it), '
'market of XT or symbol of BTSE, by ''order_id'' or at BTSE ''client_order_id'', act ''cancel'' or ''create'': what is unknown, '
'and by order ids alone if the act is a cancel. One row per id in input order: '
'order_state = where the order stands now, outcome = what follows for the act, unknown where nothing does. '
'An open order is believed only 60 s after sent_at, since a request may still be running; of one that is not known nothing follows; '
'and one that is over a minute older than sent_at, or does not tell when it was made, was not surely created by that request. '
'Errors: those of a read. Call it in FROM';

--
-- Acts on orders and investments at BTSE
--

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
'trigger_price and answers two rows, one for each leg; trigger_price, stop_price and trail_value go with one of these only, post_only (true) with no '
'MARKET, IOC or FOK; PEG needs stealth (percent shown, above 0 to 100) and may have a deviation (-10 to 10 percent of '
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
'means that the timer runs, from about sent_at on; after unknown, call it again. Raises errors only before anything is sent. Call it in FROM. Source: '
'BTSE POST /api/v3.3/order/cancelAllAfter';

CREATE FUNCTION btse_cancel_all_after_preview(
	timeout interval,
	server name DEFAULT 'btse',
	at timestamptz DEFAULT now(),
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
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
	-- generated: columns of preview
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text
	-- end of generated
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;

COMMENT ON FUNCTION btse_invest_redeem_preview(text, numeric, name, timestamptz) IS
'the request that btse_invest_redeem with the same arguments would make, built and signed and not sent: method, URL, headers and body; the secret key '
'never shows. It is stamped with the time "at". Needs the same privileges as the call';

--
-- The journal of a gateway worker: every call that it makes, and each of its
-- orders.  Rows are only added on the way of a call, so what state it is in
-- follows from which rows there are.  Each row belongs to an installation.
-- They are written by C functions below SQL; people read them through views.
--

CREATE TABLE order_gateway_installation (
	id uuid NOT NULL,
	database oid NOT NULL,
	system_identifier bigint NOT NULL,
	timeline int NOT NULL,
	done_below bigint NOT NULL DEFAULT 0,
	doubtful_below bigint NOT NULL DEFAULT 0,
	crashes int NOT NULL DEFAULT 0,
	running boolean NOT NULL DEFAULT false,
	held boolean NOT NULL DEFAULT false,
	settles boolean NOT NULL DEFAULT true,
	alive_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (id, database)
);

COMMENT ON TABLE order_gateway_installation IS
'one CREATE EXTENSION in one database: its calls, and nobody else''s, are sent from here. Not dumped, so a restored database is another installation';
COMMENT ON COLUMN order_gateway_installation.id IS 'names the installation in all rows of the journal';
COMMENT ON COLUMN order_gateway_installation.database IS 'OID of the database; a copy of the database has another one';
COMMENT ON COLUMN order_gateway_installation.system_identifier IS 'system identifier of the cluster when a worker ran here last: pg_upgrade gives it another one';
COMMENT ON COLUMN order_gateway_installation.timeline IS 'timeline of the server when a worker last sent anything here';
COMMENT ON COLUMN order_gateway_installation.done_below IS 'all calls with a smaller call_id are done';
COMMENT ON COLUMN order_gateway_installation.doubtful_below IS 'of calls with a smaller call_id and another timeline another server may have sent what no mark is about';
COMMENT ON COLUMN order_gateway_installation.crashes IS 'starts of the worker after a crash, since it ran for a minute without one';
COMMENT ON COLUMN order_gateway_installation.running IS 'a worker runs, or the last one did not end well';
COMMENT ON COLUMN order_gateway_installation.held IS 'this looks like a copy of a server that may still run: nothing is sent until order_gateway_adopt() is called';
COMMENT ON COLUMN order_gateway_installation.settles IS 'unknown outcomes are asked for; false = the server crashed several times when they were, and order_gateway_adopt() has the worker try again';
COMMENT ON COLUMN order_gateway_installation.alive_at IS 'when a worker ran here last, to the minute';
COMMENT ON COLUMN order_gateway_installation.created_at IS 'when it was made';

INSERT INTO order_gateway_installation (id, database, system_identifier, timeline)
SELECT pg_catalog.gen_random_uuid(), d.oid, s.system_identifier, c.timeline_id
FROM pg_catalog.pg_database AS d, pg_catalog.pg_control_system() AS s, pg_catalog.pg_control_checkpoint() AS c
WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database();

CREATE TABLE order_gateway_journal_sweep (
	installation uuid NOT NULL,
	server_id oid NOT NULL,
	role_id oid NOT NULL,
	server name NOT NULL,
	role name NOT NULL,
	timeline int NOT NULL,
	wanted_at timestamptz NOT NULL,
	done_at timestamptz,
	found bigint NOT NULL,
	is_off boolean NOT NULL,
	problem text,
	PRIMARY KEY (installation, server_id, role_id)
);

COMMENT ON TABLE order_gateway_journal_sweep IS
'accounts at which orders are looked for that the journal may have lost, since the server was promoted. Not dumped, as what they belong to';
COMMENT ON COLUMN order_gateway_journal_sweep.installation IS 'whose orders are looked for';
COMMENT ON COLUMN order_gateway_journal_sweep.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_journal_sweep.role_id IS 'OID of the role whose user mapping is used';
COMMENT ON COLUMN order_gateway_journal_sweep.server IS 'name of the server, when that was wanted';
COMMENT ON COLUMN order_gateway_journal_sweep.role IS 'name of the role then';
COMMENT ON COLUMN order_gateway_journal_sweep.timeline IS 'timeline of the server then';
COMMENT ON COLUMN order_gateway_journal_sweep.wanted_at IS 'when it was wanted';
COMMENT ON COLUMN order_gateway_journal_sweep.done_at IS 'when all was read; NULL before';
COMMENT ON COLUMN order_gateway_journal_sweep.found IS 'orders that were entered into the journal';
COMMENT ON COLUMN order_gateway_journal_sweep.is_off IS 'reading crashed the server each time that it was tried';
COMMENT ON COLUMN order_gateway_journal_sweep.problem IS 'why it could not be done, so far or for good';

CREATE SEQUENCE order_gateway_call_id;

COMMENT ON SEQUENCE order_gateway_call_id IS 'numbers calls, and what is wished of heartbeats';

CREATE TABLE order_gateway_journal_call (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	xid xid8 NOT NULL,
	timeline int NOT NULL,
	origin text NOT NULL,
	function text NOT NULL,
	function_id oid NOT NULL,
	provider text NOT NULL,
	operation text NOT NULL,
	server_id oid NOT NULL,
	server name NOT NULL,
	role_id oid NOT NULL,
	role name NOT NULL,
	arguments json NOT NULL,
	ids text[] NOT NULL,
	order_arguments json,
	reference text,
	submitted_at timestamptz NOT NULL,
	not_before timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (installation, call_id)
);

CREATE INDEX order_gateway_journal_call_xid ON order_gateway_journal_call (installation, xid);
CREATE INDEX order_gateway_journal_call_newest ON order_gateway_journal_call (call_id);
CREATE INDEX order_gateway_journal_call_reference ON order_gateway_journal_call (reference);

COMMENT ON TABLE order_gateway_journal_call IS
'what was asked for: one row per call, written by the transaction that submits it, or by the worker for a session';
COMMENT ON COLUMN order_gateway_journal_call.installation IS 'which installation sends it';
COMMENT ON COLUMN order_gateway_journal_call.call_id IS 'number of the call';
COMMENT ON COLUMN order_gateway_journal_call.xid IS 'transaction that submitted it';
COMMENT ON COLUMN order_gateway_journal_call.timeline IS 'timeline of the server then';
COMMENT ON COLUMN order_gateway_journal_call.origin IS 'outbox = it was submitted; session = a session has called, and the worker makes the call; found = an order that was found at the provider after a promotion';
COMMENT ON COLUMN order_gateway_journal_call.function IS 'function that would make the same call at once';
COMMENT ON COLUMN order_gateway_journal_call.function_id IS 'OID of the function that was called, whose EXECUTE privilege is asked for again before anything is sent';
COMMENT ON COLUMN order_gateway_journal_call.provider IS 'xt, tronsave, btse or wangdian';
COMMENT ON COLUMN order_gateway_journal_call.operation IS 'what is asked of the provider';
COMMENT ON COLUMN order_gateway_journal_call.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_journal_call.server IS 'its name then';
COMMENT ON COLUMN order_gateway_journal_call.role_id IS 'OID of the role that called, and as which it is sent';
COMMENT ON COLUMN order_gateway_journal_call.role IS 'its name then';
COMMENT ON COLUMN order_gateway_journal_call.arguments IS 'arguments as the texts that leave; no secrets';
COMMENT ON COLUMN order_gateway_journal_call.ids IS 'what it is about, in input order';
COMMENT ON COLUMN order_gateway_journal_call.order_arguments IS 'of a list of orders: arguments of each, in the order of ids';
COMMENT ON COLUMN order_gateway_journal_call.reference IS 'name that the user gave to the call';
COMMENT ON COLUMN order_gateway_journal_call.submitted_at IS 'when it was submitted';
COMMENT ON COLUMN order_gateway_journal_call.not_before IS 'it is not sent before';
COMMENT ON COLUMN order_gateway_journal_call.expires_at IS 'what was not sent by then is not sent any more';

CREATE TABLE order_gateway_journal_reference (
	installation uuid NOT NULL,
	role_id oid NOT NULL,
	reference text NOT NULL,
	call_id bigint NOT NULL,
	content bytea NOT NULL,
	PRIMARY KEY (installation, role_id, reference)
);

COMMENT ON TABLE order_gateway_journal_reference IS
'names that users gave to calls of theirs: each names one call of its role';
COMMENT ON COLUMN order_gateway_journal_reference.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_reference.role_id IS 'OID of the role that submitted the call';
COMMENT ON COLUMN order_gateway_journal_reference.reference IS 'the name';
COMMENT ON COLUMN order_gateway_journal_reference.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_reference.content IS 'SHA-256 of what the call asks for: the same name with another content is an error';

CREATE TABLE order_gateway_journal_withdrawal (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	xid xid8 NOT NULL,
	role name NOT NULL,
	timeline int NOT NULL,
	withdrawn_at timestamptz NOT NULL,
	PRIMARY KEY (installation, call_id, xid)
);

CREATE INDEX order_gateway_journal_withdrawal_xid ON order_gateway_journal_withdrawal (installation, xid);

COMMENT ON TABLE order_gateway_journal_withdrawal IS
'what was not sent yet of these calls is not to be sent any more';
COMMENT ON COLUMN order_gateway_journal_withdrawal.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_withdrawal.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_withdrawal.xid IS 'transaction that withdrew it';
COMMENT ON COLUMN order_gateway_journal_withdrawal.role IS 'who withdrew it';
COMMENT ON COLUMN order_gateway_journal_withdrawal.timeline IS 'timeline of the server where it was withdrawn';
COMMENT ON COLUMN order_gateway_journal_withdrawal.withdrawn_at IS 'when';

CREATE TABLE order_gateway_journal_mark (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	number int NOT NULL,
	leaves boolean NOT NULL,
	ordinals int[] NOT NULL,
	timeline int NOT NULL,
	marked_at timestamptz NOT NULL,
	PRIMARY KEY (installation, call_id, number)
);

COMMENT ON TABLE order_gateway_journal_mark IS
'orders that a request is about to carry, committed before its first byte leaves; or, where that provably did not happen, that they were not carried';
COMMENT ON COLUMN order_gateway_journal_mark.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_mark.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_mark.number IS 'numbers the marks of a call, from 1; a later one overrules';
COMMENT ON COLUMN order_gateway_journal_mark.leaves IS 'true = a request with these orders leaves from now on; false = it was not processed, for certain';
COMMENT ON COLUMN order_gateway_journal_mark.ordinals IS 'positions of the orders in the call''s ids, from 1; a repeated id is named where it stands first';
COMMENT ON COLUMN order_gateway_journal_mark.timeline IS 'timeline of the server then';
COMMENT ON COLUMN order_gateway_journal_mark.marked_at IS 'when';

CREATE TABLE order_gateway_journal_result (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	ordinal int NOT NULL,
	leg int NOT NULL,
	order_id text NOT NULL,
	outcome order_outcome NOT NULL,
	answered_outcome order_outcome NOT NULL,
	code text,
	message text,
	batch int,
	attempts int NOT NULL,
	http_status int,
	sent_at timestamptz,
	answered_at timestamptz,
	response json,
	order_state text,
	settled_at timestamptz,
	PRIMARY KEY (installation, call_id, ordinal, leg)
);

CREATE INDEX order_gateway_journal_result_order ON order_gateway_journal_result (order_id);

COMMENT ON TABLE order_gateway_journal_result IS
'what became of each order of a call';
COMMENT ON COLUMN order_gateway_journal_result.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_result.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_result.ordinal IS 'position in the call''s ids, from 1';
COMMENT ON COLUMN order_gateway_journal_result.leg IS 'where one id stands for several orders, numbers them, from 1';
COMMENT ON COLUMN order_gateway_journal_result.order_id IS 'the id that was given';
COMMENT ON COLUMN order_gateway_journal_result.outcome IS 'what became of it, as far as is known now';
COMMENT ON COLUMN order_gateway_journal_result.answered_outcome IS 'what the call itself learned';
COMMENT ON COLUMN order_gateway_journal_result.code IS 'the provider''s own code';
COMMENT ON COLUMN order_gateway_journal_result.message IS 'the provider''s own words, or ours where nothing came back';
COMMENT ON COLUMN order_gateway_journal_result.batch IS 'number of the request that carried it';
COMMENT ON COLUMN order_gateway_journal_result.attempts IS 'tries, refused connections included';
COMMENT ON COLUMN order_gateway_journal_result.http_status IS 'HTTP status of the answer';
COMMENT ON COLUMN order_gateway_journal_result.sent_at IS 'when the first byte of its request left';
COMMENT ON COLUMN order_gateway_journal_result.answered_at IS 'when the answer was there';
COMMENT ON COLUMN order_gateway_journal_result.response IS 'the provider''s element for this order, as it came';
COMMENT ON COLUMN order_gateway_journal_result.order_state IS 'state of the order at the provider, where that was asked for later';
COMMENT ON COLUMN order_gateway_journal_result.settled_at IS 'when outcome was found out later';

CREATE TABLE order_gateway_journal_trial (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	crashes int NOT NULL,
	begun_at timestamptz NOT NULL,
	PRIMARY KEY (installation, call_id, crashes)
);

COMMENT ON TABLE order_gateway_journal_trial IS
'after a crash: which call is about to be made, so that one that crashes the server is known and left alone the next time';
COMMENT ON COLUMN order_gateway_journal_trial.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_trial.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_trial.crashes IS 'crashes before it, as the installation counts them: one that came later may be the call''s';
COMMENT ON COLUMN order_gateway_journal_trial.begun_at IS 'when';

CREATE TABLE order_gateway_journal_end (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	quarantined boolean NOT NULL,
	outcomes int[] NOT NULL,
	note text,
	done_at timestamptz NOT NULL,
	PRIMARY KEY (installation, call_id)
);

COMMENT ON TABLE order_gateway_journal_end IS
'calls that are done: every order has its row among the results';
COMMENT ON COLUMN order_gateway_journal_end.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_end.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_end.quarantined IS 'it was given up because it crashed the server, or nearly';
COMMENT ON COLUMN order_gateway_journal_end.outcomes IS 'how many orders have each outcome, in the order of the type''s values';
COMMENT ON COLUMN order_gateway_journal_end.note IS 'what there is to be said of the call as a whole';
COMMENT ON COLUMN order_gateway_journal_end.done_at IS 'when';

--
-- Heartbeats: what is wished of them, and what the worker knows of them.  Neither
-- is dumped: a timer belongs to the database that renews it.
--

CREATE TABLE order_gateway_heartbeat_wish (
	installation uuid NOT NULL,
	number bigint NOT NULL,
	function text NOT NULL,
	function_id oid NOT NULL,
	server_id oid NOT NULL,
	server name NOT NULL,
	role_id oid NOT NULL,
	role name NOT NULL,
	timeout_ms bigint NOT NULL,
	wished_at timestamptz NOT NULL,
	PRIMARY KEY (installation, number)
);

COMMENT ON TABLE order_gateway_heartbeat_wish IS
'what roles want of their heartbeats: the last row of a server and role counts, and the worker removes those before it, and that of one that was stopped';
COMMENT ON COLUMN order_gateway_heartbeat_wish.installation IS 'which installation keeps the heartbeat';
COMMENT ON COLUMN order_gateway_heartbeat_wish.number IS 'a later wish has a larger number';
COMMENT ON COLUMN order_gateway_heartbeat_wish.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_heartbeat_wish.function_id IS 'its OID: its EXECUTE privilege is asked for again before each beat';
COMMENT ON COLUMN order_gateway_heartbeat_wish.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_heartbeat_wish.server IS 'its name then';
COMMENT ON COLUMN order_gateway_heartbeat_wish.role_id IS 'OID of the role';
COMMENT ON COLUMN order_gateway_heartbeat_wish.role IS 'its name then';
COMMENT ON COLUMN order_gateway_heartbeat_wish.timeout_ms IS 'how long the timer is to run after a beat, in milliseconds; 0 = it is to be stopped';
COMMENT ON COLUMN order_gateway_heartbeat_wish.wished_at IS 'when';

CREATE TABLE order_gateway_heartbeat (
	installation uuid NOT NULL,
	server_id oid NOT NULL,
	role_id oid NOT NULL,
	wish bigint NOT NULL,
	started_at timestamptz NOT NULL,
	beats bigint NOT NULL,
	beat_at timestamptz,
	answered bigint NOT NULL,
	crashes int NOT NULL,
	armed_at timestamptz,
	renewed_at timestamptz,
	fires_at timestamptz,
	outcome order_outcome,
	code text,
	message text,
	lost boolean NOT NULL,
	PRIMARY KEY (installation, server_id, role_id)
);

COMMENT ON TABLE order_gateway_heartbeat IS
'what the worker knows of the heartbeat of a server and role: it commits this row before each beat';
COMMENT ON COLUMN order_gateway_heartbeat.installation IS 'which installation keeps the heartbeat';
COMMENT ON COLUMN order_gateway_heartbeat.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_heartbeat.role_id IS 'OID of the role';
COMMENT ON COLUMN order_gateway_heartbeat.wish IS 'number of the wish that the last beat obeyed';
COMMENT ON COLUMN order_gateway_heartbeat.started_at IS 'when it was started';
COMMENT ON COLUMN order_gateway_heartbeat.beats IS 'beats that were begun';
COMMENT ON COLUMN order_gateway_heartbeat.beat_at IS 'when the last of them was';
COMMENT ON COLUMN order_gateway_heartbeat.answered IS 'number of the last beat with an outcome';
COMMENT ON COLUMN order_gateway_heartbeat.crashes IS 'so many beats in a row had none because the server crashed';
COMMENT ON COLUMN order_gateway_heartbeat.armed_at IS 'since when the timer runs; NULL = it does not';
COMMENT ON COLUMN order_gateway_heartbeat.renewed_at IS 'when the last beat was sent that was accepted';
COMMENT ON COLUMN order_gateway_heartbeat.fires_at IS 'when the timer runs out after that';
COMMENT ON COLUMN order_gateway_heartbeat.outcome IS 'of the last beat that has one';
COMMENT ON COLUMN order_gateway_heartbeat.code IS 'the provider''s own code';
COMMENT ON COLUMN order_gateway_heartbeat.message IS 'the provider''s own words, or ours';
COMMENT ON COLUMN order_gateway_heartbeat.lost IS 'it has no further beats, until somebody wishes something else';

--
-- Orders whose outcome is unknown, a part of the journal again
--

CREATE TABLE order_gateway_journal_unsettled (
	installation uuid NOT NULL,
	call_id bigint NOT NULL,
	server_id oid NOT NULL,
	role_id oid NOT NULL,
	since timestamptz NOT NULL,
	note text,
	PRIMARY KEY (installation, call_id)
);

COMMENT ON TABLE order_gateway_journal_unsettled IS
'calls with orders whose outcome is unknown, for as long as the worker asks their providers what became of them';
COMMENT ON COLUMN order_gateway_journal_unsettled.installation IS 'installation of the call';
COMMENT ON COLUMN order_gateway_journal_unsettled.call_id IS 'the call';
COMMENT ON COLUMN order_gateway_journal_unsettled.server_id IS 'OID of its foreign server';
COMMENT ON COLUMN order_gateway_journal_unsettled.role_id IS 'OID of the role that submitted it, and as which is asked';
COMMENT ON COLUMN order_gateway_journal_unsettled.since IS 'when the first outcome of an order of it was unknown';
COMMENT ON COLUMN order_gateway_journal_unsettled.note IS 'why it could not be asked what became of them';

SELECT pg_catalog.pg_extension_config_dump('order_gateway_call_id', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_call', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_reference', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_withdrawal', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_mark', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_result', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_trial', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_end', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_journal_unsettled', '');

--
-- Streams: what is followed, and what came of it.  What they tell of books and
-- best prices is not logged: it is worth nothing after a crash.  Subscriptions
-- and what was appended are dumped.
--

CREATE SEQUENCE order_gateway_stream_id AS int;

COMMENT ON SEQUENCE order_gateway_stream_id IS
'numbers of streams';

CREATE TABLE order_gateway_stream (
	installation uuid NOT NULL,
	stream_id int NOT NULL,
	kind text NOT NULL,
	symbol text,
	book_grouping int,
	into_table regclass,
	function_id oid NOT NULL,
	server_id oid NOT NULL,
	server name NOT NULL,
	role_id oid NOT NULL,
	role name NOT NULL,
	started_at timestamptz NOT NULL,
	PRIMARY KEY (installation, stream_id)
);

-- Of two that start the same at once the second waits for the first.
CREATE UNIQUE INDEX order_gateway_stream_once ON order_gateway_stream
	(installation, server_id, role_id, kind, symbol, book_grouping, into_table) NULLS NOT DISTINCT;

COMMENT ON TABLE order_gateway_stream IS
'streams that are to be followed: one row for each btse_stream_start() until btse_stream_stop(). The view order_gateway_streams shows them with their state. Rows of another installation (a restored dump, a copy of the database) are not followed';
COMMENT ON COLUMN order_gateway_stream.installation IS 'by which installation (order_gateway_installation) it is followed';
COMMENT ON COLUMN order_gateway_stream.stream_id IS 'number of the stream';
COMMENT ON COLUMN order_gateway_stream.kind IS 'l1, book, trades, fills or notifications';
COMMENT ON COLUMN order_gateway_stream.symbol IS 'the market; NULL = all that there is of the account';
COMMENT ON COLUMN order_gateway_stream.book_grouping IS 'of a book: 0 = prices as they are, 1 to 8 = more and more of them taken together; else NULL';
COMMENT ON COLUMN order_gateway_stream.into_table IS 'the table of a user that rows are appended to; NULL = the log of the extension, or of l1 and book none';
COMMENT ON COLUMN order_gateway_stream.function_id IS 'OID of the function that was called: its EXECUTE privilege is asked for again';
COMMENT ON COLUMN order_gateway_stream.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_stream.server IS 'its name then';
COMMENT ON COLUMN order_gateway_stream.role_id IS 'OID of the role that started it';
COMMENT ON COLUMN order_gateway_stream.role IS 'its name then: the stream is followed with the rights of this role';
COMMENT ON COLUMN order_gateway_stream.started_at IS 'when that was';

CREATE UNLOGGED TABLE order_gateway_stream_book (
	installation uuid NOT NULL,
	server_id oid NOT NULL,
	symbol text NOT NULL,
	book_grouping int NOT NULL,
	seq bigint NOT NULL,
	event_time timestamptz,
	received_at timestamptz NOT NULL,
	bid_prices numeric[] NOT NULL,
	bid_sizes numeric[] NOT NULL,
	ask_prices numeric[] NOT NULL,
	ask_sizes numeric[] NOT NULL,
	PRIMARY KEY (installation, server_id, symbol, book_grouping)
) WITH (fillfactor = 30, toast_tuple_target = 8160);

COMMENT ON TABLE order_gateway_stream_book IS
'order books as the stream worker wrote them last, one row each, whether they are still true or not: read btse_book and btse_book_top, which show only those that are live. Unlogged: empty after a crash, and not on a standby';
COMMENT ON COLUMN order_gateway_stream_book.installation IS 'which installation follows it';
COMMENT ON COLUMN order_gateway_stream_book.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_stream_book.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_book.book_grouping IS '0 = prices as they are, 1 to 8 = more and more of them taken together';
COMMENT ON COLUMN order_gateway_stream_book.seq IS 'the provider''s number of this state';
COMMENT ON COLUMN order_gateway_stream_book.event_time IS 'when it was so, by the provider''s clock';
COMMENT ON COLUMN order_gateway_stream_book.received_at IS 'when that was received';
COMMENT ON COLUMN order_gateway_stream_book.bid_prices IS 'prices at which somebody buys, the highest first';
COMMENT ON COLUMN order_gateway_stream_book.bid_sizes IS 'the size at each of bid_prices';
COMMENT ON COLUMN order_gateway_stream_book.ask_prices IS 'prices at which somebody sells, the lowest first';
COMMENT ON COLUMN order_gateway_stream_book.ask_sizes IS 'the size at each of ask_prices';

CREATE UNLOGGED TABLE order_gateway_stream_l1 (
	installation uuid NOT NULL,
	server_id oid NOT NULL,
	symbol text NOT NULL,
	bid_price numeric,
	bid_size numeric,
	ask_price numeric,
	ask_size numeric,
	event_time timestamptz,
	received_at timestamptz NOT NULL,
	PRIMARY KEY (installation, server_id, symbol)
) WITH (fillfactor = 30);

COMMENT ON TABLE order_gateway_stream_l1 IS
'best prices as the stream worker wrote them last, whether they are still true or not: read btse_l1, which shows only those that are live. Unlogged: empty after a crash, and not on a standby';
COMMENT ON COLUMN order_gateway_stream_l1.installation IS 'which installation follows it';
COMMENT ON COLUMN order_gateway_stream_l1.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_stream_l1.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_l1.bid_price IS 'the highest price at which somebody buys';
COMMENT ON COLUMN order_gateway_stream_l1.bid_size IS 'the size at this price';
COMMENT ON COLUMN order_gateway_stream_l1.ask_price IS 'the lowest price at which somebody sells';
COMMENT ON COLUMN order_gateway_stream_l1.ask_size IS 'the size at this price';
COMMENT ON COLUMN order_gateway_stream_l1.event_time IS 'when that was so, by the provider''s clock';
COMMENT ON COLUMN order_gateway_stream_l1.received_at IS 'when it was received';

CREATE TABLE order_gateway_stream_trade (
	installation uuid NOT NULL,
	server_id oid NOT NULL,
	server name NOT NULL,
	symbol text NOT NULL,
	trade_id text NOT NULL,
	side text,
	price numeric,
	size numeric,
	event_time timestamptz,
	received_at timestamptz NOT NULL,
	source text NOT NULL,
	raw json,
	PRIMARY KEY (installation, server_id, symbol, trade_id)
);

CREATE INDEX order_gateway_stream_trade_at ON order_gateway_stream_trade (installation, received_at);

COMMENT ON TABLE order_gateway_stream_trade IS
'public trades that streams appended, each once: the view btse_trade_log shows them';
COMMENT ON COLUMN order_gateway_stream_trade.installation IS 'which installation followed them';
COMMENT ON COLUMN order_gateway_stream_trade.server_id IS 'number of the foreign server: order_gateway_stream_server has it';
COMMENT ON COLUMN order_gateway_stream_trade.server IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_trade.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_trade.trade_id IS 'the provider''s number of the trade';
COMMENT ON COLUMN order_gateway_stream_trade.side IS 'BUY or SELL';
COMMENT ON COLUMN order_gateway_stream_trade.price IS 'price';
COMMENT ON COLUMN order_gateway_stream_trade.size IS 'size';
COMMENT ON COLUMN order_gateway_stream_trade.event_time IS 'when it was made';
COMMENT ON COLUMN order_gateway_stream_trade.received_at IS 'when it was received';
COMMENT ON COLUMN order_gateway_stream_trade.source IS 'stream = told when it happened; rest = read afterwards, since it was missed';
COMMENT ON COLUMN order_gateway_stream_trade.raw IS 'what the provider sent of it, byte for byte';

CREATE TABLE order_gateway_stream_fill (
	installation uuid NOT NULL,
	fill_id text NOT NULL,
	server_id oid NOT NULL,
	server name NOT NULL,
	role_id oid NOT NULL,
	role name NOT NULL,
	order_id text,
	client_order_id text,
	serial_id text,
	trade_id text,
	order_type int,
	symbol text,
	side text,
	filled_price numeric,
	filled_size numeric,
	fee_amount numeric,
	fee_currency text,
	base text,
	quote text,
	maker boolean,
	event_time timestamptz,
	received_at timestamptz NOT NULL,
	source text NOT NULL,
	raw json,
	PRIMARY KEY (installation, server_id, role_id, fill_id)
);

CREATE INDEX order_gateway_stream_fill_at ON order_gateway_stream_fill (installation, received_at);

COMMENT ON TABLE order_gateway_stream_fill IS
'fills of accounts that streams appended, each once: the view btse_fill_log shows them';
COMMENT ON COLUMN order_gateway_stream_fill.installation IS 'which installation followed them';
COMMENT ON COLUMN order_gateway_stream_fill.fill_id IS 'what tells it apart: its serial id, or else trade, order and side';
COMMENT ON COLUMN order_gateway_stream_fill.server_id IS 'number of the foreign server: order_gateway_stream_server has it';
COMMENT ON COLUMN order_gateway_stream_fill.server IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_fill.role_id IS 'OID of the role that started the stream';
COMMENT ON COLUMN order_gateway_stream_fill.role IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_fill.order_id IS 'the order, by the provider''s id';
COMMENT ON COLUMN order_gateway_stream_fill.client_order_id IS 'the order, by the id that it was given when it was placed';
COMMENT ON COLUMN order_gateway_stream_fill.serial_id IS 'the provider''s number of the fill';
COMMENT ON COLUMN order_gateway_stream_fill.trade_id IS 'the provider''s number of the trade';
COMMENT ON COLUMN order_gateway_stream_fill.order_type IS 'type of the order: 76 limit, 77 market, 80 peg or algo';
COMMENT ON COLUMN order_gateway_stream_fill.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_fill.side IS 'BUY or SELL';
COMMENT ON COLUMN order_gateway_stream_fill.filled_price IS 'price of the fill';
COMMENT ON COLUMN order_gateway_stream_fill.filled_size IS 'size of the fill';
COMMENT ON COLUMN order_gateway_stream_fill.fee_amount IS 'fee';
COMMENT ON COLUMN order_gateway_stream_fill.fee_currency IS 'currency of the fee';
COMMENT ON COLUMN order_gateway_stream_fill.base IS 'base currency';
COMMENT ON COLUMN order_gateway_stream_fill.quote IS 'quote currency';
COMMENT ON COLUMN order_gateway_stream_fill.maker IS 'did the order rest in the book? NULL where the provider did not say';
COMMENT ON COLUMN order_gateway_stream_fill.event_time IS 'when it was matched';
COMMENT ON COLUMN order_gateway_stream_fill.received_at IS 'when it was received';
COMMENT ON COLUMN order_gateway_stream_fill.source IS 'stream = told when it happened; rest = read afterwards, since it was missed';
COMMENT ON COLUMN order_gateway_stream_fill.raw IS 'what the provider sent of it, byte for byte';

CREATE SEQUENCE order_gateway_stream_notification_id;

COMMENT ON SEQUENCE order_gateway_stream_notification_id IS
'numbers of notifications in their log';

CREATE TABLE order_gateway_stream_notification (
	installation uuid NOT NULL,
	notification_id bigint NOT NULL,
	server_id oid NOT NULL,
	server name NOT NULL,
	role_id oid NOT NULL,
	role name NOT NULL,
	order_id text,
	client_order_id text,
	symbol text,
	side text,
	order_type text,
	status int,
	price numeric,
	avg_filled_price numeric,
	maker boolean,
	stealth numeric,
	peg_price_deviation numeric,
	time_in_force text,
	tx_type text,
	trigger_price numeric,
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
	received_at timestamptz NOT NULL,
	raw json,
	PRIMARY KEY (installation, notification_id)
);

COMMENT ON TABLE order_gateway_stream_notification IS
'notifications of accounts that streams appended, one row for each message: the view btse_notification_log shows them';
COMMENT ON COLUMN order_gateway_stream_notification.installation IS 'which installation followed them';
COMMENT ON COLUMN order_gateway_stream_notification.notification_id IS 'number in this log: the provider gives none';
COMMENT ON COLUMN order_gateway_stream_notification.server_id IS 'number of the foreign server: order_gateway_stream_server has it';
COMMENT ON COLUMN order_gateway_stream_notification.server IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_notification.role_id IS 'OID of the role that started the stream';
COMMENT ON COLUMN order_gateway_stream_notification.role IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_notification.order_id IS 'the order, by the provider''s id';
COMMENT ON COLUMN order_gateway_stream_notification.client_order_id IS 'the order, by the id that it was given when it was placed';
COMMENT ON COLUMN order_gateway_stream_notification.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_notification.side IS 'BUY or SELL';
COMMENT ON COLUMN order_gateway_stream_notification.order_type IS 'type of the order, as it is told';
COMMENT ON COLUMN order_gateway_stream_notification.status IS 'what happened, see btse_codes()';
COMMENT ON COLUMN order_gateway_stream_notification.price IS 'price of the order, or of what was filled';
COMMENT ON COLUMN order_gateway_stream_notification.avg_filled_price IS 'average price of what was filled';
COMMENT ON COLUMN order_gateway_stream_notification.maker IS 'did the order rest in the book?';
COMMENT ON COLUMN order_gateway_stream_notification.stealth IS 'percent of it that is shown';
COMMENT ON COLUMN order_gateway_stream_notification.peg_price_deviation IS 'deviation from the price of the index, in percent';
COMMENT ON COLUMN order_gateway_stream_notification.time_in_force IS 'how long the order stands';
COMMENT ON COLUMN order_gateway_stream_notification.tx_type IS '0 limit, 1 stop, 2 trigger, 3 OCO';
COMMENT ON COLUMN order_gateway_stream_notification.trigger_price IS 'price that sets off the order';
COMMENT ON COLUMN order_gateway_stream_notification.original_order_base_size IS 'size of the order as it was placed, in the base currency';
COMMENT ON COLUMN order_gateway_stream_notification.original_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN order_gateway_stream_notification.current_order_base_size IS 'size of the order now, in the base currency';
COMMENT ON COLUMN order_gateway_stream_notification.current_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN order_gateway_stream_notification.filled_base_size IS 'size filled, in the base currency';
COMMENT ON COLUMN order_gateway_stream_notification.total_filled_base_size IS 'size filled so far, in the base currency';
COMMENT ON COLUMN order_gateway_stream_notification.remaining_order_base_size IS 'size not filled yet, in the base currency';
COMMENT ON COLUMN order_gateway_stream_notification.remaining_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN order_gateway_stream_notification.order_currency IS 'currency that the order is in';
COMMENT ON COLUMN order_gateway_stream_notification.event_time IS 'when, by the provider''s clock';
COMMENT ON COLUMN order_gateway_stream_notification.received_at IS 'when it was received';
COMMENT ON COLUMN order_gateway_stream_notification.raw IS 'what the provider sent of it, byte for byte';

CREATE TABLE order_gateway_stream_seen (
	installation uuid NOT NULL,
	target oid NOT NULL,
	server_id oid NOT NULL,
	role_id oid NOT NULL,
	kind text NOT NULL,
	id text NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (installation, target, server_id, role_id, kind, id)
);

CREATE INDEX order_gateway_stream_seen_at ON order_gateway_stream_seen (installation, at);

COMMENT ON TABLE order_gateway_stream_seen IS
'ids of trades and fills that were appended, of each table, written in the transaction of their rows: so nothing is appended twice, whatever constraints the table has. Rows that can be told no more are removed by the stream worker';
COMMENT ON COLUMN order_gateway_stream_seen.installation IS 'which installation follows it';
COMMENT ON COLUMN order_gateway_stream_seen.target IS 'OID of the table that it was appended to; 0 = the log of the extension';
COMMENT ON COLUMN order_gateway_stream_seen.server_id IS 'number of the foreign server: order_gateway_stream_server has it';
COMMENT ON COLUMN order_gateway_stream_seen.role_id IS 'OID of the role whose account it is; 0 = a public trade';
COMMENT ON COLUMN order_gateway_stream_seen.kind IS 'trades or fills';
COMMENT ON COLUMN order_gateway_stream_seen.id IS 'the trade''s or the fill''s id';
COMMENT ON COLUMN order_gateway_stream_seen.at IS 'when it was appended';

CREATE TABLE order_gateway_stream_mark (
	installation uuid NOT NULL,
	stream_id int NOT NULL,
	symbol text NOT NULL,
	complete_until timestamptz,
	passed_at timestamptz,
	PRIMARY KEY (installation, stream_id, symbol)
);

COMMENT ON TABLE order_gateway_stream_mark IS
'up to when what a stream appended is proved to be complete, market by market: where reading begins after a disconnect. order_gateway_streams shows the earliest as complete_until';
COMMENT ON COLUMN order_gateway_stream_mark.installation IS 'which installation follows it';
COMMENT ON COLUMN order_gateway_stream_mark.stream_id IS 'number of the stream';
COMMENT ON COLUMN order_gateway_stream_mark.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_mark.complete_until IS 'up to when nothing of this market is missing';
COMMENT ON COLUMN order_gateway_stream_mark.passed_at IS 'when that was found';

CREATE SEQUENCE order_gateway_stream_event_id;

COMMENT ON SEQUENCE order_gateway_stream_event_id IS
'numbers of events of streams';

CREATE TABLE order_gateway_stream_event (
	installation uuid NOT NULL,
	event_id bigint NOT NULL,
	at timestamptz NOT NULL,
	event text NOT NULL,
	stream_id int,
	kind text,
	symbol text,
	book_grouping int,
	server_id oid NOT NULL,
	server name NOT NULL,
	role_id oid,
	role name,
	message text,
	from_time timestamptz,
	to_time timestamptz,
	rows bigint,
	raw json,
	PRIMARY KEY (installation, event_id)
);

CREATE INDEX order_gateway_stream_event_at ON order_gateway_stream_event (installation, at);

COMMENT ON TABLE order_gateway_stream_event IS
'what happened to streams: the view btse_stream_event shows it';
COMMENT ON COLUMN order_gateway_stream_event.installation IS 'which installation saw it';
COMMENT ON COLUMN order_gateway_stream_event.event_id IS 'number of the event';
COMMENT ON COLUMN order_gateway_stream_event.at IS 'when it was seen';
COMMENT ON COLUMN order_gateway_stream_event.event IS 'what happened: the view btse_stream_event explains each';
COMMENT ON COLUMN order_gateway_stream_event.stream_id IS 'number of the stream; NULL = all of a connection, or of a market';
COMMENT ON COLUMN order_gateway_stream_event.kind IS 'l1, book, trades, fills or notifications; NULL = all of a connection';
COMMENT ON COLUMN order_gateway_stream_event.symbol IS 'the market';
COMMENT ON COLUMN order_gateway_stream_event.book_grouping IS 'of a book: 0 = prices as they are, 1 to 8 = more and more of them taken together; else NULL';
COMMENT ON COLUMN order_gateway_stream_event.server_id IS 'number of the foreign server: order_gateway_stream_server has it';
COMMENT ON COLUMN order_gateway_stream_event.server IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_event.role_id IS 'OID of the role whose account it is; NULL = what is public';
COMMENT ON COLUMN order_gateway_stream_event.role IS 'its name then';
COMMENT ON COLUMN order_gateway_stream_event.message IS 'what was wrong, in words; of connected: with which URL';
COMMENT ON COLUMN order_gateway_stream_event.from_time IS 'of a hole, an overflow, a backfill: from when on';
COMMENT ON COLUMN order_gateway_stream_event.to_time IS 'of a hole, an overflow, a backfill: until when';
COMMENT ON COLUMN order_gateway_stream_event.rows IS 'of an overflow, a backfill, a refused row: how many rows';
COMMENT ON COLUMN order_gateway_stream_event.raw IS 'of a refused row, and of what was unexpected: what was received, as it came';

CREATE TABLE order_gateway_stream_server (
	installation uuid NOT NULL,
	number oid NOT NULL,
	server_id oid NOT NULL,
	server name,
	PRIMARY KEY (installation, number)
);

COMMENT ON TABLE order_gateway_stream_server IS
'numbers by which the logs of streams know foreign servers. pg_upgrade gives these other OIDs: then this table is changed, and no log';
COMMENT ON COLUMN order_gateway_stream_server.installation IS 'which installation follows it';
COMMENT ON COLUMN order_gateway_stream_server.number IS 'its number: the OID that it had when it was first followed, or another one where that was taken';
COMMENT ON COLUMN order_gateway_stream_server.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_stream_server.server IS 'its name; NULL = it was dropped';

SELECT pg_catalog.pg_extension_config_dump('order_gateway_stream_id', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_stream', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_stream_trade', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_stream_fill', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_stream_notification_id', '');
SELECT pg_catalog.pg_extension_config_dump('order_gateway_stream_notification', '');

--
-- What people see of the journal.  Columns of these views are final.
--

CREATE VIEW order_gateway_here AS
SELECT i.id, i.held, i.settles
FROM order_gateway_installation AS i
JOIN pg_catalog.pg_database AS d ON d.oid = i.database
WHERE d.datname = pg_catalog.current_database()
ORDER BY i.id
LIMIT 1;

COMMENT ON VIEW order_gateway_here IS
'this installation: its calls are sent from here, those of others were copied';
COMMENT ON COLUMN order_gateway_here.id IS 'names the installation';
COMMENT ON COLUMN order_gateway_here.held IS 'nothing is sent until order_gateway_adopt() is called';
COMMENT ON COLUMN order_gateway_here.settles IS 'unknown outcomes are asked for; false = not until order_gateway_adopt() is called';

CREATE FUNCTION order_gateway_may_see(own boolean, role_id oid, role name)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION order_gateway_may_see(boolean, oid, name) IS
'whether the current role may see calls of a role: it is a member of it, or of pg_read_all_data. '
'A call of another installation (own is false) belongs to the role of that name, since its OID may be another role''s here';

CREATE FUNCTION order_gateway_pauses(
	OUT server_id oid,
	OUT role_id oid,
	OUT until timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_pauses() IS
'servers that the worker of this database leaves alone for a while, since it could not reach them or was told to wait: '
'one row for each server and role that submitted calls to it, as far as the current role may see these';

-- Whose calls one may see is asked here, behind a barrier.  The newest come first,
-- by an index: so who wants only these does not have all of them read, as long as
-- what is looked up for each is looked up outside.
CREATE VIEW order_gateway_visible_calls WITH (security_barrier) AS
SELECT c.*,
	c.installation IS NOT DISTINCT FROM (SELECT h.id FROM order_gateway_here AS h) AS own
FROM order_gateway_journal_call AS c
WHERE order_gateway_may_see(
	c.installation IS NOT DISTINCT FROM (SELECT h.id FROM order_gateway_here AS h), c.role_id, c.role)
ORDER BY c.call_id DESC;

COMMENT ON VIEW order_gateway_visible_calls IS
'rows of order_gateway_journal_call that the current role may see, and whether they belong to this installation; order_gateway_calls shows them';
COMMENT ON COLUMN order_gateway_visible_calls.installation IS 'which installation sends it';
COMMENT ON COLUMN order_gateway_visible_calls.call_id IS 'number of the call';
COMMENT ON COLUMN order_gateway_visible_calls.xid IS 'transaction that submitted it';
COMMENT ON COLUMN order_gateway_visible_calls.timeline IS 'timeline of the server then';
COMMENT ON COLUMN order_gateway_visible_calls.origin IS 'outbox = it was submitted; session = a session has called, and the worker makes the call; found = an order that was found at the provider after a promotion';
COMMENT ON COLUMN order_gateway_visible_calls.function IS 'function that would make the same call at once';
COMMENT ON COLUMN order_gateway_visible_calls.function_id IS 'OID of the function that was called, whose EXECUTE privilege is asked for again before anything is sent';
COMMENT ON COLUMN order_gateway_visible_calls.provider IS 'xt, tronsave, btse or wangdian';
COMMENT ON COLUMN order_gateway_visible_calls.operation IS 'what is asked of the provider';
COMMENT ON COLUMN order_gateway_visible_calls.server_id IS 'OID of the foreign server';
COMMENT ON COLUMN order_gateway_visible_calls.server IS 'its name then';
COMMENT ON COLUMN order_gateway_visible_calls.role_id IS 'OID of the role that called, and as which it is sent';
COMMENT ON COLUMN order_gateway_visible_calls.role IS 'its name then';
COMMENT ON COLUMN order_gateway_visible_calls.arguments IS 'arguments as the texts that leave; no secrets';
COMMENT ON COLUMN order_gateway_visible_calls.ids IS 'what it is about, in input order';
COMMENT ON COLUMN order_gateway_visible_calls.order_arguments IS 'of a list of orders: arguments of each, in the order of ids';
COMMENT ON COLUMN order_gateway_visible_calls.reference IS 'name that the user gave to the call';
COMMENT ON COLUMN order_gateway_visible_calls.submitted_at IS 'when it was submitted';
COMMENT ON COLUMN order_gateway_visible_calls.not_before IS 'it is not sent before';
COMMENT ON COLUMN order_gateway_visible_calls.expires_at IS 'what was not sent by then is not sent any more';
COMMENT ON COLUMN order_gateway_visible_calls.own IS 'it belongs to this installation';

-- No condition of whoever asks may see what did not come through the barrier.  So
-- what is joined here is either an aggregate, LATERAL, of rows of a call that did,
-- or shown by expressions alone that need a column of that call as well.
CREATE VIEW order_gateway_calls AS
SELECT c.call_id,
	c.origin,
	c.function,
	c.server,
	c.role,
	CASE WHEN c.order_arguments IS NULL THEN c.arguments
		ELSE pg_catalog.json_build_object('orders', c.order_arguments)
	END AS arguments,
	c.reference,
	CASE WHEN e.quarantined THEN 'quarantined'
		WHEN e.done_at IS NOT NULL THEN 'done'
		WHEN NOT c.own THEN 'quarantined'
		WHEN m.sent > 0 THEN 'sending'
		ELSE 'queued'
	END AS state,
	c.ids,
	coalesce(e.outcomes[1], n.cancelled::int) AS cancelled,
	coalesce(e.outcomes[2], n.accepted::int) AS accepted,
	coalesce(e.outcomes[3], n.not_found::int) AS not_found,
	coalesce(e.outcomes[4], n.not_cancellable::int) AS not_cancellable,
	coalesce(e.outcomes[5], n.rejected::int) AS rejected,
	coalesce(e.outcomes[6], n.not_sent::int) AS not_sent,
	coalesce(e.outcomes[7], n.unknown::int) AS unknown,
	c.submitted_at,
	c.not_before,
	c.expires_at,
	coalesce((SELECT min(r.sent_at)
		FROM order_gateway_journal_result AS r
		WHERE r.installation = c.installation AND r.call_id = c.call_id),
		CASE WHEN m.sent > 0 THEN m.first_at END) AS first_sent_at,
	CASE e.call_id WHEN c.call_id THEN e.done_at END AS done_at,
	CASE WHEN c.own AND e.done_at IS NULL THEN
		greatest(CASE WHEN c.not_before > pg_catalog.statement_timestamp() THEN c.not_before END,
			(SELECT p.until
			FROM order_gateway_pauses() AS p
			WHERE p.server_id = c.server_id AND p.role_id = c.role_id
				AND p.until > pg_catalog.statement_timestamp()
			LIMIT 1))
	END AS next_try_at,
	CASE WHEN e.done_at IS NOT NULL THEN
			coalesce((SELECT CASE WHEN c.own AND NOT (SELECT h.settles FROM order_gateway_here AS h)
					THEN 'what is unknown is not asked for any more until order_gateway_adopt() is called'
					ELSE u.note END
				FROM order_gateway_journal_unsettled AS u
				WHERE u.installation = c.installation AND u.call_id = c.call_id), e.note)
		WHEN NOT c.own THEN 'belongs to another installation, from which it was copied; it is never sent from here'
		WHEN (SELECT h.held FROM order_gateway_here AS h)
			THEN 'nothing is sent from here until order_gateway_adopt() is called'
		ELSE (SELECT pg_catalog.concat('withdrawn by ', w.role) COLLATE pg_catalog."default"
			FROM order_gateway_journal_withdrawal AS w
			WHERE w.installation = c.installation AND w.call_id = c.call_id
			LIMIT 1)
	END AS note
FROM order_gateway_visible_calls AS c
LEFT JOIN order_gateway_journal_end AS e
	ON e.installation = c.installation AND e.call_id = c.call_id
-- Orders that may be with the provider, or have been: those that a mark took
-- back are not.
LEFT JOIN LATERAL (SELECT
		sum(CASE WHEN m.leaves THEN 1 ELSE -1 END * pg_catalog.cardinality(m.ordinals)) AS sent,
		min(m.marked_at) FILTER (WHERE m.leaves) AS first_at
	FROM order_gateway_journal_mark AS m
	WHERE e.done_at IS NULL
		AND m.installation = c.installation AND m.call_id = c.call_id) AS m ON true
LEFT JOIN LATERAL (SELECT
		count(*) FILTER (WHERE r.outcome = 'cancelled') AS cancelled,
		count(*) FILTER (WHERE r.outcome = 'accepted') AS accepted,
		count(*) FILTER (WHERE r.outcome = 'not_found') AS not_found,
		count(*) FILTER (WHERE r.outcome = 'not_cancellable') AS not_cancellable,
		count(*) FILTER (WHERE r.outcome = 'rejected') AS rejected,
		count(*) FILTER (WHERE r.outcome = 'not_sent') AS not_sent,
		count(*) FILTER (WHERE r.outcome = 'unknown') AS unknown
	FROM order_gateway_journal_result AS r
	WHERE e.done_at IS NULL
		AND r.installation = c.installation AND r.call_id = c.call_id) AS n ON true;

-- generated: comments of order_gateway_calls
COMMENT ON VIEW order_gateway_calls IS
'calls that the gateway worker makes, or made: submitted, or called in a session, by roles that the current role is a member of; all, to members of pg_read_all_data';
COMMENT ON COLUMN order_gateway_calls.call_id IS 'number of the call, as the function that submitted it returned it, or the context of an error of a session names it';
COMMENT ON COLUMN order_gateway_calls.origin IS 'outbox = it was submitted; session = a session has called, and the worker makes the call; found = an order that was found at the provider after a promotion, and was not in the journal';
COMMENT ON COLUMN order_gateway_calls.function IS 'function that would make the same call at once';
COMMENT ON COLUMN order_gateway_calls.server IS 'foreign server, by the name that it had when it was called';
COMMENT ON COLUMN order_gateway_calls.role IS 'role that submitted it, or called, and as which it is made';
COMMENT ON COLUMN order_gateway_calls.arguments IS 'arguments, as the texts that leave; of a list of orders, those of each';
COMMENT ON COLUMN order_gateway_calls.reference IS 'name that the submitter gave to it';
COMMENT ON COLUMN order_gateway_calls.state IS 'queued: nothing of it was sent, but for what was provably not processed; sending: some of it was, or is about to be; done; quarantined: given up, note says why';
COMMENT ON COLUMN order_gateway_calls.ids IS 'what it is about, in input order';
COMMENT ON COLUMN order_gateway_calls.cancelled IS 'orders with this outcome';
COMMENT ON COLUMN order_gateway_calls.accepted IS 'orders with this outcome';
COMMENT ON COLUMN order_gateway_calls.not_found IS 'orders with this outcome';
COMMENT ON COLUMN order_gateway_calls.not_cancellable IS 'orders with this outcome';
COMMENT ON COLUMN order_gateway_calls.rejected IS 'orders with this outcome';
COMMENT ON COLUMN order_gateway_calls.not_sent IS 'orders with this outcome';
COMMENT ON COLUMN order_gateway_calls.unknown IS 'orders with this outcome: check before acting';
COMMENT ON COLUMN order_gateway_calls.submitted_at IS 'when it was submitted, or a session called; of one that was found, when its order was created';
COMMENT ON COLUMN order_gateway_calls.not_before IS 'nothing of it is sent before';
COMMENT ON COLUMN order_gateway_calls.expires_at IS 'what was not sent by then is not_sent';
COMMENT ON COLUMN order_gateway_calls.first_sent_at IS 'when the first of its requests left; while no answer is there, when it was about to; NULL while it is queued';
COMMENT ON COLUMN order_gateway_calls.done_at IS 'when it was done; NULL before';
COMMENT ON COLUMN order_gateway_calls.next_try_at IS 'nothing of it is sent before this time, which is yet to come; NULL = as soon as it has its turn, or it is done';
COMMENT ON COLUMN order_gateway_calls.note IS 'what there is to be said of the call as a whole';
-- end of generated

CREATE VIEW order_gateway_sweeps WITH (security_barrier) AS
SELECT s.server,
	s.role,
	CASE WHEN s.is_off THEN 'off'
		WHEN s.done_at IS NULL THEN 'wanted'
		ELSE 'done'
	END AS state,
	s.found,
	s.timeline,
	s.wanted_at,
	s.done_at,
	s.problem
FROM order_gateway_here AS h
JOIN order_gateway_journal_sweep AS s ON s.installation = h.id
WHERE order_gateway_may_see(true, s.role_id, s.role);

-- generated: comments of order_gateway_sweeps
COMMENT ON VIEW order_gateway_sweeps IS
'accounts at which orders are looked for after the server was promoted: those that this installation created, and whose rows did not reach the server; of roles that the current role is a member of';
COMMENT ON COLUMN order_gateway_sweeps.server IS 'foreign server, by the name that it had when that was wanted';
COMMENT ON COLUMN order_gateway_sweeps.role IS 'role as which its orders are read';
COMMENT ON COLUMN order_gateway_sweeps.state IS 'wanted: not all was read yet; done; off: reading crashed the server, and order_gateway_sweep() has it tried again';
COMMENT ON COLUMN order_gateway_sweeps.found IS 'orders that the journal did not know: each is a call of origin found';
COMMENT ON COLUMN order_gateway_sweeps.timeline IS 'timeline of the server that was promoted';
COMMENT ON COLUMN order_gateway_sweeps.wanted_at IS 'when the promotion was noticed';
COMMENT ON COLUMN order_gateway_sweeps.done_at IS 'when all was read; NULL before';
COMMENT ON COLUMN order_gateway_sweeps.problem IS 'why it could not be done so far; of one that is done: why it never will be';
-- end of generated

CREATE VIEW order_gateway_results WITH (security_barrier) AS
SELECT r.call_id,
	r.ordinal,
	r.order_id,
	r.outcome,
	r.answered_outcome,
	r.code,
	r.message,
	r.batch,
	r.attempts,
	r.http_status,
	r.sent_at,
	r.answered_at,
	r.response,
	r.order_state,
	r.settled_at
FROM order_gateway_journal_call AS c
JOIN order_gateway_journal_result AS r
	ON r.installation = c.installation AND r.call_id = c.call_id
WHERE order_gateway_may_see(
	c.installation IS NOT DISTINCT FROM (SELECT h.id FROM order_gateway_here AS h), c.role_id, c.role);

-- generated: comments of order_gateway_results
COMMENT ON VIEW order_gateway_results IS
'what became of each order of the calls that order_gateway_calls shows; rows come when the outcome is there';
COMMENT ON COLUMN order_gateway_results.call_id IS 'number of the call';
COMMENT ON COLUMN order_gateway_results.ordinal IS 'position in the call''s ids, from 1; orders that one id stands for share it';
COMMENT ON COLUMN order_gateway_results.order_id IS 'the id as given';
COMMENT ON COLUMN order_gateway_results.outcome IS 'what became of it, as far as is known now';
COMMENT ON COLUMN order_gateway_results.answered_outcome IS 'what the call itself learned';
COMMENT ON COLUMN order_gateway_results.code IS 'the provider''s own code, at most 64 characters; NULL where it has none';
COMMENT ON COLUMN order_gateway_results.message IS 'the provider''s own words, or ours where nothing came back; at most 1,000 characters';
COMMENT ON COLUMN order_gateway_results.batch IS 'number of the request, from 1; NULL if none was made';
COMMENT ON COLUMN order_gateway_results.attempts IS 'tries, refused connections included';
COMMENT ON COLUMN order_gateway_results.http_status IS 'NULL if no answer came';
COMMENT ON COLUMN order_gateway_results.sent_at IS 'just before the first byte left; NULL for not_sent';
COMMENT ON COLUMN order_gateway_results.answered_at IS 'when the answer began; NULL without one';
COMMENT ON COLUMN order_gateway_results.response IS 'the very bytes of the provider''s element for this order; numbers in it are exact';
COMMENT ON COLUMN order_gateway_results.order_state IS 'where the order stood when it was asked for later';
COMMENT ON COLUMN order_gateway_results.settled_at IS 'when outcome was found out later; NULL if it is what the call learned';
-- end of generated

--
-- Submitting: the call of each act, made later by the gateway worker
--

CREATE FUNCTION batch_cancel_submit(
	market text,
	ids anycompatiblearray,
	server name DEFAULT 'xt',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION batch_cancel_submit(text, anycompatiblearray, name, text, timestamptz, timestamptz) IS
'submits cancels of orders of one market at XT: the gateway worker makes the call of batch_cancel with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views, or NULL where the array is empty or NULL. Checks all that batch_cancel would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a day, from now or from not_before, before which nothing is sent';

CREATE FUNCTION tronsave_cancel_submit(
	ids anycompatiblearray,
	server name DEFAULT 'tronsave',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION tronsave_cancel_submit(anycompatiblearray, name, text, timestamptz, timestamptz) IS
'submits cancels of energy orders at TronSave: the gateway worker makes the call of tronsave_cancel with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views, or NULL where the array is empty or NULL. Checks all that tronsave_cancel would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a day, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_cancel_submit(
	symbol text,
	ids anycompatiblearray,
	by text DEFAULT 'order_id',
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_cancel_submit(text, anycompatiblearray, text, name, text, timestamptz, timestamptz) IS
'submits cancels of orders of one market at BTSE: the gateway worker makes the call of btse_cancel with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views, or NULL where the array is empty or NULL. Checks all that btse_cancel would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a day, by client order id a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION wangdian_cancel_submit(
	return_nos anycompatiblearray,
	server name DEFAULT 'wangdian',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION wangdian_cancel_submit(anycompatiblearray, name, text, timestamptz, timestamptz) IS
'submits cancels of purchase returns in the Wangdian ERP: the gateway worker makes the call of wangdian_cancel with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views, or NULL where the array is empty or NULL. Checks all that wangdian_cancel would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a day, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_create_order_submit(
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
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_create_order_submit(text, text, text, numeric, numeric, text, text, numeric, numeric, numeric, boolean, text, numeric, numeric, name, text, timestamptz, timestamptz) IS
'submits a new order at BTSE: the gateway worker makes the call of btse_create_order with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_create_order would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'A client order id that is not given is made here, so that the journal has it before anything leaves: a UUID of version 8, of time, installation and a check, by which an order found later is known as one of ours. reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_create_orders_submit(
	orders jsonb,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_create_orders_submit(jsonb, name, text, timestamptz, timestamptz) IS
'submits new orders at BTSE: the gateway worker makes the call of btse_create_orders with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views, or NULL where the array is empty or NULL. Checks all that btse_create_orders would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'A client order id that is not given is made here, so that the journal has it before anything leaves: a UUID of version 8, of time, installation and a check, by which an order found later is known as one of ours. reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_amend_order_submit(
	symbol text,
	order_id text DEFAULT NULL,
	client_order_id text DEFAULT NULL,
	price numeric DEFAULT NULL,
	size numeric DEFAULT NULL,
	trigger_price numeric DEFAULT NULL,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_amend_order_submit(text, text, text, numeric, numeric, numeric, name, text, timestamptz, timestamptz) IS
'submits a change of an open order at BTSE: the gateway worker makes the call of btse_amend_order with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_amend_order would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_cancel_all_submit(
	symbol text,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_cancel_all_submit(text, name, text, timestamptz, timestamptz) IS
'submits a cancel of every open order of a market at BTSE: the gateway worker makes the call of btse_cancel_all with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_cancel_all would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_cancel_all_after_submit(
	timeout interval,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_cancel_all_after_submit(interval, name, text, timestamptz, timestamptz) IS
'submits a countdown, renewed or stopped, that cancels every open order of the account at BTSE: the gateway worker makes the call of btse_cancel_all_after with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_cancel_all_after would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_invest_deposit_submit(
	product_id text,
	amount numeric,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_invest_deposit_submit(text, numeric, name, text, timestamptz, timestamptz) IS
'submits a deposit into an investment product at BTSE: the gateway worker makes the call of btse_invest_deposit with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_invest_deposit would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_invest_renew_submit(
	order_id text,
	auto_renew boolean,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_invest_renew_submit(text, boolean, name, text, timestamptz, timestamptz) IS
'submits a choice of whether an investment at BTSE is renewed: the gateway worker makes the call of btse_invest_renew with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_invest_renew would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

CREATE FUNCTION btse_invest_redeem_submit(
	order_id text,
	amount numeric,
	server name DEFAULT 'btse',
	reference text DEFAULT NULL,
	not_before timestamptz DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;

COMMENT ON FUNCTION btse_invest_redeem_submit(text, numeric, name, text, timestamptz, timestamptz) IS
'submits a redemption of an investment at BTSE: the gateway worker makes the call of btse_invest_redeem with these arguments once this transaction has committed, and never if it is rolled back. '
'Returns the call_id for order_gateway_wait() and the views. Checks all that btse_invest_redeem would, and may stand anywhere: target list, trigger, PL/pgSQL. '
'reference = a name of your own: the same again with the same content answers the first call''s id and sends nothing more, with another it is an error. '
'What was not sent by expires_at is not_sent; default: server option expire_after, or else a minute, from now or from not_before, before which nothing is sent';

--
-- What a submitter does afterwards
--

CREATE FUNCTION order_gateway_withdraw(call_id bigint)
RETURNS int
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION order_gateway_withdraw(bigint) IS
'withdraws a submitted call, of the current role or of one that it is a member of: what was not sent yet becomes not_sent as soon as this transaction has committed. '
'Returns how many orders that are for certain. What is about to leave just then is not counted, and is not_sent if it does not; what has left is not affected. 0 = nothing is left to withdraw';

CREATE FUNCTION order_gateway_wait(call_id bigint, timeout interval DEFAULT '1 min')
RETURNS SETOF order_gateway_results
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100;

COMMENT ON FUNCTION order_gateway_wait(bigint, interval) IS
'the results of a submitted call as soon as it is done, or what is known of it when the timeout is over, as rows of order_gateway_results; '
'what is committed meanwhile is seen in a REPEATABLE READ transaction as well. In the transaction that submitted it, which has to commit first, it is an error. Call it in FROM';

CREATE FUNCTION order_gateway_find(ids anycompatiblearray)
RETURNS SETOF order_gateway_results
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
SUPPORT order_gateway_support;

COMMENT ON FUNCTION order_gateway_find(anycompatiblearray) IS
'all results that the journal has of orders, by their ids as they were given to the calls and in that order, as rows of order_gateway_results; an index finds them, which the view cannot use in a join. '
'Orders of a call that have no result yet are not among them: order_gateway_calls has the ids of such calls. Call it in FROM';

CREATE FUNCTION order_gateway_adopt()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION order_gateway_adopt() IS
'lets the worker go on in a cluster that was promoted, or restored from a backup, long after its last worker ran: until then it sends nothing of what is queued. '
'Only after it is certain that no other server goes on from the same data, since both would send the same calls. '
'Also has it ask again what became of unknown orders, where it stopped that since the server crashed. For superusers and the owner of the extension';

CREATE FUNCTION order_gateway_sweep()
RETURNS int
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION order_gateway_sweep() IS
'has the gateway worker look for orders at the provider that this installation created and its journal does not know, as it does by itself after a promotion: '
'one round for each BTSE server and role of the journal''s calls, of which it returns the number. '
'Also has it tried again where reading was given up. order_gateway_sweeps shows what came of it. For superusers and the owner of the extension';

--
-- Heartbeats
--

CREATE FUNCTION btse_heartbeat_start(
	timeout interval,
	server name DEFAULT 'btse')
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION btse_heartbeat_start(interval, name) IS
'CANCELS ALL OPEN ORDERS of the account at BTSE, in all markets, also those of other programs, soon after this database can no longer commit: starts a '
'timer there that does so when it runs out, and that the gateway worker renews every third of the timeout, each time after a row that it has committed. '
'A planned restart that takes longer than the timeout cancels them, and so does a pause ordered by the provider that is longer than two thirds of it. '
'Begins when this transaction has committed, and never if it is rolled back; a second start gives a running one another timeout (5 s to a day). Before '
'you rely on it, try btse_heartbeat_stop() on BTSE''s test net: that it stops the timer is not documented. Source: BTSE POST /api/v3.3/order/cancelAllAfter';

CREATE FUNCTION btse_heartbeat_stop(
	server name DEFAULT 'btse')
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION btse_heartbeat_stop(name) IS
'stops the timer that CANCELS ALL OPEN ORDERS of the account at BTSE: ends the heartbeat that the current role has started at the server, when this '
'transaction has committed. The gateway worker asks BTSE to stop the timer until that is accepted, and order_gateway_heartbeats has the heartbeat until '
'then; if it is not accepted in time, the timer runs out. BTSE does not document that a timeout of zero stops it: try it on the test net first';

CREATE VIEW order_gateway_heartbeats WITH (security_barrier) AS
SELECT coalesce(s.srvname, w.server) AS server,
	coalesce(r.rolname, w.role) AS role,
	CASE WHEN h.lost AND h.wish = w.number THEN 'lost'
		WHEN w.timeout_ms = 0 THEN 'stopping'
		WHEN h.fires_at IS NULL THEN 'starting'
		WHEN h.fires_at <= pg_catalog.clock_timestamp() THEN 'fired'
		WHEN h.fires_at - pg_catalog.clock_timestamp() < (h.fires_at - h.renewed_at) / 3 THEN 'late'
		ELSE 'armed'
	END AS state,
	CASE WHEN w.timeout_ms > 0 THEN w.timeout_ms * interval '1 ms' END AS timeout,
	coalesce(h.started_at, w.wished_at) AS started_at,
	CASE WHEN h.fires_at > pg_catalog.clock_timestamp() THEN h.armed_at END AS armed_at,
	h.fires_at,
	coalesce(h.beats, 0) AS beats,
	h.beat_at AS last_beat_at,
	h.renewed_at,
	h.outcome,
	h.code,
	h.message
FROM (SELECT DISTINCT ON (w.server_id, w.role_id) w.*
	FROM order_gateway_here AS i
	JOIN order_gateway_heartbeat_wish AS w ON w.installation = i.id
	ORDER BY w.server_id, w.role_id, w.number DESC) AS w
LEFT JOIN order_gateway_heartbeat AS h
	ON h.installation = w.installation AND h.server_id = w.server_id AND h.role_id = w.role_id
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = w.server_id
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = w.role_id
WHERE order_gateway_may_see(true, w.role_id, w.role);

-- generated: comments of order_gateway_heartbeats
COMMENT ON VIEW order_gateway_heartbeats IS
'heartbeats: timers at a provider that cancel ALL open orders of the account, in all markets, when they run out, and that the gateway worker renews as long as this database can commit; those of roles that the current role is a member of, and all to members of pg_read_all_data';
COMMENT ON COLUMN order_gateway_heartbeats.server IS 'foreign server, by the name that it has';
COMMENT ON COLUMN order_gateway_heartbeats.role IS 'role that started it, and as which it is kept';
COMMENT ON COLUMN order_gateway_heartbeats.state IS 'starting: no beat was accepted yet; armed; late: more than two thirds of the timeout went by without a beat that was accepted; fired: the timer has run out; stopping: until the provider has accepted that; lost: it has no further beats, message says why';
COMMENT ON COLUMN order_gateway_heartbeats.timeout IS 'how long the timer runs after a beat; NULL = it is to be stopped';
COMMENT ON COLUMN order_gateway_heartbeats.started_at IS 'when it was started';
COMMENT ON COLUMN order_gateway_heartbeats.armed_at IS 'since when the timer runs; NULL = it does not';
COMMENT ON COLUMN order_gateway_heartbeats.fires_at IS 'when the timer runs out, unless a beat is accepted before; in the past: when it did; NULL = it never ran';
COMMENT ON COLUMN order_gateway_heartbeats.beats IS 'beats so far, each of them after a row that was committed';
COMMENT ON COLUMN order_gateway_heartbeats.last_beat_at IS 'when the last of these rows was written';
COMMENT ON COLUMN order_gateway_heartbeats.renewed_at IS 'when the last beat was sent that was accepted';
COMMENT ON COLUMN order_gateway_heartbeats.outcome IS 'of the last beat that has one';
COMMENT ON COLUMN order_gateway_heartbeats.code IS 'the provider''s own code';
COMMENT ON COLUMN order_gateway_heartbeats.message IS 'the provider''s own words, or ours where nothing came back, or why the last beat was not sent';
-- end of generated

--
-- Streams
--

CREATE FUNCTION btse_stream_start(
	kind text,
	symbol text DEFAULT NULL,
	book_grouping int DEFAULT 0,
	into_table regclass DEFAULT NULL,
	server name DEFAULT 'btse')
RETURNS int
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION btse_stream_start(text, text, int, regclass, name) IS
'follows a stream of BTSE from when this transaction has committed, through restarts and failovers, until btse_stream_stop() with the number that it returns. '
'Kinds: l1 (best prices: view btse_l1), book (order book: btse_book, btse_book_top), trades (public trades of a market: btse_trade_log, or into_table), '
'fills and notifications (of the own account: btse_fill_log, btse_notification_log, or into_table). A stream worker beside the gateway worker writes the tables; '
'order_gateway_streams shows what state each stream is in, btse_stream_event what happened to it. Source: BTSE WebSocket streams';

CREATE FUNCTION btse_stream_stop(stream_id int)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION btse_stream_stop(int) IS
'ends a stream of the current role, or of one that it is a member of, when this transaction has committed; what it has appended stays';

CREATE FUNCTION order_gateway_stream_may_see(own boolean, kind text, server_id oid, server name, role_id oid, role name)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION order_gateway_stream_may_see(boolean, text, oid, name, oid, name) IS
'may the current role see what a stream tells? That is who is a member of the role that started it, and of markets also who may use the server; members of pg_read_all_data may see all. OIDs count where the row is of this installation, else names do';

CREATE FUNCTION order_gateway_stream_states(
	OUT stream_id int,
	OUT state text,
	OUT since timestamptz,
	OUT messages bigint,
	OUT "rows" bigint,
	OUT last_message_at timestamptz,
	OUT complete_until timestamptz,
	OUT queued bigint,
	OUT gaps bigint,
	OUT reconnects bigint,
	OUT last_error text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 1000 ROWS 100;

COMMENT ON FUNCTION order_gateway_stream_states() IS
'what the stream worker of this database shows of its streams; without one there are no rows';

CREATE FUNCTION order_gateway_stream_books(
	OUT server name,
	OUT symbol text,
	OUT book_grouping int,
	OUT seq bigint,
	OUT event_time timestamptz,
	OUT received_at timestamptz,
	OUT bid_prices numeric[],
	OUT bid_sizes numeric[],
	OUT ask_prices numeric[],
	OUT ask_sizes numeric[])
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION order_gateway_stream_books() IS
'the order books that are live now, one row each, for the views btse_book and btse_book_top';

CREATE FUNCTION order_gateway_stream_quotes(
	OUT server name,
	OUT symbol text,
	OUT bid_price numeric,
	OUT bid_size numeric,
	OUT ask_price numeric,
	OUT ask_size numeric,
	OUT event_time timestamptz,
	OUT received_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION order_gateway_stream_quotes() IS
'the best prices that are live now, for the view btse_l1';

CREATE VIEW order_gateway_streams WITH (security_barrier) AS
SELECT w.stream_id,
	w.kind,
	w.symbol,
	w.book_grouping,
	coalesce(s.srvname, w.server) AS server,
	coalesce(r.rolname, w.role) AS role,
	w.into_table,
	CASE WHEN i.id IS NULL OR i.held THEN 'stopped' ELSE coalesce(t.state, 'stale') END AS state,
	coalesce(t.since, w.started_at) AS since,
	coalesce(t.messages, 0) AS messages,
	coalesce(t.rows, 0) AS rows,
	t.last_message_at,
	pg_catalog.clock_timestamp() - t.last_message_at AS age,
	coalesce(t.complete_until, (SELECT pg_catalog.min(m.complete_until)
		FROM order_gateway_stream_mark AS m
		WHERE m.installation = w.installation AND m.stream_id = w.stream_id)) AS complete_until,
	coalesce(t.queued, 0) AS queued,
	coalesce(t.gaps, 0) AS gaps,
	coalesce(t.reconnects, 0) AS reconnects,
	CASE WHEN i.id IS NULL THEN 'it was started in another database, of which this is a copy'
		WHEN i.held THEN 'this installation is held: order_gateway_adopt() lets it go on'
		WHEN t.stream_id IS NULL THEN 'the stream worker is not running, or has not seen it yet'
		ELSE t.last_error
	END AS last_error,
	w.started_at
FROM order_gateway_stream AS w
LEFT JOIN order_gateway_here AS i ON i.id = w.installation
LEFT JOIN order_gateway_stream_states() AS t ON t.stream_id = w.stream_id AND i.id IS NOT NULL AND NOT i.held
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = w.server_id AND i.id IS NOT NULL
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = w.role_id AND i.id IS NOT NULL
WHERE order_gateway_stream_may_see(i.id IS NOT NULL, w.kind, w.server_id, w.server, w.role_id, w.role);

-- generated: comments of order_gateway_streams
COMMENT ON VIEW order_gateway_streams IS
'streams that btse_stream_start() has begun and btse_stream_stop() has not ended, one row each, and whether they come. A role sees those of markets (l1, book, trades) at servers on which it has USAGE, those of accounts (fills, notifications) that roles started of which it is a member, and as a member of pg_read_all_data all';
COMMENT ON COLUMN order_gateway_streams.stream_id IS 'number of the stream, for btse_stream_stop()';
COMMENT ON COLUMN order_gateway_streams.kind IS 'l1, book, trades, fills or notifications';
COMMENT ON COLUMN order_gateway_streams.symbol IS 'the market, such as BTC-USD; NULL = all markets of the account';
COMMENT ON COLUMN order_gateway_streams.book_grouping IS 'of a book: 0 = prices as they are, 1 to 8 = more and more of them taken together; else NULL';
COMMENT ON COLUMN order_gateway_streams.server IS 'foreign server, by the name that it has now';
COMMENT ON COLUMN order_gateway_streams.role IS 'role that started it: its rights, and of an account its user mapping, are what counts';
COMMENT ON COLUMN order_gateway_streams.into_table IS 'table of yours that rows are appended to; NULL = the log of the extension, or of l1 and book none';
COMMENT ON COLUMN order_gateway_streams.state IS 'connecting: nothing has come yet; catching_up: rows come, and what was missed is still being read; live: all is well; stale: it was live and is not now, or its worker is gone: its book or best price is not shown; refused: by the provider, or for a lost right or table: somebody has to repair that; stopped: it was started in another database of which this is a copy, or the installation is held';
COMMENT ON COLUMN order_gateway_streams.since IS 'since when it has been in that state';
COMMENT ON COLUMN order_gateway_streams.messages IS 'messages with data, since this stream worker began with it: a restart begins at 0';
COMMENT ON COLUMN order_gateway_streams.rows IS 'rows written for it, since then; of a book: how often it was written';
COMMENT ON COLUMN order_gateway_streams.last_message_at IS 'when the last of these messages was received; NULL = none yet';
COMMENT ON COLUMN order_gateway_streams.age IS 'how long ago that is. Of trades, fills and notifications hours are normal: nothing happened';
COMMENT ON COLUMN order_gateway_streams.complete_until IS 'of fills, trades and notifications: up to when it is proved that none is missing but those of which btse_stream_event tells (hole, refused_row, unexpected). Of a stream that is live that is some seconds ago, and five minutes more after a reconnect; NULL = not known yet, and of l1 and book';
COMMENT ON COLUMN order_gateway_streams.queued IS 'rows that were received and are not written yet. If that grows, the table is locked, or slow';
COMMENT ON COLUMN order_gateway_streams.gaps IS 'how often something was missing or made no sense and was asked for anew, since then: btse_stream_event says what';
COMMENT ON COLUMN order_gateway_streams.reconnects IS 'how often its connection was made anew, since then';
COMMENT ON COLUMN order_gateway_streams.last_error IS 'of one that is stale, refused or stopped: why; of one that is live: what went wrong last, maybe long ago';
COMMENT ON COLUMN order_gateway_streams.started_at IS 'when it was started';
-- end of generated

CREATE VIEW btse_l1 WITH (security_barrier) AS
SELECT q.symbol,
	q.bid_price,
	q.bid_size,
	q.ask_price,
	q.ask_size,
	q.event_time,
	q.received_at,
	pg_catalog.clock_timestamp() - q.received_at AS age,
	q.server
FROM order_gateway_stream_quotes() AS q;

-- generated: comments of btse_l1
COMMENT ON VIEW btse_l1 IS
'best prices now of markets of BTSE, one row for each that a stream of kind l1 follows and that is live; of one that is not live there is no row, and order_gateway_streams says why. A role sees those of servers on which it has USAGE; members of pg_read_all_data see all';
COMMENT ON COLUMN btse_l1.symbol IS 'the market, such as BTC-USD';
COMMENT ON COLUMN btse_l1.bid_price IS 'the highest price at which somebody buys; NULL = nobody does';
COMMENT ON COLUMN btse_l1.bid_size IS 'the size at this price';
COMMENT ON COLUMN btse_l1.ask_price IS 'the lowest price at which somebody sells; NULL = nobody does';
COMMENT ON COLUMN btse_l1.ask_size IS 'the size at this price';
COMMENT ON COLUMN btse_l1.event_time IS 'when that was so, by the provider''s clock';
COMMENT ON COLUMN btse_l1.received_at IS 'when it was received, by the clock of this server';
COMMENT ON COLUMN btse_l1.age IS 'how long ago that is: ask for age < ''5 s'' where old prices cost money';
COMMENT ON COLUMN btse_l1.server IS 'foreign server, by the name that it has now';
-- end of generated

CREATE VIEW btse_book WITH (security_barrier) AS
SELECT b.symbol,
	b.book_grouping,
	l.side,
	l.level,
	l.price,
	l.size,
	b.seq,
	b.event_time,
	b.received_at,
	b.server
FROM order_gateway_stream_books() AS b
CROSS JOIN LATERAL (SELECT 'buy' AS side, u.level::int AS level, u.price, u.size
	FROM ROWS FROM (pg_catalog.unnest(b.bid_prices), pg_catalog.unnest(b.bid_sizes)) WITH ORDINALITY AS u (price, size, level)
	UNION ALL
	SELECT 'sell', u.level::int, u.price, u.size
	FROM ROWS FROM (pg_catalog.unnest(b.ask_prices), pg_catalog.unnest(b.ask_sizes)) WITH ORDINALITY AS u (price, size, level)) AS l;

-- generated: comments of btse_book
COMMENT ON VIEW btse_book IS
'order books now of BTSE, one row for each price of those that a stream of kind book follows and that are live; all rows of a book that a statement sees are of one moment, that of seq. Of a book that is not live there is no row, and order_gateway_streams says why. A role sees those of servers on which it has USAGE; members of pg_read_all_data see all';
COMMENT ON COLUMN btse_book.symbol IS 'the market, such as BTC-USD';
COMMENT ON COLUMN btse_book.book_grouping IS '0 = prices as they are, 1 to 8 = more and more of them taken together';
COMMENT ON COLUMN btse_book.side IS 'buy: somebody wants to buy at this price (a bid); sell: somebody wants to sell (an ask)';
COMMENT ON COLUMN btse_book.level IS 'place on its side, up to 50: 1 is the best price, the highest of buy and the lowest of sell';
COMMENT ON COLUMN btse_book.price IS 'price';
COMMENT ON COLUMN btse_book.size IS 'size at this price';
COMMENT ON COLUMN btse_book.seq IS 'the provider''s number of this state of the book';
COMMENT ON COLUMN btse_book.event_time IS 'when it was so, by the provider''s clock';
COMMENT ON COLUMN btse_book.received_at IS 'when it was received, by the clock of this server';
COMMENT ON COLUMN btse_book.server IS 'foreign server, by the name that it has now';
-- end of generated

CREATE VIEW btse_book_top WITH (security_barrier) AS
SELECT b.symbol,
	b.book_grouping,
	b.bid_prices[1] AS bid_price,
	b.bid_sizes[1] AS bid_size,
	b.ask_prices[1] AS ask_price,
	b.ask_sizes[1] AS ask_size,
	b.ask_prices[1] - b.bid_prices[1] AS spread,
	b.seq,
	b.event_time,
	b.received_at,
	pg_catalog.clock_timestamp() - b.received_at AS age,
	b.server
FROM order_gateway_stream_books() AS b;

-- generated: comments of btse_book_top
COMMENT ON VIEW btse_book_top IS
'the best price of each side of the order books in btse_book: one row for each book that is live, and how old it is. A role sees those of servers on which it has USAGE; members of pg_read_all_data see all';
COMMENT ON COLUMN btse_book_top.symbol IS 'the market, such as BTC-USD';
COMMENT ON COLUMN btse_book_top.book_grouping IS '0 = prices as they are, 1 to 8 = more and more of them taken together';
COMMENT ON COLUMN btse_book_top.bid_price IS 'the highest price at which somebody buys; NULL = nobody does';
COMMENT ON COLUMN btse_book_top.bid_size IS 'the size at this price';
COMMENT ON COLUMN btse_book_top.ask_price IS 'the lowest price at which somebody sells; NULL = nobody does';
COMMENT ON COLUMN btse_book_top.ask_size IS 'the size at this price';
COMMENT ON COLUMN btse_book_top.spread IS 'ask_price less bid_price; NULL where a side is empty';
COMMENT ON COLUMN btse_book_top.seq IS 'the provider''s number of this state of the book';
COMMENT ON COLUMN btse_book_top.event_time IS 'when it was so, by the provider''s clock';
COMMENT ON COLUMN btse_book_top.received_at IS 'when it was received, by the clock of this server';
COMMENT ON COLUMN btse_book_top.age IS 'how long ago that is: ask for age < ''5 s'' where old prices cost money. Of a market in which nothing happens it may be a minute';
COMMENT ON COLUMN btse_book_top.server IS 'foreign server, by the name that it has now';
-- end of generated

CREATE VIEW btse_trade_log WITH (security_barrier) AS
SELECT coalesce(s.srvname, t.server) AS server,
	t.symbol,
	t.trade_id,
	t.side,
	t.price,
	t.size,
	t.event_time,
	t.received_at,
	t.source,
	t.raw
FROM order_gateway_stream_trade AS t
LEFT JOIN order_gateway_here AS i ON i.id = t.installation
LEFT JOIN order_gateway_stream_server AS o ON o.installation = i.id AND o.number = t.server_id
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = o.server_id
WHERE order_gateway_stream_may_see(i.id IS NOT NULL, 'trades', coalesce(o.server_id, 0), t.server, 0, '');

-- generated: comments of btse_trade_log
COMMENT ON VIEW btse_trade_log IS
'public trades of BTSE since a stream of kind trades was started, each once, after some that BTSE tells from before. A role sees those of servers on which it has USAGE; members of pg_read_all_data see all. Streams into a table of yours have theirs there and not here';
COMMENT ON COLUMN btse_trade_log.server IS 'foreign server, by the name that it has now';
COMMENT ON COLUMN btse_trade_log.symbol IS 'the market, such as BTC-USD';
COMMENT ON COLUMN btse_trade_log.trade_id IS 'the provider''s number of the trade';
COMMENT ON COLUMN btse_trade_log.side IS 'BUY or SELL';
COMMENT ON COLUMN btse_trade_log.price IS 'price';
COMMENT ON COLUMN btse_trade_log.size IS 'size';
COMMENT ON COLUMN btse_trade_log.event_time IS 'when it was made, by the provider''s clock';
COMMENT ON COLUMN btse_trade_log.received_at IS 'when it was received, by the clock of this server';
COMMENT ON COLUMN btse_trade_log.source IS 'stream = told when it happened; rest = read afterwards, since it was missed';
COMMENT ON COLUMN btse_trade_log.raw IS 'what the provider sent of it, byte for byte';
-- end of generated

CREATE VIEW btse_fill_log WITH (security_barrier) AS
SELECT coalesce(s.srvname, f.server) AS server,
	coalesce(r.rolname, f.role) AS role,
	f.order_id,
	f.client_order_id,
	f.serial_id,
	f.trade_id,
	f.order_type,
	f.symbol,
	f.side,
	f.filled_price,
	f.filled_size,
	f.fee_amount,
	f.fee_currency,
	f.base,
	f.quote,
	f.maker,
	f.event_time,
	f.received_at,
	f.source,
	f.raw
FROM order_gateway_stream_fill AS f
LEFT JOIN order_gateway_here AS i ON i.id = f.installation
LEFT JOIN order_gateway_stream_server AS o ON o.installation = i.id AND o.number = f.server_id
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = o.server_id
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = f.role_id AND i.id IS NOT NULL
WHERE order_gateway_stream_may_see(i.id IS NOT NULL, 'fills', coalesce(o.server_id, 0), f.server, f.role_id, f.role);

-- generated: comments of btse_fill_log
COMMENT ON VIEW btse_fill_log IS
'what was filled of the own orders at BTSE since a stream of kind fills was started, each fill once. A role sees those of streams that roles started of which it is a member; members of pg_read_all_data see all. Streams into a table of yours have theirs there and not here. complete_until of order_gateway_streams says up to when none is missing but those of which btse_stream_event tells';
COMMENT ON COLUMN btse_fill_log.server IS 'foreign server, by the name that it has now';
COMMENT ON COLUMN btse_fill_log.role IS 'role that started the stream: whose account it is';
COMMENT ON COLUMN btse_fill_log.order_id IS 'the order, by the provider''s id';
COMMENT ON COLUMN btse_fill_log.client_order_id IS 'the order, by the id that it was given when it was placed';
COMMENT ON COLUMN btse_fill_log.serial_id IS 'the provider''s number of the fill';
COMMENT ON COLUMN btse_fill_log.trade_id IS 'the provider''s number of the trade';
COMMENT ON COLUMN btse_fill_log.order_type IS 'type of the order: 76 limit, 77 market, 80 peg or algo';
COMMENT ON COLUMN btse_fill_log.symbol IS 'the market';
COMMENT ON COLUMN btse_fill_log.side IS 'BUY or SELL';
COMMENT ON COLUMN btse_fill_log.filled_price IS 'price at which it was filled (the order''s own may be another)';
COMMENT ON COLUMN btse_fill_log.filled_size IS 'how much was filled by this fill alone';
COMMENT ON COLUMN btse_fill_log.fee_amount IS 'fee, in fee_currency';
COMMENT ON COLUMN btse_fill_log.fee_currency IS 'currency of the fee';
COMMENT ON COLUMN btse_fill_log.base IS 'base currency, such as BTC of BTC-USD';
COMMENT ON COLUMN btse_fill_log.quote IS 'quote currency, such as USD of BTC-USD';
COMMENT ON COLUMN btse_fill_log.maker IS 'did the order rest in the book? NULL where the provider did not say';
COMMENT ON COLUMN btse_fill_log.event_time IS 'when it was matched, by the provider''s clock';
COMMENT ON COLUMN btse_fill_log.received_at IS 'when it was received, by the clock of this server';
COMMENT ON COLUMN btse_fill_log.source IS 'stream = told when it happened; rest = read afterwards, since it was missed';
COMMENT ON COLUMN btse_fill_log.raw IS 'what the provider sent of it, byte for byte';
-- end of generated

CREATE VIEW btse_notification_log WITH (security_barrier) AS
SELECT coalesce(s.srvname, n.server) AS server,
	coalesce(r.rolname, n.role) AS role,
	n.order_id,
	n.client_order_id,
	n.symbol,
	n.side,
	n.order_type,
	n.status,
	n.price,
	n.avg_filled_price,
	n.maker,
	n.stealth,
	n.peg_price_deviation,
	n.time_in_force,
	n.tx_type,
	n.trigger_price,
	n.original_order_base_size,
	n.original_order_quote_size,
	n.current_order_base_size,
	n.current_order_quote_size,
	n.filled_base_size,
	n.total_filled_base_size,
	n.remaining_order_base_size,
	n.remaining_order_quote_size,
	n.order_currency,
	n.event_time,
	n.received_at,
	n.raw
FROM order_gateway_stream_notification AS n
LEFT JOIN order_gateway_here AS i ON i.id = n.installation
LEFT JOIN order_gateway_stream_server AS o ON o.installation = i.id AND o.number = n.server_id
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = o.server_id
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = n.role_id AND i.id IS NOT NULL
WHERE order_gateway_stream_may_see(i.id IS NOT NULL, 'notifications', coalesce(o.server_id, 0), n.server, n.role_id, n.role);

-- generated: comments of btse_notification_log
COMMENT ON VIEW btse_notification_log IS
'what BTSE told of the own orders since a stream of kind notifications was started, one row for each message. Those of a time without a connection are lost: btse_stream_event has a hole for it. A role sees those of streams that roles started of which it is a member; members of pg_read_all_data see all. Streams into a table of yours have theirs there and not here';
COMMENT ON COLUMN btse_notification_log.server IS 'foreign server, by the name that it has now';
COMMENT ON COLUMN btse_notification_log.role IS 'role that started the stream: whose account it is';
COMMENT ON COLUMN btse_notification_log.order_id IS 'the order, by the provider''s id';
COMMENT ON COLUMN btse_notification_log.client_order_id IS 'the order, by the id that it was given when it was placed';
COMMENT ON COLUMN btse_notification_log.symbol IS 'the market';
COMMENT ON COLUMN btse_notification_log.side IS 'BUY or SELL';
COMMENT ON COLUMN btse_notification_log.order_type IS 'type of the order, as it is told';
COMMENT ON COLUMN btse_notification_log.status IS 'what happened, see btse_codes()';
COMMENT ON COLUMN btse_notification_log.price IS 'price of the order, or of what was filled';
COMMENT ON COLUMN btse_notification_log.avg_filled_price IS 'average price of what was filled';
COMMENT ON COLUMN btse_notification_log.maker IS 'did the order rest in the book?';
COMMENT ON COLUMN btse_notification_log.stealth IS 'percent of it that is shown';
COMMENT ON COLUMN btse_notification_log.peg_price_deviation IS 'deviation from the price of the index, in percent';
COMMENT ON COLUMN btse_notification_log.time_in_force IS 'how long the order stands';
COMMENT ON COLUMN btse_notification_log.tx_type IS '0 limit, 1 stop, 2 trigger, 3 OCO';
COMMENT ON COLUMN btse_notification_log.trigger_price IS 'price that sets off the order';
COMMENT ON COLUMN btse_notification_log.original_order_base_size IS 'size of the order as it was placed, in the base currency';
COMMENT ON COLUMN btse_notification_log.original_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN btse_notification_log.current_order_base_size IS 'size of the order now, in the base currency';
COMMENT ON COLUMN btse_notification_log.current_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN btse_notification_log.filled_base_size IS 'size filled, in the base currency';
COMMENT ON COLUMN btse_notification_log.total_filled_base_size IS 'size filled so far, in the base currency';
COMMENT ON COLUMN btse_notification_log.remaining_order_base_size IS 'size not filled yet, in the base currency';
COMMENT ON COLUMN btse_notification_log.remaining_order_quote_size IS 'the same in the quote currency';
COMMENT ON COLUMN btse_notification_log.order_currency IS 'currency that the order is in';
COMMENT ON COLUMN btse_notification_log.event_time IS 'when, by the provider''s clock';
COMMENT ON COLUMN btse_notification_log.received_at IS 'when it was received, by the clock of this server';
COMMENT ON COLUMN btse_notification_log.raw IS 'what the provider sent of it, byte for byte';
-- end of generated

CREATE VIEW btse_stream_event WITH (security_barrier) AS
SELECT e.event_id,
	e.at,
	e.event,
	e.stream_id,
	e.kind,
	e.symbol,
	e.book_grouping,
	coalesce(s.srvname, e.server) AS server,
	coalesce(r.rolname, e.role) AS role,
	e.message,
	e.from_time,
	e.to_time,
	e.rows,
	e.raw
FROM order_gateway_stream_event AS e
JOIN order_gateway_here AS i ON i.id = e.installation
LEFT JOIN order_gateway_stream_server AS o ON o.installation = e.installation AND o.number = e.server_id
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = o.server_id
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = e.role_id
WHERE order_gateway_stream_may_see(true, CASE WHEN e.role_id IS NULL THEN 'trades' ELSE 'fills' END,
	coalesce(o.server_id, 0), e.server, coalesce(e.role_id, 0), coalesce(e.role, ''));

-- generated: comments of btse_stream_event
COMMENT ON VIEW btse_stream_event IS
'what happened to streams, for people and for alerts: connections, gaps, refusals, holes. A role sees what is about markets at servers on which it has USAGE, what is about accounts and tables of roles of which it is a member, and as a member of pg_read_all_data all';
COMMENT ON COLUMN btse_stream_event.event_id IS 'number of the event';
COMMENT ON COLUMN btse_stream_event.at IS 'when it was seen';
COMMENT ON COLUMN btse_stream_event.event IS 'connected, disconnected, not_connected: of a connection; gap, went_back, crossed, too_deep, twice: a book made no sense, and is asked for anew; silent: nothing came, and it is asked for anew; stalled, differs: a book was silent, and not what the provider has; refused: by the provider, or for a lost right; refused_row: a table did not take it; backfill: what was missed was read; hole: what was missed cannot be read; overflow: more came than could be written; unexpected: what was not asked for, or made no sense; not_shown: there is no room to show the stream; not_written: what is known of a market could not be written for too long, and is not shown meanwhile';
COMMENT ON COLUMN btse_stream_event.stream_id IS 'the stream; NULL = all of a connection, or of a market';
COMMENT ON COLUMN btse_stream_event.kind IS 'l1, book, trades, fills or notifications; NULL = all of a connection';
COMMENT ON COLUMN btse_stream_event.symbol IS 'the market; NULL = all of them, or none';
COMMENT ON COLUMN btse_stream_event.book_grouping IS 'of a book: 0 = prices as they are, 1 to 8 = more and more of them taken together; else NULL';
COMMENT ON COLUMN btse_stream_event.server IS 'foreign server, by the name that it has now';
COMMENT ON COLUMN btse_stream_event.role IS 'role whose account, or whose own table, it is about; NULL = nobody''s';
COMMENT ON COLUMN btse_stream_event.message IS 'what was wrong, in words that docs/troubleshooting.md knows; of connected: with which URL';
COMMENT ON COLUMN btse_stream_event.from_time IS 'of a hole, an overflow, a backfill: from when on';
COMMENT ON COLUMN btse_stream_event.to_time IS 'of a hole, an overflow, a backfill: until when';
COMMENT ON COLUMN btse_stream_event.rows IS 'of an overflow, a backfill, a refused row: how many rows';
COMMENT ON COLUMN btse_stream_event.raw IS 'of a refused row, and of what was unexpected: what was received, as it came';
-- end of generated

--
-- The outbox as other databases write to it, through postgres_fdw
--

CREATE VIEW order_gateway_outbox WITH (security_barrier) AS
SELECT c.function,
	CASE WHEN c.order_arguments IS NULL THEN c.arguments
		ELSE pg_catalog.json_build_object('orders', c.order_arguments)
	END AS arguments,
	c.ids,
	c.server,
	c.reference,
	c.expires_at,
	c.call_id
FROM order_gateway_here AS h
JOIN order_gateway_journal_call AS c ON c.installation = h.id
WHERE c.role_id = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user)
	AND NOT EXISTS (SELECT
		FROM order_gateway_journal_end AS e
		WHERE e.installation = c.installation AND e.call_id = c.call_id)
	AND NOT EXISTS (SELECT
		FROM order_gateway_journal_mark AS m
		WHERE m.installation = c.installation AND m.call_id = c.call_id AND m.leaves);

-- generated: comments of order_gateway_outbox
COMMENT ON VIEW order_gateway_outbox IS
'for other databases: a row that is inserted becomes a call of the role that inserts it, with the same checks as by the function''s own submit; a SELECT shows the own calls that are queued';
COMMENT ON COLUMN order_gateway_outbox.function IS 'function that would make the call at once, such as batch_cancel';
COMMENT ON COLUMN order_gateway_outbox.arguments IS 'an object of its arguments by name, but for ids and server; amounts are JSON numbers; NULL = there are none';
COMMENT ON COLUMN order_gateway_outbox.ids IS 'its array of ids, for functions that take one';
COMMENT ON COLUMN order_gateway_outbox.server IS 'foreign server; required';
COMMENT ON COLUMN order_gateway_outbox.reference IS 'name of the call, required: a repeat with the same content does no harm';
COMMENT ON COLUMN order_gateway_outbox.expires_at IS 'what was not sent by then is not_sent; NULL = as by the function';
COMMENT ON COLUMN order_gateway_outbox.call_id IS 'number of the call; not to be given, INSERT ... RETURNING answers it';
-- end of generated

CREATE FUNCTION order_gateway_outbox_insert()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION order_gateway_outbox_insert() IS
'submits what is inserted into order_gateway_outbox';

CREATE TRIGGER order_gateway_outbox_insert
INSTEAD OF INSERT ON order_gateway_outbox
FOR EACH ROW EXECUTE FUNCTION order_gateway_outbox_insert();

COMMENT ON TRIGGER order_gateway_outbox_insert ON order_gateway_outbox IS
'each row becomes a call of the role that inserts it';

-- A publication FOR ALL TABLES takes the publisher's installation along: its row
-- must not become one of the subscriber's, whose database may have the same OID.
CREATE FUNCTION order_gateway_installation_stays()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION order_gateway_installation_stays() IS
'keeps installations out that arrive by logical replication';

CREATE TRIGGER order_gateway_installation_stays
BEFORE INSERT ON order_gateway_installation
FOR EACH ROW EXECUTE FUNCTION order_gateway_installation_stays();

ALTER TABLE order_gateway_installation ENABLE REPLICA TRIGGER order_gateway_installation_stays;

COMMENT ON TRIGGER order_gateway_installation_stays ON order_gateway_installation IS
'an installation is of one database, and does not replicate';

--
-- Nobody has rights at first, also where default privileges say otherwise.
-- What anybody got just by objects being made above (PUBLIC, and roles that
-- ALTER DEFAULT PRIVILEGES names) is taken back here, and who may what at first
-- is said below.  So a new function needs no REVOKE of its own; but a script
-- that updates the extension and makes objects has to end like this one.
-- PUBLIC's usage of types stays: it gives nothing away.
--
-- The server also records what REVOKE and GRANT do in a script as the object's
-- initial privileges, so that pg_dump leaves them to CREATE EXTENSION.
--

DO LANGUAGE plpgsql
$$
DECLARE
	old_path pg_catalog.text := pg_catalog.current_setting('search_path');
	command pg_catalog.text;
BEGIN
	-- for safety, see nothing but the catalog meanwhile
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	FOR command IN
		SELECT format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind,
				(pg_identify_object(o.classid, o.objid, 0)).identity,
				concat_ws(', ', CASE WHEN o.kind <> 'TYPE' THEN 'PUBLIC' END,
					string_agg(quote_ident(g.rolname), ', ')))
		FROM pg_extension AS e
		JOIN pg_depend AS d ON d.refobjid = e.oid AND d.deptype = 'e'
			AND d.refclassid = 'pg_extension'::regclass
		JOIN (SELECT 'ROUTINE' AS kind, tableoid AS classid, oid AS objid,
				proowner AS owner, proacl AS acl FROM pg_proc
			UNION ALL
			SELECT 'TABLE', tableoid, oid, relowner, relacl FROM pg_class
			UNION ALL
			SELECT 'TYPE', tableoid, oid, typowner, typacl FROM pg_type) AS o
			ON o.classid = d.classid AND o.objid = d.objid
		LEFT JOIN LATERAL (SELECT DISTINCT r.rolname
			FROM aclexplode(o.acl) AS a
			JOIN pg_roles AS r ON r.oid = a.grantee
			WHERE a.grantee <> o.owner) AS g ON true
		WHERE e.extname = 'order_gateway'
		GROUP BY o.kind, o.classid, o.objid
		HAVING o.kind <> 'TYPE' OR count(g.rolname) > 0
	LOOP
		EXECUTE command;
	END LOOP;
	PERFORM pg_catalog.set_config('search_path', old_path, true);
END
$$;

-- Anybody may look at texts of options and numbers of a document, and see the
-- own calls.
GRANT EXECUTE ON FUNCTION
	xt_fdw_validator(text[], oid),
	tronsave_fdw_validator(text[], oid),
	btse_fdw_validator(text[], oid),
	wangdian_fdw_validator(text[], oid),
	order_gateway_support(internal),
	btse_codes(),
	order_gateway_activity()
TO PUBLIC;
GRANT SELECT ON order_gateway_activity TO PUBLIC;

-- Of the journal anybody sees the own calls, and may take them back.
GRANT EXECUTE ON FUNCTION
	order_gateway_may_see(boolean, oid, name),
	order_gateway_pauses(),
	order_gateway_withdraw(bigint),
	order_gateway_wait(bigint, interval),
	order_gateway_find(anycompatiblearray)
TO PUBLIC;
GRANT SELECT ON order_gateway_calls, order_gateway_results, order_gateway_heartbeats, order_gateway_sweeps TO PUBLIC;

-- Of streams anybody sees those of the own roles, and what they tell of markets
-- of the servers that he may use.
GRANT EXECUTE ON FUNCTION
	order_gateway_stream_may_see(boolean, text, oid, name, oid, name),
	order_gateway_stream_states(),
	order_gateway_stream_books(),
	order_gateway_stream_quotes()
TO PUBLIC;
GRANT SELECT ON order_gateway_streams, btse_l1, btse_book, btse_book_top, btse_trade_log, btse_fill_log,
	btse_notification_log, btse_stream_event
TO PUBLIC;

-- Who trades, and how much, is not everybody's business.  These functions ask
-- once more who calls, as order_gateway_stats_reset() does.
GRANT EXECUTE ON FUNCTION order_gateway_stats(), order_gateway_limits(), order_gateway_workers()
TO pg_read_all_stats;
GRANT SELECT ON order_gateway_stats, order_gateway_limits, order_gateway_workers
TO pg_read_all_stats;
