"""The pictures: axes come back, colours are on a common scale, nothing global changes, d2l draws again."""

import warnings
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from helpers import mend_d2l, new_figure, plot_bars, show_images, show_matrix
from helpers.drawing.plots import STYLE, show_cutouts, with_chinese


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_a_figure_has_a_transparent_ground_and_leaves_the_settings_alone():
    before = dict(matplotlib.rcParams)
    figure, axes = new_figure(1, 2, width=3, height=2)
    assert figure.get_facecolor()[3] == 0 and axes[0].get_facecolor()[3] == 0
    assert tuple(figure.get_size_inches()) == (6, 2)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("shape", [(3, 5, 4), (3, 1, 5, 4), (3, 3, 5, 4)])
def test_images_of_all_shapes_share_one_scale(shape):
    images = torch.rand(shape)
    axes = show_images(images, ["a", "b", "c"], ncols=2)
    assert axes.shape == (2, 2) and [ax.get_title() for ax in axes.flat] == ["a", "b", "c", ""]
    shown = [ax.images[0] for ax in axes.flat if ax.images]
    assert len(shown) == 3 and shown[0].get_array().shape[:2] == (5, 4)
    assert {image.get_clim() for image in shown} == {(0, images.max().item())}


def test_names_in_chinese_are_written_where_a_font_has_them():
    fonts = [SimpleNamespace(name=name) for name in ("DejaVu Sans", "SimHei", "Noto Sans CJK JP")]
    assert with_chinese(fonts) == ["sans-serif", "SimHei"] and with_chinese(fonts[:1]) == ["sans-serif"]
    if len(STYLE["font.family"]) == 1:
        pytest.skip("no Chinese font here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a glyph that its fonts lack
        show_images(torch.rand(1, 5, 4), ["猫和狗"]).flat[0].figure.canvas.draw()


def test_signed_images_are_centred_on_zero():
    ax = show_images(torch.tensor([[[-3.0, 1.0]]]), signed=True).flat[0]
    assert ax.images[0].get_clim() == (-3, 3)


def test_a_matrix_shows_its_numbers_up_to_eight():
    ax = show_matrix(torch.tensor([[1.0, -2.5], [0.0, 7.0]]), title="Y")
    assert [text.get_text() for text in ax.texts] == ["1", "−2.5", "0", "7"] and ax.get_title() == "Y"
    assert ax.images[0].get_clim() == (-7, 7)
    assert not show_matrix(torch.rand(9, 9)).texts and show_matrix(torch.zeros(2, 2)) is not None
    assert show_matrix(torch.eye(2), ax=ax) is ax


def test_bars_carry_their_numbers():
    ax = plot_bars({"loop": 317.0, "conv2d": 0.66}, xlabel="ms", log=True)
    assert [bar.get_width() for bar in ax.patches] == [317, 0.66] and ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.texts] == ["317", "0.66"] and ax.get_xlabel() == "ms"


def test_d2l_draws_again(monkeypatch):
    d2l = pytest.importorskip("d2l.torch")
    from IPython import display

    monkeypatch.delattr(display, "set_matplotlib_formats", raising=False)
    with pytest.raises(AttributeError):
        d2l.use_svg_display()
    mend_d2l()
    assert callable(display.set_matplotlib_formats)


def test_cutouts_are_the_framed_windows_of_each_photo():
    photos = torch.rand(2, 20, 30)
    axes = show_cutouts(photos, [[(0, 0), (3, 25)], [(10, 4), (15, 2)]], 5)
    assert axes.shape == (2, 3)
    for photo, row, corners in zip(photos, axes, [[(0, 0), (3, 25)], [(10, 4), (15, 2)]], strict=True):
        assert [patch.get_xy() for patch in row[0].patches] == [(left, top) for top, left in corners]
        for ax, patch, (top, left) in zip(row[1:], row[0].patches, corners, strict=True):
            assert (ax.images[0].get_array() == photo[top:top + 5, left:left + 5].numpy()).all()
            assert patch.get_edgecolor() == ax.spines["left"].get_edgecolor() and patch.get_width() == 5
