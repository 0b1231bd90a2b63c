"""A window in every channel, drawn: the numbers are PyTorch's, the marks stand where they belong."""

import re

import pytest
import torch
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.drawing.channels import show_channels
from helpers.drawing.window import CELL
from helpers.drawing.words import minus

X = torch.stack((torch.arange(9.0), torch.arange(1.0, 10))).reshape(2, 3, 3)
K = torch.stack((torch.arange(4.0), torch.arange(1.0, 5))).reshape(2, 2, 2)


def test_the_sums_are_written_out():
    said = repr(show_channels(X, K))
    assert said == ("X 2×3×3, K 2×2×2, Y 2×2; row 0, column 0: channel 0: 0·0 + 1·1 + 3·2 + 4·3 = 19; "
                    "channel 1: 1·1 + 2·2 + 4·3 + 5·4 = 37; together: 19 + 37 = 56")  # fmt: skip
    assert repr(show_channels(X, -K, (1, 1), bias=-2)).endswith("together: (−43) + (−77) + (−2) = −122")
    named = show_channels(X, K, names=["ears", "eyes"])
    assert "; eyes: 1·1 + 2·2" in repr(named) and "X[0], ears" in named.svg


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_every_element_is_that_of_conv2d(channels):
    image, kernel = torch.randint(-5, 5, (channels, 4, 5)).float(), torch.randint(-3, 4, (channels, 3, 2)).float()
    Y = F.conv2d(image[None], kernel[None], torch.tensor([2.0]))[0, 0]
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            shown = show_channels(image, kernel, (i, j), bias=2)
            assert repr(shown).endswith(minus(f"= {svg.number(Y[i, j].item())}"))
            frames = re.findall(rf'width="(\S+)" height="(\S+)"[^>]*stroke="{svg.ORANGE}"', shown.svg)
            window, element = (f"{2 * CELL}", f"{3 * CELL}"), (f"{CELL}", f"{CELL}")
            assert sorted(frames) == sorted([window, element] * channels + [element])


def test_the_rest_of_the_output_waits_for_the_reader():
    shown, hidden = (show_channels(X, K, reveal=reveal).svg for reveal in (True, False))
    numbers = [re.findall(r">(\d+)</text>", picture) for picture in (shown, hidden)]
    assert sorted(set(numbers[0]) - set(numbers[1])) == ["104", "120", "72"] and "56" in numbers[1]


@pytest.mark.parametrize(
    "change, said",
    [({"K": K[:1]}, "with the same C: one slice a channel"), ({"X": X[0]}, "must be (C, rows, columns)"),
     ({"at": (2, 0)}, "2×2 elements, so none at row 2"), ({"K": torch.ones(2, 4, 4)}, "0×0 elements"),
     ({"names": ["ears"]}, "1 names for 2 channels")]
)  # fmt: skip
def test_what_cannot_be_shown_is_said(change, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        show_channels(**({"X": X, "K": K} | change))
