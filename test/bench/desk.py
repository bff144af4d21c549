"""What a call costs that a session hands over to the gateway worker.

Beside it stands the same call at a server with the option "journal 'false'",
which the session makes itself, and what a flush takes: before the first byte
the worker flushes the call's mark, and before the rows are told what they say.
"""

import contextlib
import time
from statistics import median

import clients as c
from outbox import Flushes, Pair, Work

CALLS = 200
FIRSTS = 30                     # new sessions
SESSIONS = 200                  # at once
LONG = 100_000
LONGEST = 1_000_000
FLUSHES = 2
MIB = 1024                      # kB


def session(house, server):
    return contextlib.closing(c.Session(
        house.connect, {},
        f"SELECT count(*) FROM batch_cancel('btc_usdt', $1, '{server}')"))


def pid_of(one):
    return one.connection.info.backend_pid


def growths(sessions, work):
    """kB by which the memory that is theirs alone has grown by that work."""
    pids = [pid_of(one) for one in sessions]
    before = [c.private_kb(pid) for pid in pids]
    work()
    return [c.private_kb(pid) - kb for pid, kb in zip(pids, before)]


# ---- how long

def one_id(house):
    """In turns, all of it in one round."""
    ours, own, flushes = [], [], []
    with session(house, "xt") as handed, session(house, "xt_own") as kept, \
            contextlib.closing(Flushes(house.data)) as flush:
        for _ in range(c.WARM_UP_CALLS):
            handed.call(1)
            kept.call(1)
        for _ in range(CALLS):
            ours.append(handed.call(1))
            own.append(kept.call(1))
            flushes.append(flush.seconds())
    theirs = median(own) + FLUSHES * median(flushes)
    more = median(ours) - theirs
    return Pair(median(ours) * 1e3, theirs * 1e3, "ms", more * 1e3)


def first_call(house):
    """The worker is warm by then: somebody has called before."""
    limit = c.Limit("limit", house.programs, house.server, 1)
    ours, theirs, flushes = [], [], []
    with session(house, "xt") as other, \
            contextlib.closing(Flushes(house.data)) as flush:
        for _ in range(FIRSTS):
            other.call(1)
            with session(house, "xt") as fresh:
                ours.append(fresh.call(1))
            theirs.append(limit.first())
            flushes.append(flush.seconds())
    own = median(ours) - FLUSHES * median(flushes)
    return Pair(own * 1e3, median(theirs) * 1e3, "ms")


def one_long(house):
    with session(house, "xt_own") as kept, session(house, "xt_long") as handed:
        theirs = kept.call(LONG)
        return Pair(handed.call(LONG), theirs, "s")


# ---- how much

def connections(house):
    """That are opened when so many sessions make their first call at once."""
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(session(house, "xt_long"))
                    for _ in range(SESSIONS)]
        before = house.server.connections()
        c.at_once([lambda s=s: s.call(1) for s in sessions])
        opened = house.server.connections() - before
    return Pair(opened, SESSIONS, "of them", opened)


def first_memory(house):
    """What the first call takes a session, made by the worker and by itself."""
    def of(server):
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(session(house, server))
                        for _ in range(FIRSTS)]
            return median(growths(sessions, lambda: [s.call(1)
                                                     for s in sessions])) / MIB
    return Pair(of("xt"), of("xt_own"), "MiB")


def more_memory(house):
    """What many more calls take it."""
    with session(house, "xt") as one:
        for _ in range(c.WARM_UP_CALLS):
            one.call(1)
        grown = growths([one], lambda: [one.call(1) for _ in range(CALLS)])
    return Pair(grown[0] / MIB, 0, "MiB", grown[0] / MIB)


def peaks(house, server, count):
    """MiB at the most of a session and of the worker, for so many ids."""
    with session(house, server) as one:
        one.call(1)
        own, workers = c.Memory(pid_of(one)), c.Memory(house.worker())
        start = time.perf_counter()
        one.call(count)
        print(f"{count:,} ids at {server}: "
              f"{time.perf_counter() - start:.1f} s")
        return own.growth_kb() / MIB, workers.growth_kb() / MIB


def longest(house):
    """Of a session, with the worker and without."""
    house.of_long = peaks(house, "xt_long", LONG)[1]
    house.forget()
    ours, house.of_longest = peaks(house, "xt_long", LONGEST)
    return Pair(ours, peaks(house, "xt_own", LONGEST)[0], "MiB")


def longest_of_worker(house):
    """It has the same parts of a call, however many there are."""
    return Pair(house.of_longest, house.of_long, "MiB", house.of_longest)


WORK = [
    Work("one id", f"ms more than in the session and {FLUSHES} flushes",
         one_id, at_most=0.3),
    Work("first call of a session, without the flushes", "x limit's",
         first_call, at_most=0.1),
    Work(f"{LONG:,} ids", "x in the session", one_long, at_most=1.5),
    Work(f"connections of {SESSIONS} sessions, 8 in flight", "", connections,
         at_most=8),
    Work("memory of a session's first call", "x in the session",
         first_memory, at_most=1),
    Work(f"memory of {CALLS} more calls", "MiB", more_memory, at_most=0.1),
    Work(f"memory of a session, {LONGEST:,} ids", "x in the session",
         longest, at_most=1.05, once=True),
    Work("memory of the worker meanwhile", "MiB", longest_of_worker,
         at_most=64, once=True),
]
