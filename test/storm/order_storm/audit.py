"""Compares the three books.  Every rule is a function that yields complaints.
"""

import re
from collections import Counter
from decimal import Decimal

from .acts import plain
from .notes import COMMITTED, IN_DOUBT, ROLLED_BACK

# what an outcome says of what the provider has done
DONE = {"cancelled", "accepted"}
# statements that end in the middle
STOPPED = {"57014", "57P01", "57P02", "57P03"}
# ... and which calls they were
NAMED = re.compile(r"\bcalls? ([0-9, and]+) of the journal")
NOT_DONE = {"not_found", "not_cancellable", "rejected", "not_sent"}
# an answer said so, and so there was a request
ANSWERED = DONE | {"not_found", "not_cancellable", "rejected"}
ENDED = {"done", "quarantined"}
# seconds between the last look at the clock and the stamp of the first byte:
# a worker that is frozen then knows nothing of it
GRACE = 10


class Books:
    def __init__(self, sandbox, journal, clients, failed_over=False):
        self.failed_over = failed_over
        self.sandbox = sandbox
        self.journal = journal
        self.clients = clients
        self.by_key = {}            # call's id -> its rows by their keys
        self.call_of = {}           # key -> call's id
        for call, submit in clients.calls.items():
            for key in submit.keys:
                self.call_of[key] = call
        # what was called while there was no worker to make it
        self.unwatched = {key for call in clients.notes.calls
                          if call.unwatched for key in call.submit.keys}

    def results_of(self, call, submit):
        """(key, its rows) of a call.  All rows of a call with one key are
        about that: cancel_all has one for each order that it met."""
        rows = self.journal.results.get(call, [])
        if len(submit.keys) == 1:
            return [(submit.keys[0], rows)]
        at, found = {}, {}
        for row in rows:
            at.setdefault(row["ordinal"], []).append(row)
        for ordinal, key in enumerate(submit.keys, 1):
            found.setdefault(key, []).extend(at.get(ordinal, ()))
        return list(found.items())

    def each_key(self):
        for call, submit in self.clients.calls.items():
            for key, rows in self.results_of(call, submit):
                yield call, key, rows, self.sandbox.arrivals.get(key, [])

    def called(self):
        """(call, key, what was told of that, its rows in the journal) of what
        was called at once; the rows are None where the call is not there."""
        for call in self.clients.notes.calls:
            told = {}
            for row in call.rows:
                at = row.ordinal if len(call.submit.keys) > 1 else 1
                told.setdefault(call.submit.keys[at - 1], []).append(row)
            for key in dict.fromkeys(call.submit.keys):
                number = self.call_of.get(key)
                yield call, key, told.get(key, []), None if number is None \
                    else self.rows_of(number).get(key, [])

    def rows_of(self, number):
        if number not in self.by_key:
            self.by_key[number] = dict(self.results_of(
                number, self.clients.calls[number]))
        return self.by_key[number]

    def tell(self, call, key):
        """What each book says."""
        told = self.journal.calls.get(call)
        rows = [] if call is None else [
            row for other, found in (
                self.results_of(call, self.clients.calls[call])
                if call in self.clients.calls else ())
            for row in found if other == key]
        return "  call %s, %s\n    sandbox: %s\n    journal: %s; %s" % (
            call, key,
            "; ".join(map(str, self.sandbox.arrivals.get(key, ())))
            or "no request",
            "no such call" if told is None else "%s%s" % (
                told["state"], ", " + told["note"] if told["note"] else ""),
            "; ".join("%s (%s)" % (row["outcome"], row["message"])
                      for row in rows) or "no row") + (
            "\n    clients: " + self.whose(call))

    def whose(self, call):
        names = ["%s %s" % (name, self.clients.named[name].end)
                 for name, numbers in self.clients.rows.items()
                 if call in numbers.values()]
        part = self.clients.parts.get(call)
        if part is not None and part.call is not None:
            names.append(how(part.call))
        return ", ".join(names) or "nobody's, or rolled back"


def how(call):
    """How a client's own call ended."""
    return "%s %s" % (call.name, "was told %d rows" % len(call.rows)
                      if call.state is None else call.words)


# ---- the clients' book against itself and the journal

def commits_held(books):
    """What was committed is there, whole; what was rolled back is not."""
    for transaction in books.clients.notes.transactions:
        rows = set(books.clients.rows.get(transaction.name, ()))
        kept = set(transaction.kept())
        if transaction.end == COMMITTED and rows != kept \
                or transaction.end == ROLLED_BACK and rows \
                or transaction.end == IN_DOUBT and rows not in (set(), kept):
            yield ("transaction %s, %s: of submits %s there are %s"
                   % (transaction.name, transaction.end, sorted(kept),
                      sorted(rows)))
    for stranger in books.clients.strangers:
        yield "nobody has written the note %s %d %d" % stranger


def journal_has_every_call(books):
    """One call for each that was committed, and no other."""
    noted, kept = set(books.clients.calls), set(books.journal.calls)
    for call in sorted(noted - kept):
        yield "a call that was committed is not in the journal:\n" \
            + books.tell(call, books.clients.calls[call].keys[0])
    strangers = kept - noted | {call for call, part in
                                books.clients.parts.items()
                                if part.call is None}
    for call in sorted(strangers):
        yield "the journal has call %d (%s, %s), which nobody committed" % (
            call, books.journal.calls[call]["function"],
            books.journal.calls[call]["state"])


def what_was_found_is_ours(books):
    """What a sweep has found was created by a call that no worker has made,
    and no other call of the journal has it."""
    for number, record in sorted(books.journal.found.items()):
        size = record.get("originalOrderBaseSize", record.get("size"))
        key = "btse-size:" + plain(Decimal(str(size)))
        if key in books.call_of or key not in books.unwatched \
                or key not in books.sandbox.arrivals:
            yield "call %d was found, an order of size %s:\n" % (
                number, size) + books.tell(books.call_of.get(key), key)


def references_meet(books):
    """All that was submitted under one reference is one call, and all that
    has one call was submitted as the same."""
    for name, numbers in books.clients.rows.items():
        submits = books.clients.named[name].submits
        for number, call in numbers.items():
            if submits[number].keys != books.clients.calls[call].keys:
                yield "two different calls have the id %d" % call
    owners = {}
    for call, submit in books.clients.calls.items():
        if submit.reference is not None:
            other = owners.setdefault(submit.reference, call)
            if other != call:
                yield "reference %s has the calls %d and %d" % (
                    submit.reference, other, call)


# ---- what arrived

def nothing_unaccounted_for(books):
    """Whatever arrived belongs to a call that was committed, or that the
    worker has made for a session."""
    called = {key: call for call in books.clients.notes.calls
              for key in call.submit.keys}
    for key, arrivals in books.sandbox.arrivals.items():
        if key not in books.call_of and key not in books.unwatched:
            yield "arrived, and the journal knows nothing of it:\n" \
                + books.tell(None, key) + (
                    "; " + how(called[key]) if key in called else "")


def nothing_without_mark(books):
    """Whatever arrived had a mark (J1)."""
    for call, submit in books.clients.calls.items():
        marked = {key for ordinal, key in enumerate(submit.keys, 1)
                  if (call, ordinal) in books.journal.marked}
        for key in dict.fromkeys(submit.keys):
            if books.sandbox.arrivals.get(key) and key not in marked:
                yield "arrived without a mark:\n" + books.tell(call, key)


def nothing_twice(books):
    """Only what was refused as too frequent may arrive again (J5)."""
    for key, arrivals in books.sandbox.arrivals.items():
        again = [each for each in arrivals[:-1] if not each.refused]
        done = sum(each.done for each in arrivals)
        if again or (done > 1 and not key.startswith("btse-all:")):
            yield "sent twice:\n" + books.tell(books.call_of.get(key), key)


def nothing_early(books):
    """Nothing arrives before its time."""
    for call, key, _, arrivals in books.each_key():
        told = books.journal.calls.get(call)
        if told and told["not_before"] is not None and arrivals \
                and arrivals[0].at < told["not_before"]:
            yield "sent %.3f s too early:\n" % (
                told["not_before"] - arrivals[0].at) + books.tell(call, key)


def nothing_late(books):
    """Nothing is sent when it has expired."""
    for call, key, rows, _ in books.each_key():
        told = books.journal.calls.get(call)
        for row in rows:
            if told and None not in (told["expires_at"], row["sent_at"]) \
                    and row["sent_at"] > told["expires_at"] + GRACE:
                yield "sent %.3f s after it had expired:\n" % (
                    row["sent_at"] - told["expires_at"]) \
                    + books.tell(call, key)


# ---- what the journal says of it

def everything_done(books):
    """Every call has ended, and each of its orders has a row."""
    for call, submit in books.clients.calls.items():
        told = books.journal.calls.get(call)
        if told is not None and told["state"] not in ENDED:
            yield "never done:\n" + books.tell(call, submit.keys[0])
            continue
        wanted = {}
        for at, key in enumerate(submit.keys, 1):
            wanted.setdefault(key, set()).add(at)
        for key, rows in books.results_of(call, submit):
            ordinals = {row["ordinal"] for row in rows}
            if told is not None and (not rows or len(submit.keys) > 1
                                     and not wanted[key] <= ordinals):
                yield "an order without a row:\n" + books.tell(call, key)


def outcomes_true(books):
    """No row says what the sandbox knows better."""
    for call, key, rows, arrivals in books.each_key():
        done = any(each.done for each in arrivals)
        heard = any(not each.refused for each in arrivals)
        for outcome in {row[name] for row in rows
                        for name in ("outcome", "answered_outcome")
                        if row[name] is not None
                        and not (name == "outcome" and settled(row))}:
            if outcome in DONE and not done or outcome in NOT_DONE and done \
                    or outcome in ANSWERED and not arrivals \
                    or outcome == "not_sent" and heard:
                yield "%s is not true:\n" % outcome + books.tell(call, key)


def settled(row):
    """By itself; else it says what it always said."""
    return row["outcome"] != row["answered_outcome"]


def settled_truly(books):
    """What was settled is how the sandbox sees it: a cancel is judged by where
    its order stands, be it that somebody else brought it there."""
    for call, key, rows, arrivals in books.each_key():
        done = any(each.done for each in arrivals)
        state = books.sandbox.states.get(key)
        for row in rows:
            if not settled(row):
                continue
            outcome = row["outcome"]
            if row["answered_outcome"] != "unknown" \
                    or row["settled_at"] is None \
                    or outcome == "cancelled" and state != "cancelled" \
                    or outcome == "accepted" and not done \
                    or outcome == "rejected" and done \
                    or outcome == "not_cancellable" and (
                        done or state == "cancelled") \
                    or outcome in ("not_found", "not_sent"):
                yield "settled as %s, while it is %s:\n" % (
                    outcome, state) + books.tell(call, key)


def one_row_each(books):
    """The rows of one order say the same, and there is one at each place."""
    for call, submit in books.clients.calls.items():
        rows = books.journal.results.get(call, [])
        places = Counter(row["ordinal"] for row in rows)
        if len(submit.keys) > 1 or not submit.keys[0].startswith("btse-all:"):
            for ordinal, count in places.items():
                if count > 1 or not 1 <= ordinal <= len(submit.keys):
                    yield "call %d has %d rows at place %d" % (
                        call, count, ordinal)
        for key, own in books.results_of(call, submit):
            if not key.startswith("btse-all:") \
                    and len({row["outcome"] for row in own}) > 1:
                yield "rows of one order contradict each other:\n" \
                    + books.tell(call, key)


def what_was_told_stays(books):
    """A row that a client has seen is there, and says the same (J2).  The
    worker does not wait for a standby to tell: what was seen before it was
    promoted may be unknown there."""
    found = {}
    for call, rows in books.journal.results.items():
        for row in rows:
            found.setdefault((call, row["ordinal"]), set()).add(
                row["answered_outcome"])
    for call, ordinal, outcome in sorted(set(books.clients.notes.told)):
        now = found.get((call, ordinal), ())
        if outcome not in now and not (books.failed_over
                                       and "unknown" in now):
            yield "a client was told %s of call %d, place %d; now it is %s" \
                % (outcome, call, ordinal,
                   ", ".join(map(str, now)) or "gone")


def what_was_told_is_journalled(books):
    """The rows of a call that was made at once are the journal's (J2).  Only
    what was told to be not_sent may be nowhere."""
    for call, key, told, rows in books.called():
        for each in told:
            if call.unwatched or rows is None and each.outcome == "not_sent":
                continue
            same = [row for row in rows or ()
                    if row["answered_outcome"] == each.outcome]
            if not same and not (books.failed_over and any(
                    row["answered_outcome"] == "unknown"
                    for row in rows or ())):
                yield "a caller was told %s:\n" % each.outcome + books.tell(
                    books.call_of.get(key), key) + "; " + how(call)
            elif same and each.outcome in ANSWERED \
                    and not any(each.more == more(row) for row in same):
                yield "a caller was told %s %s, and the journal says %s:\n" % (
                    each.outcome, each.more, [more(row) for row in same]) \
                    + books.tell(books.call_of[key], key)


def more(row):
    return (row["code"], row["attempts"], row["http_status"], row["sent_at"])


def what_was_told_is_true(books):
    """... and no less true where there is no journal."""
    for call, key, told, _ in books.called():
        arrivals = books.sandbox.arrivals.get(key, [])
        done = any(each.done for each in arrivals)
        for outcome in {each.outcome for each in told}:
            if outcome in DONE and not done or outcome in NOT_DONE and done:
                yield "a caller was told %s, which is not true:\n" % outcome \
                    + books.tell(books.call_of.get(key), key) \
                    + "; " + how(call)


def all_rows_came(books):
    """A call that ended well has a row at each place."""
    for call in books.clients.notes.calls:
        places = {row.ordinal for row in call.rows}
        if call.whole and len(places) < len(call.submit.keys) \
                and not call.submit.keys[0].startswith("btse-all:"):
            yield "%d of %d rows came: %s" % (
                len(places), len(call.submit.keys), how(call))


def refused_before_sending(books):
    """An error but that of a statement that was stopped comes before the
    first byte."""
    for call in books.clients.notes.calls:
        if call.state is not None and call.state not in STOPPED:
            for key in call.submit.keys:
                if books.sandbox.arrivals.get(key):
                    yield "refused, and yet sent:\n" + books.tell(
                        books.call_of.get(key), key) + "; " + how(call)


def context_names_calls(books):
    """The calls that the context of an error names are those of the
    statement."""
    for call in books.clients.notes.calls:
        for names in NAMED.findall(call.words):
            for number in map(int, re.findall(r"\d+", names)):
                part = books.clients.parts.get(number)
                if part is None or part.call is not call:
                    yield "call %d is not that of %s" % (number, how(call))


def what_was_withdrawn_stays(books):
    """What order_gateway_withdraw() counted was not carried out: not_sent, or
    rejected if it had been, and was too frequent."""
    for withdrawal in books.clients.notes.withdrawals:
        outcomes = Counter(row["outcome"] for row in
                           books.journal.results.get(withdrawal.call_id, []))
        if withdrawal.end == COMMITTED and withdrawal.orders \
                > outcomes["not_sent"] + outcomes["rejected"]:
            yield "of call %d, %d orders were withdrawn, and it has %s" % (
                withdrawal.call_id, withdrawal.orders, dict(outcomes))


RULES = (commits_held, journal_has_every_call, what_was_found_is_ours,
         references_meet, nothing_unaccounted_for, nothing_without_mark,
         nothing_twice, nothing_early, nothing_late, everything_done,
         outcomes_true, settled_truly, one_row_each, what_was_told_stays,
         what_was_told_is_journalled, what_was_told_is_true, all_rows_came,
         refused_before_sending, context_names_calls, what_was_withdrawn_stays)


def complaints(books):
    """(rule's name, words) of all."""
    return [(rule.__name__, words) for rule in RULES for words in rule(books)]
