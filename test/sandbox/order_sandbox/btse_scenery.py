"""The markets of BTSE: what is allowed, price, book, trades, candles.

Without anything seeded there are three of them, with a book, trades and
candles that are made up from the time alone, so that the same question has
the same answer.  Whatever is seeded replaces what was made up.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from .btse_order import amount
from .state import BadInput

RESOLUTIONS = ("1", "5", "15", "30", "60", "240", "360", "1440", "10080",
               "43200")
MOST_CANDLES = 300
GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)   # price increments in a level
LEVELS = 25
TRADE_EVERY = 15 * 60 * 1000            # made-up trades, in ms
SPOT_HAS_NONE = dict.fromkeys((
    "openInterest", "openInterestUSD", "contractStart", "contractEnd",
    "openTime", "closeTime", "startMatching", "inactiveTime", "fundingRate",
    "contractSize", "maxPosition", "minRiskLimit", "maxRiskLimit"), 0)
FLAGS = {"active": True, "timeBasedContract": False, "futures": False,
         "isMarketOpenToOtc": False, "isMarketOpenToSpot": True}
NUMBERS = {"percentageChange": "-4.633438649", "volume": "81456627.51106991",
           "high24Hr": "39478.5", "low24Hr": "36821.5", "size": "2117.88522",
           "minValidPrice": "0.01", "minPriceIncrement": "0.5",
           "minOrderSize": "0.00001", "maxOrderSize": "2000",
           "minSizeIncrement": "0.00001", "last": "36976",
           "indexPrice": "36288.949684967", "markPrice": "0",
           "makerfee": "0.0002", "takerfee": "0.0006"}
DEFAULT_MARKETS = (
    {"symbol": "BTC-USD"},
    {"symbol": "BTC-USDT", "last": "36970"},
    {"symbol": "ETH-USD", "last": "2190.25", "indexPrice": "2190.1",
     "minPriceIncrement": "0.05", "high24Hr": "2255.5", "low24Hr": "2101.05",
     "minOrderSize": "0.0001", "minSizeIncrement": "0.0001"},
)

def wave(index):
    """A made-up price, in increments above the last one."""
    return index * 7919 % 41 - 20


class Market:
    def __init__(self, symbol):
        self.symbol = symbol
        self.base, _, self.quote = symbol.partition("-")
        self.flags = dict(FLAGS)
        self.numbers = {name: Decimal(value)
                        for name, value in NUMBERS.items()}
        self.bids = self.asks = None    # [(price, size)], best first
        self.made = None                # trades, oldest first
        self.live = None                # see btse_live.py
        self.candles = {}               # resolution -> {time: row}

    @property
    def last(self):
        return self.numbers["last"]

    @property
    def step(self):
        return self.numbers["minPriceIncrement"]

    def update(self, wanted):
        for name, value in wanted.items():
            if name in self.numbers:
                self.numbers[name] = amount(value)
            elif name in self.flags and isinstance(value, bool):
                self.flags[name] = value
            elif name != "symbol":
                raise BadInput("a market has no such %s; it has numbers: %s; "
                               "and true or false: %s" % (
                                   name, ", ".join(sorted(self.numbers)),
                                   ", ".join(sorted(self.flags))))

    def fee(self, maker):
        return self.numbers["makerfee" if maker else "takerfee"]

    # ---- the book

    def levels(self, side):
        """Offers to BUY (bids) or SELL (asks), best first."""
        if self.live is not None and self.live.ready:
            return self.live.levels(side)
        own = self.bids if side == "BUY" else self.asks
        if own is not None:
            return own
        sign = -1 if side == "BUY" else 1
        return [(self.last + sign * number * self.step,
                 number * self.numbers["minSizeIncrement"] * 500000)
                for number in range(1, LEVELS + 1)
                if self.last + sign * number * self.step > 0]

    def against(self, side):
        """What an order of this side trades with."""
        return self.levels("SELL" if side == "BUY" else "BUY")

    def grouped(self, side, group):
        """Levels put together, away from the middle."""
        width = self.step * GROUPS[group]
        rounding = ROUND_FLOOR if side == "BUY" else ROUND_CEILING
        found = {}
        for price, size in self.levels(side):
            level = (price / width).to_integral_value(rounding) * width
            found[level] = found.get(level, 0) + size
        return list(found.items())

    def peg_price(self, order):
        """The index with its deviation, but not beyond the order's bound."""
        price = self.numbers["indexPrice"] * (1 + order.deviation)
        price = price // self.step * self.step
        if order.bound is None:
            return price
        return min(price, order.bound) if order.side == "BUY" \
            else max(price, order.bound)

    # ---- what was

    def trades(self, start, end):
        """Newest first, both ends included."""
        if self.live is None:
            return self.trades_before(start, end)
        return [trade for trade in reversed(self.live.trades)
                if start <= trade["timestamp"] <= end] + \
            self.trades_before(start, min(end, self.live.since))

    def trades_before(self, start, end):
        """The same, of the time before the market was alive."""
        if self.made is not None:
            return [trade for trade in reversed(self.made)
                    if start <= trade["timestamp"] <= end]
        return [{"price": self.last + wave(index) * self.step,
                 "size": (1 + index % 9) * self.numbers["minOrderSize"],
                 "side": "BUY" if index % 2 else "SELL",
                 "symbol": self.symbol, "serialId": index,
                 "timestamp": index * TRADE_EVERY}
                for index in range(end // TRADE_EVERY,
                                   -(-start // TRADE_EVERY) - 1, -1)]

    def candles_of(self, resolution, start, end):
        """Newest first, by seconds; at most MOST_CANDLES."""
        own = self.candles.get(resolution)
        if own is not None:
            times = [time for time in sorted(own, reverse=True)
                     if start <= time <= end]
            return [own[time] for time in times[:MOST_CANDLES]]
        width = int(resolution) * 60
        newest = end // width
        oldest = max(-(-start // width), newest - MOST_CANDLES + 1)
        return [self.candle(index, width)
                for index in range(newest, oldest - 1, -1)]

    def candle(self, index, width):
        opened, closed = (self.last + wave(each) * self.step
                          for each in (index, index + 1))
        return [index * width, opened, max(opened, closed) + 3 * self.step,
                min(opened, closed) - 3 * self.step, closed,
                (1 + index % 97) * self.numbers["minOrderSize"]]

    # ---- on the wire

    def summary(self):
        number = self.numbers
        best = {side: next(iter(self.levels(side)), (Decimal(0),))[0]
                for side in ("BUY", "SELL")}
        traded = ("percentageChange", "volume", "high24Hr", "low24Hr")
        allowed = ("minValidPrice", "minPriceIncrement", "minOrderSize",
                   "maxOrderSize", "minSizeIncrement")
        return {
            "symbol": self.symbol, "last": self.last,
            "lowestAsk": best["SELL"], "highestBid": best["BUY"],
            **{name: number[name] for name in traded},
            "base": self.base, "quote": self.quote,
            "active": self.flags["active"], "size": number["size"],
            **{name: number[name] for name in allowed},
            **SPOT_HAS_NONE, "availableSettlement": None, **self.flags}


class Markets(dict):
    """Symbol -> Market."""

    def __init__(self):
        super().__init__()
        self.reset()

    def reset(self):
        self.clear()
        for market in DEFAULT_MARKETS:
            self.put(market)

    def put(self, wanted):
        symbol = wanted.get("symbol")
        if type(symbol) is not str or symbol.count("-") != 1:
            raise BadInput("a market needs a symbol such as BTC-USD")
        market = self.get(symbol) or Market(symbol)
        market.update(wanted)
        self[symbol] = market
        return market

    def named(self, wanted):
        """The market of something seeded."""
        if wanted.get("symbol") not in self:
            raise BadInput("no market %r" % (wanted.get("symbol"),))
        return self[wanted["symbol"]]
