"""The padding explorer and the receptive-field builder against PyTorch, and at the ends of their controls."""

import html
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import output_size, receptive_field
from helpers.widgets import PaddingExplorer, ReceptiveFieldBuilder, svg
from helpers.widgets.driver import drive
from helpers.widgets.field_picture import PHOTO
from helpers.widgets.padding_explorer import PAIRS
from helpers.widgets.receptive_field_builder import MOST, STACKS, field_sizes, seen_columns

RANGES = {"size": (1, 8), "kernel_size": (1, 5), "padding": (0, 3), "stride": (1, 4), "dilation": (1, 3)}
TEXT = [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]]
axis = st.fixed_dictionaries({name: st.integers(*ends) for name, ends in RANGES.items()})


@pytest.fixture
def explorer():
    return PaddingExplorer()


@pytest.fixture
def builder():
    return ReceptiveFieldBuilder()


def run(code):
    """Return what the last line of the code gives."""
    *lines, last = code.splitlines()
    names = {}
    exec("\n".join(lines), names)
    return eval(last, names)


def smallest_font(picture):
    return min(float(size) for size in re.findall(r'font-size="([\d.]+)"', picture))


def inside(picture):
    """Assert that no text and no rectangle begins outside the picture."""
    width, height = svg.size(picture)
    for x, y in re.findall(r'<(?:text|rect) x="([-\d.e+]+)" y="([-\d.e+]+)"', picture):
        assert 0 <= float(x) <= width and 0 <= float(y) <= height


def shown(explorer):
    return {name for name, control in explorer.controls.items() if control.layout.display != "none"}


# The padding explorer ------------------------------------------------------------------------------------


def test_it_starts_on_the_numbers_of_the_text(explorer):
    assert explorer.result["output"].tolist() == TEXT
    assert explorer.result["X"].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert explorer.result["call"] == "nn.Conv2d(1, 1, kernel_size=2, padding=1, bias=False)"
    assert "⌊(3 − 2 + 2 + 1) / 1⌋ = 4" in explorer.picture and "⌊(3 + 2·1 − 2) / 1⌋ + 1 = 4" in explorer.picture


def test_every_control_of_the_explorer_does_something(explorer):
    assert drive(explorer) > 40 and not explorer.errors


@settings(max_examples=150, deadline=None)
@given(height=axis, width=axis, share=st.floats(0, 1))
def test_picture_code_and_formula_agree_with_pytorch(height, width, share):
    explorer = PaddingExplorer()
    explorer.update(apart=True, **height, **{PAIRS[name]: value for name, value in width.items()})
    explorer.position = round(share * explorer.controls["position"].max)
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
    assert explorer.picture.count('fill-opacity="0.7"') == unseen
    assert ("hatched" in explorer.picture) == (unseen > 0)


def test_the_width_follows_the_height_until_it_is_set(explorer):
    explorer.update(size=7, kernel_size=3, stride=2)
    assert (explorer.size_w, explorer.kernel_size_w, explorer.stride_w, explorer.apart) == (7, 3, 2, False)
    assert not shown(explorer) & set(PAIRS.values()) and ">both</text>" in explorer.picture
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


def test_a_kernel_that_does_not_fit_gets_a_sentence(explorer):
    explorer.update(size=2, kernel_size=5, padding=0)
    assert "reaches over 5 pixels; the padded input has 2 + 2·0 = 2 in its height" in explorer.describe(explorer.result)
    assert not explorer.errors and "alert" not in explorer._message.value
    explorer.padding = 2
    assert explorer.result["output"].shape == (2, 2)


# The receptive-field builder -----------------------------------------------------------------------------

layer = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))


def net_of(stack):
    return nn.Sequential(*[nn.Conv2d(1, 1, k, s, dilation=d, bias=False) for k, s, d, *_ in stack])


def measured(stack, size):
    """Return which pixels of a row a stack with all weights 1, on an input that it makes one output of, reacts to."""
    net = net_of(stack).double()
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    X = torch.zeros(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    Y = net(X)
    assert Y.numel() == 1
    Y.sum().backward()
    return (X.grad[0, 0] != 0).any(dim=0)


@settings(max_examples=100, deadline=None)
@given(stack=st.lists(layer, min_size=1, max_size=MOST))
def test_the_field_is_what_gradients_and_the_library_find(stack):
    builder = ReceptiveFieldBuilder(stack=stack)
    stack, result = builder.stack, builder.result
    size = result["fields"][-1][0]
    assert result["fields"] == field_sizes(stack) and result["seen"] == bin(seen_columns(stack)).count("1")
    if size <= 600:
        columns = measured(stack, size)
        assert columns[0] and columns[-1] and int(columns.sum()) == result["seen"]
        assert columns.tolist() == [bool(result["columns"] >> i & 1) for i in range(size)]
        table = receptive_field(net_of(stack), (1, 1, size, size))
        assert [(row.size[0], row.stride[0]) for row in table] == result["fields"]
    assert ("larger than the photo" in builder.describe(result)) == (size > PHOTO)
    assert ("is larger" in builder.picture) == (size > PHOTO)


def test_a_field_of_the_photo_s_size_still_fits(builder):
    builder.stack = ((11, 1, 8), (11, 1, 8), (10, 1, 7))
    assert builder.result["fields"][-1][0] == PHOTO and "larger" not in builder.picture
    builder.stack = ((11, 1, 8), (11, 1, 8), (9, 1, 8))
    assert builder.result["fields"][-1][0] == PHOTO + 1 and "is larger" in builder.picture


def test_it_starts_on_three_layers(builder):
    assert builder.stack == STACKS["three 3×3"] and builder.result["fields"] == [(3, 1), (5, 1), (7, 1)]
    assert builder.result["weights"] == 27 and builder.result["one"] == 49
    assert builder.result["seen"] == 7 and "all have a say" in builder.picture


def test_every_control_of_the_builder_does_something(builder):
    assert drive(builder) > 20 and not builder.errors


@pytest.mark.parametrize(
    ("preset", "field", "jump", "weights"),
    [
        ("three 3×3", 7, 1, 27), ("two 5×5", 9, 1, 50), ("one 7×7", 7, 1, 49), ("LeNet", 16, 4, 50),
        ("AlexNet", 195, 32, 173), ("VGG-11, first 8", 46, 8, 45), ("dilated 1, 2, 4, 8", 31, 1, 36),
    ],
)  # fmt: skip
def test_presets(builder, preset, field, jump, weights):
    builder.preset = preset
    assert builder.result["fields"][-1] == (field, jump) and builder.result["weights"] == weights
    assert builder.count == builder.controls["count"].value == len(STACKS[preset])


def test_controls_and_stack_say_the_same(builder):
    builder.layer = 2
    builder.update(kernel_size=5, stride=2, dilation=3)
    assert builder.stack == ((3, 1, 1, False), (5, 2, 3, False), (3, 1, 1, False)) and builder.preset == "your own"
    builder.layer = 1
    assert (builder.kernel_size, builder.stride, builder.dilation) == (3, 1, 1)
    builder.count = 5
    assert len(builder.stack) == 5 and builder.stack[-1] == (3, 1, 1, False) and builder.layer == 5
    builder.count = 1
    assert builder.layer == builder.controls["layer"].max == 1
    builder.update(kernel_size=7, preset="one 7×7")
    assert builder.stack == STACKS["one 7×7"]
    builder.stack = ((3, 1, 1),) * 3
    assert builder.preset == "three 3×3" and builder.count == 3


def test_the_exercise_s_answers_of_the_text(builder):
    builder.count = 8
    assert builder.result["fields"][-1] == (17, 1)
    builder.update(preset="VGG-11, first 8", layer=2)
    builder.stride = 1
    assert builder.result["fields"][-1][0] == 25
    builder.update(preset="dilated 1, 2, 4, 8", layer=1)
    builder.dilation = 8
    assert builder.result["fields"][-1][0] == 45 and builder.result["seen"] == 23
    builder.update(preset="AlexNet", layer=1)
    builder.stride = 2
    assert builder.result["fields"][-1][0] == 103


def test_pooling_has_no_weights_and_the_same_field(builder):
    fields = builder.result["fields"]
    builder.pooling = True
    assert builder.result["fields"] == fields and builder.result["weights"] == 18 and "pool 3×3" in builder.picture


def test_pixels_without_a_say_are_counted(builder):
    builder.stack = ((3, 1, 8),)
    assert builder.result["fields"] == [(17, 1)] and builder.result["seen"] == 3 and "3 have a say" in builder.picture


@pytest.mark.parametrize("stack", [((1, 1, 1),), ((11, 4, 8),) * MOST, *STACKS.values()], ids=str)
def test_the_builder_s_picture_keeps_its_size_and_its_text_is_readable(builder, stack):
    start = svg.size(builder.picture)
    builder.stack = stack
    for layer in range(1, len(stack) + 1):
        builder.layer = layer
        assert svg.size(builder.picture) == start and smallest_font(builder.picture) >= 11
        inside(builder.picture)


@pytest.mark.parametrize(
    ("stack", "sentence"),
    [((), "0 layers"), (((3, 1, 1),) * 9, "9 layers"), (((3, 0, 1),), "layer 1 has the stride 0: take 1 to 4")],
)
def test_a_stack_that_cannot_be_is_refused(builder, stack, sentence):
    with pytest.raises(ValueError, match=sentence):
        builder.stack = stack
