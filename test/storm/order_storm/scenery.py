"""Database, roles, servers and the clients' own tables."""

from .acts import MARKET, PRODUCT

PROVIDERS = ("xt", "tronsave", "btse", "wangdian")
ROLES = ("storm_a", "storm_b")

# Whoever is on their way to no answer is not waited for long, and what is
# unknown is asked about while it storms.
SERVER = {"connect_timeout": "2s", "timeout": "3s", "rate_limit": "off",
          "retries": "1", "settle_after": "1s"}

# What a database may say of its sessions has nothing to say to the worker.
MEAN = {"synchronous_commit": "off", "default_transaction_read_only": "on",
        "default_transaction_isolation": "serializable",
        "search_path": "nowhere", "statement_timeout": "1ms",
        "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms"}

TABLES = """
CREATE TABLE storm_note (transaction text, number int, call_id bigint);
CREATE TABLE storm_told (call text, ordinal int, outcome text, code text,
	attempts int, http_status int, sent_at numeric);
CREATE TABLE storm_order (transaction text, number int, ids text[],
	call_id bigint);
CREATE FUNCTION storm_cancel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.call_id := tronsave_cancel_submit(NEW.ids);
	INSERT INTO storm_note VALUES (NEW.transaction, NEW.number, NEW.call_id);
	RETURN NEW;
END $$;
CREATE TRIGGER cancel BEFORE INSERT ON storm_order
	FOR EACH ROW EXECUTE FUNCTION storm_cancel();
"""


def quoted(text):
    return "'%s'" % text.replace("'", "''")


def options(pairs):
    return ", ".join("%s %s" % (name, quoted(value))
                     for name, value in pairs.items())


def server(sandbox, provider, name, in_session):
    words = dict(SERVER, base_url=sandbox.base_url(provider),
                 sslrootcert=sandbox.ready["ca"])
    if in_session:
        words["journal"] = "false"
    sql = "CREATE SERVER %s FOREIGN DATA WRAPPER %s_fdw OPTIONS (%s);\n" % (
        name, provider, options(words))
    for role in ROLES + ("postgres",):
        sql += "CREATE USER MAPPING FOR %s SERVER %s OPTIONS (%s);\n" % (
            role, name, options(sandbox.ready["credentials"][provider]))
        sql += "GRANT USAGE ON FOREIGN SERVER %s TO %s;\n" % (name, role)
    return sql


def build(cluster, sandbox, in_session):
    cluster.ask("CREATE DATABASE storm", "postgres")
    sql = "CREATE EXTENSION order_gateway;\n" + "".join(
        "CREATE ROLE %s LOGIN;\n" % role for role in ROLES)
    for provider in PROVIDERS:
        for name in provider, provider + "_flaky":
            sql += server(sandbox, provider, name, in_session)
    sql += TABLES
    for role in ROLES:
        sql += ("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO %s;\n"
                "GRANT ALL ON storm_note, storm_told, storm_order TO %s;\n"
                "GRANT SELECT ON order_gateway_calls, order_gateway_results"
                " TO %s;\n"
                "GRANT SELECT, INSERT ON order_gateway_outbox TO %s;\n"
                % ((role,) * 4))
    cluster.ask(sql)
    for setting in MEAN.items():
        cluster.ask("ALTER DATABASE storm SET %s = '%s'" % setting,
                    "postgres")
    sandbox.post("/settings", {"accept_any_id": "on",
                               "keep_requests": 10 ** 9})
    sandbox.post("/data/btse/markets", {"symbol": MARKET})
    sandbox.post("/data/btse/products", {
        "id": PRODUCT, "name": PRODUCT, "dailylimit": 10 ** 15,
        "minsize": "0.01", "incrementalsize": "0.01"})


def turn_server(cluster, sandbox, provider, kind):
    """Point a server that comes and goes somewhere else."""
    cluster.ask("ALTER SERVER %s_flaky OPTIONS (SET base_url %s)" % (
        provider, quoted(sandbox.base_url(provider, kind))))
