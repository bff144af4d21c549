"""The course of events of a storm over streams."""

import os
import time
from collections import Counter

from . import stream_audit, stream_scenery
from .cluster import Cluster
from .sandbox import Sandbox
from .stream_disaster import STREAM, StreamDisaster
from .stream_readers import Reader
from .stream_weather import Filler, StreamWeather
from .tempest import OWN, Tempest, counted

PATIENCE = 75       # seconds until all is live, and all fills are there

NOT_LIVE = ("SELECT stream_id, kind, symbol, state, last_error FROM"
            " order_gateway_streams WHERE state <> 'live'")
COUNTED = """
SELECT s.stream_id, s.kind, s.symbol, s.gaps, count(e.event_id)
FROM order_gateway_streams AS s LEFT JOIN btse_stream_event AS e
	ON e.kind = s.kind AND e.symbol = s.symbol AND e.event NOT IN
	('connected', 'disconnected')
WHERE s.kind IN ('book', 'l1')
GROUP BY s.stream_id, s.kind, s.symbol, s.gaps
HAVING count(e.event_id) < s.gaps"""
EVENTS = "SELECT event, count(*) FROM btse_stream_event GROUP BY event"


class StreamTempest(Tempest):
    """What is the same is told in tempest.py."""

    def build(self):
        self.sandbox = Sandbox(os.path.join(self.directory, "sandbox"))
        self.cluster = Cluster(self.directory, self.directory)
        self.cluster.start()
        stream_scenery.build(self.cluster, self.sandbox)
        seed = self.settings.seed
        self.sandbox.post("/streams/trader", {
            "rate": 15, "seed": seed,
            "symbols": list(stream_scenery.MARKETS)})
        stream_scenery.follow(self.cluster)
        self.all_live("at first")
        self.since = time.time()
        self.weather = StreamWeather(seed, self.sandbox)
        self.filler = Filler(seed, self.sandbox)
        self.disaster = StreamDisaster(seed, self.cluster, self.sandbox,
                                       self.settings)
        self.readers = [Reader("reader%d" % number, seed, self.cluster,
                               self.sandbox, self.complain)
                        for number in range(2)]
        self.clients = [self.filler]

    def blow(self):
        for each in self.readers:
            each.start()
        super().blow()

    def wait(self, true):
        until = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > until:
                return False
            time.sleep(0.5)
        return True

    def all_live(self, when):
        if not self.wait(lambda: not self.cluster.ask(NOT_LIVE)):
            for row in self.cluster.ask(NOT_LIVE):
                self.complain("all is live", "%s: %s" % (when, row))

    def calm(self):
        """Everything works again; then one disconnect, since what was lost
        without one is read only each hour."""
        self.disaster.clear_up()
        self.weather.clear_up()
        self.all_live("after the storm")
        before = self.disconnects()
        self.sandbox.post("/streams/close", {"how": "drop"})
        if not self.wait(lambda: self.disconnects() > before):
            self.complain("everything has an event", "a disconnect has none")
        self.all_live("after a disconnect")

    def disconnects(self):
        return int(self.cluster.ask("SELECT count(*) FROM btse_stream_event"
                                    " WHERE event = 'disconnected'")[0][0])

    def go_on(self):
        """Fresh rows come."""
        for _ in range(3):
            self.filler.fill()
        self.sandbox.ask("DELETE", "/streams/trader")
        self.newest = {}
        for book in stream_scenery.BOOKS:
            if not self.wait(lambda: self.is_current(*book)):
                self.complain("fresh rows come", "the book %s is %s, and should"
                              " be of %s" % (book, *self.newest[book]))
        for each in self.readers:
            each.stopped.set()
            each.join(60)
            if each.crash:
                self.complain(OWN, "%s: %r" % (each.name, each.crash))

    def is_current(self, symbol, grouping):
        seq = self.sandbox.get("/streams/book", symbol=symbol,
                               grouping=grouping)["seq"]
        rows = self.cluster.ask(
            "SELECT seq FROM btse_book_top WHERE symbol = '%s' AND"
            " book_grouping = %d" % (symbol, grouping))
        self.newest[symbol, grouping] = rows, seq
        return rows == [(str(seq),)]

    def read(self):
        self.books = stream_audit.StreamBooks(
            self.cluster, self.sandbox, stream_scenery.MARKETS, self.since)
        return self.books

    def compare(self):
        self.wait(lambda: not self.read().missing_fills())
        time.sleep(1)
        self.complaints += stream_audit.complaints(self.read())
        for row in self.cluster.ask(COUNTED):
            self.complain("everything has an event", "stream %s, %s of %s: %s"
                          " gaps, and %s events" % row)
        self.look_at_ends()
        if not self.disaster.killed():
            self.complain(OWN, "nothing was killed")
        if not self.books.fills or not any(each.books for each
                                           in self.readers):
            self.complain(OWN, "nothing was seen")

    def drain(self):
        """Nothing is queued for long where all is live."""

    def look_at_worker(self):
        if len(self.cluster.processes(STREAM)) != 1:
            self.complain("fresh rows come", "there is no stream worker")

    def told(self):
        books = self.books
        return (("seed", self.settings.seed),
                ("looks", sum(each.looks for each in self.readers)),
                ("books", sum(each.books for each in self.readers)),
                ("fills", len(books.fills)),
                ("trades", "%d of %d" % (len(books.traded),
                                         len(books.trades))),
                ("notifications", "%d of %d" % (
                    sum(books.notified.values()), sum(books.told.values()))),
                ("holes", counted(Counter(each[0] for each in books.holes))),
                ("faults", self.weather.armed),
                ("disasters", counted(self.disaster.done)),
                ("events", counted(Counter({
                    event: int(count) for event, count
                    in self.cluster.ask(EVENTS)}))))
