"""A terminal's text, with its colours, as an SVG without scripts or fonts of its
own. Squares are drawn, since fonts do not agree on them."""

import re
from html import escape

CELL = 8.4                      # of a monospaced font of that size
LINE = 19
FONT_SIZE = 14
MARGIN = 18
BAR = 30                        # the window's own

BACKGROUND = "#0f1720"
FOREGROUND = "#d5dde5"
COLOURS = {
    31: "#ff6b5e", 32: "#3fbf7f", 33: "#e8b339", 34: "#5aa2f0",
    35: "#c98bdb", 90: "#7d8a97",
}


class Style:
    """What an escape sequence has set."""

    def __init__(self):
        self.colour = FOREGROUND
        self.bold = False

    def apply(self, codes):
        for code in (int(code or 0) for code in codes.split(";")):
            if code == 0:
                self.__init__()
            elif code == 1:
                self.bold = True
            else:
                self.colour = COLOURS[code]


def runs(line, style):
    """Pieces of a line of one style: column, text, colour, bold."""
    column = 0
    for piece in re.split(r"(\033\[[0-9;]*m)", line):
        if piece.startswith("\033"):
            style.apply(piece[2:-1])
        elif piece:
            yield column, piece, style.colour, style.bold
            column += len(piece)


def squares(x, y, text, colour):
    """The squares of a run as one path: whole ones and outlines."""
    side = CELL - 2
    path = "".join(f"M{x + i * CELL + 1:.1f} {y - side:.1f}h{side:.1f}v{side:.1f}"
                   f"h-{side:.1f}z" for i in range(len(text)))
    paint = (f'fill="{colour}"' if text[0] == "■"
             else f'fill="none" stroke="{colour}" stroke-width="1.3"')
    return f'<path d="{path}" {paint}/>'


def words(x, y, text, colour, bold):
    """The words of a run, each at its column whatever the font's width is."""
    weight = ' font-weight="bold"' if bold else ""
    return "".join(
        f'<text x="{x + match.start() * CELL:.1f}" y="{y}" '
        f'textLength="{len(match[0]) * CELL:.1f}" fill="{colour}"{weight}>'
        f"{escape(match[0])}</text>"
        for match in re.finditer(r"\S+(?: \S+)*", text))


def draw_line(y, line, style):
    for column, text, colour, bold in runs(line, style):
        for match in re.finditer(r"■+|□+|[^■□]+", text):
            x = MARGIN + (column + match.start()) * CELL
            if match[0][0] in "■□":
                yield squares(x, y, match[0], colour)
            else:
                yield words(x, y, match[0], colour, bold)


def svg(text, title):
    """A window with a title, as high and wide as its text."""
    lines = text.rstrip("\n").split("\n")
    plain = [re.sub(r"\033\[[0-9;]*m", "", line) for line in lines]
    width = 2 * MARGIN + max(map(len, plain)) * CELL
    height = BAR + 2 * MARGIN + len(lines) * LINE
    style = Style()
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" font-size="{FONT_SIZE}" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, '
        '\'DejaVu Sans Mono\', monospace">',
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        f'<rect width="{width:.0f}" height="{BAR}" rx="8" fill="#1b2632"/>',
        words(MARGIN, 20, title, COLOURS[90], False),
    ]
    for number, line in enumerate(lines):
        y = BAR + MARGIN + FONT_SIZE + number * LINE
        parts += draw_line(y, line, style)
    return "\n".join(parts) + "\n</svg>\n"
