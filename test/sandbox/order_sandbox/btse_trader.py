"""What moves the markets of BTSE: offers come and go, somebody without an
account buys and sells.

The moves follow from the seed and from what is in the books alone.  A move is
one turn of one market: it makes one message of each book that is followed,
and now and then trades and a new best price.
"""

import asyncio
import random
import traceback
from decimal import Decimal

from .state import BadInput

TURNS = 50                      # of the event loop in a second, at most
DEEP = 60                       # levels that it keeps on each side
PART_OF_TRADES = 0.05           # of the moves
ARGUMENTS = {"symbols": None, "rate": 20.0, "seed": 1, "changes": 8,
             "moves": 0}


class Trader:
    def __init__(self, btse):
        self.btse = btse
        self.task = None
        self.clear()

    def clear(self):
        if self.task is not None:
            self.task.cancel()
        self.task = None
        self.options = dict(ARGUMENTS)
        self.random = random.Random(1)
        self.made = self.trades = 0

    def as_json(self):
        return dict(self.options, running=self.running, made=self.made,
                    trades=self.trades)

    @property
    def running(self):
        return self.task is not None and not self.task.done()

    def start(self, wanted):
        """{symbols, rate, seed, changes, moves}; those of before, if it is
        running."""
        unknown = set(wanted) - set(ARGUMENTS)
        if unknown:
            raise BadInput("the trader has no %s; it has: %s" % (
                ", ".join(sorted(unknown)), ", ".join(ARGUMENTS)))
        options = dict(self.options if self.running else ARGUMENTS, **wanted)
        self.check(options)
        if not self.running or "seed" in wanted:
            self.random = random.Random(options["seed"])
            self.made = self.trades = 0
        self.stop()
        self.options = options
        self.task = asyncio.get_running_loop().create_task(self.run())

    def check(self, options):
        for name in ("rate", "changes", "moves"):
            if not isinstance(options[name], (int, float)) \
                    or isinstance(options[name], bool) or options[name] < 0:
                raise BadInput("%s is a number from 0" % name)
        self.symbols(options)

    def symbols(self, options):
        symbols = options["symbols"] or list(self.btse.markets)
        for symbol in symbols:
            if self.btse.streams.alive(symbol) is None:
                raise BadInput("no market %r that may live" % (symbol,))
        return symbols

    def stop(self):
        if self.task is not None:
            self.task.cancel()
        self.task = None

    async def run(self):
        """As many moves a second as are wanted, spread over its turns."""
        loop = asyncio.get_running_loop()
        options, done = self.options, 0
        symbols, begun = self.symbols(options), loop.time()
        rate = options["rate"]
        pause = max(1 / TURNS, min(1, 1 / rate)) if rate else 1
        most = max(1, int(rate))        # that are made up for after a stall
        try:
            while not options["moves"] or done < options["moves"]:
                due = int((loop.time() - begun) * rate)
                if due - done > most:
                    begun += (due - done - most) / rate
                    due = done + most
                if options["moves"]:
                    due = min(due, options["moves"])
                while done < due:
                    self.move(self.random.choice(symbols))
                    done += 1
                await asyncio.sleep(pause)
        except Exception:               # a mistake in the sandbox itself
            traceback.print_exc()

    async def burst(self, symbol, moves):
        """So many moves; what they make is sent at once.  Answers how many
        messages that were, in all."""
        streams = self.btse.streams
        peers = [peer for peer in streams.peers if not peer.busy]
        before = sum(peer.sent for peer in peers)
        for peer in peers:
            peer.busy = True
        try:
            for number in range(moves):
                self.move(symbol)
                streams.publish()
                if number % 200 == 199:
                    await asyncio.sleep(0)
        finally:
            for peer in peers:
                peer.busy = False
                peer.flush()
        return sum(peer.sent for peer in peers) - before

    # ---- one move

    def move(self, symbol):
        live = self.btse.streams.alive(symbol)
        if live is None:
            return
        self.made += 1
        chance = self.random.random()
        if chance < PART_OF_TRADES:
            self.trade(live)
        self.offer(live)
        for side in live.sides.values():
            while len(side.ambient) > 2 * DEEP:
                worst = max(side.ambient, key=lambda price: side.sign * price)
                live.set_ambient("BUY" if side.sign < 0 else "SELL", worst,
                                 Decimal(0))

    def trade(self, live):
        """Somebody buys or sells a part of the best level, or some levels."""
        side = self.random.choice(("BUY", "SELL"))
        size = self.size(live) * self.random.choice((1, 1, 1, 5))
        self.btse.matching.sweep(live.market, side, size)
        self.trades += 1

    def size(self, live):
        # as a rule few digits, now and then all that are allowed
        digits = (1, 10, 1000, 10000)[int(self.random.random() * 4)]
        return int(self.random.random() * 50000 + 1) // digits * digits \
            * live.market.numbers["minSizeIncrement"] \
            or live.market.numbers["minOrderSize"]

    def offer(self, live):
        """Offers come, change and go on both sides of the last price."""
        market, step = live.market, live.market.step
        middle = market.last // step
        for _ in range(max(1, int(self.options["changes"]))):
            side = "BUY" if self.random.random() < 0.5 else "SELL"
            away = min(int(self.random.expovariate(1 / 12)) + 1, DEEP)
            price = step * (middle - away if side == "BUY"
                            else middle + away)
            if price <= 0:
                continue
            known = live.sides[side].ambient
            gone = price in known and self.random.random() < \
                (0.5 if len(known) > DEEP // 2 else 0.1)
            self.btse.matching.offer(live.market, side, price, Decimal(0)
                                     if gone else self.size(live))
