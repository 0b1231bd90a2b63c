"""Any net can be listened to: compiled, parametrized, called by keyword, with locks and lists, its channels last."""

import threading

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import parametrizations, weight_norm

from helpers.anatomy import describe_net, receptive_field
from helpers.inside import activations, ascend, features, grad_cam, measured_field, occlusion_map, top_images
from helpers.inside.layers import channels_last, lying_last, quiet_copy, tap, watch

from ..examples import Shared, lenet_like

X = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def cam_by_hand(net, X, layer, target):
    """Grad-CAM by a hook on the net itself, in evaluation mode."""
    kept = {}
    hook = net.get_submodule(layer).register_forward_hook(lambda _, __, Y: kept.update(maps=Y.clone()) or kept["maps"])
    logits = net.eval()(X)
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, target], kept["maps"])
    return (gradient.mean((2, 3), keepdim=True) * kept["maps"]).sum(1)[0].detach()


# Nets that are awkward to copy --------------------------------------------------------------------------------


class Keeper(nn.Module):
    """Keeps its outputs in a list, holds a lock and an open file, and calls a layer through a function of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop, self.head = nn.Conv2d(1, 4, 3), nn.Dropout(), nn.Linear(4, 3)
        self.kept, self.tools = [], {"lock": threading.Lock(), "file": open(__file__, "rb")}  # noqa: SIM115
        self.squared, self.hidden = lambda X: self.conv(X) ** 2, [self.head]

    def forward(self, X):
        with self.tools["lock"]:
            self.kept.append(self.squared(X))
        return self.hidden[0](self.drop(self.kept[-1].mean((2, 3))))


def test_a_net_that_keeps_tensors_and_holds_a_lock():
    net = Keeper().train()
    net(X)  # now the list holds a tensor with a graph behind it
    with torch.no_grad():
        wanted = net.conv(X)
    torch.testing.assert_close(activations(net, X, "conv"), wanted)
    cam = grad_cam(net, X, "conv", 1, relu=False)
    field = measured_field(net, X.shape, "conv", positive=True)
    assert len(net.kept) == 1 and net.training and not net.tools["lock"].locked() and int((field > 0).sum()) == 9
    assert not any(module._forward_hooks for module in net.modules())
    torch.testing.assert_close(cam, cam_by_hand(net, X, "conv", 1))
    net.tools["file"].close()


def test_the_copy_shares_the_weights_and_nothing_else():
    net = lenet_like()
    twin = quiet_copy(net)
    assert all(a is b for a, b in zip(net.parameters(), twin.parameters(), strict=True))
    assert not set(net.modules()) & set(twin.modules()) and net.training and not twin.training


@pytest.mark.parametrize("part", ["whole", "one layer", "in place"])
def test_a_compiled_net_that_has_run(part):
    net, plain = Shared(), Shared()
    net.load_state_dict(plain.state_dict())
    picture = torch.randn(1, 1, 9, 9)
    if part == "one layer":
        net.pair = torch.compile(net.pair, backend="eager")
    if part == "in place":
        net.compile(backend="eager")
    called = torch.compile(net, backend="eager") if part == "whole" else net
    called(picture)
    for layer in ("first", "relu (2)", "pair.conv"):
        torch.testing.assert_close(activations(called, picture, layer), activations(plain, picture, layer))
        torch.testing.assert_close(grad_cam(called, picture, layer, 1), grad_cam(plain, picture, layer, 1))
    torch.testing.assert_close(activations(called, picture, net.second), activations(plain, picture, "second"))
    if part == "whole":
        inner = activations(called, picture, "_orig_mod.first")
        torch.testing.assert_close(inner, activations(plain, picture, "first"))
        torch.testing.assert_close(activations(called, picture, called), plain.eval()(picture).detach())


@pytest.mark.parametrize("wrap", [parametrizations.weight_norm, parametrizations.spectral_norm,
                                  parametrizations.orthogonal, weight_norm])  # fmt: skip
@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_parametrized_layers(wrap):
    net = nn.Sequential(wrap(nn.Conv2d(1, 4, 3)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    net(X).sum().backward()
    net.eval()
    _, calls = watch(quiet_copy(net), X)
    assert [call.name for call in calls] == list("01234")
    torch.testing.assert_close(activations(net, X, "0"), net[0](X).detach())
    torch.testing.assert_close(grad_cam(net, X, "0", 2, relu=False), cam_by_hand(net, X, "0", 2))
    field = measured_field(net, X.shape, "0", positive=True, position=(3, 4)) > 0
    assert field.sum() == 9 and field[3:6, 4:7].all()


# How a net and its layers are called --------------------------------------------------------------------------


class Keyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, *, input, scale=1.0):
        return self.head(input=(scale * self.conv(input=input)).mean((2, 3)))


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.mask, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 5, padding=1), nn.Linear(4, 3)

    def forward(self, picture, mask):
        return self.head((self.conv(picture) * self.mask(mask)).mean((2, 3)))


class Entry(Two):
    def forward(self, batch):
        return super().forward(**batch)


def test_arguments_by_name_and_several_of_them():
    keyword, two, entry, mask = Keyword(), Two(), Entry(), torch.rand_like(X)
    entry.load_state_dict(two.state_dict())
    torch.testing.assert_close(activations(keyword, {"input": X}, "conv"), keyword.conv(X).detach())
    assert grad_cam(keyword, {"input": X}, "conv", 0).shape == (26, 26)
    assert int((measured_field(keyword, {"input": X.shape}, "conv", positive=True) > 0).sum()) == 9
    wanted, cam = two.mask(mask).detach(), grad_cam(two, (X, mask), "conv", 1)
    for net, given in ((two, (X, mask)), (two, {"mask": mask, "picture": X}), (entry, {"picture": X, "mask": mask})):
        torch.testing.assert_close(activations(net, given, "mask"), wanted)
        torch.testing.assert_close(grad_cam(net, given, "conv", 1), cam)
    field = measured_field(two, (X.shape, X.shape), "conv", positive=True, position=(0, 0)) > 0
    assert field.sum() == 9 and field[:3, :3].all()
    with pytest.raises(ValueError, match="does not depend on the pixels"):
        measured_field(two, (X.shape, X.shape), "mask")  # it is the second input that this layer sees


def test_gradients_that_the_caller_has_switched_off():
    net, picture = Shared(), torch.randn(1, 1, 9, 9)

    def everything():
        return [grad_cam(net, picture, "first", 1), measured_field(net, picture.shape, "second", num=2),
                measured_field(net, picture.shape, "second", positive=True), activations(net, picture, "relu (2)"),
                ascend(net, "first", 1, (1, 1, 9, 9), 3), occlusion_map(net, picture, 1)]  # fmt: skip

    wanted = everything()
    for off in (torch.no_grad(), torch.inference_mode()):
        with off:
            picture = picture.clone()  # in inference mode a tensor without the means for gradients
            found = everything()
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b)
            assert not a.requires_grad
    with torch.inference_mode():
        made = Shared()
        assert grad_cam(made, picture, "first", 1).shape == (9, 9)


def test_a_net_that_switches_gradients_off_itself_is_said():
    class Silent(Shared):
        @torch.no_grad()
        def forward(self, X):
            return super().forward(X)

    with pytest.raises(ValueError, match="switches gradients off"):
        grad_cam(Silent(), torch.randn(1, 1, 9, 9), "first")
    with pytest.raises(ValueError, match="switches gradients off"):
        measured_field(Silent(), (1, 1, 9, 9), "first")


# What is no net, no picture, no number ---------------------------------------------------------------------------

NET = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
ASKED = {
    "activations": lambda net, X: activations(net, X, "0"), "grad_cam": lambda net, X: grad_cam(net, X, "0"),
    "occlusion_map": lambda net, X: occlusion_map(net, X),
    "top_images": lambda net, X: top_images(net, [(X, torch.zeros(1))], "0", 0),
    "features": lambda net, X: features(net, [(X, torch.zeros(1))], "0"),
}  # fmt: skip
OF_A_SHAPE = {
    "measured_field": lambda net: measured_field(net, X.shape, "0"),
    "positive": lambda net: measured_field(net, X.shape, "0", positive=True),
    "ascend": lambda net: ascend(net, "0", 0, X.shape, 1), "describe_net": lambda net: describe_net(net, X.shape),
    "receptive_field": lambda net: receptive_field(net, X.shape),
}  # fmt: skip


@pytest.mark.parametrize("name", [*ASKED, *OF_A_SHAPE])
@pytest.mark.parametrize("net, said", [(nn.ReLU, r"is the class ReLU: call it, as in ReLU\(\)"),
                                       (None, "not a NoneType"), (lambda X: X, "not a function")],
                         ids=["class", "None", "function"])  # fmt: skip
def test_what_is_no_net_is_said(name, net, said):
    with pytest.raises(TypeError, match=said):
        ASKED[name](net, X) if name in ASKED else OF_A_SHAPE[name](net)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("wrong", [X.numpy(), None, "photo.png", [1, 2]], ids=["array", "None", "text", "list"])
def test_what_is_no_tensor_is_said(name, wrong):
    with pytest.raises(TypeError, match=f"X is {type(wrong).__name__}, must be a tensor"):
        ASKED[name](NET, wrong)


@pytest.mark.parametrize("wrong", ["1", 1.5, True, None, [1]], ids=repr)
def test_what_is_no_whole_number_is_said(wrong):
    loader = [(X, torch.zeros(1))]
    for name, ask in {
        "k": lambda: top_images(NET, loader, "0", 0, k=wrong), "unit": lambda: top_images(NET, loader, "0", wrong),
        "size": lambda: occlusion_map(NET, X, size=wrong), "stride": lambda: occlusion_map(NET, X, stride=wrong),
        "steps": lambda: ascend(NET, "0", 0, X.shape, wrong),
        "each number of position": lambda: measured_field(NET, X.shape, "0", position=(1, wrong)),
    }.items():
        with pytest.raises(TypeError, match=f"{name} is .*, must be a whole number"):
            ask()
    if wrong is not None:  # which stands for the net's answer, or for all units
        for name, ask in {"target": lambda: grad_cam(NET, X, "0", wrong),
                          "unit": lambda: measured_field(NET, X.shape, "0", unit=wrong)}.items():  # fmt: skip
            with pytest.raises(TypeError, match=f"{name} is .*, must be a whole number"):
                ask()
    if wrong not in (None, [1]):
        with pytest.raises(TypeError, match=r"position is .*, must be \(row, column\)"):
            measured_field(NET, X.shape, "0", position=wrong)
    assert torch.equal(grad_cam(NET, X, "0", np.int64(2)), grad_cam(NET, X, "0", 2))


# Channels last ------------------------------------------------------------------------------------------------


class Last(nn.Module):
    """The same convolutions with the maps as (N, H, W, C) between them, or not."""

    def __init__(self, last, channels=8, size=28, error=RuntimeError):
        super().__init__()
        torch.manual_seed(3)
        self.last, self.size, self.error = last, size, error
        self.first, self.second = nn.Conv2d(1, channels, 4, 4), nn.Conv2d(channels, channels, 3, padding=1)
        self.turned, self.head = nn.Identity(), nn.Linear(channels, 3)

    def forward(self, X):
        if X.shape[2:] != (self.size, self.size) and self.size:
            raise self.error("this net takes one size alone")
        X = self.second(self.first(X).relu())
        X = self.turned(X.permute(0, 2, 3, 1)) if self.last else self.turned(X).permute(0, 2, 3, 1)
        return self.head(X.mean((1, 2)).relu())


@pytest.mark.parametrize("channels, size", [(8, 28), (8, 0), (7, 0), (20, 28)])
def test_maps_with_their_channels_last_are_the_same_maps(channels, size):
    plain, last = Last(False, channels, size), Last(True, channels, size)
    loader = [(torch.randn(5, 1, 28, 28), torch.zeros(5))] * 2
    torch.testing.assert_close(grad_cam(last, X, "turned", 1), grad_cam(plain, X, "turned", 1))
    torch.testing.assert_close(measured_field(last, X.shape, "turned", unit=2, position=(1, 5)),
                               measured_field(plain, X.shape, "turned", unit=2, position=(1, 5)))  # fmt: skip
    field = measured_field(last, X.shape, "turned", positive=True, position=(1, 5)) > 0
    assert torch.equal(field, measured_field(plain, X.shape, "turned", positive=True, position=(1, 5)) > 0)
    assert field[:12, 16:28].all() and field.sum() == 144
    found, wanted = (top_images(net, loader, "turned", 3, k=4) for net in (last, plain))
    assert found.numbers == wanted.numbers and found.positions == wanted.positions
    torch.testing.assert_close(*(ascend(net, "turned", 3, X.shape, 4) for net in (last, plain)))
    assert features(last, loader, "turned")[0].shape == (10, 49 * channels)


class Dense(Last):
    """One size alone, for a dense layer stands behind the maps."""

    def __init__(self, last):
        super().__init__(last, 7)
        self.head = nn.Linear(343, 3)

    def forward(self, X):
        X = self.second(self.first(X).relu())
        return self.head(self.turned(X.permute(0, 2, 3, 1) if self.last else X).flatten(1))


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("error", [AssertionError, KeyError])
def test_a_net_may_refuse_another_size_in_its_own_way(last, error):
    """Swin's first implementation asserts the size of its pictures."""
    net = Last(last, 8, 28, error)
    torch.testing.assert_close(grad_cam(net, X, "turned", 1), grad_cam(Last(False), X, "turned", 1))
    twin = quiet_copy(net)
    assert lying_last(twin, X, watch(twin, X)[1]) == ({"turned"} if last else set())


@pytest.mark.parametrize("last", [True, False])
def test_as_many_channels_as_rows_with_a_dense_layer_behind(last):
    """How maps (1, 7, 7, 7) lie shows on a wider picture, before the dense layer refuses it."""
    listen = tap(Dense(last), "turned")
    maps = listen(X)[1]
    assert maps.shape == (1, 7, 7, 7) and channels_last(listen, X, maps) == last
    twin = quiet_copy(Dense(last))
    assert lying_last(twin, X, watch(twin, X)[1]) == ({"turned"} if last else set())


def test_swin_of_torchvision():
    net = torchvision.models.swin_transformer.SwinTransformer([4, 4], 8, [1, 1], [2, 2], [4, 4], num_classes=5)
    X = torch.randn(1, 3, 64, 64)
    listen, kept = tap(net, "features.2"), {}
    assert listen(X)[1].shape == (1, 8, 8, 16)
    hook = net.features[2].register_forward_hook(lambda _, __, Y: kept.update(maps=Y))
    logits = net.eval()(X)
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, 2], kept["maps"])
    wanted = (gradient.mean((1, 2), keepdim=True) * kept["maps"]).sum(3)[0].detach()
    torch.testing.assert_close(grad_cam(net, X, "features.2", 2, relu=False), wanted)
    field = measured_field(net, X.shape, "features.0", positive=True, position=(2, 5)) > 0
    assert field.sum() == 16 and field[8:12, 20:24].all()  # one patch of 4 × 4 pixels
    window = measured_field(net, X.shape, "features.1", positive=True, position=(2, 5)) > 0
    assert window.sum() == 16 * 16 and window[:16, 16:32].all()  # the window of 4 × 4 patches that attends


# Names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong, near", [("layer3.1.conv3", "layer3.1.conv2"), ("Layer4.0.bn1", "layer4.0.bn1"),
                                         ("fc2", "fc"), ("x" * 9000, "conv1")])  # fmt: skip
def test_an_unknown_layer_of_a_large_net_names_the_nearest(wrong, near):
    net = torchvision.models.resnet18(weights=None)
    for function in (activations, grad_cam):
        with pytest.raises(ValueError, match="the net has no layer") as caught:
            function(net, torch.zeros(1, 3, 32, 32), wrong)
        said = str(caught.value)
        assert near in said.partition("it has")[2] and len(said) < 400 and "named_modules" in said
    with pytest.raises(TypeError) as caught:
        activations(net, X, [0] * 9000)
    assert len(str(caught.value)) < 400
    with pytest.raises(ValueError, match="this Linear is no module") as caught:
        activations(net, X, nn.Linear(1, 1))
    assert len(str(caught.value)) < 400
