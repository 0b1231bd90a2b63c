"""Short training runs laid over each other: what learning rate, batch size, activation and pooling do."""

from dataclasses import replace

import ipywidgets as W
import traitlets as T

from ..data import ImageBatches
from ..training import profile
from . import svg
from .background import Job
from .base import Explorer, choice, parameter
from .layout import side_by_side
from .run_picture import KEPT, draw_runs
from .short_run import ACTIVATIONS, POOLINGS, Run, count_steps, rebatched, train_run

RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9, 2.0, 5.0, 10.0)
# Training pictures of a run, and test pictures of each point of its curve: a few seconds.
BUDGETS = {"gpu": (60_000, 2_000), "cpu": (20_000, 1_000), "quick": (2_000, 200)}


class LearningRateLab(Explorer):
    """How do learning rate, batch size, activation and pooling change the course of training?

    Each run trains a new LeNet for the same number of pictures, from the same first weights and in the same order
    of pictures (`seed`), in a thread of its own; the curves of the last six runs stay. `result` holds "runs" (a
    list of `Run`), "running", "progress", "settings" of the next run and its "slot". `wait()` returns after a run.
    """

    lr = parameter(
        T.Enum(RATES, 0.9),
        lambda: W.SelectionSlider(options=[(svg.number(rate), rate) for rate in RATES], value=0.9),
        "learning rate", [RATES[0], RATES[4], RATES[-1]], help="in steps of about 2",
    )  # fmt: skip
    batch_size = choice(64, [16, 64, 256], "batch size")
    activation = choice("sigmoid", list(ACTIVATIONS), "activation")
    pooling = choice("avg", list(POOLINGS), "pooling")

    def __init__(self, train_iter, test_iter, *, seed=0, **values):
        for batches in (train_iter, test_iter):
            if not isinstance(batches, ImageBatches):
                raise TypeError(
                    "LearningRateLab needs train_iter and test_iter of load_data_fashion_mnist, not "
                    f"{type(batches).__name__}"
                )
        self.seed, self.train_iter = seed, train_iter
        self.budget, num_test = BUDGETS[profile()]
        self.test_iter = rebatched(test_iter, 500, rows=num_test)
        self.runs, self.job = [], None
        super().__init__(**values)

    def buttons(self):
        """Start, end, forget."""
        return {"run": self.run, "stop": self.stop, "clear": self.clear}

    def arrange(self):
        """The learning rate and the buttons above, the rest below."""
        rate, *others = self.controls.values()
        for control in others:
            control.layout.width = "max-content"
        for button in self.button.values():
            button.layout.width = "80px"
        return W.VBox([side_by_side([rate, *self.button.values()]), side_by_side(others)])

    @property
    def running(self):
        """Whether a run is going."""
        return self.job is not None and self.job.running

    def run(self):
        """Start a run with the present settings; while one is going, nothing happens."""
        if not self.running:
            slot = self._free_slot()
            self.runs = [*self.runs, Run(self.values, slot)][-KEPT:]
            self.job = Job(self._train, self._job_changed).start()

    def stop(self):
        """Ask the run to end; its curve so far stays."""
        if self.job:
            self.job.stop()

    def clear(self):
        """Forget all runs that have ended."""
        self.runs = [run for run in self.runs if not run.end]

    def wait(self):
        """Return when no run is going."""
        if self.job:
            self.job.wait()

    def compute(self, **settings):
        """Gather what is to be drawn; the training itself is done by the thread."""
        self.button["run"].disabled, self.button["stop"].disabled = self.running, not self.running
        return {
            "settings": settings, "slot": self._free_slot(), "runs": list(self.runs), "budget": self.budget,
            "running": self.running, "progress": self.job.progress if self.running else 0.0,
        }  # fmt: skip

    def describe(self, result):
        """Say what goes on and how each run stands."""
        doing = f"running, {result['progress']:.0%} done" if result["running"] else "no run is going"
        runs = "; ".join(f"{says(run.settings)}: {standing(run)}" for run in result["runs"]) or "no run yet"
        return f"{doing}. Next run: {says(result['settings'])}. {runs}."

    def draw(self, result):
        """Draw the curves and the table of runs."""
        return draw_runs(result, says, standing, self.describe(result))

    def _free_slot(self):
        """The first colour that no run has which will still be there after the next one has come."""
        taken = {run.slot for run in self.runs[1 - KEPT :]}
        return next(slot for slot in range(KEPT) if slot not in taken)

    def _train(self, job):
        """The work of the thread: train, and after each point replace the last run by its longer self."""
        run = begun = self.runs[-1]
        try:
            for run in train_run(begun, self.train_iter, self.test_iter, self.budget, self.seed, job.report):
                self._keep(run)
        finally:
            if not run.end:
                steps = round(job.progress * count_steps(run.settings, self.budget))
                self._keep(replace(run, steps=steps, end="stopped"))

    def _keep(self, run):
        with self._lock:
            self.runs = [*self.runs[:-1], run]

    def _job_changed(self, job):
        self.refresh()
        if job.error:
            self._fail(job.error)


def says(settings):
    """A run's settings in words."""
    return (
        f"lr {svg.number(settings['lr'])}, batch {settings['batch_size']}, {settings['activation']}, "
        f"{settings['pooling']} pooling"
    )


def standing(run):
    """How a run stands, in words."""
    if run.end == "diverged":
        return f"diverged: the loss became infinite or NaN by step {run.steps}"
    numbers = ""
    if run.points:
        _, loss, accuracy = run.points[-1]
        numbers = f"loss {loss:.3f}, " if loss < 100 else f"loss {loss:.1e}, "
        numbers += f"test accuracy {accuracy:.3f}, "
    return f"{numbers}{run.steps} steps{', stopped' if run.end == 'stopped' else ''}"
