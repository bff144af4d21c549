#!/usr/bin/env python3
"""Draws a Grafana dashboard as an SVG, from its JSON and a running Prometheus.

Knows what examples/monitoring/dashboard-prometheus.json uses: panels stat,
timeseries (lines, and stacked bars) and table, with their units, colours,
thresholds, mappings and the transformations merge and organize.

    dashboard.py --dashboard FILE --prometheus URL --seconds N >FILE.svg
"""

import argparse
import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from html import escape

WIDTH = 1240
ROW = 31                        # of Grafana's grid, of which 24 are a line
GAP = 8
HEAD = 30
FONT = 12

COLOURS = {
    "red": "#f2495c", "orange": "#ff9830", "green": "#56a64b",
    "dark-green": "#37872d", "blue": "#5794f2", "purple": "#b877d9",
    "text": "#9aa3b2",
}
LINES = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#b877d9", "#8ab8ff",
         "#f2495c", "#96d98d")
PAPER, PANEL, EDGE, INK, FAINT = ("#111217", "#181b1f", "#2c3235", "#d8d9da",
                                  "#8e95a0")


# ---------- what Prometheus answers ----------

class Source:
    """A Prometheus, over the last so many seconds."""

    def __init__(self, url, seconds):
        self.url = url
        self.end = time.time()
        self.seconds = seconds
        self.step = max(seconds // 150, 1)

    def ask(self, path, **arguments):
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(address) as answer:
            return json.load(answer)["data"]["result"]

    def fill_in(self, expression):
        """What Grafana puts in place of its variables."""
        interval = max(4 * self.step, 30)
        for name, value in (("$__rate_interval", f"{interval}s"),
                            ("$__range_s", str(self.seconds)),
                            ("$__range", f"{self.seconds}s"),
                            ("$foreign_server", ".*"), ("$symbol", ".*")):
            expression = expression.replace(name, value)
        return expression

    def now(self, target):
        return self.ask("query", query=self.fill_in(target["expr"]), time=self.end)

    def history(self, target):
        return self.ask("query_range", query=self.fill_in(target["expr"]),
                        start=self.end - self.seconds, end=self.end,
                        step=self.step)


def legend(target, labels):
    name = target.get("legendFormat", "")
    for label, value in labels.items():
        name = name.replace("{{%s}}" % label, value)
    return re.sub(r"\{\{\w+\}\}", "", name).strip()


# ---------- how a field looks ----------

class Look:
    """The configuration of a field: the panel's, with what is said of its name."""

    def __init__(self, panel, name):
        config = panel["fieldConfig"]
        self.properties = dict(config["defaults"])
        for override in config["overrides"]:
            if override["matcher"]["options"] == name:
                self.properties.update((p["id"], p["value"])
                                       for p in override["properties"])

    def mapped(self, value):
        """Text and colour that a value stands for, or nothing."""
        if isinstance(value, float):
            value = f"{value:g}"
        for mapping in self.properties.get("mappings", ()):
            if value in mapping["options"]:
                return mapping["options"][value]
        return {}

    def colour(self, value=None):
        mapped = self.mapped(value).get("color")
        fixed = self.properties.get("color", {}).get("fixedColor")
        if mapped or fixed:
            return COLOURS[mapped or fixed]
        found = None
        for step in self.properties.get("thresholds", {}).get("steps", ()):
            if step["value"] is None or value >= step["value"]:
                found = COLOURS[step["color"]]
        return found

    def text(self, value, now):
        mapped = self.mapped(value).get("text")
        if mapped or isinstance(value, str):
            return mapped or value
        unit = self.properties.get("unit", "none")
        if unit == "dateTimeFromNow":
            return duration(now - value / 1000) + " ago"
        if unit == "dtdurations":
            return duration(value)
        if unit == "percentunit":
            return f"{value * 100:.0f} %"
        if unit == "s":
            return seconds_text(value)
        decimals = self.properties.get("decimals", 0 if value == int(value) else 1)
        return f"{value:.{decimals}f}"


def duration(seconds):
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if abs(seconds) >= length:
            n = int(seconds / length)
            return f"{n} {name}{'s' if n != 1 else ''}"
    return "0 seconds"


def seconds_text(value):
    if value == 0:
        return "0"
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"


# ---------- the drawing ----------

class Canvas:
    def __init__(self):
        self.parts = []

    def text(self, x, y, words, colour=INK, size=FONT, anchor="start",
             weight="normal"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>')

    def box(self, x, y, width, height, colour, edge=None, radius=0):
        stroke = f' stroke="{edge}"' if edge else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
            f'height="{max(height, 0):.1f}" rx="{radius}" fill="{colour}"{stroke}/>')

    def path(self, path, colour, width, fill=None):
        self.parts.append(
            f'<path d="{path}" stroke="{colour}" stroke-width="{width}" '
            f'fill="{fill or "none"}" stroke-linejoin="round"/>')

    def svg(self, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                f'height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" '
                'font-family="Inter, Helvetica, Arial, sans-serif">\n'
                f'<rect width="{WIDTH}" height="{height:.0f}" fill="{PAPER}"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def clipped(words, width, size=FONT):
    """As much of some words as a width has room for."""
    most = int(width / (size * 0.54))
    return words if len(words) <= most else words[:max(most - 1, 0)] + "…"


class Area:
    """The inside of a panel."""

    def __init__(self, panel, top):
        grid = panel["gridPos"]
        unit = (WIDTH - GAP) / 24
        self.x = GAP + grid["x"] * unit
        self.y = top + grid["y"] * (ROW + GAP)
        self.width = grid["w"] * unit - GAP
        self.height = grid["h"] * (ROW + GAP) - GAP

    def frame(self, canvas, title):
        canvas.box(self.x, self.y, self.width, self.height, PANEL, EDGE, 3)
        canvas.text(self.x + 10, self.y + 19, clipped(title, self.width - 20, 13),
                    size=13, weight="600")
        self.y += HEAD
        self.height -= HEAD + 8
        self.x += 10
        self.width -= 20


def draw_nothing(canvas, area, panel):
    canvas.text(area.x + area.width / 2, area.y + area.height / 2,
                panel["fieldConfig"]["defaults"].get("noValue", "No data"), FAINT, 13,
                "middle")


def draw_stat(canvas, area, panel, source):
    values = []
    for target in panel["targets"]:
        values += [(legend(target, series["metric"]) or target["refId"],
                    float(series["value"][1])) for series in source.now(target)]
    width = (area.width + GAP) / len(values)
    for i, (name, value) in enumerate(values):
        look = Look(panel, name)
        x = area.x + i * width
        middle = x + (width - GAP) / 2
        canvas.box(x, area.y, width - GAP, area.height, look.colour(value), radius=3)
        canvas.text(middle, area.y + 24, name, "#fff", 13, "middle")
        canvas.text(middle, area.y + area.height / 2 + 28, look.text(value, source.end),
                    "#fff", 30, "middle", "600")


# ---------- tables ----------

def rows_of(panel, source):
    """Rows as hashes; several queries are merged by their labels."""
    rows = {}
    several = len(panel["targets"]) > 1
    for target in panel["targets"]:
        column = f"Value #{target['refId']}" if several else "Value"
        for series in source.now(target):
            key = tuple(sorted(series["metric"].items()))
            row = rows.setdefault(key, dict(series["metric"]))
            row[column] = float(series["value"][1])
    return list(rows.values())


def columns_of(panel, rows):
    """Names of columns as they are and as they are shown, in order."""
    organize = next(t["options"] for t in panel["transformations"]
                    if t["id"] == "organize")
    present = {name for row in rows for name in row
               if not organize["excludeByName"].get(name)}
    order = organize["indexByName"]
    return [(name, organize["renameByName"].get(name, name))
            for name in sorted(present, key=lambda name: order.get(name, 99))]


def widths_of(columns, texts, room):
    """Of each column: as wide as its texts, the last takes what is left."""
    widths = [max(len(shown) * FONT * 0.62, *(len(text) * FONT * 0.56 for text in column))
              + 14 for (_, shown), column in zip(columns, zip(*texts))]
    if sum(widths) > room and len(widths) > 1:
        # The longest one, if it is last, gives way; else all do.
        if widths[-1] < max(widths):
            return [width * room / sum(widths) for width in widths]
    return widths[:-1] + [room - sum(widths[:-1])]


def draw_cell(canvas, look, value, text, x, y, width):
    style = look.properties.get("custom.cellOptions", {}).get("type", "")
    colour = look.colour(value) or INK
    if style == "color-background":
        canvas.box(x, y - 17, width - 6, 23, colour)
        colour = "#fff"
    elif style != "color-text":
        colour = "#6e9fff" if "links" in look.properties else INK
    canvas.text(x + 6, y, clipped(text, width - 12), colour)


def draw_table(canvas, area, panel, source):
    rows = rows_of(panel, source)
    if not rows:
        draw_nothing(canvas, area, panel)
        return
    columns = columns_of(panel, rows)
    looks = [Look(panel, shown) for _, shown in columns]
    sort = panel["options"]["sortBy"][0]
    for name, shown in columns:
        if shown == sort["displayName"]:
            blank = -1.0 if name.startswith("Value") else ""
            rows.sort(key=lambda row: row.get(name, blank), reverse=sort["desc"])
    texts = [[look.text(row[name], source.end) if name in row else ""
              for (name, _), look in zip(columns, looks)] for row in rows]
    widths = widths_of(columns, texts, area.width)
    y = area.y + 14
    x = area.x
    for (_, shown), width in zip(columns, widths):
        canvas.text(x + 6, y, clipped(shown, width - 8), "#6e9fff", weight="600")
        x += width
    for row, line in zip(rows, texts):
        y += 26
        if y > area.y + area.height:
            break
        canvas.box(area.x, y - 19, area.width, 1, EDGE)
        x = area.x
        for (name, _), look, text, width in zip(columns, looks, line, widths):
            if text:
                draw_cell(canvas, look, row.get(name), text, x, y, width)
            x += width


# ---------- time series ----------

class Axes:
    """Where moments and values are in an area."""

    def __init__(self, area, source, top, logarithmic, bottom=0):
        self.x, self.y = area.x + 56, area.y + 6
        self.width, self.height = area.width - 62, area.height - 52
        self.begin, self.seconds = source.end - source.seconds, source.seconds
        self.top, self.bottom, self.logarithmic = top, bottom, logarithmic

    def at(self, moment):
        return self.x + (moment - self.begin) / self.seconds * self.width

    def height_of(self, value):
        if self.logarithmic:
            part = (math.log10(max(value, self.bottom) / self.bottom)
                    / math.log10(self.top / self.bottom))
        else:
            part = value / self.top
        return self.y + self.height * (1 - min(part, 1))

    def ticks(self):
        if self.logarithmic:
            first, last = (round(math.log10(v)) for v in (self.bottom, self.top))
            return [10 ** n for n in range(first, last + 1)]
        return [self.top * n / 4 for n in range(5)]

    def draw(self, canvas, look, now):
        for value in self.ticks():
            y = self.height_of(value)
            canvas.box(self.x, y, self.width, 1, EDGE)
            canvas.text(self.x - 6, y + 4, look.text(value, now), FAINT, 11, "end")
        step = next(s for s in (30, 60, 120, 300, 600, 1200, 3600, 10 ** 9)
                    if self.seconds / s <= self.width / 70)
        moment = math.ceil(self.begin / step) * step
        while moment < self.begin + self.seconds:
            words = time.strftime("%H:%M", time.gmtime(moment))
            canvas.text(self.at(moment), self.y + self.height + 16, words, FAINT, 11,
                        "middle")
            moment += step


def round_up(value, unit):
    """The next number that is easily divided by four."""
    if unit == "s" and value >= 120:
        return 60 * round_up(value / 60, "min")
    power = 10 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12)
                if n * power >= value)


def draw_legend(canvas, area, names, colours):
    x, y = area.x + 4, area.y + area.height - 2
    for name, colour in zip(names, colours):
        room = area.x + area.width - x
        if room < 60:
            break
        canvas.box(x, y - 6, 14, 4, colour, radius=2)
        canvas.text(x + 18, y, clipped(name, room - 20, 11), size=11)
        x += 18 + len(name) * 6 + 16


def stacked(series):
    """For each series its points as moment, from and up to."""
    below = {}
    for _, points in series:
        parts = []
        for moment, value in points:
            base = below.get(moment, 0)
            parts.append((moment, base, base + value))
            below[moment] = base + value
        yield parts


def draw_bars(canvas, axes, series, colours, step):
    width = max(axes.at(step) - axes.at(0) - 0.7, 1)
    for parts, colour in zip(stacked(series), colours):
        path = "".join(
            f"M{axes.at(moment) - width:.1f} {axes.height_of(low):.1f}h{width:.1f}"
            f"V{axes.height_of(high):.1f}h-{width:.1f}z"
            for moment, low, high in parts if high > low)
        if path:
            canvas.path(path, "none", 0, colour)


def draw_lines(canvas, axes, series, colours, step, custom):
    for (_, points), colour in zip(series, colours):
        pieces = [[]]
        for moment, value in points:
            if pieces[-1] and moment - pieces[-1][-1][0] > 1.5 * step:
                pieces.append([])
            pieces[-1].append((moment, value))
        for piece in filter(None, pieces):
            path = "L".join(f"{axes.at(m):.1f} {axes.height_of(v):.1f}" for m, v in piece)
            if custom["fillOpacity"]:
                bottom = axes.height_of(0)
                canvas.path(f"M{axes.at(piece[0][0]):.1f} {bottom:.1f}L{path}"
                            f"V{bottom:.1f}z", "none", 0,
                            colour + f"{custom['fillOpacity'] * 255 // 100:02x}")
            canvas.path("M" + path + ("h1" if len(piece) == 1 else ""), colour,
                        custom["lineWidth"])


def draw_timeseries(canvas, area, panel, source):
    look = Look(panel, None)
    custom = look.properties["custom"]
    bars = custom["drawStyle"] == "bars"
    series = []
    for target in panel["targets"]:
        for found in source.history(target):
            points = [(float(m), float(v)) for m, v in found["values"] if v != "NaN"]
            if any(value for _, value in points):
                series.append((legend(target, found["metric"]), points))
    series.sort()
    colours = [Look(panel, name).colour() or LINES[i % len(LINES)]
               for i, (name, _) in enumerate(series)]
    if not series:
        draw_nothing(canvas, area, panel)
        return
    tops = ([high for parts in stacked(series) for *_, high in parts] if bars
            else [value for _, points in series for _, value in points])
    logarithmic = "scaleDistribution" in custom
    lowest = min(v for _, points in series for _, v in points if v > 0)
    axes = Axes(area, source,
                look.properties.get("max") or (
                    10 ** math.ceil(math.log10(max(tops))) if logarithmic
                    else round_up(max(tops), look.properties.get("unit"))),
                logarithmic, 10 ** math.floor(math.log10(lowest)))
    axes.draw(canvas, look, source.end)
    if bars:
        draw_bars(canvas, axes, series, colours, source.step)
    else:
        draw_lines(canvas, axes, series, colours, source.step, custom)
    draw_legend(canvas, area, [name for name, _ in series], colours)


DRAW = {"stat": draw_stat, "table": draw_table, "timeseries": draw_timeseries}


def draw(dashboard, source):
    canvas = Canvas()
    top = 44
    canvas.text(GAP + 4, 28, dashboard["title"], size=18, weight="600")
    canvas.text(WIDTH - GAP - 4, 28, f"last {duration(source.seconds)}", FAINT, 13,
                "end")
    height = 0
    for panel in dashboard["panels"]:
        area = Area(panel, top)
        height = max(height, area.y + area.height)
        area.frame(canvas, panel["title"])
        DRAW[panel["type"]](canvas, area, panel, source)
    return canvas.svg(height + GAP)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dashboard", required=True)
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--seconds", type=int, required=True)
    options = parser.parse_args()

    with open(options.dashboard, encoding="utf-8") as file:
        dashboard = json.load(file)
    sys.stdout.write(draw(dashboard, Source(options.prometheus, options.seconds)))


if __name__ == "__main__":
    main()
