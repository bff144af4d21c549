"""A live market on its own, without sockets: whatever happens, its book, what
is told of it, orders, fills and trades agree."""

import asyncio
import random
import unittest
from decimal import Decimal

from order_sandbox.btse_depth import MOST_LEVELS
from order_sandbox.btse_order import BtseOrder
from order_sandbox.btse_scenery import GROUPS
from order_sandbox.exchange import Sandbox

SYMBOL = "BTC-USD"
STEPS = 400


class Listener:
    """Follows books, as a connection does."""

    def __init__(self):
        self.books = {}                 # grouping -> {side: {price: size}}
        self.seqs = {}
        self.faults = []

    def take(self, grouping, document):
        data = document["data"]
        if data["type"] == "snapshot":
            self.books[grouping] = {"bids": {}, "asks": {}}
        elif data["prevSeqNum"] != self.seqs[grouping]:
            self.faults.append((grouping, data["prevSeqNum"]))
        self.seqs[grouping] = data["seqNum"]
        for side, levels in self.books[grouping].items():
            for price, size in data[side]:
                if size == "0":
                    levels.pop(Decimal(price), None)
                else:
                    levels[Decimal(price)] = Decimal(size)

    def tell(self, message):
        self.take(int(message.topic[-1]), message.document)


class Market(unittest.TestCase):
    def begin(self, seed):
        self.random = random.Random(seed)
        self.sandbox = Sandbox("off")
        self.btse = self.sandbox.providers["btse"]
        self.matching = self.btse.matching
        self.streams = self.btse.streams
        self.streams.awake = True
        self.accounts = [self.sandbox.world.account("btse")] + [
            self.sandbox.add_account("btse", {"api_key": name,
                                              "secret_key": "s"})
            for name in ("second", "third")]
        self.live = self.streams.alive(SYMBOL)
        self.listener = Listener()
        for grouping in (0, 2, 5):
            self.follow(grouping)
        self.number = 0

    def follow(self, grouping):
        depth = self.streams.depth(self.live, grouping)
        depth.peers[self.listener] = "update:%s_%d" % (SYMBOL, grouping)
        self.listener.take(grouping, depth.snapshot("x", 0))

    def order(self):
        pick = self.random
        self.number += 1
        order = BtseOrder("btse", pick.choice(self.accounts).name,
                          str(self.number), SYMBOL, "open")
        order.side = pick.choice(("BUY", "SELL"))
        order.price = self.live.market.last + pick.randint(-30, 30) \
            * self.live.market.step
        order.original = order.size = Decimal(pick.randint(1, 400)) / 100
        order.time_in_force = pick.choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
        if pick.random() < 0.1:
            order.kind, order.price = "MARKET", Decimal(0)
        elif pick.random() < 0.1:
            order.tx_type = "STOP"
            order.trigger_price = order.price
            order.arm(self.live.market.last)
        self.matching.place([order], None)

    def step(self):
        pick, alive = self.random, [
            order for account in self.accounts
            for order in self.matching.alive(account)]
        what = pick.random()
        if what < 0.35 or not alive:
            self.order()
        elif what < 0.5:
            order = pick.choice(alive)
            self.sandbox.world.change(order, "cancelled")
        elif what < 0.6:
            order = pick.choice(alive)
            if not order.waiting:
                order.price += pick.randint(-9, 9) * self.live.market.step
                self.matching.changed(order)
                self.matching.look(order)
        elif what < 0.65:
            order = pick.choice(alive)
            if not order.waiting:
                self.matching.fill(order, order.remaining / 2, order.price)
        elif what < 0.67:
            self.btse.put_book(self.accounts[0], {
                "symbol": SYMBOL, "buy": [
                    [self.live.market.last - number, "1.5"]
                    for number in range(1, 70)]})
        else:
            self.btse.trader.move(SYMBOL)

    def test_all_agrees(self):
        asyncio.run(self.all_agrees())

    async def all_agrees(self):
        for seed in range(2):
            self.begin(seed)
            for number in range(STEPS):
                self.step()
                if number % 3 == 0:
                    self.streams.publish()
                    self.check_books()
                if number % 50 == 0:
                    self.pause()
            self.streams.publish()
            self.check_books()
            self.check_fills()
            self.assertEqual(self.listener.faults, [])

    def pause(self):
        """One of them is not followed for a while."""
        depth = self.streams.depths[SYMBOL, 2]
        depth.peers.clear()
        depth.stop()
        for _ in range(3):
            self.step()
        self.follow(2)

    def check_books(self):
        expected = self.expected()
        best = [max(expected["bids"], default=Decimal(0)),
                min(expected["asks"], default=Decimal("Infinity"))]
        self.assertLess(*best)
        for grouping, book in self.listener.books.items():
            for side, sign in (("bids", -1), ("asks", 1)):
                self.assertEqual(
                    book[side], self.coarse(expected[side], sign, grouping))
            depth = self.streams.depths[SYMBOL, grouping]
            *_, (seq, _, truth) = depth.known()
            self.assertEqual(seq, self.listener.seqs[grouping])
            told = depth.as_json(seq, 0, truth)
            for side in ("bids", "asks"):
                self.assertEqual(
                    {Decimal(price): Decimal(size)
                     for price, size in told[side]}, book[side])

    def expected(self):
        """The book from orders and ambient alone."""
        book = {"bids": dict(self.live.sides["BUY"].ambient),
                "asks": dict(self.live.sides["SELL"].ambient)}
        for account in self.accounts:
            for order in self.matching.alive(account):
                self.assertGreater(order.remaining, 0)
                if not order.waiting:
                    side = book["bids" if order.side == "BUY" else "asks"]
                    side[order.price] = side.get(order.price, 0) \
                        + order.remaining
        return book

    def coarse(self, side, sign, grouping):
        width = self.live.market.step * GROUPS[grouping]
        levels = {}
        for price, size in side.items():
            if grouping:                # away from the middle
                rest = price % width
                price += width - rest if sign > 0 and rest else -rest
            levels[price] = levels.get(price, 0) + size
        best = sorted(levels, key=lambda price: sign * price)[:MOST_LEVELS]
        return {price: levels[price] for price in best}

    def check_fills(self):
        """Every fill belongs to a public trade of its price; each order has
        what its fills say; ids are there once."""
        fills = [fill for rows in self.matching.fills.values()
                 for fill in rows]
        self.assertGreater(len(fills), 50)
        self.assertEqual(len({fill["serialId"] for fill in fills}),
                         len(fills))
        filled = {}
        for fill in fills:
            filled[fill["orderId"]] = filled.get(fill["orderId"], 0) \
                + fill["filledSize"]
        for account in self.accounts:
            for order in self.sandbox.world.book(account):
                self.assertEqual(order.filled, filled.get(order.id, 0))
        trades = {}
        for trade in self.live.trades:
            key = trade["price"], trade["size"]
            trades[key] = trades.get(key, 0) + 1
        for key in {(fill["filledPrice"], fill["filledSize"],
                     fill["tradeId"]) for fill in fills}:
            self.assertIn(key[:2], trades)
            trades[key[:2]] -= 1
            self.assertGreaterEqual(trades[key[:2]], 0)
