"""All nets of the course, trained by their recipes over several seeds: python -m helpers.benchmark nets --store

The profile is that of `profile()`. What is stored lies in results/nets_PROFILE.json, from where notebook 13 reads it.
"""

import html
import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from statistics import mean, stdev

from helpers.anatomy import describe_net
from helpers.drawing import INK, new_figure, svg
from helpers.training import profile, train_ch6
from helpers.training.recipes import RECIPES, Recipe, recipe

from .measure import machine

FOLDER = Path(__file__).parent / "results"
TITLES = {
    "lenet": "LeNet", "alexnet": "AlexNet", "vgg": "VGG-11", "nin": "NiN", "googlenet": "GoogLeNet",
    "bn_lenet": "BN-LeNet", "resnet18": "ResNet-18",
}  # fmt: skip


@dataclass(frozen=True)
class NetResult:
    """One net: its size for one picture, images per second of training and evaluation, test accuracy for each seed."""

    net: str
    profile: str
    params: int
    multiply_adds: int
    images_per_second: float
    seconds: float
    accuracies: list[float]

    @property
    def mean(self) -> float:
        """The mean test accuracy over the seeds."""
        return mean(self.accuracies)

    @property
    def sd(self) -> float:
        """The standard deviation of the test accuracy over the seeds, 0 for a single one."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0

    @property
    def title(self) -> str:
        """The net's name in writing."""
        return TITLES[self.net]


@dataclass(frozen=True)
class Results:
    """The rows of one measurement, the machine with its versions, the data, and the day."""

    machine: str
    data: str
    date: str
    rows: list[NetResult]

    def lines(self) -> list[list[str]]:
        """Return the table as text: headings, then a line a net."""
        head = ["net", "parameters", "multiply-adds", "images/s", "training, s", "test accuracy", "seeds", "lowest"]
        return [head, *([row.title, f"{row.params:,}", f"{row.multiply_adds / 1e6:.3g} M",
                         f"{row.images_per_second:,.0f}", f"{row.seconds:.0f}", f"{row.mean:.3f} ± {row.sd:.3f}",
                         str(len(row.accuracies)), f"{min(row.accuracies):.3f}"] for row in self.rows)]  # fmt: skip

    def caption(self) -> str:
        """Return what the figures were taken on."""
        return f"profile {self.rows[0].profile}, {self.machine}, {self.data}, {self.date}"

    def __repr__(self) -> str:
        head, *body = ("| " + " | ".join(line) + " |" for line in self.lines())
        return "\n".join([head, "|---|" + "---:|" * (len(self.lines()[0]) - 1), *body, "", self.caption()])

    def _repr_html_(self) -> str:
        head, *body = self.lines()
        rows = [("th", head), *(("td", line) for line in body)]
        cells = "".join(f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in line)}</tr>" for tag, line in rows)
        return f"<table>{cells}</table><p>{html.escape(self.caption())}</p>"


def measure(net: str, seeds: int, data: tuple | None = None, tell=print, first: int = 0) -> NetResult:
    """Train the net by its recipe once a seed, `first` upwards, on `data` (train_iter, test_iter) or the recipe's."""
    settings = recipe(net)
    train_iter, test_iter = data or settings.load()
    table = describe_net(settings.build(), settings.input_shape)
    runs = []
    for seed in range(first, first + seeds):
        epochs = settings.epochs(train_iter)
        runs.append(train_ch6(settings.build(), train_iter, test_iter, epochs, settings.lr, seed=seed, live=False))
        tell(f"{net}, seed {seed}: test accuracy {runs[-1].test_acc[-1]:.3f} after {runs[-1].seconds:.0f} s")
    rates = sorted(run.images_per_second for run in runs)
    seconds = sorted(run.seconds for run in runs)
    middle = seeds // 2
    accuracies = [round(run.test_acc[-1], 4) for run in runs]
    return NetResult(net, settings.profile, table.params, table.multiply_adds, round(rates[middle], 1),
                     round(seconds[middle], 2), accuracies)


def measure_all(nets=tuple(RECIPES), seeds: int = 3, tell=print, firsts: dict | None = None) -> Results:
    """Measure each net; the seed also draws its weights and the order of its pictures. `firsts`: a net's first seed."""
    rows = [measure(net, seeds, tell=tell, first=(firsts or {}).get(net, 0)) for net in nets]
    return Results(machine(), source(recipe(nets[0])), date.today().isoformat(), rows)


def measure_nets(only: list[str] | None = None, seeds: int = 3, keep: bool = False, more: bool = False) -> Results:
    """Measure the nets named in `only`, or all, and `keep` the results, beside what is stored of the other nets.

    With `more` the seeds go on behind those that are stored, and are kept together with them.
    """
    firsts = {row.net: len(row.accuracies) for row in load_results(profile()).rows} if more else {}
    results = measure_all(only or tuple(RECIPES), seeds, firsts=firsts)
    if keep:
        results = merged(load_results(profile()), results, more) if only or more else results
        print(f"stored in {store(results).name}")
    return results


def source(settings: Recipe) -> str:
    """Return the name of the data set that the recipe finds."""
    return settings.load()[0].source


def store(results: Results, folder: Path = FOLDER) -> Path:
    """Write the results to nets_PROFILE.json in the folder; return its path."""
    path = Path(folder) / f"nets_{results.rows[0].profile}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    return path


def load_results(chosen: str = "cpu", folder: Path = FOLDER) -> Results:
    """Return the results that were stored for a profile; FileNotFoundError says how to make them."""
    path = Path(folder) / f"nets_{chosen}.json"
    if not path.is_file():
        raise FileNotFoundError(f"there are no results for profile {chosen!r}: run python -m helpers.benchmark nets "
                                f"--store with CNN_COURSE_PROFILE={chosen}")
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Results(**{**stored, "rows": [NetResult(**row) for row in stored["rows"]]})


def merged(stored: Results, new: Results, more: bool = False) -> Results:
    """Return the new results with the rows of the nets that were not measured again; ValueError for another machine.

    With `more` a new row adds its accuracies to those of the stored one, whose speed and load of the machine stay.
    """
    if (stored.data, _without_load(stored.machine)) != (new.data, _without_load(new.machine)):
        raise ValueError(f"the stored results come from {stored.machine}, {stored.data}: measure all nets here")
    rows = {row.net: row for row in stored.rows}
    for row in new.rows:
        old = rows.get(row.net) if more else None
        rows[row.net] = replace(old, accuracies=[*old.accuracies, *row.accuracies]) if old else row
    return Results((stored if more else new).machine, new.data, new.date, [rows[net] for net in RECIPES if net in rows])


def _without_load(machine):
    return [part for part in machine.split(", ") if not part.startswith("load")]


def plot_nets(results: Results, ax=None):
    """Show test accuracy, mean ± sd, against multiply-adds; the area of a dot grows with the parameters; returns ax."""
    ax = ax or new_figure(width=6.4, height=3.6)[1]
    largest = max(row.params for row in results.rows)
    for row in results.rows:
        x = row.multiply_adds / 1e6
        ax.errorbar(x, row.mean, yerr=row.sd, color=svg.BLUE, capsize=3)
        ax.scatter(x, row.mean, s=20 + 380 * row.params / largest, color=svg.BLUE, alpha=0.6)
        crowded = any(1 < other.multiply_adds / row.multiply_adds < 2 and abs(other.mean - row.mean) < 0.015
                      for other in results.rows)  # fmt: skip
        ax.annotate(row.title, (x, row.mean), textcoords="offset points", xytext=(-12 if crowded else 12, 4),
                    ha="right" if crowded else "left", fontsize=9, color=INK)  # fmt: skip
    ax.set(xscale="log", xlabel="million multiply-adds per picture", ylabel="test accuracy, mean ± sd")
    ticks = [tick for power in range(-3, 4) for tick in (10**power, 2 * 10**power, 5 * 10**power)]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    sizes = [row.multiply_adds / 1e6 for row in results.rows]
    ax.set_xlim(min(sizes) / 1.6, max(sizes) * 1.8)
    ax.margins(y=0.12)
    return ax
