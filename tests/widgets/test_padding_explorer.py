"""PaddingExplorer against PyTorch, and at the ends of its controls."""

import html

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import output_size
from helpers.drawing import svg
from helpers.widgets import PaddingExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.padding_explorer import PAIRS

from .looks import inside, smallest_font
from .test_hand import moved

RANGES = {"size": (1, 8), "kernel_size": (1, 5), "padding": (0, 3), "stride": (1, 4), "dilation": (1, 3)}
TEXT = [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]]
axis = st.fixed_dictionaries({name: st.integers(*ends) for name, ends in RANGES.items()})


@pytest.fixture
def explorer():
    return PaddingExplorer()


def run(code):
    """Return what the last line of the code gives."""
    *lines, last = code.splitlines()
    names = {}
    exec("\n".join(lines), names)
    return eval(last, names)


def shown(explorer):
    return {name for name, control in explorer.controls.items() if control.layout.display != "none"}


def test_it_starts_on_the_numbers_of_the_text(explorer):
    assert explorer.result["output"].tolist() == TEXT
    assert explorer.result["X"].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert explorer.result["call"] == "nn.Conv2d(1, 1, kernel_size=2, padding=1, bias=False)"
    assert "⌊(3 − 2 + 2 + 1) / 1⌋ = 4" in explorer.picture and "⌊(3 + 2·1 − 2) / 1⌋ + 1 = 4" in explorer.picture


def test_every_control_of_the_explorer_does_something(explorer):
    assert drive(explorer) > 40 and not explorer.errors


def at_share(height, width, share):
    """An explorer with both axes set, on the output that so much of all lie before."""
    explorer = PaddingExplorer()
    explorer.update(apart=True, **height, **{PAIRS[name]: value for name, value in width.items()})
    explorer.position = round(share * explorer.controls["position"].max)
    return explorer


@settings(max_examples=150, deadline=None)
@given(height=axis, width=axis, share=st.floats(0, 1))
def test_picture_code_and_formula_agree_with_pytorch(height, width, share):
    explorer = at_share(height, width, share)
    result, pairs = explorer.result, {name: (height[name], width[name]) for name in PAIRS}
    assert not explorer.errors and html.escape(result["code"]) in explorer.picture and result["call"] in result["code"]
    n, k = pairs.pop("size"), pairs.pop("kernel_size")
    if result["problem"]:
        with pytest.raises(ValueError, match="the kernel spans"):
            output_size(n, k, **pairs)
        with pytest.raises(RuntimeError):
            run(result["code"])
        assert min(result["outputs"]) <= 0 and result["output"] is None and "no output" in explorer.picture
        return
    Y = run(result["code"])
    assert torch.equal(result["output"], Y[0, 0].detach())
    assert tuple(Y.shape[2:]) == output_size(n, k, **pairs) == result["outputs"]
    assert all(f"= {m}</text>" in explorer.picture for m in result["outputs"])
    row, column = result["place"]
    assert f"row {row}, column {column} is {svg.number(Y[0, 0, row, column].item())}." in explorer.describe(result)


@settings(max_examples=60, deadline=None)
@given(height=axis, width=axis)
def test_hatched_is_what_no_gradient_reaches(height, width):
    explorer = PaddingExplorer()
    explorer.update(apart=True, **height, **{PAIRS[name]: value for name, value in width.items()})
    result = explorer.result
    if result["problem"]:
        return
    padded = torch.zeros(1, 1, *map(len, result["visited"]), requires_grad=True)
    ones = torch.ones(1, 1, *result["kernel_size"])
    nn.functional.conv2d(padded, ones, stride=result["stride"], dilation=result["dilation"]).sum().backward()
    rows, columns = (torch.tensor(axis) for axis in result["visited"])
    assert torch.equal(rows[:, None] & columns, padded.grad[0, 0] != 0)
    unseen = int((padded.grad == 0).sum())
    marks = explorer.picture.count(f'stroke="{svg.PURPLE}"')
    assert marks == (unseen + 1 if unseen else 0)  # one is the legend's
    assert ("hatched" in explorer.picture) == (unseen > 0)


def test_the_width_follows_the_height_until_it_is_set(explorer):
    explorer.update(size=7, kernel_size=3, stride=2)
    assert (explorer.size_w, explorer.kernel_size_w, explorer.stride_w, explorer.apart) == (7, 3, 2, False)
    assert not shown(explorer) & set(PAIRS.values()) and ">height and width</text>" in explorer.picture
    explorer.controls["stride_w"].value = 4
    assert explorer.apart and shown(explorer) >= set(PAIRS.values()) and explorer.stride == 2
    assert explorer.controls["stride"].description == "height s" and ">width</text>" in explorer.picture
    assert explorer.result["call"] == "nn.Conv2d(1, 1, kernel_size=3, padding=1, stride=(2, 4), bias=False)"
    explorer.size = 5
    assert explorer.size_w == 7
    explorer.apart = False
    assert not shown(explorer) & set(PAIRS.values())
    assert (explorer.size_w, explorer.stride_w, explorer.controls["stride_w"].value) == (5, 2, 2)


def test_given_a_width_it_starts_apart():
    explorer = PaddingExplorer(stride=3, stride_w=2)
    assert explorer.apart and explorer.result["output"].tolist() == [[0, 8], [6, 8]]


def test_playing_walks_the_window(explorer):
    seen = []
    for step in range(explorer.play.max + 1):
        explorer.play.value = step
        seen.append(explorer.result["output"][explorer.result["place"]].item())
    assert seen == [value for row in TEXT for value in row]
    assert explorer.position == explorer.controls["position"].value == 15
    explorer.position = 4
    assert explorer.play.value == 4
    explorer.stride = 4  # a single output is left
    assert (explorer.position, explorer.play.value, explorer.play.max) == (0, 0, 0)
    explorer.update(stride=1, size=8)
    assert explorer.play.max == explorer.controls["position"].max == 80


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("size", [1, 8])
def test_the_picture_keeps_its_size_and_its_text_is_readable(explorer, size, stride, padding):
    start = svg.size(explorer.picture)
    for kernel_size, dilation, kernel_size_w in ((1, 1, 5), (5, 1, 5), (5, 3, 1), (3, 2, 3)):
        explorer.update(size=size, stride=stride, padding=padding, kernel_size=kernel_size, dilation=dilation)
        for _ in range(2):
            assert svg.size(explorer.picture) == start and smallest_font(explorer.picture) >= 11
            inside(explorer.picture)
            explorer.kernel_size_w = kernel_size_w
        explorer.apart = False


@settings(max_examples=60, deadline=None)
@given(height=axis, width=axis, share=st.floats(0, 1))
def test_the_products_are_those_of_the_padded_input(height, width, share):
    explorer = at_share(height, width, share)
    result = explorer.result
    if result["problem"]:
        return
    pairs = {name: result[name] for name in ("dilation", "padding", "stride")}
    row, column = result["place"]
    chosen = row * result["outputs"][1] + column
    for name, X in (("taps", result["X"]), ("inside", torch.ones_like(result["X"]))):
        columns = nn.functional.unfold(X[None, None], result["kernel_size"], **pairs)[0]
        assert torch.equal(result[name].flatten().float(), columns[:, chosen])
    assert (result["taps"] * result["K"]).sum() == result["output"][row, column]
    for pixel, weight in zip(result["taps"].flatten().int(), result["K"].flatten().int(), strict=True):
        assert f">{pixel}·{weight}</text>" in explorer.picture


def test_the_hand_moves_the_window_and_the_padding_s_edge(explorer):
    moved(explorer, ("place", [0], 2), ("place", [1], 1))
    assert explorer.position == 9 and "row 2, column 1 is 37." in explorer.describe(explorer.result)
    assert "the sum 3·0 + 4·1 + 6·2 + 7·3." in explorer.describe(explorer.result)
    moved(explorer, ("padding", [], 2))
    assert explorer.padding_w == 2 and explorer.result["output"].shape == (6, 6) and explorer.place == (2, 1)
    explorer.apart = True
    moved(explorer, ("padding_w", [], 0))
    assert (explorer.padding, explorer.padding_w) == (2, 0) and explorer.result["output"].shape == (6, 2)
    assert explorer.picture.count("edge of the padding") == 4 and not explorer.errors


def test_the_zeros_of_the_padding_are_not_drawn_like_the_picture_s(explorer):
    tinted = f'fill="{svg.BLUE}" fill-opacity="0.16"'
    assert explorer.picture.count(tinted) == 25 - 9 + 3 + 1  # around the picture, in the window, in the legend
    explorer.padding = 0
    assert explorer.picture.count(tinted) == 1


def test_a_kernel_that_does_not_fit_gets_a_sentence(explorer):
    explorer.update(size=2, kernel_size=5, padding=0)
    assert "reaches over 5 pixels; the padded input has 2 + 2·0 = 2 in its height" in explorer.describe(explorer.result)
    assert not explorer.errors and "alert" not in explorer._message.value
    explorer.padding = 2
    assert explorer.result["output"].shape == (2, 2)
