"""What lesson 14 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import copy
import itertools
import math

import pytest
import torch
from sklearn.manifold import TSNE
from torch import nn
from torch.nn import functional as F

from helpers import Cosine, load_data_fashion_mnist, receptive_field, train_ch6
from helpers.exercises import find
from helpers.inside import (
    activations,
    ascend,
    features,
    grad_cam,
    image_windows,
    measured_field,
    occlusion_map,
    photo_net,
    photos,
    top_images,
)
from helpers.inside.photos import WEIGHTS
from helpers.place import package_file
from helpers.training import xavier
from helpers.widgets import LookInside

from ..claims import definitions_of

RELUS = [f"relu{i}" for i in range(1, 6)]
learned = pytest.mark.skipif(package_file(WEIGHTS, "models/*.pth") is None, reason=f"{WEIGHTS} is not installed")


@pytest.fixture(scope="module")
def lesson():
    """What the lesson defines; its garment net, trained on 4,000 pictures, and 500 test pictures."""
    names = definitions_of("14_seeing_inside")
    train, test = load_data_fashion_mnist(64, num_train=4_000, num_test=500, device="cpu", seed=0)
    torch.manual_seed(0)
    net = names["make_net"]().apply(xavier)
    untrained = copy.deepcopy(net).eval()
    train_ch6(net, train, test, 3, Cosine(0.2), device="cpu", seed=0, init=False)
    (X, y), (Xt, yt) = test.batch(range(500)), train.batch(range(1_000))
    low, high = X.min().item(), X.max().item()
    names.update(net=net, untrained=untrained, X=X, y=y, Xt=Xt, yt=yt, low=low, high=high, test=test)
    with torch.no_grad():
        names["answers"] = net(X).argmax(dim=1).tolist()
    return names


def mean(values):
    values = list(values)
    return sum(values) / len(values)


# Hooks ----------------------------------------------------------------------------------------------------


def test_a_module_that_runs_twice_fires_twice_and_an_in_place_relu_overwrites_what_a_hook_kept():
    torch.manual_seed(0)
    relu = nn.ReLU(inplace=True)
    twice, seen, kept = nn.Sequential(nn.Linear(3, 3), relu, nn.Linear(3, 3), relu), [], []
    relu.register_forward_hook(lambda module, inputs, output: seen.append(output.clone()))
    twice[0].register_forward_hook(lambda module, inputs, output: kept.extend([output, output.clone()]))
    v = torch.randn(5, 3)
    with torch.no_grad():
        twice(v)
    assert [name for name, _ in twice.named_modules()] == ["", "0", "1", "2"]
    assert f"guess = {[len(seen), int(kept[0].min())]}" == find("14.p1").solution and kept[1].min() < 0
    assert torch.equal(kept[1], activations(twice, v, "0"))
    assert torch.equal(seen[0], activations(twice, v, "1")) and torch.equal(seen[1], activations(twice, v, "1 (2)"))


def test_a_hook_by_hand_is_activations_and_training_leaves_the_net_in_evaluation_mode(lesson):
    net, kept = lesson["net"], {}
    assert not net.training
    handle = net.relu3.register_forward_hook(lambda module, inputs, output: kept.update(relu3=output.clone()))
    with torch.no_grad():
        net(lesson["X"][:6])
    handle.remove()
    assert kept["relu3"].shape == (6, 32, 14, 14)
    torch.testing.assert_close(kept["relu3"], activations(net, lesson["X"][:6], "relu3"), atol=1e-4, rtol=1e-4)


# Edges, textures, patterns --------------------------------------------------------------------------------


@learned
def test_the_expert_has_learned_and_a_dahlia_is_not_among_its_classes():
    net, names = photo_net()
    assert len([name for name, _ in net.named_children() if name.startswith("block")]) == 16
    assert 4.6e6 < sum(p.numel() for p in net.parameters()) < 4.75e6
    assert not any("dahlia" in name.lower() for name in names) and {"daisy", "tripod"} <= set(names)


@learned
def test_made_pictures_excite_their_units_more_than_photos_do():
    net, _ = photo_net()
    X = torch.stack(list(photos(112).values()))
    front, standardised = net[1:7], net.pixels(X)
    of_photos = activations(front, standardised, "block5").mean(dim=(2, 3)).amax(dim=0)
    for unit in range(4):
        made = ascend(front, "block5", unit, (1, 3, 72, 72), 12, decay=0.02)
        assert activations(front, made, "block5")[0, unit].mean() > of_photos[unit]


def test_climbing_by_hand_is_ascend_without_its_additions_and_it_climbs(lesson):
    net, unit, climbed = lesson["net"], 5, []
    generator = torch.Generator().manual_seed(0)
    made = (0.1 * torch.randn((1, 1, 28, 28), generator=generator)).requires_grad_()
    front = net[: [name for name, _ in net.named_children()].index("conv5") + 1]
    for _ in range(10):
        objective = front(made)[:, unit].mean()
        (gradient,) = torch.autograd.grad(objective, made)
        climbed.append(objective.item())
        with torch.no_grad():
            made += 0.05 * gradient / gradient.square().mean().sqrt()
    assert climbed[-1] > max(climbed[0], 0) + 0.3 and climbed == sorted(climbed)
    plain = ascend(net, "conv5", unit, (1, 1, 28, 28), 10, 0.05, decay=0, jitter=0)
    torch.testing.assert_close(plain, made.detach(), atol=1e-3, rtol=1e-3)


def test_garments_that_were_made_excite_half_of_the_units_more_than_any_picture(lesson):
    net, X, units = lesson["net"], lesson["X"], range(0, 60, 10)
    made = torch.cat([ascend(net, "conv5", u, (1, 1, 28, 28), steps=64, decay=0.1) for u in units])
    of_made = torch.stack([activations(net, made[i : i + 1], "relu5")[0, u].mean() for i, u in enumerate(units)])
    of_real = activations(net, X, "relu5").mean(dim=(2, 3))[:, list(units)].amax(dim=0)
    assert (of_made > of_real).float().mean() >= 0.5 and of_made.mean() > of_real.mean()


# Learned, or there anyway? --------------------------------------------------------------------------------


def smoothness(kernels):
    """The correlation of neighbouring weights within kernels (..., h, w), 0 for noise."""
    pairs = (kernels[..., 1:], kernels[..., :-1]), (kernels[..., 1:, :], kernels[..., :-1, :])
    return mean(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item() for a, b in pairs)


def test_neighbouring_weights_become_alike_in_the_first_layer_more_than_in_the_last(lesson):
    start, end = ({name: smoothness(getattr(model, name).weight.detach()) for name in ("conv1", "conv2", "conv5")}
                  for model in (lesson["untrained"], lesson["net"]))  # fmt: skip
    assert all(abs(value) < 0.25 for value in start.values())  # conv1 has few weights to go by
    assert end["conv1"] > start["conv1"] + 0.03
    assert end["conv1"] - start["conv1"] > end["conv5"] - start["conv5"] and end["conv5"] > start["conv5"]


def test_with_depth_the_place_fades_and_the_class_comes_forward_and_random_weights_find_edges(lesson):
    X, y, Xt, yt = (lesson[name] for name in ("X", "y", "Xt", "yt"))
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    edges = F.conv2d(X[:300], torch.stack([sobel, sobel.T])[:, None], padding=1).norm(dim=1, keepdim=True)
    like, separated = {}, {}
    for name in ("net", "untrained"):
        maps = {layer: [activations(lesson[name], part, layer) for part in (Xt, X)] for layer in ("relu1", "relu5")}
        like[name] = [lesson["likeness"](maps[layer][1][:300], edges) for layer in maps]
        pooled = {layer: [part.mean(dim=(2, 3)) for part in maps[layer]] for layer in maps}
        separated[name] = [lesson["nearest_centroid"](pooled[k][0], yt, pooled[k][1], y) for k in maps]
    assert like["net"][0] > like["net"][1] + 0.1 and like["untrained"][0] > 0.3
    assert separated["net"][1] > separated["net"][0] + 0.15
    assert separated["net"][1] > separated["untrained"][1] + 0.15
    train, test = pooled["relu5"]  # of the random net
    assert probe(train, yt, test, y) > separated["untrained"][1] + 0.1


def probe(train, train_y, test, test_y):
    """Test accuracy of a linear classifier fitted by least squares with a small penalty."""
    center, spread = train.mean(dim=0), train.std(dim=0) + 1e-3
    train, test = (train - center) / spread, (test - center) / spread
    gram = train.T @ train + 100 * torch.eye(train.shape[1])
    weights = torch.linalg.solve(gram, train.T @ (F.one_hot(train_y, 10).float() - 0.1))
    return ((test @ weights).argmax(dim=1) == test_y).float().mean().item()


def test_a_random_expert_finds_edges_too_and_says_nearly_the_same_of_every_photo(lesson):
    net, _ = photo_net(trained=False)
    X = torch.cat([torch.stack(list(photos(96).values())), torch.stack(list(photos(96).values())).flip(3)])
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    outline = F.conv2d(X.mean(dim=1, keepdim=True), torch.stack([sobel, sobel.T])[:, None], padding=1)
    assert lesson["likeness"](activations(net, X, "stem"), outline.norm(dim=1, keepdim=True)) > 0.3
    with torch.no_grad():
        logits = net(X)
    assert mean(lesson["alike"](logits[0], other) for other in logits[1:]) > 0.8


# What a unit can see --------------------------------------------------------------------------------------


def test_the_computed_box_is_the_measured_one_and_the_gradient_lies_in_its_middle(lesson):
    net, shape = copy.deepcopy(lesson["net"]).double(), (1, 1, 64, 64)
    computed = {row.name: row for row in receptive_field(net, shape)}
    assert f"guess = {[computed[name].size[0] for name in RELUS]}" == find("14.p2").solution
    noise = torch.randn((16, *shape[1:]), generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    for name in RELUS:
        front = net[: [child for child, _ in net.named_children()].index(name) + 1]
        size, step = computed[name].size[0], computed[name].stride[0]
        at = 64 // step // 2
        (gradient,) = torch.autograd.grad(front(noise)[..., at, at].sum(), noise)
        field = gradient.abs().mean(dim=0).sum(dim=0)
        measured = measured_field(lesson["net"], shape, name)
        torch.testing.assert_close(field.float(), measured, atol=0.01 * field.max().item(), rtol=0.01)
        reach = measured_field(net, shape, name, positive=True) > 0
        top = computed[name].offset[0] + at * step
        assert reach.sum() == size**2 and reach[top : top + size, top : top + size].all() and not field[~reach].any()
        inner = slice(top + size // 4, top + size - size // 4)
        share, area = field[inner, inner].sum() / field.sum(), ((size - 2 * (size // 4)) / size) ** 2
        assert name == "relu1" or share > 1.25 * area
    assert size == 32 and area == 0.25 and share > 0.4


def test_the_box_grows_like_n_and_the_spot_like_its_root():
    for n in (2, 8, 32):
        stack = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(n)))
        row = measured_field(stack, (1, 1, 81, 81), str(n - 1), positive=True).double().sum(dim=0)
        deviation = ((row / row.sum() * (torch.arange(81.0) - 40) ** 2).sum() ** 0.5).item()
        assert int((row > 0).sum()) == 2 * n + 1 and deviation == pytest.approx(math.sqrt(2 * n / 3), abs=1e-3)


# What excites a unit --------------------------------------------------------------------------------------


def test_top_images_are_the_largest_values_of_the_maps_and_windows_fit_the_field(lesson):
    net, X, y = lesson["net"], lesson["X"], lesson["y"]
    sizes = {row.name: row.size[0] for row in receptive_field(net, (1, 1, 28, 28))}
    for layer in RELUS[::2]:
        responses = lesson["largest"](activations(net, X, layer))[:, 5]
        top = top_images(net, [(X, y)], layer, 5, k=9)
        torch.testing.assert_close(top.values, responses.topk(9).values, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(top.values, responses[top.numbers], atol=1e-4, rtol=1e-4)
        assert image_windows(net, top.images, layer, top.positions).images.shape[-1] <= sizes[layer]


def purities(lesson):
    torch.manual_seed(0)
    maps = activations(lesson["net"], lesson["X"], "relu5")
    mixed = torch.einsum("nchw,cd->ndhw", maps, torch.linalg.qr(torch.randn(64, 64))[0])
    start = activations(lesson["untrained"], lesson["X"], "relu5")
    kinds = {kind: lesson["largest"](part) for kind, part in (("units", maps), (2, mixed), (3, start))}
    kinds[1] = torch.rand(500, 64)
    return {kind: lesson["purity"](values, lesson["y"]) for kind, values in kinds.items()}


def test_units_are_pure_and_so_are_random_directions(lesson):
    pure = {kind: values.mean().item() for kind, values in purities(lesson).items()}
    units = pure.pop("units")
    nearest = min(pure, key=lambda kind: abs(pure[kind] - units))
    assert f"guess = {[nearest]}" == find("14.p3").solution
    assert abs(units - pure[2]) < 0.12 and min(units, pure[2]) > pure[3] + 0.1 > pure[1] + 0.15


def test_units_lead_their_blends_by_little(lesson):
    maps, blends = activations(lesson["net"], lesson["X"], "relu5"), []
    for seed in range(5):
        torch.manual_seed(seed)
        mixed = torch.einsum("nchw,cd->ndhw", maps, torch.linalg.qr(torch.randn(64, 64))[0])
        blends.append(lesson["purity"](lesson["largest"](mixed), lesson["y"]).mean().item())
    assert 0 < lesson["purity"](lesson["largest"](maps), lesson["y"]).mean().item() - mean(blends) < 0.12


def test_a_pure_unit_responds_to_much_else_and_the_net_hardly_misses_it(lesson):
    net, y, maps = lesson["net"], lesson["y"], activations(lesson["net"], lesson["X"], "relu5")
    values, pooled, shares, losses = lesson["largest"](maps), maps.mean(dim=(2, 3)), [], []
    for u in (purities(lesson)["units"] > 0.99).nonzero().flatten().tolist():
        own, strong = y == y[values[:, u].argmax()], values[:, u] > values[:, u].max() / 2
        shares.append(((strong & own).sum() / strong.sum()).item())
        without = pooled.index_fill(1, torch.tensor([u]), 0)
        hits = [(net.head(part).argmax(dim=1) == y)[own].float().mean().item() for part in (pooled, without)]
        losses.append(hits[0] - hits[1])
    assert len(shares) > 3 and mean(shares) < 0.95 and mean(losses) < 0.15


def test_nine_directions_carry_what_nine_units_cannot(lesson):
    net, y = lesson["net"], lesson["y"]
    pooled = activations(net, lesson["X"], "relu5").mean(dim=(2, 3))
    centred = pooled - pooled.mean(dim=0)
    directions = torch.linalg.svd(centred, full_matrices=False)[2][:9]
    mask = torch.zeros(64).index_fill(0, centred.square().sum(dim=0).topk(9).indices, 1)
    parts = centred, centred @ directions.T @ directions, centred * mask
    whole, along, units = ((net.head(pooled.mean(dim=0) + part).argmax(1) == y).float().mean().item() for part in parts)
    assert along > whole - 0.1 and along > units + 0.05


# Where the net looks --------------------------------------------------------------------------------------


def test_covering_by_hand_is_occlusion_map_with_121_places(lesson):
    net, X, k = lesson["net"], lesson["X"][:1], lesson["answers"][0]
    drop = lesson["by_covering"](net, X, k, 7, 2, lesson["low"])
    assert drop.shape == (11, 11)
    torch.testing.assert_close(drop, occlusion_map(net, X, k, value=lesson["low"]), atol=0.02, rtol=0.01)


def test_grad_cam_by_hand_is_grad_cam_and_at_the_last_layer_an_exact_account(lesson):
    net, X, k = lesson["net"], lesson["X"][:1], lesson["answers"][0]
    for layer in ("relu4", "relu5"):
        by_hand = lesson["by_gradient"](net, layer, X, k)
        torch.testing.assert_close(by_hand, grad_cam(net, X, layer, k, relu=False), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(by_hand.relu(), grad_cam(net, X, layer, k), atol=1e-4, rtol=1e-4)
    class_map = torch.einsum("c,chw->hw", net.head.weight[k].detach(), activations(net, X, "relu5")[0])
    torch.testing.assert_close(by_hand, class_map / 49, atol=1e-4, rtol=1e-4)
    less_bias = net(X)[0, k].item() - net.head.bias[k].item()
    assert by_hand.sum().item() == pytest.approx(less_bias, abs=1e-3)


def test_without_its_relu_the_map_of_an_unlikely_class_is_nearly_all_against_it(lesson):
    net, X = lesson["net"], lesson["X"]
    order = net(X[:20]).argsort(dim=1, descending=True)
    against = [mean((grad_cam(net, X[i : i + 1], "relu5", order[i, rank].item(), relu=False) < 0).float().mean().item()
                    for i in range(20)) for rank in (0, 9)]  # fmt: skip
    assert against[1] > against[0] + 0.3


@pytest.fixture(scope="module")
def maps(lesson):
    """(occlusion, Grad-CAM) of 40 pictures, of the trained net and of the untrained one."""
    return [[lesson["maps_of"](lesson[name], lesson["X"][i : i + 1], lesson["answers"][i]) for i in range(40)]
            for name in ("net", "untrained")]  # fmt: skip


def test_the_two_methods_agree_loosely_and_both_change_with_the_weights(lesson, maps):
    alike, (both, start) = lesson["alike"], maps
    assert 0.1 < mean(alike(*pair) for pair in both) < 0.9
    covering, cam = (mean(alike(a[k], b[k]) for a, b in zip(both, start, strict=True)) for k in (0, 1))
    assert covering < 0.6 and cam < 0.4


def test_the_gradient_changes_with_the_weights_too(lesson):
    pairs = [[lesson["saliency"](lesson[name], lesson["X"][i : i + 1], lesson["answers"][i]) for name in
              ("net", "untrained")] for i in range(20)]  # fmt: skip
    assert mean(lesson["alike"](*pair) for pair in pairs) < 0.4


def test_the_brightest_spot_is_a_rival_of_grad_cams_strongest(lesson, maps):
    X, both = lesson["X"], maps[0]
    falls = [(drop.mean(), drop.flatten()[cam.argmax()],
              drop.flatten()[F.avg_pool2d(X[i : i + 1], 7, stride=2).argmax()], drop.max())
             for i, (drop, cam) in enumerate(both)]  # fmt: skip
    random, strongest, brightest, worst = torch.tensor(falls).mean(dim=0).tolist()
    assert random < brightest < worst and brightest > 0.6 * strongest


def test_mosaics_have_their_tiles_where_they_say_and_chance_is_a_quarter(lesson):
    tiles = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 2, 3)
    assert lesson["mosaic"](tiles).shape == (1, 1, 4, 6)
    assert F.adaptive_avg_pool2d(lesson["mosaic"](tiles), 2).flatten().tolist() == [0, 1, 2, 3]
    assert lesson["own_quarter"](lesson["net"], 25) > 0.75
    assert lesson["own_quarter"](lesson["untrained"], 25) < 0.45


@learned
def test_the_experts_maps_find_their_quarter_too(lesson):
    net, _ = photo_net()
    X = torch.stack(list(photos(224).values())[:4])
    if len(X) < 4:
        pytest.skip("scikit-image is not installed")
    answers = net(X).argmax(dim=1).tolist()
    whole = lesson["mosaic"](F.interpolate(X, size=112, mode="bilinear", antialias=True))
    for i, k in enumerate(answers):
        quarters = F.adaptive_avg_pool2d(lesson["by_gradient"](net, "top", whole, k).relu()[None], 2).flatten()
        assert quarters[i] > 0.25 * quarters.sum()


@learned
def test_the_experts_last_layers_hit_their_quarter_and_early_ones_do_not(lesson):
    net, _ = photo_net()
    X = torch.stack(list(photos(224).values()))
    if len(X) < 6:
        pytest.skip("scikit-image is not installed")
    answers, hits = net(X).argmax(dim=1).tolist(), {5: [], 16: [], "top": []}
    small = F.interpolate(X, size=112, mode="bilinear", antialias=True)
    for four in list(itertools.permutations(range(6), 4))[::36]:
        A5 = net[:7](lesson["mosaic"](small[list(four)])).detach().requires_grad_()
        A16 = net[7:18](A5)
        A = net[18:19](A16)
        logits, layers = net[19:](A)[0], {5: A5, 16: A16, "top": A}
        for i, photo in enumerate(four):
            gradients = torch.autograd.grad(logits[answers[photo]], list(layers.values()), retain_graph=True)
            for gradient, (name, maps) in zip(gradients, layers.items(), strict=True):
                cam = (gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).relu()
                hits[name].append(float(F.adaptive_avg_pool2d(cam, 2).flatten().argmax() == i))
    assert [name for name, _ in net.named_children()][6] == "block5" and len(hits["top"]) == 40
    assert mean(hits["top"]) > 0.8 and mean(hits[16]) > 0.8 and mean(hits[5]) < 0.4


def test_a_bias_changes_every_answer_and_no_map(lesson):
    net, X = lesson["net"], lesson["X"]
    stubborn = copy.deepcopy(net)
    stubborn.head.bias.data[3] += 100
    assert (stubborn(X).argmax(dim=1) == 3).all()
    for k in (3, lesson["answers"][0]):
        torch.testing.assert_close(grad_cam(stubborn, X[:1], "relu5", k), grad_cam(net, X[:1], "relu5", k))


def test_gradients_that_cancel_leave_grad_cam_black_and_covering_sees_both_halves(lesson):
    net = nn.Sequential(nn.Identity(), nn.Flatten(), nn.Linear(16, 2, bias=False))
    signs = torch.tensor([1.0, 1, -1, -1]).repeat(4)
    net[2].weight.data = torch.stack([signs, -signs])
    X = torch.tensor([3.0, 3, 1, 1]).repeat(4).reshape(1, 1, 4, 4)
    assert net(X).tolist() == [[16, -16]] and not grad_cam(net, X, "0", 0, relu=False).any()
    falls = lesson["by_covering"](net, X, 0, 2, 2, 0).flatten().tolist()
    assert f"guess = {[*map(int, falls), 0]}" == find("14.p4").solution


# The widgets ----------------------------------------------------------------------------------------------


def test_maps_shrink_at_the_poolings_behind_a_relu_nothing_is_negative_and_the_head_has_no_places(lesson):
    look = LookInside(lesson["net"], lesson["test"])
    layers = {layer.name: layer.output for layer in look.result["layers"]}
    shrinking = [name for before, name in zip(layers, list(layers)[1:], strict=False)
                 if layers[name].ndim == 3 and layers[name].shape[1] < layers[before].shape[1]]  # fmt: skip
    assert shrinking == ["pool1", "pool3"]
    assert all(layers[name].min() >= 0 for name in RELUS) and layers["norm1"].min() < 0
    look.update(layer=list(layers).index("head"), view="Grad-CAM")
    assert layers["head"].shape == (10,) and "has no rows and columns" in look.result["note"]


def test_weights_of_maps_are_the_same_for_every_picture_at_the_last_layer_alone(lesson):
    net, X = lesson["net"], lesson["X"]
    found = {}
    for layer in ("relu3", "relu5"):
        cut = [name for name, _ in net.named_children()].index(layer) + 1
        A = net[:cut](X[:2]).detach().requires_grad_()
        found[layer] = torch.autograd.grad(net[cut:](A)[:, 0].sum(), A)[0].mean(dim=(2, 3))
    torch.testing.assert_close(found["relu5"][0], found["relu5"][1], atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(found["relu5"][0], net.head.weight[0].detach() / 49, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(found["relu3"][0], found["relu3"][1], rtol=0.01, atol=1e-6)


@learned
def test_the_widget_opens_on_the_last_maps_and_the_cat_is_one_of_three_cats():
    net, names = photo_net()
    found = photos(224)
    look = LookInside(net, torch.stack(list(found.values())), classes=names, view="Grad-CAM", index=1, layer=145)
    assert look.result["layer"].name == "top.2" and look.result["cam"].shape == (7, 7)
    if "cat" in found:
        with torch.no_grad():
            best = net(found["cat"][None])[0].topk(3).indices.tolist()
        assert {names[k] for k in best} == {"Egyptian cat", "tiger cat", "tabby"}


# The last features ----------------------------------------------------------------------------------------


def test_64_features_measure_likeness_at_least_about_as_well_as_784_pixels(lesson):
    X, y, Xt, yt = (lesson[name] for name in ("X", "y", "Xt", "yt"))
    pixels = lesson["nearest_neighbour"](Xt.flatten(1), yt, X.flatten(1), y)
    trained, start = (lesson["nearest_neighbour"](*(features(lesson[name], [part], "flat")[0] for part in [(Xt, yt)]),
                                                  yt, features(lesson[name], [(X, y)], "flat")[0], y)
                      for name in ("net", "untrained"))  # fmt: skip
    assert trained > start + 0.03 and trained > pixels - 0.05


def test_pca_is_the_svd_of_centred_rows_and_takes_new_points(lesson):
    rows, _ = features(lesson["net"], [(lesson["X"], lesson["y"])], "flat")
    centred = rows - rows.mean(dim=0)
    U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    plane = centred @ Vh[:2].T
    torch.manual_seed(0)
    V = torch.pca_lowrank(rows, q=8, niter=10)[2][:, :2]
    torch.testing.assert_close((centred @ V).abs(), plane.abs(), atol=1e-2 * plane.abs().max().item(), rtol=1e-2)
    torch.testing.assert_close(plane.square().sum(), S[:2].square().sum(), rtol=1e-3, atol=1e-3)
    assert ((rows[:5] - rows.mean(dim=0)) @ Vh[:2].T).shape == (5, 2) and not hasattr(TSNE, "transform")


def test_t_sne_draws_clouds_in_one_size_and_pca_keeps_sizes_and_distances(lesson):
    generator = torch.Generator().manual_seed(0)
    A, B, C = (torch.randn(60, 10, generator=generator) * s for s in (0.2, 2.0, 2.0))
    B[:, 0] += 20
    C[:, 0] -= 100
    points = torch.cat([A, B, C])
    flat = (points - points.mean(dim=0)) @ torch.pca_lowrank(points, q=4)[2][:, :2]
    truth, pca, tsne = map(lesson["measures"], (points, flat, lesson["tsne"](points, 20, 0)))
    assert truth[0] > 9 and pca[0] > 5 and tsne[0] < 2
    assert truth[1] > 4 and pca[1] > 4 and tsne[1] < 3
    assert f"guess = {[round(ratio) for ratio in tsne]}" == find("14.p5").solution


# Questions learners ask -----------------------------------------------------------------------------------


def test_a_backward_hook_gives_the_same_map_and_is_refused_before_an_in_place_layer(lesson):
    net, X, k, seen = copy.deepcopy(lesson["net"]), lesson["X"][:1], lesson["answers"][0], []
    net.relu4.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_output[0]))
    leaf = X.clone().requires_grad_()
    torch.autograd.grad(net(leaf)[0, k], leaf)
    weights = seen[0].mean(dim=(2, 3), keepdim=True)
    by_hook = (weights * activations(net, X, "relu4")).sum(dim=1)[0].relu()
    torch.testing.assert_close(by_hook, grad_cam(lesson["net"], X, "relu4", k), atol=1e-4, rtol=1e-4)
    pair = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
    pair[0].register_full_backward_hook(lambda module, grad_input, grad_output: None)
    with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
        pair(torch.randn(5, 3, requires_grad=True))


def test_earlier_layers_agree_less_with_covering(lesson):
    agreement = {layer: mean(lesson["alike"](*lesson["maps_of"](lesson["net"], lesson["X"][i : i + 1],
                                                                lesson["answers"][i], layer)) for i in range(20))
                 for layer in ("relu1", "relu5")}  # fmt: skip
    assert agreement["relu5"] > agreement["relu1"]


def test_covering_an_empty_corner_with_grey_moves_more_than_with_black(lesson):
    black, grey = (mean(occlusion_map(lesson["net"], lesson["X"][i : i + 1], lesson["answers"][i], value=v)[0, 0].abs()
                        .item() for i in range(20)) for v in (lesson["low"], 0.0))  # fmt: skip
    assert grey > black


def test_in_training_mode_it_is_another_net_and_looking_moves_its_averages(lesson):
    net, X = lesson["net"], lesson["X"][:1]
    loose = copy.deepcopy(net).train()
    with torch.no_grad():
        assert not torch.allclose(loose(X), net(X), atol=0.05)
    kept = loose.norm1.running_mean.clone()
    assert not torch.equal(kept, net.norm1.running_mean)
    grad_cam(loose, X, "relu5", 0)  # the helper runs a copy in evaluation mode
    assert loose.training and torch.equal(loose.norm1.running_mean, kept)


class Cheat(nn.Module):
    """A net to whose logit of class 0 the brightness of a corner adds, past all its layers."""

    def __init__(self, net, low):
        super().__init__()
        self.net, self.low = net, low

    def forward(self, X):
        return self.net(X) + F.pad(20 * (X[..., :3, :3].mean(dim=(1, 2, 3)) - self.low)[:, None], (0, 9))


def test_covering_finds_a_shortcut_that_grad_cam_does_not(lesson):
    net, marked = lesson["net"], lesson["X"][:10].clone()
    cheat = Cheat(net, lesson["low"]).eval()
    marked[..., :3, :3] = lesson["high"]
    assert (cheat(marked).argmax(dim=1) == 0).all()
    assert all(occlusion_map(cheat, one[None], value=lesson["low"]).argmax() == 0 for one in marked)
    honest = grad_cam(net, marked[:1], "relu5", 0)
    torch.testing.assert_close(grad_cam(cheat, marked[:1], "net.relu5", 0), honest, atol=1e-4, rtol=1e-4)
