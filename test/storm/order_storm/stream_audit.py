"""What was appended, compared with what the sandbox has made.  Every rule is a
function of the books that yields complaints.
"""

from collections import Counter
from decimal import Decimal

LOGS = ("btse_fill_log", "storm_fills")
HOLES = ("SELECT kind, symbol, extract(epoch FROM from_time),"
         " extract(epoch FROM to_time) FROM btse_stream_event"
         " WHERE event IN ('hole', 'refused_row')")
REFUSED = ("SELECT message FROM btse_stream_event WHERE event = 'refused_row'"
           " AND kind = 'fills'")
GRACE = 2               # seconds: the ends of a span are those of messages
RULES = []


def rule(function):
    RULES.append(function)
    return function


class StreamBooks:
    """What both sides say, when all is over."""

    def __init__(self, cluster, sandbox, markets, since):
        ask = cluster.ask
        self.fills = {str(row["serialId"]): row for row in
                      sandbox.get("/streams/fills")
                      if row["timestamp"] / 1000 >= since}
        self.logs = {table: ask("SELECT serial_id, filled_price, filled_size"
                                " FROM %s" % table) for table in LOGS}
        self.trades = {(market, str(row["serialId"])): row
                       for market in markets
                       for row in sandbox.get("/streams/trades",
                                              symbol=market)
                       if row["timestamp"] / 1000 >= since}
        self.traded = ask("SELECT symbol, trade_id, price, size FROM"
                          " btse_trade_log UNION ALL SELECT symbol, trade_id,"
                          " price, size FROM storm_trades")
        self.told = Counter(
            (row["orderID"], int(row["status"])) for row in
            sandbox.get("/streams/notifications")
            if row["timestamp"] / 1000 >= since)
        self.told_at = {(row["orderID"], int(row["status"])):
                        row["timestamp"] / 1000 for row in
                        sandbox.get("/streams/notifications")}
        self.notified = Counter(
            (order, int(status)) for order, status in ask(
                "SELECT order_id, status FROM btse_notification_log"))
        self.holes = [(kind, symbol, float(begin or 0), float(end or 1e12))
                      for kind, symbol, begin, end in ask(HOLES)]

        self.refused = [row[0] for row in ask(REFUSED)]

    def is_lost(self, kind, symbol, at):
        return any(hole == kind and whose in (None, symbol)
                   and begin - GRACE <= at <= end + GRACE
                   for hole, whose, begin, end in self.holes)

    def missing_fills(self):
        return any(self.fills.keys() - {row[0] for row in rows}
                   for rows in self.logs.values())


@rule
def each_fill_once(books):
    """Each that was made is there, once, as it was made."""
    for table, rows in books.logs.items():
        for serial, count in Counter(row[0] for row in rows).items():
            if count > 1:
                yield "%s has fill %s %d times" % (table, serial, count)
        for serial, price, size in rows:
            true = books.fills.get(serial)
            if true is not None and (
                    Decimal(price) != Decimal(true["filledPrice"])
                    or Decimal(size) != Decimal(true["filledSize"])):
                yield "%s has fill %s with %s at %s: it was %s at %s" % (
                    table, serial, size, price, true["filledSize"],
                    true["filledPrice"])
        for serial in sorted(books.fills.keys() - {row[0] for row in rows}):
            row = books.fills[serial]
            yield "%s has no fill %s, made at %s, told %s times" % (
                table, serial, row["timestamp"], row["told"])


@rule
def no_fill_refused(books):
    """Tables of this storm take each fill; that it is there already is known
    before it is written."""
    for words in books.refused:
        yield "a fill was refused: %s" % words


@rule
def each_trade_once(books):
    """... or an event names its span."""
    found = Counter((row[0], row[1]) for row in books.traded)
    for (symbol, number), count in found.items():
        if count > 1:
            yield "trade %s of %s is there %d times" % (number, symbol, count)
    for symbol, number, price, size in books.traded:
        true = books.trades.get((symbol, number))
        if true is not None and (Decimal(price), Decimal(size)) != (
                Decimal(true["price"]), Decimal(true["size"])):
            yield "trade %s of %s is %s at %s" % (number, symbol, size, price)
    for symbol, number in sorted(books.trades.keys() - found.keys()):
        at = books.trades[symbol, number]["timestamp"] / 1000
        if not books.is_lost("trades", symbol, at):
            yield "trade %s of %s, at %.3f, is missing without a hole" % (
                number, symbol, at)


@rule
def notifications_lost_with_a_hole(books):
    """They may be repeated, and are lost only in a span that an event names."""
    for what in sorted(books.notified.keys() - books.told_at.keys()):
        yield "nobody was told %s of order %s" % (what[1], what[0])
    for what, count in sorted(books.told.items()):
        if books.notified[what] < count and not books.is_lost(
                "notifications", None, books.told_at[what]):
            yield "notification %d of order %s, at %.3f, is missing without" \
                " a hole" % (what[1], what[0], books.told_at[what])


def complaints(books):
    return [(each.__name__, words) for each in RULES for words in each(books)]
