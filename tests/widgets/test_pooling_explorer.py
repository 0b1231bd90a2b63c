"""The pooling explorer against PyTorch, at the ends of every control."""

import itertools
import re

import pytest
import torch
import torch.nn.functional as F

from helpers.drawing import svg
from helpers.widgets import PoolingExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.pooling_explorer import FARTHEST, PICTURES, scene, shifted

from .looks import inside, smallest_font
from .test_hand import moved


@pytest.fixture
def explorer():
    return PoolingExplorer()


def test_it_starts_on_an_edge_of_which_pooling_holds_a_part(explorer):
    assert (explorer.picture_name, explorer.mode, explorer.shift, explorer.place) == ("edge", "max", 1, (0, 0))
    result = explorer.result
    assert "or 60% of the 25 that are not 0" in explorer.describe(result)


def test_the_numbers_of_the_text(explorer):
    explorer.picture_name = "0…8"
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
    assert explorer.place == (0, 0)


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
    assert sizes and min(sizes) >= 11 and ">0.016</text>" not in explorer.picture


@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize("name", PICTURES)
def test_the_window_taken_apart_gives_the_chosen_output(explorer, name, mode):
    explorer.update(picture_name=name, mode=mode, shift=2)
    for pool_size, stride, padding in itertools.product([1, 2, 3, 8], [1, 3], [0, 4]):
        explorer.update(pool_size=pool_size, stride=stride, padding=padding)
        for position in {0, explorer.controls["position"].max // 3, explorer.controls["position"].max}:
            explorer.position = position
            result, place = explorer.result, explorer.place
            assert place == divmod(position, result["Y"].shape[1])
            for window, outputs in zip(result["windows"], (result["Y"], result["Z"]), strict=True):
                pooled = window[~window.isnan()].max() if mode == "max" else window.nan_to_num(0).mean()
                torch.testing.assert_close(pooled, outputs[place])
    assert not explorer.errors


def test_the_picture_keeps_its_size_and_its_text_is_readable(explorer):
    start = svg.size(explorer.picture)
    for name, mode, p, padding in itertools.product(PICTURES, ["max", "avg"], [1, 2, 8], [0, 4]):
        explorer.update(picture_name=name, mode=mode, pool_size=p, padding=padding)
        explorer.position = explorer.controls["position"].max
        assert svg.size(explorer.picture) == start and smallest_font(explorer.picture) >= 11
        inside(explorer.picture)


def test_the_hand_drags_the_picture_and_the_window(explorer):
    moved(explorer, ("shift", [], 2))
    assert explorer.shift == 2 == explorer.controls["shift"].value
    moved(explorer, ("place", [0], 3), ("place", [1], 5))
    assert explorer.position == 3 * 6 + 5
    assert "row 3, column 5 is 1 before and 0 after" in explorer.describe(explorer.result)
    moved(explorer, ("shift", [], 99), ("place", [1], 99))
    assert (explorer.shift, explorer.place) == (FARTHEST, (3, 5)) and not explorer.errors


def test_playing_walks_the_window(explorer):
    explorer.picture_name, seen = "0…8", []
    for step in range(explorer.play.max + 1):
        explorer.play.value = step
        seen.append(explorer.result["Y"][explorer.place].item())
    assert seen == [4, 5, 7, 8]
