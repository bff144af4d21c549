"""The three books, as they are when all is over.

The sandbox's says what arrived and what was really done, the journal what
order_gateway knows of it, and the clients' what they asked for.
"""

import json
import re
from collections import defaultdict

from .acts import keys_of

# what the sandbox's log calls an act that was carried out
DONE = {"cancelled", "cancel_all", "created", "amended", "timer_set",
        "timer_stopped", "deposited", "renewed", "redeemed"}
TOO_FREQUENT = {"code 124", "status 303"}
# faults in spite of which that a request was too frequent arrives whole
WHOLE = {"delay", "slow_bytes", "slow_headers", "continue_100", "chunked",
         "until_close", "gzip", "close_kept_idle", "too_frequent",
         "retry_after"}


class Arrival:
    """A key in a request that the sandbox has read."""

    def __init__(self, number, at, done, refused, status=None, faults=()):
        self.number = number
        self.at = at
        self.done = done            # how often it was carried out
        self.refused = refused      # as too frequent, and whoever listened
                                    # could hear it
        self.status = status
        self.faults = tuple(faults)

    def __str__(self):
        return "request %d%s%s%s" % (
            self.number, " carried out" if self.done else "",
            " refused as too frequent" if self.refused else "",
            " (%s)" % ", ".join(self.faults) if self.faults else "")


class SandboxBook:
    def __init__(self):
        self.arrivals = defaultdict(list)       # by key
        self.requests = 0
        self.faults = defaultdict(int)


def read_sandbox(sandbox):
    book = SandboxBook()
    done, refused = defaultdict(int), set()
    for entry in sandbox.get("/executed", all=1):
        which = entry["request"], entry["order"]
        if entry["action"] in DONE:
            done[which] += 1
            done[which[0], None] += 1
        elif entry["action"] in TOO_FREQUENT:
            refused.update((which, (which[0], None)))
    number = 0
    while True:
        # in pieces: a long storm is too much for one answer
        requests = sandbox.get("/requests", since=number, most=2000)
        for request in requests:
            number = request["number"]
            enter(book, request, done, refused)
        if not requests:
            return book


def enter(book, request, done, refused):
    """A request, in the sandbox's book by its keys."""
    keys = keys_of(request)
    whole = (request["answered_at"] is not None
             and set(request["faults"]) <= WHOLE)
    for fault in request["faults"]:
        book.faults[fault] += 1
    if keys:
        book.requests += 1
    for key in keys:
        # a request of a list names orders; any other is about one thing
        order = key.partition(":")[2] if request["provider"] != "btse" \
            else None
        which = request["number"], order
        book.arrivals[key].append(Arrival(
            request["number"], request["arrived_at"], done[which],
            whole and (request["status"] == 429 or which in refused),
            request["status"], request["faults"]))


class JournalBook:
    def __init__(self):
        self.calls = {}                         # by id: a dict
        self.results = defaultdict(list)        # by call's id: dicts
        self.marked = None                      # (call's id, ordinal)


CALLS = """
SELECT row_to_json(c) FROM (
	SELECT call_id, state::text, origin, function, reference, note,
		extract(epoch FROM not_before) AS not_before,
		extract(epoch FROM expires_at) AS expires_at
	FROM order_gateway_calls) AS c"""

RESULTS = """
SELECT row_to_json(r) FROM (
	SELECT call_id, ordinal, order_id, outcome::text,
		answered_outcome::text, message, attempts,
		extract(epoch FROM sent_at) AS sent_at
	FROM order_gateway_results ORDER BY call_id, ordinal) AS r"""

MARKS = """
SELECT DISTINCT call_id, unnest(ordinals)
FROM order_gateway_journal_mark WHERE leaves"""


def read_journal(cluster):
    book = JournalBook()
    for (text,) in cluster.ask(CALLS):
        call = json.loads(text)
        book.calls[call["call_id"]] = call
    for (text,) in cluster.ask(RESULTS):
        result = json.loads(text)
        book.results[result["call_id"]].append(result)
    book.marked = {(int(call), int(ordinal))
                   for call, ordinal in cluster.ask(MARKS)}
    return book


class ClientBook:
    def __init__(self, notes, rows):
        self.notes = notes
        self.rows = defaultdict(dict)   # transaction -> {number: call's id}
        self.calls = {}                 # by id: the Submit
        self.named = {each.name: each for each in notes.transactions}
        self.strangers = []
        for name, number, call in rows:
            transaction = self.named.get(name)
            if transaction is None or number >= len(transaction.submits):
                self.strangers.append((name, number, call))
                continue
            self.rows[name][number] = call
            self.calls.setdefault(call, transaction.submits[number])


def read_clients(cluster, notes):
    return ClientBook(notes, [
        (name, int(number), int(call)) for name, number, call in cluster.ask(
            "SELECT transaction, number, call_id FROM storm_note")])


# ---- the server's log, which tells of deaths that nobody planned

PLANNED = re.compile(r"was terminated by signal (9|15)\b")
DEATH = re.compile(r"terminated by signal \d+|PANIC:|TRAP: |"
                   r"invalid page in block")


def unplanned_deaths(log):
    with open(log, errors="replace") as lines:
        return [line.strip() for line in lines
                if DEATH.search(line) and not PLANNED.search(line)]
