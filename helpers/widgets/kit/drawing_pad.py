"""A pad of cells to draw on, by mouse and by keyboard."""

import ipywidgets as W
import torch

from helpers.drawing import svg

SIDE = 14  # cells a side: a cell is 2×2 pixels of a 28×28 picture
CELL = 18  # px
PENS = ("dots", "lines", "erase", "lift")
HELP = (
    "The sliders move the cross and draw, too: dots marks each cell, lines draws straight from the last one, "
    "lift only moves."
)
SHADES = 9
CROSS, NO_CROSS = "✚", " "  # an empty description would leave the old one on the page


class DrawingPad(W.VBox):
    """A black picture `ink` (H, W) to draw on in white; `on_change()` is called after every stroke.

    A click on a cell, or a slider, moves the cross there, and the pen draws. There is no dragging: core ipywidgets
    report clicks only. The pen "lines" joins two clicks, so a shape needs few of them.
    """

    def __init__(self, height, width, on_change):
        self.ink, self._on_change, self._moving = torch.zeros(height, width), on_change, False
        self.row = self.column = SIDE // 2
        self.pen = W.ToggleButtons(options=PENS, value="dots", tooltip=HELP, style={"button_width": "auto"})
        self.brush = W.IntSlider(2, 1, 4, description="brush", layout=W.Layout(width="220px"), tooltip="cells")
        self.brush.style.description_width = "initial"
        self.up = self._slider("vertical", SIDE - 1 - self.row, height=f"{SIDE * CELL}px", width="24px")
        self.across = self._slider("horizontal", self.column, width=f"{SIDE * CELL}px")
        self.up.observe(lambda change: self._slid(SIDE - 1 - change["new"], self.column), "value")
        self.across.observe(lambda change: self._slid(self.row, change["new"]), "value")
        self._make_cells()
        grid = W.GridBox([cell for row in self.cells for cell in row], layout=W.Layout(
            grid_template_columns=f"repeat({SIDE}, {CELL}px)", grid_gap="0px", overflow="hidden",
            width=f"{SIDE * CELL}px", height=f"{SIDE * CELL}px",
        ))  # fmt: skip
        super().__init__([W.HBox([grid, self.up]), self.across, self.pen, self.brush])

    def visit(self, row, column):
        """Move the cross to a cell and draw with the present pen on the way."""
        start, pen = (self.row, self.column), self.pen.value
        self._place(row, column)
        steps = max(abs(row - start[0]), abs(column - start[1])) if pen == "lines" else 0
        if pen != "lift":
            for i in range(steps + 1):
                share = i / steps if steps else 1.0
                cell = [round(a + share * (b - a)) for a, b in zip(start, (row, column), strict=True)]
                self._dab(*cell, 0.0 if pen == "erase" else 1.0)
        self._shade()
        self._on_change()

    def load(self, picture):
        """Take a picture (H, W) from 0 to 1 as the drawing."""
        self.ink = picture.clone()
        self._shade()
        self._on_change()

    def clear(self):
        """Make the whole pad black."""
        self.load(torch.zeros_like(self.ink))

    def _slider(self, orientation, value, **layout):
        return W.IntSlider(value, 0, SIDE - 1, orientation=orientation, readout=False, layout=W.Layout(**layout),
                           tooltip=HELP)  # fmt: skip

    def _make_cells(self):
        """The buttons, with one layout and a few styles between them: a model for each would take a second."""
        layout = W.Layout(width=f"{CELL}px", height=f"{CELL}px", margin="0", padding="0", border="1px solid #444")
        greys = [round(255 * i / (SHADES - 1)) for i in range(SHADES)]
        self._styles = [W.ButtonStyle(button_color=f"#{g:02x}{g:02x}{g:02x}", text_color=svg.ORANGE) for g in greys]
        self.cells = [[
            W.Button(layout=layout, style=self._styles[0], tooltip=f"row {i}, column {j}", tabbable=False)
            for j in range(SIDE)
        ] for i in range(SIDE)]  # fmt: skip
        for i, row in enumerate(self.cells):
            for j, cell in enumerate(row):
                cell.on_click(lambda _, i=i, j=j: self.visit(i, j))
        self.cells[self.row][self.column].description = CROSS

    def _slid(self, row, column):
        if not self._moving:
            self.visit(row, column)

    def _place(self, row, column):
        """Show the cross and both sliders at a cell."""
        self.cells[self.row][self.column].description = NO_CROSS
        self.cells[row][column].description = CROSS
        self.row, self.column, self._moving = row, column, True
        self.up.value, self.across.value = SIDE - 1 - row, column
        self._moving = False

    def _dab(self, row, column, shade):
        """Fill brush × brush cells around a cell."""
        first, size = (self.brush.value - 1) // 2, self.brush.value
        spans = []
        for place, length in ((row - first, self.ink.shape[0]), (column - first, self.ink.shape[1])):
            spans.append(slice(max(0, place) * length // SIDE, min(SIDE, place + size) * length // SIDE))
        self.ink[spans[0], spans[1]] = shade

    def _shade(self):
        """Give each cell the mean of its pixels."""
        means = torch.nn.functional.adaptive_avg_pool2d(self.ink[None], SIDE)[0]
        for row, shades in zip(self.cells, (means * (SHADES - 1)).round().int().tolist(), strict=True):
            for cell, shade in zip(row, shades, strict=True):
                if cell.style is not self._styles[shade]:
                    cell.style = self._styles[shade]
