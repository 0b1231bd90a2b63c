"""All that is to be learned on one GPU, within nine minutes: python -m helpers.benchmark gpu [--to FILE] [--store]

Four steps, each in a process of its own and with its share of the time; what is found is written piece by piece, so
that a crash or an end of the time takes nothing away that was there. How many pictures per second the book's networks
train at its sizes, in each precision and order of memory, beside what d2l's own published runs show. The accuracy that
the fastest of these reaches, beside plain float32. The course's Triton kernel against cuDNN, and whether they agree.
And every notebook in the profile gpu with the numbers of steps cut.

It needs torch, matplotlib and scikit-learn, the data in data/ or where CNN_COURSE_DATA says, and no network. The last
step (tests/replay.py) needs the rest of requirements.txt too; where that is missing, each notebook says so in a line.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from statistics import median

import torch
from torch.nn import functional as F

from helpers.data import try_gpu
from helpers.place import course_folder
from helpers.scaling import clock
from helpers.training import recipe, train_ch6, xavier
from helpers.training.execution import Execution
from helpers.training.guards import in_channels_last

from .gpu_table import BOOKS, said, store_gpu
from .measure import machine
from .steps import merge, run_step, write

TRAINED = ("lenet", "bn_lenet", "resnet18")
BUDGET = 540.0  # seconds for everything
SHARES = {"rates": 0.25, "trained": 0.35, "kernels": 0.1}  # of the budget, at most; the replay has what is left
SPELL = 1.0  # seconds that a rate is measured for
# Those that train first, the one that measures for minutes at the end.
NOTEBOOKS = ("07", "08", "09", "10", "11", "12", "13", "14", "01", "16", "00", "02", "03", "04", "05", "06", "15")
LAYERS = {"3×3, 64 → 64 channels, 56 px": (64, 64, 56, 3), "5×5, 16 → 32 channels, 28 px": (16, 32, 28, 5)}


@dataclass(frozen=True)
class Mode:
    """How a step is computed: matrix products in TF32, weights with channels last, 16 bits where that can be borne."""

    tf32: bool = False
    channels_last: bool = False
    amp: bool = False


MODES = {
    "float32": Mode(), "TF32": Mode(tf32=True), "TF32, channels last": Mode(True, True),
    "bfloat16": Mode(True, amp=True), "bfloat16, channels last": Mode(True, True, True),
}  # fmt: skip


@contextmanager
def products_in(mode: Mode):
    """Allow TF32 in products and convolutions as the mode says; afterwards as before."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = mode.tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def rate(step: Callable[[], object], amount: int, device: torch.device, seconds: float, warm_up: int = 3) -> float:
    """Return `amount` per second: the median of five spells, each of several calls between two clock readings."""
    for _ in range(warm_up):
        step()
    start = clock(device)
    step()
    calls = max(1, int(seconds / 5 / (clock(device) - start)))
    spells = []
    for _ in range(5):
        start = clock(device)
        for _ in range(calls):
            step()
        spells.append(calls * amount / (clock(device) - start))
    return median(spells)


def training_rate(net_name: str, mode: Mode, device: torch.device, seconds: float,
                  batch_size: int | None = None) -> float:  # fmt: skip
    """Return images/s of training a net by its gpu recipe on one batch that lies on the device: compute alone."""
    settings = recipe(net_name, "gpu")
    size = batch_size or settings.data["batch_size"]
    X = torch.rand(size, *settings.input_shape[1:], device=device)
    y = torch.arange(size, device=device) % 10
    net = settings.build().to(device).train()
    net.apply(xavier)
    optimizer, execution = torch.optim.SGD(net.parameters(), lr=0.001), Execution(net, device, mode.amp)

    def step():
        optimizer.zero_grad()
        execution.backward(execution.forward(X, y)[1])
        execution.step(optimizer)

    with products_in(mode):
        if mode.channels_last:
            X = X.to(memory_format=torch.channels_last)
            with in_channels_last(net):
                return rate(step, size, device, seconds)
        return rate(step, size, device, seconds)


def accuracy(net_name: str, mode: Mode, device: torch.device, data: tuple | None = None, num_epochs=None) -> dict:
    """Train a net by its gpu recipe, seed 0; return its test accuracy, seconds, and images/s with loading and tests."""
    settings = recipe(net_name, "gpu")
    train_iter, test_iter = data or settings.load()
    with products_in(mode):
        history = train_ch6(settings.build(), train_iter, test_iter, num_epochs or settings.num_epochs, settings.lr,
                            device, seed=0, live=False, channels_last=mode.channels_last, amp=mode.amp)  # fmt: skip
    return {"test_accuracy": history.test_acc[-1], "seconds": history.seconds,
            "images_per_second": history.images_per_second}  # fmt: skip


def kernel_rates(layer: str, device: torch.device, seconds: float, batch: int = 32) -> dict[str, float]:
    """Return multiply-adds per second of F.conv2d, and of the course's Triton kernel where there is a CUDA device.

    Raises AssertionError where the two do not agree.
    """
    from helpers.scaling.triton_corr2d import triton_corr2d

    c_in, c_out, side, k = LAYERS[layer]
    X, K = torch.rand(batch, c_in, side, side, device=device), torch.rand(c_out, c_in, k, k, device=device)
    calls = {"F.conv2d": lambda: F.conv2d(X, K)}
    if device.type == "cuda":
        calls["Triton"] = lambda: triton_corr2d(X, K)
    work = batch * c_in * c_out * k * k * (side - k + 1) ** 2
    with products_in(Mode()):  # the kernel computes in float32
        for call in calls.values():
            torch.testing.assert_close(call(), calls["F.conv2d"](), rtol=1e-4, atol=1e-3)
        return {who: rate(call, work, device, seconds) for who, call in calls.items()}


# The steps: each yields its results piece by piece -----------------------------------------------------------


def tried(found: Callable[[], dict], *keys: str) -> dict:
    """Return {key: {key: … found()}}, or what went wrong under the key "failed"."""
    try:
        piece = found()
    except Exception as error:  # whatever a driver or a compiler throws: it is told, and the next is tried
        keys, piece = ("failed", ", ".join(keys)), f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    for key in reversed(keys):
        piece = {key: piece}
    return piece


def rates(nets: tuple, modes: tuple, device: str, spell: float, batch_size: int | None) -> Iterator[dict]:
    """Images/s of each net in each mode."""
    for net, name in product(nets, modes):
        yield tried(lambda net=net, name=name: training_rate(net, MODES[name], torch.device(device), spell, batch_size),
                    "images_per_second", net, name)  # fmt: skip


def trained(fastest: dict, device: str, data: tuple | None, num_epochs: int | None) -> Iterator[dict]:
    """Accuracies of the nets {net: its fastest mode} in that mode and in float32."""
    for net, best in fastest.items():
        for name in dict.fromkeys((best, "float32")):
            yield tried(lambda net=net, name=name: accuracy(net, MODES[name], torch.device(device), data, num_epochs),
                        "trained", net, name)  # fmt: skip


def kernels(device: str, spell: float) -> Iterator[dict]:
    """Multiply-adds per second of our kernel and of cuDNN's."""
    for layer in LAYERS:
        yield tried(lambda layer=layer: kernel_rates(layer, torch.device(device), spell), "kernels", layer)


def replayed(numbers: tuple, end: float) -> Iterator[dict]:
    """What the replay of each notebook says until `end`, a moment of time.monotonic(), which all processes share.

    One that hangs is stopped after half of the time that is left, the last one at its end.
    """
    for number in numbers:
        command = [sys.executable, "-m", "tests.replay", number, "--batches", "4"]
        left = max(end - time.monotonic(), 0.1) / (1 if number == numbers[-1] else 2)
        try:
            done = subprocess.run(command, cwd=course_folder(), capture_output=True, text=True, errors="replace",
                                  timeout=left)  # fmt: skip
            said = done.stdout.splitlines() or done.stderr.splitlines()[-1:]
        except subprocess.TimeoutExpired:
            said = [f"{number}: stopped after {left:.0f} s"]
        yield {"replay": {number: said}}


def measure_gpu(device=None, nets=tuple(BOOKS), modes=tuple(MODES), budget: float = BUDGET, spell: float = SPELL,
                batch_size=None, data=None, num_epochs=None, notebooks=NOTEBOOKS, path: Path | None = None,
                run=run_step, tell=print) -> dict:  # fmt: skip
    """Measure it all on a device within `budget` seconds; return the results, which `path` keeps as they come.

    The other arguments make it small for a test: some nets and modes, fewer pictures a batch, other data.
    """
    device, end = str(device or try_gpu()), time.monotonic() + budget
    found = {"machine": machine(), "device": device, "date": date.today().isoformat()}

    def keep(piece):
        merge(found, piece)
        if path:
            write(found, path)
        tell(piece, flush=True)

    def step(pieces, args, seconds):
        why = run(pieces, args, min(seconds, end - time.monotonic()), keep)
        if why:
            keep({"failed": {pieces.__name__: why}})

    step(rates, (nets, modes, device, spell, batch_size), SHARES["rates"] * budget)
    speeds = found.get("images_per_second", {})
    keep({"fastest": {net: max(speeds[net], key=speeds[net].get) for net in nets if net in speeds}})
    fastest = {net: found["fastest"].get(net, modes[-1]) for net in TRAINED if net in nets}
    step(trained, (fastest, device, data, num_epochs), SHARES["trained"] * budget)
    step(kernels, (device, spell), SHARES["kernels"] * budget)
    step(replayed, (notebooks, end - 5), budget)
    return found


def gpu_part(keep: bool, to: Path | None = None, found: dict | None = None) -> str:
    """Measure, unless `found` was measured elsewhere, and return the tables; `to` is written meanwhile.

    `keep` puts the results where the course shows them, but only what a GPU has given.
    """
    if not found and not torch.cuda.is_available():
        return "There is no CUDA device here: nothing was measured."
    found = found or measure_gpu(path=to)
    if keep:
        store_gpu(found)
    return said(found)
