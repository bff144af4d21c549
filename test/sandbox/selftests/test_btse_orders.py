"""BTSE's endpoints that create, amend, cancel and show an order."""

from order_sandbox.json_text import decode

from .base import UUID
from .btse_base import BtseCase
from .btse_page import OLD_ACT, OLD_ORDER, fields


class Create(BtseCase):
    def test_limit(self):
        row = self.created(clOrderID="mine", price=34000, size=10)
        self.assertEqual(set(row), fields("create_order", "examples"))
        self.assertEqual(
            {name: row[name] for name in (
                "status", "symbol", "orderType", "price", "side", "clOrderID",
                "trigger", "time_in_force", "remainingBaseSize",
                "filledBaseSize", "orderCurrency", "originalOrderQuoteSize")},
            {"status": 2, "symbol": "BTC-USD", "orderType": 76,
             "price": 34000, "side": "BUY", "clOrderID": "mine",
             "trigger": False, "time_in_force": "GTC",
             "remainingBaseSize": 10, "filledBaseSize": 0,
             "orderCurrency": "base", "originalOrderQuoteSize": None})
        self.assertEqual(self.done("created"), [
            {"client_order_id": "mine", "type": "LIMIT", "side": "BUY",
             "price": "34000", "size": "10"}])
        self.assertEqual(self.truth("btse"), {row["orderID"]: "open"})

    def test_namings(self):
        self.set(btse_naming="tables")
        row = self.created()
        self.assertEqual(set(row), fields("create_order", "tables"))
        self.assertEqual(row["remainingOrderBaseSize"], 10)
        self.set(btse_naming="old")
        row = self.created()
        self.assertLess(set(OLD_ACT.split()), set(row))
        self.assertNotIn("orderCurrency", row)

    def test_exact(self):
        self.put("markets", {"symbol": "TINY-USD", "minValidPrice":
                             "0.0000000000000000001", "minPriceIncrement":
                             "0.0000000000000000001", "maxOrderSize":
                             "1e30", "minSizeIncrement": "0.01"})
        answer = self.signed(
            "POST", "/order", '{"symbol":"TINY-USD","side":"BUY","type":'
            '"LIMIT","size":12345678901234567890.10,'
            '"price":0.0000000000000000010}')
        self.assertIn(b'"price":0.0000000000000000010,', answer.body)
        self.assertIn(b'"originalOrderBaseSize":12345678901234567890.10,',
                      answer.body)
        self.assertIn(b'"remainingBaseSize":12345678901234567890.10,',
                      answer.body)

    def test_the_pages_body(self):
        answer = self.signed(
            "POST", "/order", '{"postOnly":false,"price":8500.0,"side":"BUY",'
            '"size":0.002,"stopPrice":0.0,"symbol":"BTC-USD",'
            '"time_in_force":"GTC","trailValue":0.0,"triggerPrice":0.0,'
            '"txType":"LIMIT","type":"LIMIT"}')
        self.assertIn(b'"price":8500.0,', answer.body)
        self.assertEqual(answer.json()[0]["status"], 2)

    def test_market(self):
        row = self.created(type="MARKET", price=None, size=0.5)
        self.assertEqual((row["status"], row["orderType"],
                          row["avgFilledPrice"], row["remainingBaseSize"]),
                         (4, 77, 36976.5, 0))
        self.assertEqual(self.done(), ["created", "filled"])

    def test_oco(self):
        self.refused(self.create(type="OCO"), "triggerPrice")
        self.refused(self.create(type="OCO", triggerPrice=1), "stopPrice")
        first, second = self.create(
            type="OCO", price=24000, stopPrice=40010, triggerPrice=40000,
            txType="LIMIT", clOrderID="both").json()
        self.assertEqual([(leg["status"], leg["price"], leg["triggerPrice"],
                           leg["trigger"], leg["orderType"], leg["clOrderID"])
                          for leg in (first, second)],
                         [(2, 24000, 0, False, 76, "both"),
                          (9, 40010, 40000, True, 76, "both")])
        self.assertNotEqual(first["orderID"], second["orderID"])
        rows = self.cancel(orderID=second["orderID"])
        self.assertEqual([(row["orderID"], row["status"]) for row in rows],
                         [(second["orderID"], 6), (first["orderID"], 6)])

    def test_peg(self):
        peg = {"type": "PEG", "price": 25000, "deviation": -10, "stealth": 10}
        answer = self.signed("POST", "/order/peg", dict(
            peg, symbol="BTC-USD", side="BUY", size=10))
        row, = answer.json()
        self.assertEqual((row["orderType"], row["stealth"], row["deviation"],
                          row["price"]), (80, 0.1, -0.1, 25000))
        self.assertEqual(self.created(**dict(peg, price=50000))["price"],
                         32660)
        self.refused(self.create(**dict(peg, deviation=-10.01)), "deviation")
        self.refused(self.create(**dict(peg, stealth=None)), "stealth")
        self.refused(self.create(**dict(peg, symbol="BTC-USDT")), "USD")
        self.put("markets", {"symbol": "BTC-USD", "indexPrice": 20000})
        self.assertEqual(self.order(row["orderID"])["price"], "18000.0")

    def test_triggers(self):
        for kind in ("Stop", "TRIGGER"):
            self.refused(self.create(txType=kind), "triggerPrice")
            row = self.created(txType=kind, triggerPrice=32000)
            self.assertEqual((row["status"], row["trigger"],
                              row["triggerPrice"]), (9, True, 32000))
        row = self.created(type="MARKET", txType="STOP", triggerPrice=32000)
        self.assertEqual((row["status"], row["orderType"]), (9, 77))

    def test_post_only(self):
        row = self.created(postOnly=True, price=37000)
        self.assertEqual((row["status"], row["orderID"], row["message"]),
                         (15, "", "ORDER_REJECTED"))
        row = self.created(postOnly=True, price=36000)
        self.assertEqual((row["status"], row["postOnly"]), (2, True))
        self.refused(self.create(type="MARKET", postOnly=True), "postOnly")
        self.assertEqual(self.done(), ["refused", "created"])

    def test_times_in_force(self):
        self.put("book", {"symbol": "BTC-USD", "sell": [[35000, 3],
                                                        [35001, 4]]})
        for time_in_force, price, status, filled in (
                ("IOC", 35000, 5, 3), ("IOC", 34000, 6, 0),
                ("FOK", 35001, 6, 0), ("GTC", 35000, 5, 3),
                ("WEEK", 34000, 2, 0)):
            row = self.created(time_in_force=time_in_force, price=price)
            self.assertEqual((row["status"], row["filledBaseSize"],
                              row["time_in_force"]),
                             (status, filled, time_in_force))
        row = self.created(time_in_force="FOK", price=35001, size=7)
        self.assertEqual((row["status"], row["avgFilledPrice"]),
                         (4, (3 * 35000 + 4 * 35001) / 7))

    def test_market_rules(self):
        for wanted, code in (({"size": 2000.1}, 300), ({"size": 1e-6}, 301),
                             ({"size": 0.000015}, 301),
                             ({"price": 34000.1}, 302)):
            self.refused(self.create(**wanted), "ERROR_", 400, code)
        self.refused(self.create(symbol="X-Y"), "symbol")
        self.put("markets", {"symbol": "BTC-USD", "active": False})
        self.refused(self.create(), "MARKET_UNAVAILABLE", 400, 1)
        self.assertEqual(self.done(), [])

    def test_balance(self):
        self.put("balances", {"USD": "1000000"})
        self.assertEqual(self.created(size=29, price=34000)["status"], 2)
        row = self.created(size=1, price=34000)     # 986000 are held
        self.assertEqual((row["status"], row["message"]),
                         (8, "INSUFFICIENT_BALANCE"))
        self.assertEqual(self.created(side="SELL", price=40000)["status"], 2)


class Amend(BtseCase):
    def test_each(self):
        id = self.created(txType="STOP", triggerPrice=40000)["orderID"]
        for kind, values, name, shown in (
                ("PRICE", {"value": 35000}, "price", 35000),
                ("SIZE", {"value": 10.05}, "currentOrderBaseSize", 10.05),
                ("TRIGGERPRICE", {"value": 40020}, "triggerPrice", 40020)):
            row, = self.amend(id, kind, **values).json()
            self.assertEqual((row["status"], row[name]), (9, shown))
            self.assertEqual(set(row), fields("amend_order", "examples"))
        self.assertEqual((row["originalOrderBaseSize"],
                          row["remainingBaseSize"]), (10, 10.05))
        row, = self.amend(id, "ALL", orderPrice=40010, orderSize=10.5,
                          triggerPrice=40000).json()
        self.assertEqual((row["price"], row["currentOrderBaseSize"],
                          row["triggerPrice"]), (40010, 10.5, 40000))
        self.assertEqual(self.done("amended")[0], {
            "price": "35000", "type": "PRICE", "client_order_id": None})
        self.assertEqual(len(self.done("amended")), 4)

    def test_by_client_id(self):
        self.created(clOrderID="mine")
        row, = self.signed("PUT", "/order", {
            "symbol": "BTC-USD", "clOrderID": "mine", "type": "ALL",
            "orderSize": 3}).json()
        self.assertEqual((row["clOrderID"], row["currentOrderBaseSize"]),
                         ("mine", 3))

    def test_fills(self):
        id = self.created()["orderID"]
        self.post("/orders/%s/fill" % id, {"size": 4})
        row, = self.amend(id, "SIZE", value=4).json()
        self.assertEqual((row["status"], row["message"]),
                         (15, "more than this was filled"))
        row, = self.amend(id, "SIZE", value=5).json()
        self.assertEqual((row["status"], row["remainingBaseSize"]), (5, 1))
        row, = self.amend(id, "PRICE", value=40000).json()
        self.assertEqual(row["status"], 4)

    def test_not_possible(self):
        limit = self.created()["orderID"]
        peg = self.created(type="PEG", stealth=10)["orderID"]
        filled = self.created(type="MARKET", size=1)["orderID"]
        gone = self.created()["orderID"]
        self.cancel(orderID=gone)
        for id, kind, status in (
                (limit, "TRIGGERPRICE", 15), (peg, "PRICE", 15),
                (filled, "PRICE", 15), (gone, "PRICE", 16), (UUID, "PRICE",
                                                             16)):
            row, = self.amend(id, kind, value=30000).json()
            self.assertEqual(row["status"], status)
        self.assertEqual(row["orderID"], UUID)
        self.assertEqual(self.done("amended"), [])

    def test_refusals(self):
        id = self.created()["orderID"]
        self.refused(self.amend(id, "PRICE"), "value is missing")
        self.refused(self.amend(id, "ALL"), "orderPrice is missing")
        self.refused(self.amend(id, "SIDE", value=1), "type must be one of")
        self.refused(self.amend(None, "PRICE", value=1), "orderID")
        self.refused(self.amend(id, "PRICE", value=0.3), "PRICE", 400, 302)
        self.refused(self.amend(id, "SIZE", value=1e7), "SIZE", 400, 300)

    def test_triggered(self):
        id = self.created(txType="STOP", triggerPrice=40000)["orderID"]
        self.put("markets", {"symbol": "BTC-USD", "last": 40000})
        row, = self.amend(id, "TRIGGERPRICE", value=41000).json()
        self.assertEqual((row["status"], row["message"]),
                         (15, "order was triggered"))


class Cancel(BtseCase):
    def test_one(self):
        id = self.created(clOrderID="mine")["orderID"]
        row, = self.cancel(orderID=id, clOrderID="ignored")
        self.assertEqual(set(row), fields("cancel", "examples"))
        self.assertEqual((row["status"], row["orderID"], row["clOrderID"]),
                         (6, id, "mine"))
        self.assertEqual(self.cancel(orderID=id)[0]["status"], 16)
        self.set(btse_naming="tables")
        row, = self.cancel(orderID=self.created()["orderID"])
        self.assertEqual(set(row), fields("cancel", "tables"))

    def test_shared_client_id(self):
        ids = {self.created(clOrderID="shared")["orderID"] for _ in "123"}
        self.assertEqual({row["orderID"] for row in
                          self.cancel(clOrderID="shared")}, ids)

    def test_everything(self):
        kept = self.created(symbol="ETH-USD", price=2000)["orderID"]
        ids = {self.created()["orderID"] for _ in "123"}
        self.assertEqual({row["orderID"] for row in self.cancel()}, ids)
        self.assertEqual(self.order(kept)["status"], "open")
        self.assertEqual(self.cancel(), [])


class Look(BtseCase):
    def look(self, **which):
        return self.signed("GET", "/order", **which)

    def test_open(self):
        id = self.created(clOrderID="mine", size=0.5)["orderID"]
        row = self.look(orderID=id).json()
        self.assertEqual(set(row), fields("get_order", "examples"))
        self.assertEqual((row["status"], row["quote"], row["orderValue"],
                          row["timeInForce"]), (2, "USD", 17000, "GTC"))
        self.assertEqual(self.look(clOrderID="mine").json(), row)
        self.set(btse_naming="tables")
        self.assertEqual(set(self.look(orderID=id).json()),
                         fields("get_order", "tables"))
        self.set(btse_naming="old")
        self.assertLess(set(OLD_ORDER.split()),
                        set(self.look(orderID=id).json()))

    def test_half_an_hour(self):
        id = self.created()["orderID"]
        self.cancel(orderID=id)
        self.assertEqual(self.look(orderID=id).json()["status"], 6)
        self.post("/orders/%s/age" % id, {"seconds": 1790})
        self.assertEqual(self.look(orderID=id).status, 200)
        self.post("/orders/%s/age" % id, {"seconds": 20})
        self.refused(self.look(orderID=id), "ORDER_NOTFOUND", 400, 16)

    def test_not_known(self):
        filled = self.created(type="MARKET", size=1)["orderID"]
        for which in ({"orderID": filled}, {"orderID": UUID},
                      {"clOrderID": "x"}):
            self.refused(self.look(**which), "ORDER_NOTFOUND", 400, 16)
        self.refused(self.look(), "orderID or clOrderID")
        self.set(btse_not_found="404")
        self.refused(self.look(orderID=UUID), "ORDER_NOTFOUND", 404, 16)
        self.set(btse_not_found="row")
        row = self.look(orderID=UUID).json()
        self.assertEqual((row["status"], row["orderID"]), (16, UUID))

    def test_peg_and_trigger(self):
        id = self.created(type="PEG", price=30000, deviation=-1.5,
                          stealth=20)["orderID"]
        row = self.look(orderID=id).json()
        self.assertEqual((row["pegPriceMax"], row["pegPriceMin"],
                          row["pegPriceDeviation"]), (30000, 0, -0.015))
        id = self.created(txType="STOP", triggerPrice=40000,
                          trailValue=100)["orderID"]
        row = self.look(orderID=id).json()
        self.assertEqual((row["triggerOrder"], row["triggered"],
                          row["triggerOrderType"], row["trailValue"],
                          row["status"]), (True, False, 76, 100, 9))

    def test_seeded_spelling(self):
        self.seed("btse", [UUID], market="BTC-USD", fields={
            "price": "1E+2", "totalFilledBaseSize": "0.10",
            "side": "SELL", "message": "hello", "extra": 5})
        answer = self.look(orderID=UUID)
        self.assertIn(b'"price":1E+2,', answer.body)
        self.assertIn(b'"totalFilledBaseSize":0.10,', answer.body)
        self.assertIn(b'"extra":5', answer.body)
        row = decode(answer.body)
        self.assertEqual((row["side"], row["message"],
                          row["remainingBaseSize"]), ("SELL", "hello",
                                                      "9.90"))
