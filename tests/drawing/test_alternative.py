"""The sentence and the width that a figure carries, in a notebook too."""

import base64
import io

import matplotlib.pyplot as plt
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from PIL import Image

from helpers.drawing.alternative import say_figure
from helpers.drawing.overlay import show_overlays
from helpers.drawing.plots import new_figure, plot_bars, show_cutouts, show_images, show_matrix


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_each_panel_is_named():
    figure, (left, right) = new_figure(1, 2)
    left.plot([1, 2], label="train")
    left.plot([2, 3], label="test")
    left.set(title="LeNet", xlabel="epoch", ylabel="loss")
    right.scatter([1], [2])
    right.set_ylabel("accuracy")
    assert say_figure(figure) == "LeNet, curves train, test, axes loss against epoch; points, axes accuracy"
    figure.suptitle("Two nets")
    assert say_figure(figure).startswith("Two nets: LeNet")


def test_pictures_bars_and_numbers_are_named():
    axes = show_images(torch.rand(3, 4, 4), ["boot", "bag", "coat"])
    assert say_figure(axes.flat[0].figure) == "boot, picture; bag, picture; coat, picture"
    bars = plot_bars({"dense": 3, "convolution": 1}, xlabel="weights")
    assert say_figure(bars.figure) == "bars dense, convolution, marked 3, 1, axes weights"
    bars = plot_bars({"dense": 3, "convolution": 1e6}, log=True)
    assert say_figure(bars.figure) == "bars dense, convolution, marked 3, 1e+06"
    assert say_figure(show_matrix(torch.eye(2), title="K").figure) == "K, picture, marked 1, 0, 0, 1"


@pytest.mark.parametrize(
    "titles, told",
    [(None, "12 pictures"), (["as it is", *[""] * 11], "as it is, picture; 11 more pictures"),
     (["before", *[""] * 5, "after", *[""] * 5], "before, picture; 5 more pictures; after, picture; 5 more pictures"),
     ([*[""] * 2, "unit 3", *[""] * 9], "unit 3, picture; 11 more pictures")]
)  # fmt: skip
def test_pictures_without_a_name_are_counted_and_not_told_one_by_one(titles, told):
    assert say_figure(show_images(torch.rand(12, 4, 4), titles, ncols=6).flat[0].figure) == told


def test_rows_are_told_by_their_names_and_cut_outs_by_what_they_are():
    maps = torch.rand(2, 2, 2)
    rows = {"gradient": maps, "covering": maps}
    axes = show_overlays(torch.rand(2, 3, 8, 8), rows, ["cat", "dog"])
    assert say_figure(axes.flat[0].figure) == "gradient: cat, picture; dog, picture; covering: 2 pictures"
    axes = show_cutouts([torch.rand(9, 9)], [[(0, 0), (4, 5)]], 3)
    said = say_figure(axes.flat[0].figure)
    assert said == "photo 1, 2 windows framed, picture; window 1, picture; window 2, picture"


def test_many_panels_are_counted():
    axes = show_images(torch.rand(20, 4, 4), [str(i) for i in range(20)])
    assert say_figure(axes.flat[0].figure).endswith("11, picture; and 8 more")
    figure, ax = new_figure()
    ax.plot([1])
    ax.plot([2])
    assert say_figure(figure) == "2 curves" and say_figure(Figure()) == "an empty figure"


def test_a_running_ipython_stores_sentence_and_width():
    shell = InteractiveShell.instance()
    try:
        figure, ax = new_figure()
        ax.plot([1, 2], label="loss")
        data, metadata = shell.display_formatter.format(figure)
    finally:
        InteractiveShell.clear_instance()
    width, _ = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size
    assert metadata["image/png"] == {"width": width, "alt": "curves loss"}
