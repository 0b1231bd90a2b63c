"""The course beside the book's own functions, in alternation: python -m helpers.benchmark [part ...] [--full]

Each part is a function that returns rows or a table; `PARTS` names them. Without a name all of them run. With
--full, LeNet trains for ten epochs instead of one: about 15 minutes on two cores. `nets` takes ten more; it stores its
results by `python -m helpers.benchmark_nets --store`.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch.nn import functional as F

from .data import ImageBatches, load_data_fashion_mnist
from .ops import corr2d
from .sources import FILES, idx_bytes


class Row(NamedTuple):
    """One line of a table: what ran, whose code, median seconds, times faster than the first, test accuracy."""

    what: str
    who: str
    seconds: float
    faster: float
    runs: int
    accuracy: str = ""


def compare(what: str, contenders: dict[str, Callable[[], object]], runs: int, least: float = 0.0) -> list[Row]:
    """Time the contenders in alternation, after one call each to warm up; the first is the measure of the others.

    A run repeats its call until about `least` seconds have passed; the times are those of one call.
    """
    repeats = {who: int(least / timed(call, 1)) + 1 for who, call in contenders.items()}
    times: dict[str, list[float]] = {who: [] for who in contenders}
    for _ in range(runs):
        for who, call in contenders.items():
            times[who].append(timed(call, repeats[who]))
    first = median(next(iter(times.values())))
    return [Row(what, who, median(spent), first / median(spent), runs) for who, spent in times.items()]


def timed(call: Callable[[], object], repeats: int) -> float:
    """The seconds of one call, as the mean of `repeats` calls in a row."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


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


@contextmanager
def books_loaders(train_iter: ImageBatches, test_iter: ImageBatches, resize: int | None = None) -> Iterator[tuple]:
    """d2l's loaders for training and test over the same pictures, which it wants to find in ../data."""
    from d2l import torch as d2l

    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create")  # it always asks for 4 workers
        raw, work = Path(scratch, "data", "FashionMNIST", "raw"), Path(scratch, "work")
        raw.mkdir(parents=True)
        work.mkdir()
        arrays = [array for ours in (train_iter, test_iter)
                  for array in (ours.images[:, 0].cpu().numpy(), ours.labels.byte().cpu().numpy())]
        for name, array in zip(FILES, arrays, strict=True):
            (raw / name).write_bytes(idx_bytes(array))
        try:
            os.chdir(work)
            yield d2l.load_data_fashion_mnist(train_iter.batch_size, resize)
        finally:
            os.chdir(here)


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


def training_table(full: bool = False) -> list[Row]:
    """LeNet on the whole data set, lr 0.9, batch 256: wall-clock over everything, test accuracy as mean ± sd."""
    from .benchmark_training import training_rows

    return training_rows(full)


def curve_table() -> list[Row]:
    """The curves that grow during training."""
    from .benchmark_training import curve_rows

    return curve_rows()


def widgets_part() -> str:
    """The kernel explorer, from a move of its slider to the new picture: in Python, and in JupyterLab and Chromium."""
    from .benchmark_widgets import as_table, widgets_table

    return as_table(widgets_table())


def scratch_table() -> list[Row]:
    """The convolutional net in NumPy beside the same net in PyTorch, same weights and losses, on one thread each."""
    from .benchmark_scratch import scratch_rows

    return scratch_rows()


def nets_table() -> str:
    """All nets of the course by their recipes, three seeds each (about ten minutes on two cores)."""
    from .benchmark_nets import measure_all

    return repr(measure_all(tell=lambda line: None))


def levers_table() -> str:
    """Training ResNet-18 by its recipe with no lever, with each alone, and with those that gain together."""
    from .levers import compare_levers
    from .recipes import recipe

    settings = recipe("resnet18")
    speeds = compare_levers(settings.build, settings.load()[0])
    lines = [f"| {speed.name} | {speed.images_per_second:,.0f} | {speed.gain:.2f} | {speed.first_step:.2g} s |"
             for speed in speeds]  # fmt: skip
    return "\n".join(["| levers | images/s | times faster | first step |", "|---|---:|---:|---:|", *lines])


PARTS = {"loader": loader_table, "corr2d": corr2d_table, "curve": curve_table, "widgets": widgets_part,
         "scratch": scratch_table, "train": training_table, "levers": levers_table, "nets": nets_table}


def machine() -> str:
    """What the figures were taken on, in one line."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (f"{os.cpu_count()} cores ({platform.machine()}), {torch.get_num_threads()} threads{load}{gpu}, "
            f"torch {torch.__version__}, Python {platform.python_version()}")


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table; the column for accuracy is there where a row has one."""
    lines = ["| what | whose | median | times faster | runs |", "|---|---|---:|---:|---:|"]
    lines += [f"| {row.what} | {row.who} | {duration(row.seconds)} | {row.faster:.3g} | {row.runs} |" for row in rows]
    if any(row.accuracy for row in rows):
        added = [" test accuracy |", "---:|", *(f" {row.accuracy} |" for row in rows)]
        lines = [line + more for line, more in zip(lines, added, strict=True)]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Three digits with the unit that fits."""
    unit, factor = next(((u, f) for u, f in (("s", 1), ("ms", 1e3)) if seconds * f >= 1), ("µs", 1e6))
    return f"{seconds * factor:.3g} {unit}"


def main(words: list[str] | None = None) -> int:
    """Print the machine and the table of each named part; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.benchmark", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of {', '.join(PARTS)}; without it, all of them")
    parser.add_argument("--full", action="store_true", help="train for ten epochs instead of one")
    options = parser.parse_args(words)
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}: choose among {', '.join(PARTS)}")
    print(machine())
    for name in options.parts or PARTS:
        print(f"\n{PARTS[name].__doc__.splitlines()[0]}")
        measured = PARTS[name](options.full) if name == "train" else PARTS[name]()
        print(measured if isinstance(measured, str) else table(measured), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
