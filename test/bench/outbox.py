"""What the gateway worker does, beside what is its measure.

Each of these measures both in turn, in the same round, and answers a Pair.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import time
from statistics import median, quantiles

import clients as c

DATABASE = "outbox"
CLIENTS = 16
SECONDS = 5                     # of pgbench
COMMITS = 200
SINGLES = 20_000
LANES = 64
LONG = 100_000
FEW = 1_000
BACKLOG = 1_000_000
SETTLED = 5_000                 # of the backlog, before it is timed
IDLE_SECONDS = 10
HELD_MINUTES = 600              # in which a worker says each time that it lives


class Pair:
    """What we took or did, and what is held against it."""

    def __init__(self, ours, theirs, unit, ratio=None):
        self.ours = ours
        self.theirs = theirs
        self.unit = unit
        self.ratio = ours / theirs if ratio is None else ratio


class House:
    """A database with a worker, and all that is measured there.  What is called
    at server xt_own, the session makes itself."""

    def __init__(self, connect, server, programs, data):
        self.connect = connect
        self.server = server
        self.programs = programs
        self.data = data
        self.connection = connect()
        self.cursor = self.connection.cursor()
        self._create()
        self.run("SELECT 1 FROM pg_extension")

    def _create(self):
        self.run("CREATE EXTENSION order_gateway")
        for name, in_flight in ("xt", LANES), ("xt_long", 8), ("xt_own", 8):
            self.run(f"CREATE SERVER {name} FOREIGN DATA WRAPPER xt_fdw"
                     " OPTIONS (base_url %s, sslrootcert %s, rate_limit 'off',"
                     f" max_in_flight '{in_flight}', max_wait '0')",
                     self.server.url(False), self.server.ca)
            self.run(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name}"
                     " OPTIONS (access_key 'k', secret_key 's')")
        self.run("ALTER SERVER xt_own OPTIONS (ADD journal 'false')")
        self.run("CREATE TABLE orders (id bigint, call_id bigint)")

    def run(self, query, *arguments):
        self.cursor.execute(query, arguments or None)
        return self.cursor.fetchall() if self.cursor.description else None

    def one(self, query, *arguments):
        return self.run(query, *arguments)[0][0]

    def worker(self):
        """The process id of the worker, as soon as there is one."""
        while True:
            pid = self.one("SELECT max(pid) FROM order_gateway_workers"
                           " WHERE database = current_database()")
            if pid:
                return pid
            time.sleep(0.05)

    def is_done(self):
        """Has the worker nothing left but what is delayed for a year?"""
        return self.one("SELECT in_flight = 0 AND"
                        " queued = (SELECT count(call_id) FROM orders)"
                        " FROM order_gateway_workers"
                        " WHERE database = current_database()")

    def wait_for(self, requests):
        """Until the server has had so many, and all is written down."""
        self.wait_for_requests(requests)
        while not self.is_done():
            time.sleep(0.005)

    def wait_for_requests(self, requests):
        while self.server.requests() < requests:
            time.sleep(0.005)

    def submit(self, count, server="xt"):
        """Submit so many calls of one id; seconds of that."""
        start = time.perf_counter()
        self.run("SELECT count(batch_cancel_submit('btc_usdt', ARRAY[g], %s))"
                 " FROM generate_series(%s, %s) AS g", server, c.FIRST_ID,
                 c.FIRST_ID + count - 1)
        return time.perf_counter() - start

    def forget(self):
        """What is done is of no use to what is measured next."""
        self.run("CHECKPOINT")

    def close(self):
        self.connection.close()


# ---- submitting

INSERT = """\\set id random(1, 1000000000)
INSERT INTO orders (id) VALUES (:id);
"""
SUBMIT = """\\set id random(1, 1000000000)
INSERT INTO orders (id, call_id) VALUES (:id, batch_cancel_submit('btc_usdt',
    ARRAY[:id]::bigint[], 'xt', NULL, now() + '1 year', 'infinity'));
"""


def transactions(house, script):
    """Transactions a second of 16 sessions."""
    file = house.programs / "script.sql"
    file.write_text(script)
    parameters = house.connection.get_dsn_parameters()
    said = subprocess.run(
        ["pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2",
         "-T", str(SECONDS), "-f", str(file), "-h", parameters["host"],
         "-U", parameters["user"], DATABASE],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True).stdout
    return float(re.search(r"tps = ([\d.]+)", said)[1])


def submitting(house):
    theirs = transactions(house, INSERT)
    ours = transactions(house, SUBMIT)
    return Pair(ours, theirs, "a second")


# ---- from COMMIT to the first byte

class Flushes:
    """What a flush takes where the WAL is: 8 kB written, and forced out."""

    def __init__(self, directory):
        self.file = os.open(directory / "pg_wal" / "bench", os.O_RDWR | os.O_CREAT,
                            0o600)
        for _ in range(8):
            os.write(self.file, bytes(8192))
        os.fsync(self.file)

    def seconds(self):
        start = time.perf_counter()
        os.pwrite(self.file, os.urandom(8192), 0)
        os.fdatasync(self.file)
        return time.perf_counter() - start

    def close(self):
        os.close(self.file)


def first_bytes(house):
    """Seconds from the end of each COMMIT, and those of flushes between them."""
    late, flushes = [], []
    with contextlib.closing(Flushes(house.data)) as flush:
        for number in range(COMMITS + c.WARM_UP_CALLS):
            before = house.server.requests()
            house.submit(1)
            committed = time.perf_counter()
            house.wait_for(before + 1)
            late.append(house.server.last_arrival() - committed)
            flushes.append(flush.seconds())
    return late[c.WARM_UP_CALLS:], flushes[c.WARM_UP_CALLS:]


def p99(seconds):
    return quantiles(seconds, n=100)[98]


def to_first_byte(of):
    def measure(house):
        late, flushes = first_bytes(house)
        ours, theirs = of(late) * 1000, of(flushes) * 1000
        return Pair(ours, theirs, "ms", ours - theirs)
    return measure


# ---- how much

def through(house, submit, requests):
    """Seconds from a submit's COMMIT until all of it is written down."""
    before = house.server.requests()
    submit()
    start = time.perf_counter()
    house.wait_for(before + requests)
    return time.perf_counter() - start


def singles(house):
    through(house, lambda: house.submit(FEW), FEW)
    limit = c.Limit("limit", house.programs, house.server, LANES)
    theirs = SINGLES / limit.singles(SINGLES)
    ours = SINGLES / through(house, lambda: house.submit(SINGLES), SINGLES)
    return Pair(ours, theirs, "a second")


@contextlib.contextmanager
def held_open(house):
    """A transaction that was begun ten hours and many calls ago, and goes on."""
    with contextlib.closing(house.connect()) as holder:
        cursor = holder.cursor()
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_current_xact_id()")
        for _ in range(HELD_MINUTES):
            house.run("UPDATE order_gateway_installation"
                      " SET alive_at = clock_timestamp()")
        through(house, lambda: house.submit(SINGLES), SINGLES)
        yield
        cursor.execute("ROLLBACK")


def beside_held(house):
    through(house, lambda: house.submit(FEW), FEW)
    theirs = SINGLES / through(house, lambda: house.submit(SINGLES), SINGLES)
    with held_open(house):
        ours = SINGLES / through(house, lambda: house.submit(SINGLES), SINGLES)
    return Pair(ours, theirs, "a second")


def one_long(house):
    ids = f"(SELECT array_agg(g) FROM generate_series({c.FIRST_ID}, " \
        f"{c.FIRST_ID + LONG - 1}) AS g)"
    start = time.perf_counter()
    rows = house.one("SELECT count(*) FROM batch_cancel('btc_usdt', "
                     f"{ids}, 'xt_own')")
    theirs = time.perf_counter() - start
    if rows != LONG:
        raise RuntimeError(f"{rows} rows for {LONG} ids")
    ours = through(house, lambda: house.run(
        f"SELECT batch_cancel_submit('btc_usdt', {ids}, 'xt_long')"),
        LONG // 100)
    return Pair(ours, theirs, "s")


# ---- what is there for long

def anonymous_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024


def backlog(house):
    """Microseconds of a call with a million behind it, and with a thousand."""
    few = SINGLES // FEW
    theirs = sum(through(house, lambda: house.submit(FEW), FEW)
                 for _ in range(few)) / SINGLES
    house.forget()
    before = house.server.requests()
    print(f"{BACKLOG} calls were submitted in {house.submit(BACKLOG):.1f} s")
    house.wait_for_requests(before + SETTLED)
    start, begun = time.perf_counter(), house.server.requests()
    house.wait_for_requests(begun + SINGLES)
    done = house.server.requests() - begun
    ours = (time.perf_counter() - start) / done
    house.memory_mib = anonymous_mib(house.worker())
    return Pair(ours * 1e6, theirs * 1e6, "us")


def memory(house):
    """Of the worker, with what is left of that million."""
    return Pair(house.memory_mib, 0, "MiB", house.memory_mib)


def idle(house):
    """Looks a second of a worker that has nothing to do."""
    pid = house.worker()
    schedstat = pathlib.Path(f"/proc/{pid}/schedstat")
    before = [int(number) for number in schedstat.read_text().split()]
    time.sleep(IDLE_SECONDS)
    after = [int(number) for number in schedstat.read_text().split()]
    looks = (after[2] - before[2]) / IDLE_SECONDS
    share = (after[0] - before[0]) / 1e9 / IDLE_SECONDS
    print(f"An idle worker uses {share:.3%} of a CPU.")
    return Pair(looks, 1, "a second")


class Work:
    """A line of the table, and what is wanted."""

    def __init__(self, title, scale, measure, at_least=None, at_most=None,
                 once=False):
        self.title = title
        self.scale = scale
        self.measure = measure
        self.at_least = at_least
        self.at_most = at_most
        self.once = once            # it takes long, and leaves much behind

    def goal(self):
        return (f"<= {self.at_most:g}" if self.at_least is None
                else f">= {self.at_least:g}")

    def is_met(self, ratio):
        return (ratio <= self.at_most if self.at_least is None
                else ratio >= self.at_least)


WORK = [
    Work("one-row INSERT with a submit beside it, 16 clients",
         "x the INSERT alone", submitting, at_least=0.70),
    Work("COMMIT to first byte, median", "ms more than a flush",
         to_first_byte(median), at_most=1),
    Work("COMMIT to first byte, p99", "ms more than a flush's",
         to_first_byte(p99), at_most=10),
    Work(f"{SINGLES:,} calls of one id, {LANES} in flight", "x limit",
         singles, at_least=0.4),
    Work("the same while a transaction is held open for hours", "x without",
         beside_held, at_least=0.9),
    Work(f"one call of {LONG:,} ids", "x the session's", one_long,
         at_most=1.5),
    Work("idle", "looks a second", idle, at_most=2, once=True),
    Work(f"a call with {BACKLOG:,} behind it", f"x with {FEW:,}", backlog,
         at_most=1.1, once=True),
    Work("memory of the worker then", "MiB", memory, at_most=64, once=True),
]


def measure(house, rounds, works):
    """Pairs by their work."""
    results = {work: [] for work in works}
    house.worker()
    for number in range(rounds):
        for work in works:
            if not work.once:
                results[work].append(work.measure(house))
                house.forget()
    for work in works:
        if work.once:
            results[work].append(work.measure(house))
    return results
