"""BTSE's public endpoints."""

import datetime
from decimal import Decimal

from .btse_arguments import Required, one_of, public, text, whole
from .btse_order import amount
from .btse_scenery import GROUPS, RESOLUTIONS
from .btse_wire import milliseconds
from .json_text import plain
from .provider import Answer, Shape
from .state import BadInput

DAY = 86400 * 1000
MOST_DAYS, DEFAULT_DAYS = 30, 3         # of trades

MARKETS = Shape((), "symbol", "last", "base")
PRICES = Shape((), "symbol", "lastPrice", "symbol")
CANDLES = Shape((), 0, 4, 5)
BOOK = Shape(("buyQuote",), "price", "size", "size")
TRADES = Shape((), "serialId", "price", "side")
TIME = Shape((), "iso", "epoch", "iso")

SYMBOL = {"symbol": text}
ONE_SYMBOL = {"symbol": Required(text)}
ENDPOINTS = (
    public("/market_summary", "market_summary", SYMBOL, MARKETS),
    public("/ohlcv", "ohlcv",
           dict(ONE_SYMBOL, start=whole, end=whole,
                resolution=Required(one_of(*RESOLUTIONS))), CANDLES),
    public("/price", "price", SYMBOL, PRICES),
    public("/orderbook", "orderbook",
           dict(ONE_SYMBOL, group=whole, limit_bids=whole, limit_asks=whole),
           BOOK),
    public("/orderbook/L2", "orderbook_l2", dict(ONE_SYMBOL, depth=whole),
           BOOK),
    public("/trades", "trades",
           dict(ONE_SYMBOL, startTime=whole, endTime=whole, count=whole),
           TRADES),
    public("/time", "time", {}, TIME),
)


def span(start, end, now, most, default):
    """The times (ms) that a query is about: at most so many days of what was
    asked for, counted from its end, or the default number of days."""
    if start is not None and end is not None:
        return max(start, end - most * DAY), end
    if start is not None:
        return start, start + default * DAY
    end = now if end is None else end
    return end - default * DAY, end


class MarketEndpoints:
    """Part of Btse; it has world, markets and matching."""

    def market_of(self, call):
        """The market a request names; refuses it when there is none."""
        market = self.markets.get(call.given.symbol)
        if market is None:
            self.refuse(call.request, 400, 400, "BADREQUEST: no such symbol")
        return market

    def chosen_markets(self, call):
        if call.given.symbol is None:
            return list(self.markets.values())
        return [self.market_of(call)]

    def now_ms(self):
        return milliseconds(self.world.now())

    def span(self, given, most, default):
        """The times that a query is about, as the setting has it."""
        start, end = span(given.startTime, given.endTime, self.now_ms(),
                          most, default)
        how = self.world.settings["btse_times"]
        if how == "ignored":
            return 0, self.now_ms()
        if how.startswith("seconds"):
            start, end = start // 1000 * 1000, end // 1000 * 1000
        if how in ("exclusive_both", "seconds_exclusive"):
            return start + 1, end - 1
        return start, end - (how == "exclusive")

    def first(self, call, rows):
        """As many rows as were asked for, of a list with the newest first."""
        how = self.world.settings["btse_rows"]
        count = call.given.count
        if count is None:
            count = self.world.settings["btse_default_count"] or len(rows)
        most = self.world.settings["btse_most_count"] or count
        count = min(count, most)
        if how.startswith("oldest"):
            rows = rows[::-1]
        return rows[:count][::-1] if how.endswith("_last") else rows[:count]

    def market_summary(self, call):
        return Answer(200, [market.summary()
                            for market in self.chosen_markets(call)])

    def price(self, call):
        return Answer(200, [
            {"symbol": market.symbol,
             "indexPrice": market.numbers["indexPrice"],
             "lastPrice": market.last,
             "markPrice": market.numbers["markPrice"]}
            for market in self.chosen_markets(call)])

    def ohlcv(self, call):
        given, market = call.given, self.market_of(call)
        end = self.now_ms() if given.end is None else given.end
        candles = market.candles_of(
            given.resolution, -(-(given.start or 0) // 1000), end // 1000)
        if self.world.settings["btse_candles"] == "oldest":
            candles.reverse()
        return Answer(200, candles)

    def orderbook(self, call):
        given, market = call.given, self.market_of(call)
        group = given.group or 0
        if group >= len(GROUPS):
            self.refuse(call.request, 400, 400, "BADREQUEST: group")
        return self.book(market, market.grouped("BUY", group),
                         market.grouped("SELL", group), given.limit_bids,
                         given.limit_asks)

    def orderbook_l2(self, call):
        market, depth = self.market_of(call), call.given.depth
        return self.book(market, market.levels("BUY"), market.levels("SELL"),
                         depth, depth)

    def book(self, market, bids, asks, most_bids, most_asks):
        # the example has strings where the table has numbers
        told = (lambda value: value) \
            if self.world.settings["btse_naming"] == "tables" else plain

        def quotes(levels, most):
            return [{"price": told(price), "size": told(size)}
                    for price, size in levels[:most]]
        return Answer(200, {
            "buyQuote": quotes(bids, most_bids),
            "sellQuote": quotes(asks, most_asks),
            "timestamp": self.now_ms(), "symbol": market.symbol})

    def trades(self, call):
        given, market = call.given, self.market_of(call)
        start, end = self.span(given, MOST_DAYS, DEFAULT_DAYS)
        rows = [row for row in market.trades(start, end) if self.shown(row)]
        return Answer(200, self.first(call, rows))

    def shown(self, row):
        """Does REST tell of it already?"""
        lag = self.world.settings["btse_rest_lag_ms"]
        return not lag or self.world.now() - getattr(row, "at", 0) \
            >= lag / 1000

    def time(self, call):
        now = datetime.datetime.fromtimestamp(self.world.now(),
                                              datetime.timezone.utc)
        return Answer(200, {
            "iso": now.strftime("%Y-%m-%dT%H:%M:%S.")
            + "%03dZ" % (now.microsecond // 1000),
            "epoch": int(now.timestamp())})

    # ---- what the control API can put

    def put_markets(self, account, wanted):
        self.matching.moved(self.markets.put(wanted))

    def get_markets(self, account):
        return [dict(market.summary(), **market.numbers)
                for market in self.markets.values()]

    def drop_markets(self, account):
        self.markets.reset()

    def put_book(self, account, wanted):
        market = self.markets.named(wanted)
        for name, attribute in (("buy", "bids"), ("sell", "asks")):
            if name in wanted:
                levels = [tuple(map(amount, level)) for level in wanted[name]]
                levels.sort(reverse=name == "buy")
                setattr(market, attribute, levels)
        self.matching.moved(market)

    def get_book(self, account):
        return [{"symbol": market.symbol,
                 "buy": [list(level) for level in market.levels("BUY")],
                 "sell": [list(level) for level in market.levels("SELL")]}
                for market in self.markets.values()]

    def drop_book(self, account):
        for market in self.markets.values():
            market.bids = market.asks = None
            self.matching.moved(market)

    def put_trades(self, account, wanted):
        market = self.markets.named(wanted)
        trade = {"price": market.last, "size": Decimal(1), "side": "BUY",
                 "symbol": market.symbol,
                 "serialId": 85997835 + len(market.made or ()),
                 "timestamp": self.now_ms()}
        trade.update(seeded_row(trade, wanted))
        if market.live is not None:
            trade = market.live.put_trade(trade, self.world.now())
            self.streams.traded(market.symbol, trade)
            return
        market.made = sorted((market.made or []) + [trade],
                             key=lambda each: each["timestamp"])

    def get_trades(self, account):
        return [trade for market in self.markets.values()
                for trade in list(market.made or ())
                + list(market.live.trades if market.live else ())]

    def drop_trades(self, account):
        """None at all, not even made up ones."""
        for market in self.markets.values():
            market.made = []
            if market.live is not None:
                market.live.trades.clear()

    def put_candles(self, account, wanted):
        market = self.markets.named(wanted)
        resolution = str(wanted.get("resolution"))
        if resolution not in RESOLUTIONS:
            raise BadInput("a resolution is one of: " + ", ".join(RESOLUTIONS))
        for row in wanted.get("candles", ()):
            if len(row) != 6:
                raise BadInput("a candle is [seconds, open, high, low, close, "
                               "volume]")
            row = [int(amount(row[0]))] + [amount(each) for each in row[1:]]
            market.candles.setdefault(resolution, {})[row[0]] = row

    def get_candles(self, account):
        return [{"symbol": market.symbol, "resolution": resolution,
                 "candles": [rows[time] for time in sorted(rows)]}
                for market in self.markets.values()
                for resolution, rows in market.candles.items()]

    def drop_candles(self, account):
        for market in self.markets.values():
            market.candles = {each: {} for each in RESOLUTIONS}


def seeded_row(like, wanted):
    """Fields of a seeded row: numbers where the row has numbers."""
    unknown = set(wanted) - set(like)
    if unknown:
        raise BadInput("there is no %s; there are: %s" % (
            ", ".join(sorted(unknown)), ", ".join(sorted(like))))
    row = {}
    for name, value in wanted.items():
        if value is None or isinstance(like[name], (bool, list)):
            row[name] = value
        elif isinstance(like[name], int):
            row[name] = int(amount(value))
        elif isinstance(like[name], Decimal):
            row[name] = amount(value)
        else:
            row[name] = str(value)
    return row
