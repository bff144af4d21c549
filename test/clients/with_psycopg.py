"""What a program does with psycopg2, or psycopg 3: one fact a line, for drivers.pl.

    with_psycopg.py psycopg2|psycopg [pooled]

"pooled" is through pgbouncer in transaction mode.
"""

import importlib
import json
import sys
from decimal import Decimal

name, pooled = sys.argv[1], "pooled" in sys.argv[2:]
driver = importlib.import_module(name)
if name == "psycopg2":
    from psycopg2.extras import Json
    conn = driver.connect("")
else:
    from psycopg.types.json import Json, Jsonb
    conn = driver.connect("", prepare_threshold=None if pooled else 5)
conn.autocommit = True
cur = conn.cursor()

IDS = """SELECT convert_from(decode((regexp_match(body, 'data=([^&]*)'))[1], 'base64'), 'UTF8')
    FROM batch_cancel_preview('btc_usdt', %s)"""
SIZE = """SELECT body::json ->> 'size'
    FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', %s, 1)"""
ORDERS = "SELECT body::json ->> 'size' FROM btse_create_orders_preview(%s)"
SUBMITTED = "SELECT string_agg(ids[1], ' ' ORDER BY call_id) FROM order_gateway_calls WHERE state = 'queued'"
LIST = [{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 0.002, "price": 1}]


def fact(what, value):
    print("%s: %s" % (what, value), flush=True)


def ask(query, *arguments):
    """The first value, or the first line of the error."""
    try:
        cur.execute(query, arguments)
        return cur.fetchone()[0]
    except driver.Error as error:
        return str(error).splitlines()[0]


# 250 orders, and a look at the log
cur.execute("""INSERT INTO cancel_log SELECT 250, now(), 'xt', c.*
    FROM batch_cancel('btc_usdt', %s) AS c""", (list(range(1001, 1251)),))
fact("rows", cur.rowcount)
cur.execute("SELECT order_id, outcome FROM cancel_log WHERE call_id = 250 ORDER BY ordinal")
rows = cur.fetchall()
fact("in order", [int(row[0]) for row in rows] == list(range(1001, 1251)))
fact("outcomes", sorted(set(row[1] for row in rows)))

# one statement, again and again
one = "SELECT outcome FROM batch_cancel('btc_usdt', %s::bigint[])"
if name == "psycopg2" and not pooled:
    cur.execute("PREPARE one AS " + one.replace("%s", "$1"))
    one = "EXECUTE one (%s)"
fact("again", [ask(one, [id]) for id in range(2001, 2008)])
fact("prepared", ask("SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement ~ 'cancel'"))

# calls for later, in one batch: a worker would make them
cur.executemany("SELECT batch_cancel_submit('btc_usdt', %s::bigint[], not_before => now() + interval '1 day')",
                [([id],) for id in range(4001, 4008)])
fact("submitted", ask(SUBMITTED))

# no answer: the provider takes its time, and we do not
try:
    conn.autocommit = False
    cur.execute("SET LOCAL statement_timeout = '2s'")
    cur.execute("""INSERT INTO cancel_log SELECT 3, now(), 'xt', c.*
        FROM batch_cancel('btc_usdt', ARRAY['3001']) AS c""")
    fact("timeout", "none")
except driver.Error as error:
    fact("timeout", error.pgcode if name == "psycopg2" else error.sqlstate)
conn.rollback()
conn.autocommit = True
fact("afterwards", ask("SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[3002])"))

# what becomes of numbers
cur.execute("SELECT order_id, outcome FROM batch_cancel('btc_usdt', %s)", ([6216559590087220004],))
fact("exact", cur.fetchone())
fact("ids", ask(IDS, [6216559590087220004]))
fact("text ids", ask(IDS, ["6216559590087220004"]))
fact("float ids", ask(IDS, [6216559590087220004.0]))
fact("tuple", ask(IDS, (1, 2)))
fact("float", ask(SIZE, 0.1 + 0.2))
fact("decimal", ask(SIZE, Decimal("0.0020")))
fact("orders as text", ask(ORDERS, json.dumps(LIST)))
fact("orders as Json", ask(ORDERS, Json(LIST)))
if name == "psycopg":
    fact("orders as Jsonb", ask(ORDERS, Jsonb(LIST)))
