"""LookInside: whatever it shows of a net is what PyTorch and helpers.inside say of it."""

import re
import threading

import pytest
import torch
import torchvision
from torch import nn

from helpers import load_photo, receptive_field
from helpers.drawing import svg
from helpers.inside import activations, grad_cam, occlusion_map, top_images
from helpers.widgets import LookInside
from helpers.widgets.kit.driver import drive
from helpers.widgets.nets.look_inside.widget import VIEWS

from ..examples import CLASSES, COURSE, Functional, Shared, lenet_like, made, pictures
from ..inside.test_layers import Last
from .looks import areas, touched


def photos(side=64):
    """Six colour photos, (6, 3, side, side)."""
    return torch.stack([load_photo(name, side, True).roll(i, 2) for name in ("flower", "china") for i in (0, 9, 20)])


NORMALIZE = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def settled(look, **values):
    """Set the controls and wait for what runs in a thread."""
    look.update(**values)
    look.wait()
    assert not look.errors and not look.result["note"], look.result["note"]
    return look.result


@pytest.mark.parametrize("name", COURSE)
def test_every_net_of_the_course(name):
    net, side = made(name)
    look = LookInside(net, pictures(12, side=side))
    assert drive(look) >= 12
    sizes = set()
    for view in VIEWS:
        for layer in (0, len(look.result["layers"]) - 1):
            look.update(view=view, layer=layer)
            look.wait()
            sizes.add(svg.size(look.picture))
    assert len(sizes) == 1 and not look.errors


def test_torchvision_resnet18_on_colour_photos():
    net = torchvision.models.resnet18(weights=None)
    look = LookInside(net, photos(), preprocess=NORMALIZE)
    assert drive(look) >= 12
    X = NORMALIZE(photos()[4:5])
    chosen = [layer.name for layer in look.result["layers"]].index("layer3.0.relu (2)")
    result = settled(look, index=4, layer=chosen, unit=7)
    assert torch.equal(result["X"], X) and torch.equal(result["pixels"], photos()[4])
    torch.testing.assert_close(result["layer"].output, activations(net, X, "layer3.0.relu (2)")[0])
    with torch.no_grad():
        torch.testing.assert_close(result["logits"], net.eval()(X)[0])
    assert "answer class" in look.describe(result) and len(result["layers"]) == 60
    result = settled(look, view="Grad-CAM")
    torch.testing.assert_close(result["cam"], grad_cam(net, X, "layer3.0.relu (2)"))


@pytest.mark.parametrize("net, side", [(Shared(), 9), (Functional(), 20), (nn.Conv2d(1, 1, 3), 6)])
def test_reused_modules_tuples_functions_and_a_single_layer(net, side):
    look = LookInside(net, torch.rand(5, 1, side, side))
    assert drive(look) > 8
    for i, layer in enumerate(look.result["layers"]):
        shown = settled(look, layer=i, view="maps")["layer"]
        expected = activations(net, look.result["X"], layer.name)[0]
        torch.testing.assert_close(shown.output, expected)
    assert len(look.result["layers"]) == {"Shared": 8, "Functional": 3, "Conv2d": 1}[type(net).__name__]


# The views ---------------------------------------------------------------------------------------------------


@pytest.fixture
def look():
    return LookInside(lenet_like(), pictures(40))


def test_maps_are_the_layers_outputs(look):
    for index, layer, unit in ((0, 0, 5), (17, 5, 15), (39, 11, 9)):
        result = settled(look, index=index, layer=layer, unit=unit)
        X, y = pictures(40).batch([index])
        assert torch.equal(result["X"], X) and result["name"] == CLASSES[int(y)]
        for name, output in result["activations"].items():
            torch.testing.assert_close(output, activations(lenet_like(), X, name)[0])
        low, high = (svg.number(value.item()) for value in result["layer"].output.aminmax())
        assert f"from {low} to {high}" in look.describe(result)


@pytest.mark.parametrize("layer, unit", [("0", 2), ("6", 9), ("9", 60), ("11", 3)])
def test_top_pictures_are_top_images(look, layer, unit):
    top = top_images(lenet_like(), pictures(40), layer, unit)
    result = settled(look, view="top pictures", layer=int(layer), unit=unit)
    assert result["numbers"] == top.numbers and result["positions"] == top.positions and result["searched"] == 40
    torch.testing.assert_close(result["values"], top.values)
    assert f"{top.numbers[0]} ({svg.number(float(top.values[0]))})" in look.describe(result)
    if top.positions:
        row = next(row for row in receptive_field(lenet_like(), (1, 1, 28, 28)) if row.name == layer)
        (first, left), (down, right) = row.offset, row.stride
        assert [box[:2] for box in result["boxes"]] == [(first + down * i, left + right * j) for i, j in top.positions]
        assert all((box[2] - box[0], box[3] - box[1]) == row.size for box in result["boxes"])
        assert look.picture.count('stroke="#ad5800" stroke-width="2"') == 9
    else:
        assert result["boxes"] is None


def test_grad_cam_is_grad_cam(look):
    for layer in range(7):
        result = settled(look, view="Grad-CAM", index=11, layer=layer, unit=1)
        torch.testing.assert_close(result["cam"], grad_cam(lenet_like(), result["X"], str(layer)))
        assert f"weight of the unit {float(result['weights'][1]):.3g}" in look.describe(result)
    look.update(layer=9, unit=0)
    assert "net[9] has no rows and columns" in look.result["note"] and look.result["note"] in look.picture


def test_occlusion_is_occlusion_map(look):
    result = settled(look, view="occlusion", index=8, layer=4, unit=3)
    X, size, stride = result["X"], result["size"], result["stride"]
    torch.testing.assert_close(result["drop"], occlusion_map(lenet_like(), X, size=size, stride=stride))

    class Unit(nn.Module):
        """The strongest response of one unit, as a class of its own."""

        def __init__(self):
            super().__init__()
            self.net = lenet_like().eval()[:5]

        def forward(self, X):
            return self.net(X)[:, 3].amax((1, 2))[:, None]

    torch.testing.assert_close(result["unit_drop"], occlusion_map(Unit(), X, 0, size=size, stride=stride))
    assert result["answer"] == int(lenet_like().eval()(X).argmax())
    assert f"falls by at most {float(result['drop'].max()):.3g}" in look.describe(result)


@pytest.mark.parametrize("channels", [8, 7, 28])
def test_maps_with_their_channels_last_are_looked_into_as_maps(channels):
    """As in Swin: every view shows what it shows of the net that has its channels in front."""
    looks = [LookInside(Last(last, channels, 0), pictures(30)) for last in (True, False)]
    layer = [found.name for found in looks[0].result["layers"]].index("turned")
    for view in VIEWS:
        last, front = (settled(look, view=view, layer=layer, unit=3, index=4) for look in looks)
        assert last["layer"].output.shape == (channels, 7, 7)
        assert torch.equal(last["layer"].output, front["layer"].output)
        for key in {"values", "weights", "cam", "drop", "unit_drop"} & set(front):
            torch.testing.assert_close(last[key], front[key])
        for key in {"numbers", "positions"} & set(front):
            assert last[key] == front[key]


def test_swin_of_torchvision():
    net = torchvision.models.swin_transformer.SwinTransformer([4, 4], 8, [1, 1], [2, 2], [4, 4], num_classes=5)
    look, X = LookInside(net, photos()), photos()[1:2]
    for name, shape in {"features.0.1": (8, 16, 16), "features.1.0": (8, 16, 16), "features.3.0": (16, 8, 8)}.items():
        layer = [found.name for found in look.result["layers"]].index(name)
        result = settled(look, view="Grad-CAM", index=1, layer=layer, unit=5)
        assert result["layer"].output.shape == shape
        torch.testing.assert_close(result["layer"].output, activations(net, X, name)[0].permute(2, 0, 1))
        torch.testing.assert_close(result["cam"], grad_cam(net, X, name))
        result = settled(look, view="top pictures", layer=layer, unit=5)
        wanted = top_images(net, [(photos(), torch.zeros(6))], name, 5)
        assert result["numbers"] == wanted.numbers and result["positions"] == wanted.positions


def test_a_net_without_classes_says_why_there_is_no_grad_cam():
    look = LookInside(nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU()), torch.rand(2, 1, 8, 8))
    assert look.result["answer"] is None
    look.view = "Grad-CAM"
    assert "needs a net that gives one number per class" in look.result["note"]
    result = settled(look, view="occlusion")
    assert "drop" not in result and result["unit_drop"].shape == (7, 7)


def test_a_layer_beside_the_answer_has_no_grad_cam():
    class Aside(nn.Module):
        def __init__(self):
            super().__init__()
            self.aside, self.head = nn.Conv2d(1, 2, 3), nn.Linear(64, 3)

        def forward(self, X):
            return self.head(X.flatten(1)), self.aside(X)

    look = LookInside(Aside(), torch.rand(2, 1, 8, 8), classes=["a", "b", "c"], view="Grad-CAM")
    names = [layer.name for layer in look.result["layers"]]
    look.layer = names.index("aside")
    assert "does not depend on aside" in look.result["note"]
    assert ">a<" in look.picture and ">c<" in look.picture, "classes by their names"


# What it works on --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grey", [True, False])
def test_pictures_of_different_sizes_in_a_list(grey):
    sizes = ((20, 24), (28, 28), (17, 30))
    given = [torch.rand(*size) if grey else torch.rand(3, *size) for size in sizes]
    net = nn.Sequential(nn.Conv2d(1 if grey else 3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    look = LookInside(net, given)
    assert drive(look) > 8
    result = settled(look, index=2, layer=0, unit=3, view="top pictures")
    assert result["layer"].output.shape == (4, 15, 28) and sorted(result["numbers"]) == [0, 1, 2]
    assert torch.equal(result["pixels"], given[2].reshape(-1, 17, 30))


def test_bytes_and_a_preprocess_that_changes_the_size():
    bytes_ = (255 * photos()).to(torch.uint8)
    resize = torchvision.transforms.Compose([torchvision.transforms.CenterCrop(40), NORMALIZE])
    look = LookInside(torchvision.models.resnet18(weights=None), bytes_, preprocess=resize)
    X = resize(bytes_[:1].float() / 255)
    assert torch.equal(look.result["X"], X)
    torch.testing.assert_close(look.result["pixels"], ((X - X.min()) / (X.max() - X.min()))[0])


@pytest.mark.parametrize(
    "wrong, error, said",
    [
        ((torch.rand(3, 8, 8),), ValueError, "must be [(]N, C, H, W[)]"),
        ((torch.rand(2, 4, 8, 8),), ValueError, "a picture has shape [(]4, 8, 8[)]"),
        ((torch.randn(2, 1, 8, 8),), ValueError, "must lie in 0 to 1"),
        (([],), ValueError, "no picture"),
        ((7,), TypeError, "not int"),
        (([[1, 2]],), TypeError, "torch.from_numpy"),
        ((torch.rand(2, 3, 8, 8),), ValueError, "the net takes 1 channels and the pictures have 3"),
    ],
)
def test_pictures_that_cannot_be_shown_are_said(wrong, error, said):
    with pytest.raises(error, match=said):
        LookInside(nn.Conv2d(1, 2, 3), *wrong)


def test_nets_that_cannot_be_looked_into_are_said():
    X = torch.rand(2, 1, 8, 8)
    with pytest.raises(TypeError, match="must be a net"):
        LookInside(X, X)
    with pytest.raises(ValueError, match="lazy"):
        LookInside(nn.LazyConv2d(2, 3), X)
    with pytest.raises(ValueError, match="preprocess gives"):
        LookInside(nn.Conv2d(1, 2, 3), X, preprocess=lambda X: X.flatten())
    net = nn.Conv2d(1, 2, 3)
    nn.init.constant_(net.weight, float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        LookInside(net, X)


def test_the_net_is_left_alone_and_later_training_shows():
    net = lenet_like()
    net(torch.randn(4, 1, 28, 28)).sum().backward()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    gradients, random = [p.grad.clone() for p in net.parameters()], torch.get_rng_state()
    look = LookInside(net, pictures(20))
    for view in VIEWS:
        settled(look, view=view, layer=3, unit=2)
    assert net.training and not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), gradients, strict=True))
    assert torch.equal(torch.get_rng_state(), random)
    with torch.no_grad():
        net[0].weight.mul_(-1)
    for view in ("top pictures", "Grad-CAM"):
        result = settled(look, view=view, layer=4, unit=2)
        assert "cam" in result or result["numbers"] == top_images(net, pictures(20), "4", 2).numbers
    torch.testing.assert_close(result["cam"], grad_cam(net, result["X"], "4"))
    net[11] = nn.Linear(120, 4)
    look.refresh()
    assert look.result["logits"].shape == (4,), "a net that was rebuilt"


def test_the_unit_slider_follows_the_layer(look):
    for layer, units in ((0, 6), (7, 400), (11, 10)):
        look.update(layer=layer, unit=0)
        assert look.controls["unit"].max == units - 1
    look.update(layer=7, unit=399)
    look.layer = 0
    assert look.unit == 5 == look.result["unit"]


def test_a_slow_search_goes_on_in_a_thread_and_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr("helpers.widgets.nets.look_inside.widget.PATIENCE", 0.0)
    gate, net = threading.Event(), Shared()
    look = LookInside(net, torch.rand(40, 1, 9, 9))
    original = look.gallery.__class__.__getitem__

    def slow(gallery, index):
        if threading.current_thread() is not threading.main_thread():
            gate.wait(20)
        return original(gallery, index)

    monkeypatch.setattr(look.gallery.__class__, "__getitem__", slow)
    look.view = "top pictures"
    assert re.search("looking through 40 pictures: 0%", look.picture)
    look.view = "maps"
    assert look.result["activations"], "meanwhile the widget can be used"
    look.view = "top pictures"
    gate.set()
    look.wait()
    assert look.result["numbers"] == top_images(net, [(look_all(look), None)], "first", 0).numbers
    assert "strongest of 40 pictures" in look.describe(look.result)


def look_all(look):
    return torch.cat([look.gallery[i].X for i in range(len(look.gallery))])


def test_an_error_in_the_thread_is_shown(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT")
    monkeypatch.setattr("helpers.widgets.nets.look_inside.widget.PATIENCE", 0.0)
    given = [torch.rand(1, 9, 9), torch.rand(3, 9, 9)]
    look = LookInside(Shared(), given)
    look.view = "top pictures"
    look.wait()
    assert look.errors and "the net takes 1 channels" in look._message.value


def test_all_words_lie_inside_the_picture(look):
    for view in VIEWS:
        for layer, unit in ((0, 5), (4, 15), (7, 399), (11, 9)):
            look.update(view=view, layer=layer, unit=unit)
            look.wait()
            words = r'<text x="([\d.-]+)" y="([\d.-]+)" font-size="([\d.]+)" text-anchor="(\w+)"[^>]*>([^<]*)<'
            for x, y, size, anchor, said in re.findall(words, look.picture):
                wide = 0.55 * float(size) * len(said)
                left = float(x) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
                assert left >= -4 and left + wide <= 968 and 0 < float(y) <= 560, (view, layer, said)
                assert float(size) >= 11, said


# The hand -----------------------------------------------------------------------------------------------------


def test_layers_units_and_pictures_are_clicked(look):
    look.update(layer=4, unit=3)
    for label, name, at, count in (("layers", "layer", 4, 12), ("maps", "unit", 3, 16), ("pictures", "index", 0, 18)):
        axis = areas(look)[label]["across"]
        assert (axis["name"], axis["at"], axis["count"]) == (name, at, count)
    settled(look, view="Grad-CAM")
    assert areas(look)["values"]["across"]["name"] == "unit"
    numbers = settled(look, view="top pictures")["numbers"]
    touched(look, "strongest 2")
    assert look.index == numbers[1] == look.result["index"]
    touched(look, "later pictures")
    assert look.index == (numbers[1] // 18 + 1) * 18


@pytest.mark.parametrize("view", ["maps", "Grad-CAM"])
def test_the_pixel_that_is_held_is_that_of_the_map(look, view):
    for down, across, place in ((0.0, 1.0, (0, 9)), (0.55, 0.31, (5, 3))):
        result = settled(look, view=view, layer=4, unit=7, down=down, across=across)
        values = result["cam"] if view == "Grad-CAM" else result["layer"].output[7]
        assert result["place"] == place
        assert f"at row {place[0]}, column {place[1]}: {float(values[place]):.3g}" in look.describe(result)
        assert areas(look)["pixel"]["down"]["at"] == pytest.approx((place[0] + 0.5) / 10)
    if view == "maps":
        row = next(row for row in receptive_field(lenet_like(), (1, 1, 28, 28)) if row.name == "4")
        corner = [offset + i * stride for offset, i, stride in zip(row.offset, (5, 3), row.stride, strict=True)]
        assert list(result["window"][:2]) == corner and result["window"][2] - corner[0] == row.size[0]


def test_the_cover_is_dragged_and_says_what_the_net_loses(look):
    result = settled(look, view="occlusion", index=8, layer=4, unit=3, down=1.0, across=0.0)
    (rows, columns), size, stride = result["drop"].shape, result["size"], result["stride"]
    assert result["place"] == (rows - 1, 0) and areas(look)["cover"]["across"]["step"] == pytest.approx(1 / columns)
    X = result["X"].clone()
    top = (rows - 1) * stride
    X[..., top : top + size, :size] = 0
    with torch.no_grad():
        net = lenet_like().eval()
        lost = (net(result["X"]) - net(X))[0, result["answer"]]
    assert float(result["drop"][rows - 1, 0]) == pytest.approx(float(lost), abs=1e-5)
    said = f"covered here it {'falls' if lost >= 0 else 'rises'} by {float(result['drop'][rows - 1, 0].abs()):.3g}"
    assert said in look.picture and f"window at row {rows - 1}, column 0" in look.describe(result)


def test_a_dense_layer_has_no_place_to_hold(look):
    settled(look, layer=9, unit=2, down=0.9)
    assert look.down == 0.5 and "pixel" not in areas(look) and look.result["window"] is None


def test_the_small_pictures_are_those_that_were_given():
    """What preprocess makes of a picture that is not chosen is not asked for."""
    seen = []

    def preprocess(X):
        seen.append(len(X))
        return X

    look = LookInside(nn.Conv2d(1, 2, 3), torch.rand(30, 1, 8, 8), preprocess=preprocess)
    assert len(seen) == 1 and look.picture.count("<image") >= 18
