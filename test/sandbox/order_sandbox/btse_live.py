"""A market of BTSE that is alive: its book has the resting orders of all
accounts beside what is offered by nobody in particular ("ambient"), and what
trades leaves it.

A market becomes alive when somebody looks at it through a stream, or when the
trader begins (setting btse_live); until then its book is the scenery that
btse_scenery.py makes up, which nothing moves.
"""

from bisect import bisect_left, insort
from collections import deque
from decimal import Decimal

ZERO = Decimal(0)
KEEP_TRADES = 200000            # public ones of a market
FIRST_TRADE = 118974855         # as the page's example


class Row(dict):
    """A row of trades or trade_history, and what REST does not tell."""

    def __init__(self, row, now, maker=None):
        super().__init__(row)
        self.at = now           # when it happened: REST may show it later
        self.maker = maker
        self.told = 0           # how many connections were sent it


class Side:
    """Bids or asks.  Prices are kept as keys that put the best one first."""

    def __init__(self, sign):
        self.sign = sign                # 1 for asks, -1 for bids
        self.ambient = {}               # price -> size
        self.orders = {}                # price -> {order id: order}
        self.total = {}                 # price -> size of both
        self.keys = []                  # sign * price, ascending

    def best(self):
        return self.sign * self.keys[0] if self.keys else None

    def levels(self):
        """[(price, size)], best first."""
        return [(price, self.total[price])
                for price in (self.sign * key for key in self.keys)]

    def settle(self, price):
        """Count a price anew; answers (before, after)."""
        before = self.total.get(price, ZERO)
        after = self.ambient.get(price, ZERO)
        for order in self.orders.get(price, {}).values():
            after += order.remaining
        if after == before:
            return before, before
        key = self.sign * price
        if not before:
            insort(self.keys, key)
        if after:
            self.total[price] = after
        else:
            self.total.pop(price)
            del self.keys[bisect_left(self.keys, key)]
        return before, after


class Live:
    """The book and the trades of a market that is alive."""

    def __init__(self, market, now_ms):
        self.market = market
        self.since = now_ms
        self.sides = {"BUY": Side(-1), "SELL": Side(1)}
        self.resting = {}               # order id -> (side, price, remaining)
        self.waiting = {}               # order id -> order with a trigger
        self.trades = deque(maxlen=KEEP_TRADES)
        self.last_id = FIRST_TRADE
        self.depths = []                # those that somebody follows
        self.changes = 0
        self.changed = lambda live: None
        self.waking = False             # orders with triggers are looked at
        self.woken_at = market.last     # the price when they were, last
        self.ready = False
        for side in self.sides:
            for price, size in market.levels(side):
                self.set_ambient(side, price, size)
        self.ready = True
        self.seeded = (market.bids, market.asks, market.last)

    # ---- what is in the book

    def levels(self, side):
        return self.sides[side].levels()

    def touch(self, side, price):
        before, after = self.sides[side].settle(price)
        if before == after:
            return
        self.changes += 1
        for depth in self.depths:
            depth.touch(side, price, before, after)
        self.changed(self)

    def set_ambient(self, side, price, size):
        ambient = self.sides[side].ambient
        if size > 0:
            ambient[price] = size
        else:
            ambient.pop(price, None)
        self.touch(side, price)

    def replace(self, side, levels):
        """The ambient of one side is this, and nothing else."""
        wanted = {}
        for price, size in levels:
            wanted[price] = wanted.get(price, ZERO) + size
        for price in set(self.sides[side].ambient) - set(wanted):
            self.set_ambient(side, price, ZERO)
        for price, size in wanted.items():
            self.set_ambient(side, price, size)

    def seed(self):
        """What the control API has put, or the scenery around the price
        that it has put, unless there was trading."""
        seeded, market = self.seeded, self.market
        self.seeded = now = (market.bids, market.asks, market.last)
        self.ready = False
        for at, side in enumerate(self.sides):
            if now[at] is not seeded[at] or (
                    now[at] is None and now[2] != seeded[2]):
                self.replace(side, market.levels(side))
        self.ready = True

    def rests(self, order):
        return order.id in self.resting

    def sync(self, order):
        """An order is as it is now."""
        wanted = None
        if (order.alive and not order.waiting and not order.immediate
                and order.remaining > 0):
            wanted = (order.side, order.price, order.remaining)
        if order.alive and (order.waiting or order.kind == "PEG"):
            self.waiting[order.id] = order
        else:
            self.waiting.pop(order.id, None)
        known = self.resting.get(order.id)
        if known == wanted:
            return
        if known is not None and (wanted is None or known[:2] != wanted[:2]):
            side, price, _ = known
            there = self.sides[side].orders[price]
            del there[order.id]
            if not there:
                del self.sides[side].orders[price]
            del self.resting[order.id]
            self.touch(side, price)
        if wanted is not None:
            self.sides[wanted[0]].orders.setdefault(
                wanted[1], {})[order.id] = order
            self.resting[order.id] = wanted
            self.touch(wanted[0], wanted[1])

    # ---- what trades with whom

    def against(self, side):
        """The best offer to an order of this side: (price, size, order of
        an account or None), or None."""
        other = self.sides["SELL" if side == "BUY" else "BUY"]
        price = other.best()
        if price is None:
            return None
        for order in other.orders.get(price, {}).values():
            return price, order.remaining, order
        return price, other.ambient[price], None

    def take(self, side, price, size):
        """An order of this side took so much of the ambient."""
        other = "SELL" if side == "BUY" else "BUY"
        self.set_ambient(other, price,
                         self.sides[other].ambient[price] - size)

    def put_trade(self, trade, now):
        """One that nobody made; its place is by its time."""
        row = Row(trade, now)
        self.trades = deque(sorted(
            list(self.trades) + [row], key=lambda each: each["timestamp"]),
            KEEP_TRADES)
        return row

    def add_trade(self, side, price, size, now):
        """A public trade; answers its row."""
        self.last_id += 1
        row = Row({"price": price, "size": size, "side": side,
                   "symbol": self.market.symbol, "serialId": self.last_id,
                   "timestamp": int(now * 1000)}, now)
        self.trades.append(row)
        self.market.numbers["last"] = price
        self.seeded = self.seeded[:2] + (price,)
        return row
