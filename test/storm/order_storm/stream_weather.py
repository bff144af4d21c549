"""What BTSE's streams suffer while the storm blows, and who moves the market.

What is lost without a trace is left out: no one could tell that a trade or a
notification is missing where nothing numbers them.
"""

import itertools
import time

from .actor import Actor
from .sandbox import SandboxError
from .stream_scenery import MARKETS

BOOK, L1, FILLS, ANY = "update:", "snapshotL1:", "fills", ""

FAULTS = (
    ("stream_lost", {}, (BOOK, L1, FILLS)),
    ("stream_silent", {"times": 3}, (BOOK, L1)),
    ("stream_no_ack", {}, (ANY,)), ("stream_strange_ack", {}, (ANY,)),
    ("stream_snapshot_first", {}, (ANY,)),
    ("stream_no_login_ack", {}, (ANY,)), ("stream_login_refused", {}, (ANY,)),
    ("stream_no_pong", {"times": 1}, (ANY,)),
    ("stream_repeated", {}, (BOOK, L1, FILLS, "tradeHistoryApi")),
    ("stream_swapped", {}, (BOOK, FILLS)),
    ("stream_late", {"ms": 400}, (BOOK, FILLS)),
    ("stream_seq", {"form": "gap"}, (BOOK,)),
    ("stream_seq", {"form": "repeated"}, (BOOK,)),
    ("stream_seq", {"form": "lower"}, (BOOK,)),
    ("stream_seq", {"form": "prev"}, (BOOK,)),
    ("stream_seq", {"form": "missing"}, (BOOK,)),
    ("stream_seq", {"form": "null"}, (BOOK,)),
    ("stream_seq", {"form": "fraction"}, (BOOK,)),
    ("stream_crossed", {}, (BOOK, L1)),
    ("stream_crossed", {"equal": True}, (BOOK, L1)),
    ("stream_levels", {}, (BOOK,)),
    ("stream_topic", {"form": "topic"}, (BOOK,)),
    ("stream_topic", {"form": "symbol"}, (BOOK,)),
    ("stream_topic", {"form": "missing"}, (BOOK,)),
    ("stream_topic", {"form": "unknown"}, (BOOK, FILLS)),
    ("stream_text", {"form": "not_json"}, (ANY,)),
    ("stream_text", {"form": "truncated"}, (ANY,)),
    ("stream_close", {"code": 1006}, (ANY,)),
    ("stream_close", {"code": 1008}, (ANY,)),
    ("stream_close", {"code": 1006, "how": "reset"}, (ANY,)),
    ("stream_slow", {"ms": 2}, (ANY,)),
    ("stream_half", {"then": "drop"}, (ANY,)),
    ("stream_half", {"then": "hold"}, (ANY,)),
    ("stream_fragments", {"bytes": 7}, (ANY,)),
    ("stream_binary", {}, (ANY,)), ("stream_bad_utf8", {}, (ANY,)),
    ("stream_oversize", {}, (ANY,)), ("stream_pings", {"pings": 2000}, (ANY,)),
    ("stream_frame", {}, (ANY,)), ("stream_never_reads", {}, (ANY,)),
    ("stream_upgrade", {}, (ANY,)),
)
# A storm of a few seconds should have seen a bit of each.
COMMON = (("stream_lost", {}, (BOOK, BOOK, L1, FILLS)),
          ("stream_repeated", {}, (BOOK, FILLS)),
          ("stream_late", {"ms": 400}, (BOOK, FILLS)),
          ("stream_close", {"code": 1006}, (ANY,)))
REST = (("close_before", {}), ("http_502", {}), ("delay", {"ms": 500}),
        ("half_answer", {}), ("truncated_json", {}), ("not_json", {}))


class StreamWeather(Actor):
    def __init__(self, seed, sandbox):
        super().__init__("weather", seed, 1.2)
        self.sandbox = sandbox
        self.armed = 0

    def act(self):
        chance = self.random.random()
        if chance < 0.1:
            self.sandbox.post("/settings", {
                "btse_rest_lag_ms": self.random.choice((0, 500, 3000))})
        elif chance < 0.2:
            fault, more = self.random.choice(REST)
            self.sandbox.arm("btse", fault, times=self.random.choice((1, 3)),
                             **more)
        elif chance < 0.3:
            self.sandbox.post("/streams/close", {
                "how": self.random.choice(("close", "drop", "reset"))})
        else:
            fault, more, topics = self.random.choice(
                COMMON if self.random.random() < 0.4 else FAULTS)
            more = dict({"times": 1}, **more)
            topic = self.random.choice(topics)
            if topic:
                more["topic"] = topic
            self.sandbox.post("/faults", dict(
                more, fault=fault, skip=self.random.choice((0, 1, 5))))
        self.armed += 1

    def clear_up(self):
        self.sandbox.disarm()
        self.sandbox.post("/settings", {"btse_rest_lag_ms": 0})


class Filler(Actor):
    """Orders of the account are filled, each with a size of its own."""

    numbers = itertools.count(1)

    def __init__(self, seed, sandbox):
        super().__init__("filler", seed, 1 / 3)
        self.sandbox = sandbox

    def act(self):
        for _ in range(self.random.choice((1, 1, 1, 4))):
            self.fill()

    def fill(self):
        number = next(self.numbers)
        order = "f0000000-0000-4000-8000-%012d" % number
        self.sandbox.post("/orders", {
            "provider": "btse", "market": self.random.choice(MARKETS),
            "ids": [order], "fields": {"size": "3.5", "price": "10"}})
        try:
            self.sandbox.post("/orders/%s/fill?provider=btse" % order, {
                "size": "0.%06d" % number, "price": "%d.%04d" % (
                    20 + number, number % 10000)})
        except SandboxError:
            time.sleep(0)       # the market itself has filled it
