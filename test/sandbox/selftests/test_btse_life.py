"""What becomes of a BTSE order: fills, triggers, timers, and what of it is
written down."""

import time

from .btse_base import ME, BtseCase


class Fills(BtseCase):
    def fill(self, id, **wanted):
        return self.post("/orders/%s/fill" % id, wanted)

    def test_trade_size(self):
        """trade_history tells the original size, or that of its time."""
        for setting, sizes in (("original", [2, 2]),
                               ("current", [2, 5])):
            self.setUp()
            self.set(btse_trade_size=setting)
            id = self.created(size=2)["orderID"]
            self.fill(id, size=1)
            self.amend(id, "SIZE", value=5)
            self.fill(id, size=2)
            self.assertEqual([float(fill["size"]) for fill in
                              self.get("/data/btse/fills")], sizes)

    def test_part_and_whole(self):
        id = self.created(size=10)["orderID"]
        self.assertEqual(self.fill(id, size="2.50", price="33999.5")
                         ["status"], "partly_filled")
        row = self.query("/order", orderID=id)
        self.assertEqual((row["status"], row["totalFilledBaseSize"],
                          row["avgFilledPrice"]), (5, 2.5, 33999.5))
        self.fill(id)
        order = self.order(id)
        self.assertEqual((order["status"], order["filled"],
                          order["average"]), ("filled", "10.00",
                                              "33999.875"))
        self.assertEqual([(each["size"], each["price"])
                          for each in self.done("filled")],
                         [("2.50", "33999.5"), ("7.50", "34000")])

    def test_mistakes(self):
        id = self.created()["orderID"]
        path = "/orders/%s/fill" % id
        for wanted, words in (({"size": 11}, "10 is open"),
                              ({"size": "x"}, "not a number"),
                              ({"side": "BUY"}, "not side")):
            status, answer = self.tell("POST", path, wanted)
            self.assertEqual(status, 400)
            self.assertIn(words, answer["error"])
        self.cancel(orderID=id)
        self.assertEqual(self.tell("POST", path)[0], 400)

    def test_oco(self):
        """The leg that is filled first ends the other."""
        first, second = self.create(type="OCO", price=24000, stopPrice=40010,
                                    triggerPrice=40000).json()
        self.fill(first["orderID"], size=1)
        self.assertEqual(self.order(second["orderID"])["status"],
                         "cancelled")
        self.assertEqual(self.done("expired"), [{"why": "OCO"}])

    def test_money(self):
        self.put("balances", {"USD": "100000", "BTC": "1.5"})
        id = self.created(size=1, price=34000)["orderID"]
        self.fill(id)
        self.assertEqual(self.get("/data/btse/balances"),
                         {"USD": 66000, "BTC": 2.4998})
        self.fill(self.created(side="SELL", size=2, price=40000)["orderID"])
        self.assertEqual(self.get("/data/btse/balances"),
                         {"USD": 145984, "BTC": 0.4998})

    def test_book_moves(self):
        id = self.created(size=3)["orderID"]
        self.put("book", {"symbol": "BTC-USD", "sell": [[34000, 1],
                                                        [34500, 9]]})
        self.assertEqual(self.order(id)["filled"], "1")

    def test_other_providers(self):
        self.seed("xt", ["1"], market="btc_usdt")
        self.assertEqual(self.tell("POST", "/orders/1/fill",
                                   {"size": 1})[0], 400)


class Triggers(BtseCase):
    def move(self, last):
        self.put("markets", {"symbol": "BTC-USD", "last": last})

    def test_reached(self):
        up = self.created(txType="STOP", triggerPrice=40000)["orderID"]
        down = self.created(txType="TRIGGER", side="SELL", price=50000,
                            triggerPrice=30000)["orderID"]
        self.move(39999.5)
        self.assertEqual(self.order(up)["status"], "trigger")
        self.move(40001)
        self.assertEqual(self.order(up)["status"], "activated")
        self.assertEqual(self.order(down)["status"], "trigger")
        self.move(29000)
        self.assertEqual(self.order(down)["status"], "activated")
        row = self.query("/order", orderID=down)
        self.assertEqual((row["status"], row["triggered"]), (10, True))
        self.assertEqual(self.done("triggered"), [None, None])

    def test_market(self):
        id = self.created(type="MARKET", txType="STOP", size=1,
                          triggerPrice=40000)["orderID"]
        self.assertEqual(self.done(), ["created"])
        self.move(40000)
        self.assertEqual(self.order(id)["status"], "filled")
        self.assertEqual(self.done(), ["created", "triggered", "filled"])

    def test_trailing(self):
        """The trigger follows the price down, and is met when it rises."""
        id = self.created(txType="STOP", triggerPrice=38000,
                          trailValue=500)["orderID"]
        self.move(36000)
        self.assertEqual(self.order(id)["trigger_price"], "36500")
        self.move(36400)
        self.assertEqual(self.order(id)["status"], "trigger")
        self.move(36500)
        self.assertNotEqual(self.order(id)["status"], "trigger")


class Timers(BtseCase):
    def arm(self, timeout):
        return self.signed("POST", "/order/cancelAllAfter",
                           {"timeout": timeout})

    def left(self):
        return self.get("/data/btse/timers")["cancel_all_after_ms"]

    def test_expires(self):
        ids = [self.created(symbol=symbol, price=2000)["orderID"]
               for symbol in ("BTC-USD", "ETH-USD")]
        answer = self.arm(150)
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertTrue(self.get(
            "/wait?executed=2&action=expired&provider=btse")["reached"])
        for id in ids:
            self.assertEqual(self.query("/order", orderID=id)["status"], 6)
        self.assertEqual(self.done("expired"),
                         [{"why": "cancelAllAfter"}] * 2)
        self.assertEqual(self.done("timer_fired"), [{"orders": 2}])
        self.assertIsNone(self.left())
        # what comes later lives on
        self.assertEqual(self.created()["status"], 2)

    def test_expires_without_orders(self):
        self.arm(50)
        self.assertTrue(self.get(
            "/wait?executed=1&action=timer_fired&provider=btse")["reached"])
        self.assertEqual(self.done("timer_fired"), [{"orders": 0}])

    def test_heartbeat(self):
        id = self.created()["orderID"]
        self.arm(300)
        begun = time.monotonic()
        self.arm(600000)
        self.assertGreater(self.left(), 590000)
        time.sleep(max(0, 0.4 - (time.monotonic() - begun)))
        self.assertEqual(self.order(id)["status"], "open")
        self.assertEqual(self.done("timer_set"), [{"timeout": 300},
                                                  {"timeout": 600000}])

    def test_disarms(self):
        id = self.created()["orderID"]
        self.arm(60000)
        self.assertEqual(self.arm(0).status, 200)
        self.assertIsNone(self.left())
        self.assertEqual(self.order(id)["status"], "open")
        self.refused(self.arm(None), "timeout is missing")
        self.refused(self.arm("60000"), "timeout must be a number")
        self.refused(self.arm(-1), "timeout")
        self.assertEqual(self.done()[1:], ["timer_set", "timer_stopped"])

    def test_reset_disarms(self):
        self.arm(60000)
        self.post("/reset")
        self.assertIsNone(self.left())

    def test_nothing_is_done(self):
        self.post("/faults", {"fault": "close_before",
                              "operation": "cancel_all_after"})
        self.assertEqual(self.arm(60000).ended, "closed")
        self.assertIsNone(self.left())

    def test_lifetime(self):
        row = self.created(time_in_force="HALFMIN")
        id = row["orderID"]
        open_order, = self.query("/user/open_orders")
        self.assertEqual(open_order["cancelDuration"], 30000)
        self.post("/orders/%s/age" % id, {"seconds": 31})
        self.assertTrue(self.get("/wait?executed=1&action=expired")
                        ["reached"])
        self.assertEqual(self.order(id)["status"], "cancelled")
        self.assertEqual(self.done("expired"), [{"why": "HALFMIN"}])

    def test_other_account(self):
        self.post("/accounts", {"provider": "btse", "credentials": {
            "api_key": "other", "secret_key": "s"}})
        self.seed("btse", ["theirs"], market="BTC-USD", account="other")
        self.created()
        self.arm(1)
        self.assertTrue(self.get("/wait?executed=1&action=expired")
                        ["reached"])
        self.assertEqual(self.order("theirs")["status"], "open")


class Truth(BtseCase):
    def test_seeded_orders_live_too(self):
        self.seed("btse", ["1"], market="BTC-USD", fields={
            "side": "SELL", "price": "37000", "originalOrderBaseSize": "5",
            "remainingBaseSize": "5"})
        self.post("/orders/1/fill", {"size": 2})
        row, = self.cancel(orderID="1")
        self.assertEqual((row["status"], row["remainingBaseSize"],
                          row["side"]), (6, 3, "SELL"))

    def test_log_names_the_request(self):
        self.created(clOrderID="twice")
        self.created(clOrderID="twice")
        log = self.get("/executed?provider=btse&action=created")
        self.assertEqual([entry["detail"]["client_order_id"]
                          for entry in log], ["twice", "twice"])
        self.assertEqual([entry["request"] for entry in log], [1, 2])
        self.assertEqual({entry["account"] for entry in log}, {ME})
