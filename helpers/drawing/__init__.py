"""What the course draws with: figures by matplotlib, pictures as SVG text (`svg`), tables that print."""

from . import svg
from .plots import INK, mend_d2l, new_figure, plot_bars, show_images, show_matrix
from .still import Still
from .tables import Table
from .window import show_pool, show_window

__all__ = [
    "INK", "Still", "Table", "mend_d2l", "new_figure", "plot_bars", "show_images", "show_matrix", "show_pool",
    "show_window", "svg",
]  # fmt: skip
