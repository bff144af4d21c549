"""Faults of reads: records of something else, and lists that change while
they are read.
"""

from .fault_rows import ROWS, WHICH, chosen, rows_of
from .faults import fault, one_of


@fault("other_rows", "rows say something else than was asked for",
       dict(WHICH, which=("all", "first, last or all rows"),
            says=({}, "fields and what they say"),
            where=("row", "row, or top: the object around them")),
       ROWS, check=one_of(where=("row", "top")))
class OtherRows:
    @staticmethod
    def edit(provider, answer, args):
        targets = (chosen(rows_of(answer), args, answer.shape)
                   if args["where"] == "row" else [answer.document])
        for target in targets:
            if isinstance(target, dict):
                target.update(args["says"])


@fault("orders_move", "after the answer, orders that it told leave, others "
       "are changed, and new ones come",
       dict(WHICH, which=("first", "first or last of those that it told"),
            leave=(0, "so many are cancelled"),
            change=(0, "so many of the others are changed, and nothing else"),
            arrive=(0, "so many new ones are open")),
       ("xt", "btse"))
class OrdersMove:
    made = 0                    # new orders so far

    @classmethod
    def edit(cls, provider, answer, args):
        world = provider.world
        told = [order for row in rows_of(answer) for order in
                world.every_order(provider.name, id=str(
                    row[answer.shape.id]))]
        if not told:
            return
        if args["which"] == "last":
            told.reverse()
        for order in told[:args["leave"]]:
            world.change(order, "cancelled")
        for order in told[args["leave"]:][:args["change"]]:
            world.change(order, order.status)
        for _ in range(args["arrive"]):
            cls.made += 1
            world.add_order(world.new_order(
                provider.name, told[0].account,
                str(900000000000 + cls.made), told[0].market, "open"))
