"""The course of events: build, blow, calm down, compare."""

import os
import random
import threading
import time
from collections import Counter

from . import audit, books, scenery
from .acts import Acts
from .clients import Client
from .cluster import Cluster
from .disaster import Disaster
from .libpq import Lost, SqlError
from .notes import Notes
from .sandbox import Sandbox
from .weather import Weather

PATIENCE = 120      # seconds without any progress, until we give up
SHOWN = 40          # complaints that are printed
OWN = "the storm itself"

UNFINISHED = ("SELECT count(*), (SELECT count(*) FROM order_gateway_results)"
              " FROM order_gateway_calls WHERE state NOT IN ('done',"
              " 'quarantined')")


# Each row of a table is in each of its indexes.
INDEXES = ("SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE"
           " indrelid::regclass::text LIKE 'order_gateway\\_%'")


class Settings:
    def __init__(self, seed, seconds, clients, standby, calls=True,
                 in_session=False):
        self.standby = standby
        self.calls = 0.45 if calls else 0   # part of what is called at once
        self.in_session = in_session    # and not made by the worker
        self.seed = seed
        self.seconds = seconds
        self.clients = clients
        self.pause = 0.2        # most seconds between two acts of a client
        self.quiet = 0.5        # between two disasters, on average
        self.flaky = 0.15       # part of the calls to servers that come and go
        self.hushed = threading.Event()     # the clients are to be silent
        self.unnamed = threading.Event()    # the database has no worker
        self.namings = 0                    # how often it had none


class Tempest:
    def __init__(self, settings, directory, say):
        self.settings = settings
        self.directory = directory
        self.say = say
        self.complaints = []
        self.notes = Notes()
        self.cluster = self.sandbox = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.cluster is not None:
            self.cluster.stop_all()
        if self.sandbox is not None:
            self.sandbox.stop()

    def complain(self, rule, words):
        self.complaints.append((rule, words))

    # ---- the parts

    def build(self):
        self.sandbox = Sandbox(os.path.join(self.directory, "sandbox"))
        self.cluster = Cluster(self.directory, self.directory)
        self.cluster.start()
        scenery.build(self.cluster, self.sandbox, self.settings.in_session)
        if self.settings.standby:
            self.cluster.add_standby(self.directory)
        settings, seed = self.settings, self.settings.seed
        self.acts = Acts(self.sandbox, settings)
        self.weather = Weather(seed, self.cluster, self.sandbox)
        self.disaster = Disaster(seed, self.cluster, self.sandbox, settings)
        self.clients = [
            Client("client%d" % number, seed, self.cluster, self.acts,
                   self.notes, settings,
                   scenery.ROLES[number % len(scenery.ROLES)])
            for number in range(settings.clients)]

    def blow(self):
        """Until the time is over, or one of the threads fails."""
        threads = self.clients + [self.weather, self.disaster]
        for each in threads:
            each.start()
        until = time.monotonic() + self.settings.seconds
        while time.monotonic() < until \
                and not any(each.crash for each in threads):
            time.sleep(0.1)
        if self.settings.standby:
            # the last disaster, while the clients go on
            self.disaster.fail_over()
            time.sleep(min(5, self.settings.seconds))
        for each in threads:
            each.stopped.set()
        for each in threads:
            each.join(300)
            if each.is_alive():
                self.complain(OWN,
                              "%s does not end" % each.name)
            if each.crash:
                self.complain(OWN, "%s: %r"
                              % (each.name, each.crash))

    def calm(self):
        """Everything works again; what was prepared ends."""
        self.disaster.clear_up()
        self.weather.clear_up()
        connection = self.cluster.connect()
        try:
            for prepared in list(self.notes.prepared.values()):
                self.clients[0].end_prepared(connection.run, prepared)
            left = connection.rows("SELECT gid FROM pg_prepared_xacts")
        finally:
            connection.close()
        for (gid,) in left:
            self.complain(OWN, "%s is still prepared" % gid)

    def drain(self):
        """Wait until everything is done: as long as it takes, but not
        without any progress."""
        last, until = None, 0
        while True:
            begun = time.monotonic()
            now = self.cluster.ask(UNFINISHED)[0]
            if now[0] == "0":
                return
            if now != last:
                last, until = now, time.monotonic() + PATIENCE
            if time.monotonic() > until:
                self.complain("the queue goes on", "%s calls are not done,"
                              " and for %d s none was" % (now[0], PATIENCE))
                return
            # counting takes time in a long storm
            time.sleep(max(0.2, 2 * (time.monotonic() - begun)))

    def go_on(self):
        """A call of each provider that comes now is done."""
        chance = random.Random("%s afterwards" % self.settings.seed)
        client = Client("afterwards", self.settings.seed, self.cluster,
                        self.acts, self.notes, self.settings, "storm_a")
        client.connection = self.cluster.connect(user="storm_a")
        try:
            for provider in scenery.PROVIDERS:
                self.submit_now(client, chance, provider)
        except (Lost, SqlError) as error:
            self.complain("the queue goes on", str(error))
        finally:
            if client.connection is not None:
                client.connection.close()

    def submit_now(self, client, chance, provider):
        submit = self.acts.any(chance, (provider,))
        submit.server, submit.expires, submit.not_before = provider, None, None
        transaction = self.notes.open(client.name)
        call = client.submit(transaction, submit, "insert")
        transaction.end = "committed"
        rows = client.run_sql(
            "SELECT DISTINCT outcome FROM order_gateway_wait(%d, interval"
            " '%d s')" % (call, PATIENCE))[1]
        if not rows or {row[0] for row in rows} & {"unknown", "not_sent"}:
            self.complain("the queue goes on", "a call to %s afterwards is %s"
                          % (provider, rows))

    def look_at_worker(self):
        for database, pid in self.cluster.ask(
                "SELECT database, pid FROM order_gateway_workers"):
            if pid is None:
                self.complain("the queue goes on",
                              "%s has no worker" % database)

    def check_indexes(self):
        self.cluster.ask("CREATE EXTENSION IF NOT EXISTS amcheck")
        try:
            self.cluster.ask(INDEXES)
        except SqlError as error:
            self.complain("indexes have all rows", str(error))

    def look_at_ends(self):
        """Of processes: none but ours, and none that takes long."""
        for log in self.cluster.logs:
            for line in books.unplanned_deaths(log):
                self.complain("no death but ours", line)
        for words in self.cluster.slow:
            self.complain("everything ends soon", words)
        if "Traceback" in self.sandbox.words():
            self.complain(OWN, self.sandbox.words())

    def compare(self):
        journal = books.read_journal(self.cluster)
        self.books = audit.Books(
            books.read_sandbox(self.sandbox), journal,
            books.read_clients(self.cluster, self.notes, journal),
            self.cluster.failed_over)
        self.complaints += audit.complaints(self.books)
        self.complaints += [("what clients are told", words)
                            for words in self.notes.complaints]
        self.look_at_ends()
        if not self.disaster.killed():
            self.complain("a storm", "nothing was killed")
        if not self.books.sandbox.requests:
            self.complain("a storm", "nothing was sent")

    def run(self):
        """0 if all agrees, 1 if the books do not, 2 if we failed."""
        self.build()
        self.blow()
        self.calm()
        self.drain()
        self.go_on()
        self.look_at_worker()
        self.check_indexes()
        self.compare()
        self.summarize()
        rules = {rule for rule, _ in self.complaints}
        return 0 if not rules else 2 if rules == {OWN} else 1

    # ---- what is printed

    def unaccounted(self):
        """Orders that were touched, and of which no row tells."""
        keys = self.books.sandbox.arrivals
        lost = keys - self.books.call_of.keys()
        return "%d of %d orders that were touched; %d without a worker" % (
            len(lost - self.books.unwatched), len(keys),
            len(lost & self.books.unwatched))

    def unknowns(self):
        """What the sandbox knows of orders whose outcome is unknown."""
        found = Counter()
        for _, _, rows, arrivals in self.books.each_key():
            if any(row["outcome"] == "unknown" for row in rows):
                found["carried out" if any(each.done for each in arrivals)
                      else "arrived" if arrivals else "never arrived"] += 1
        return found

    def told(self):
        ends = Counter(each.end for each in self.notes.transactions)
        outcomes = Counter(row["outcome"] for rows in
                           self.books.journal.results.values()
                           for row in rows)
        states = Counter(each["state"] for each in
                         self.books.journal.calls.values())
        called = Counter("whole" if each.whole else each.state or "in part"
                         for each in self.notes.calls)
        return (("seed", self.settings.seed),
                ("transactions", counted(ends)),
                ("called", counted(called)),
                ("unaccounted", self.unaccounted()),
                ("calls", counted(states)),
                ("orders", counted(outcomes)),
                ("unknown", counted(self.unknowns())),
                ("settled", counted(Counter(
                    row["outcome"] for rows in
                    self.books.journal.results.values() for row in rows
                    if audit.settled(row)))),
                ("requests", self.books.sandbox.requests),
                ("faults", sum(self.books.sandbox.faults.values())),
                ("disasters", counted(self.disaster.done)),
                ("errors", counted(self.notes.errors)))

    def summarize(self):
        for name, value in self.told():
            self.say("%-13s %s" % (name, value))
        counts = Counter(rule for rule, _ in self.complaints)
        shown = Counter()
        for rule, words in self.complaints:
            shown[rule] += 1
            if shown[rule] <= SHOWN / len(counts):
                self.say("FAILED: %s: %s" % (rule, words))
        for rule, count in counts.items():
            self.say("FAILED: %s: %d in all" % (rule, count))


def counted(counter):
    return ", ".join("%s %d" % (name, count) for name, count in
                     sorted(counter.items(), key=lambda each: -each[1])) \
        or "none"
