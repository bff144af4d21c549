"""BTSE's public endpoints."""

import time

from .btse_base import BtseCase
from .btse_page import fields

DAY = 86400 * 1000


class Summary(BtseCase):
    def test_all_and_one(self):
        rows = self.public("/market_summary").json()
        self.assertEqual([row["symbol"] for row in rows],
                         ["BTC-USD", "BTC-USDT", "ETH-USD"])
        self.assertEqual(set(rows[0]), fields("market_summary", "tables"))
        row, = self.public("/market_summary", symbol="ETH-USD").json()
        self.assertEqual((row["base"], row["quote"], row["last"]),
                         ("ETH", "USD", 2190.25))
        self.refused(self.public("/market_summary", symbol="X-Y"), "symbol")

    def test_seeded_digits(self):
        self.put("markets", {"symbol": "NEW-USD", "last": "0.000000006",
                             "maxOrderSize": "123456789012345678901234.50",
                             "active": False})
        answer = self.public("/market_summary", symbol="NEW-USD")
        self.assertIn(b'"last":0.000000006,', answer.body)
        self.assertIn(b'"maxOrderSize":123456789012345678901234.50,',
                      answer.body)
        self.assertIs(answer.json()[0]["active"], False)

    def test_prices(self):
        rows = self.public("/price").json()
        self.assertEqual(len(rows), 3)
        self.assertEqual(set(rows[0]), fields("price", "tables"))
        self.put("markets", {"symbol": "BTC-USD", "indexPrice": "1.50"})
        self.assertIn(b'"indexPrice":1.50,',
                      self.public("/price", symbol="BTC-USD").body)

    def test_time(self):
        self.set(clock_offset=1000)
        told = self.public("/time").json()
        self.assertEqual(set(told), fields("time", "tables"))
        self.assertAlmostEqual(told["epoch"], time.time() + 1000, delta=5)
        self.assertRegex(told["iso"],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


class Books(BtseCase):
    def seed_book(self):
        self.put("book", {"symbol": "BTC-USD",
                          "buy": [["99.5", "1.10"], ["100.0", "2"],
                                  ["98.5", "3"]],
                          "sell": [["101.0", "4.00"], ["101.5", "5"],
                                   ["103", "6"]]})

    def test_levels(self):
        self.seed_book()
        book = self.public("/orderbook/L2", symbol="BTC-USD").json()
        self.assertEqual(set(book) | set(book["buyQuote"][0]),
                         fields("orderbook_l2", "examples")
                         | {"price", "size"})
        self.assertEqual(book["buyQuote"], [
            {"price": "100.0", "size": "2"}, {"price": "99.5",
                                              "size": "1.10"},
            {"price": "98.5", "size": "3"}])
        self.assertEqual(book["sellQuote"][0],
                         {"price": "101.0", "size": "4.00"})
        self.set(btse_naming="tables")
        self.assertIn(b'"sellQuote":[{"price":101.0,"size":4.00}]',
                      self.public("/orderbook/L2", symbol="BTC-USD",
                                  depth=1).body)

    def test_groups(self):
        self.seed_book()
        book = self.public("/orderbook", symbol="BTC-USD", group=1,
                           limit_bids=2, limit_asks=1).json()
        self.assertEqual(book["buyQuote"], [
            {"price": "100.0", "size": "2"}, {"price": "99.0",
                                              "size": "1.10"}])
        self.assertEqual(book["sellQuote"], [{"price": "101.0",
                                              "size": "4.00"}])
        self.refused(self.public("/orderbook", symbol="BTC-USD", group=9),
                     "group")
        self.refused(self.public("/orderbook"), "symbol is missing")
        self.refused(self.public("/orderbook/L2", symbol="BTC-USD",
                                 depth="x"), "depth must be a number")

    def test_made_up(self):
        book = self.public("/orderbook", symbol="ETH-USD").json()
        self.assertEqual((len(book["buyQuote"]), len(book["sellQuote"])),
                         (25, 25))
        self.assertEqual(book["buyQuote"][0]["price"], "2190.20")


class Candles(BtseCase):
    def candles(self, **asked):
        answer = self.public("/ohlcv", **dict(
            {"symbol": "BTC-USD", "resolution": "1"}, **asked))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def test_seeded(self):
        self.put("candles", {"symbol": "BTC-USD", "resolution": "1",
                             "candles": [[60, "1.10", "2", "0.5", "1.5",
                                          "0.000000006"],
                                         [120, 3, 3, 3, 3, 3],
                                         [180, 4, 4, 4, 4, 4]]})
        answer = self.public("/ohlcv", symbol="BTC-USD", resolution="1",
                             start=60000, end=120000)
        self.assertEqual(answer.body, b"[[120,3,3,3,3,3],"
                         b"[60,1.10,2,0.5,1.5,0.000000006]]")
        self.assertEqual(len(self.candles()), 3)
        newest_first = self.candles()
        self.set(btse_candles="oldest")
        self.assertEqual(self.candles(), newest_first[::-1])
        self.set(btse_candles="newest")
        self.assertEqual(len(self.candles(start=60001)), 2)
        self.assertEqual(len(self.candles(end=119999)), 1)
        # the other resolutions are made up still
        self.assertEqual(len(self.candles(resolution="5")), 300)

    def test_made_up(self):
        rows = self.candles(resolution="60", start=0, end=1000 * 3600 * 1000)
        self.assertEqual((len(rows), rows[0][0], rows[-1][0]),
                         (300, 1000 * 3600, 701 * 3600))
        self.assertEqual(rows, self.candles(resolution="60", end=1000 * 3600
                                            * 1000))
        for time_, opened, high, low, closed, volume in rows:
            self.assertLessEqual(max(opened, closed), high)
            self.assertGreaterEqual(min(opened, closed), low)

    def test_refusals(self):
        self.refused(self.public("/ohlcv", symbol="BTC-USD", resolution="2"),
                     "resolution must be one of")
        self.refused(self.public("/ohlcv", symbol="BTC-USD"),
                     "resolution is missing")
        self.refused(self.public("/ohlcv", symbol="BTC-USD", resolution="1",
                                 start="-1"), "start must")


class Trades(BtseCase):
    def serials(self, **asked):
        answer = self.public("/trades", symbol="BTC-USD", **asked)
        self.assertEqual(answer.status, 200, answer.body)
        return [row["serialId"] for row in answer.json()]

    def test_windows(self):
        now = int(time.time() * 1000)
        self.put("trades", *[
            {"symbol": "BTC-USD", "serialId": days,
             "timestamp": now - days * DAY - 1000, "price": "36164.00"}
            for days in (0, 2, 4, 20, 29, 31)])
        self.assertEqual(self.serials(), [0, 2])
        self.assertEqual(self.serials(endTime=now - 2 * DAY), [2, 4])
        self.assertEqual(self.serials(startTime=now - 5 * DAY), [2, 4])
        # both: at most 30 days, counted from the end
        self.assertEqual(self.serials(startTime=0, endTime=now),
                         [0, 2, 4, 20, 29])
        self.assertEqual(self.serials(startTime=0, endTime=now, count=2),
                         [0, 2])
        self.set(btse_default_count=1)
        self.assertEqual(self.serials(), [0])
        # both ends are part of it
        edge = now - 4 * DAY - 1000
        self.assertEqual(self.serials(startTime=edge, endTime=edge), [4])

    def test_fields(self):
        row = self.public("/trades", symbol="BTC-USD").json()[0]
        self.assertEqual(set(row), fields("trades", "examples"))
        self.drop("trades")
        self.assertEqual(self.serials(), [])
        self.put("trades", {"symbol": "BTC-USD", "price": "0.10",
                            "size": "123456789012345678.90"})
        body = self.public("/trades", symbol="BTC-USD").body
        self.assertIn(b'"price":0.10,"size":123456789012345678.90', body)
