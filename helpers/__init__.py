"""The small library under the notebooks: `from helpers import corr2d, pool2d, train_ch6, load_data_fashion_mnist`."""

from .exercises import check, hint, solution
from .ops import corr2d, corr2d_multi_in, corr2d_multi_in_out, output_size, pool2d
from .plots import mend_d2l, new_figure, plot_bars, show_images, show_matrix

__all__ = [
    "check",
    "corr2d",
    "corr2d_multi_in",
    "corr2d_multi_in_out",
    "hint",
    "mend_d2l",
    "new_figure",
    "output_size",
    "plot_bars",
    "pool2d",
    "show_images",
    "show_matrix",
    "solution",
]
