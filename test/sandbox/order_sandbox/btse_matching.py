"""The life of a BTSE order after it was taken: fills, triggers, timers.

A market moves only when the control API moves it, and what is in its book
stays there however often somebody trades against it, so that a test says
beforehand what will happen: unless it is alive (btse_live.py).
"""

import itertools
import time
import uuid

from .btse_live import Row
from .btse_order import ORDER_TYPES, TRIGGER_TYPES, ZERO
from .btse_wire import milliseconds
from .json_text import plain


class Matching:
    def __init__(self, world, markets):
        self.world = world
        self.markets = markets          # Markets, by symbol
        self.streams = None             # Streams, set by Btse
        self.trading = False            # fill() tells of the change itself
        self.clear()

    def clear(self):
        self.fills = {}                 # account -> [trade], oldest first
        self.wallets = {}               # account -> {currency: amount}
        self.serial = itertools.count(94711228)

    def alive(self, account):
        return [order for order in self.world.book(account) if order.alive]

    def record(self, order, action, request=None, detail=None):
        self.world.record(self.world.account("btse", order.account), order.id,
                          action, request, detail)

    # ---- coming in

    def place(self, orders, request):
        """Take new orders (the legs of one, if there are several)."""
        for order in orders:
            self.world.add_order(order)
            self.record(order, "created", request, order.summary())
            self.watch_lifetime(order)
            self.streams.ordered(order, order.wire_status)
        for order in orders:
            self.look(order, request)

    def changed(self, order):
        """Its status is another one."""
        if not self.trading:
            self.streams.ordered(order, order.wire_status)
            self.sync(order)

    def sync(self, order):
        """Its place in the book is where it belongs now."""
        market = self.markets.get(order.market)
        if market is not None and market.live is not None:
            market.live.sync(order)

    def seeded(self, order):
        """It was there before, but not in the book."""
        market = self.markets.get(order.market)
        if market is not None and market.live is not None:
            self.look(order)

    def look(self, order, request=None):
        """What the market does to an order as it stands now."""
        market = self.markets.get(order.market)
        if market is None or not order.alive:
            return
        if order.waiting and market.live is not None:
            market.live.sync(order)
        if order.waiting:
            order.follow(market.last)
            if not order.reached(market.last):
                return
            self.world.change(order, "activated")
            order.triggered = True
            self.record(order, "triggered", request)
        if order.kind == "PEG":
            order.price = market.peg_price(order)
        if market.live is None:
            self.match(order, market, request)
            return
        self.match_live(order, market, request)
        self.sync(order)
        self.wake(market)

    def moved(self, market):
        """Price, index or book are different now."""
        if market.live is not None:
            market.live.seed()
        for account in list(self.world.accounts["btse"].values()):
            for order in self.alive(account):
                if order.market == market.symbol:
                    self.look(order)

    def match(self, order, market, request):
        """Trade against the book."""
        wanted, takes = order.remaining, []
        for price, size in market.against(order.side):
            if wanted <= 0 or not order.takes(price):
                break
            takes.append((min(size, wanted), price))
            wanted -= takes[-1][0]
        if order.time_in_force == "FOK" and wanted > 0:
            takes = []
        for size, price in takes:
            self.fill(order, size, price, False, request)
        if order.alive and order.immediate:
            self.end(order, "MARKET" if order.kind == "MARKET"
                     else order.time_in_force, request)

    def match_live(self, order, market, request):
        """Trade with whoever is in the book of a market that is alive."""
        live, maker = market.live, market.live.rests(order)
        if order.time_in_force == "FOK" and order.remaining > sum(
                size for price, size in market.against(order.side)
                if order.takes(price)):
            self.end(order, "FOK", request)
        while order.alive and order.remaining > 0:
            found = live.against(order.side)
            if found is None or not order.takes(found[0]):
                break
            price, size, other = found
            size, id = min(size, order.remaining), str(uuid.uuid4())
            if other is None:
                live.take(order.side, price, size)
            else:
                self.fill(other, size, price, not maker, request, id)
            self.fill(order, size, price, maker, request, id,
                      public=other is None)
        if order.alive and order.immediate:
            self.end(order, "MARKET" if order.kind == "MARKET"
                     else order.time_in_force, request)

    def sweep(self, market, side, size, limit=None):
        """Somebody without an account buys or sells so much, at the limit or
        better; answers what was left."""
        live = market.live
        while size > 0:
            found = live.against(side)
            if found is None or limit is not None and (
                    found[0] > limit if side == "BUY" else found[0] < limit):
                break
            price, offered, other = found
            part = min(size, offered)
            if other is None:
                live.take(side, price, part)
                self.print(market, side, part, price)
            else:
                self.fill(other, part, price, True)
            size -= part
        self.wake(market)
        return size

    def offer(self, market, side, price, size):
        """Somebody without an account offers so much at a price; what
        others have there at once, trades."""
        if size > 0:
            size = self.sweep(market, side, size, price)
            if size <= 0:
                return
        market.live.set_ambient(side, price, size)

    def print(self, market, side, size, price):
        """A public trade."""
        row = market.live.add_trade(side, price, size, self.world.now())
        self.streams.traded(market.symbol, row)

    def wake(self, market):
        """Orders that wait for a price, after trades have moved it."""
        live = market.live
        if live.waking:
            return
        live.waking = True
        try:
            while live.woken_at != market.last:
                live.woken_at = market.last
                for order in list(live.waiting.values()):
                    self.look(order)
        finally:
            live.waking = False

    def crosses(self, order, market):
        """Would it trade at once?"""
        best = next(iter(market.against(order.side)), None)
        return best is not None and order.takes(best[0])

    # ---- trades

    def fill(self, order, size, price, maker=True, request=None, id=None,
             public=True):
        """One trade (public, unless the other side of it tells); the first
        of an OCO order's legs ends the others."""
        order.add_fill(size, price)
        self.trading = True
        self.world.change(order, "partly_filled" if order.remaining > 0
                          else "filled")
        self.trading = False
        trade = self.trade(order, size, price, maker, id)
        self.fills.setdefault(order.account, []).append(trade)
        self.sync(order)
        self.tell_fill(order, trade, public)
        self.move_money(order, size, price, trade)
        self.record(order, "filled", request, {
            "size": plain(size), "price": plain(price),
            "trade_id": trade["tradeId"]})
        for leg in self.legs(order):
            if leg is not order and leg.alive:
                self.end(leg, "OCO", request)

    def tell_fill(self, order, trade, public):
        market = self.markets.get(order.market)
        self.streams.filled(order.account, trade)
        self.streams.ordered(order, order.wire_status, trade, trade.maker)
        if public and market is not None and market.live is not None:
            taker = {"BUY": "SELL", "SELL": "BUY"}[order.side] \
                if trade.maker else order.side
            self.print(market, taker, trade["filledSize"],
                       trade["filledPrice"])

    def legs(self, order):
        """An order and the others of its OCO group."""
        if order.group is None:
            return [order]
        account = self.world.account("btse", order.account)
        return [order] + [leg for leg in self.world.book(account)
                          if leg is not order and leg.group == order.group]

    def trade(self, order, size, price, maker, id=None):
        base, _, quote = (order.market or "").partition("-")
        market = self.markets.get(order.market)
        rate = market.fee(maker) if market else ZERO
        paid_in_base = order.side == "BUY"
        trigger = order.tx_type != "LIMIT"
        return Row({
            "tradeId": id or str(uuid.uuid4()), "orderId": order.id,
            "clOrderID": order.client_order_id or "",
            "username": self.world.account("btse", order.account).user,
            "side": order.side, "orderType": ORDER_TYPES[order.kind],
            "triggerType": TRIGGER_TYPES.get(order.tx_type, 0),
            "price": price, "size": order.size
            if self.world.settings["btse_trade_size"] == "current"
            else order.original, "filledPrice": price,
            "filledSize": size,
            "triggerPrice": order.trigger_price if trigger else ZERO,
            "base": base, "quote": quote, "symbol": order.market,
            "feeCurrency": base if paid_in_base else quote,
            "feeAmount": (size if paid_in_base else size * price) * rate,
            "wallet": "SPOT@", "realizedPnl": 0, "total": 0,
            "serialId": next(self.serial),
            "timestamp": milliseconds(self.world.now()),
            "avgFilledPrice": order.average}, self.world.now(), maker)

    # ---- money: a currency without a balance is there in any amount

    def wallet(self, account_name):
        return self.wallets.setdefault(account_name, {})

    def move_money(self, order, size, price, trade):
        base, quote = trade["base"], trade["quote"]
        sign = 1 if order.side == "BUY" else -1
        moves = {base: sign * size, quote: -sign * size * price}
        moves[trade["feeCurrency"]] -= trade["feeAmount"]
        wallet = self.wallet(order.account)
        for currency, change in moves.items():
            if currency in wallet:
                wallet[currency] += change

    def needs(self, order, market):
        """(currency, amount) that an order holds, as far as it can say."""
        if order.side == "SELL":
            return market.base, order.remaining
        price = order.price
        if order.kind == "MARKET":
            price = next(iter(market.against("BUY")), (ZERO,))[0]
        return market.quote, order.remaining * price

    def affords(self, account, order, market):
        currency, needed = self.needs(order, market)
        balance = self.wallet(account.name).get(currency)
        if balance is None:
            return True
        for other in self.alive(account):
            if other.group is not None and other.waiting:
                continue                # only one leg of it will trade
            theirs = self.markets.get(other.market)
            if theirs is not None and other is not order:
                held = self.needs(other, theirs)
                balance -= held[1] if held[0] == currency else 0
        return needed <= balance

    # ---- going out

    def end(self, order, why, request=None):
        """It ends without being asked to."""
        if order.alive:
            self.world.change(order, "cancelled", request)
            self.record(order, "expired", request, {"why": why})

    def watch_lifetime(self, order):
        if order.lifetime is not None:
            left = order.created + order.lifetime - time.time()
            self.world.alarms.set(
                ("btse", order.account, order.id), left,
                lambda: self.end(order, order.time_in_force))

    def cancel_all_after(self, account, seconds):
        """Start the account's timer anew; 0 stops it."""
        name = ("btse", account.name, "cancelAllAfter")
        if not seconds:
            self.world.alarms.drop(name)
            return
        self.world.alarms.set(name, seconds,
                              lambda: self.everything_ends(account))

    def timer(self, account):
        return self.world.alarms.left(("btse", account.name,
                                       "cancelAllAfter"))

    def everything_ends(self, account):
        doomed = self.alive(account)
        self.world.record(account, "", "timer_fired", None,
                          {"orders": len(doomed)})
        for order in doomed:
            self.end(order, "cancelAllAfter")

    def age(self, order, seconds):
        """The trades of an order happened earlier, and its time is nearer
        to its end."""
        for trade in self.fills.get(order.account, ()):
            if trade["orderId"] == order.id:
                trade["timestamp"] -= milliseconds(seconds)
                trade.at -= seconds
        if order.alive:
            self.watch_lifetime(order)
