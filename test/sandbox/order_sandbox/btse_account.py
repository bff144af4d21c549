"""BTSE's endpoints that show an account's orders, trades and fees."""

from .btse_arguments import Required, flag, query, text, whole
from .btse_market import SYMBOL, seeded_row, span
from .btse_order import amount
from .btse_wire import open_row, trade_row
from .provider import Answer, Shape
from .state import BadInput

MOST_DAYS = 7                   # of trade_history, whatever was asked for
OPEN = Shape((), "orderID", "orderState", "side")
FILLS = Shape((), "orderId", "filledSize", "side")
FEES = Shape((), "symbol", "makerfee", "symbol")
WHICH = {"orderID": text, "clOrderID": text}
ENDPOINTS = (
    query("/user/open_orders", "open_orders", dict(WHICH, symbol=text), OPEN,
          "trade"),
    query("/user/trade_history", "trade_history",
          dict(WHICH, symbol=Required(text), startTime=whole, endTime=whole,
               count=whole, isMatchSymbol=flag), FILLS, "read"),
    query("/user/fees", "fees", SYMBOL, FEES, "read"),
)


class AccountEndpoints:
    """Part of Btse; it has world, markets and matching."""

    def open_orders(self, call):
        given = call.given
        rows = []
        for order in self.matching.alive(call.account):
            if given.symbol not in (None, order.market):
                continue
            if given.orderID not in (None, order.id):
                continue
            if given.orderID is None and given.clOrderID not in (
                    None, order.client_order_id):
                continue
            rows.append(open_row(order, self.naming))
        return Answer(200, rows)

    def trade_history(self, call):
        """Newest first, if the settings say nothing else."""
        given = call.given
        start, end = self.span(given, MOST_DAYS, MOST_DAYS)
        fills = [fill for fill in self.fills_of(call.account)
                 if start <= fill["timestamp"] <= end
                 and self.shown(fill) and self.wanted(fill, given)]
        fills.sort(key=lambda fill: (fill["timestamp"], fill["serialId"]),
                   reverse=True)
        return Answer(200, [trade_row(fill, self.naming)
                            for fill in self.first(call, fills)])

    def wanted(self, fill, given):
        """Without isMatchSymbol the symbol may be the beginning of others,
        as BTC-USD is of BTC-USDT."""
        symbol = fill["symbol"] or ""
        if not (symbol == given.symbol if given.isMatchSymbol
                else symbol.startswith(given.symbol)):
            return False
        if given.orderID is not None:
            return fill["orderId"] == given.orderID
        return given.clOrderID in (None, fill["clOrderID"])

    def fees(self, call):
        """One object for one market, an array for all of them."""
        rows = [{"makerfee": market.fee(True), "takerfee": market.fee(False),
                 # the example has small letters
                 "symbol": market.symbol if self.naming == "tables"
                 else market.symbol.lower()}
                for market in self.chosen_markets(call)]
        return Answer(200, rows if call.given.symbol is None else rows[0])

    # ---- what the control API can put

    def fills_of(self, account):
        return self.matching.fills.setdefault(account.name, [])

    def put_fills(self, account, wanted):
        """A trade that needs no order."""
        order = self.order_kind(self.name, account.name, "", "BTC-USD",
                                "open")
        order.market = wanted.get("symbol", order.market)
        fill = self.matching.trade(order, amount(1), order.price, True)
        wanted = {"filledPrice": wanted.get("price", order.price), **wanted}
        fill.update(seeded_row(fill, wanted))
        self.fills_of(account).append(fill)
        self.streams.filled(account.name, fill)

    def get_fills(self, account):
        return self.fills_of(account)

    def drop_fills(self, account):
        self.fills_of(account).clear()

    def put_balances(self, account, wanted):
        """{currency: amount, ...}; null is as much as is asked for."""
        wallet = self.matching.wallet(account.name)
        for currency, value in wanted.items():
            if currency != currency.upper():
                raise BadInput("a currency is written in capitals")
            if value is None:
                wallet.pop(currency, None)
            else:
                wallet[currency] = amount(value)

    def get_balances(self, account):
        return self.matching.wallet(account.name)

    def drop_balances(self, account):
        self.matching.wallet(account.name).clear()

    def get_timers(self, account):
        """How long cancelAllAfter still waits, or null."""
        left = self.matching.timer(account)
        return {"cancel_all_after_ms":
                None if left is None else int(left * 1000)}
