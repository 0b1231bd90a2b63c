"""Maps on pictures: colour by sign, clear at 0, each on its own scale, where they belong."""

import matplotlib.pyplot as plt
import pytest
import torch

from helpers.drawing.overlay import STRONGEST, show_overlays


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_for_each_kind_of_map_and_a_picture_under_each(channels):
    pictures = torch.rand(2, channels, 8, 6)
    rows = {"up": torch.ones(2, 4, 3), "down": [torch.ones(2, 3), torch.ones(2, 3)]}
    axes = show_overlays(pictures, rows, ["a", "b"])
    assert axes.shape == (2, 2) and [ax.get_title() for ax in axes[0]] == ["a", "b"]
    assert [row[0].get_ylabel() for row in axes] == ["up", "down"]
    assert [len(ax.images) for ax in axes.flat] == [2, 2, 2, 2]
    grey = torch.as_tensor(axes[0, 0].images[0].get_array())
    torch.testing.assert_close(grey, pictures[0].mean(dim=0))


def test_red_is_positive_blue_negative_and_nothing_is_clear():
    axes = show_overlays(torch.zeros(2, 1, 4, 4), {"map": torch.tensor([[[2.0, -1.0, 0.0]], [[0.0, 0.0, 0.0]]])})
    (plus, minus, none), *_ = axes[0, 0].images[1].get_array()
    assert plus[0] > plus[2] and minus[2] > minus[0]
    assert [round(float(c[3]), 3) for c in (plus, minus, none)] == [STRONGEST, STRONGEST / 2, 0]
    assert not axes[0, 1].images[1].get_array()[..., 3].any()  # a map of zeros hides nothing


def test_a_map_lies_where_its_windows_were():
    axes = show_overlays(torch.zeros(1, 3, 10, 20), {"all": torch.ones(1, 2, 2), "inner": torch.ones(1, 2, 2)},
                         inset={"inner": 2})  # fmt: skip
    assert axes[0, 0].images[1].get_extent() == [-0.5, 19.5, 9.5, -0.5]
    assert axes[1, 0].images[1].get_extent() == [1.5, 17.5, 7.5, 1.5]
    assert axes[1, 0].get_xlim() == (-0.5, 19.5) and axes[1, 0].get_ylim() == (9.5, -0.5)
