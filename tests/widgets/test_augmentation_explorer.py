"""AugmentationExplorer: random variants of a photo."""

import threading

import pytest
import torch
from torchvision.transforms.v2 import functional as T
from traitlets import TraitError

from helpers import load_photo
from helpers.drawing import svg
from helpers.widgets import AugmentationExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.nets.augmentation_explorer import (
    COLOR,
    GEOMETRY,
    SEEDS,
    SIDE,
    VARIANTS,
    OwnRandomNumbers,
    pipeline,
)

from ..examples import lenet_like, pictures

NOTHING = dict.fromkeys((*GEOMETRY, *COLOR), (1.0, 1.0)) | {
    "flip": 0.0, "shift": 0.0, "rotation": (0.0, 0.0), "hue": (0.0, 0.0),
}  # fmt: skip
STRONG = {
    "flip": 0.5, "crop": (0.1, 1.0), "shift": 0.5, "scale": (0.5, 1.5), "rotation": (-180.0, 180.0),
    "brightness": (0.0, 2.0), "contrast": (0.0, 2.0), "saturation": (0.0, 2.0), "hue": (-0.5, 0.5),
}  # fmt: skip


@pytest.fixture(scope="module")
def explorer():
    return AugmentationExplorer()


def test_every_control_moves_the_picture():
    assert drive(AugmentationExplorer()) > 30


@pytest.mark.parametrize("name", ["flower", "china"])
@pytest.mark.parametrize(
    "strengths", [{}, NOTHING, STRONG, NOTHING | {"hue": (0.1, 0.25)}, NOTHING | {"scale": (1.2, 1.3)}]
)
@pytest.mark.parametrize("seed", [0, SEEDS - 1])
def test_the_code_makes_the_variants(explorer, name, strengths, seed):
    result = explorer.update(picture_name=name, seed=seed, **strengths).result
    namespace = {}
    with torch.random.fork_rng(devices=[]):
        exec(result["code"], namespace)
    assert torch.equal(namespace["X"], result["X"]) and len(namespace["variants"]) == VARIANTS
    assert torch.equal(torch.stack(namespace["variants"]), result["variants"])
    assert result["variants"].shape == (VARIANTS, 3, SIDE, SIDE)
    assert 0 <= result["variants"].min() and result["variants"].max() <= 1


def test_without_any_strength_the_photo_stays(explorer):
    result = explorer.update(picture_name="flower", **NOTHING).result
    X = load_photo("flower", SIDE, color=True)
    torch.testing.assert_close(result["variants"], X.expand(VARIANTS, -1, -1, -1), atol=1e-5, rtol=0)
    assert result["differences"].max() < 1e-5


def test_one_strength_is_one_function_of_torchvision(explorer):
    X = load_photo("flower", SIDE, color=True)
    flipped = explorer.update(picture_name="flower", seed=3, **NOTHING | {"flip": 1.0}).result["variants"]
    torch.testing.assert_close(flipped, T.horizontal_flip(X).expand_as(flipped), atol=1e-5, rtol=0)
    brighter = explorer.update(**NOTHING | {"brightness": (0.1, 1.9)}).result["variants"]
    factor = brighter.flatten(1).sum(dim=1) / X.sum()
    for variant in brighter[factor < 1]:  # darker: nothing is cut off at 1
        torch.testing.assert_close(variant, T.adjust_brightness(X, (variant.sum() / X.sum()).item()))
    assert (factor < 1).any()


def test_the_variants_are_those_of_the_seeded_transforms(explorer):
    result = explorer.update(picture_name="china", seed=5, **STRONG).result
    augment = pipeline(**STRONG)
    with torch.random.fork_rng(devices=[]):
        for i, variant in enumerate(result["variants"]):
            torch.manual_seed(VARIANTS * 5 + i)
            assert torch.equal(augment(load_photo("china", SIDE, color=True)), variant)


def test_more_strength_with_the_same_luck(explorer):
    mean = [
        explorer.update(seed=1, **NOTHING | {"brightness": (1 - value, 1 + value)}).result["differences"]
        for value in (0.2, 0.4, 0.8)
    ]
    assert (mean[0] < mean[1]).all() and (mean[1] < mean[2]).all()


def test_the_answers_beside_the_explorer_are_right(explorer):
    X = load_photo("flower", SIDE, color=True)
    flips = explorer.update(picture_name="flower", seed=0, **NOTHING | {"flip": 0.5}).result["variants"]
    kinds = [torch.allclose(variant, X, atol=1e-5) for variant in flips]
    assert 0 < sum(kinds) < VARIANTS, "some are flipped, some are not"
    assert not explorer.update(**NOTHING | {"flip": 1.0}).result["differences"].eq(0).any()
    turned = explorer.update(**NOTHING | {"rotation": (-180.0, 180.0)}).result["variants"]
    corners = turned[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].amax(dim=(1, 2))
    assert (corners == 0).any(), "black comes in at the corners"
    hue = explorer.update(**NOTHING | {"hue": (0.5, 0.5)}).result["variants"]
    torch.testing.assert_close(hue.amax(dim=1), X.amax(dim=0).expand(VARIANTS, -1, -1), atol=1e-4, rtol=0)


def test_no_redraw_touches_the_global_random_numbers(explorer):
    explorer.update(**STRONG)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    for seed in range(5):
        explorer.seed = seed
        explorer.hue = (-0.1 * seed, 0.1 * seed)
    explorer.button["another random draw"].click()
    assert torch.equal(torch.get_rng_state(), before)


def test_another_thread_keeps_its_random_numbers():
    drawn, generator = [], torch.Generator()
    before = generator.get_state()
    with OwnRandomNumbers(generator), torch.random.fork_rng(devices=[]):
        other = threading.Thread(target=lambda: drawn.append((torch.manual_seed(1), torch.rand(3))[1]))
        other.start()
        other.join()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        assert torch.equal(drawn[0], torch.rand(3)) and torch.equal(generator.get_state(), before)


def test_the_button_goes_on_to_the_next_seed():
    explorer = AugmentationExplorer(seed=SEEDS - 2)
    first = explorer.result["variants"]
    explorer.button["another random draw"].click()
    assert explorer.seed == SEEDS - 1 == explorer.controls["seed"].value
    assert not torch.equal(first, explorer.result["variants"])
    explorer.button["another random draw"].click()
    assert explorer.seed == 0
    assert torch.equal(explorer.result["variants"], AugmentationExplorer().result["variants"])


def test_it_says_how_far_the_variants_are(explorer):
    result = explorer.update(picture_name="china", **STRONG).result
    by_hand = [(variant - result["X"]).abs().mean().item() for variant in result["variants"]]
    assert result["differences"].tolist() == pytest.approx(by_hand)
    assert f"by {min(by_hand):.3f} to {max(by_hand):.3f}" in explorer.describe(result)
    assert "differs by" not in explorer.picture, "a black picture would rate as nearer than a crop"


def test_it_starts_on_a_photo_that_shows_what_is_mirrored():
    X = AugmentationExplorer().result["X"]
    flower = load_photo("flower", SIDE, color=True)
    asymmetry = [(photo - photo.flip(2)).abs().mean().item() for photo in (X, flower)]
    assert asymmetry[0] > 0.15 and asymmetry[0] > asymmetry[1]


def test_the_picture_keeps_its_size(explorer):
    pictures = [explorer.update(**strengths).picture for strengths in (NOTHING, STRONG)]
    assert len({svg.size(picture) for picture in pictures}) == 1
    heights = {picture.split("height:")[-1].split("em")[0] for picture in pictures}
    assert len(heights) == 1 and max(len(line) for line in explorer.result["code"].splitlines()) <= 100


def test_two_ends_bound_each_draw(explorer):
    X = load_photo("flower", SIDE, color=True)
    darker = explorer.update(picture_name="flower", **NOTHING | {"brightness": (0.3, 0.6)}).result["variants"]
    factor = darker.flatten(1).sum(dim=1) / X.sum()
    assert ((factor > 0.299) & (factor < 0.601)).all() and factor.max() - factor.min() > 0.05
    with pytest.raises(TraitError, match="begins above its end"):
        explorer.brightness = (0.6, 0.3)
    with pytest.raises(TraitError):
        explorer.brightness = (0.3, 2.1)
    assert explorer.brightness == (0.3, 0.6) == explorer.controls["brightness"].value


@pytest.fixture(scope="module")
def asked():
    return AugmentationExplorer(lenet_like(), pictures(30))


def test_with_a_net_every_control_moves_the_picture():
    assert drive(AugmentationExplorer(lenet_like(), pictures(30))) > 20


@pytest.mark.parametrize("index, strengths", [(0, {}), (7, STRONG), (29, NOTHING)])
def test_under_each_variant_stands_what_the_net_says(asked, index, strengths):
    result = asked.update(index=index, **strengths).result
    net, data = lenet_like().eval(), pictures(30)
    X = torch.cat([data.to_pixels(data.batch([index])[0]).clamp(0, 1), result["variants"]])
    with torch.no_grad():
        expected = net((X - data.mean) / data.std).softmax(1).max(1)
    assert [answer for answer, _ in result["answers"]] == expected.indices.tolist()
    assert [likely for _, likely in result["answers"]] == pytest.approx(expected.values.tolist(), abs=1e-5)
    assert result["true"] == index % 10 == data.labels[index]
    right = sum(answer == result["true"] for answer, _ in result["answers"][1:])
    assert f"It is {data.classes[result['true']]}; of the variants the net gets {right} of {VARIANTS}" in (
        asked.describe(result)
    )
    assert asked.picture.count("✓") + asked.picture.count("✗") == VARIANTS + 1


def test_the_code_makes_the_variants_of_a_test_picture(asked):
    result = asked.update(index=4, seed=2, **STRONG).result
    namespace = {"test_iter": pictures(30)}
    with torch.random.fork_rng(devices=[]):
        exec(result["code"], namespace)
    assert torch.equal(torch.stack(namespace["variants"]), result["variants"])


def test_a_net_alone_is_refused():
    with pytest.raises(TypeError, match="second argument must be the test_iter"):
        AugmentationExplorer(lenet_like())
