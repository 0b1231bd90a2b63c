"""The pooling explorer against PyTorch, at the ends of every control."""

import itertools
import re

import pytest
import torch
import torch.nn.functional as F

from helpers.drawing import svg
from helpers.widgets import PoolingExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.pooling_explorer import FARTHEST, PICTURES, SMALLEST_FONT, scene, shifted


@pytest.fixture
def explorer():
    return PoolingExplorer()


def test_it_starts_on_the_numbers_of_the_text(explorer):
    result = explorer.result
    assert torch.equal(result["X"], torch.arange(9.0).reshape(3, 3))
    assert result["Y"].tolist() == [[4, 5], [7, 8]] and result["Z"].tolist() == [[3, 4], [6, 7]]
    assert "4 of 4 outputs change" in explorer.describe(result)
    explorer.mode = "avg"
    assert explorer.result["Y"].tolist() == [[2, 3], [5, 6]]


def test_every_control_does_something(explorer):
    assert drive(explorer) > 15 and not explorer.errors


@pytest.mark.parametrize("name", PICTURES)
def test_it_shows_what_pytorch_computes(explorer, name):
    explorer.picture_name = name
    for mode, pool_size, stride, padding, shift in itertools.product(["max", "avg"], [1, 3, 8], [1, 8], [0, 4], [1, 8]):
        explorer.update(mode=mode, pool_size=pool_size, stride=stride, shift=shift)
        explorer.padding = padding  # its range follows the window
        result = explorer.result
        pool = F.max_pool2d if mode == "max" else F.avg_pool2d
        window = explorer.pool_size, explorer.stride, explorer.padding  # held inside what fits
        fits = min(pool_size, *result["X"].shape)
        assert window == (fits, stride, min(padding, fits // 2))
        before, after = (pool(shifted(name, n)[None], *window)[0] for n in (0, shift))
        torch.testing.assert_close(result["Y"], before)
        torch.testing.assert_close(result["Z"], after)
        assert torch.equal(result["changed"], ~torch.isclose(before, after, atol=1e-4))
        assert f"{int(result['changed'].sum())} of {before.numel()} outputs change" in explorer.describe(result)
    assert not explorer.errors


def test_window_and_padding_stay_inside_what_fits(explorer):
    explorer.picture_name = "digit"
    explorer.pool_size = 8
    explorer.padding = 4
    assert (explorer.pool_size, explorer.padding) == (8, 4)
    explorer.picture_name = "0…8"
    assert (explorer.pool_size, explorer.padding) == (3, 1)
    assert explorer.controls["pool_size"].max == 3 and explorer.controls["padding"].max == 1
    explorer.pool_size = 1
    assert explorer.padding == 0


def test_no_shift_changes_nothing(explorer):
    for name in PICTURES:
        explorer.update(picture_name=name, shift=0)
        assert not explorer.result["changed"].any() and svg.PURPLE in explorer.picture  # the legend's mark


def test_a_shifted_picture_is_the_picture_moved():
    for name in PICTURES:
        X, whole = shifted(name, 0), scene(name)
        assert whole.shape == (X.shape[0], X.shape[1] + FARTHEST)
        for n in range(1, min(FARTHEST + 1, X.shape[1])):
            moved = shifted(name, n)
            assert torch.equal(moved[:, n:], X[:, :-n]) and torch.equal(moved[:, :n], whole[:, FARTHEST - n : FARTHEST])


def test_each_changed_output_has_its_mark(explorer):
    explorer.update(picture_name="edge", shift=1)
    marks = explorer.picture.count(f'stroke="{svg.PURPLE}"') - 1  # one is the legend's
    assert marks == int(explorer.result["changed"].sum()) == 15
    explorer.update(picture_name="photo's edges", shift=0)
    before = explorer.picture
    explorer.shift = 1
    assert explorer.picture.count("<image") == before.count("<image") == 5 and explorer.picture != before


def test_stripes_and_a_stride_of_two_give_two_answers(explorer):
    explorer.update(picture_name="stripes", stride=2, shift=1)
    assert explorer.result["Y"][0].tolist() == [0, 1, 0, 1] and explorer.result["Z"][0].tolist() == [1, 1, 1, 1]


def test_padding_is_minus_infinity_for_max_and_zero_for_avg(explorer):
    explorer.update(picture_name="edge", padding=1, shift=0)
    assert "padded by 1 with −∞" in explorer.picture
    explorer.mode = "avg"
    assert "padded by 1 with 0" in explorer.picture


def test_numbers_too_small_to_read_are_left_out(explorer):
    explorer.update(picture_name="photo's edges", pool_size=8, stride=8, shift=0)
    explorer.padding = 4
    assert explorer.result["Y"].shape == (13, 13) and explorer.picture.count(">1</text>") > 100
    explorer.mode = "avg"
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', explorer.picture)]
    assert sizes and min(sizes) >= SMALLEST_FONT and ">0.016</text>" not in explorer.picture
