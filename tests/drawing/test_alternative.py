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
from helpers.drawing.plots import new_figure, plot_bars, show_images, show_matrix


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
