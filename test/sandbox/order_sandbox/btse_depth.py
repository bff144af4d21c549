"""What a stream tells of a book: the best 50 levels a side of one grouping,
with a sequence of its own, and the best bid and ask.

What was told is what is true as of a sequence number: the last states are
kept, so that tests can compare.
"""

from bisect import bisect_right, insort, bisect_left
from collections import deque
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from .btse_scenery import GROUPS
from .json_text import plain

MOST_LEVELS = 50
SIDES = (("BUY", "bids", -1), ("SELL", "asks", 1))
ZERO = Decimal(0)


class Half:
    """One side of a grouping."""

    def __init__(self, sign, width):
        self.sign = sign
        self.width = width              # of a level; None: as they are
        self.sums = {}                  # key -> size
        self.keys = []                  # sign * price, best first
        self.shown = {}                 # key -> (size, price, size as texts)
        self.touched = set()
        self.edge = None                # the key of the last level shown

    def key(self, price):
        if self.width is None:
            return self.sign * price
        rounding = ROUND_FLOOR if self.sign < 0 else ROUND_CEILING
        return self.sign * self.width * (
            price / self.width).to_integral_value(rounding)

    def touch(self, price, before, after):
        key = self.key(price)
        was = self.sums.get(key, ZERO)
        now = after if self.width is None else was + after - before
        if not was:
            insort(self.keys, key)
        if now:
            self.sums[key] = now
        else:
            self.sums.pop(key, None)
            del self.keys[bisect_left(self.keys, key)]
        self.touched.add(key)

    def rebuild(self, levels):
        """Start anew; what is shown stays."""
        self.sums.clear()
        for price, size in levels:
            key = self.key(price)
            self.sums[key] = self.sums.get(key, ZERO) + size
        self.keys = sorted(self.sums)
        self.touched = set(self.sums) | set(self.shown)
        self.edge = None

    def publish(self):
        """What differs from what is shown, which it then is:
        [(price, size)] as texts, size "0" where a level is gone."""
        keys = self.keys
        edge = keys[MOST_LEVELS - 1] if len(keys) > MOST_LEVELS else None
        looked = self.touched
        if edge != self.edge:           # others come in, or fall out
            old = len(keys) if self.edge is None \
                else bisect_right(keys, self.edge)
            new = min(len(keys), MOST_LEVELS)
            looked = looked.union(keys[min(old, new):max(old, new)])
        changes = []
        for key in sorted(looked):
            size = self.sums.get(key)
            if size is not None and (edge is None or key <= edge):
                was = self.shown.get(key)
                if was is None or was[0] != size:
                    told = (size, plain(self.sign * key), plain(size))
                    self.shown[key] = told
                    changes.append(told[1:])
            else:
                was = self.shown.pop(key, None)
                if was is not None:
                    changes.append((was[1], "0"))
        self.touched = set()
        self.edge = edge
        return changes

    def levels(self):
        """What is shown, best first, as texts."""
        return [self.shown[key][1:] for key in sorted(self.shown)]


class Depth:
    """One book as it is told: a symbol and a grouping."""

    def __init__(self, live, grouping, keep):
        self.live = live
        self.grouping = grouping
        width = live.market.step * GROUPS[grouping] if grouping else None
        self.halves = {side: Half(sign, width) for side, _, sign in SIDES}
        self.seq = 628282 + 1000 * grouping     # as the page's example
        self.at = 0                     # event time, ms
        self.peers = {}                 # peer -> topic, as it asked for it
        self.seen = live.changes
        self.keep = keep
        self.start(0)
        self.base = {side: self.told(side) for side, _, _ in SIDES}
        self.base_seq = self.seq
        self.deltas = deque()           # (seq, at, {side: changes})

    def told(self, side):
        return {Decimal(price): (price, size)
                for price, size in self.halves[side].levels()}

    def start(self, now):
        """Somebody follows it, after a time when nobody did."""
        for side, half in self.halves.items():
            half.rebuild(self.live.levels(side))
        self.live.depths.append(self)
        if now:
            passed = self.live.changes - self.seen
            self.seq += passed
            if self.publish(now) is None and passed:
                # what came has gone: another number of the same book
                self.deltas.append((self.seq, now, {}))
        else:
            for half in self.halves.values():
                half.publish()

    def stop(self):
        self.live.depths.remove(self)
        self.seen = self.live.changes

    def touch(self, side, price, before, after):
        self.halves[side].touch(price, before, after)

    def publish(self, now):
        """The next delta as {side: changes}, or None."""
        changes = {side: half.publish() for side, half in self.halves.items()}
        if not any(changes.values()):
            return None
        self.seq += 1
        self.at = now
        self.deltas.append((self.seq, now, changes))
        while len(self.deltas) > self.keep:
            self.base_seq, _, gone = self.deltas.popleft()
            self.apply(self.base, gone)
        return changes

    @staticmethod
    def apply(book, changes):
        for side, levels in changes.items():
            for price, size in levels:
                # a price may come back with other digits
                if size == "0":
                    book[side].pop(Decimal(price), None)
                else:
                    book[side][Decimal(price)] = (price, size)

    # ---- on the wire

    def quotes(self, changes):
        return {name: [list(level) for level in changes[side]]
                for side, name, _ in SIDES}

    def message(self, topic, levels, type, now):
        return {"topic": topic, "data": dict(
            self.quotes(levels), seqNum=self.seq, prevSeqNum=self.seq - 1,
            type=type, timestamp=now, symbol=self.live.market.symbol)}

    def snapshot(self, topic, now):
        return self.message(topic, {side: half.levels() for side, half
                                    in self.halves.items()}, "snapshot", now)

    def delta(self, changes, now):
        """The topic of a delta names only the symbol."""
        return self.message("update:" + self.live.market.symbol, changes,
                            "delta", now)

    # ---- for the control API

    def known(self):
        """(seq, at, {side: {price: level}}) of all states that are kept; the
        books are the same object, changed."""
        book = {side: dict(levels) for side, levels in self.base.items()}
        yield self.base_seq, None, book
        for seq, at, changes in self.deltas:
            self.apply(book, changes)
            yield seq, at, book

    def as_json(self, seq, at, book):
        return {"symbol": self.live.market.symbol, "grouping": self.grouping,
                "seq": seq, "event_time": at,
                **{name: [list(book[side][price]) for price in sorted(
                    book[side], reverse=sign < 0)]
                   for side, name, sign in SIDES}}


def best(live):
    """((price, size) or None of bids, and of asks), as texts."""
    found = []
    for side, _, _ in SIDES:
        half = live.sides[side]
        price = half.best()
        found.append(None if price is None else
                     (plain(price), plain(half.total[price])))
    return tuple(found)


def l1_message(symbol, quotes, now):
    bid, ask = quotes
    return {"topic": "snapshotL1:" + symbol, "data": {
        "bids": [list(bid)] if bid else [], "asks": [list(ask)] if ask else [],
        "type": "snapshotL1", "symbol": symbol, "timestamp": now}}
