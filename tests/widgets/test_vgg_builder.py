"""VGGBuilder: what it says of a net is what `describe_net` counts."""

import html
import json
import re
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.textpath import TextPath

from helpers.anatomy import describe_net
from helpers.networks import VGG11, vgg
from helpers.widgets import VGGBuilder
from helpers.widgets.kit.driver import drive
from helpers.widgets.kit.layout import inside_of
from helpers.widgets.kit.run_picture import KEPT
from helpers.widgets.kit.short_run import fresh_net
from helpers.widgets.nets.vgg_builder import BLOCKS, HIDDEN
from helpers.widgets.nets.vgg_picture import HEIGHT, ROWS, WIDEST, stages

from ..examples import pictures
from .looks import areas

PARTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from((1, 4, 6, 16))), min_size=5, max_size=5)
COUNTS = "params", "multiply_adds", "activation_bytes"


@pytest.fixture
def builder():
    made = VGGBuilder(pictures(200, side=32, shuffle=True), pictures(60, side=32, seed=9))
    made.budget = 128
    yield made
    made.stop()
    made.wait()


def counted(table):
    """The counts of each block and of each dense layer with the ReLU behind it, with the last output shape of each."""
    groups, block = [], None
    for row in table:
        inside = row.name.split(".")[0] if "." in row.name else None
        if row.type in ("Flatten", "Linear") or inside != block:
            groups.append([])
        groups[-1].append(row)
        block = inside
    groups = [group for group in groups if group[0].type != "Flatten"]
    return [(tuple(sum(getattr(row, name) for row in group) for name in COUNTS), group[-1].output_shape[1:])
            for group in groups]  # fmt: skip


def compared(made, blocks, in_channels, side, hidden, num_classes, batch_norm):
    net = vgg(in_channels, num_classes, blocks=blocks, image_size=side, hidden=hidden, dropout=0, batch_norm=batch_norm)
    table = describe_net(net, (1, in_channels, side, side))
    present = [stage for stage in made if not stage.name.endswith("left out")]
    assert [(tuple(stage[-3:]), stage.output_shape) for stage in present] == counted(table)
    for name in COUNTS:
        assert sum(getattr(stage, name) for stage in made) == getattr(table, name)
    assert [stage.convolutions for stage in present if stage.convolutions] == [number for number, _ in blocks]


@settings(max_examples=40, deadline=None)
@given(PARTS, st.sampled_from((1, 3)), st.sampled_from((32, 45)), st.sampled_from((16, 40)), st.booleans())
def test_the_stages_are_those_of_describe_net(layers, in_channels, side, hidden, batch_norm):
    made = stages(layers, in_channels, side, hidden, 7, batch_norm)
    compared(made, [part for part in layers if part[0]], in_channels, side, hidden, 7, batch_norm)


def test_the_books_net_at_its_size():
    made = stages(VGG11, 1, 224, 4096, 10, False)
    assert sum(stage.params for stage in made) == 128_806_154
    assert made[5].multiply_adds == 512 * 7 * 7 * 4096 and made[4].output_shape == (512, 7, 7)


def test_it_starts_as_vgg_11_at_an_eighth_of_its_width(builder):
    assert builder.result["blocks"] == tuple((number, size // 8) for number, size in VGG11)
    compared(builder.result["stages"], builder.result["blocks"], 1, 32, 128, 10, True)


CHOICES = [
    {},
    {"batch_norm": False, "hidden": 4096},
    {f"convs{i}": 3 for i in BLOCKS} | {f"channels{i}": size for i, (_, size) in zip(BLOCKS, VGG11, strict=True)},
    {"convs2": 0, "convs5": 0, "channels1": 64},
    {f"convs{i}": 0 for i in BLOCKS},
]


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_shown_is_the_net_that_is_built(builder, choice):
    builder.update(**choice)
    result = builder.result
    with torch.device("meta"):
        net = builder.build(result["settings"], 10)
        table = describe_net(net, (1, *result["input"]))
        same = eval(result["code"], {"vgg": vgg})
    assert [p.shape for p in net.parameters()] == [p.shape for p in same.parameters()]
    assert [part.p for part in net if isinstance(part, torch.nn.Dropout)] == [
        part.p for part in same if isinstance(part, torch.nn.Dropout)] == [0, 0]  # fmt: skip
    for name in COUNTS:
        total = getattr(table, name)
        assert sum(getattr(stage, name) for stage in result["stages"]) == total
        assert f">{total:,}<" in builder.picture and f"{total:,}" in builder.describe(result)


def test_each_stage_is_drawn_with_its_numbers(builder):
    for stage in builder.result["stages"]:
        shape = " × ".join(map(str, stage.output_shape))
        assert all(f">{said}<" in builder.picture for said in (stage.name.split(":")[0], shape))
        assert all(f">{value:,}<" in builder.picture for value in stage[-3:])
    bands = re.findall(r'height="([\d.]+)" fill="#1f5af0" fill-opacity="0\.\d+"', builder.picture)
    assert len(bands) == 8  # one for each convolution
    builder.convs3 = 0
    bars = len(re.findall("<rect", builder.picture))
    builder.convs3 = 1
    assert len(re.findall("<rect", builder.picture)) == bars + 4  # the stack's, and one in each column
    builder.convs3 = 0
    assert builder.picture.count(">left out<") == 1 and "4 × 8 × 8" not in builder.picture


def test_the_stack_is_to_scale(builder):
    """A dense layer's units are maps of one pixel."""
    widths = [float(width) for width in re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"[^>]*width="0.6"/>',
                                                   builder.picture)]  # fmt: skip
    sides = [32, 32, 16, 8, 8, 4, 4, 2, 2, 1, 1, 1]
    assert widths == pytest.approx([WIDEST * side / 32 for side in sides])


def test_the_numbers_are_clicked_in_their_rows(builder):
    builder.update(**{f"convs{i}": 2 for i in BLOCKS})
    picture = builder.picture
    for i, (_, size) in zip(BLOCKS, VGG11, strict=True):
        sizes = [size // share for share in (16, 8, 4, 2, 1)]
        for name, at, values in ((f"convs{i}", 2, [0, 1, 2, 3]), (f"channels{i}", size // 8, sizes)):
            axis = {"as": "step", "name": name, "at": at, "low": values[0], "high": values[-1], "values": values}
            assert html.escape(json.dumps({"across": axis})) in picture
    assert areas(builder)["dense layers"]["across"]["values"] == list(HIDDEN)


def test_only_what_is_no_number_of_a_row_stands_above(builder):
    above = [widget.description for widget in inside_of(builder.children[0]) if hasattr(widget, "description")]
    assert above == ["batch norm", "run", "stop", "clear"]


def test_everything_lies_inside_the_picture(builder):
    builder.update(**CHOICES[2], hidden=4096)
    assert f'viewBox="0 0 960 {HEIGHT}"' in builder.picture
    assert len(builder.result["stages"]) == ROWS - 2
    for x, width in re.findall(r'<rect x="([\d.-]+)" y="[\d.-]+" width="([\d.]+)"', builder.picture):
        assert float(x) >= 0 and float(x) + float(width) <= 960
    words = r'<text x="([\d.]+)"[^>]*font-size="([\d.]+)" text-anchor="start"[^>]*>([^<]*)<'
    for x, size, said in re.findall(words, builder.picture):
        assert float(x) + 0.64 * float(size) * len(said) <= 1010, said  # digits and commas are narrower
    (name,) = re.findall(r'<text x="54"[^>]*font-size="12"[^>]*>([^<]*)<', builder.picture)
    assert name.replace("\u2009", " ") == "A: " + builder.says(builder.result["settings"])
    assert TextPath((0, 0), name, size=12).get_extents().x1 < 366 - 54 - 8  # where the next column begins, and a gap


def test_a_run_trains_the_net_of_the_picture(builder):
    builder.update(channels1=4, channels5=32, hidden=32)
    builder.button["run"].click()
    builder.wait()
    (run,) = builder.result["runs"]
    net = fresh_net(lambda: builder.build(run.settings, 10), seed=0)
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=run.settings["lr"]), []
    for X, y in list(pictures(200, side=32, shuffle=True, batch_size=run.settings["batch_size"]))[:2]:
        loss = torch.nn.functional.cross_entropy(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert (run.end, run.steps) == ("done", 2)
    assert [loss for _, loss, _ in run.points] == pytest.approx(losses, rel=1e-3)


def test_what_a_run_costs_and_how_far_it_is_stands_in_the_picture(builder):
    builder.budget = 20_000
    builder.update(**CHOICES[2], hidden=4096)  # the slowest net
    result = builder.result
    work = 3 * sum(stage.multiply_adds for stage in result["stages"]) * 312 * 64
    assert f">A run: 312 steps of 64 pictures, {work / 1e9:,.0f} billion multiply-adds" in builder.picture
    assert builder.effort({**result, "running": True, "progress": 7 / 312}) == "Step 8 of 312"
    begun = time.monotonic()
    builder.button["run"].click()
    assert time.monotonic() - begun < 1
    assert re.search(r">(Making the net, then step 1|Step \d+) of 312<", builder.picture)
    builder.stop()
    builder.wait()
    assert builder.result["runs"][0].end == "stopped" and ">A run: 312 steps" in builder.picture


def test_no_global_random_number_is_drawn(builder):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    builder.button["run"].click()
    builder.wait()
    assert builder.result["runs"][0].end == "done" and torch.equal(torch.get_rng_state(), before)


def test_a_net_without_blocks_trains_too(builder):
    builder.update(**CHOICES[-1])
    builder.button["run"].click()
    builder.wait()
    assert builder.result["runs"][0].end == "done"
    assert builder.result["stages"][5].multiply_adds == 32 * 32 * 128


@pytest.mark.parametrize("side", [28, 31])
def test_pictures_that_five_blocks_cannot_halve_are_named(side):
    data = pictures(20, side=side)
    with pytest.raises(ValueError, match=f"{side} × {side} pixels.*resize=32"):
        VGGBuilder(data, data)


def test_a_redraw_is_fast(builder):
    times = []
    for i in range(20):
        begun = time.process_time()
        builder.convs5 = i % 4
        times.append(time.process_time() - begun)
    assert sorted(times)[len(times) // 2] < 0.02


def test_every_control_of_the_builder_works(builder):
    builder.budget = 64
    drive(builder)
    assert len(builder.runs) <= KEPT
