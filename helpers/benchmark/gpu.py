"""All that is to be learned on one GPU, within nine minutes: python -m helpers.benchmark gpu --store

Four parts, each with its share of the time. How many pictures per second the book's networks train at its sizes, in
each precision and order of memory, beside what d2l's own published runs show. The accuracy that the fastest of these
reaches, beside plain float32. The course's Triton kernel against cuDNN. And every notebook in the profile gpu with the
numbers of steps cut (tests/replay.py, where Jupyter is installed).
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
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

from .measure import machine

STORED = Path(__file__).parent / "results" / "gpu.json"
# Images/s of a V100 in the outputs that d2l 0.17 publishes: forward, backward and step alone, no loading.
BOOKS = {"lenet": 84_000, "alexnet": 4_100, "vgg": 2_600, "nin": 3_200, "googlenet": 3_500, "bn_lenet": 48_000,
         "resnet18": 4_700}  # fmt: skip
TRAINED = ("lenet", "bn_lenet", "resnet18")
BUDGET = 540.0  # seconds for everything
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


def kernels(device: torch.device, seconds: float, batch: int = 32) -> dict:
    """Return, for two layers, multiply-adds per second of F.conv2d and of the course's Triton kernel where it runs."""
    from helpers.scaling.triton_corr2d import triton_corr2d

    found = {}
    for name, (c_in, c_out, side, k) in LAYERS.items():
        X, K = torch.rand(batch, c_in, side, side, device=device), torch.rand(c_out, c_in, k, k, device=device)
        work = batch * c_in * c_out * k * k * (side - k + 1) ** 2
        calls = {"F.conv2d": lambda X=X, K=K: F.conv2d(X, K)}
        if device.type == "cuda":
            calls["Triton"] = lambda X=X, K=K: triton_corr2d(X, K)
        with products_in(Mode()):  # the kernel computes in float32
            found[name] = {who: rate(call, work, device, seconds) for who, call in calls.items()}
    return found


def replayed(seconds: float) -> dict:
    """Replay the notebooks in the profile gpu; return what was said, and whether all ran to their end in the time."""
    command = [sys.executable, "-m", "tests.replay", "--batches", "4"]
    try:
        done = subprocess.run(command, cwd=course_folder(), capture_output=True, text=True, timeout=seconds)
        return {"all_ran": done.returncode == 0, "said": (done.stdout + done.stderr).splitlines()}
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        return {"all_ran": False, "said": [*said.splitlines(), f"stopped after {seconds:.0f} s"]}


def measure_gpu(device=None, nets=tuple(BOOKS), modes=tuple(MODES), budget: float = BUDGET, batch_size=None,
                data=None, num_epochs=None, replay=True) -> dict:  # fmt: skip
    """Measure it all on a device within `budget` seconds; return the results as they are stored.

    The other arguments make it small for a test: some nets and modes, fewer pictures a batch, other data.
    """
    device, start = torch.device(device or try_gpu()), time.monotonic()
    share = budget / 4 / (len(nets) * len(modes))
    rates = {net: {name: training_rate(net, MODES[name], device, share / 2, batch_size) for name in modes}
             for net in nets}  # fmt: skip
    fastest = {net: max(found, key=found.get) for net, found in rates.items()}
    trained = {net: {name: accuracy(net, MODES[name], device, data, num_epochs) for name in {modes[0], fastest[net]}}
               for net in TRAINED if net in nets}  # fmt: skip
    found = {"machine": machine(), "date": date.today().isoformat(), "images_per_second": rates, "fastest": fastest,
             "trained": trained, "kernels": kernels(device, budget / 60)}  # fmt: skip
    left = budget - (time.monotonic() - start)
    return found | {"replay": replayed(max(left, 30.0)) if replay else None}


def as_text(found: dict) -> str:
    """Return the results as Markdown tables."""
    modes = list(next(iter(found["images_per_second"].values())))
    lines = ["| images/s, compute alone | " + " | ".join(modes) + " | d2l on a V100 | times |",
             "|---|" + "---:|" * (len(modes) + 2)]
    for net, rates in found["images_per_second"].items():
        ratio = max(rates.values()) / BOOKS[net]
        cells = [*(f"{rates[mode]:,.0f}" for mode in modes), f"{BOOKS[net]:,}", f"{ratio:.1f}"]
        lines.append(f"| {net} | " + " | ".join(cells) + " |")
    lines += ["", "| trained by the gpu recipe | mode | test accuracy | s | images/s in all |",
              "|---|---|---:|---:|---:|"]  # fmt: skip
    for net, runs in found["trained"].items():
        for mode, run in runs.items():
            speed = f"{run['seconds']:.0f} | {run['images_per_second']:,.0f}"
            lines.append(f"| {net} | {mode} | {run['test_accuracy']:.3f} | {speed} |")
    lines += ["", "| convolution, float32 | " + " | ".join(["F.conv2d", "Triton"]) + " |", "|---|---:|---:|"]
    for name, rates in found["kernels"].items():
        cells = [f"{rates[who] / 1e12:.2f} T/s" if who in rates else "–" for who in ("F.conv2d", "Triton")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if found["replay"]:
        lines += ["", *found["replay"]["said"]]
    return "\n".join([*lines, "", f"{found['machine']}, {found['date']}"])


def gpu_part(keep: bool) -> str:
    """Measure and return the tables; `keep` writes results/gpu.json, but only what a GPU has given."""
    if not torch.cuda.is_available():
        return "There is no CUDA device here: nothing was measured."
    found = measure_gpu()
    if keep:
        STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return as_text(found)
