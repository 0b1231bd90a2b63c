"""ReceptiveFieldBuilder against gradients and `receptive_field`, and at the ends of its controls."""

import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import receptive_field
from helpers.drawing import svg
from helpers.widgets import ReceptiveFieldBuilder
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.field_picture import PHOTO
from helpers.widgets.layers.receptive_field_builder import MOST, STACKS, field_sizes, seen_columns

from .looks import inside, smallest_font
from .test_hand import moved


@pytest.fixture
def builder():
    return ReceptiveFieldBuilder()


@pytest.fixture
def three():
    return ReceptiveFieldBuilder(preset="three 3×3")


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


def test_it_opens_on_alexnet_in_the_middle_of_the_photo(builder):
    assert builder.stack == STACKS["AlexNet"] and builder.layer == 1
    assert (builder.kernel_size, builder.stride, builder.count) == (11, 4, 8)
    assert builder.result["fields"][-1] == (195, 32) and builder.result["units"] == 7
    assert builder.result["unit"] == (3, 3) and builder.result["starts"] == ((PHOTO - 195) // 2,) * 2
    assert builder.controls["stride"].description == "layer 1: stride s"


def test_three_layers(three):
    builder = three
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


def test_controls_and_stack_say_the_same(three):
    builder = three
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


def test_the_exercise_s_answers_of_the_text(three):
    builder = three
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


def test_pooling_has_no_weights_and_the_same_field(three):
    builder = three
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
    [
        ((), "0 layers"), (((3, 1, 1),) * 9, "9 layers"), (((3, 0, 1),), "layer 1 has the stride 0: take 1 to 4"),
        (((3, 1, 1), (3, 1.5, 1)), "layer 2 has the stride 1.5"), (((3, 1),), "layer 1 is"),
        ((3, 1, 1), "layer 1 is 3"),
        (((True, 1, 1),), "the kernel True"),
    ],
)  # fmt: skip
def test_a_stack_that_cannot_be_is_refused_and_changes_nothing(builder, stack, sentence):
    builder.update(stack=((5, 2, 1), (3, 1, 2)), layer=2)
    before = builder.values
    with pytest.raises(ValueError, match=sentence):
        builder.update(layer=1, stack=stack)
    with pytest.raises(ValueError, match=sentence):
        builder.stack = stack
    with pytest.raises(traitlets.TraitError):
        builder.update(preset="LeNet", count=99)
    assert builder.values == before and builder.result["stack"] == ((5, 2, 1, False), (3, 1, 2, False))


@pytest.mark.parametrize("set_it", [
    lambda builder: setattr(builder, "layer", 8), lambda builder: builder.update(layer=8),
    lambda builder: moved(builder, ("layer", [], 8)), lambda builder: moved(builder, ("layer", [], 99)),
], ids=["attribute", "update", "hand", "hand far"])  # fmt: skip
def test_a_layer_that_is_not_there_is_the_last(three, set_it):
    three.layer = 1
    set_it(three)
    assert three.layer == three.controls["layer"].value == three.result["layer"] == 3 and not three.errors
    assert three.controls["layer"].max == 3 and three.stack == STACKS["three 3×3"]


@settings(max_examples=60, deadline=None)
@given(stack=st.lists(layer, min_size=1, max_size=4), place=st.tuples(st.integers(0, 223), st.integers(0, 223)))
def test_the_unit_under_the_hand_is_the_one_whose_middle_is_nearest(stack, place):
    builder = ReceptiveFieldBuilder(stack=stack, place=place)
    result, (size, jump) = builder.result, builder.result["fields"][-1]
    middles = [result["first"] + size // 2 + jump * unit for unit in range(result["units"])]
    assert abs((PHOTO - 1 - middles[-1]) - middles[0]) <= 2, "as far from the left edge as from the right one"
    for at, unit, start in zip(place, result["unit"], result["starts"], strict=True):
        assert abs(middles[unit] - at) == min(abs(middle - at) for middle in middles)
        assert start == middles[unit] - size // 2
    net = net_of(stack).double()
    reach = max(0, -result["first"]) + max(0, middles[-1] - size // 2 + size - PHOTO)
    assert result["units"] == max(1, PHOTO // jump) and reach <= max(0, size - jump) + jump
    assert sum(p.numel() for p in net.parameters()) == builder.result["weights"]


def test_the_hand_drags_the_unit_and_clicks_layers(builder):
    moved(builder, ("place", [0], 16), ("place", [1], 208))
    assert builder.result["unit"] == (0, 6)
    assert "in row 0, column 6 of 7×7 sees rows 0 to 112 and columns 110 to 223" in builder.describe(builder.result)
    moved(builder, ("layer", [], 3))
    assert (builder.kernel_size, builder.pooling) == (5, False) and builder.picture.count("change this one") == 8
    assert builder.controls["stride"].description == "layer 3: stride s"
    builder.preset = "three 3×3"
    assert builder.result["unit"] == (16, 208), "the place on the photo stays"


def test_what_lies_beyond_the_photo_is_drawn_as_padding(builder):
    tinted = f'fill="{svg.BLUE}" fill-opacity="0.16"'
    assert tinted not in builder.picture
    builder.place = (0, 0)
    assert tinted in builder.picture
