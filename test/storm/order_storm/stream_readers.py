"""Who reads books and best prices all the time, and compares what a statement
saw with what the sandbox has told.

What a fault said of a book's number, nobody can know better until the next
message: a snapshot that came with a wrong number is the provider's of that.
"""

import time
from collections import defaultdict
from decimal import Decimal

from .actor import Actor
from .libpq import Lost, SqlError
from .sandbox import SandboxError

# Those of the sandbox's "stream_seq", by how much a number may be wrong.
WRONG_BY = (5, -5, -1)
CLOCKS = 0.25           # seconds that a machine may take between two looks

ALL = """
SELECT 'level', symbol, book_grouping, seq::text, side, level, price, size,
	extract(epoch FROM received_at), extract(epoch FROM event_time),
	NULL, 0
FROM btse_book
UNION ALL
SELECT 'top', symbol, book_grouping, seq::text, bid_price::text, NULL,
	ask_price, spread, extract(epoch FROM received_at),
	extract(epoch FROM event_time), extract(epoch FROM age),
	extract(epoch FROM clock_timestamp())
FROM btse_book_top
UNION ALL
SELECT 'l1', symbol, NULL, bid_price || ' ' || bid_size, ask_price || ' '
	|| ask_size, NULL, bid_price, ask_price,
	extract(epoch FROM received_at), extract(epoch FROM event_time),
	extract(epoch FROM age), extract(epoch FROM clock_timestamp())
FROM btse_l1"""

EXPECTED = {"57P01", "57P02", "57P03", "57014", "40P01", "55P03"}


class Reader(Actor):
    def __init__(self, name, seed, cluster, sandbox, complain):
        super().__init__(name, seed, 0.15)
        self.cluster = cluster
        self.sandbox = sandbox
        self.complain = complain
        self.compared = {}          # (symbol, grouping, seq) -> its levels
        self.quotes = defaultdict(set)
        self.looks = self.books = 0
        self.connection = None

    def act(self):
        try:
            if self.connection is None:
                self.connection = self.cluster.connect()
            rows = self.connection.rows(ALL)
        except SqlError as error:
            if error.state not in EXPECTED:
                self.complain("what a statement sees", str(error))
            return
        except Lost:
            self.connection = None
            self.stopped.wait(0.1)
            return
        self.looks += 1
        self.compare(rows)

    def compare(self, rows):
        books, tops = defaultdict(list), {}
        for row in rows:
            if row[0] == "level":
                books[row[1], int(row[2])].append(row)
            elif row[0] == "top":
                tops[row[1], int(row[2])] = row
                self.compare_age(row)
            else:
                self.compare_quote(row)
                self.compare_age(row)
        for key, levels in books.items():
            self.compare_book(key, levels)
            if key in tops:
                self.compare_top(key, levels, tops[key])

    def compare_age(self, row):
        """It is since the book was received, which was after it was told."""
        received, told, age, now = map(float, row[8:12])
        if age < 0 or abs(received + age - now) > CLOCKS \
                or received < told - CLOCKS:
            self.complain("an age is honest", "%s of %s is %.3f s old, and was"
                          " received %.3f s ago, %.3f s after it was told" % (
                              row[0], row[1], age, now - received,
                              received - told))

    def compare_top(self, key, levels, top):
        seqs = {row[3] for row in levels}
        if seqs != {top[3]}:
            self.complain("one statement, one book", "%s: levels of %s, best"
                          " of %s" % (key, sorted(seqs), top[3]))

    def compare_book(self, key, rows):
        seqs = {row[3] for row in rows}
        if len(seqs) != 1:
            self.complain("one statement, one book",
                          "%s has levels of %s" % (key, sorted(seqs)))
            return
        seq = int(seqs.pop())
        seen = {side: [(Decimal(row[6]), Decimal(row[7])) for row in
                       sorted(rows, key=lambda row: int(row[5]))
                       if row[4] == side] for side in ("buy", "sell")}
        if seen["buy"] and seen["sell"] \
                and seen["buy"][0][0] >= seen["sell"][0][0]:
            self.complain("no book is crossed", "%s as of %d: %s, %s" % (
                key, seq, seen["buy"][0], seen["sell"][0]))
        if self.compared.get((*key, seq)) == seen:
            return
        self.compared[(*key, seq)] = seen
        self.books += 1
        if not any(self.truth(key, seq - by) == seen
                   for by in (0,) + WRONG_BY):
            self.complain("a book is the provider's", self.differs(
                key, seq, seen))

    def truth(self, key, seq):
        try:
            book = self.sandbox.get("/streams/book", symbol=key[0],
                                    grouping=key[1], seq=seq)
        except SandboxError:
            return None
        return {side: [(Decimal(price), Decimal(size))
                       for price, size in book[name]]
                for side, name in (("buy", "bids"), ("sell", "asks"))}

    def differs(self, key, seq, seen):
        truth = self.truth(key, seq)
        if truth is None:
            return "%s as of %d: there was no such" % (key, seq)
        return "%s as of %d: too much %s, missing %s" % (
            key, seq, *(["%s %s %s" % (side, *level) for side in seen
                         for level in one[side] if level not in other[side]]
                        for one, other in ((seen, truth), (truth, seen))))

    def compare_quote(self, row):
        symbol = row[1]
        quote = tuple(tuple(Decimal(each) for each in side.split())
                      if side else None for side in row[3:5])
        if None not in quote and quote[0][0] >= quote[1][0]:
            self.complain("no book is crossed", "l1 of %s: %s" % (
                symbol, quote))
        if quote not in self.quotes[symbol]:
            self.learn_quotes(symbol)
        if quote not in self.quotes[symbol]:
            self.complain("best prices are the provider's", "%s: %s" % (
                symbol, quote))

    def learn_quotes(self, symbol):
        told = self.sandbox.get("/streams/l1", symbol=symbol)
        for each in told["history"] + [told["now"]]:
            self.quotes[symbol].add(tuple(
                tuple(map(Decimal, each[side])) if each[side] else None
                for side in ("bid", "ask")))
