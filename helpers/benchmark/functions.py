"""The data loader and corr2d beside the book's own."""

import torch
from torch.nn import functional as F

from helpers.data import load_data_fashion_mnist
from helpers.ops import corr2d

from .measure import Row, books_loaders, compare


def loader_table(runs: int = 3) -> list[Row]:
    """A full pass over the training set in batches of 256, at 28 and at 96 px: d2l's loader and the course's."""
    rows = []
    for size in (28, 96):
        resize = None if size == 28 else size
        ours, test_iter = load_data_fashion_mnist(256, resize)
        with books_loaders(ours, test_iter, resize) as (books, _):
            contenders = {"d2l": lambda loop=books, to=ours.images.device: full_pass(loop, to),
                          "helpers": lambda loop=ours, to=ours.images.device: full_pass(loop, to)}
            rows += compare(f"{ours.num_images:,} images at {size} px", contenders, runs)
    return rows


def full_pass(loop, device: torch.device) -> None:
    """Go through all batches once, until each has arrived on the device."""
    for X, y in loop:
        X.to(device), y.to(device)
    if device.type == "cuda":
        torch.cuda.synchronize()


def corr2d_table(runs: int = 7) -> list[Row]:
    """Cross-correlation of one picture with a 3x3 kernel: the book's loop, the course's taps, PyTorch's own."""
    from d2l import torch as d2l

    rows, generator = [], torch.Generator().manual_seed(0)
    for size in (28, 64, 200):
        X, K = torch.rand(size, size, generator=generator), torch.rand(3, 3, generator=generator)
        contenders = {"d2l": lambda X=X, K=K: d2l.corr2d(X, K), "helpers": lambda X=X, K=K: corr2d(X, K),
                      "F.conv2d": lambda X=X, K=K: F.conv2d(X[None, None], K[None, None])}
        rows += compare(f"corr2d, {size}x{size}, 3x3 kernel", contenders, runs, least=0.02)
    return rows
