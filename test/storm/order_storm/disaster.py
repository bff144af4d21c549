"""What happens to the cluster while the storm blows.

Much of it is done in the moment in which a request has just arrived at the
sandbox, since that is when it hurts most; and some of it while the clients are
silent, so that nobody's COMMIT flushes what the worker should have.
"""

import signal
import time
from collections import Counter

from .actor import Actor
from .cluster import PATIENCE, kill
from .libpq import Lost, SqlError
from .scenery import PROVIDERS, ROLES, options

WORKER = "backend_type LIKE 'order\\_gateway%' AND datname = 'storm'"
LAUNCHER = "backend_type LIKE 'order\\_gateway%' AND datname IS NULL"
CLIENT = "application_name = 'storm' AND usename LIKE 'storm\\_%'"

# what is done, and how often
WEIGHTS = {"kill_worker": 8, "kill_session": 4, "kill_postmaster": 6,
           "kill_launcher": 1, "stop_immediate": 4, "stop_fast": 4,
           "terminate_worker": 6, "cancel_worker": 4, "terminate_session": 5,
           "cancel_session": 5, "reload": 3, "unname": 2, "freeze": 3,
           "lock": 8, "drop": 2, "pull_rug": 5, "checkpoint": 2}
# those after which the worker has to begin anew
DEADLY = ("kill_worker", "kill_session", "kill_postmaster", "kill_launcher",
          "stop_immediate", "stop_fast", "terminate_worker")
ALWAYS_DEADLY = DEADLY + ("kill_new_worker", "fail_over")
# those that can be done while a table is locked
IN_THE_DARK = ("kill_worker", "kill_postmaster", "terminate_worker")

# those that requests and rows wait for
AWAITED = ("order_gateway_journal_mark", "order_gateway_journal_result")

# what is taken away, and how it is given back
RUGS = (
    ("ALTER SERVER %(name)s RENAME TO %(name)s_gone",
     "ALTER SERVER %(name)s_gone RENAME TO %(name)s"),
    ("DROP USER MAPPING FOR %(role)s SERVER %(name)s",
     "CREATE USER MAPPING FOR %(role)s SERVER %(name)s OPTIONS (%(options)s)"),
    ("REVOKE USAGE ON FOREIGN SERVER %(name)s FROM %(role)s",
     "GRANT USAGE ON FOREIGN SERVER %(name)s TO %(role)s"),
)

TABLES = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname)
FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
	JOIN pg_namespace AS n ON n.oid = c.relnamespace
	JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'
	AND d.refclassid = 'pg_extension'::regclass
	AND e.extname = 'order_gateway' AND c.relkind = 'r'
ORDER BY 1"""


class Disaster(Actor):
    worker = WORKER             # who dies
    held = "SELECT pg_current_xact_id(), (SELECT count(*) FROM storm_note)"
    weights = WEIGHTS

    def __init__(self, seed, cluster, sandbox, settings):
        super().__init__("disaster", seed, 2 * settings.quiet)
        self.cluster = cluster
        self.sandbox = sandbox
        self.settings = settings
        self.done = Counter()
        self.times = []             # (time, what) of all of it
        self.holder = None          # a transaction held open
        self.weights = dict(self.weights)
        if settings.standby:
            # a COMMIT that waits for a standby and is cancelled has
            # happened, on the primary alone: no client could know
            del self.weights["cancel_session"]
            self.weights["lose_standby"] = 5
        self.aimed = None           # processes, one of which is to die
        self.rug = None             # SQL that gives back what was taken

    def act(self):
        self.hold()
        try:
            self.put_rug()
            self.strike()
        except (Lost, SqlError):
            self.cluster.wait_until_up()

    def strike(self):
        what = self.random.choices(list(self.weights),
                                   self.weights.values())[0]
        hush = what in DEADLY and self.random.random() < 0.5
        if hush:
            self.settings.hushed.set()
            self.stopped.wait(self.random.random() * 0.5)
        try:
            if what in DEADLY and self.random.random() < 0.7:
                self.aim(what)
                self.await_request()
            if getattr(self, what)() is not False:
                self.note(what)
        finally:
            self.aimed = None
            self.settings.hushed.clear()
        if what in DEADLY:
            self.cluster.wait_until_up()
            if self.random.random() < 0.2:
                self.strike_again()

    def strike_again(self):
        """The next worker dies as soon as it is there, in the middle of
        finding out what the last one left."""
        until = time.monotonic() + 3
        while time.monotonic() < until and not self.stopped.is_set():
            if self.kill_worker():
                self.note("kill_new_worker")
                self.cluster.wait_until_up()
                return
            self.stopped.wait(0.01)

    def lose_standby(self):
        """Without it no COMMIT is answered, and no request may leave."""
        self.cluster.stop_standby()
        self.stopped.wait(self.random.random() * 3)
        self.cluster.start_standby()

    def fail_over(self):
        """The last one, where there is a standby: the primary dies for good.
        What it did while the standby was away, that knows nothing of."""
        self.stopped.set()
        self.join()
        away = self.random.random() < 0.5
        if away:
            self.cluster.stop_standby()
            time.sleep(2)
        elif self.random.random() < 0.5:
            self.await_request()
        self.cluster.kill()
        if away:
            self.cluster.start_standby()
        self.cluster.promote_standby()
        self.cluster.wait_until_up()
        self.note("fail_over")

    def note(self, what):
        self.done[what] += 1
        self.times.append((time.time(), what))

    def aim(self, what):
        """Know beforehand who is to be killed: to ask takes too long."""
        which = {"kill_worker": self.worker, "kill_session": CLIENT}.get(what)
        if which is not None:
            self.aimed = self.cluster.processes(which)

    def await_request(self):
        """Wait, not for long, until the next request has arrived."""
        self.sandbox.get("/wait", more=1, seconds=2)
        time.sleep(self.random.choice((0, 0, 0.002, 0.02)))

    # ---- a transaction that somebody holds open for the whole run

    def hold(self):
        try:
            if self.holder is not None:
                self.holder.run("SELECT 1")
                return
        except (Lost, SqlError):
            pass
        try:
            self.holder = self.cluster.connect()
            self.holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
            self.holder.run(self.held)
        except (Lost, SqlError):
            self.holder = None

    def let_go(self):
        if self.holder is not None:
            self.holder.close()

    # ---- processes

    def signal_one(self, which, number=signal.SIGKILL):
        found = self.aimed or self.cluster.processes(which)
        return bool(found) and kill(self.random.choice(found), number)

    def kill_worker(self):
        return self.signal_one(self.worker)

    def kill_session(self):
        return self.signal_one(CLIENT)

    def kill_launcher(self):
        return self.signal_one(LAUNCHER)

    def kill_postmaster(self):
        done = self.cluster.kill()
        self.cluster.start()
        return done

    def stop_immediate(self):
        return self.stop_and_start("immediate")

    def stop_fast(self):
        return self.stop_and_start("fast")

    def stop_and_start(self, mode):
        done = self.cluster.stop(mode)
        self.cluster.start()
        return done

    def tell(self, function, which):
        """pg_terminate_backend or pg_cancel_backend."""
        found = self.cluster.processes(which)
        if not found:
            return False
        self.cluster.ask("SELECT %s(%d)" % (
            function, self.random.choice(found)), "postgres")
        return True

    def terminate_worker(self):
        return self.tell("pg_terminate_backend", self.worker)

    def cancel_worker(self):
        return self.tell("pg_cancel_backend", self.worker)

    def tell_sessions(self, function):
        """Whoever is in the middle of something."""
        told = 0
        for _ in range(20):
            told += len(self.cluster.ask(
                "SELECT %s(pid) FROM pg_stat_activity WHERE %s AND state <>"
                " 'idle'" % (function, CLIENT), "postgres"))
            if told >= 3 or self.stopped.wait(0.02):
                break
        return told > 0

    def terminate_session(self):
        return self.tell_sessions("pg_terminate_backend")

    def cancel_session(self):
        return self.tell_sessions("pg_cancel_backend")

    def freeze(self):
        """It is not run for a while, as on a machine that swaps."""
        found = self.cluster.processes(self.worker)
        if not found or not kill(found[0], signal.SIGSTOP):
            return False
        self.stopped.wait(self.random.choice((0.5, 2, 5)))
        kill(found[0], signal.SIGCONT)
        return True

    # ---- what an administrator does

    def reload(self):
        self.cluster.ask("SELECT pg_reload_conf()", "postgres")

    def unname(self):
        """The database has no worker for a moment: calls are then made in
        their sessions, and those of that moment may be."""
        self.settings.namings += 1
        self.settings.unnamed.set()
        for names in ("", "storm"):
            self.cluster.ask("ALTER SYSTEM SET order_gateway.databases = '%s'"
                             % names, "postgres")
            self.reload()
            self.stopped.wait(self.random.random() * 2)
        time.sleep(1)       # until all have heard of it
        self.settings.unnamed.clear()

    def checkpoint(self):
        self.cluster.ask("CHECKPOINT", "postgres")

    def lock(self):
        """A table of the journal is locked for a while, and the worker may
        die meanwhile."""
        session = self.cluster.connect()
        try:
            table = self.random.choice(session.rows(TABLES))[0]
            if self.random.random() < 0.6:
                table = self.random.choice(AWAITED)
            session.run("BEGIN")
            session.run("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE" % table)
            self.stopped.wait(self.random.random() * 3)
            if self.random.random() < 0.6:
                what = self.random.choice(IN_THE_DARK)
                if getattr(self, what)() is not False:
                    self.note(what)
                self.stopped.wait(self.random.random())
            session.run("ROLLBACK")
        finally:
            session.close()

    def drop(self):
        """The extension is dropped, if it can be, and there again."""
        session = self.cluster.connect()
        try:
            session.run("SET lock_timeout = '1s'")
            session.run("BEGIN")
            session.run("DROP EXTENSION order_gateway CASCADE")
            self.stopped.wait(self.random.random() / 2)
        except SqlError:
            pass            # somebody's calls are queued, or it is locked
        finally:
            try:
                session.run("ROLLBACK")
            finally:
                session.close()

    def pull_rug(self):
        """What a call needs is taken away between submit and send, at the
        servers that come and go, and given back a moment later."""
        name = self.random.choice(PROVIDERS) + "_flaky"
        role = self.random.choice(ROLES)
        words = {"name": name, "role": role, "options": options(
            self.sandbox.ready["credentials"][name.partition("_")[0]])}
        away, back = self.random.choice(RUGS)
        self.cluster.ask(away % words)
        self.rug = back % words
        self.stopped.wait(self.random.random() * 2)
        self.put_rug()

    def put_rug(self):
        if self.rug is not None:
            self.cluster.ask(self.rug)
            self.rug = None

    # ---- when all is over

    def clear_up(self):
        """The cluster is up, and as it was.  What was killed last may not have
        been noticed yet."""
        self.let_go()
        if self.cluster.postmaster() is None:
            self.cluster.start()
        until = time.monotonic() + PATIENCE
        while True:
            self.cluster.wait_until_up()
            try:
                self.put_rug()
                self.cluster.ask("ALTER SYSTEM RESET order_gateway.databases",
                                 "postgres")
                self.reload()
                return
            except Lost:
                if time.monotonic() > until:
                    raise

    def killed(self):
        return sum(self.done[what] for what in ALWAYS_DEADLY)
