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
	OUT response json)
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
	OUT response json)
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
	OUT response json)
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
	OUT response json)
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
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
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
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
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
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
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
	OUT batch int,
	OUT ids int,
	OUT method text,
	OUT url text,
	OUT headers json,
	OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;

COMMENT ON FUNCTION wangdian_cancel_preview(anycompatiblearray, name, timestamptz) IS
'the requests that wangdian_cancel with the same arguments would make, built and signed and not sent, one row per request: '
'its number, how many ids it names, method, URL, headers and body; the salt is replaced by ***, the secret never shows. '
'Request n is stamped with the time "at" plus n - 1 ms. Needs the same privileges as the call';

--
-- Whoever may call these can change orders, or see how they would be changed,
-- under the account that a user mapping names: granted by name only.
--

REVOKE ALL ON FUNCTION batch_cancel(text, anycompatiblearray, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION tronsave_cancel(anycompatiblearray, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_cancel(text, anycompatiblearray, text, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION wangdian_cancel(anycompatiblearray, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION batch_cancel_preview(text, anycompatiblearray, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION tronsave_cancel_preview(anycompatiblearray, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION btse_cancel_preview(text, anycompatiblearray, text, name, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION wangdian_cancel_preview(anycompatiblearray, name, timestamptz) FROM PUBLIC;
