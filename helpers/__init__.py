"""The small library under the notebooks: `from helpers import corr2d, pool2d, train_ch6, load_data_fashion_mnist`."""

from .anatomy.counts import describe_net
from .anatomy.reach import receptive_field
from .course.standing import progress
from .data.batches import ImageBatches, load_data_fashion_mnist, load_photo
from .data.device import try_gpu
from .data.folder import load_data_folder
from .drawing.blocks import show_blocks
from .drawing.channels import show_channels
from .drawing.norms import show_norms
from .drawing.plots import mend_d2l, new_figure, plot_bars, show_images, show_matrix
from .drawing.window import show_pool, show_window
from .exercises import check, hint, solution
from .ops import corr2d, corr2d_multi_in, corr2d_multi_in_out, output_size, pool2d
from .training.loop import Cosine, History, evaluate_accuracy, evaluate_accuracy_gpu, profile, train_ch6
from .training.recipes import recipe

__all__ = [
    "Cosine",
    "History",
    "ImageBatches",
    "check",
    "corr2d",
    "corr2d_multi_in",
    "corr2d_multi_in_out",
    "describe_net",
    "evaluate_accuracy",
    "evaluate_accuracy_gpu",
    "hint",
    "load_data_fashion_mnist",
    "load_data_folder",
    "load_photo",
    "mend_d2l",
    "new_figure",
    "output_size",
    "plot_bars",
    "pool2d",
    "profile",
    "progress",
    "receptive_field",
    "recipe",
    "show_blocks",
    "show_channels",
    "show_images",
    "show_matrix",
    "show_norms",
    "show_pool",
    "show_window",
    "solution",
    "train_ch6",
    "try_gpu",
]
