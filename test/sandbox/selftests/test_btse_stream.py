"""BTSE's streams: topics, acknowledgements, login, limits, and one market
behind REST and both URLs."""

import json
import os
import subprocess
import time

from order_sandbox.client import ControlClient
from order_sandbox.websocket import CONTINUED, PING, PONG, TEXT, frame

from .base import COMMAND, launch
from .btse_base import ME, BtseCase
from .ws import BOOK, OTHER, Book, Ended, WebSocket

OTHER_ME = {"api_key": "second-key", "secret_key": "second-secret"}


class StreamCase(BtseCase):
    def ws(self, path, **options):
        connection = WebSocket(self.ready, path, **options)
        self.addCleanup(connection.sock.close)
        return connection

    def follow(self, *topics):
        """A connection that follows public topics."""
        path = OTHER if topics[0].startswith("trade") else BOOK
        connection = self.ws(path)
        self.assertEqual(set(connection.subscribe(*topics)), set(topics))
        return connection

    def private(self, *topics, credentials=None):
        connection = self.ws(OTHER)
        self.assertTrue(connection.login(
            credentials or self.ready["credentials"]["btse"])["success"])
        self.assertEqual(set(connection.subscribe(*topics)), set(topics))
        return connection

    def truth_of(self, symbol="BTC-USD", grouping=0, **which):
        return self.get("/streams/book?symbol=%s&grouping=%d%s" % (
            symbol, grouping, "".join("&%s=%s" % each
                                      for each in which.items())))


class Upgrade(StreamCase):
    def test_both_ports(self):
        for kind in ("tls", "plain", "tls12"):
            with WebSocket(self.ready, BOOK, kind) as connection:
                self.assertEqual(connection.status, 101)
                self.assertTrue(connection.accepted)
                self.assertNotIn("Extensions", connection.head)
        self.assertEqual(self.get("/requests?provider=btse"), [])
        self.assertEqual([each["path"] for each in self.get(
            "/requests?provider=btse_stream")], [BOOK] * 3)

    def test_refused(self):
        for headers, status in (({"Upgrade": None}, 426),
                                ({"Sec_WebSocket_Version": "8"}, 400),
                                ({"Sec_WebSocket_Key": None}, 400)):
            with WebSocket(self.ready, BOOK, upgrade=False) as connection:
                connection.upgrade(BOOK, **headers)
                self.assertEqual(connection.status, status)

    def test_most_connections(self):
        self.set(stream_most_connections=2)
        for status in (101, 101, 429):
            self.assertEqual(self.ws(BOOK).status, status)

    def test_urls(self):
        for name, path in (("stream_url", OTHER), ("book_stream_url", BOOK)):
            self.assertEqual(
                self.ready["stream_urls"][name]["tls"],
                "wss://localhost:%d%s" % (self.ready["ports"]["tls"], path))


class Topics(StreamCase):
    def errors(self, connection):
        message = connection.json()
        self.assertEqual(message["severity"], "ERROR")
        return [(each["arg"], each["error"]["code"])
                for each in message["errors"]]

    def test_refused(self):
        connection = self.ws(BOOK)
        connection.op("subscribe", "update:BTC-USD_0", "update:XX-USD_0",
                      "nothing:BTC-USD", "update:BTC-USD",
                      "snapshotL1:BTC-USD_0", "fills:x", 7)
        self.assertEqual(self.errors(connection), [
            ("update:XX-USD_0", 1000), ("nothing:BTC-USD", 1005),
            ("update:BTC-USD", 1005), ("snapshotL1:BTC-USD_0", 1009),
            ("fills:x", 1005), (7, 1002)])
        self.assertEqual(connection.json(), {
            "event": "subscribe", "channel": ["update:BTC-USD_0"]})
        self.assertEqual(connection.json()["data"]["type"], "snapshot")
        connection.op("subscribe", "nothing")
        self.errors(connection)
        self.assertEqual(connection.json()["channel"], [])

    def test_nonsense(self):
        connection = self.ws(BOOK)
        for text, code in (('{"op":"dance"}', 1001), ("no JSON", 1002),
                           ("[1]", 1002), ('{"args":["x"]}', 1002),
                           ('{"op":"subscribe","args":"x"}', 1002),
                           ('{"op":"authKeyExpires","args":[]}', 1001)):
            connection.send(text)
            self.assertEqual(self.errors(connection)[0][1], code, text)

    def test_no_args(self):
        connection = self.ws(BOOK)
        connection.send('{"op":"subscribe"}')
        self.assertTrue(connection.silent())

    def test_too_many_failures(self):
        connection = self.ws(BOOK)
        with self.assertRaises(Ended) as ended:
            for _ in range(20):
                connection.send("nonsense")
            while True:
                last = self.errors(connection)
        self.assertEqual((last, ended.exception.code), ([(None, 1008)], 1008))

    def test_other_url(self):
        connection = self.ws(OTHER)
        self.assertEqual(connection.subscribe(
            "update:BTC-USD_0", "snapshotL1:BTC-USD"), [])
        self.assertTrue(connection.silent())
        self.assertEqual(self.ws(BOOK).subscribe("tradeHistoryApi:BTC-USD",
                                                 "fills"), [])

    def test_grouping_out_of_range(self):
        connection = self.follow("update:BTC-USD_9")
        self.assertTrue(connection.silent())

    def test_order_of_acknowledgement(self):
        wanted = ["update:BTC-USD_0", "update:ETH-USD_0", "snapshotL1:BTC-USD"]
        self.assertEqual(self.ws(BOOK).subscribe(*wanted), wanted[::-1])
        self.set(stream_ack_order="asked")
        self.assertEqual(self.ws(BOOK).subscribe(*wanted), wanted)

    def test_most_topics(self):
        self.set(stream_most_topics=2)
        connection = self.ws(BOOK)
        connection.op("subscribe", *("update:BTC-USD_%d" % grouping
                                     for grouping in range(3)))
        self.assertEqual(self.errors(connection), [("update:BTC-USD_2", 1002)])
        self.assertEqual(len(connection.json()["channel"]), 2)

    def test_unsubscribe(self):
        connection = self.follow("snapshotL1:BTC-USD")
        connection.json()
        connection.op("unsubscribe", "snapshotL1:BTC-USD", "update:BTC-USD_0")
        self.assertEqual(connection.json(), {
            "event": "unsubscribe", "channel": ["snapshotL1:BTC-USD"]})
        self.put("book", {"symbol": "BTC-USD", "buy": [["36975.5", "7"]]})
        self.assertTrue(connection.silent())
        self.assertEqual(self.get("/streams")["topics"], {})


class Wire(StreamCase):
    def test_ping(self):
        connection = self.ws(BOOK)
        connection.send("ping")
        self.assertEqual(connection.recv(), b"pong")
        connection.sock.sendall(frame(PING, b"why", masked=True))
        self.assertEqual(connection.frame(), (0x80 | PONG, b"why"))

    def test_fragments(self):
        connection = self.ws(BOOK)
        connection.sock.sendall(
            frame(TEXT, b"pi", False, masked=True)
            + frame(PING, b"", masked=True)
            + frame(CONTINUED, b"ng", masked=True))
        self.assertEqual(connection.frame()[0], 0x80 | PONG)
        self.assertEqual(connection.recv(), b"pong")

    def test_violations(self):
        for data, code in ((frame(TEXT, b"ping"), 1002),
                           (frame(TEXT, b"ping", masked=True, reserved=4),
                            1002),
                           (frame(CONTINUED, b"x", masked=True), 1002),
                           (frame(PING, b"x", False, masked=True), 1002),
                           (frame(TEXT, b"\xff", masked=True), 1007),
                           (frame(TEXT, b"x" * 70000, masked=True), 1009)):
            connection = self.ws(BOOK)
            connection.sock.sendall(data)
            with self.assertRaises(Ended) as ended:
                connection.recv()
            self.assertEqual(ended.exception.code, code)

    def test_silence(self):
        self.set(stream_idle_seconds=0.2)
        connection = self.ws(BOOK)
        with self.assertRaises(Ended):
            connection.recv()
        self.assertEqual(self.get("/streams")["connections"][0]["why"],
                         "silent for too long")

    def test_close(self):
        connection = self.ws(BOOK)
        connection.sock.sendall(frame(8, b"\x03\xe8bye", masked=True))
        with self.assertRaises(Ended) as ended:
            connection.recv()
        self.assertEqual(ended.exception.code, 1000)
        self.assertTrue(self.get("/wait?open=0&seconds=2")["reached"])

    def test_never_read(self):
        self.set(stream_buffer=100000)
        self.follow("update:BTC-USD_0")
        for _ in range(40):
            self.post("/streams/burst", {"moves": 500})
            if not self.get("/streams")["open"]:
                break
        gone, = self.get("/streams")["connections"]
        self.assertEqual(gone["why"], "it does not read")

    def test_send(self):
        connection = self.follow("snapshotL1:BTC-USD")
        connection.json()
        self.assertEqual(self.post("/streams/send", {
            "topic": "snapshotL1:BTC-USD", "text": "hello"})["sent"], 1)
        self.assertEqual(connection.recv(), b"hello")
        self.assertEqual(self.post("/streams/send", {
            "url": "other", "text": "hello"})["sent"], 0)

    def test_close_streams(self):
        connection = self.ws(BOOK)
        self.post("/streams/close", {"code": 1012, "reason": "restart"})
        with self.assertRaises(Ended) as ended:
            connection.recv()
        self.assertEqual((ended.exception.code, ended.exception.reason),
                         (1012, "restart"))
        for how in ("drop", "reset"):
            connection = self.ws(BOOK)
            self.assertEqual(self.post("/streams/close",
                                       {"how": how})["closed"], 1)
            with self.assertRaises(Ended) as ended:
                connection.recv()
            self.assertIsNone(ended.exception.code)

    def test_reset(self):
        connection = self.ws(BOOK)
        self.post("/reset")
        with self.assertRaises(Ended) as ended:
            connection.recv()
        self.assertEqual(ended.exception.code, 1001)


class Books(StreamCase):
    def same(self, book, **which):
        truth = self.truth_of(seq=book.seq, **which)
        self.assertEqual(book.levels("bids"), truth["bids"])
        self.assertEqual(book.levels("asks"), truth["asks"])
        self.assertLess(float(truth["bids"][0][0]),
                        float(truth["asks"][0][0]))
        self.assertLessEqual(max(len(truth["bids"]), len(truth["asks"])), 50)

    def test_snapshot(self):
        connection = self.follow("update:BTC-USD_0")
        message = connection.json()
        self.assertEqual(message["topic"], "update:BTC-USD_0")
        data = message["data"]
        self.assertEqual(data["prevSeqNum"], data["seqNum"] - 1)
        self.assertEqual(data["bids"][0], ["36975.5", "5.00000"])
        self.same(Book(message))
        rest = self.public("/orderbook/L2", symbol="BTC-USD").json()
        self.assertEqual([[each["price"], each["size"]]
                          for each in rest["buyQuote"]], data["bids"])

    def test_deltas(self):
        """Whatever the trader does, both groupings stay true."""
        books = {}
        connections = {grouping: self.follow("update:BTC-USD_%d" % grouping)
                       for grouping in (0, 3)}
        for grouping, connection in connections.items():
            books[grouping] = Book(connection.json())
        self.assertNotEqual(books[0].seq, books[3].seq)
        self.post("/streams/burst", {"moves": 400})
        for grouping, connection in connections.items():
            last = self.truth_of(grouping=grouping)["seq"]
            while books[grouping].seq < last:
                message = connection.json()
                self.assertEqual(message["topic"], "update:BTC-USD")
                books[grouping].add(message)
                if books[grouping].seq % 40 == 0:
                    self.same(books[grouping], grouping=grouping)
            self.same(books[grouping], grouping=grouping)

    def test_best_follows(self):
        best = self.follow("snapshotL1:BTC-USD", "update:BTC-USD_0")
        best.op("subscribe", "update:BTC-USD_0")
        self.post("/streams/burst", {"moves": 50})
        truth, now = self.truth_of(), self.get("/streams/l1?symbol=BTC-USD")
        self.assertEqual(now["now"]["bid"], truth["bids"][0])
        self.assertEqual(now["now"]["ask"], truth["asks"][0])
        last = None
        while last != now["now"]["bid"]:
            last = best.data("snapshotL1:")["data"]["bids"][0]

    def test_seeded(self):
        connection = self.follow("update:ETH-USD_0")
        connection.json()
        self.put("book", {"symbol": "ETH-USD", "buy": [["2190.00", "1.50"]],
                          "sell": [["2190.05", "2"]]})
        book = self.truth_of("ETH-USD")
        self.assertEqual(book["bids"], [["2190.00", "1.50"]])
        self.assertEqual(connection.json()["data"]["seqNum"], book["seq"])

    def test_sequence_goes_on(self):
        """Who comes back finds a later sequence."""
        connection = self.follow("update:BTC-USD_0")
        first = connection.json()["data"]["seqNum"]
        connection.op("unsubscribe", "update:BTC-USD_0")
        connection.json()
        self.put("book", {"symbol": "BTC-USD", "buy": [["36970", "7"]]})
        connection.op("subscribe", "update:BTC-USD_0")
        connection.json()
        again = connection.json()
        self.assertGreater(again["data"]["seqNum"], first + 1)
        self.same(Book(again))

    def test_comes_and_goes_unseen(self):
        """Nor is it unknown where nothing is another than before."""
        connection = self.follow("update:BTC-USD_0")
        connection.json()
        connection.op("unsubscribe", "update:BTC-USD_0")
        connection.json()
        self.cancel(orderID=self.created(price=36976, size=2)["orderID"])
        connection.op("subscribe", "update:BTC-USD_0")
        connection.json()
        self.same(Book(connection.json()))

    def test_order_in_the_book(self):
        connection = self.follow("update:BTC-USD_0", "snapshotL1:BTC-USD")
        connection.json(), connection.json()
        row = self.created(price=36976, size=2)
        self.assertEqual(connection.json()["data"]["bids"], [["36976", "2"]])
        self.assertEqual(connection.json()["data"]["bids"], [["36976", "2"]])
        self.amend(row["orderID"], "SIZE", value=3)
        self.assertEqual(connection.json()["data"]["bids"], [["36976", "3"]])
        connection.json()
        self.cancel(orderID=row["orderID"])
        self.assertEqual(connection.json()["data"]["bids"], [["36976", "0"]])

    def test_settings(self):
        self.set(btse_stream_numbers="number", stream_ms=50)
        connection = self.follow("update:BTC-USD_0")
        self.assertEqual(connection.json()["data"]["bids"][0], [36975.5, 5.0])
        for size in "789":
            self.put("book", {"symbol": "BTC-USD", "buy": [["36970", size]]})
        self.assertIn([36970, 9], connection.json()["data"]["bids"])
        self.assertTrue(connection.silent())

    def test_never_alive(self):
        self.set(btse_live="never")
        self.assertTrue(self.follow("update:BTC-USD_0").silent())

    def test_unknown(self):
        for path in ("book?symbol=BTC-USD", "l1?symbol=BTC-USD",
                     "trades?symbol=X", "fills?account=X"):
            self.assertEqual(self.tell("GET", "/streams/" + path)[0], 400)


class Trading(StreamCase):
    def test_login(self):
        connection = self.ws(OTHER)
        own = self.ready["credentials"]["btse"]
        self.assertFalse(connection.login(own, secret="wrong")["success"])
        self.assertFalse(connection.login(dict(own, api_key="x"))["success"])
        self.assertEqual(connection.login(own),
                         {"event": "login", "success": True})

    def test_before_login(self):
        connection = self.ws(OTHER)
        self.assertEqual(connection.subscribe("fills"), ["fills"])
        connection.login(self.ready["credentials"]["btse"])
        self.created(type="MARKET", size=1)
        self.assertTrue(connection.silent())

    def test_taker(self):
        """REST and the streams tell the same of an order that trades."""
        trades = self.follow("tradeHistoryApi:BTC-USD")
        self.assertEqual(len(trades.json()["data"]), 20)
        connection = self.private("fills", "notificationApiV3")
        row = self.created(price=36977, size=7, clOrderID="mine")
        self.assertEqual(row["status"], 4)
        told = {"fills": [], "notificationApiV3": []}
        while len(told["fills"]) < 2 or len(told["notificationApiV3"]) < 3:
            message = connection.json()
            data = message["data"]
            told[message["topic"]].extend(
                data if isinstance(data, list) else [data])
        history = self.query("/user/trade_history", symbol="BTC-USD")
        self.assertEqual(
            [(each["tradeId"], str(each["serialId"]), each["orderId"],
              each["filledPrice"], each["filledSize"], each["timestamp"],
              str(each["feeAmount"]), each["clOrderID"])
             for each in reversed(history)],
            [(each["tradeId"], each["serialId"], each["orderId"],
              each["price"], each["size"], each["timestamp"],
              each["feeAmount"].rstrip("0"), each["clOrderId"])
             for each in told["fills"]])
        self.assertEqual({each["maker"] for each in told["fills"]}, {"taker"})
        self.assertEqual(
            [(each["status"], each["orderID"], each["remainingBaseSize"])
             for each in told["notificationApiV3"]],
            [(2, row["orderID"], 7), (5, row["orderID"], 2),
             (4, row["orderID"], 0)])
        public = trades.json()["data"]
        rest = self.public("/trades", symbol="BTC-USD", count=2).json()
        self.assertEqual(
            [(each["tradeId"], each["price"], each["size"], each["side"],
              each["timestamp"]) for each in public],
            [(each["serialId"], each["price"], each["size"], each["side"],
              each["timestamp"]) for each in rest])
        truth = self.get("/streams/fills")
        self.assertEqual([each["told"] for each in truth], [1, 1])
        self.assertEqual(len(self.get("/streams/trades?symbol=BTC-USD")), 2)

    def test_two_accounts(self):
        """They trade with each other, and each sees its own side."""
        self.post("/accounts", {"provider": "btse", "credentials": OTHER_ME})
        mine = self.private("fills", "notificationApiV3")
        other = self.private("fills", credentials=OTHER_ME)
        rests = self.created(price=36976, size=2)
        self.assertEqual(mine.json()["data"]["status"], 2)
        answer = self.signed("POST", "/order", {
            "symbol": "BTC-USD", "side": "SELL", "type": "LIMIT", "size": 2,
            "price": 36976}, key=OTHER_ME["api_key"],
            secret=OTHER_ME["secret_key"])
        self.assertEqual(answer.json()[0]["status"], 4, answer.body)
        self.assertEqual(mine.json()["data"]["status"], 4)
        bought, sold = mine.json()["data"], other.json()["data"]
        self.assertEqual([len(bought), len(sold)], [1, 1])
        self.assertEqual((bought[0]["maker"], sold[0]["maker"]),
                         ("maker", "taker"))
        self.assertEqual(bought[0]["tradeId"], sold[0]["tradeId"])
        self.assertNotEqual(bought[0]["serialId"], sold[0]["serialId"])
        self.assertEqual(bought[0]["orderId"], rests["orderID"])
        self.assertTrue(mine.silent() and other.silent())
        trade, = self.get("/streams/trades?symbol=BTC-USD")
        self.assertEqual((trade["side"], trade["price"]), ("SELL", "36976"))
        self.assertEqual([len(self.get("/streams/fills?account=" + name))
                          for name in (ME, OTHER_ME["api_key"])], [1, 1])

    def statuses(self, connection, count):
        return [connection.data("notification")["data"]["status"]
                for _ in range(count)]

    def test_notifications(self):
        connection = self.private("notificationApiV3")
        row = self.created(price=30000)
        self.assertEqual(self.statuses(connection, 1), [2])
        self.amend(row["orderID"], "PRICE", value=30001)
        self.assertEqual(self.statuses(connection, 1), [2])
        self.amend(row["orderID"], "TRIGGERPRICE", value=30001)
        self.assertEqual(self.statuses(connection, 1), [15])
        self.cancel(orderID=row["orderID"])
        self.assertEqual(self.statuses(connection, 1), [6])
        self.created(price=36980, postOnly=True, clOrderID="x")
        refused = connection.json()["data"]
        self.assertEqual((refused["status"], refused["orderID"],
                          refused["clOrderID"]), (15, "", "x"))
        self.put("balances", {"USD": "1"})
        self.created(price=36000)
        self.assertEqual(self.statuses(connection, 1), [8])
        self.drop("balances")
        self.created(price=36000, txType="STOP", triggerPrice=36990)
        self.assertEqual(self.statuses(connection, 1), [9])
        self.put("markets", {"symbol": "BTC-USD", "last": "36990"})
        self.assertEqual(self.statuses(connection, 1), [10])
        self.created(price=36000, time_in_force="IOC")
        self.assertEqual(self.statuses(connection, 2), [2, 6])
        self.assertEqual(
            [each["status"] for each in self.get("/streams/notifications")],
            [2, 2, 15, 6, 15, 8, 9, 10, 2, 6])

    def test_spellings(self):
        for naming, names, side in (
                ("examples", "remainingBaseSize", "BUY"),
                ("tables", "remainingOrderBaseSize", "BUY"),
                ("old", "remainingSize", "MODE_BUY")):
            self.set(btse_naming=naming)
            connection = self.private("notificationApiV3", "fills")
            self.created(price=36977, size=1)
            told = connection.data("notification")["data"]
            self.assertEqual((told[names], told["side"]), (1, side))
            fill = connection.data("fills")["data"][0]
            self.assertIs(type(fill["maker"]),
                          bool if naming == "tables" else str)

    def test_text(self):
        self.set(btse_stream_numbers="text")
        connection = self.private("fills")
        self.created(type="MARKET", size=1)
        self.assertEqual(connection.json()["data"][0]["size"], "1")

    def test_filled_by_control(self):
        trades = self.follow("tradeHistoryApi:BTC-USD")
        trades.json()
        connection = self.private("fills")
        self.seed("btse", ["a"], market="BTC-USD",
                  fields={"price": "36000.0", "side": "BUY"})
        self.post("/orders/a/fill", {"size": "2.5"})
        self.assertEqual(connection.json()["data"][0]["size"], 2.5)
        self.assertEqual(trades.json()["data"][0]["side"], "SELL")

    def test_rest_lags(self):
        self.set(btse_rest_lag_ms=300)
        connection = self.private("fills")
        before = len(self.public("/trades", symbol="BTC-USD").json())
        self.created(type="MARKET", size=1)
        connection.json()
        self.assertEqual(self.query("/user/trade_history",
                                    symbol="BTC-USD"), [])
        self.assertEqual(len(self.public("/trades", symbol="BTC-USD").json()),
                         before)
        until = time.monotonic() + 5
        while not self.query("/user/trade_history", symbol="BTC-USD"):
            self.assertLess(time.monotonic(), until)
        self.assertEqual(len(self.public("/trades", symbol="BTC-USD").json()),
                         before + 1)

    def test_trade_that_was_put(self):
        trades = self.follow("tradeHistoryApi:BTC-USD")
        trades.json()
        self.put("trades", {"symbol": "BTC-USD", "price": "1.50"})
        self.assertEqual(trades.json()["data"][0]["price"], 1.5)

    def test_triggered_by_trades(self):
        """What the trader does to the price wakes an order."""
        connection = self.private("notificationApiV3")
        self.created(side="SELL", price=36000, size=1, txType="STOP",
                     triggerPrice=36975.5)
        self.assertEqual(self.statuses(connection, 1), [9])
        self.created(side="SELL", price=36975.5, size=1)
        self.assertEqual(self.statuses(connection, 4)[-1:], [4])

    def test_fill_or_kill(self):
        connection = self.private("notificationApiV3")
        self.created(price=36976.5, size=6, time_in_force="FOK")
        self.assertEqual(self.statuses(connection, 2), [2, 6])
        self.created(price=36976.5, size=5, time_in_force="FOK")
        self.assertEqual(self.statuses(connection, 2), [2, 4])


class TheTrader(StreamCase):
    def test_same_seed(self):
        """The same seed makes the same market."""
        found = []
        for _ in range(2):
            self.post("/reset")
            connection = self.follow("update:BTC-USD_0")
            connection.json()
            self.post("/streams/trader", {
                "seed": 7, "moves": 200, "rate": 2000,
                "symbols": ["BTC-USD"]})
            self.until(lambda: not self.get("/streams/trader")["running"])
            book = self.truth_of()
            found.append((book["bids"], book["asks"]))
        self.assertEqual(*found)

    def until(self, condition):
        until = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def test_run_and_stop(self):
        connection = self.follow("snapshotL1:ETH-USD")
        started = self.post("/streams/trader", {"rate": 200})
        self.assertTrue(started["running"])
        self.assertTrue(self.get("/wait?topic=snapshotL1:ETH-USD&sent=3")
                        ["reached"])
        connection.json()
        self.assertEqual(self.tell("DELETE", "/streams/trader")[1]["running"],
                         False)
        for wrong in ({"x": 1}, {"rate": -1}, {"symbols": ["X-Y"]}):
            self.assertEqual(self.tell("POST", "/streams/trader", wrong)[0],
                             400)

    def trader(self, *words):
        return subprocess.run(
            [os.path.join(os.path.dirname(COMMAND), "trader"), *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=30)

    def test_program(self):
        """The trader as a program: it ends when its moves are made."""
        port = str(self.ready["ports"]["control"])
        made = self.trader("--control-port", port, "--rate", "500",
                           "--moves", "20", "--symbols", "BTC-USD")
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        self.assertRegex(made.stdout, r"^ *\d+ moves/s +0 messages/s\n")
        self.assertFalse(self.get("/streams/trader")["running"])
        self.assertEqual(self.get("/streams/trader")["made"], 20)
        wrong = self.trader("--control-port", port, "--symbols", "X-Y")
        self.assertEqual((wrong.returncode, wrong.stderr),
                         (1, "trader: no market 'X-Y' that may live\n"))

    def test_from_the_start(self):
        child = launch("--json", "--exit-with-stdin", "--trade", "100")
        self.addCleanup(child.stdout.close)
        state = json.loads(child.stdout.readline())
        trader = ControlClient(state["ports"]["control"])
        self.until(lambda: trader.get("/streams/trader")["made"] > 5)
        child.stdin.close()
        self.assertEqual(child.wait(10), 0)

    def test_fills_of_accounts(self):
        """It trades with orders of accounts as with all others."""
        connection = self.private("fills")
        self.created(price=36976, size=1000)
        self.post("/streams/burst", {"moves": 300})
        fill = connection.json()["data"][0]
        self.assertEqual((fill["price"], fill["maker"]), (36976, "maker"))
        truth = self.get("/streams/fills")
        self.assertTrue(all(each["told"] == 1 for each in truth))
        self.assertEqual(len({each["serialId"] for each in truth}),
                         len(truth))

    def test_waits(self):
        self.assertFalse(self.get("/wait?streams=1&seconds=0.1")["reached"])
        self.private("fills")
        self.assertTrue(self.get("/wait?streams=1&topic=fills")["reached"])
        self.assertFalse(self.get("/wait?topic=fills&sent=1&seconds=0.1")
                         ["reached"])
        self.created(type="MARKET", size=1)
        self.assertTrue(self.get("/wait?topic=fills&sent=1")["reached"])

    def test_texts(self):
        self.follow("update:BTC-USD_0")
        shown, = self.get("/streams")["connections"]
        self.assertEqual(json.loads(shown["texts"][0])["op"], "subscribe")
