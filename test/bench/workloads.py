"""What is measured, where the processes run meanwhile, and what is wanted."""

from statistics import median

from records import READS

DELAY_MS = 20


class Workload:
    """One thing that every client is asked to do, once per round."""

    def __init__(self, name, title, kind, ids=1, delayed=False, base="limit",
                 skip=()):
        self.name = name
        self.title = title
        self.kind = kind            # "one", "many", "first", or as below
        self.ids = ids
        self.delayed = delayed      # answers come after DELAY_MS
        self.base = base            # whom others are held against
        self.skip = skip            # clients that have no part in it


class Reading(Workload):
    """All of a read; see records.py."""

    def __init__(self, name, title):
        self.read = READS[name]
        super().__init__(name, title, "read",
                         skip=("floor", "PL/Python", "pgsql-http"))


class Acting(Workload):
    """BTSE's orders one by one, as FROM says."""

    def __init__(self, name, title, ids, source):
        self.source = source
        super().__init__(name, title, "act", ids,
                         skip=("floor", "SQL's JSON", "PL/Python",
                               "pgsql-http"))


CREATE = """btse_create_orders((SELECT jsonb_agg(jsonb_build_object(
    'symbol', 'BTC-USD', 'side', 'BUY', 'type', 'LIMIT', 'size', 0.002,
    'price', 7000.5, 'client_order_id', 'order-' || g))
    FROM generate_series(1, {0}) g))"""
SETTLE = """order_gateway_settle('btse',
    (SELECT array_agg('order-' || g) FROM generate_series(1, {0}) g),
    array_fill(now() - interval '5 min', ARRAY[{0}]), 'BTC-USD')"""

LATE = f"answers after {DELAY_MS} ms"

WORKLOADS = [
    Workload("one", "one id, warm session", "one"),
    Workload("10k", "10,000 ids", "many", 10_000),
    Workload("100k", "100,000 ids", "many", 100_000),
    Workload("10k late", f"10,000 ids, {LATE}", "many", 10_000, delayed=True,
             skip=("floor",)),
    # One request after another, this takes ten times what 10,000 ids take.
    Workload("100k late", f"100,000 ids, {LATE}", "many", 100_000,
             delayed=True, base="limit x8",
             skip=("floor", "limit", "PL/Python", "pgsql-http")),
    Workload("first", "first call of a session", "first"),
    Workload("sessions", "first calls of 32 sessions at once", "sessions", 32,
             skip=("SQL's JSON",)),
    Reading("trades", "10,000 trades"),
    Reading("open_orders", "4,000 open orders"),
    Reading("candles", "10,000 candles"),
    Reading("pages", "5,000 open orders in pages"),
    Acting("create", "1,000 orders created", 1_000, CREATE),
    Acting("settle", "1,000 orders settled", 1_000, SETTLE),
]

# Where the processes run: all on one CPU counts all the work there is, and
# repeats best; the server on its own shows what overlaps.
ONE_CPU = "on one CPU"
TWO_CPUS = "the server on a CPU of its own"


class Target:
    """A ratio that is wanted: to be reached first, and the goal."""

    def __init__(self, title, scale, first, goal, value, place=ONE_CPU):
        self.title = title
        self.scale = scale
        self.first = first
        self.goal = goal
        self.value = value          # of the results of a place
        self.place = place


def per_round(formula):
    """The median over all rounds of a formula on the results of one."""
    def value(results):
        return median(formula(one_round) for one_round in results)
    return value


def to_limit_and_floor(workload):
    return per_round(lambda r: r["order_gateway", workload].seconds /
                     (r["limit", workload].seconds +
                      r["floor", workload].seconds))


def to_limit(workload):
    return per_round(lambda r: r["order_gateway", workload].seconds /
                     r["limit", workload].seconds)


# A call without ids sends nothing: all of it is what the function costs
# PostgreSQL, and what a call has to look at before it sends.
LEAST_OF_ONE = per_round(lambda r: (r["limit", "one"].seconds +
                                    r["order_gateway", "one"].empty) /
                         (r["limit", "one"].seconds +
                          r["floor", "one"].seconds))

TARGETS = [
    Target("one id, warm session, median", "x (limit + floor)", 1.15, 1.05,
           to_limit_and_floor("one")),
    Target("100,000 ids, on one CPU", "x (limit + floor)", 1.10, 0.90,
           to_limit_and_floor("100k")),
    Target("100,000 ids, server on its own CPU", "x (limit + floor)",
           0.70, 0.55, to_limit_and_floor("100k"), TWO_CPUS),
    Target(f"10,000 ids, {LATE}", "x limit", 0.15, 0.14,
           to_limit("10k late")),
    Target("first call of a session, preloaded", "x limit", 1.25, 1.10,
           to_limit("first")),
    Target("peak memory above the floor's, 100,000 ids", "MiB", 4, 2,
           per_round(lambda r: (r["order_gateway", "100k"].peak_kb -
                                r["floor", "100k"].peak_kb) / 1024)),
    Target("100,000 against 10,000 ids", "x", 11.5, 11,
           per_round(lambda r: r["order_gateway", "100k"].seconds /
                     r["order_gateway", "10k"].seconds)),
]
