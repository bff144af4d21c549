#!/usr/bin/env python3
"""The end of "make demo": what became of each order, as a picture.

The file has JSON, an array of orders in the order in which they were named, each
with "provider", "outcome" (of the call's row), "settled" (the outcome after
settling), "state" (where it is at the provider, null if it never was there) and
"ours" (whether the call cancelled it). Draws for each provider the first three
beside each other, a sign for an order.

    picture.py --orders FILE [--columns N] [--colour]   N columns at most
    picture.py --orders FILE --svg                      the same as an SVG
"""

import argparse
import json
import sys
import textwrap
from itertools import groupby

import terminal_svg

# What a row may say, and where an order may be: sign, colour (of a terminal),
# meaning. Signs differ, so that the picture can be read without colours.
SIGNS = {
    "cancelled": ("■", 32, "cancelled"),
    "accepted": ("■", 32, "accepted"),
    "not_cancellable": ("□", 34, "closed"),
    "filled": ("□", 34, "closed"),
    "not_found": ("·", 90, "no such open order"),
    None: ("·", 90, "no such open order"),
    "open": ("o", 33, "open"),
    "not_sent": ("-", 33, "not sent"),
    "rejected": ("x", 35, "rejected"),
    "unknown": ("?", 31, "unknown"),
}

TITLES = ("what the calls said", "after settling", "at the provider")
KEYS = ("outcome", "settled", "state")
MARGIN = 2
GAP = 3
MOST_COLUMNS = 100


class Pen:
    """Text with or without colours."""

    def __init__(self, colour):
        self.colour = colour

    def paint(self, text, *codes):
        if not self.colour or not codes:
            return text
        return f"\033[{';'.join(map(str, codes))}m{text}\033[0m"

    def signs(self, values):
        """A sign for each value, those of one kind painted at once."""
        signs = (SIGNS[value][:2] for value in values)
        return "".join(
            self.paint("".join(sign for sign, _ in run), colour)
            for colour, run in groupby(signs, key=lambda sign: sign[1]))


def wrong(order):
    """Does a row claim what is not so? Each but "unknown" says whether the call
    cancelled the order."""
    if order["settled"] == "cancelled":
        return order["state"] != "cancelled"
    return order["settled"] != "unknown" and order["ours"]


def count(orders, key, value):
    return sum(order[key] == value for order in orders)


def captions(provider, orders):
    """What stands above the three pictures of a provider."""
    lies = sum(map(wrong, orders))
    return (f"{provider}: {len(orders)}, {count(orders, 'outcome', 'unknown')} unknown",
            f"{count(orders, 'settled', 'unknown')} still unknown",
            f"{lies or 'no'} row{'s were' if lies > 1 else ' was'} wrong")


def beside(parts, lengths, width):
    """Parts of a line in columns; a part's length is not that of its text where
    that has colours."""
    line = "".join(part + " " * (width - length + GAP)
                   for part, length in zip(parts, lengths))
    return " " * MARGIN + line.rstrip()


def draw_provider(pen, provider, orders, width):
    words = captions(provider, orders)
    lines = [beside([pen.paint(word, 1) for word in words], map(len, words),
                    width)]
    for first in range(0, len(orders), width):
        some = orders[first:first + width]
        lines.append(beside([pen.signs(order[key] for order in some)
                             for key in KEYS], [len(some)] * 3, width))
    return lines


def legend(pen, orders):
    used = {order[key] for order in orders for key in KEYS}
    entries = {}
    for value in SIGNS:
        sign, colour, meaning = SIGNS[value]
        if value in used:
            entries[meaning] = pen.paint(sign, colour) + " " + meaning
    return " " * MARGIN + "   ".join(entries.values())


def summary(orders, columns):
    unknown = count(orders, "outcome", "unknown")
    left = count(orders, "settled", "unknown")
    words = (f"{len(orders)} orders were named, and each has its row. Answers got "
             f"lost, so {unknown} were unknown: {unknown - left} of them are settled "
             f"by asking, {left} no provider knows, so nothing is claimed of those.")
    return textwrap.wrap(words, columns, initial_indent=" " * MARGIN,
                         subsequent_indent=" " * MARGIN)


def draw(orders, columns, colour):
    pen = Pen(colour)
    columns = min(columns, MOST_COLUMNS)
    width = (columns - MARGIN - 2 * GAP) // 3
    lines = [beside(TITLES, map(len, TITLES), width)]
    for provider, some in groupby(orders, key=lambda order: order["provider"]):
        lines += [""] + draw_provider(pen, provider, list(some), width)
    lines += ["", legend(pen, orders), ""] + summary(orders, columns)
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--orders", required=True)
    parser.add_argument("--columns", type=int, default=MOST_COLUMNS)
    parser.add_argument("--colour", action="store_true")
    parser.add_argument("--svg", action="store_true")
    options = parser.parse_args()

    with open(options.orders, encoding="utf-8") as file:
        orders = json.load(file)
    text = draw(orders, max(options.columns, 60),
                options.colour or options.svg)
    sys.stdout.write(terminal_svg.svg(text, "$ make demo") if options.svg
                     else text)


if __name__ == "__main__":
    main()
