"""The widget that a notebook's cell shows, made anew as it stands at the start, without running the cell."""

import ast
import functools
import json
import tempfile
from pathlib import Path

import torch

from helpers import widgets
from helpers.data import load_data_fashion_mnist, load_data_folder, sample_folder
from helpers.inside import photo_net, photos
from helpers.training import recipe

from . import trained


def name_in(output):
    """Return the name of the widget whose still picture an output is, or None."""
    said = "".join(output.get("data", {}).get("text/plain", ""))
    name = said.partition(":")[0]
    return name if name in widgets.__all__ else None


def sentence_in(output):
    """Return what the stored still of a widget says in words."""
    return "".join(output["data"]["text/plain"]).partition(": ")[2]


def stored_sentences(path):
    """Return what the stored stills of a notebook's widgets say, in their order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return [sentence_in(output) for output in outputs if name_in(output)]


def widget_of(source, name, stem=""):
    """Return the widget `name` as a cell of the lesson `stem` with this source makes it.

    Returns None where its arguments cannot be read from the cell and nothing is known here that stands for them.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _called(node) == name]
    if not calls:
        return None
    try:
        args = [_value(arg, stem) for arg in calls[-1].args]
        values = {keyword.arg: _value(keyword.value, stem) for keyword in calls[-1].keywords}
    except NameError:
        return None
    widget = getattr(widgets, name)(*args, **values)
    return trained.give_runs(widget, stem[:2]) if name == "LearningRateLab" else widget


def _called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", None))


def _value(node, stem):
    """The value of an argument; the names in it are those of the lesson."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return eval(compile(ast.Expression(node), stem, "eval"), dict(given(stem)))


@functools.lru_cache(maxsize=1)
def given(stem):
    """Return {name: value} of what a lesson hands to its widgets; a net that is not kept is left out."""
    known = GIVEN[stem[:2]]() if stem[:2] in GIVEN else {}
    return {name: value for name, value in known.items() if value is not None}


def _lenet():
    train_iter, test_iter = load_data_fashion_mnist(64)
    return {"train_iter": train_iter, "test_iter": test_iter, "net": trained.net("07")}


def _alexnet():
    return {"net": trained.net("08"), "test_iter": recipe("alexnet", "cpu").load()[1]}


def _vgg():
    """A net is trained in the notebook alone: of the data, the size is enough."""
    few_train, few_test = load_data_fashion_mnist(64, resize=32, seed=0, num_train=256, num_test=100)
    return {"few_train": few_train, "few_test": few_test}


def _nin():
    _, small_test = load_data_fashion_mnist(32, num_train=20_000, num_test=4_000)
    first = [int((small_test.labels == label).nonzero()[0]) for label in (1, 7)]
    return {"small": trained.net("10"), "small_test": small_test, "pairs": [first]}


def _googlenet():
    pictures, unseen = load_data_fashion_mnist(64, num_train=20_000, num_test=1_000)
    return {"pictures": pictures, "unseen": unseen}


def _resnet():
    """As `_vgg`."""
    tower_train, tower_test = load_data_fashion_mnist(128, resize=14, num_train=256, num_test=100)
    return {"tower_train": tower_train, "tower_test": tower_test}


def _inside():
    """The net that the lesson trains has no table beside that of the expert: the page would weigh more than 3 MB."""
    (expert, names), pictures = photo_net(), torch.stack(list(photos(224).values()))
    return {"expert": expert, "names": names, "pictures": pictures}


def _own_pictures():
    with tempfile.TemporaryDirectory() as folder:
        tiles = sample_folder(Path(folder) / "tiles")
        _, test_iter = load_data_folder(tiles, 32, 64, test=0.5, seed=0, standardize=False)
    return {"small": trained.net("16"), "test_iter": test_iter}


# What each lesson hands to its widgets, under the names that it has there.
GIVEN = {"07": _lenet, "08": _alexnet, "09": _vgg, "10": _nin, "11": _googlenet, "13": _resnet, "14": _inside,
         "16": _own_pictures}  # fmt: skip
