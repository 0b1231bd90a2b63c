"""The class maps of notebook 10 against PyTorch."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.data import ImageBatches
from helpers.drawing import svg
from helpers.drawing.words import minus
from helpers.networks import lenet, nin, nin_block
from helpers.widgets import ClassMaps
from helpers.widgets.kit.driver import drive
from helpers.widgets.nets import class_maps

from .looks import areas, inside, smallest_font, touched

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


@pytest.fixture
def test_iter():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (40, 1, 28, 28), generator=generator, dtype=torch.uint8)
    return ImageBatches(images, torch.arange(40) % 10, 8, classes=CLASSES, mean=0.3, std=0.4)


@pytest.fixture
def net():
    torch.manual_seed(0)
    head = nin_block(8, 10, 3, padding=1, last_relu=False)
    return nn.Sequential(nin_block(1, 8, 5, 4), nn.Dropout(0.5), head, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Functional(nn.Module):
    """A net whose pooling and flattening are no modules."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 4, 5, stride=3), nn.Conv2d(4, 10, 1)

    def forward(self, X):
        return self.last(self.first(X).relu()).mean((2, 3))


def close(got, want):
    return torch.allclose(got, want, atol=1e-5)


def test_maps_logits_and_probabilities_are_pytorchs(net, test_iter):
    maps = ClassMaps(net, test_iter, index=7)
    X, y = test_iter.batch([7])
    with torch.no_grad():
        want, logits = net.eval()[:3](X)[0], net(X)[0]
    result = maps.result
    assert result["row"] == 7 and result["true"] == int(y) and torch.equal(result["input"], X)
    assert result["maps"].shape == want.shape == (10, 6, 6) and close(result["maps"], want)
    assert close(result["logits"], logits) and close(result["logits"], want.mean((1, 2)))
    assert close(result["probabilities"], logits.softmax(0))
    assert result["order"] == logits.argsort(descending=True).tolist()
    assert close(result["pixels"], test_iter.images[7, 0] / 255)


@pytest.mark.parametrize("rank", [1, 2, 10])
def test_the_enlarged_class_follows_the_rank(net, test_iter, rank):
    maps = ClassMaps(net, test_iter, rank=rank)
    chosen = maps.result["order"][rank - 1]
    assert maps.result["chosen"] == chosen
    assert f"evidence for {CLASSES[chosen]}" in maps.picture and f"Class map of {CLASSES[chosen]}, 6×6" in maps.picture
    assert maps.controls["rank"].max == 10


@pytest.mark.parametrize("right", [-5, 0, 3])
def test_a_shift_moves_the_picture_and_black_comes_in(net, test_iter, right):
    maps = ClassMaps(net, test_iter, index=2, right=right)
    pixels = test_iter.images[2:3] / 255
    moved = F.pad(pixels, (right, -right, 0, 0))
    assert close(maps.result["pixels"], moved[0, 0])
    with torch.no_grad():
        assert close(maps.result["logits"], net.eval()((moved - 0.3) / 0.4)[0])


def test_mistakes_only(net, test_iter):
    with torch.no_grad():
        predicted = net.eval()(test_iter.batch(slice(None))[0]).argmax(1)
    wrong = (predicted != test_iter.labels).nonzero()[:, 0].tolist()
    maps = ClassMaps(net, test_iter, mistakes=True)
    assert 0 < len(wrong) < 40 and maps.controls["index"].max == len(wrong) - 1
    for i in (0, len(wrong) - 1):
        maps.index = i
        assert maps.result["row"] == wrong[i] and maps.result["order"][0] != maps.result["true"]
    maps.mistakes = False
    assert maps.controls["index"].max == 39


def test_without_a_mistake_all_pictures_stay(net, test_iter):
    with torch.no_grad():
        test_iter.labels = net.eval()(test_iter.batch(slice(None))[0]).argmax(1)
    assert ClassMaps(net, test_iter, mistakes=True).controls["index"].max == 39


def test_the_mistakes_are_those_of_the_net_as_it_is_now(net, test_iter):
    maps = ClassMaps(net, test_iter, mistakes=True)
    maps.mistakes = False
    with torch.no_grad():
        net[2][-1].bias += torch.tensor([0.0] * 9 + [1000.0])
    maps.mistakes = True
    assert maps.controls["index"].max == 35 and maps.result["order"][0] == 9


def test_other_nets_that_end_in_a_mean(test_iter):
    torch.manual_seed(0)
    functional = Functional()
    X = test_iter.batch([0])[0]
    with torch.no_grad():
        assert close(ClassMaps(functional, test_iter).result["maps"], functional.last(functional.first(X).relu())[0])
    test_iter.resize, test_iter._size = 67, (67, 67)
    book = nin(width=0.1)  # its last maps are 1×1 at this size, and end in ReLU
    maps = ClassMaps(book, test_iter).result["maps"]
    assert maps.shape == (10, 1, 1) and maps.min() >= 0


@pytest.mark.parametrize("relu", [nn.ReLU(), nn.ReLU(inplace=True), nn.Identity()])
def test_what_follows_the_last_convolution_is_in_the_maps(test_iter, relu):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 10, 7, stride=7), relu, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        logits, maps = class_maps.class_maps(net, test_iter.batch([0])[0], 10)
        assert close(maps, net[:2](test_iter.batch([0])[0])[0]) and close(logits, maps.mean((1, 2)))


def test_the_net_stays_as_it_was(net, test_iter):
    net.train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    maps = ClassMaps(net, test_iter)
    maps.update(index=3, rank=4, right=2)
    assert net.training and not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_nets_without_class_maps_are_refused(test_iter):
    with pytest.raises(ValueError, match=r"not the means of 10 maps.*ends in Linear"):
        ClassMaps(lenet(), test_iter)
    with pytest.raises(ValueError, match=r"shape \(1, 7\); 10 classes"):
        ClassMaps(nn.Sequential(nn.Conv2d(1, 7, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten()), test_iter)
    with pytest.raises(TypeError, match="first argument must be a net"):
        ClassMaps(test_iter, test_iter)


def test_a_net_that_diverged_is_named(net, test_iter):
    with torch.no_grad():
        net[2][-1].bias.fill_(torch.nan)
    with pytest.raises(ValueError, match="diverged"):
        ClassMaps(net, test_iter)


def test_the_sentence_says_the_numbers(net, test_iter):
    maps = ClassMaps(net, test_iter, index=1, right=2)
    result = maps.result
    said = maps.describe(result)
    answer = CLASSES[result["order"][0]]
    assert "picture 1 (trouser), shifted 2 px to the right" in said
    assert "picture 1 (trouser), shifted 14 px to the left" in maps.describe({**result, "right": -14})
    assert f"{answer} with probability {result['probabilities'].max():.3f}" in said and "= its logit" in said
    small = 2 * 18
    assert maps.picture.count("<image") == 14 + small, "a picture, an overlay of two, ten maps and the scale"


def test_drive(net, test_iter):
    assert drive(ClassMaps(net, test_iter)) > 8


def test_the_scale_ends_at_the_largest_number_of_all_maps(net, test_iter):
    maps = ClassMaps(net, test_iter, index=39, rank=10, right=-14)
    limit = f"{round(float(maps.result['maps'].abs().max()), 2):g}"
    assert f">−{limit}<" in maps.picture and f">{limit}<" in maps.picture


# Two pictures, and the hand --------------------------------------------------------------------------------


@pytest.mark.parametrize("right, second_right", [(0, 0), (9, -13), (28, -28)])
def test_two_pictures_lie_side_by_side(net, test_iter, right, second_right):
    """The net sees both in one picture of twice the width, the lighter pixel where they overlap."""
    maps = ClassMaps(net, test_iter, index=2, second=7, right=right, second_right=second_right)
    canvas = torch.zeros(2, 28, 56)
    canvas[0, :, right : right + 28] = test_iter.images[2, 0] / 255
    canvas[1, :, 28 + second_right : 56 + second_right] = test_iter.images[7, 0] / 255
    whole = canvas.amax(0)
    result = maps.result
    with torch.no_grad():
        want = net.eval()[:3]((whole[None, None] - 0.3) / 0.4)[0]
    middle = want.shape[2] // 2
    assert close(result["pixels"], whole) and result["input"].shape == (1, 1, 28, 56)
    assert close(result["maps"], want) and close(result["logits"], want.mean((1, 2)))
    assert close(result["halves"][:, 0], want[..., :middle].mean((1, 2)))
    assert close(result["halves"][:, 1], want[..., middle:].mean((1, 2)))
    assert (result["true"], result["second"], result["second_true"]) == (2, 7, 7)
    said = maps.describe(result)
    left, right = (f"{round(float(mean), 2):g}" for mean in result["halves"][7])
    assert "beside it picture 7 (sneaker)" in said and f"sneaker {left} and {right}." in said
    assert minus(f"left, right half: sneaker {left} and {right}") in maps.picture


def test_maps_of_one_picture_and_of_two_are_large_enough_to_see_and_stand_alike(net, test_iter):
    """A third of what the enlarged map has, at least; a class stays where it is when a second picture comes."""
    places = set()
    for second in (-1, 7):
        maps = ClassMaps(net, test_iter, index=2, second=second, chosen=4)
        high, wide = maps.result["maps"].shape[1:]
        frame = re.search(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)"[^>]*stroke-width="3"', maps.picture)
        width, height = map(float, frame.groups())
        assert width / height == pytest.approx(wide / high, rel=0.02) and min(width, height) >= 54
        assert areas(maps)["class maps"]["across"]["columns"] == 3
        places.add(re.search(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*bold[^>]*>coat', maps.picture).groups())
    assert len(places) == 1


def test_a_picture_that_leaves_its_canvas_is_cut():
    pixels = torch.arange(1.0, 5).reshape(1, 1, 1, 4)
    for right, want in ((-3, [4, 0, 0, 0]), (0, [1, 2, 3, 4]), (3, [0, 0, 0, 1]), (4, [0] * 4), (-9, [0] * 4)):
        assert class_maps.shifted(pixels, right, 4).flatten().tolist() == want


def test_the_limits_of_a_drag(net, test_iter):
    maps = ClassMaps(net, test_iter, right=-14, second_right=-5)
    assert (maps.right, maps.second_right) == (-14, 0)
    maps.second = 3
    assert maps.right == 0, "with a second one it may not leave the picture"
    assert areas(maps)["picture"]["across"]["high"] == 28 and areas(maps)["second picture"]["across"]["low"] == -28
    maps.update(right=28, second_right=-28)
    maps.second = -1
    assert (maps.right, maps.second_right) == (14, 0) and "second picture" not in areas(maps)


def test_a_class_is_clicked_and_stays_while_the_picture_moves(net, test_iter):
    maps = ClassMaps(net, test_iter)
    answer = maps.result["order"][0]
    assert areas(maps)["class maps"]["across"]["at"] == answer == areas(maps)["probabilities"]["down"]["at"]
    maps.chosen = 8
    for right in (-7, 0, 7):
        maps.right = right
        assert maps.result["chosen"] == 8 and "evidence for bag" in maps.picture
    touched(maps, "enlarge the answer")
    assert maps.result["chosen"] == maps.result["order"][0] and "enlarge the answer" not in areas(maps)


def test_pictures_are_chosen_and_taken_away(net, test_iter):
    maps = ClassMaps(net, test_iter)
    assert areas(maps)["pictures"]["across"]["name"] == "index"
    second = areas(maps)["second pictures"]["across"]
    assert (second["name"], second["at"], second["low"], second["high"]) == ("second", -1, -1, 39)
    touched(maps, "later second pictures")
    assert maps.second == 18 == maps.result["second"]
    touched(maps, "take the second picture away")
    assert maps.result["second"] is None


def test_the_small_pictures_are_the_mistakes(net, test_iter):
    maps = ClassMaps(net, test_iter)
    every = maps.picture
    maps.mistakes = True
    count = maps.controls["index"].max + 1
    assert areas(maps)["pictures"]["across"]["high"] == count - 1 and f"of {count} · click one" in maps.picture
    maps.mistakes = False
    assert maps.picture == every


def test_the_picture_keeps_its_size_and_can_be_read(net, test_iter):
    maps, sizes = ClassMaps(net, test_iter), set()
    for second in (-1, 3, 39):
        for right in (0, 14):
            maps.update(second=second, right=right)
            sizes.add(svg.size(maps.picture))
            assert smallest_font(maps.picture) >= 11
            inside(maps.picture)
    assert len(sizes) == 1
