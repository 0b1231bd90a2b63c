"""What lesson 08 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import nbformat
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from helpers import describe_net, load_data_fashion_mnist, load_photo, output_size
from helpers.exercises import find
from helpers.networks import alexnet, lenet, resnet18
from helpers.training import Cosine, recipe

from ..claims import NOTEBOOKS, definitions_of

LESSON = "08_alexnet"
PAPER = {"size": 5, "alpha": 5 * 1e-4, "beta": 0.75, "k": 2.0}  # PyTorch's alpha is that of the paper, times n


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines."""
    return definitions_of(LESSON)


@pytest.fixture(scope="module")
def table():
    """The layers of the book's AlexNet."""
    return describe_net(alexnet(), (1, 1, 224, 224))


@pytest.fixture(scope="module")
def original():
    """The layers of the network of 2012, in colour, in two towers."""
    norm = nn.LocalResponseNorm(**PAPER)
    net = nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(), norm, nn.MaxPool2d(3, stride=2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), norm, nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, stride=2), nn.Flatten(),
        nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 1000),
    )  # fmt: skip
    return describe_net(net, (1, 3, 227, 227))


def share(table, kind, what):
    return sum(getattr(row, what) for row in table if row.type == kind) / getattr(table, what)


# Features by hand -----------------------------------------------------------------------------------------


def test_hog_tells_the_four_directions_apart(lesson):
    across, down = torch.arange(16.0), torch.arange(16.0)[:, None]
    ramps = {0: across + 0 * down, 1: across + down, 2: 0 * across + down, 3: down - across}
    for direction, ramp in ramps.items():
        cells = lesson["hog"](ramp[None, None], cell=4, directions=4)
        inner = cells[0, :, 1:3, 1:3]
        assert cells.shape == (1, 4, 4, 4) and (inner.argmax(dim=0) == direction).all()
        assert (inner.sum(dim=0) - inner[direction]).abs().max() < 1e-5


def test_hog_is_half_as_many_numbers_and_does_not_mind_contrast(lesson):
    X = torch.rand(2, 1, 28, 28)
    cells = lesson["hog"](X)
    assert cells.shape == (2, 8, 7, 7) and cells[0].numel() == X[0].numel() / 2
    assert (lesson["hog"](X + 3) - cells).abs().max() < 1e-4
    assert (lesson["hog"](100 * X) - lesson["hog"](1000 * X)).abs().max() < 0.05


def test_the_schedule_falls_along_half_a_cosine():
    rate = Cosine(0.3)
    assert [round(rate(share), 4) for share in (0, 0.5, 1)] == [0.3, 0.15, 0]


def test_imagenet_is_five_thousand_times_fashion_mnist():
    fashion, imagenet = 60_000 * 28 * 28, 1_200_000 * 256 * 256 * 3
    assert round(imagenet / 1e9) == 236 and 5_000 < imagenet / fashion < 5_020


def test_one_core_would_have_needed_nine_months(original):
    """Three forward passes a step (06), 90 times 1.2 million photos; a core of then takes 1e10 a second."""
    training = 3 * original.multiply_adds * 1_200_000 * 90
    assert 265 < training / 1e10 / 86_400 < 280
    peak = training / (2 * 0.79e12) / 86_400  # two GTX 580
    assert 1.6 < peak < 1.8 and 0.25 < peak / 5.5 < 0.4  # of the five to six days


# From LeNet to AlexNet ------------------------------------------------------------------------------------


def test_the_lessons_net_is_that_of_helpers_and_its_sides_are_as_predicted(table):
    net = built()
    assert [p.shape for p in net.parameters()] == [p.shape for p in alexnet().parameters()]
    counted = describe_net(net, (1, 1, 224, 224))
    assert [row.type for row in counted] == [row.type for row in table]
    sides = [row.output_shape[-1] for row in counted if row.name == "0" or "Pool" in row.type]
    assert f"guess = {sides}" == find("08.p1").solution
    ready, X = alexnet(), torch.randn(1, 1, 224, 224)
    ready.load_state_dict(net.state_dict())
    with torch.no_grad():
        assert torch.equal(ready.eval()(X), net.eval()(X))


def built():
    """The net of the lesson's own cell."""
    names, cells = {"nn": nn}, nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", as_version=4).cells
    exec(next(cell.source for cell in cells if cell.source.startswith("net = nn.Sequential(\n")), names)
    return names["net"]


def test_five_convolutions_in_place_of_two_and_more_maps(table):
    small = describe_net(lenet(), (1, 1, 28, 28))
    maps = [[row.output_shape[1] for row in counted if row.type == "Conv2d"] for counted in (small, table)]
    assert maps[0] == [6, 16] and len(maps[1]) == 5 and (min(maps[1]), max(maps[1])) == (96, 384)


def test_224_and_227():
    sizes = {(n, P): output_size(n, 11, stride=4, padding=P) for n, P in ((224, 0), (224, 1), (224, 2), (227, 0))}
    assert sizes == {(224, 0): 54, (224, 1): 54, (224, 2): 55, (227, 0): 55}
    assert all((224 + 2 * P - 11) % 4 for P in range(12)) and (227 - 11) % 4 == 0


@pytest.mark.parametrize("side, last", [(54, 5), (55, 6)])
def test_the_first_dense_layer_reads_5_or_6(side, last):
    for _ in range(3):
        side = output_size(side, 3, stride=2)
    assert side == last


# Local response normalisation -----------------------------------------------------------------------------


def local_response_norm(X, n=5, alpha=1e-4, beta=0.75, k=2.0):
    """Normalise X (N, C, H, W) over n neighbouring channels, by the formula of the paper."""
    Y, channels = torch.empty_like(X), X.shape[1]
    for i in range(channels):
        near = X[:, max(0, i - n // 2):min(channels - 1, i + n // 2) + 1]
        Y[:, i] = X[:, i] / (k + alpha * (near**2).sum(dim=1)) ** beta
    return Y


def test_pytorchs_alpha_is_the_papers_times_n():
    maps = 20 * torch.randn(2, 12, 4, 4, generator=torch.Generator().manual_seed(0))
    ours = local_response_norm(maps)
    assert torch.allclose(nn.LocalResponseNorm(**PAPER)(maps), ours, atol=1e-4)
    assert not torch.allclose(nn.LocalResponseNorm(**PAPER | {"alpha": 1e-4})(maps), ours, atol=1)
    assert nn.LocalResponseNorm(5).k == 1


def test_only_large_activations_damp_each_other():
    usual = torch.rand(1, 12, 4, 4, generator=torch.Generator().manual_seed(0))
    factor = {scale: local_response_norm(scale * usual) / (scale * usual) for scale in (1, 10, 100)}
    assert round(2**0.75, 2) == 1.68 and (factor[1] - 2**-0.75).abs().max() < 1e-3
    assert factor[10].max() < 1.02 * factor[10].min() and factor[100].max() > 1.5 * factor[100].min()


def test_its_two_layers_held_a_quarter_of_the_activations(original):
    memory = sum(row.activation_bytes for row in original if row.type == "LocalResponseNorm")
    assert 0.24 < memory / original.activation_bytes < 0.26


# Parameters and work --------------------------------------------------------------------------------------


def test_neither_10_nor_260_times_lenet(table, original):
    small = describe_net(lenet(), (1, 1, 28, 28))
    assert (small.params, small.multiply_adds) == (61_706, 416_520)
    assert (table.params, table.multiply_adds) == (46_764_746, 938_146_176)
    assert (original.params, original.multiply_adds) == (60_965_224, 724_406_816)
    old_work = 6 * 25 * 28 * 28 + 60 * 25 * 10 * 10 + 16 * 25 * 120 + 120 * 84 + 84 * 10  # 1998: 60 slices, not 96
    ratios = (table.params / small.params, table.multiply_adds / small.multiply_adds,
              original.params / 60_000, original.multiply_adds / old_work)  # fmt: skip
    assert [round(ratio) for ratio in ratios] == [758, 2252, 1016, 2219]
    assert 35 < ratios[1] / (224 / 28) ** 2 < 36  # per pixel


def test_dense_layers_hold_the_parameters_and_convolutions_do_the_work(table, original):
    small = describe_net(lenet(), (1, 1, 28, 28))
    shares = [(share(each, "Linear", "params"), share(each, "Conv2d", "multiply_adds"))
              for each in (small, table, original)]  # fmt: skip
    assert [round(100 * value) for pair in shares for value in pair] == [96, 86, 92, 95, 96, 92]
    assert f"guess = {[int(shares[1][i] > shares[0][i]) for i in (0, 1)]}" == find("08.p2").solution
    assert [row.params for row in table if row.type == "Linear"][0] == 26_218_496


def test_fifty_numbers_to_set_by_each_photo(original):
    assert 50 < original.params / 1_200_000 < 51


# Dropout and augmentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_our_dropout_is_pytorchs(lesson, p):
    X = torch.rand(400, 500) + 1
    for Y in (lesson["dropout"](X, p), nn.Dropout(p)(X)):
        kept = Y != 0
        assert torch.allclose(Y[kept], X[kept] / (1 - p))
        assert abs(kept.float().mean() - (1 - p)) < 0.01 and abs(Y.mean() / X.mean() - 1) < 0.03
    assert torch.equal(nn.Dropout(p).eval()(X), X)


def test_dropout_at_both_ends(lesson):
    X = torch.rand(4, 5) + 1
    assert torch.equal(lesson["dropout"](X, 0), X) and torch.equal(lesson["dropout"](X, 1), nn.Dropout(1.0)(X))


def test_what_stays_is_divided(lesson):
    kept = torch.tensor([1.0, 0, 1, 1]) * torch.tensor([2.0, 4, 6, 8]) / (1 - 0.2)
    assert kept.tolist() == pytest.approx([2.5, 0, 7.5, 10]) and find("08.p3").solution == "guess = [2.5, 0, 7.5, 10]"


def test_2178_windows_and_not_2048():
    places = output_size(256, 224)
    assert (256 - 224) ** 2 * 2 == 2_048 and f"guess = {[places, places**2 * 2]}" == find("08.p4").solution


def test_augment_gives_a_window_of_the_widened_picture_or_of_its_mirror(lesson):
    X, augment = torch.rand(1, 1, 9, 7), lesson["augment"]
    both_ways = torch.cat([X, X.flip(3)])
    same = augment(X.expand(64, -1, -1, -1), most=0)
    assert all((Y == both_ways).all(dim=(1, 2, 3)).any() for Y in same)
    assert 10 < (same == X).all(dim=(1, 2, 3)).sum() < 54
    windows = F.unfold(both_ways, (7, 5)).transpose(1, 2)  # (2, 9, 35): what stays inside when it moves by one
    moved = augment(X.expand(64, -1, -1, -1), most=1)
    assert all((Y[0, 1:-1, 1:-1].flatten() == windows).all(dim=2).any() for Y in moved) and len(moved.unique(dim=0)) > 5


def test_the_mirror_shows_on_the_temple_and_hides_on_the_flower():
    alike = {}
    for name in ("china", "flower"):
        photo = F.avg_pool2d(load_photo(name, 112)[None], 8)[0]
        alike[name] = torch.corrcoef(torch.stack([photo.flatten(), photo.flip(1).flatten()]))[0, 1]
    assert alike["china"] < 0.2 and alike["flower"] > 0.5


def test_every_boot_of_fashion_mnist_points_the_same_way():
    _, test = load_data_fashion_mnist(64, num_train=100, num_test=2_000, device="cpu")
    if test.source != "Fashion-MNIST":
        pytest.skip("the digits are here in place of Fashion-MNIST")
    boots = test.images[test.labels == test.classes.index("ankle boot")].float()
    mean = boots.mean(dim=0)
    as_it_is, mirrored = (((boots - other) ** 2).sum(dim=(1, 2, 3)) for other in (mean, mean.flip(2)))
    assert (as_it_is < mirrored).all()


def test_the_slim_net_keeps_every_layer(table):
    slim = recipe("alexnet", "cpu")
    counted = describe_net(slim.build(), slim.input_shape)
    assert [row.type for row in counted] == [row.type for row in table]
    assert counted.multiply_adds < table.multiply_adds / 100
    assert [row.output_shape[1] for row in counted if row.type == "Linear"] == [512, 512, 10]


def test_an_untrained_net_has_no_gap(lesson):
    train, test = load_data_fashion_mnist(64, 40, num_train=500, num_test=1_000, device="cpu")
    torch.manual_seed(0)
    net = recipe("alexnet", "cpu").build()
    assert abs(lesson["evaluate_accuracy"](net, train) - lesson["evaluate_accuracy"](net, test)) < 0.15


# Questions learners ask -----------------------------------------------------------------------------------


def test_two_groups_are_two_convolutions_side_by_side():
    grouped, maps = nn.Conv2d(96, 256, 5, padding=2, groups=2), torch.randn(1, 96, 9, 9)
    parts = zip(maps.chunk(2, dim=1), grouped.weight.chunk(2), grouped.bias.chunk(2), strict=True)
    halves = [F.conv2d(X, W, b, padding=2) for X, W, b in parts]
    assert torch.allclose(grouped(maps), torch.cat(halves, dim=1), atol=1e-5)
    assert 2 * grouped.weight.numel() == nn.Conv2d(96, 256, 5).weight.numel()


def test_evaluation_mode_is_the_mean_over_all_masks_until_a_relu():
    torch.manual_seed(0)
    h, layer = torch.randn(8), nn.Linear(8, 4)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 8)  # (256, 8)
    with torch.no_grad():
        outputs = layer(masks * h / (1 - 0.5))
        assert torch.allclose(outputs.mean(dim=0), layer(h), atol=1e-5)
        assert (outputs.relu().mean(dim=0) - layer(h).relu()).abs().max() > 0.05


def test_two_passes_disagree_in_training_mode_alone():
    net, X = recipe("alexnet", "cpu").build(), torch.randn(8, 1, 40, 40)
    with torch.no_grad():
        assert not torch.equal(net.train()(X), net(X)) and torch.equal(net.eval()(X), net(X))


def test_mirrored_zeros_stay_zeros_and_threes_do_not():
    digits = load_digits()
    images, labels = torch.tensor(digits.images), torch.tensor(digits.target)
    means = torch.stack([images[labels == c].mean(dim=0) for c in range(10)])
    hits = [(((pictures[:, None] - means) ** 2).sum(dim=(2, 3)).argmin(dim=1) == labels).float()
            for pictures in (images, images.flip(2))]  # fmt: skip
    assert hits[0].mean() > 0.9 and hits[1].mean() < 0.4
    assert hits[1][labels == 0].mean() > 0.95 and hits[1][labels == 3].mean() < 0.05


def test_an_adaptive_pooling_makes_6_of_every_size():
    pool, maps = nn.AdaptiveAvgPool2d(6), torch.rand(1, 256, 6, 6)
    assert all(pool(torch.rand(1, 256, side, side)).shape == (1, 256, 6, 6) for side in (6, 9, 14))
    assert torch.equal(pool(maps), maps)


def test_resnet_18_has_a_quarter_of_the_parameters_and_nearly_twice_the_work(table):
    newer = describe_net(resnet18(), (1, 1, 224, 224))
    assert newer.params < table.params / 4 and 1.5 < newer.multiply_adds / table.multiply_adds < 2
    assert (newer.params, newer.multiply_adds) == (11_178_378, 1_734_890_496)
