"""A table that prints: text in a terminal, HTML in a notebook."""

import html
from collections.abc import Sequence


class Table(Sequence):
    """A sequence of named tuples, all of one kind; their fields are the columns, the first two set to the left."""

    def __init__(self, rows):
        self.rows = tuple(rows)

    def __getitem__(self, index):
        return self.rows[index]

    def __len__(self):
        return len(self.rows)

    def lines(self) -> list[list[str]]:
        """Return the table as text: the headings, then the cells of each row."""
        headings = [name.replace("_", " ") for name in self.rows[0]._fields] if self.rows else ["empty"]
        return [headings, *([as_text(value) for value in row] for row in self.rows)]

    def __repr__(self):
        lines = self.lines()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        sides = [str.ljust, str.ljust, *[str.rjust] * len(widths)]  # numbers to the right
        aligned = ([pad(c, w) for pad, c, w in zip(sides, line, widths, strict=False)] for line in lines)
        return "\n".join("  ".join(line).rstrip() for line in aligned)

    def _repr_html_(self):
        def line(cells, tag):
            sides = ["left", "left", *["right"] * len(cells)]
            return "".join(f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>'
                           for side, cell in zip(sides, cells, strict=False))  # fmt: skip

        head, *body = self.lines()
        rows = [line(head, "th"), *(line(cells, "td") for cells in body)]
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def as_text(value) -> str:
    """Return a cell: 1,234 for a number, 3 × 4 for a tuple, ? for None."""
    if value is None:
        return "?"
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else value
