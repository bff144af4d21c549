"""The faults of BTSE's streams: each is armed, and seen by a client."""

import json
import socket
import time

from order_sandbox.faults import KNOWN
from order_sandbox.fault_stream import FRAMES, TEXTS, UPGRADES

from .test_btse_stream import StreamCase
from .ws import BOOK, OTHER, Book, Ended, WebSocket

BTC = "update:BTC-USD_0"
TRADES = "tradeHistoryApi:BTC-USD"


class StreamFaults(StreamCase):
    def arm(self, name, **args):
        self.post("/faults", dict(args, fault=name))

    def fired(self, name, times=1):
        self.assertEqual([each["fired"] for each
                          in self.get("/faults?fault=" + name)][-1], times)

    def followed(self, topic=BTC):
        """A connection whose first message has come."""
        connection = self.follow(topic)
        connection.json()
        self.number = self.get("/streams")["connections"][-1]["connection"]
        return connection

    def move(self, count=1):
        """So many messages of the book and the best prices."""
        for _ in range(count):
            self.moved = getattr(self, "moved", 0) + 1
            self.put("book", {"symbol": "BTC-USD", "buy": [
                ["36975.5", str(self.moved)]]})

    def ended(self, connection, code=None):
        with self.assertRaises(Ended) as ended:
            while True:
                connection.recv()
        self.assertEqual(ended.exception.code, code)

    def sizes(self, connection, count):
        return [connection.json()["data"]["bids"][0][1]
                for _ in range(count)]

    def test_covers_all(self):
        tested = {name[5:] for name in dir(self)}
        self.assertEqual({name for name, kind in KNOWN.items()
                          if kind.stage == "stream"} - tested, set())

    def test_mistakes(self):
        for wanted in ({"fault": "stream_lost", "provider": "xt"},
                       {"fault": "stream_seq", "form": "x"},
                       {"fault": "stream_close", "on": "x"},
                       {"fault": "stream_lost", "kept_back": 1}):
            self.assertEqual(self.tell("POST", "/faults", wanted)[0], 400)

    def test_choosing(self):
        """By topic and URL; others are not touched, nor is REST."""
        self.arm("stream_silent", topic="snapshotL1:", url="book")
        best = self.follow("snapshotL1:BTC-USD", BTC)
        self.assertEqual(best.json()["topic"], BTC)
        self.move()
        self.assertEqual(best.json()["topic"], "update:BTC-USD")
        self.assertEqual(self.public("/time").status, 200)
        self.tell("DELETE", "/faults?fault=stream_silent")
        self.move()
        best.data("snapshotL1:")
        self.assertTrue(self.get("/wait?fault=stream_silent")["reached"])

    # ---- what does not come

    def test_stream_lost(self):
        connection = self.followed()
        self.arm("stream_lost", topic="update:", skip=1)
        self.move(3)
        self.assertEqual(self.sizes(connection, 2), ["1", "3"])
        self.fired("stream_lost")

    def test_stream_silent(self):
        self.arm("stream_silent")
        connection = self.follow(BTC)
        self.move()
        self.assertTrue(connection.silent())

    def test_stream_no_ack(self):
        self.arm("stream_no_ack", topic="subscribe")
        connection = self.ws(BOOK)
        connection.op("subscribe", BTC)
        self.assertEqual(connection.json()["data"]["type"], "snapshot")

    def test_stream_part_ack(self):
        for data in (False, True):
            self.arm("stream_part_ack", data=data, which="last")
            connection = self.ws(BOOK)
            self.assertEqual(connection.subscribe("snapshotL1:BTC-USD", BTC),
                             [BTC])
            topics = {connection.json()["topic"]}
            if data:
                topics.add(connection.json()["topic"])
            self.assertEqual(topics, {BTC, "snapshotL1:BTC-USD"} if data
                             else {BTC})
            self.assertTrue(connection.silent())

    def test_stream_strange_ack(self):
        self.arm("stream_strange_ack")
        self.assertEqual(self.ws(BOOK).subscribe(BTC),
                         [BTC, "update:DOGE-USD_0"])

    def test_stream_snapshot_first(self):
        self.arm("stream_snapshot_first")
        connection = self.ws(BOOK)
        connection.op("subscribe", BTC)
        self.assertEqual(connection.json()["topic"], BTC)
        self.assertEqual(connection.json()["event"], "subscribe")

    def login(self):
        connection = self.ws(OTHER, timeout=0.5)
        return connection, connection.login(
            self.ready["credentials"]["btse"])

    def test_stream_no_login_ack(self):
        self.arm("stream_no_login_ack")
        with self.assertRaises((socket.timeout, TimeoutError)):
            self.login()

    def test_stream_login_refused(self):
        self.arm("stream_login_refused")
        connection, answer = self.login()
        self.assertFalse(answer["success"])
        self.assertEqual(connection.subscribe("fills"), ["fills"])
        self.created(type="MARKET", size=1)
        self.assertTrue(connection.silent())
        self.assertTrue(self.login()[1]["success"])

    def test_stream_no_pong(self):
        self.arm("stream_no_pong")
        connection = self.ws(BOOK)
        connection.send("ping")
        self.assertTrue(connection.silent())

    # ---- too many, too late

    def test_stream_repeated(self):
        connection = self.followed()
        self.arm("stream_repeated", more=2)
        self.move(2)
        self.assertEqual(self.sizes(connection, 4), ["1", "1", "1", "2"])

    def test_stream_swapped(self):
        connection = self.followed()
        self.arm("stream_swapped")
        self.move(3)
        self.assertEqual(self.sizes(connection, 3), ["2", "1", "3"])

    def test_stream_late(self):
        connection = self.followed()
        self.arm("stream_late", ms=300)
        self.move(2)
        self.assertEqual(self.sizes(connection, 2), ["2", "1"])

    # ---- what it says

    def test_stream_seq(self):
        connection = self.followed()
        for form in ("gap", "repeated", "lower", "prev", "missing", "null",
                     "fraction"):
            self.arm("stream_seq", topic="update:", form=form)
            self.move()
            data = connection.json()["data"]
            seq = self.truth_of()["seq"]
            told = data.get("seqNum", "-"), data.get("prevSeqNum", "-")
            self.assertEqual(told, {
                "gap": (seq + 5, seq + 4), "repeated": (seq - 1, seq - 2),
                "lower": (seq - 5, seq - 6), "prev": (seq, seq - 6),
                "missing": ("-", "-"), "null": (None, None),
                "fraction": (seq + 0.5, seq - 1)}[form])

    def test_stream_crossed(self):
        connection = self.followed()
        for equal in (False, True):
            self.arm("stream_crossed", equal=equal)
            self.move()
            bid = float(connection.json()["data"]["bids"][0][0])
            ask = float(self.truth_of()["asks"][0][0])
            self.assertTrue(bid == ask if equal else bid > ask)
        best = self.followed("snapshotL1:BTC-USD")
        self.arm("stream_crossed", topic="snapshotL1:")
        self.move()
        data = best.json()["data"]
        self.assertGreater(float(data["bids"][0][0]),
                           float(data["asks"][0][0]))

    def test_stream_levels(self):
        self.arm("stream_levels", side="asks")
        connection = self.follow(BTC)
        book = Book(connection.json())
        self.assertEqual(len(book.levels("asks")), 25 + 51)
        self.assertEqual(len(book.levels("bids")), 25)
        self.arm("stream_levels")
        self.move()
        self.assertEqual(len(connection.json()["data"]["asks"]), 51)

    def test_stream_topic(self):
        connection = self.followed()
        for form, topic, symbol in (
                ("topic", "update:ETH-USD", "BTC-USD"),
                ("symbol", "update:BTC-USD", "ETH-USD"),
                ("both", "update:ETH-USD", "ETH-USD"),
                ("missing", None, "BTC-USD"),
                ("unknown", "weather:LONDON", "BTC-USD")):
            self.arm("stream_topic", form=form)
            self.move()
            told = connection.json()
            self.assertEqual((told.get("topic"), told["data"]["symbol"]),
                             (topic, symbol))

    def test_stream_fields(self):
        connection = self.followed(TRADES)
        self.arm("stream_fields", values={"price": "1e3"}, raw=True,
                 fields=["side"])
        self.put("trades", {"symbol": "BTC-USD", "price": "5"})
        row = connection.json()["data"][0]
        self.assertEqual(row["price"], 1000)
        self.assertNotIn("side", row)

    def test_stream_text(self):
        connection = self.followed()
        for form in TEXTS:
            self.arm("stream_text", form=form)
            self.move()
            connection.recv()
        self.move()
        self.assertEqual(connection.json()["topic"], "update:BTC-USD")
        self.arm("stream_text", form="html", on="ack")
        connection.op("unsubscribe", BTC)
        self.assertIn(b"<html>", connection.recv())

    # ---- how it travels

    def test_stream_close(self):
        for args, code in (({"code": 1006}, None),
                           ({"code": 1006, "how": "reset"}, None),
                           ({"code": 1006, "how": "close"}, None),
                           ({"code": 1007, "reason": "full"}, 1007),
                           ({"code": 1008, "error": True}, 1008),
                           ({"code": 0}, None), ({"code": 4321}, 4321)):
            connection = self.followed()
            self.arm("stream_close", connection=self.number, **args)
            self.move()
            if args.get("error"):
                told = connection.json()
                self.assertEqual(told["errors"][0]["error"]["code"], 1008)
            self.ended(connection, code)
        self.arm("stream_close", on="login", code=1008)
        connection = self.ws(OTHER)
        with self.assertRaises(Ended):
            connection.login(self.ready["credentials"]["btse"])

    def test_stream_slow(self):
        connection = self.followed()
        self.arm("stream_slow", ms=20, bytes=40)
        begun = time.monotonic()
        self.move(2)
        self.assertEqual(self.sizes(connection, 2), ["1", "2"])
        self.assertGreater(time.monotonic() - begun, 0.06)

    def test_stream_half(self):
        for then in ("drop", "close", "reset", "hold"):
            connection = self.followed()
            self.arm("stream_half", connection=self.number, then=then)
            self.move(2)
            if then == "hold":
                self.assertTrue(connection.silent())
                self.assertGreater(len(connection.buffer), 20)
            else:
                self.ended(connection)

    def test_stream_fragments(self):
        connection = self.followed()
        self.arm("stream_fragments", pings_between=True, empty=True, bytes=50)
        self.move(2)
        self.assertEqual(self.sizes(connection, 1), ["1"])
        self.assertGreater(connection.fragments, 4)
        self.assertGreater(connection.pings, 2)
        self.assertEqual(self.sizes(connection, 1), ["2"])

    def test_stream_binary(self):
        connection = self.followed()
        self.arm("stream_binary")
        self.move()
        self.assertEqual(connection.frame()[0], 0x82)

    def test_stream_bad_utf8(self):
        connection = self.followed()
        for form in ("byte", "cut", "surrogate", "overlong", "beyond"):
            self.arm("stream_bad_utf8", form=form)
            self.move()
            with self.assertRaises(UnicodeDecodeError):
                connection.recv().decode()
        self.arm("stream_bad_utf8", form="fragments")
        self.move()
        self.assertEqual(connection.json()["x"], "\u20ac")

    def test_stream_oversize(self):
        connection = self.followed()
        for form in ("whole", "fragments"):
            self.arm("stream_oversize", form=form)
            self.move()
            self.assertEqual(len(connection.recv()), 2 * 1024 * 1024)
        for form in ("declared", "absurd"):
            connection = self.followed()
            self.arm("stream_oversize", form=form, connection=self.number)
            self.move()
            self.assertTrue(connection.silent())

    def test_stream_pings(self):
        connection = self.followed()
        self.arm("stream_pings", pings=5000)
        self.move()
        self.assertEqual(len(self.sizes(connection, 1)), 1)
        self.assertEqual(connection.pings, 5000)
        self.arm("stream_pings", pings=3, on="open")
        connection = self.ws(BOOK)
        connection.send("ping")
        self.assertEqual((connection.recv(), connection.pings), (b"pong", 3))

    def test_stream_frame(self):
        for form in FRAMES:
            connection = self.followed()
            self.arm("stream_frame", form=form, connection=self.number)
            self.move()
            connection.need(2)
            self.fired("stream_frame")

    def test_stream_never_reads(self):
        self.arm("stream_never_reads", topic="update:", skip=1)
        connection = self.followed()
        self.move()
        connection.recv()
        connection.send("ping")
        self.assertTrue(connection.silent())
        self.move()
        connection.json()
        connection.sock.settimeout(0.5)
        with self.assertRaises((socket.timeout, TimeoutError)):
            for _ in range(1000):
                connection.send("x" * 60000)

    def test_stream_upgrade(self):
        for form in UPGRADES:
            self.arm("stream_upgrade", form=form)
            connection = WebSocket(self.ready, BOOK, upgrade=False,
                                   timeout=3 if form != "hold" else 0.3)
            self.addCleanup(connection.sock.close)
            if form in ("close", "garbage", "hold"):
                with self.assertRaises((Ended, TimeoutError)):
                    connection.upgrade(BOOK)
                continue
            connection.upgrade(BOOK)
            self.assertEqual(connection.status, int(form[5:]) if "http_" in
                             form else 302 if form == "redirect" else 101)
            self.assertEqual(connection.accepted, connection.status == 101
                             and form not in ("accept", "no_accept"))
            if form == "early":
                self.assertEqual(connection.json(), {"event": "early"})

    def test_open(self):
        """A message before anything was asked for."""
        self.arm("stream_text", form="number", on="open")
        self.assertEqual(json.loads(self.ws(BOOK).recv()), 42)
