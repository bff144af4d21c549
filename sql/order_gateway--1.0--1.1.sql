/* order_gateway--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION order_gateway UPDATE TO '1.1'" to load this file. \quit

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
