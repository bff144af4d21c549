"""The clients: each submits calls over and over, in every way there is, and
makes others at once (callers.py)."""

import copy
import random
import threading
import time

from .acts import LISTS
from .callers import Caller
from .libpq import Lost, SqlError, literal
from .notes import COMMITTED, IN_DOUBT, ROLLED_BACK, Prepared, Withdrawal

# scenarios and how often each is played
WEIGHTS = {"plain": 20, "several": 12, "savepoints": 10, "prepare": 8,
           "trigger": 8, "many": 6, "reference": 12, "caught": 5,
           "broken": 5, "withdraw": 8, "wait": 10, "look": 8, "outbox": 6}

# What may happen to an honest client in a storm: it is terminated, cancelled,
# shut out, or waits too long for a lock, and a database that is not named has
# no worker.  Anything else is a mistake, of ours or of the gateway's.
EXPECTED = {"57014", "57P01", "57P02", "57P03", "55P03", "40P01", "53300",
            "55000"}


class Client(Caller, threading.Thread):
    def __init__(self, name, seed, cluster, acts, notes, settings, role):
        super().__init__(name=name, daemon=True)
        self.random = random.Random("%s %s" % (seed, name))
        self.cluster = cluster
        self.acts = acts
        self.notes = notes
        self.settings = settings
        self.role = role
        self.connection = None
        self.stopped = threading.Event()
        self.hushed = settings.hushed
        self.own = []               # (call id, submit) of late, committed
        # submits that had one, of all clients with this role
        self.references = notes.references.setdefault(role, [])
        self.crash = None

    # ---- its life

    def run(self):
        try:
            while not self.stopped.is_set():
                self._play()
                self.stopped.wait(self.random.random() * self.settings.pause)
                while self.hushed.is_set() and not self.stopped.is_set():
                    time.sleep(0.01)
        except Exception as error:      # tempest.py tells it
            self.crash = error
            raise
        finally:
            if self.connection is not None:
                self.connection.close()

    def _play(self):
        scenario = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        if self.random.random() < self.settings.calls:
            scenario = self.choose_call()
        try:
            if self.connection is None:
                self.connection = self.cluster.connect(user=self.role)
                self._end_prepared()
            getattr(self, "_" + scenario)()
        except SqlError as error:
            self._failed(error, scenario)
        except Lost:
            self.connection = None
            self.stopped.wait(self.random.random() / 4)

    def _failed(self, error, scenario):
        self.notes.count_error(error.state)
        # what a server that comes and goes needs may be gone just now, and a
        # time that was to come may be over when it is looked at
        if error.state not in EXPECTED and not (
                error.state in ("42501", "42704") and "_flaky" in str(error)
                or error.state == "22023" and "not in the future" in str(error)):
            self.notes.complain("%s in scenario \"%s\" of %s: %s" % (
                error.state, scenario, self.name, error))

    def run_sql(self, sql):
        return self.connection.run(sql)

    # ---- one transaction

    def submit(self, transaction, submit, form=None):
        """Submit it, and write a row that says so; answers the call's id."""
        number = transaction.add(submit)
        values = (literal(transaction.name), number, submit.sql())
        form = form or self.random.choice(("insert", "cte", "call"))
        if form == "insert":
            sql = ("INSERT INTO storm_note SELECT %s, %d, %s"
                   " RETURNING call_id" % values)
        elif form == "cte":
            sql = ("WITH call AS MATERIALIZED (SELECT %s AS id), note AS"
                   " (INSERT INTO storm_note SELECT %s, %d, id FROM call)"
                   " SELECT id FROM call" % (values[2], values[0], number))
        else:
            call = self.run_sql("SELECT " + submit.sql())[1][0][0]
            self.run_sql("INSERT INTO storm_note VALUES (%s, %d, %s)"
                         % (values[0], number, call))
            return int(call)
        return int(self.run_sql(sql)[1][0][0])

    def transact(self, body, commit=True):
        """Run body(transaction) in a transaction."""
        transaction = self.notes.open(self.name)
        level = self.random.choice(("", "", "", " ISOLATION LEVEL REPEATABLE"
                                    " READ", " ISOLATION LEVEL SERIALIZABLE"))
        try:
            self.run_sql("BEGIN" + level)
            done = body(transaction)
        except SqlError as error:
            self.run_sql("ROLLBACK")
            # two of them at once above READ COMMITTED: to be repeated
            if error.state != "40001" or not level:
                raise
            self.notes.count_error(error.state)
            return None
        self.finish(transaction, commit)
        # what COMMIT itself refused was not done
        return done if transaction.end == COMMITTED or not commit else None

    def finish(self, transaction, commit):
        if not commit:
            self.run_sql("ROLLBACK")
            return
        # from here on it may be committed whatever we hear
        transaction.end = IN_DOUBT
        tag = self.run_commit("COMMIT")
        transaction.end = COMMITTED if tag == "COMMIT" else ROLLED_BACK

    def run_commit(self, sql):
        """An error of COMMIT itself means that it was rolled back."""
        try:
            return self.run_sql(sql)[0]
        except SqlError as error:
            self.notes.count_error(error.state)
            if error.state not in EXPECTED | {"40001"}:
                self.notes.complain("%s failed: %s" % (sql, error))
            return "ROLLBACK"

    def remember(self, call, submit):
        self.own.append((call, submit))
        del self.own[:-50]

    # ---- scenarios

    def _plain(self):
        """A statement that is a transaction."""
        transaction = self.notes.open(self.name)
        submit = self.acts.any(self.random)
        transaction.end = IN_DOUBT
        try:
            call = self.submit(transaction, submit,
                               self.random.choice(("insert", "cte")))
        except SqlError:
            transaction.end = ROLLED_BACK
            raise
        transaction.end = COMMITTED
        self.remember(call, submit)

    def _several(self):
        submits = [self.acts.any(self.random)
                   for _ in range(self.random.randint(1, 5))]

        def body(transaction):
            return [self.submit(transaction, each) for each in submits]
        commit = self.random.random() < 0.7
        calls = self.transact(body, commit)
        if commit and calls:
            for call, submit in zip(calls, submits):
                self.remember(call, submit)

    def _savepoints(self):
        def body(transaction):
            for _ in range(self.random.randint(1, 3)):
                self.run_sql("SAVEPOINT one")
                first = len(transaction.submits)
                for _ in range(self.random.randint(1, 2)):
                    self.submit(transaction, self.acts.any(self.random))
                if self.random.random() < 0.5:
                    self.run_sql("ROLLBACK TO one")
                    transaction.undo_from(first)
                else:
                    self.run_sql("RELEASE one")
        self.transact(body, self.random.random() < 0.85)

    def _prepare(self):
        transaction = self.notes.open(self.name)
        prepared = Prepared(transaction, self.random.random() < 0.65)
        try:
            self.run_sql("BEGIN")
            for _ in range(self.random.randint(1, 3)):
                self.submit(transaction, self.acts.any(self.random))
        except SqlError:
            self.run_sql("ROLLBACK")
            raise
        transaction.end = IN_DOUBT
        with self.notes.lock:
            self.notes.prepared[prepared.gid] = prepared
        if self.run_commit("PREPARE TRANSACTION '%s'" % prepared.gid) \
                != "PREPARE TRANSACTION":
            transaction.end = ROLLED_BACK
            with self.notes.lock:
                del self.notes.prepared[prepared.gid]
            return
        # what was prepared survives, and ends as we say, be it later
        transaction.end = COMMITTED if prepared.commit else ROLLED_BACK
        self.stopped.wait(self.random.choice((0, 0, 0.3, 2)))
        self._end_prepared()

    def _end_prepared(self):
        """End what this client has prepared."""
        for prepared in list(self.notes.prepared.values()):
            if prepared.transaction.name.startswith(self.name + "."):
                self.end_prepared(self.run_sql, prepared)

    def end_prepared(self, run, prepared):
        try:
            run("%s PREPARED '%s'" % ("COMMIT" if prepared.commit
                                      else "ROLLBACK", prepared.gid))
        except SqlError as error:
            if error.state != "42704":      # of which nobody knows any more
                raise
        with self.notes.lock:
            self.notes.prepared.pop(prepared.gid, None)

    def _trigger(self):
        """A trigger of the clients' own order table submits."""
        transaction = self.notes.open(self.name)
        submits = [self.acts.any(self.random, ("tronsave",))
                   for _ in range(self.random.randint(1, 6))]
        for each in submits:
            each.expires = each.not_before = None
            each.server = "tronsave"
        rows = ["(%s, %d, %s)" % (literal(transaction.name),
                                  transaction.add(each), literal(each.ids))
                for each in submits]
        transaction.end = IN_DOUBT
        try:
            found = self.run_sql(
                "INSERT INTO storm_order VALUES %s RETURNING call_id"
                % ", ".join(rows))[1]
        except SqlError:
            transaction.end = ROLLED_BACK
            raise
        transaction.end = COMMITTED
        for (call,), submit in zip(found, submits):
            self.remember(int(call), submit)

    def _many(self):
        """One statement, many calls: the function in a target list."""
        submits = [self.acts.any(self.random, ("xt",))
                   for _ in range(self.random.randint(10, 60))]
        transaction = self.notes.open(self.name)
        rows = []
        for each in submits:
            each.expires = each.not_before = None
            each.server = "xt"
            rows.append("(%d, %s)" % (transaction.add(each),
                                      literal(each.ids)))
        sql = ("INSERT INTO storm_note SELECT %s, n, batch_cancel_submit("
               "'btc_usdt', ids) FROM (VALUES %s) AS v (n, ids)"
               % (literal(transaction.name), ", ".join(rows)))
        transaction.end = IN_DOUBT
        try:
            self.run_sql(sql)
        except SqlError:
            transaction.end = ROLLED_BACK
            raise
        transaction.end = COMMITTED

    def _reference(self):
        """Submit under a reference, and the same again for as long as the
        answer to COMMIT was lost; or what somebody else has submitted."""
        if self.references and self.random.random() < 0.4:
            submit = self.random.choice(self.references)
        else:
            submit = self.acts.any(self.random)
            submit.reference = "%s-%d" % (self.name,
                                          self.random.getrandbits(60))
            self.references.append(submit)
            del self.references[:-40]
        commit = self.random.random() < 0.8
        while not self._once_more(submit, commit):
            self.connection = None
            if self.stopped.wait(0.2):
                return
        if self.random.random() < 0.2:
            self._other_content(submit)

    def _once_more(self, submit, commit):
        """False if we do not know what became of it."""
        try:
            if self.connection is None:
                self.connection = self.cluster.connect(user=self.role)
            call = self.transact(lambda transaction:
                                 self.submit(transaction, submit), commit)
        except Lost:
            return False
        if commit and call is not None:
            submit.committed = True
        return True

    def _other_content(self, submit):
        """Another call under a reference that was used is refused.  What was
        not committed has not used it; so this one is rolled back."""
        committed = submit.committed
        other = self.acts.any(self.random)
        other.reference = submit.reference
        try:
            done = self.transact(lambda transaction:
                                 self.submit(transaction, other), False)
        except SqlError as error:
            if error.state != "23505":
                raise
            return
        if committed and done is not None:
            self.notes.complain("reference %s was taken for another call, too"
                                % submit.reference)

    def _caught(self):
        """PL/pgSQL catches an error after a submit: a subtransaction that
        is rolled back, in a transaction that goes on."""
        def body(transaction):
            lost = self.acts.any(self.random)
            transaction.undone.add(transaction.add(lost))
            self.run_sql(
                "DO $do$ BEGIN PERFORM %s; PERFORM 1 / 0; EXCEPTION WHEN"
                " division_by_zero THEN NULL; END $do$" % lost.sql())
            return self.submit(transaction, self.acts.any(self.random))
        self.transact(body)

    def _broken_body(self, transaction):
        self.submit(transaction, self.acts.any(self.random))
        try:
            self.run_sql("SELECT 1 / 0")
        except SqlError as error:
            if error.state != "22012":
                raise

    def _broken(self):
        """COMMIT of a transaction in which something failed."""
        self.transact(self._broken_body)

    def _withdraw(self):
        """What is to wait is withdrawn, or perhaps it is too late."""
        submit = self.acts.any(self.random, LISTS)
        submit.not_before = self.random.choice((None, 0.1, 1, 8))
        if submit.expires is not None and submit.not_before is not None:
            submit.expires += submit.not_before
        call = self.transact(lambda transaction:
                             self.submit(transaction, submit))
        if call is None:
            return
        self.stopped.wait(self.random.choice((0, 0.05, 0.5)))
        withdrawal = Withdrawal(call)
        with self.notes.lock:
            self.notes.withdrawals.append(withdrawal)

        def body(transaction):
            withdrawal.orders = int(self.run_sql(
                "SELECT order_gateway_withdraw(%d)" % call)[1][0][0])
        transaction = self.notes.open(self.name)
        self.run_sql("BEGIN")
        try:
            body(transaction)
        except SqlError:
            self.run_sql("ROLLBACK")
            raise
        withdrawal.end = IN_DOUBT
        self.finish(transaction, self.random.random() < 0.9)
        withdrawal.end = transaction.end

    def _wait(self):
        submit = self.acts.any(self.random)
        call = self.transact(lambda transaction:
                             self.submit(transaction, submit))
        if call is not None:
            self.remember(call, submit)
            self._take("order_gateway_wait(%d, interval '3 s')" % call)

    def _look(self):
        if self.own:
            call, _ = self.random.choice(self.own)
            self._take("order_gateway_results WHERE call_id = %d" % call)

    def _take(self, source):
        """What a client is told of an outcome has to stay true."""
        rows = self.run_sql("SELECT call_id, ordinal, answered_outcome FROM "
                            + source)[1]
        with self.notes.lock:
            self.notes.told.extend((int(call), int(ordinal), outcome)
                                   for call, ordinal, outcome in rows
                                   if outcome is not None)

    def _outbox(self):
        """As another database does, by INSERT into the view."""
        submit = self.acts.any(self.random, ("xt", "tronsave"))
        submit = copy.copy(submit)
        submit.reference = "out-%s-%d" % (self.name,
                                          self.random.getrandbits(60))
        submit.not_before = None
        arguments = '{"market": "btc_usdt"}' \
            if submit.function == "batch_cancel" else "{}"

        def body(transaction):
            number = transaction.add(submit)
            self.run_sql(
                "INSERT INTO order_gateway_outbox (function, arguments, ids,"
                " server, reference, expires_at) VALUES (%s, %s, %s, %s, %s,"
                " %s)" % (literal(submit.function), literal(arguments),
                          literal(submit.ids), literal(submit.server),
                          literal(submit.reference),
                          "NULL" if submit.expires is None else
                          "clock_timestamp() + interval '%s s'"
                          % submit.expires))
            self.run_sql(
                "INSERT INTO storm_note SELECT %s, %d, call_id FROM"
                " order_gateway_calls WHERE reference = %s" % (
                    literal(transaction.name), number,
                    literal(submit.reference)))
        self.transact(body, self.random.random() < 0.8)
