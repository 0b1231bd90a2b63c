"""What a training run leaves behind, and the picture of it that grows while it runs."""

import base64
import math
import sys
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.drawing import INK, new_figure, svg
from helpers.drawing.live import all_widgets, view_of

NAMES = ("loss", "train acc", "test acc")
WIDTH, HEIGHT = 660, 232  # px, of the live picture
MOST_POINTS = 200  # of one curve in the live picture
SHORTEST_GAP = 0.1  # seconds between two drawings
LONGEST_WAIT = 0.5  # seconds between two readings where an epoch is long


class Reading(NamedTuple):
    """Where an epoch stands: share of its batches done, images since the last reading, mean loss and accuracy.

    `points` are (share, loss, accuracy) on the way here from the last reading, and here. `timed` marks a reading that
    came only because the last one was a while ago: which ones there are differs from run to run.
    """

    share: float
    images: int
    loss: float
    accuracy: float
    points: tuple[tuple[float, float, float], ...] = ()
    timed: bool = False


@dataclass(repr=False)
class History:
    """The course of one training run.

    `loss`, `train_acc` and `test_acc` have one number for each finished epoch; loss and train accuracy are means
    over the batches of the epoch, while the net changed. `readings` are (epochs done, loss, train_acc), one a batch
    or, where an epoch has many, 25 to 50 an epoch. `seconds` is wall-clock time over everything, `evaluation_seconds`
    the part spent on the test images. `interrupted` tells whether the run ended before its last epoch did.
    """

    num_epochs: int
    device: str
    seed: int | None = None
    loss: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    test_acc: list[float] = field(default_factory=list)
    readings: list[tuple[float, float, float]] = field(default_factory=list)
    num_images: int = 0
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    interrupted: bool = False
    started: float = field(default_factory=time.perf_counter, init=False, compare=False)

    def read(self, reading: Reading) -> None:
        """Note a reading of the running epoch."""
        points = reading.points or [(reading.share, reading.loss, reading.accuracy)]
        self.readings += [(len(self.test_acc) + share, *values) for share, *values in points]
        self.num_images += reading.images
        self.seconds = time.perf_counter() - self.started

    def end_epoch(self, last: Reading, test_acc: float) -> None:
        """Note the epoch's last reading and its test accuracy."""
        now = time.perf_counter() - self.started
        self.evaluation_seconds, self.seconds = self.evaluation_seconds + now - self.seconds, now
        self.loss.append(last.loss)
        self.train_acc.append(last.accuracy)
        self.test_acc.append(test_acc)

    @property
    def images_per_second(self) -> float:
        """Training images per second of wall-clock time: loading, evaluation and drawing count."""
        return self.num_images / self.seconds if self.num_images else 0.0

    @property
    def training_images_per_second(self) -> float:
        """The same without the time for evaluation."""
        return self.num_images / (self.seconds - self.evaluation_seconds) if self.num_images else 0.0

    @property
    def epochs_done(self) -> float:
        """How far the run is, in epochs; 2.4 is in the middle of the third."""
        return self.readings[-1][0] if self.readings else 0.0

    @property
    def seconds_left(self) -> float:
        """How long the rest takes at the speed so far; infinite before the first reading."""
        return self.seconds * (self.num_epochs / self.epochs_done - 1) if self.epochs_done else math.inf

    def latest(self) -> dict[str, float]:
        """The newest value of each curve that has one."""
        loss, train_acc = self.readings[-1][1:] if self.readings else (None, None)
        values = zip(NAMES, (loss, train_acc, self.test_acc[-1] if self.test_acc else None), strict=True)
        return {name: value for name, value in values if value is not None}

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {value:.3f}" for name, value in self.latest().items())
        speed = f"{self.images_per_second:,.0f} images/s on {self.device}"
        line = f"{numbers}, {speed}" if numbers else f"nothing measured yet on {self.device}"
        if not self.interrupted:
            return line
        return f"{line}; stopped in epoch {self.epoch} of {self.num_epochs}, the net keeps what it has learned"

    @property
    def epoch(self) -> int:
        """The number of the running epoch, or of the last one; the first is 1."""
        return min(len(self.test_acc) + 1, self.num_epochs)

    def curves(self) -> list[list[tuple[float, float]]]:
        """The points (epochs done, value) of loss, train accuracy and test accuracy."""
        by_reading = [[(reading[0], reading[i]) for reading in self.readings] for i in (1, 2)]
        return [*by_reading, list(enumerate(self.test_acc, 1))]

    def plot(self, ax=None):
        """Draw the three curves over the epochs with matplotlib; returns ax."""
        ax = ax or new_figure()[1]
        for name, points, style in zip(NAMES, self.curves(), ("-", "--", "o:"), strict=True):
            if points:
                ax.plot(*zip(*points, strict=True), style, label=name, markersize=4)
        ax.set(xlabel="epoch", xlim=(0, self.num_epochs), ylim=(0, None))
        if self.readings:
            ax.legend(frameon=False, labelcolor=INK)
        return ax


class Meter:
    """Gathers the points of an epoch's curves on the device, and fetches them when asked: only that waits for it."""

    def __init__(self):
        self.shares, self.means, self.seen, self.told, self.read_at = [], [], 0, 0, time.perf_counter()

    def note(self, share: float, means: Tensor, seen: int) -> None:
        """Keep a point: mean loss and accuracy, a new tensor (2,), once `seen` images of the epoch were trained on."""
        self.shares.append(share)
        self.means.append(means)
        self.seen = seen

    def waited(self) -> bool:
        """Whether the last reading was LONGEST_WAIT ago."""
        return time.perf_counter() - self.read_at >= LONGEST_WAIT

    def read(self, timed: bool = False) -> Reading:
        """Return the points since the last reading, as the one of the last point."""
        means = torch.stack(self.means).tolist()
        points = tuple((share, *pair) for share, pair in zip(self.shares, means, strict=True))
        reading = Reading(points[-1][0], self.seen - self.told, *points[-1][1:], points, timed)
        self.shares, self.means, self.told, self.read_at = [], [], self.seen, time.perf_counter()
        return reading


class LiveCurve:
    """Shows a `History` in one output of a notebook and redraws it in place; outside Jupyter it shows nothing.

    Inside an `Output` widget (`interact`, a captured button) browsers pass over the updates of a display: there the
    picture is a widget of its own, which moves.
    """

    def __init__(self):
        self.handle, self.widget, self.drawn_at, self.in_jupyter = None, None, -math.inf, in_jupyter()

    def draw(self, history: History) -> None:
        """Show the present state, at most ten times a second."""
        if self.in_jupyter and time.perf_counter() - self.drawn_at >= SHORTEST_GAP:
            self._show({"text/html": picture(history), "text/plain": repr(history)})

    def finish(self, history: History) -> None:
        """Show the last state, with a PNG for readers who have no kernel; outside Jupyter, print one line."""
        if not self.in_jupyter:
            print(history)
            return
        drawing = picture(history)
        still = base64.b64encode(svg.to_png(drawing)).decode()
        self._show({"text/html": drawing, "image/png": still, "text/plain": repr(history)})

    def _show(self, bundle):
        from IPython.display import display

        told = {"width": WIDTH, "height": HEIGHT, "alt": bundle["text/plain"]}
        metadata = {"image/png": told} if "image/png" in bundle else {}
        if self.widget:
            self.widget.value = bundle["text/html"]
        elif self.handle:
            self.handle.update(bundle, raw=True, metadata=metadata)
        elif inside_output():
            self.widget = sys.modules["ipywidgets"].HTML(bundle["text/html"])
            display(view_of(self.widget) | {"text/plain": bundle["text/plain"]}, raw=True)
        else:
            self.handle = display(bundle, raw=True, metadata=metadata, display_id=True)
        self.drawn_at = time.perf_counter()


def inside_output() -> bool:
    """Whether what is shown now goes into an `Output` widget: one that takes the answers to the message at work."""
    widgets, kernel = sys.modules.get("ipywidgets"), getattr(sys.modules["IPython"].get_ipython(), "kernel", None)
    if not (widgets and kernel):
        return False
    at_work = kernel.get_parent().get("header", {}).get("msg_id")
    return any(isinstance(widget, widgets.Output) and widget.msg_id == at_work for widget in all_widgets(widgets))


def in_jupyter() -> bool:
    """Whether this code runs in a kernel that can show pictures."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


def picture(history: History) -> str:
    """Return the SVG of a run: loss on the left, accuracies on the right, below them how far it is."""
    loss, train_acc, test_acc = map(thinned, history.curves())
    xlim, highest = (0.0, float(history.num_epochs)), max([2.0, *(value for _, value in loss if math.isfinite(value))])
    left, right = (44, 46, 220, 120), (318, 46, 220, 120)
    lines = [(loss, left, (0.0, highest * 1.05)), (train_acc, right, (0.0, 1.0)), (test_acc, right, (0.0, 1.0))]
    parts = [
        svg.text(4, 16, status(history), size=12, anchor="start"),
        svg.axes(*left, xlim, lines[0][2], xlabel="epoch", ylabel="loss"),
        svg.axes(*right, xlim, (0.0, 1.0), xlabel="epoch", ylabel="accuracy"),
        svg.legend(556, 56, NAMES),
    ]
    for i, (points, area, ylim) in enumerate(lines):
        parts.append(svg.curve(points, *area, xlim, ylim, stroke=svg.ACCENTS[i], line=2, dash=svg.DASHES[i]))
        parts.append(newest(points, area, xlim, ylim, svg.ACCENTS[i]))
    return svg.picture(WIDTH, HEIGHT, *parts, progress(history), label=f"{status(history)}; {pace(history)}")


def newest(points: list, area: tuple, xlim: tuple, ylim: tuple, color: str) -> str:
    """Return a small square on the last of the points, so that a curve of one point is seen too."""
    if not points:
        return ""
    x, y, width, height = area
    left, top = x + svg.scaled(points[-1][0], xlim) * width, y + height - svg.scaled(points[-1][1], ylim) * height
    return svg.rect(left - 3, top - 3, 6, 6, fill=color, line=0)


def status(history: History) -> str:
    """Return the line above the curves: epoch and the newest numbers."""
    numbers = "".join(f" · {name} {value:.3f}" for name, value in history.latest().items())
    stopped = "stopped in " if history.interrupted else ""
    return f"{stopped}epoch {history.epoch} of {history.num_epochs}{numbers}"


def pace(history: History) -> str:
    """Return the line beside the bar: images per second and the time that is left, or that was taken."""
    running = not history.interrupted and len(history.test_acc) < history.num_epochs
    if running and not history.epochs_done:
        return f"starting on {history.device}"
    time_text = f"{duration(history.seconds_left)} left" if running else f"took {duration(history.seconds)}"
    return f"{history.images_per_second:,.0f} images/s on {history.device}, {time_text}"


def progress(history: History) -> str:
    """Return the bar at the foot of the picture."""
    share = history.epochs_done / history.num_epochs
    bar = svg.rect(4, HEIGHT - 18, 300 * share, 10, fill=svg.BLUE, line=0)
    return bar + svg.rect(4, HEIGHT - 18, 300, 10, line=0.8) + svg.text(
        318, HEIGHT - 9, pace(history), size=11, anchor="start")


def thinned(points: list) -> list:
    """Return every k-th point and the last, so that a long run draws as fast as a short one."""
    return points if len(points) <= MOST_POINTS else points[:: math.ceil(len(points) / MOST_POINTS)] + points[-1:]


def duration(seconds: float) -> str:
    """Return seconds in words of clocks: 0.4 s, 12 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
