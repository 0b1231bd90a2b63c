"""The base of the widgets that train: short runs in a thread, their curves laid over each other."""

from dataclasses import replace

from helpers.data import ImageBatches
from helpers.training import profile

from .background import Job
from .base import Explorer
from .run_picture import KEPT, standing
from .short_run import Run, count_steps, rebatched, train_run

# Training pictures of a run, and test pictures of each point of its curve: a few seconds.
BUDGETS = {"gpu": (60_000, 2_000), "cpu": (20_000, 1_000), "quick": (2_000, 200)}


class Trainer(Explorer):
    """Each run trains a new net for the same number of pictures, in a thread of its own; the last six runs stay.

    A subclass gives `build(settings, num_classes)`, which returns the net of a run, and `says(settings)`, which names
    it; `settings()` are the parameters unless it says more, and hold "lr" and "batch_size". All runs begin from the
    weights of one `seed` and meet the pictures in one order. A subclass's `compute` returns `state()` and what else
    it shows, its `draw` calls `draw_runs`. `wait()` returns after a run.
    """

    def __init__(self, train_iter, test_iter, *, seed=0, **values):
        for batches in (train_iter, test_iter):
            if not isinstance(batches, ImageBatches):
                raise TypeError(
                    f"{type(self).__name__} needs train_iter and test_iter of load_data_fashion_mnist, not "
                    f"{type(batches).__name__}"
                )
        self.seed, self.train_iter = seed, train_iter
        self.budget, num_test = BUDGETS[profile()]
        self.test_iter = rebatched(test_iter, 500, rows=num_test)
        self.runs, self.job = self.first_runs(), None
        super().__init__(**values)
        for button in self.button.values():
            button.layout.width = "80px"

    def build(self, settings, num_classes):
        """Return the net that these settings describe."""
        raise NotImplementedError

    def says(self, settings):
        """Name a run by its settings, in at most 45 letters."""
        raise NotImplementedError

    def settings(self):
        """Return the settings of the next run."""
        return self.values

    def first_runs(self):
        """Return the list of `Run`s that are there at the start."""
        return []

    def buttons(self):
        """Start, end, forget."""
        return {"run": self.run, "stop": self.stop, "clear": self.clear}

    @property
    def running(self):
        """Whether a run is going."""
        return self.job is not None and self.job.running

    def run(self):
        """Start a run with the present settings; while one is going, nothing happens."""
        if not self.running:
            slot = self._free_slot()
            self.runs = [*self.runs, Run(self.settings(), slot)][-KEPT:]
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

    def state(self):
        """Return what is to be drawn of the runs; the training itself is done by the thread."""
        self.button["run"].disabled, self.button["stop"].disabled = self.running, not self.running
        return {
            "settings": self.settings(), "slot": self._free_slot(), "runs": list(self.runs), "budget": self.budget,
            "free": list(self.controls),
            "running": self.running, "progress": self.job.progress if self.running else 0.0,
        }  # fmt: skip

    def tell(self, result):
        """Say what goes on and how each run stands."""
        doing = f"running, {result['progress']:.0%} done" if result["running"] else "no run is going"
        runs = "; ".join(f"{self.says(run.settings)}: {standing(run)}" for run in result["runs"]) or "no run yet"
        return f"{doing}. Next run: {self.says(result['settings'])}. {runs}."

    def _free_slot(self):
        """The first colour that no run has which will still be there after the next one has come."""
        taken = {run.slot for run in self.runs[1 - KEPT :]}
        return next(slot for slot in range(KEPT) if slot not in taken)

    def _train(self, job):
        """The work of the thread: train, and after each point replace the last run by its longer self."""
        run = begun = self.runs[-1]
        try:
            build = lambda: self.build(begun.settings, len(self.train_iter.classes))  # noqa: E731
            data = self.train_iter, self.test_iter
            for run in train_run(begun, build, *data, self.budget, self.seed, job.report):
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
