"""The ratios as bars, in an SVG without scripts or fonts of its own."""

from html import escape

from report import lines, verdicts

WIDTH = 960
LABEL = 330                     # x where bars begin
BAR = 15
GAP = 3
AFTER_WORKLOAD = 14
HEAD = 34
LARGEST = 6.0                   # longer bars are cut, with their number

COLOURS = {
    "floor": "#b0b7bf",
    "limit": "#5b6770",
    "limit x8": "#8a949e",
    "order_gateway": "#1f7a5c",
    "SQL's JSON": "#3f6fb0",
    "PL/Python": "#c98a2b",
    "pgsql-http": "#9a5fb0",
}


class Drawing:
    def __init__(self):
        self.parts = []
        self.y = 20

    def text(self, x, y, words, size=12, anchor="start", weight="normal"):
        self.parts.append(
            f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" '
            f'text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="#222">{escape(words)}</text>')

    def rectangle(self, x, y, width, height, colour):
        self.parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{max(width, 1):.1f}" '
            f'height="{height}" fill="{colour}"/>')

    def upright(self, x, top, bottom, colour, dashes):
        self.parts.append(
            f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" '
            f'stroke="{colour}" stroke-dasharray="{dashes}"/>')

    def svg(self):
        height = self.y + 10
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                f'height="{height}" viewBox="0 0 {WIDTH} {height}" '
                'font-family="sans-serif">\n'
                f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def _bar(drawing, name, value, scale, words, colour):
    y = drawing.y
    drawing.text(LABEL - 8, y + BAR - 3, name, 11, "end")
    drawing.rectangle(LABEL, y, min(value, LARGEST) * scale, BAR, colour)
    drawing.text(LABEL + min(value, LARGEST) * scale + 5, y + BAR - 3, words,
                 11)
    drawing.y += BAR + GAP


def _draw_place(drawing, place, results, clients):
    scale = (WIDTH - LABEL - 60) / LARGEST
    drawing.y += HEAD
    drawing.text(10, drawing.y - 14,
                 f"{place}: time in units of the plain C program's", 15,
                 weight="bold")
    for line in lines(results, clients):
        top = drawing.y
        drawing.text(10, top + BAR - 3, line.title, 12)
        for client, ratio in line.ratios.items():
            if ratio is not None:
                _bar(drawing, client, ratio, scale, f"{ratio:.2f}",
                     COLOURS[client])
        drawing.upright(LABEL + scale, top, drawing.y, "#222", "2 3")
        drawing.y += AFTER_WORKLOAD


def _draw_targets(drawing, results):
    """Each target as a share of what is to be reached first."""
    scale = (WIDTH - LABEL - 220) / 3
    drawing.y += HEAD
    drawing.text(10, drawing.y - 14, "Targets: up to the line of dashes is "
                 "to be reached first, up to the dots is the goal", 15,
                 weight="bold")
    for verdict in verdicts(results):
        target = verdict.target
        if verdict.value is None:
            continue
        top = drawing.y
        met = verdict.value <= target.first
        _bar(drawing, target.title, min(verdict.value / target.first, 3),
             scale, f"{verdict.value:.2f} {target.scale}",
             COLOURS["order_gateway"] if met else "#b5483a")
        drawing.upright(LABEL + scale, top - 2, drawing.y, "#222", "5 3")
        drawing.upright(LABEL + scale * target.goal / target.first, top - 2,
                        drawing.y, "#222", "1 2")
        drawing.y += GAP


def write(path, results, clients):
    drawing = Drawing()
    _draw_targets(drawing, results)
    for place, rounds in results.items():
        _draw_place(drawing, place, rounds, clients)
    with open(path, "w", encoding="utf-8") as file:
        file.write(drawing.svg())
