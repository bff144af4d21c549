"""The three books, as they are when all is over.

The sandbox's says what arrived and what was really done, the journal what
order_gateway knows of it, and the clients' what they asked for.
"""

import json
import re
from collections import defaultdict

from .acts import keys_of, keys_of_call
from .notes import Told
from .scenery import PROVIDERS

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
        self.states = {}                        # by key: where an order is


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
            read_states(sandbox, book)
            return book


def read_states(sandbox, book):
    for provider in PROVIDERS:
        for order in sandbox.get("/orders", provider=provider):
            book.states["%s:%s" % (provider, order["id"])] = order["status"]
            if order.get("client_order_id"):
                book.states["btse-client:" + order["client_order_id"]] \
                    = order["status"]


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
        self.found = {}                         # by id: an order's record
        self.results = defaultdict(list)        # by call's id: dicts
        self.marked = None                      # (call's id, ordinal)


CALLS = """
SELECT row_to_json(c) FROM (
	SELECT call_id, state::text, origin, function, reference, note,
		CASE WHEN origin <> 'outbox' THEN arguments END AS arguments,
		CASE WHEN origin <> 'outbox' THEN ids END AS ids,
		extract(epoch FROM not_before) AS not_before,
		extract(epoch FROM nullif(expires_at, 'infinity')) AS expires_at
	FROM order_gateway_calls) AS c"""

RESULTS = """
SELECT row_to_json(r) FROM (
	SELECT call_id, ordinal, order_id, outcome::text,
		answered_outcome::text, code, message, attempts, http_status,
		extract(epoch FROM sent_at) AS sent_at, settled_at
	FROM order_gateway_results ORDER BY call_id, ordinal) AS r"""

# Orders that no call of the journal has made, and that bear its mark.
FOUND = """
SELECT c.call_id, r.response
FROM order_gateway_calls AS c JOIN order_gateway_results AS r USING (call_id)
WHERE c.origin = 'found'"""

MARKS = """
SELECT DISTINCT call_id, unnest(ordinals)
FROM order_gateway_journal_mark WHERE leaves"""


def read_journal(cluster):
    book = JournalBook()
    for (text,) in cluster.ask(CALLS):
        call = json.loads(text)
        book.calls[call["call_id"]] = call
    for number, record in cluster.ask(FOUND):
        book.found[int(number)] = json.loads(record)
        del book.calls[int(number)]
    for (text,) in cluster.ask(RESULTS):
        result = json.loads(text)
        if result["call_id"] not in book.found:
            book.results[result["call_id"]].append(result)
    book.marked = {(int(call), int(ordinal))
                   for call, ordinal in cluster.ask(MARKS)}
    return book


class Part:
    """A call of the journal that a client's own call became, or a part of
    it."""

    reference = None

    def __init__(self, call, keys):
        self.call = call            # a notes.Call, None if there is none
        self.keys = keys


def read_parts(journal, notes):
    """By the id of each call that a session has handed over."""
    calls = {key: call for call in notes.calls for key in call.submit.keys}
    parts = {}
    for number, told in journal.calls.items():
        if told["origin"] == "session":
            keys = keys_of_call(told)
            owners = {calls.get(key) for key in keys}
            parts[number] = Part(owners.pop() if len(owners) == 1 else None,
                                 keys)
    return parts


class ClientBook:
    def __init__(self, notes, rows, parts=()):
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
        self.parts = dict(parts)        # by id: what was called at once
        self.calls.update(self.parts)


def read_clients(cluster, notes, journal):
    called = {call.name: call for call in notes.calls}
    for name, *row in cluster.ask("SELECT * FROM storm_told"):
        called[name].rows.append(Told(*row))
    return ClientBook(notes, [
        (name, int(number), int(call)) for name, number, call in cluster.ask(
            "SELECT transaction, number, call_id FROM storm_note")],
        read_parts(journal, notes))


# ---- the server's log, which tells of deaths that nobody planned

PLANNED = re.compile(r"was terminated by signal (9|15)\b")
PROCESS = re.compile(r" \[(\d+)\] ")        # as in log_line_prefix
DIED = re.compile(r"\(PID (\d+)\)")
DEATH = re.compile(r"terminated by signal \d+|PANIC:|TRAP: |"
                   r"invalid page in block")


def unplanned_deaths(log):
    """Each with what the process had said last."""
    said, found = {}, []
    with open(log, errors="replace") as lines:
        for line in lines:
            line = line.strip()
            process = PROCESS.search(line)
            if DEATH.search(line) and not PLANNED.search(line):
                died = DIED.search(line)
                found.append("\n  ".join([line] + said.get(
                    died and died.group(1), [])))
            if process:
                said.setdefault(process.group(1), []).append(line)
                del said[process.group(1)][:-5]
    return found
