"""How the nets of part II are trained: one recipe a net and profile, used by its notebook and by the benchmark.

"gpu" is the book's: its sizes, learning rates and ten epochs on raw pixels; NiN alone goes without its last ReLU.
"cpu" is what learns within about half a minute on two cores: fewer channels, smaller pictures, fewer of them,
standardised; but for LeNet a learning rate that falls to 0; and batch normalisation in VGG, NiN and GoogLeNet, which
hardly start without it in that time. "quick" is the same net on very few pictures, for the tests.
"""

import inspect
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import nn

from helpers import networks
from helpers.data import ImageBatches, load_data_fashion_mnist
from helpers.drawing import Table

from .loop import PROFILES, Cosine, profile


@dataclass(frozen=True)
class Recipe:
    """What it takes to train one net: `net` of `helpers.networks` with the arguments `options`.

    `data` are the arguments of `load_data_fashion_mnist`, among them batch_size and resize; `num_epochs` and `lr`
    those of `train_ch6`.
    """

    net: str
    profile: str
    options: dict
    data: dict
    num_epochs: int
    lr: float | Cosine

    def load(self) -> tuple[ImageBatches, ImageBatches]:
        """Return (train_iter, test_iter)."""
        return load_data_fashion_mnist(**self.data)

    def build(self, **changes) -> nn.Module:
        """Return a new net, (N, 1, H, W) -> (N, 10); `changes` override `options`."""
        return getattr(networks, self.net)(**{**self.options, **changes})

    def epochs(self, train_iter: ImageBatches) -> int:
        """Return `num_epochs`, or where `train_iter` holds fewer pictures, as the digits do, as many steps need."""
        planned = self.num_epochs * math.ceil((self.data.get("num_train") or 60_000) / self.data["batch_size"])
        return max(self.num_epochs, round(planned / len(train_iter)))

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """The shape of one picture, (1, 1, H, W)."""
        side = self.data.get("resize") or 28
        return 1, 1, side, side

    def __repr__(self):
        return f"{self.net}, profile {self.profile}: {self.settings()}"

    def settings(self) -> dict:
        """Return every number of the recipe by its name."""
        return {**self.options, **self.data, "num_epochs": self.num_epochs, "lr": self.lr}

    def _repr_html_(self):
        columns = [(self if name == self.profile else recipe(self.net, name)).settings() for name in PROFILES]
        names = dict.fromkeys(key for column in columns for key in column)
        table = Table(Setting(name, *(as_words(column.get(name)) for column in columns)) for name in names)
        return f"<p>{self.net}, profile in use: <b>{self.profile}</b></p>{table._repr_html_()}"


class Setting(NamedTuple):
    """One line of a recipe's table."""

    setting: str
    gpu: str
    cpu: str
    quick: str


def recipe(net: str, chosen: str | None = None, **changes) -> Recipe:
    """Return the recipe of a net, "alexnet" for one, in the profile `chosen` or else the one of `profile()`.

    `changes` override single settings: `recipe("alexnet", num_epochs=5, dropout=0.0)`. Raises ValueError for a net
    without a recipe and for a setting that it does not have.
    """
    if not isinstance(net, str) or net not in RECIPES:
        raise ValueError(f"there is no recipe for {repr(net)[:60]}: choose one of {', '.join(RECIPES)}")
    chosen = chosen or profile()
    if chosen not in PROFILES:
        raise ValueError(f"there is no profile {repr(chosen)[:60]}: choose one of {', '.join(PROFILES)}")
    made = Recipe(net, chosen, **RECIPES[net][chosen])
    for name, value in changes.items():
        if name in ("num_epochs", "lr"):
            made = replace(made, **{name: value})
        elif name in DATA:
            made = replace(made, data={**made.data, name: value})
        elif name in inspect.signature(getattr(networks, net)).parameters:
            made = replace(made, options={**made.options, name: value})
        else:
            raise ValueError(f"the recipe of {net} has no setting {name!r}; it has {', '.join(made.settings())}")
    return made


def as_words(value) -> str:
    """Return a setting as a table shows it."""
    if value is None:
        return ""
    return f"{value:,}" if type(value) is int else str(value)


DATA = ("batch_size", "resize", "num_train", "num_test", "standardize")


def _book(batch_size, lr, resize=None, **options):
    """The book's way to train: everything, ten epochs, pixels in 0 to 1."""
    data = {"batch_size": batch_size, "resize": resize, "standardize": False}
    return {"options": options, "data": data, "num_epochs": 10, "lr": lr}


def _slim(num_train, lr, resize=None, *, batch_size=64, num_epochs=2, **options):
    """Two entries: the CPU profile, and the same net on 2,000 pictures."""
    data = {"batch_size": batch_size, "resize": resize, "num_train": num_train}
    cpu = {"options": options, "data": data, "num_epochs": num_epochs, "lr": lr}
    return {"cpu": cpu, "quick": {**cpu, "data": {**data, "num_train": 2_000, "num_test": 500}, "num_epochs": 1}}


RECIPES = {
    "lenet": {"gpu": _book(256, 0.9), **_slim(None, 0.9, num_epochs=4)},
    "alexnet": {
        "gpu": _book(128, 0.01, 224),
        **_slim(60_000, Cosine(0.1), 40, width=0.25, image_size=40, stem_stride=2, hidden=512),
    },
    "vgg": {
        "gpu": _book(128, 0.05, 224, width=0.25),
        **_slim(40_000, Cosine(0.1), 32, width=0.125, image_size=32, hidden=128, batch_norm=True),
    },
    "nin": {
        "gpu": _book(128, 0.1, 224, last_relu=False),
        **_slim(30_000, Cosine(0.2), 40, width=0.25, stem_stride=2, dropout=0.2, batch_norm=True, last_relu=False),
    },
    "googlenet": {
        "gpu": _book(128, 0.1, 96),
        **_slim(30_000, Cosine(0.1), 32, width=0.25, batch_norm=True),
    },
    "bn_lenet": {"gpu": _book(256, 1.0), **_slim(None, Cosine(0.5), batch_size=128, num_epochs=3)},
    "resnet18": {"gpu": _book(256, 0.05, 96), **_slim(40_000, Cosine(0.05), 32, width=0.25)},
}
