"""What every part of the benchmark measures with: calls timed in turn, the book's loaders, the machine, a table."""

import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from helpers.data import ImageBatches
from helpers.data.sources import FILES, idx_bytes


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


def machine() -> str:
    """What the figures were taken on, in one line."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    threads = torch.get_num_threads()
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (f"{os.cpu_count()} cores ({platform.machine()}), {threads} thread{'s' * (threads > 1)}{load}{gpu}, "
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
