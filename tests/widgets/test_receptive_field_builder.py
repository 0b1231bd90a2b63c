"""ReceptiveFieldBuilder against gradients and `receptive_field`, and at the ends of its controls."""


import pytest
import torch
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


@pytest.fixture
def builder():
    return ReceptiveFieldBuilder()


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
