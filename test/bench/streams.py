"""What the stream worker does with books, beside a plain C program that only
takes them (limit_stream.c).

A sender in C (sender.c) tells of 211 books, which is the whole venue.
"""

import contextlib
import pathlib
import subprocess
import time
from statistics import median, quantiles

import clients as c
from outbox import Pair, Work, anonymous_mib

BOOKS = 211
CHANGES = 25                    # levels that a message changes
RATE = 850
SECONDS = 20
BURST = 20_000
LONG = 1_000_000                # about twenty minutes of the venue,
MINUTES = 20                    # in which autovacuum looks so often
LOOKS = 300                     # at how old books are, and at new rows
CALLS = 200
MOST_WAIT = 60                  # seconds until the books are live
WORKER = "SELECT pid FROM pg_stat_activity" \
    " WHERE datname = current_database()" \
    " AND backend_type = 'order_gateway stream worker'"


class Sender:
    """For as long as we keep its stdin open."""

    def __init__(self, programs):
        self.process = subprocess.Popen(
            [programs / "sender", programs / "localhost.pem", str(CHANGES)],
            text=True, bufsize=1, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def begin(self, count, rate):
        self.process.stdin.write(f"{count} {rate}\n")

    def end(self):
        """Seconds that it took."""
        return int(self.process.stdout.readline()) / 1e9

    def send(self, count, rate):
        self.begin(count, rate)
        return self.end()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Follower:
    """The sender, and a database that follows its books."""

    def __init__(self, house):
        self.house = house
        self.sender = Sender(house.programs)
        url = f"localhost:{self.sender.port}"
        house.run("CREATE SERVER btse_bench FOREIGN DATA WRAPPER btse_fdw"
                  " OPTIONS (base_url %s, stream_url %s, book_stream_url %s,"
                  " sslrootcert %s)", f"https://{url}/spot",
                  f"wss://{url}/ws/spot", f"wss://{url}/ws/oss/spot",
                  house.server.ca)
        house.run("SELECT count(btse_stream_start('book',"
                  " 'B' || to_char(g, 'FM000') || '-USD',"
                  " server => 'btse_bench'))"
                  " FROM generate_series(0, %s) AS g", BOOKS - 1)
        self.wait(lambda: self.one("count(*)", "state = 'live'") == BOOKS)
        self.pid = house.one(WORKER)

    def one(self, what, which="true"):
        return self.house.one(f"SELECT {what} FROM order_gateway_streams"
                              f" WHERE server = 'btse_bench' AND {which}")

    def wait(self, condition):
        until = time.monotonic() + MOST_WAIT
        while not condition():
            if time.monotonic() > until:
                raise RuntimeError("the streams do not get on: %s" % self.one(
                    "string_agg(DISTINCT state || ' ' || last_error, ', ')"))
            time.sleep(0.01)

    def messages(self):
        return self.one("sum(messages)")

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.pid}/schedstat")
        return int(stat.read_text().split()[0]) / 1e9

    def lost(self):
        return self.one("sum(gaps + reconnects)")

    def close(self):
        self.house.run("SELECT btse_stream_stop(stream_id)"
                       " FROM order_gateway_streams"
                       " WHERE server = 'btse_bench'")
        self.house.run("DROP SERVER btse_bench CASCADE")
        self.sender.close()


def take_by_limit(house, follow):
    """Microseconds of CPU of a message, by the C program."""
    sender = Sender(house.programs)
    limit = subprocess.Popen(
        [house.programs / "limit-stream", f"https://localhost:{sender.port}/",
         house.server.ca, str(BOOKS)], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    limit.stdout.readline()
    follow(sender)
    time.sleep(0.5)             # for what the network has
    limit.stdin.close()
    count, used = map(int, limit.stdout.read().split())
    limit.wait()
    sender.close()
    return used / 1e3 / count


@contextlib.contextmanager
def following(house):
    follower = Follower(house)
    try:
        yield follower
    finally:
        follower.close()


def venue(house):
    """Share of a CPU with the whole venue, rows written."""
    theirs = take_by_limit(house, lambda sender: sender.send(
        RATE * SECONDS, RATE))
    with following(house) as follower:
        before = follower.cpu_seconds()
        seconds = follower.sender.send(RATE * SECONDS, RATE)
        share = (follower.cpu_seconds() - before) / seconds * 100
        if follower.lost():
            raise RuntimeError("messages were lost")
    return Pair(share, theirs * RATE / 1e4, "% of a CPU", share)


def ages(house):
    """Milliseconds since the provider's time of the book that is seen."""
    late = []
    with following(house) as follower:
        follower.sender.begin(RATE * SECONDS, RATE)
        time.sleep(1)
        for _ in range(LOOKS):
            late.append(house.one("SELECT max(extract(epoch FROM age))"
                                  " FROM (SELECT age FROM btse_book_top"
                                  " ORDER BY received_at DESC LIMIT 1) AS b"))
            time.sleep(0.02)
        follower.sender.end()
    worst = quantiles([float(age) * 1000 for age in late], n=100)[98]
    return Pair(worst, 0, "ms", worst)


def visible(house):
    """Milliseconds from when a message leaves until its row is seen, of one
    book that changes now and then."""
    late = []
    with following(house) as follower:
        for _ in range(LOOKS // 3):
            before = house.one("SELECT sum(seq) FROM btse_book_top")
            start = time.perf_counter()
            follower.sender.begin(1, 0)
            while house.one("SELECT sum(seq) FROM btse_book_top") == before:
                pass
            late.append((time.perf_counter() - start) * 1000)
            follower.sender.end()
    return Pair(median(late), 0, "ms", median(late))


def burst(house):
    """Messages a second until the last is counted, of a burst."""
    theirs = 1e6 / take_by_limit(house, lambda sender: sender.send(BURST, 0))
    with following(house) as follower:
        before = follower.messages()
        start = time.perf_counter()
        follower.sender.send(BURST, 0)
        follower.wait(lambda: follower.messages() >= before + BURST)
        seconds = time.perf_counter() - start
        if follower.lost():
            raise RuntimeError("messages were lost")
        house.stream_mib = anonymous_mib(follower.pid)
    return Pair(BURST / seconds, theirs, "a second", BURST / seconds)


def memory(house):
    return Pair(house.stream_mib, 0, "MiB", house.stream_mib)


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def growth(house):
    """MiB by which worker and table grow in a long run, after a burst.  There
    is no autovacuum here, so the table is vacuumed as often as that would."""
    with following(house) as follower:
        follower.sender.send(BURST, 0)
        follower.wait(lambda: follower.messages() >= BURST)
        house.run("VACUUM order_gateway_stream_book")
        opened = descriptors(follower.pid)
        before = anonymous_mib(follower.pid), table_mib(house)
        for minute in range(1, MINUTES + 1):
            follower.sender.send(LONG // MINUTES, 0)
            follower.wait(lambda: follower.messages()
                          >= BURST + LONG // MINUTES * minute)
            house.run("VACUUM order_gateway_stream_book")
        if follower.lost() or descriptors(follower.pid) > opened:
            raise RuntimeError("messages were lost, or descriptors")
        house.table_growth_mib = table_mib(house) - before[1]
        grown = anonymous_mib(follower.pid) - before[0]
    return Pair(grown, before[0], "MiB", grown)


def table_mib(house):
    return float(house.one("SELECT pg_total_relation_size("
                           "'order_gateway_stream_book') / 1048576.0"))


def table_growth(house):
    return Pair(house.table_growth_mib, table_mib(house), "MiB",
                house.table_growth_mib)


def p99_of_calls(house):
    with contextlib.closing(c.Session(
            house.connect, {},
            "SELECT count(*) FROM batch_cancel('btc_usdt', $1, 'xt')")) as one:
        for _ in range(c.WARM_UP_CALLS):
            one.call(1)
        return quantiles([one.call(1) for _ in range(CALLS)], n=100)[98] * 1e3


def orders(house):
    """99th percentile of a call of one id, with the venue beside it."""
    theirs = p99_of_calls(house)
    with following(house) as follower:
        follower.sender.begin(RATE * SECONDS, RATE)
        ours = p99_of_calls(house)
        follower.sender.end()
    return Pair(ours, theirs, "ms", ours - theirs)


WORK = [
    Work(f"{BOOKS} books, {RATE} messages a second, with their rows",
         "% of a CPU", venue, at_most=8),
    Work("age of a book then, p99", "ms", ages, at_most=250),
    Work("from a message to its row, median", "ms", visible, at_most=120),
    Work(f"a burst of {BURST:,}", "a second", burst, at_least=20_000),
    Work("memory of the worker then", "MiB", memory, at_most=64),
    Work(f"growth of its memory in {LONG:,} messages more", "MiB", growth,
         at_most=1, once=True),
    Work("growth of the table of books in these", "MiB", table_growth,
         at_most=16, once=True),
    Work("a call of one id beside that, p99", "ms more than alone", orders,
         at_most=10),
]
