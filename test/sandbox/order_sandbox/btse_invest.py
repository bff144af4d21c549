"""BTSE's investments: products, and what an account has in them.

Deposits take from the account's balance, redemptions give back to it; a
currency without a balance is there in any amount, as for orders.
"""

import itertools
from decimal import Decimal

from .btse_arguments import Required, act, flag, positive, query, text, whole
from .btse_market import seeded_row
from .json_text import plain
from .provider import Answer, Shape
from .state import BadInput

NO_BALANCE = 8
DAY = 86400 * 1000
PRODUCTS = (
    {"id": "openeth00001", "name": "eth flex savings", "currency": "eth",
     "type": "flex", "rates": [{"days": 1, "rate": Decimal("1.15")}],
     "dailylimit": Decimal("10.0"), "minsize": Decimal("1.00000000"),
     "incrementalsize": Decimal("1.00000000")},
    {"id": "openusdt0001", "name": "usdt flex savings", "currency": "usdt",
     "type": "flex", "rates": [{"days": 1, "rate": Decimal("0.5")}],
     "dailylimit": Decimal("10000.0"), "minsize": Decimal("0.01"),
     "incrementalsize": Decimal("0.01")},
    {"id": "fixbtc000030", "name": "btc fixed 30 days", "currency": "btc",
     "type": "fixed", "autorenewsupported": True, "compounding": False,
     "rates": [{"days": 30, "rate": Decimal("3.25")},
               {"days": 90, "rate": Decimal("4.1")}],
     "dailylimit": Decimal("2.0"), "minsize": Decimal("0.001"),
     "incrementalsize": Decimal("0.001")},
)
NEW_PRODUCT = {
    "id": "", "name": "", "currency": "usdt", "type": "flex",
    "startdate": 1610685918000, "intereststartdate": 1610719200000,
    "rates": [], "compounding": True, "autorenewsupported": False,
    "dailylimit": Decimal(1000), "minsize": Decimal("0.01"),
    "incrementalsize": Decimal("0.01")}
# what an account has in a product, as the example names it
NEW_INVESTMENT = {
    "id": 0, "name": "usdt flex savings", "currency": "usdt", "type": "flex",
    "rate": Decimal("0.5"), "investamt": Decimal(100),
    "interestearned": Decimal(0), "nextinterestpayouttime": 0,
    "starttime": 0, "endtime": 0, "duration": DAY, "payoutlocktime": 300000,
    "autorenew": False, "compounding": True, "autorenewsupported": False,
    "dailylimit": Decimal(0), "redemptionprocessing": False}
NEW_EVENT = {
    "txntime": 1598918400000, "name": "usdt flex savings",
    "currency": "usdt", "rate": Decimal("0.5"), "type": "flex",
    "txntype": "invest_service_type_deposit", "amount": Decimal(100),
    "totalamount": Decimal(2000), "interestearned": Decimal("1.22"),
    "duration": 0}

PRODUCT_ROWS = Shape((), "id", "name", "name")
RENEWED = Shape((), "orderId", "autoRenew", "autoRenew")
INVESTMENTS = Shape((), "id", "name", "name", ids_are_numbers=True)
HISTORY = Shape((), "txntime", "txntype", "name", ids_are_numbers=True)
ENDPOINTS = (
    query("/invest/products", "invest_products", {}, PRODUCT_ROWS, "wallet"),
    act("POST", "/invest/deposit", "invest_deposit",
        {"productId": Required(text), "amount": Required(positive)}, None,
        "wallet"),
    act("POST", "/invest/renew", "invest_renew",
        {"orderId": Required(whole), "autoRenew": Required(flag)}, RENEWED,
        "wallet"),
    act("POST", "/invest/redeem", "invest_redeem",
        {"orderId": Required(whole), "amount": Required(positive)}, None,
        "wallet"),
    query("/invest/orders", "invest_orders", {}, INVESTMENTS, "wallet"),
    query("/invest/history", "invest_history", {}, HISTORY, "wallet"),
)


class Investments:
    """What there is, and what each account has."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.products = {each["id"]: dict(NEW_PRODUCT, **each)
                         for each in PRODUCTS}
        self.held = {}                  # account -> {id: investment}
        self.events = {}                # account -> [event], oldest first
        self.numbers = itertools.count(456)

    def of(self, account):
        return self.held.setdefault(account.name, {})

    def history(self, account):
        return self.events.setdefault(account.name, [])

    def note(self, account, what, investment, amount, now):
        self.history(account).append(dict(
            NEW_EVENT, txntime=now, txntype="invest_service_type_" + what,
            **{name: investment[name] for name in
               ("name", "currency", "rate", "type", "interestearned",
                "duration")},
            amount=amount, totalamount=investment["investamt"]))

    def deposited_today(self, account, product, now):
        return sum(event["amount"] for event in self.history(account)
                   if event["name"] == product["name"]
                   and event["txntype"].endswith("deposit")
                   and event["txntime"] // DAY == now // DAY)

    def open(self, account, product, amount, now):
        rate = product["rates"][0] if product["rates"] \
            else {"days": 1, "rate": Decimal(0)}
        fixed = product["type"] != "flex"
        investment = dict(
            NEW_INVESTMENT, id=next(self.numbers), investamt=amount,
            rate=rate["rate"], nextinterestpayouttime=now + DAY,
            starttime=now, endtime=now + rate["days"] * DAY if fixed else 0,
            duration=rate["days"] * DAY,
            **{name: product[name] for name in
               ("name", "currency", "type", "compounding",
                "autorenewsupported", "dailylimit")})
        self.of(account)[investment["id"]] = investment
        self.note(account, "deposit", investment, amount, now)
        return investment


class InvestEndpoints:
    """Part of Btse; it has world, matching and investments."""

    def invest_products(self, call):
        return Answer(200, list(self.investments.products.values()))

    def invest_deposit(self, call):
        given, account = call.given, call.account
        product = self.investments.products.get(given.productId)
        if product is None:
            self.unfit(call, "no such product")
        if given.amount < product["minsize"] \
                or given.amount % product["incrementalsize"]:
            self.unfit(call, "amount does not fit the product")
        today = self.investments.deposited_today(account, product,
                                                 self.now_ms())
        if today + given.amount > product["dailylimit"]:
            self.unfit(call, "amount is above the daily limit")
        currency = product["currency"].upper()
        wallet = self.matching.wallet(account.name)
        if given.amount > wallet.get(currency, given.amount):
            self.unfit(call, "INSUFFICIENT_BALANCE", NO_BALANCE)
        if call.process:
            if currency in wallet:
                wallet[currency] -= given.amount
            investment = self.investments.open(account, product, given.amount,
                                               self.now_ms())
            call.look(given.productId, "deposited", {
                "amount": plain(given.amount), "investment":
                str(investment["id"])})
        return Answer(200)

    def investment_of(self, call):
        found = self.investments.of(call.account).get(call.given.orderId)
        if found is None:
            self.unfit(call, "no such investment")
        return found

    def invest_renew(self, call):
        given, investment = call.given, self.investment_of(call)
        if not investment["autorenewsupported"]:
            self.unfit(call, "the product cannot be renewed")
        call.look(str(given.orderId), "renewed", {"auto": given.autoRenew})
        if call.process:
            investment["autorenew"] = given.autoRenew
            self.investments.note(call.account, "renew", investment,
                                  Decimal(0), self.now_ms())
        return Answer(200, {"orderId": given.orderId,
                            "autoRenew": given.autoRenew})

    def invest_redeem(self, call):
        given, investment = call.given, self.investment_of(call)
        if given.amount > investment["investamt"]:
            self.unfit(call, "amount is more than there is")
        if investment["redemptionprocessing"]:
            self.unfit(call, "a redemption is in progress")
        call.look(str(given.orderId), "redeemed",
                  {"amount": plain(given.amount)})
        if call.process:
            self.redeem(call.account, investment, given.amount)
        return Answer(200)

    def redeem(self, account, investment, amount):
        """A flexible investment comes back at once, a fixed one only begins
        to."""
        if investment["type"] == "flex":
            investment["investamt"] -= amount
            wallet = self.matching.wallet(account.name)
            currency = investment["currency"].upper()
            if currency in wallet:
                wallet[currency] += amount
            if not investment["investamt"]:
                del self.investments.of(account)[investment["id"]]
        else:
            investment["redemptionprocessing"] = True
        self.investments.note(account, "redeem", investment, amount,
                              self.now_ms())

    def invest_orders(self, call):
        rows = []
        for investment in self.investments.of(call.account).values():
            row = dict(investment)
            if self.naming == "tables":
                row["investment"] = row.pop("investamt")
                del row["dailylimit"]
            rows.append(row)
        return Answer(200, rows)

    def invest_history(self, call):
        """Newest first; the table calls the rate a string."""
        rows = [dict(event) for event in
                reversed(self.investments.history(call.account))]
        if self.naming == "tables":
            for row in rows:
                row["rate"] = plain(row["rate"])
        return Answer(200, rows)

    # ---- what the control API can put

    def put_products(self, account, wanted):
        if not wanted.get("id"):
            raise BadInput("a product needs an id")
        product = self.investments.products.setdefault(
            str(wanted["id"]), dict(NEW_PRODUCT, id=str(wanted["id"])))
        product.update(seeded_row(NEW_PRODUCT, wanted))

    def get_products(self, account):
        return list(self.investments.products.values())

    def drop_products(self, account):
        self.investments.products.clear()

    def put_investments(self, account, wanted):
        row = dict(NEW_INVESTMENT, **seeded_row(NEW_INVESTMENT, wanted))
        row["id"] = row["id"] or next(self.investments.numbers)
        self.investments.of(account)[row["id"]] = row

    def get_investments(self, account):
        return list(self.investments.of(account).values())

    def drop_investments(self, account):
        self.investments.of(account).clear()

    def put_invest_history(self, account, wanted):
        self.investments.history(account).append(
            dict(NEW_EVENT, **seeded_row(NEW_EVENT, wanted)))

    def get_invest_history(self, account):
        return self.investments.history(account)

    def drop_invest_history(self, account):
        self.investments.history(account).clear()
