"""helpers.inside against independent computations: layers run by hand, brute force, class maps, known fields."""

import copy

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import networks, receptive_field
from helpers.inside import (
    activations,
    ascend,
    features,
    grad_cam,
    image_windows,
    measured_field,
    occlusion_map,
    top_images,
)
from helpers.inside.fields import field_boxes, followed_fields
from helpers.inside.layers import quiet_copy, watch

from ..examples import COURSE, Functional, Shared, made, pictures

# Layers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COURSE)
def test_every_layer_of_every_net_gives_what_it_gives_trace(name):
    net, side = made(name)
    X = torch.randn(3, 1, side, side)
    Y = X
    with torch.no_grad():
        for i, module in enumerate(copy.deepcopy(net).eval()):
            Y = module(Y)
            torch.testing.assert_close(activations(net, X, str(i)), Y)
            torch.testing.assert_close(activations(net, X, net[i]), Y)


def trace(net, X):
    """What Shared gives, layer by layer, in one graph without anything in place."""
    outputs = {"first": net.first(X)}
    outputs["relu"] = outputs["first"].relu()
    outputs["second"] = net.second(outputs["relu"])
    outputs["relu (2)"] = outputs["second"].relu()
    outputs["relu (3)"] = (outputs["relu (2)"] + outputs["relu"]).relu()
    outputs["pair.conv"] = net.pair.conv(outputs["relu (3)"])
    outputs["pair"] = 2 * outputs["pair.conv"]
    return outputs | {"head": net.head(outputs["pair"].mean((2, 3)))}


def test_a_module_that_runs_again_in_place_and_a_tuple():
    net, X = Shared(), torch.randn(2, 1, 9, 9)
    with torch.no_grad():
        expected = trace(net, X)
    for name, output in expected.items():
        torch.testing.assert_close(activations(net, X, name), output)
    _, calls = watch(quiet_copy(net), X)
    assert [call.name for call in calls] == list(expected)
    output, calls = watch(quiet_copy(net), X, grad=True)
    torch.testing.assert_close(output, expected["head"])
    for call in calls:
        torch.testing.assert_close(call.output.detach(), expected[call.name])


def test_gradients_are_those_of_the_layers_themselves():
    net, X = Shared(), torch.randn(1, 1, 9, 9)
    output, calls = watch(quiet_copy(net), X, grad=True)
    found = torch.autograd.grad(output[0, 2], [call.output for call in calls])
    expected = trace(net, X)
    wanted = torch.autograd.grad(expected["head"][0, 2], [expected[call.name] for call in calls])
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_branches_are_listed_with_what_joins_them():
    net = networks.googlenet(width=0.25)
    _, calls = watch(quiet_copy(net), torch.randn(1, 1, 48, 48))
    joined = {call.name: call for call in calls if any(call.module.children())}
    assert list(joined) == ["2.0", "2.1", "3.0", "3.1", "3.2", "3.3", "3.4", "4.0", "4.1"]
    outputs = {call.name: call.output for call in calls}
    ends = [outputs[f"3.2.paths.{i}.{j}"] for i, j in ((0, 1), (1, 3), (2, 3), (3, 2))]
    assert torch.equal(joined["3.2"].output, torch.cat(ends, dim=1))


def test_the_net_is_left_alone():
    net = networks.bn_lenet().train()
    net[1].eval()
    net(torch.randn(4, 1, 28, 28)).sum().backward()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    gradients, X, random = [p.grad.clone() for p in net.parameters()], torch.randn(1, 1, 28, 28), torch.get_rng_state()
    activations(net, X, "3")
    top_images(net, [(X, torch.zeros(1))], "3", 0)
    image_windows(net, X, "3", [(0, 0)])
    ascend(net, "0", 0, (1, 1, 28, 28), steps=2)
    occlusion_map(net, X, size=14, stride=14)
    grad_cam(net, X, "0")
    measured_field(net, X.shape, "4")
    measured_field(net, X.shape, "4", positive=True)
    assert [i for i, module in enumerate(net) if not module.training] == [1] and net.training
    assert not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert all(torch.equal(p.grad, g) and p.requires_grad for p, g in zip(net.parameters(), gradients, strict=True))
    assert torch.equal(torch.get_rng_state(), random) and not X.requires_grad


def test_a_frozen_net_can_be_looked_into():
    net, side = made("resnet18")
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    assert grad_cam(net, torch.randn(1, 1, side, side), "3").shape == (8, 8)


@pytest.mark.parametrize(
    "layer, error, said",
    [
        ("nothing", ValueError, "it has first, second, relu, pair, pair.conv, head"),
        ("relu (4)", ValueError, "relu gave a tensor 3 times as the net ran: there is no run 4"),
        ("relu (0)", ValueError, "no layer 'relu [(]0[)]'"),
        (3, TypeError, "layer is 3: give its name"),
        (nn.Linear(1, 1), ValueError, "this Linear is no module of the net"),
    ],
)
def test_a_layer_that_is_not_there_is_named_with_those_that_are(layer, error, said):
    with pytest.raises(error, match=said):
        activations(Shared(), torch.randn(1, 1, 9, 9), layer)


def test_pictures_that_do_not_fit_are_said():
    with pytest.raises(ValueError, match="the net takes 1 channels and the pictures have 3"):
        activations(Shared(), torch.randn(1, 3, 9, 9), "first")


def test_the_net_itself_is_a_layer():
    net, X = nn.Conv2d(1, 2, 3), torch.randn(2, 1, 5, 5)
    torch.testing.assert_close(activations(net, X, "net"), net(X).detach())
    torch.testing.assert_close(activations(net, X, net), net(X).detach())


# Pictures that excite --------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 17), st.integers(1, 20), st.integers(1, 12), st.integers(0, 3))
def test_top_images_are_those_of_a_full_search(count, k, batch_size, unit):
    torch.manual_seed(count)
    net, X = Shared(), torch.randn(count, 1, 7, 8)
    loader = [(part, torch.zeros(len(part))) for part in X.split(batch_size)]
    top = top_images(net, iter(loader), "second", unit, k)
    with torch.no_grad():
        maps = trace(net, X)["second"][:, unit]
    order = maps.amax((1, 2)).argsort(descending=True, stable=True)[:k]
    assert top.numbers == order.tolist() and torch.equal(top.images, X[order])
    torch.testing.assert_close(top.values, maps.amax((1, 2))[order])
    for i, (row, column) in zip(order, top.positions, strict=True):
        torch.testing.assert_close(maps[i, row, column], maps[i].max())


def test_of_equal_pictures_the_earlier_leads_and_dense_units_have_no_place():
    loader = [(torch.ones(2, 1, 9, 9), torch.zeros(2))] * 3
    top = top_images(Shared(), loader, "head", 1, k=4)
    assert top.numbers == [0, 1, 2, 3] and top.positions is None
    windows = image_windows(Shared(), top.images, "head", None)
    assert torch.equal(windows.images, top.images) and windows.boxes == [(0, 0, 9, 9)] * 4


def test_image_batches_that_shuffle_are_counted_as_stored():
    batches, net = pictures(35, shuffle=True), networks.lenet()
    top = top_images(net, batches, "0", 2, k=5)
    X, _ = batches.batch(range(35))
    assert top.numbers == activations(net, X, "0")[:, 2].amax((1, 2)).argsort(descending=True)[:5].tolist()
    rows, labels = features(net, batches, "9")
    assert rows.shape == (35, 84) and torch.equal(labels, batches.labels)
    torch.testing.assert_close(rows, activations(net, X, "9"))
    assert features(net, batches, "3")[0].shape == (35, 16 * 10 * 10)


def test_what_cannot_be_searched_is_said():
    X = torch.randn(1, 1, 9, 9)
    with pytest.raises(ValueError, match="unit is 4, the layer has the units 0 to 3"):
        top_images(Shared(), [(X, X)], "first", 4)
    with pytest.raises(ValueError, match="k is 0"):
        top_images(Shared(), [(X, X)], "first", 0, 0)
    with pytest.raises(ValueError, match="no batch"):
        top_images(Shared(), [], "first", 0)
    with pytest.raises(ValueError, match="no batch"):
        features(Shared(), [], "first")
    with pytest.raises(ValueError, match="gives shape .3, 2, 4."):
        top_images(nn.Sequential(nn.Flatten(2)), [(torch.zeros(3, 2, 2, 2), X)], "0", 0)


def test_windows_are_what_the_unit_sees():
    net, images = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.MaxPool2d(2)), torch.rand(3, 1, 8, 8)
    windows = image_windows(net, images, "1", [(0, 0), (2, 1), (3, 3)])
    assert windows.boxes == [(0, 0, 3, 3), (3, 1, 7, 5), (5, 5, 8, 8)] and windows.images.shape == (3, 1, 4, 4)
    assert torch.equal(windows.images[1], images[1, :, 3:7, 1:5])
    assert torch.equal(windows.images[0, :, 1:, 1:], images[0, :, :3, :3]) and windows.images[0, :, 0].sum() == 0
    assert torch.equal(windows.images[2, :, :3, :3], images[2, :, 5:, 5:]) and windows.images[2, :, 3].sum() == 0
    with pytest.raises(ValueError, match="3 pictures and 2 positions"):
        image_windows(net, images, "1", [(0, 0), (1, 1)])


def test_what_lies_outside_its_window_does_not_move_a_unit():
    net, X = Functional(), torch.randn(2, 1, 20, 20)
    assert followed_fields(net, (1, 1, 20, 20)) == {}, "functions cannot be followed"
    Y, position = activations(net, X, "b"), (2, 3)
    ((top, left, bottom, right),) = field_boxes(net, (1, 1, 20, 20), "b", [position])
    assert (bottom - top, right - left) == (12, 12) and (top, left) == (4, 6)
    changed = torch.randn(2, 1, 20, 20)
    changed[:, :, top:bottom, left:right] = X[:, :, top:bottom, left:right]
    assert torch.equal(activations(net, changed, "b")[..., 2, 3], Y[..., 2, 3])
    for row, column in ((top, left), (bottom - 1, right - 1)):
        moved = X.clone()
        moved[:, :, row, column] += 100
        assert not torch.equal(activations(net, moved, "b")[..., 2, 3], Y[..., 2, 3])


# Receptive fields ------------------------------------------------------------------------------------------


def box_of(field):
    rows, columns = field.any(1).nonzero().flatten(), field.any(0).nonzero().flatten()
    return rows[0].item(), columns[0].item(), rows[-1].item() + 1, columns[-1].item() + 1


@pytest.mark.parametrize("name", COURSE)
def test_the_measured_field_is_the_computed_one(name):
    """Weights are positive and pooling takes means, so that nothing hides: what is not 0 is the whole field."""
    net, side = made(name)
    shape = (1, 1, side, side)
    fields = receptive_field(net.eval(), shape)
    for row in fields[:: max(1, len(fields) // 8)]:
        if row.type not in ("add", "cat"):
            field = measured_field(net, shape, row.name, positive=True, position=(0, 0))
            assert field.shape == (side, side)
            computed = [(max(0, o), min(side, o + n)) for o, n in zip(row.offset, row.size, strict=True)]
            top, left, bottom, right = box_of(field > 0)
            assert (top, left) == (computed[0][0], computed[1][0])
            # A stride that does not divide the size leaves the last pixels to no window.
            assert all(0 <= want - have <= 2 for have, want in ((bottom, computed[0][1]), (right, computed[1][1])))
            if max(computed[0][1], computed[1][1]) < side:
                assert (bottom, right) == (computed[0][1], computed[1][1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2), st.booleans()), min_size=1, max_size=3))
def test_it_is_the_computed_one_for_any_stack(stack):
    layers = []
    for k, s, pooled in stack:
        layers += [nn.MaxPool2d(k, s)] if pooled else [nn.Conv2d(1, 1, k, s), nn.ReLU()]
    net, shape = nn.Sequential(*layers), (1, 1, 40, 40)
    row = receptive_field(net, shape)[-1]
    field = measured_field(net, shape, row.name, positive=True, position=(1, 1))
    first = [o + s for o, s in zip(row.offset, row.stride, strict=True)]
    assert box_of(field > 0) == (*first, *(a + n for a, n in zip(first, row.size, strict=True)))


def test_torchvision_resnet18_with_random_weights():
    net, shape = torchvision.models.resnet18(weights=None), (1, 3, 64, 64)
    row = next(row for row in receptive_field(net.eval(), shape) if row.name == "layer1.1.conv2")
    field = measured_field(net, shape, "layer1.1.conv2", positive=True)
    assert row.size == (43, 43) and box_of(field > 0) == (11, 11, 54, 54)
    effective = measured_field(net, shape, "layer1.1.conv2", num=4)
    assert ((effective > 0) <= (field > 0)).all(), "a gradient that is not 0 lies inside"
    middle = effective[21:43, 21:43].sum() / effective.sum()
    assert middle > 0.4, "a quarter of the field holds far more of the gradient"
    assert activations(net, torch.randn(2, 3, 64, 64), "layer4.1.relu (2)").shape == (2, 512, 2, 2)


def test_the_effective_field_is_a_mean_over_gradients():
    net, shape = Shared(), (1, 1, 9, 9)
    X = torch.randn(5, 1, 9, 9, generator=torch.Generator().manual_seed(3))
    X.requires_grad_()
    (gradient,) = torch.autograd.grad(trace(net, X)["pair.conv"][:, 2, 1, 4].sum(), X)
    found = measured_field(net, shape, "pair.conv", unit=2, position=(1, 4), num=5, seed=3)
    torch.testing.assert_close(found, gradient.abs().mean(0)[0])
    for wrong in ({"position": (9, 0)}, {"unit": 4}, {"position": (1,)}):
        with pytest.raises(ValueError, match="position is|unit is"):
            measured_field(net, shape, "pair.conv", **wrong)


def test_a_dilated_maximum_and_a_dense_layer_are_measured_too():
    net = nn.Sequential(nn.MaxPool2d(3, 1, dilation=2), nn.Flatten(), nn.Linear(16, 2))
    field = measured_field(net, (1, 1, 8, 8), "0", positive=True, position=(1, 2)) > 0
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[1:6:2, 2:7:2] = True
    assert torch.equal(field, expected)
    assert (measured_field(net, (1, 1, 8, 8), "2", positive=True) > 0).all()


# Ascent ----------------------------------------------------------------------------------------------------


def test_a_picture_climbs():
    net, side = made("lenet")
    for layer, unit in (("0", 3), ("3", 5), ("11", 7)):
        start = ascend(net, layer, unit, (2, 1, side, side), steps=0)
        end = ascend(net, layer, unit, (2, 1, side, side), steps=30)
        before, after = (activations(net, X, layer)[:, unit].reshape(2, -1).mean(1) for X in (start, end))
        assert end.shape == (2, 1, side, side) and (after > before + 0.02).all()
    torch.manual_seed(5)
    assert torch.equal(ascend(net, "0", 3, (1, 1, 28, 28), 5, seed=1), ascend(net, "0", 3, (1, 1, 28, 28), 5, seed=1))


def test_the_steps_of_the_ascent():
    net = nn.Conv2d(1, 2, 3)
    found = ascend(net, "net", 1, (1, 1, 6, 6), 2, 0.2, decay=0.05, jitter=0, seed=4)
    X = 0.1 * torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(4))
    for _ in range(2):
        X.requires_grad_()
        (gradient,) = torch.autograd.grad(net(X)[0, 1].mean(), X)
        X = (0.95 * (X + 0.2 * gradient / gradient.square().mean().sqrt())).detach()
    torch.testing.assert_close(found, X)


def test_a_unit_that_never_responds_is_said():
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    nn.init.constant_(net[0].bias, -100)
    with pytest.raises(ValueError, match="unit 0 does not respond to any pixel"):
        ascend(net, "1", 0, (1, 1, 8, 8), 3)
    with pytest.raises(ValueError, match="unit is 1"):
        ascend(net, "1", 1, (1, 1, 8, 8), 3)


# Occlusion -------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.sampled_from(["logit", "probability"]), st.sampled_from([None, 0, 4]))
def test_occlusion_is_the_drop_under_each_window(size, stride, of, target):
    net, X = Shared(), torch.randn(1, 1, 9, 11)
    found = occlusion_map(net, X[0], target, size=size, stride=stride, value=0.5, of=of, batch_size=7)

    def score(picture):
        with torch.no_grad():
            logits = trace(net, picture)["head"][0]
        return (logits if of == "logit" else logits.softmax(0)).numpy()

    whole = score(X)
    chosen = whole.argmax() if target is None else target
    assert found.shape == ((9 - size) // stride + 1, (11 - size) // stride + 1)
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            covered = X.clone()
            covered[..., i * stride : i * stride + size, j * stride : j * stride + size] = 0.5
            assert found[i, j].item() == pytest.approx(whole[chosen] - score(covered)[chosen], abs=1e-5)


def test_colours_can_be_covered_each_with_its_own_value():
    net, X = nn.Sequential(nn.Conv2d(3, 2, 4), nn.Flatten()), torch.rand(1, 3, 4, 4)
    found = occlusion_map(net, X, 1, size=4, stride=1, value=torch.tensor([0.1, 0.2, 0.3]))
    flat = torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1).expand(1, 3, 4, 4)
    torch.testing.assert_close(found, (net(X) - net(flat))[:, 1:].detach())


@pytest.mark.parametrize(
    "wrong, said",
    [({"size": 10}, "does not fit a picture of 9×9"), ({"stride": 0}, "stride 0"), ({"of": "loss"}, "'loss'"),
     ({"target": 5}, "target is 5, the net has the classes 0 to 4")],
)  # fmt: skip
def test_what_cannot_be_covered_is_said(wrong, said):
    with pytest.raises(ValueError, match=said):
        occlusion_map(Shared(), torch.randn(1, 1, 9, 9), **wrong)
    with pytest.raises(ValueError, match="give one picture"):
        occlusion_map(Shared(), torch.randn(2, 1, 9, 9))
    with pytest.raises(ValueError, match="needs an output of shape"):
        occlusion_map(nn.Conv2d(1, 1, 3), torch.randn(1, 1, 9, 9))


# Grad-CAM --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relu", [True, False])
def test_before_global_average_pooling_it_is_the_class_map(relu):
    net, side = made("nin")
    X = torch.randn(1, 1, side, side)
    maps = activations(net, X, "7")[0]
    target = 3
    expected = maps[target] / maps[0].numel()  # the logit is the mean of its map: each element moves it by 1 / (h·w)
    found = grad_cam(net, X, "7", target, relu=relu)
    torch.testing.assert_close(found, expected.relu() if relu else expected)


def test_before_pooling_and_a_dense_layer_the_weights_are_the_dense_ones():
    net, side = made("resnet18")
    X = torch.randn(1, 1, side, side)
    maps, answer = activations(net, X, "4")[0], int(net.eval()(X).argmax())
    expected = torch.tensordot(net[-1].weight[answer].detach(), maps, dims=1) / maps[0].numel()
    torch.testing.assert_close(grad_cam(net.train(), X, "4"), expected.relu())


@pytest.mark.parametrize("layer", ["first", "relu", "second", "relu (2)", "relu (3)", "pair.conv", "pair"])
def test_grad_cam_by_hand_also_behind_a_relu_in_place(layer):
    net, X = Shared(), torch.randn(1, 1, 9, 9)
    reference = copy.deepcopy(net)
    reference.relu = nn.ReLU()
    outputs = trace(reference, X)
    (gradient,) = torch.autograd.grad(outputs["head"][0, 1], outputs[layer])
    expected = (gradient.mean((2, 3), keepdim=True) * outputs[layer]).sum(1)[0].detach()
    torch.testing.assert_close(grad_cam(net, X, layer, 1, relu=False), expected)


def test_where_grad_cam_has_no_meaning_it_is_said():
    net, X = Shared(), torch.randn(1, 1, 9, 9)
    with pytest.raises(ValueError, match="has no rows and columns"):
        grad_cam(net, X, "head")
    with pytest.raises(ValueError, match="target is 7"):
        grad_cam(net, X, "first", 7)
    with pytest.raises(ValueError, match="does not depend on this layer"):
        grad_cam(Aside(), X, "aside")


class Aside(nn.Module):
    def __init__(self):
        super().__init__()
        self.aside, self.head = nn.Conv2d(1, 2, 3), nn.Linear(81, 3)

    def forward(self, X):
        self.aside(X)
        return self.head(X.flatten(1)), "a remark"
