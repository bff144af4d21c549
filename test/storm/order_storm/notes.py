"""The clients' own book.

What a client does not know (a COMMIT whose answer was lost), a row tells that
each transaction writes beside its calls: it is there afterwards, or it is not.
"""

import itertools
import threading

COMMITTED = "committed"
ROLLED_BACK = "rolled back"
IN_DOUBT = "in doubt"


class Transaction:
    """What one transaction submitted, and what its client knows of its end."""

    numbers = itertools.count(1)

    def __init__(self, client):
        self.name = "%s.%d" % (client, next(self.numbers))
        self.submits = []           # by their number, from 0
        self.undone = set()         # numbers rolled back to a savepoint
        self.end = ROLLED_BACK      # until COMMIT was sent

    def add(self, submit):
        self.submits.append(submit)
        return len(self.submits) - 1

    def undo_from(self, number):
        self.undone.update(range(number, len(self.submits)))

    def kept(self):
        return [number for number in range(len(self.submits))
                if number not in self.undone]


class Prepared:
    """A transaction that was, or may have been, prepared."""

    def __init__(self, transaction, commit):
        self.transaction = transaction
        self.gid = transaction.name
        self.commit = commit        # how it is to end


class Withdrawal:
    def __init__(self, call_id):
        self.call_id = call_id
        self.orders = 0
        self.end = ROLLED_BACK


class Call:
    """A call that was made at once, and what its client was told of it."""

    numbers = itertools.count(1)

    def __init__(self, client, submit):
        self.name = "%s.call%d" % (client, next(self.numbers))
        self.submit = submit
        self.rows = []              # Told, as far as they came
        self.whole = False          # all of them did
        self.state = None           # SQLSTATE of the error instead
        self.words = ""             # ... and all that was said with it
        self.unwatched = False      # the database may have had no worker


class Told:
    """A row of a call."""

    def __init__(self, ordinal, outcome, code, attempts, http_status,
                 sent_at):
        self.ordinal = int(ordinal)
        self.outcome = outcome
        # the rest of it, to be compared with the journal's
        self.more = (code, int(attempts),
                     None if http_status is None else int(http_status),
                     None if sent_at is None else float(sent_at))


class Notes:
    """Written by all clients."""

    def __init__(self):
        self.lock = threading.Lock()
        self.transactions = []
        self.calls = []             # made at once
        self.prepared = {}          # gid -> Prepared, until it has ended
        self.references = {}        # role -> submits
        self.withdrawals = []
        self.told = []              # (call_id, ordinal, outcome) seen by a
                                    # client, which must stay
        self.complaints = []        # what a client must not be told
        self.errors = {}            # SQLSTATE -> how often

    def open(self, client):
        transaction = Transaction(client)
        with self.lock:
            self.transactions.append(transaction)
        return transaction

    def call(self, client, submit):
        call = Call(client, submit)
        with self.lock:
            self.calls.append(call)
        return call

    def count_error(self, state):
        with self.lock:
            self.errors[state] = self.errors.get(state, 0) + 1

    def complain(self, words):
        with self.lock:
            self.complaints.append(words)
