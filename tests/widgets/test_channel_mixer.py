"""ChannelMixer: the mix is a 1×1 convolution."""

import math

import pytest
import torch
import traitlets as T
from torch import nn

from helpers import load_photo
from helpers.drawing import svg
from helpers.widgets import ChannelMixer
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.channel_mixer import KINDS as CHANNELS
from helpers.widgets.layers.channel_mixer import PRESETS
from helpers.widgets.layers.mix_picture import LARGEST

from .looks import assert_texts_stand_apart, smallest_font
from .test_hand import moved


def test_every_control_moves_the_picture():
    assert drive(ChannelMixer()) > 20


def convolution(rows):
    """Return nn.Conv2d(3, len(rows), 1) with these rows (R, G, B, bias)."""
    layer, rows = nn.Conv2d(3, len(rows), 1), torch.tensor(rows)
    layer.load_state_dict({"weight": rows[:, :3, None, None], "bias": rows[:, 3]})
    return layer


@pytest.mark.parametrize("photo", ["flower", "china"])
@pytest.mark.parametrize("preset", PRESETS)
@torch.no_grad()
def test_the_mix_is_a_convolution(photo, preset):
    result = ChannelMixer(picture_name=photo, preset=preset, row=199, column=0).result
    X = load_photo(photo, color=True)
    Y = convolution(PRESETS[preset])(X[None])[0]
    assert torch.equal(result["X"], X)
    torch.testing.assert_close(result["output"], Y)
    torch.testing.assert_close(torch.tensor(result["mixed"]), Y[:, 199, 0])
    torch.testing.assert_close(torch.tensor(result["pixel"]), X[:, 199, 0])


@pytest.mark.parametrize("rows", [*PRESETS.values(), [[-4.0, 0.125, 4.0, 0.5]], [[0.1, 0.2, 0.3, -0.4]] * 3])
def test_the_code_makes_the_output(rows):
    mixer = ChannelMixer(weights=rows)
    namespace = {}
    exec(mixer.result["code"], namespace)
    torch.testing.assert_close(namespace["Y"], mixer.result["output"], atol=1e-5, rtol=1e-5)
    assert mixer.result["code"].splitlines()[0] in mixer.picture


def test_grey_of_grey_is_grey_and_presets_do_what_they_say():
    mix = {name: torch.tensor(rows) for name, rows in PRESETS.items()}
    for name in ("grey (mean)", "grey (luma)"):
        assert mix[name][:, :3].sum().item() == pytest.approx(1)
    for name in ("red − green", "blue − yellow"):
        assert mix[name].sum().item() == 0
    X = load_photo("flower", color=True)
    output = {name: ChannelMixer(preset=name).result["output"] for name in PRESETS}
    torch.testing.assert_close(output["grey (luma)"][0], load_photo("flower"))
    torch.testing.assert_close(output["swap red, blue"], X.flip(0))
    torch.testing.assert_close(output["negative"], 1 - X)
    assert torch.equal(output["identity"], X) and torch.equal(output["red only"][0], X[0])


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [
        (PRESETS["sepia"], 0, 1), (PRESETS["red − green"], -1, 1), ([[2.0, 0, 0, 0]], 0, 1),
        ([[3.0, -3, 0, 0]], -1, 1), ([[1.015, 0, 0, 0]], 0, 1), ([[-1.0, 0, 0, 0]] * 3, 0, 1),
    ],  # fmt: skip
)
def test_it_says_what_is_cut_off(rows, low, high):
    mixer = ChannelMixer(weights=rows)
    Y = mixer.result["output"]
    share = ((Y < low - 1e-5) | (Y > high + 1e-5)).float().mean().item()
    assert mixer.result["clipped"] == pytest.approx(share) and mixer.result["signed"] == (low < 0)
    scale = "−1 to 1" if low < 0 else "0 to 1"
    negative = (Y < -1e-5).float().mean().item()
    said = f"{percent(negative)} of the values are negative; {percent(share)} lie outside {scale}"
    assert said in mixer.describe(mixer.result)
    assert all(f"{line}</text>" in mixer.picture for line in (f"{said} and are cut off").split("; "))


def percent(share):
    """Whole percent, but never 0% for a few values or 100% for nearly all."""
    rounded = f"{share:.0%}"
    return {("0%", False): "under 1%", ("100%", False): "over 99%"}.get((rounded, share in (0, 1)), rounded)


def test_preset_weights_and_channels_follow_each_other():
    mixer = ChannelMixer()
    control = mixer.controls["weights"]
    mixer.preset = "sepia"
    assert mixer.outputs == CHANNELS[1] and mixer.weights == PRESETS["sepia"] == control.value
    moved(mixer, ("weights", [2, 1], 0.5))
    assert mixer.preset == "own" and mixer.weights[2][1] == 0.5 and mixer.result["W"][2, 1] == 0.5
    mixer.outputs = CHANNELS[0]
    assert mixer.weights == PRESETS["sepia"][:1] and mixer.result["output"].shape == (1, 200, 200)
    assert mixer.picture.count("for output") == 4
    mixer.weights = torch.tensor([[1.0, -1.0, 0.0, 0.0]])
    assert mixer.preset == "red − green"
    mixer.outputs = CHANNELS[1]
    assert mixer.weights == PRESETS["red − green"] * 3 and mixer.preset == "own"


@pytest.mark.parametrize("bad", [[[1, 2, 3]], [[1, 2, 3, 4]] * 2, [[5.0, 0, 0, 0]], [[math.nan, 0, 0, 0]], "red", 3])
def test_weights_that_make_no_mix_are_refused(bad):
    mixer = ChannelMixer()
    before = mixer.weights
    with pytest.raises(T.TraitError):
        mixer.weights = bad
    assert mixer.weights == before and not mixer.errors


def test_the_picture_keeps_its_size():
    mixer = ChannelMixer()
    ends = [[[-LARGEST] * 4], [[LARGEST] * 4] * 3, PRESETS["opponent"]]
    assert len({svg.size(mixer.update(weights=rows, row=199, column=199).picture) for rows in ends}) == 1


def test_the_hand_drags_the_pixel_and_the_weights():
    mixer = ChannelMixer(preset="opponent")
    moved(mixer, ("row", [], 30), ("column", [], 150))
    assert mixer.result["pixel"] == mixer.result["X"][:, 30, 150].tolist()
    moved(mixer, ("weights", [1, 3], 0.5), ("weights", [0, 0], -1.25))
    assert mixer.preset == "own" and mixer.result["b"][1] == 0.5 and mixer.result["W"][0, 0] == -1.25
    X, weight, bias = mixer.result["X"], mixer.result["W"][:, :, None, None], mixer.result["b"]
    torch.testing.assert_close(mixer.result["output"], nn.functional.conv2d(X[None], weight, bias)[0])
    moved(mixer, ("row", [], -5), ("column", [], 999))
    assert (mixer.row, mixer.column) == (0, 199)


@pytest.mark.parametrize("preset", PRESETS)
def test_its_texts_are_readable_and_stand_apart(preset):
    picture = ChannelMixer(preset=preset, row=199, column=199).picture
    assert smallest_font(picture) >= 11
    assert_texts_stand_apart(picture.split("<pre")[0])
