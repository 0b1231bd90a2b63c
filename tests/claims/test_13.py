"""What lesson 13 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import ast
import io
import math
import statistics

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

from helpers import describe_net, load_data_fashion_mnist, networks, train_ch6
from helpers.benchmark.nets import load_results
from helpers.exercises import find
from helpers.networks import blocks
from helpers.training import Cosine, evaluate_accuracy, recipe, xavier

from ..claims import NOTEBOOKS, definitions_of

LESSON = "13_resnet"


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines; with the pictures of its towers."""
    names = definitions_of(LESSON)
    pictures, _ = load_data_fashion_mnist(128, resize=14, num_train=1_000, num_test=100, device="cpu")
    names.update(tower_train=pictures, device=torch.device("cpu"))
    return names


@pytest.fixture(scope="module")
def resnet18(lesson):
    """ResNet-18 of the lesson's own blocks."""
    stage = lesson["stage"]
    stem = (nn.Conv2d(1, 64, 7, stride=2, padding=3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
    return nn.Sequential(
        nn.Sequential(*stem), stage(64, 64, 1), stage(64, 128, 2), stage(128, 256, 2), stage(256, 512, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def small_settings(lesson):
    """What the lesson sets as `small` for the profile that holds."""
    cells = nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", as_version=4).cells
    for part in ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code")).body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "small":
            return eval(ast.unparse(part.value), lesson)
    raise ValueError("no cell sets small")


def same_net(mine, theirs, X):
    """Copy the numbers of the second net into the first and say whether their outputs agree, in training mode."""
    for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
        a.copy_(b)
    return torch.allclose(mine.train()(X), theirs.train()(X), atol=1e-5)


# Function classes -----------------------------------------------------------------------------------------


def test_a_nested_family_never_gets_worse_and_the_other_goes_up_and_down(lesson):
    error, x = lesson["error"], torch.linspace(-1, 1, 30, dtype=torch.float64)
    lesson.update(x=x, y=torch.sin(3 * x) + 0.3 * x**2)
    nested = [error(range(d + 1)) for d in range(1, 8)]
    single = [error((0, d)) for d in range(1, 8)]
    assert all(after <= before + 1e-12 for before, after in zip(nested, nested[1:], strict=False)) and nested[-1] < 0.01
    changes = [after - before for before, after in zip(single, single[1:], strict=False)]
    assert min(changes) < 0 < max(changes)
    rises = [int(max(b - a for a, b in zip(errors, errors[1:], strict=False)) > 1e-12) for errors in (nested, single)]
    assert f"guess = {rises}" == find("13.p1").solution


def test_a_plain_block_can_be_the_identity():
    block, X = blocks.Residual(8, 8, skip=False), torch.rand(2, 8, 7, 7)  # nothing below 0
    block(X)  # in training mode: the running averages move
    for layer in block.eval().g:
        if isinstance(layer, nn.Conv2d):
            nn.init.dirac_(layer.weight)
            nn.init.zeros_(layer.bias)
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data = (layer.running_var + layer.eps).sqrt()
            layer.bias.data = layer.running_mean.clone()
    torch.testing.assert_close(block(X), X, atol=1e-5, rtol=0)


# The residual block ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels, stride, shape", [(3, 1, (4, 3, 6, 6)), (6, 2, (4, 6, 3, 3))])
def test_the_block_is_that_of_helpers(lesson, channels, stride, shape):
    X = torch.randn(4, 3, 6, 6)
    mine, theirs = lesson["Residual"](3, channels, stride), blocks.Residual(3, channels, stride)
    assert mine(X).shape == shape and same_net(mine, theirs, X)
    if stride == 2:
        assert f"guess = {list(shape)}" == find("13.p2").solution


def test_doing_nothing_costs_a_residual_block_nothing_and_kills_a_plain_one():
    X, silent, plain = torch.randn(4, 3, 6, 6), blocks.Residual(3, 3), blocks.Residual(3, 3, skip=False)
    for block in (silent, plain):
        nn.init.zeros_(block.g[-1].weight)  # the scale of the last batch norm; its shift is 0 anyway
    assert torch.equal(silent(X), X.relu()) and not plain(X).any()
    with torch.no_grad():
        for parameter in silent.g.parameters():
            parameter.zero_()
    assert torch.equal(silent(X), X.relu())


def test_batch_norm_takes_the_size_of_the_kernels_out_again():
    block, X = blocks.Residual(3, 3), torch.randn(4, 3, 6, 6)
    spread = block.g(X).std()
    for layer in (block.g[0], block.g[3]):
        layer.weight.data /= 10
    assert block.g(X).std() > 0.98 * spread


def test_twenty_factors_leave_nothing_or_nearly_seven():
    assert math.isclose(0.1**20, 1e-20) and round(1.1**20, 1) == 6.7


def test_the_gradient_at_the_sum_arrives_at_the_input_too():
    block, X = blocks.Residual(3, 3, kind="pre"), torch.randn(4, 3, 6, 6)
    leaf, upstream = X.clone().requires_grad_(), torch.randn_like(X)
    (whole,) = torch.autograd.grad(block(leaf), leaf, upstream)
    (through_g,) = torch.autograd.grad(block.g(leaf), leaf, upstream)
    torch.testing.assert_close(whole, upstream + through_g, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("source", ["tower", "noise"])
def test_a_picture_is_lost_in_five_plain_blocks_and_not_in_twenty_residual_ones(lesson, source):
    X = torch.randn(64, 1, 14, 14) if source == "noise" else lesson["tower_train"].batch(range(64))[0]
    X, alike = X.repeat(1, 8, 1, 1).relu(), {False: [], True: []}
    for skip, count in ((False, 5), (True, 20)):
        for seed in range(8):
            torch.manual_seed(seed)
            stack = nn.Sequential(*(blocks.Residual(8, 8, skip=skip) for _ in range(count)))
            with torch.no_grad():
                before, after = X.mean(1).flatten(1), stack(X).mean(1).flatten(1)
            pairs = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(before, after, strict=True)])
            alike[skip].append(pairs.abs().mean().item())
    assert sum(alike[True]) > 1.2 * sum(alike[False])


# Variants -------------------------------------------------------------------------------------------------


def test_the_bottleneck_does_a_seventeenth_of_the_work():
    kinds = ("plain", "pre", "bottleneck")
    tables = {kind: describe_net(blocks.Residual(256, 256, kind=kind), (1, 256, 14, 14)) for kind in kinds}
    assert [table.params for table in tables.values()] == [1_181_184, 1_181_184, 70_784]
    assert 16.5 < tables["plain"].multiply_adds / tables["bottleneck"].multiply_adds < 17.5
    assert {layer.out_channels for layer in blocks.Residual(256, 256, kind="bottleneck").g
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)} == {64}  # fmt: skip


@pytest.mark.parametrize("kind, want", [("pre", lambda X: X), ("plain", torch.relu)])
def test_nothing_stands_behind_the_sum_of_a_pre_activation_block(kind, want):
    stack, X = nn.Sequential(*(blocks.Residual(3, 3, kind=kind) for _ in range(10))), torch.randn(4, 3, 6, 6)
    for block in stack:
        nn.init.zeros_(block.g[-1].weight)
        nn.init.zeros_(block.g[-1].bias)
    assert torch.equal(stack(X), want(X))


def test_thirty_two_groups_have_a_32nd_of_the_weights():
    whole, grouped = (nn.Conv2d(128, 128, 3, groups=groups) for groups in (1, 32))
    assert whole.weight.numel() == 32 * grouped.weight.numel()


# A deep plain net -----------------------------------------------------------------------------------------


def test_with_and_without_the_skip_connection_the_tower_is_the_same(lesson):
    plain, residual = (describe_net(lesson["tower"](20, skip), (1, 1, 14, 14)) for skip in (False, True))
    assert [(row.type, row.params) for row in plain if row.params] == [
        (row.type, row.params) for row in residual if row.params
    ]
    assert plain.params == 24_186 == residual.params and plain.multiply_adds == residual.multiply_adds
    for count, layers in ((4, 10), (20, 42)):
        table = describe_net(lesson["tower"](count, False), (1, 1, 14, 14))
        assert sum(row.type in ("Conv2d", "Linear") for row in table) == layers


def test_the_gradient_vanishes_without_batch_norm_and_shatters_with_it(lesson):
    kinds = [(skip, norm) for skip in (False, True) for norm in (False, True)]
    found = {kind: lesson["lengths_and_cosines"](*kind) for kind in kinds}
    vanished, healthy = found[False, False][0], found[False, True][0]
    assert vanished[0] < 1e-6 < 1e-3 * vanished[-1] and found[True, False][0][0] > 1e6 * vanished[0]
    assert healthy.min() > 1e-2 and healthy[0] > found[True, True][0][0]
    assert 100 * healthy[-1] < healthy[0] < 1000 * healthy[-1]  # grows several hundredfold
    longer = [int(found[True, norm][0][0] > found[False, norm][0][0]) for norm in (False, True)]
    assert f"guess = {longer}" == find("13.p3").solution
    plain, residual = (found[skip, True][1][5:-5].median() for skip in (False, True))
    assert abs(plain) < 0.25 and residual > 0.3


# ResNet-18 ------------------------------------------------------------------------------------------------


def test_resnet_18_is_that_of_helpers_and_has_18_layers_on_its_path(resnet18):
    table = describe_net(resnet18, (1, 1, 96, 96))
    convolutions = [row for row in table if row.type == "Conv2d"]
    shortcuts = [row for row in convolutions if "conv3" in row.name]
    assert table.params == 11_178_378 and same_net(resnet18, networks.resnet18(), torch.randn(2, 1, 32, 32))
    assert (len(convolutions), len(shortcuts)) == (20, 3) and 20 - 3 + 1 == 18
    assert sum(row.params for row in shortcuts) == 172_928 and 0.015 < 172_928 / table.params < 0.016


def test_the_sides_of_the_maps_are_as_predicted(resnet18):
    X, sides = torch.zeros(1, 1, 96, 96), []
    for part in resnet18[:5]:
        X = part(X)
        sides.append(X.shape[-1])
    assert f"guess = {sides}" == find("13.p4").solution


def test_the_work_stays_and_the_parameters_quadruple_from_stage_to_stage(resnet18):
    inner = [row for row in describe_net(resnet18, (1, 1, 96, 96)) if row.name.endswith(".1.conv2")]
    assert len(inner) == 4 and len({row.multiply_adds for row in inner}) == 1
    sizes = [row.params for row in inner]
    assert all(3.9 < after / before < 4 for before, after in zip(sizes, sizes[1:], strict=False))


# A ready ResNet -------------------------------------------------------------------------------------------


def test_torchvisions_net_is_ours_but_for_biases_and_norms_on_the_shortcuts():
    biases, norms = 4_800, 1_792  # torchvision: no bias before a batch norm, and a batch norm behind each 1×1
    with torch.device("meta"):
        ready = models.resnet18()
    assert sum(p.numel() for p in ready.parameters()) == 11_689_512
    assert describe_net(networks.resnet18(3, 1000), (1, 3, 64, 64)).params == 11_689_512 + biases - norms


def test_added_slices_do_for_grey_what_a_grey_picture_repeated_three_times_does():
    colour, X = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), torch.rand(2, 1, 64, 64)
    grey = F.conv2d(X, colour.weight.sum(dim=1, keepdim=True), stride=2, padding=3)
    torch.testing.assert_close(grey, colour(X.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-4)


def test_a_ready_net_is_a_better_start_even_one_that_has_learned_little(lesson, monkeypatch):
    """Three teachers of the profile quick; at the rate of cpu, 0.05, draws of two of them fell to 0.2 and 0.4."""
    monkeypatch.setenv("CNN_COURSE_PROFILE", "quick")
    settings = small_settings(lesson)
    train, test = load_data_fashion_mnist(64, resize=32, num_train=2_000, num_test=500, device="cpu")
    if train.source != "Fashion-MNIST":
        pytest.skip("on the digits little is left to gain")
    old, new = [0, 2, 4, 6, 8], [1, 3, 5, 7, 9]
    lesson.update(new=new)
    many, asked = train.only(old, settings["num_old"] // 5), test.only(new, 200)
    gains, least = [], []
    for seed in range(3):
        teacher, file = networks.resnet18(num_classes=5, width=0.25, blocks=1), io.BytesIO()
        train_ch6(teacher, many, test.only(old, 200), 7, Cosine(0.1), device="cpu", seed=seed, live=False)
        torch.save(teacher.state_dict(), file)
        for draw in range(2):
            X, y = train.only(new, each=3, seed=draw).batch(slice(None))
            scratch = lesson["learn"](lesson["new_net"](draw), X, y, 0.05, keep_norms=False)
            ready = lesson["learn"](lesson["new_net"](draw, file), X, y, settings["lr"], keep_norms=True)
            least.append(evaluate_accuracy(ready, asked))
            gains.append(least[-1] - evaluate_accuracy(scratch, asked))
    assert min(least) > 0.6 and statistics.mean(gains) > 0.02


# All nets of the course -----------------------------------------------------------------------------------


def test_the_table_shows_the_nets_that_the_recipes_build_today():
    results = load_results()
    for row in results.rows:
        today = recipe(row.net, "cpu")
        counted = describe_net(today.build(), today.input_shape)
        assert (row.params, row.multiply_adds) == (counted.params, counted.multiply_adds), row.net
        assert len(row.accuracies) >= 3 and min(row.accuracies) > 0.7, row.net
    names = ["lenet", "alexnet", "vgg", "nin", "googlenet", "bn_lenet", "resnet18"]
    assert [row.net for row in results.rows] == names


def test_neither_parameters_nor_multiply_adds_rank_the_nets_and_batch_norm_is_the_cheapest_step():
    rows = {row.net: row for row in load_results().rows}

    def is_better(row, other):
        error = math.sqrt(sum(each.sd**2 / len(each.accuracies) for each in (row, other)))
        return row.mean - other.mean > 2 * error

    upsets = [(a.net, b.net) for a in rows.values() for b in rows.values()
              if a.params < b.params and a.multiply_adds < b.multiply_adds and is_better(a, b)]  # fmt: skip
    assert upsets and is_better(rows["bn_lenet"], rows["lenet"])
    assert rows["bn_lenet"].params == rows["lenet"].params + 452
    assert 10 < min(row.seconds for row in rows.values()) and max(row.seconds for row in rows.values()) < 120


# Questions learners ask -----------------------------------------------------------------------------------


def test_a_single_convolution_and_the_sum_are_one_convolution():
    conv, X = nn.Conv2d(4, 4, 3, padding=1), torch.randn(2, 4, 6, 6)
    one = F.conv2d(X, conv.weight + nn.init.dirac_(torch.empty_like(conv.weight)), conv.bias, padding=1)
    torch.testing.assert_close(X + conv(X), one, atol=1e-6, rtol=1e-5)


def test_without_a_norm_the_signal_grows_unless_each_g_starts_at_zero(lesson):
    X, grown = torch.randn(16, 8, 7, 7), []
    for seed in range(9):
        torch.manual_seed(seed)
        body = lesson["tower"](40, skip=True, batch_norm=False).apply(xavier)[2:-3]
        with torch.no_grad():
            grown.append((body(X).std() / X.std()).item())
            for block in body[1:]:
                nn.init.zeros_(block.g[-1].weight)
            assert body(X).std() < X.std()
    assert 10 < statistics.median(grown) < 100 and 3 < min(grown)  # of 12 draws the smallest gave 7, the largest 128


def test_joining_keeps_every_old_map_and_grows_and_adding_does_not_grow():
    X, maps = torch.randn(1, 64, 8, 8), nn.Conv2d(64, 32, 3, padding=1)
    joined = torch.cat((X, maps(X)), dim=1)
    assert joined.shape[1] == 96 and torch.equal(joined[:, :64], X) and blocks.Residual(64, 64)(X).shape[1] == 64


def test_a_convolution_on_every_shortcut_would_cost_353_280_parameters():
    more = [nn.Conv2d(c, c, 1) for c in (64, 64, 128, 256, 512)]  # the five blocks that keep their shape
    count = sum(p.numel() for layer in more for p in layer.parameters())
    assert count == 353_280 and f"{count / 11_178_378:.1%}" == "3.2%"


def test_the_stem_for_small_pictures_costs_about_sixteen_times_the_work():
    work = {stem: describe_net(networks.resnet18(stem=stem), (1, 1, 32, 32)) for stem in ("7x7", "3x3")}
    assert 14 < work["3x3"].multiply_adds / work["7x7"].multiply_adds < 17
    assert [row for row in work["7x7"] if row.type == "Conv2d"][-1].output_shape[-1] == 1


def test_the_parameters_of_deeper_resnets():
    with torch.device("meta"):  # shapes without numbers
        counts = [sum(p.numel() for p in models.get_model(f"resnet{depth}").parameters())
                  for depth in (18, 34, 50, 152)]  # fmt: skip
    assert [round(count / 1e6) for count in counts] == [12, 22, 26, 60]
