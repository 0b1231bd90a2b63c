"""What makes training faster, measured: one lever after the other, where a step's time goes, and the peak."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from helpers.data import ImageBatches
from helpers.training.execution import Execution, check_compiler
from helpers.training.guards import forked_random, in_channels_last

CHECK_EVERY = 8  # steps on a GPU between two looks at the clock, each of which waits for the device
WORTH = 1.02  # times faster that a lever must make the best setting so far to stay pulled
LEAST, MOST_CALLS = 0.005, 1 << 14  # seconds between two looks at the clock, calls in between
C_COMPILERS = ("gcc", "clang")  # those that Triton looks for


@dataclass(frozen=True)
class Levers:
    """How to train: where the pictures wait, how many go through at once, and how a step is computed."""

    in_memory: bool = False
    batch_size: int = 64
    channels_last: bool = False
    amp: bool = False
    compile: bool | str = False


@dataclass(frozen=True)
class Speed:
    """What a setting of the levers gives: images per second, and seconds of its first step.

    `gain` is how many times faster it is than the setting that it was tried on, `kept` whether that was enough.
    """

    name: str
    levers: Levers
    images_per_second: float
    gain: float
    first_step: float
    kept: bool = False


class Pictures(Dataset):
    """The pictures of `batches` one by one, the usual way: from bytes to a PIL picture, resized, to a tensor."""

    def __init__(self, batches: ImageBatches):
        from torchvision.transforms import Compose, Normalize, Resize, ToPILImage, ToTensor

        size = [Resize(batches.resize)] if batches.resize else []
        scale = [Normalize(batches.mean, batches.std)] if batches.standardize else []
        self.transform = Compose([ToPILImage(), *size, ToTensor(), *scale])
        self.images, self.labels = batches.images.cpu(), batches.labels.tolist()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        """Return (X, y), X (1, H, W)."""
        return self.transform(self.images[row]), self.labels[row]


def loader(batches: ImageBatches, levers: Levers) -> Iterable[tuple[Tensor, Tensor]]:
    """Return shuffled batches X (N, 1, H, W), y (N,) as the levers say: from memory, or picture by picture."""
    if not levers.in_memory:
        return DataLoader(Pictures(batches), levers.batch_size, shuffle=True)
    names = ("classes", "source", "mean", "std", "standardize", "resize")
    options = {name: getattr(batches, name) for name in names}
    return ImageBatches(batches.images, batches.labels, levers.batch_size, shuffle=True, **options)


def compare_levers(
    build: Callable[[], nn.Module], batches: ImageBatches, *, seconds: float = 2.0, rounds: int = 3,
    larger_batch: int = 256, compile: bool | str = True,
) -> list[Speed]:
    """Pull one lever after the other, each on the best setting so far; return what each try gave.

    First the speed without a lever, last ("those kept") the best setting beside it. In between a lever, or the fastest
    of the three ways to pull two that belong together, stays pulled where it gains more than 2 %. A lever is not judged
    by what it gains alone: faster arithmetic gains nothing as long as the data are late.

    `build()` returns a new net for `batches`, on whose device it trains. The settings of a try take turns: each trains
    for `seconds`, `rounds` times, and its speed is the median. The first step, in which a compiled net is translated,
    is kept apart.
    """
    plain = best = Levers()
    speeds: list[Speed] = []
    for tries in ({"data in memory": {"in_memory": True}},
                  {f"batches of {larger_batch}": {"batch_size": larger_batch}},
                  {"mixed precision": {"amp": True}, "channels last": {"channels_last": True},
                   "both of these": {"amp": True, "channels_last": True}},
                  {"compiled": {"compile": compile}}):  # fmt: skip
        settings = {"none": best, **{name: replace(best, **change) for name, change in tries.items()}}
        base, *tried = measure_levers(build, batches, seconds, rounds, settings)
        fastest = max(tried, key=lambda speed: speed.gain)
        tried = [replace(speed, kept=speed is fastest and speed.gain > WORTH) for speed in tried]
        speeds += tried if speeds else [base, *tried]
        best = next((speed.levers for speed in tried if speed.kept), best)
    last = measure_levers(build, batches, seconds, rounds, {"none": plain, "those kept": best})[1]
    return [*speeds, replace(last, kept=True)]


def measure_levers(build, batches, seconds: float, rounds: int, settings: dict[str, Levers]) -> list[Speed]:
    """Measure named settings in turn; the first is the measure of the gains."""
    runs = {name: [] for name in settings}
    for _ in range(rounds):
        for name, levers in settings.items():
            runs[name].append(train_for(build(), batches, levers, seconds))
    rates = {name: median(rate for rate, _ in measured) for name, measured in runs.items()}
    base = next(iter(rates.values()))
    return [Speed(name, levers, rates[name], rates[name] / base, max(first for _, first in runs[name]))
            for name, levers in settings.items()]  # fmt: skip


def train_for(net: nn.Module, batches: ImageBatches, levers: Levers, seconds: float) -> tuple[float, float]:
    """Train for at least that long; return images per second after the first step, and the seconds of that step."""
    device = batches.images.device
    with ready_to_train(net, device, levers) as (execution, optimizer):
        steps = (step(execution, X.to(device), y.to(device), optimizer) for X, y in endless(loader(batches, levers)))
        start = time.perf_counter()
        next(steps)
        first, start, seen = clock(device) - start, clock(device), 0
        every = 1 if device.type == "cpu" else CHECK_EVERY
        for count, size in enumerate(steps, 1):
            seen += size
            if count % every == 0 and clock(device) - start >= seconds:
                break
        return seen / (clock(device) - start), first


@contextmanager
def ready_to_train(net: nn.Module, device: torch.device, levers: Levers) -> Iterator[tuple]:
    """Give (execution, optimizer) for the net on the device as the levers say; memory order and random state return."""
    net.to(device).train()
    execution = Execution(net, device, levers.amp, levers.compile)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with forked_random(), in_channels_last(net) if levers.channels_last else nullcontext():
        yield execution, optimizer


def usual_compiler(device: torch.device) -> bool | str:
    """Return what to give as `compile`: True, or "eager", which translates nothing, where no compiler is at hand.

    On a CUDA device Triton must be there, and a C compiler, by which it builds what starts its kernels. On an Apple
    GPU it is "eager" too: there torch.compile is young.
    """
    try:
        check_compiler(device, "inductor")
    except RuntimeError:
        return "eager"
    if device.type == "cuda" and not os.environ.get("CC") and not any(map(shutil.which, C_COMPILERS)):
        return "eager"
    log = logging.getLogger("torch.utils.cpp_extension")  # warns while it is imported, where CUDA is but no card
    level = log.level
    log.setLevel(logging.ERROR)
    with suppress(ImportError):
        import torch.utils.cpp_extension  # noqa: F401
    log.setLevel(level)
    return "eager" if device.type == "mps" else True


def endless(batches: Iterable) -> Iterator:
    """Yield the batches, and again from the start; raises ValueError if there is none."""
    if len(batches) == 0:
        raise ValueError("there is no batch to train on: give at least one picture")
    while True:
        yield from batches


def step(execution: Execution, X: Tensor, y: Tensor, optimizer: torch.optim.Optimizer) -> int:
    """Take one step of SGD on X (N, C, H, W), y (N,) as `train_ch6` does; return N."""
    optimizer.zero_grad()
    execution.backward(execution.forward(X, y)[1])
    execution.step(optimizer)
    return len(y)


def clock(device: torch.device) -> float:
    """Return the time in seconds once the device has done what it was given."""
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).synchronize()
    return time.perf_counter()


def time_of_parts(net: nn.Module, batches: ImageBatches, levers: Levers, steps: int = 20) -> dict[str, float]:
    """Return the seconds of a step by its parts: load, transfer, forward, backward, update (medians of `steps`).

    Each part ends with waiting for the device, so that no part pays for another; their sum is an upper bound.
    """
    device = batches.images.device
    times: list[list[float]] = []
    with ready_to_train(net, device, levers) as (execution, optimizer):
        source = endless(loader(batches, levers))
        for _ in range(steps + 2):
            marks = [clock(device)]
            X, y = next(source)
            marks.append(clock(device))
            X, y = X.to(device), y.to(device)
            marks.append(clock(device))
            _, loss = execution.forward(X, y)
            marks.append(clock(device))
            execution.backward(loss)
            marks.append(clock(device))
            execution.step(optimizer)
            optimizer.zero_grad()
            marks.append(clock(device))
            times.append([after - before for before, after in zip(marks, marks[1:], strict=False)])
    parts = zip(*times[2:], strict=True)  # the first two steps warm up
    return dict(zip(("load", "transfer", "forward", "backward", "update"), map(median, parts), strict=True))


def peak_rate(device: torch.device, dtype: torch.dtype = torch.float32, seconds=0.5) -> float:
    """Return the multiply-adds per second of a large product of matrices or a large convolution, whichever is faster.

    The best of at least five, each timed by itself: a measured stand-in for the peak of the data sheet. Libraries
    differ: on NVIDIA cards convolutions alone compute in TF32, on some CPUs they use wider units than products do.
    """
    return max(matmul_rate(device, dtype, seconds=seconds / 2), conv_rate(device, dtype, seconds=seconds / 2))


def matmul_rate(device: torch.device, dtype=torch.float32, side: int | None = None, seconds=0.5) -> float:
    """Return the multiply-adds per second of a product of two matrices (side, side), the best of at least five.

    Without `side` they have 1024 rows on a CPU, 4096 on a GPU, where smaller ones end before the next is called.
    """
    side = side or (1024 if device.type == "cpu" else 4096)
    A, B = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return side**3 / least_seconds(lambda: A @ B, device, seconds)


def conv_rate(device: torch.device, dtype=torch.float32, batch_size: int | None = None, seconds=0.5) -> float:
    """Return the multiply-adds per second of a 5×5 convolution of 128 channels of 28×28, the best of at least five."""
    N = batch_size or (4 if device.type == "cpu" else 256)
    X = torch.randn(N, 128, 28, 28, device=device).to(dtype)
    K = torch.randn(128, 128, 5, 5, device=device).to(dtype)
    with torch.inference_mode():
        best = least_seconds(lambda: nn.functional.conv2d(X, K, padding=2), device, seconds)
    return N * 28**2 * 128**2 * 5**2 / best


def copy_rate(device: torch.device, size: int | None = None, seconds=0.2) -> float:
    """Return the bytes per second that a copy of `size` bytes reads and writes, the best of at least five.

    Without `size` they are 64 MiB on a CPU, 256 MiB on a GPU: more than their caches usually hold.
    """
    size = size or (1 << 26 if device.type == "cpu" else 1 << 28)
    source = torch.zeros(size // 4, device=device)
    target = torch.empty_like(source)
    return 2 * size / least_seconds(lambda: target.copy_(source), device, seconds)


def least_seconds(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the seconds of a call in the fastest of at least five runs, repeated for so long; the first warms up."""
    calls = calls_of_a_run(call, device)
    best, end, count = float("inf"), clock(device) + seconds, 0
    while count < 5 or clock(device) < end:
        best, count = min(best, seconds_a_call(call, device, calls)), count + 1
    return best


def seconds_a_call(call: Callable[[], object], device: torch.device, calls: int) -> float:
    """Return the seconds of a call, the mean of so many between two looks at the clock."""
    start = clock(device)
    for _ in range(calls):
        call()
    return (clock(device) - start) / calls


def calls_of_a_run(call: Callable[[], object], device: torch.device) -> int:
    """Return how many calls last 5 ms. To look at the clock is to wait for the device, as long as for a short call."""
    call()
    calls = 1
    while calls < MOST_CALLS and calls * seconds_a_call(call, device, calls) < LEAST:
        calls *= 2
    return calls
