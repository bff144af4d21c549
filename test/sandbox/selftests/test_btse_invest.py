"""BTSE's investments."""

from .btse_base import BtseCase
from .btse_page import fields

FLEX, FIXED = "openusdt0001", "fixbtc000030"


class Invest(BtseCase):
    def deposit(self, amount, product=FLEX):
        return self.signed("POST", "/invest/deposit",
                           {"productId": product, "amount": amount})

    def deposited(self, amount, product=FLEX):
        """A deposit that is taken; the investment's id."""
        answer = self.deposit(amount, product)
        self.assertEqual((answer.status, answer.body), (200, b""))
        return self.query("/invest/orders")[-1]["id"]

    def redeem(self, id, amount):
        return self.signed("POST", "/invest/redeem",
                           {"orderId": id, "amount": amount})

    def test_products(self):
        rows = self.query("/invest/products")
        self.assertEqual(set(rows[0]), fields("invest_products", "examples"))
        self.assertEqual((rows[0]["rates"], rows[0]["compounding"]),
                         ([{"days": 1, "rate": 1.15}], True))
        self.assertIn(b'"minsize":1.00000000,',
                      self.signed("GET", "/invest/products").body)
        self.drop("products")
        self.put("products", {"id": "new", "rates": [
            {"days": 7, "rate": "0.10"}], "minsize": "1e-9"})
        row, = self.query("/invest/products")
        self.assertEqual((row["id"], row["minsize"]), ("new", 1e-9))

    def test_deposit(self):
        self.put("balances", {"USDT": "150"})
        id = self.deposited(100.99)
        row, = self.query("/invest/orders")
        self.assertEqual(set(row), fields("invest_orders", "examples"))
        self.assertEqual((row["id"], row["investamt"], row["rate"],
                          row["currency"]), (id, 100.99, 0.5, "usdt"))
        self.assertEqual(self.get("/data/btse/balances"), {"USDT": 49.01})
        self.assertEqual(self.done("deposited"),
                         [{"amount": "100.99", "investment": str(id)}])
        self.set(btse_naming="tables")
        row, = self.query("/invest/orders")
        self.assertEqual(set(row), fields("invest_orders", "tables"))
        self.assertEqual(row["investment"], 100.99)
        self.refused(self.deposit(49.02), "BALANCE", 400, 8)

    def test_deposit_refusals(self):
        for amount, product, words in (
                (1, "none", "product"), (0.001, FLEX, "amount"),
                (1.005, FLEX, "amount"), (-1, FLEX, "amount"),
                ("1", FLEX, "amount"), (None, FLEX, "amount is missing"),
                (10001, FLEX, "daily limit")):
            self.refused(self.deposit(amount, product), words)
        self.deposited(9999)
        self.refused(self.deposit(2), "daily limit")
        self.assertEqual(self.done(), ["deposited"])

    def test_redeem(self):
        self.put("balances", {"USDT": "100"})
        id = self.deposited(100)
        answer = self.redeem(id, 12.34)
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(self.query("/invest/orders")[0]["investamt"], 87.66)
        self.assertEqual(self.get("/data/btse/balances"), {"USDT": 12.34})
        self.refused(self.redeem(id, 87.67), "more than")
        self.redeem(id, 87.66)
        self.assertEqual(self.query("/invest/orders"), [])
        self.refused(self.redeem(id, 1), "no such investment")
        self.assertEqual([each["amount"] for each in self.done("redeemed")],
                         ["12.34", "87.66"])

    def test_fixed(self):
        id = self.deposited(1, FIXED)
        self.assertEqual(self.redeem(id, 1).status, 200)
        row, = self.query("/invest/orders")
        self.assertEqual((row["redemptionprocessing"], row["investamt"]),
                         (True, 1))
        self.refused(self.redeem(id, 1), "in progress")

    def test_renew(self):
        id = self.deposited(1, FIXED)
        answer = self.signed("POST", "/invest/renew", {"orderId": id,
                                                       "autoRenew": True})
        self.assertEqual(answer.json(), {"orderId": id, "autoRenew": True})
        self.assertIs(self.query("/invest/orders")[0]["autorenew"], True)
        flex = self.deposited(1)
        self.refused(self.signed("POST", "/invest/renew", {
            "orderId": flex, "autoRenew": True}), "cannot be renewed")
        self.refused(self.signed("POST", "/invest/renew", {"orderId": id}),
                     "autoRenew is missing")
        self.assertEqual(self.done("renewed"), [{"auto": True}])

    def test_history(self):
        id = self.deposited(100)
        self.redeem(id, 40)
        rows = self.query("/invest/history")
        self.assertEqual(set(rows[0]), fields("invest_history", "examples"))
        self.assertEqual([(row["txntype"], row["amount"], row["totalamount"])
                          for row in rows],
                         [("invest_service_type_redeem", 40, 60),
                          ("invest_service_type_deposit", 100, 100)])
        self.set(btse_naming="tables")
        self.assertEqual(self.query("/invest/history")[0]["rate"], "0.5")

    def test_seeded(self):
        self.put("investments", {"id": "9223372036854775807",
                                 "investamt": "0.00031507000"})
        body = self.signed("GET", "/invest/orders").body
        self.assertIn(b'"id":9223372036854775807,', body)
        self.assertIn(b'"investamt":0.00031507000,', body)
        self.put("invest_history", {"amount": "1.10"})
        self.assertIn(b'"amount":1.10,',
                      self.signed("GET", "/invest/history").body)

    def test_nothing_is_done(self):
        """A request that is not processed changes nothing."""
        id = self.deposited(100)
        for operation, ask in (
                ("invest_deposit", lambda: self.deposit(1)),
                ("invest_redeem", lambda: self.redeem(id, 1))):
            self.post("/faults", {"fault": "close_before",
                                  "operation": operation})
            self.assertEqual(ask().ended, "closed")
        self.assertEqual(self.done(), ["deposited"])
        self.assertEqual(self.query("/invest/orders")[0]["investamt"], 100)
