"""The accents and the grey read on white and on black, and stay apart for readers who do not see all colours."""

import itertools
import re

import numpy as np
import pytest

from helpers.drawing import svg
from helpers.widgets.kit.stage import FOLDER

WHITE, BLACK = "#ffffff", "#111111"  # the pages of JupyterLab's two themes
# Machado, Oliveira and Fernandes 2009, full strength, on linear RGB.
SIGHT = {
    "trichromat": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LIGHTENED = r'vscode-dark\) \.cnn-view \[fill="(#\w+)"\] \{ fill: (#\w+)'
DARK = dict(re.findall(LIGHTENED, (FOLDER / "stage.css").read_text()))


def linear(color):
    """Linear RGB in 0..1 of "#rrggbb"."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG's ratio of two colours."""
    low, high = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    """CIE L*a*b* of linear RGB."""
    weights = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = weights @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colors, sight):
    """The least distance in L*a*b* of two of the colours."""
    seen = [lab(np.array(sight) @ linear(color)) for color in colors]
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("color", [*svg.ACCENTS, svg.GREY])
def test_ink_reads_on_both_pages(color):
    assert contrast(color, WHITE) >= 4.5 and contrast(color, BLACK) >= 3
    assert contrast(DARK[color], BLACK) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_accents_stay_apart(sight):
    assert nearest(svg.ACCENTS, SIGHT[sight]) > 20
    assert nearest([DARK[color] for color in svg.ACCENTS], SIGHT[sight]) > 20
