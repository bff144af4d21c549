"""A private cluster that can be killed."""

import os
import signal
import subprocess
import time

from .libpq import Connection, Lost, SqlError

PATIENCE = 120          # seconds for what takes a moment on any machine
SLOW = 20               # ... and when an end of processes is a complaint

# The WAL writer sleeps long and writes little by itself: what a process
# should have flushed and did not, is lost when it is killed.
SETTINGS = {
    "listen_addresses": "''",
    "port": "5432",
    "fsync": "off",
    "shared_preload_libraries": "'order_gateway'",
    "order_gateway.databases": "'storm'",
    "order_gateway.notify_channel": "'storm'",
    "max_connections": "250",
    "max_prepared_transactions": "40",
    "wal_retrieve_retry_interval": "100ms",
    "max_worker_processes": "16",
    "restart_after_crash": "on",
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "1GB",
    "bgwriter_delay": "10s",
    "checkpoint_timeout": "1h",
    "deadlock_timeout": "200ms",
    "log_line_prefix": "'%m [%p] %b '",
    "log_min_messages": "log",
    "lc_messages": "'C'",
}

# What the storm's database says of its sessions (see scenery.py) is for the
# worker to ignore, and for us, too.
OWN = " ".join("-c " + each for each in (
    "synchronous_commit=on", "statement_timeout=60s", "lock_timeout=20s",
    "default_transaction_isolation=read\\\\ committed", "search_path=public",
    "default_transaction_read_only=off", "client_min_messages=error",
    "idle_in_transaction_session_timeout=0"))


class Cluster:
    def __init__(self, directory, sockets):
        self.data = os.path.join(directory, "data")
        self.log = os.path.join(directory, "server.log")
        self.logs = [self.log]
        self.sockets = sockets
        self.standby = None         # (data, log, sockets) of one, if any
        self.failed_over = False
        self.slow = []              # what took too long to end
        self._call("initdb", "--pgdata", self.data, "--username=postgres",
                   "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                   "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("unix_socket_directories = '%s'\n" % sockets)
            for setting in SETTINGS.items():
                conf.write("%s = %s\n" % setting)

    def _call(self, *words):
        """Run one of PostgreSQL's programs; its words when it fails."""
        done = subprocess.run(words, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(words), done.stdout))
        return done.stdout

    def _control(self, what, *words):
        return self._call("pg_ctl", what, "--pgdata", self.data, "--wait",
                          "--timeout", str(PATIENCE), *words)

    def conninfo(self, database, user):
        return ("host='%s' port=5432 dbname=%s user=%s "
                "application_name=storm options='%s'"
                % (self.sockets, database, user, OWN))

    def connect(self, database="storm", user="postgres"):
        return Connection(self.conninfo(database, user))

    def postmaster(self):
        """Its process id, or None."""
        try:
            with open(os.path.join(self.data, "postmaster.pid")) as pidfile:
                return int(pidfile.readline())
        except (OSError, ValueError):
            return None

    # ---- up and down

    def start(self):
        """Start it; what a dead postmaster left has to have gone first."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._control("start", "--log", self.log)
                return
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def stop(self, mode):
        """As an administrator does; False if nothing ran."""
        begun = time.monotonic()
        try:
            self._control("stop", "--mode", mode)
        except RuntimeError:
            if self.postmaster() is not None:
                raise
            return False
        if time.monotonic() > begun + SLOW:
            self.slow.append("the %s shutdown took %.0f s"
                             % (mode, time.monotonic() - begun))
        return True

    def stop_all(self):
        """The end, of the standby as well."""
        for data in [self.data] + [each[0] for each in (self.standby,)
                                   if each]:
            try:
                self._call("pg_ctl", "stop", "--mode=immediate", "--pgdata",
                           data)
            except RuntimeError:
                pass            # it is down

    def kill(self):
        """Kill the postmaster, and wait until its children have noticed."""
        postmaster = self.postmaster()
        if postmaster is None:
            return False
        children = children_of(postmaster)
        os.kill(postmaster, signal.SIGKILL)
        begun = time.monotonic()
        while True:
            left = [pid for pid in children + [postmaster] if runs(pid)]
            if not left:
                return True
            if time.monotonic() > begun + SLOW:
                for pid in left:
                    self.slow.append("process %d outlived its postmaster: %s"
                                     % (pid, name_of(pid)))
                    kill(pid)
            time.sleep(0.01)

    def wait_until_up(self):
        """Wait until it lets us in: after a crash it comes by itself."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                connection = self.connect("postgres")
            except Lost:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
                continue
            connection.close()
            return

    # ---- a standby

    def add_standby(self, directory):
        """One that every COMMIT waits for."""
        sockets = os.path.join(directory, "standby")
        data = os.path.join(sockets, "data")
        os.mkdir(sockets)
        self._call("pg_basebackup", "--pgdata", data, "--write-recovery-conf",
                   "--checkpoint=fast", "--no-sync", "--dbname",
                   "host='%s' port=5432 user=postgres" % self.sockets)
        with open(os.path.join(data, "postgresql.auto.conf"), "a") as conf:
            conf.write("unix_socket_directories = '%s'\n" % sockets)
        self.standby = data, os.path.join(sockets, "server.log"), sockets
        self.start_standby()
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'",
                 "postgres")
        self.ask("SELECT pg_reload_conf()", "postgres")

    def start_standby(self):
        data, log, _ = self.standby
        self._call("pg_ctl", "start", "--pgdata", data, "--wait", "--log",
                   log)

    def stop_standby(self):
        self._call("pg_ctl", "stop", "--mode=immediate", "--pgdata",
                   self.standby[0])

    def promote_standby(self):
        """Be the standby from now on; the primary must be dead for good."""
        self._call("pg_ctl", "promote", "--pgdata", self.standby[0], "--wait",
                   "--timeout", str(PATIENCE))
        self.logs.append(self.standby[1])
        self.data, self.log, self.sockets = self.standby
        self.standby = None
        self.failed_over = True

    # ---- who is there

    def ask(self, sql, database="storm"):
        """Rows, from a session of its own."""
        connection = self.connect(database)
        try:
            return connection.rows(sql)
        finally:
            connection.close()

    def processes(self, which):
        """Ids of the processes for which an SQL condition on
        pg_stat_activity is true; none where the cluster is down."""
        try:
            return [int(row[0]) for row in self.ask(
                "SELECT pid FROM pg_stat_activity WHERE pid <>"
                " pg_backend_pid() AND (%s) ORDER BY pid" % which,
                "postgres")]
        except (Lost, SqlError):
            return []


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return [int(each) for each in children.read().split()]
    except OSError:
        return []


def runs(pid):
    """Is it there, and no zombie?"""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def name_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid) as words:
            return words.read().replace("\0", " ").strip()
    except OSError:
        return "gone"


def kill(pid, number=signal.SIGKILL):
    """False if it has gone."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False
