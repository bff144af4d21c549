"""What streams follow in a storm, and the tables that they write."""

from .scenery import SERVER, options, quoted

MARKETS = ("BTC-USD", "ETH-USD")
BOOKS = [(market, grouping) for market in MARKETS for grouping in (0, 1)]
WRITER = "storm_a"

# The days on both sides of one that begins while it storms have partitions.
TABLES = """
CREATE TABLE storm_fills (serial_id text, order_id text, symbol text,
	side text, filled_price numeric, filled_size numeric,
	event_time timestamptz NOT NULL) PARTITION BY RANGE (event_time);
CREATE TABLE storm_fills_rest PARTITION OF storm_fills DEFAULT;
DO $$
DECLARE
	d date;
BEGIN
	FOR d IN SELECT current_date + n FROM generate_series(-1, 2) AS n LOOP
		EXECUTE format('CREATE TABLE storm_fills_%s PARTITION OF storm_fills'
			' FOR VALUES FROM (%L) TO (%L)', to_char(d, 'YYYYMMDD'), d, d + 1);
	END LOOP;
END $$;
CREATE TABLE storm_trades (trade_id text, symbol text, side text,
	price numeric, size numeric, event_time timestamptz, source text);
CREATE FUNCTION storm_sleep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF random() < 0.02 THEN
		PERFORM pg_sleep(random());
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER sleeps BEFORE INSERT ON storm_trades
	FOR EACH ROW EXECUTE FUNCTION storm_sleep();
"""


def build(cluster, sandbox):
    cluster.ask("CREATE DATABASE storm", "postgres")
    words = dict(SERVER, base_url=sandbox.base_url("btse"),
                 sslrootcert=sandbox.ready["ca"], query_rate_limit="off",
                 **{name: kinds["tls"] for name, kinds in
                    sandbox.ready["stream_urls"].items()})
    sql = ("CREATE EXTENSION order_gateway;\nCREATE ROLE %s LOGIN;\n"
           "CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw OPTIONS (%s);\n"
           "GRANT USAGE ON FOREIGN SERVER btse TO %s;\n"
           "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO %s;\n"
           % (WRITER, options(words), WRITER, WRITER))
    for role in (WRITER, "postgres"):
        sql += "CREATE USER MAPPING FOR %s SERVER btse OPTIONS (%s);\n" % (
            role, options(sandbox.ready["credentials"]["btse"]))
    cluster.ask(sql + TABLES + "GRANT SELECT, INSERT ON storm_fills,"
                " storm_trades TO %s" % WRITER)


def start(kind, symbol=None, grouping=0, into=None):
    return "SELECT btse_stream_start(%s, %s, %d, %s)" % (
        quoted(kind), "NULL" if symbol is None else quoted(symbol), grouping,
        "NULL" if into is None else quoted(into))


def follow(cluster):
    """Start all of them."""
    for market, grouping in BOOKS:
        cluster.ask(start("book", market, grouping))
    for market in MARKETS:
        cluster.ask(start("l1", market))
    cluster.ask(start("trades", MARKETS[0]))
    cluster.ask(start("fills"))
    cluster.ask(start("notifications"))
    session = cluster.connect(user=WRITER)
    try:
        session.run(start("fills", into="storm_fills"))
        session.run(start("trades", MARKETS[1], into="storm_trades"))
    finally:
        session.close()
