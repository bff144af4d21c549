"""What is measured, where the processes run meanwhile, and what is wanted."""

from statistics import median

DELAY_MS = 20


class Workload:
    """One thing that every client is asked to do, once per round."""

    def __init__(self, name, title, kind, ids=1, delayed=False, base="limit",
                 skip=()):
        self.name = name
        self.title = title
        self.kind = kind            # "one", "many" or "first"
        self.ids = ids
        self.delayed = delayed      # answers come after DELAY_MS
        self.base = base            # whom others are held against
        self.skip = skip            # clients that have no part in it


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
