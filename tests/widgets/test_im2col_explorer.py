"""The im2col explorer against NumPy and PyTorch, at the ends of every control."""

import itertools
import re

import numpy as np
import pytest
import torch
import traitlets
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.scratch import col2im, im2col
from helpers.widgets import Im2colExplorer
from helpers.widgets.kit.driver import drive

from .looks import assert_texts_stand_apart
from .test_hand import moved

SHAPES = list(itertools.product([1, 2], [1, 2], [3, 5], [1, 2, 3], [1, 2, 3], [0, 1]))
NAMES = ("images", "channels", "size", "kernel_size", "stride", "padding")


@pytest.fixture
def explorer():
    return Im2colExplorer()


def test_it_starts_on_the_numbers_of_the_text(explorer):
    result = explorer.result
    assert result["x"].tolist() == [[[[0, 1, 2], [3, 4, 5], [6, 7, 8]]]]
    assert result["col"].tolist() == [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
    assert result["counts"].tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]
    assert result["copies"] == [(0, 3), (1, 2), (2, 1), (3, 0)] and result["factor"] == 16 / 9
    assert "9 numbers become 16, 1.78 times as many" in explorer.describe(result)
    assert "Pixel 4 is in 4 windows" in explorer.describe(result)


def test_every_control_does_something(explorer):
    assert drive(explorer) > 25 and not explorer.errors


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_matrix_is_that_of_numpy_and_of_unfold(explorer, shape):
    explorer.update(**dict(zip(NAMES, shape, strict=True)))
    result, (images, channels, size, k, stride, pad) = explorer.result, shape
    x = np.arange(float(images * channels * size * size)).reshape(images, channels, size, size)
    assert np.array_equal(result["x"], x)
    assert np.array_equal(result["col"], im2col(x, k, k, stride, pad))
    unfolded = F.unfold(torch.tensor(x), k, stride=stride, padding=pad)  # (N, C·k·k, positions)
    assert np.array_equal(result["col"], unfolded.mT.reshape(-1, channels * k * k).numpy())
    ones = torch.ones(images, channels, size, size, dtype=torch.float64)
    folded = F.fold(F.unfold(ones, k, stride=stride, padding=pad), (size, size), k, stride=stride, padding=pad)
    assert np.array_equal(result["counts"], folded.numpy())
    assert np.array_equal(result["counts"], col2im(1.0 - result["padding"], x.shape, k, k, stride, pad))
    assert result["factor"] == pytest.approx(result["col"].size / x.size)
    assert explorer.controls["window"].max == len(result["col"]) - 1
    assert explorer.controls["pixel"].max == x.size - 1


@pytest.mark.parametrize("shape", SHAPES[::5], ids=str)
def test_window_and_copies_are_where_they_are_said_to_be(explorer, shape):
    explorer.update(**dict(zip(NAMES, shape, strict=True)))
    _, _, _, k, stride, pad = shape
    for window in {0, explorer.controls["window"].max}:
        explorer.window = window
        result, (n, i, j) = explorer.result, explorer.result["place"]
        padded = np.pad(result["x"], ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        there = padded[n, :, i * stride : i * stride + k, j * stride : j * stride + k]
        assert np.array_equal(result["row"], there.ravel())
    for pixel in {0, explorer.controls["pixel"].max // 2, explorer.controls["pixel"].max}:
        explorer.pixel = pixel
        result = explorer.result
        assert result["x"][result["pixel_place"]] == pixel
        assert len(result["copies"]) == result["counts"][result["pixel_place"]]
        assert all(result["col"][copy] == pixel and not result["padding"][copy] for copy in result["copies"])


def test_padding_is_no_copy_of_the_pixel_0(explorer):
    explorer.update(kernel_size=3, padding=1, pixel=0)
    assert len(explorer.result["copies"]) == 4 and (explorer.result["col"] == 0).sum() > 4


def test_choices_stay_inside_when_the_batch_shrinks(explorer):
    explorer.update(images=2, channels=2, size=5, kernel_size=1, padding=1)
    explorer.update(window=97, pixel=99)
    assert (explorer.window, explorer.pixel) == (97, 99) and explorer.result["col"].shape == (98, 2)
    explorer.update(images=1, channels=1, size=3, padding=0)
    assert (explorer.window, explorer.pixel) == (8, 8)
    assert not explorer.errors


def test_marks_in_the_picture(explorer):
    marks = explorer.picture.count(f'stroke="{svg.PURPLE}"') - 1  # one is the legend's
    assert marks == 1 + 4  # the pixel, and its copies
    explorer.channels = 2
    assert explorer.picture.count(f'stroke="{svg.ORANGE}"') == 2 + 1 + 2  # windows, the row, and the row large
    explorer.update(size=5, kernel_size=2, stride=2, pixel=24)
    assert "pixel 24 is in 0 windows" in explorer.picture
    explorer.direction = "col2im"
    assert "pixel 24 is in 0 windows: col2im adds 0" in explorer.picture


@pytest.mark.parametrize("direction", ["im2col", "col2im"])
def test_size_and_legibility_at_every_end(explorer, direction):
    explorer.direction, start = direction, svg.size(explorer.picture)
    for shape in SHAPES:
        explorer.update(**dict(zip(NAMES, shape, strict=True)))
        assert svg.size(explorer.picture) == start
        sizes = [float(size) for size in re.findall(r'<text[^>]*font-size="([\d.]+)"', explorer.picture)]
        assert min(sizes) >= 11, shape
        for rect in re.findall(r'<rect x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)"', explorer.picture):
            x, y, width, height = map(float, rect)
            assert x >= 0 and y >= 0 and x + width <= start[0] and y + height <= start[1], shape


def test_a_number_of_the_matrix_chooses_its_window_and_its_pixel(explorer):
    moved(explorer, ("cell", [0], 2), ("cell", [1], 1))
    assert (explorer.window, explorer.pixel) == (2, 4) and "the window at row 1, column 0" in explorer.picture
    moved(explorer, ("cell", [1], 3))
    assert (explorer.window, explorer.pixel, explorer.cell) == (2, 7, (2, 3))
    explorer.padding = 1
    moved(explorer, ("cell", [0], 0), ("cell", [1], 0))
    assert explorer.result["padding"][0, 0] and (explorer.window, explorer.pixel) == (0, 7), "padding is no pixel"


def test_a_pixel_of_the_batch_chooses_the_window_around_it(explorer):
    explorer.update(images=2, channels=2, size=3, kernel_size=3, padding=1)
    moved(explorer, ("spot", [0], 5 + 2), ("spot", [1], 5 + 3))
    assert explorer.result["pixel_place"] == (1, 1, 1, 2) and explorer.result["place"] == (1, 1, 2)
    assert explorer.spot == (7, 8) and explorer.cell[0] == explorer.window
    moved(explorer, ("spot", [0], 0), ("spot", [1], 0))
    assert explorer.result["place"] == (0, 0, 0) and explorer.result["pixel_place"] == (1, 1, 1, 2), "on the padding"
    moved(explorer, ("spot", [0], 99), ("spot", [1], 99))
    assert not explorer.errors


def test_pointing_and_setting_say_the_same(explorer):
    explorer.update(size=5, padding=1, kernel_size=3)
    explorer.update(window=7, pixel=11)
    assert explorer.cell[0] == 7 and explorer.spot == (3, 2)
    before = explorer.values
    with pytest.raises(traitlets.TraitError):
        explorer.update(cell=(0, 0), spot=(0, 0), size=4, direction="back")
    assert explorer.values == before
    moved(explorer, ("spot", [1], 3))
    assert explorer.pixel == 12 and explorer.spot == (3, 3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_labels_touch_nothing(explorer, shape):
    explorer.update(**dict(zip(NAMES, shape, strict=True)))
    for window in (0, explorer.controls["window"].max // 2, explorer.controls["window"].max):
        explorer.window = window
        assert_texts_stand_apart(explorer.picture)
    rows, columns = explorer.result["col"].shape
    assert explorer.picture.count(">a</text>") == 1 and explorer.picture.count(">c</text>") == shape[1] - 1
    n, i, j = explorer.result["place"]
    assert f">{n}, {i}, {j}</text>" in explorer.picture or f">{i}, {j}</text>" in explorer.picture
