"""What the course draws with: figures by matplotlib, pictures as SVG text (`svg`), tables that print."""

from . import svg
from .plots import INK, mend_d2l, new_figure, plot_bars, show_images, show_matrix
from .tables import Table

__all__ = ["INK", "Table", "mend_d2l", "new_figure", "plot_bars", "show_images", "show_matrix", "svg"]
