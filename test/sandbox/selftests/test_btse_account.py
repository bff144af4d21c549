"""BTSE's endpoints that show an account's orders, trades and fees."""

import time

from .btse_base import BtseCase
from .btse_page import OLD_OPEN, fields

DAY = 86400 * 1000


class OpenOrders(BtseCase):
    def ids(self, **asked):
        return [row["orderID"] for row in
                self.query("/user/open_orders", **asked)]

    def test_filters(self):
        one = self.created(clOrderID="mine")["orderID"]
        two = self.created(symbol="ETH-USD", price=2000,
                           clOrderID="mine")["orderID"]
        three = self.created()["orderID"]
        self.cancel(orderID=self.created()["orderID"])
        self.created(type="MARKET", size=1)
        self.assertEqual(self.ids(), [one, two, three])
        self.assertEqual(self.ids(symbol="BTC-USD"), [one, three])
        self.assertEqual(self.ids(clOrderID="mine"), [one, two])
        self.assertEqual(self.ids(orderID=three, clOrderID="mine"), [three])
        self.assertEqual(self.ids(symbol="ETH-USD", orderID=one), [])

    def test_fields(self):
        id = self.created(size=0.01, price=35000)["orderID"]
        self.post("/orders/%s/fill" % id, {"size": "0.001"})
        row, = self.query("/user/open_orders")
        self.assertEqual(set(row), fields("open_orders", "examples"))
        self.assertEqual((row["orderValue"], row["size"], row["filledSize"],
                          row["fillSize"], row["orderState"]),
                         (350, 0.01, 0.001, 0.001, "STATUS_ACTIVE"))
        self.set(btse_naming="tables")
        row, = self.query("/user/open_orders")
        self.assertEqual(set(row), fields("open_orders", "tables"))
        self.assertEqual((row["totalFilledBaseSize"],
                          row["remainingOrderBaseSize"]), (0.001, 0.009))
        self.set(btse_naming="old")
        row, = self.query("/user/open_orders")
        self.assertLess(set(OLD_OPEN.split()), set(row))

    def test_waiting(self):
        self.created(txType="STOP", triggerPrice=40000)
        row, = self.query("/user/open_orders")
        self.assertEqual(row["orderState"], "STATUS_INACTIVE")


class TradeHistory(BtseCase):
    def trades(self, **asked):
        return self.query("/user/trade_history", **dict(
            {"symbol": "BTC-USD"}, **asked))

    def test_fill_makes_a_trade(self):
        id = self.created(clOrderID="mine", size=0.4)["orderID"]
        self.post("/orders/%s/fill" % id, {"size": "0.00001",
                                           "maker": False})
        row, = self.trades()
        self.assertEqual(set(row), fields("trade_history", "examples"))
        self.assertEqual(
            {name: row[name] for name in (
                "orderId", "clOrderID", "side", "orderType", "size",
                "filledSize", "filledPrice", "feeCurrency", "feeAmount",
                "base", "quote", "wallet", "triggerType")},
            {"orderId": id, "clOrderID": "mine", "side": "BUY",
             "orderType": 76, "size": 0.4, "filledSize": 0.00001,
             "filledPrice": 34000, "feeCurrency": "BTC",
             "feeAmount": 6e-9, "base": "BTC", "quote": "USD",
             "wallet": "SPOT@", "triggerType": 0})
        self.set(btse_naming="tables")
        row, = self.trades()
        self.assertEqual(set(row), fields("trade_history", "tables"))
        self.assertEqual(row["avgFilledPrice"], "34000")

    def test_trigger_types(self):
        for kind in ("STOP", "TRIGGER"):
            self.created(type="MARKET", txType=kind, size=1,
                         triggerPrice=40000)
        self.put("markets", {"symbol": "BTC-USD", "last": 40000})
        self.assertEqual(sorted((row["triggerType"], row["triggerPrice"])
                                for row in self.trades()),
                         [(1001, 40000), (1002, 40000)])

    def test_filters(self):
        self.put("fills", *[
            {"symbol": symbol, "orderId": order, "clOrderID": client,
             "tradeId": str(number)} for number, (symbol, order, client)
            in enumerate((("BTC-USD", "a", "x"), ("BTC-USD", "b", "y"),
                          ("BTC-USDT", "c", "x"), ("ETH-USD", "d", "x")))])

        def found(**asked):
            return sorted(row["tradeId"] for row in self.trades(**asked))
        self.assertEqual(found(), ["0", "1", "2"])
        self.assertEqual(found(isMatchSymbol="true"), ["0", "1"])
        self.assertEqual(found(isMatchSymbol="false"), ["0", "1", "2"])
        self.assertEqual(found(orderID="b"), ["1"])
        self.assertEqual(found(clOrderID="x"), ["0", "2"])
        self.assertEqual(found(orderID="b", clOrderID="x"), ["1"])
        self.assertEqual(found(symbol="ETH-USD"), ["3"])
        self.refused(self.signed("GET", "/user/trade_history"), "symbol")
        self.refused(self.signed("GET", "/user/trade_history",
                                 symbol="BTC-USD", isMatchSymbol="yes"),
                     "isMatchSymbol")

    def test_windows(self):
        now = int(time.time() * 1000)
        self.put("fills", *[{"tradeId": str(days), "serialId": 100 - days,
                             "timestamp": now - days * DAY - 1000}
                            for days in (0, 3, 6, 8, 13, 20)])

        def found(**asked):
            return [int(row["tradeId"]) for row in self.trades(**asked)]
        self.assertEqual(found(), [0, 3, 6])
        self.assertEqual(found(endTime=now - 3 * DAY), [3, 6, 8])
        self.assertEqual(found(startTime=now - 14 * DAY), [8, 13])
        self.assertEqual(found(startTime=now - 9 * DAY), [3, 6, 8])
        # longer than 7 days: the 7 days before the end
        self.assertEqual(found(startTime=0, endTime=now), [0, 3, 6])
        self.assertEqual(found(startTime=0, endTime=now - 7 * DAY), [8, 13])
        self.assertEqual(found(count=2), [0, 3])
        self.set(btse_default_count=1)
        self.assertEqual(found(), [0])
        self.set(btse_most_count=2)
        self.assertEqual(found(count=3), [0, 3])
        self.assertEqual(found(), [0])

    def test_rows(self):
        now = int(time.time() * 1000)
        self.put("fills", *[{"tradeId": str(id), "timestamp": now - 1000 * id}
                            for id in range(4)])

        def found(count):
            return [int(row["tradeId"]) for row in self.trades(count=count)]
        for rows, expected in (("newest", [0, 1, 2]), ("oldest", [3, 2, 1]),
                               ("newest_last", [2, 1, 0]),
                               ("oldest_last", [1, 2, 3])):
            self.set(btse_rows=rows)
            self.assertEqual(found(3), expected)

    def test_times(self):
        second = int(time.time()) * 1000 - 10000
        self.put("fills", *[{"tradeId": str(ms), "timestamp": second + ms}
                            for ms in (0, 400, 1000)])

        def found():
            return [int(row["tradeId"])
                    for row in self.trades(startTime=second + 300,
                                           endTime=second + 1000)]
        for times, expected in (("inclusive", [1000, 400]),
                                ("exclusive", [400]),
                                ("exclusive_both", [400]),
                                ("seconds_exclusive", [400]),
                                ("seconds", [1000, 400, 0]),
                                ("ignored", [1000, 400, 0])):
            self.set(btse_times=times)
            self.assertEqual(found(), expected)

    def test_age(self):
        id = self.created(type="MARKET", size=1)["orderID"]
        self.assertEqual(len(self.trades(orderID=id)), 1)
        self.post("/orders/%s/age" % id, {"seconds": 7 * 86400 + 5})
        self.assertEqual(self.trades(orderID=id), [])

    def test_seeded_digits(self):
        self.put("fills", {"price": "34799.000000025",
                           "feeAmount": "0.000000006",
                           "serialId": "9223372036854775807"})
        body = self.signed("GET", "/user/trade_history",
                           symbol="BTC-USD").body
        for text in (b'"price":34799.000000025,',
                     b'"filledPrice":34799.000000025,',
                     b'"feeAmount":0.000000006,',
                     b'"serialId":9223372036854775807,'):
            self.assertIn(text, body)


class Fees(BtseCase):
    def test_one_and_all(self):
        self.put("markets", {"symbol": "BTC-USD", "makerfee": "0"})
        row = self.query("/user/fees", symbol="BTC-USD")
        self.assertEqual(row, {"makerfee": 0, "symbol": "btc-usd",
                               "takerfee": 0.0006})
        self.assertEqual(set(row), fields("fees", "examples"))
        self.set(btse_naming="tables")
        self.assertEqual([row["symbol"] for row in self.query("/user/fees")],
                         ["BTC-USD", "BTC-USDT", "ETH-USD"])
