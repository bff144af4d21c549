"""Clients that call at once, in every way there is.

Where the worker makes those calls, their orders are in the journal whatever
becomes of the statement; what the client was told is compared with that.
"""

import time
from contextlib import contextmanager

from .acts import LISTS
from .libpq import SqlError, literal
from .notes import COMMITTED, IN_DOUBT, ROLLED_BACK, Prepared, Told

# scenarios and how often each is played
WEIGHTS = {"plain": 20, "logged": 14, "rolled_back": 12, "savepoint": 8,
           "timeout": 14, "hang_up": 8, "cursor": 8, "prepared": 8,
           "caught": 6, "mixed": 8, "limit": 4, "long": 1}

# of one thing, which needs no ordinal
SINGLE = ("btse_cancel_all_after", "btse_invest_deposit",
          "btse_invest_renew", "btse_invest_redeem")
# A call of so many ids goes over in more than one part.
LONG = 10500


def rows_of(submit):
    return "SELECT %s, outcome, code, attempts, http_status," \
        " extract(epoch FROM sent_at) FROM %s" % (
            "1" if submit.function in SINGLE else "ordinal",
            submit.call_sql())


class Caller:
    """What a Client can do besides; see clients.py."""

    def choose_call(self):
        """The name of a scenario."""
        scenario = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        if scenario == "prepared" and self.settings.in_session:
            return self.choose_call()       # it would be refused
        return "call_" + scenario

    # ---- one call

    def any_call(self, kinds=None):
        submit = self.acts.any(self.random, kinds)
        submit.expires = submit.not_before = None
        return submit

    @contextmanager
    def calling(self, submit, whole=True):
        """Notes what becomes of a call: its rows are added within, the whole
        of them or not.  An error goes on, for whoever called to end what it
        is in."""
        call = self.notes.call(self.name, submit)
        namings = self.settings.namings
        call.unwatched = self.settings.unnamed.is_set()
        try:
            yield call
            call.whole = whole
        except SqlError as error:
            call.state, call.words = error.state, str(error)
            raise
        finally:
            # the database had no worker when it began, or since
            call.unwatched |= namings != self.settings.namings

    def ask(self, call, sql=None):
        rows = self.run_sql(sql or rows_of(call.submit))[1]
        call.rows += [Told(*row) for row in rows]

    def call_now(self, submit):
        with self.calling(submit) as call:
            self.ask(call)
        return call

    @contextmanager
    def rolled_back_after(self, *statements):
        """A transaction that comes to nothing."""
        self.run_sql("BEGIN")
        try:
            for sql in statements:
                self.run_sql(sql)
            yield
        finally:
            if self.connection.handle:
                self.run_sql("ROLLBACK")

    # ---- scenarios

    def _call_plain(self):
        self.call_now(self.any_call())

    def _call_logged(self):
        """The rows go into a table: those that are there were told."""
        with self.calling(self.any_call(), False) as call:
            self.run_sql("INSERT INTO storm_told SELECT %s, r.* FROM (%s) AS r"
                         % (literal(call.name), rows_of(call.submit)))

    def _call_rolled_back(self):
        with self.rolled_back_after():
            for _ in range(self.random.randint(1, 3)):
                self.call_now(self.any_call())

    def _call_savepoint(self):
        self.run_sql("BEGIN")
        try:
            self.run_sql("SAVEPOINT one")
            self.call_now(self.any_call())
            self.run_sql("ROLLBACK TO one")
            self.call_now(self.any_call())
        except SqlError:
            self.run_sql("ROLLBACK")
            raise
        self.run_commit("COMMIT")

    def _call_timeout(self):
        with self.rolled_back_after("SET LOCAL statement_timeout = %d"
                                    % self.random.choice(
                                        (1, 3, 10, 30, 100, 500))):
            self.call_now(self.any_call())

    def _call_hang_up(self):
        """The client goes without a word; whether the session notices before
        it has the rows is up to this setting."""
        if self.random.random() < 0.7:
            self.run_sql("SET client_connection_check_interval = '10ms'")
        with self.calling(self.any_call(), False) as call:
            self.connection.send(rows_of(call.submit))
            time.sleep(self.random.choice((0, 0.002, 0.01, 0.05, 0.3)))
            self.connection.hang_up()
        self.connection = None

    def _call_cursor(self):
        with self.rolled_back_after():
            with self.calling(self.any_call(), False) as call:
                self.run_sql("DECLARE c CURSOR FOR " + rows_of(call.submit))
                self.ask(call, "FETCH %d FROM c"
                         % self.random.choice((1, 3, 100)))
                self.run_sql("CLOSE c")

    def _call_prepared(self):
        """What the worker has made may be prepared: nothing is lost with what
        is rolled back by whom and when."""
        prepared = Prepared(self.notes.open(self.name),
                            self.random.random() < 0.5)
        self.run_sql("BEGIN")
        try:
            call = self.call_now(self.any_call())
        except SqlError:
            self.run_sql("ROLLBACK")
            raise
        if call.unwatched:
            self.run_sql("ROLLBACK")
            return
        prepared.transaction.end = IN_DOUBT
        with self.notes.lock:
            self.notes.prepared[prepared.gid] = prepared
        self.run_commit("PREPARE TRANSACTION '%s'" % prepared.gid)
        prepared.transaction.end = COMMITTED if prepared.commit \
            else ROLLED_BACK
        self._end_prepared()

    def _call_caught(self):
        """PL/pgSQL catches an error after the call, or that of the call."""
        with self.calling(self.any_call(), False) as call:
            self.run_sql(
                "DO $do$ BEGIN PERFORM * FROM %s; PERFORM 1 / 0; EXCEPTION"
                " WHEN division_by_zero OR query_canceled THEN NULL;"
                " END $do$" % call.submit.call_sql())

    def _call_mixed(self):
        """A call beside a submit, in one transaction."""
        def body(transaction):
            self.submit(transaction, self.acts.any(self.random))
            self.call_now(self.any_call())
        self.transact(body, self.random.random() < 0.5)

    def _call_limit(self):
        with self.calling(self.any_call(LISTS), False) as call:
            self.ask(call, rows_of(call.submit) + " LIMIT 1")

    def _call_long(self):
        self.call_now(self.acts.long(self.random, LONG))
