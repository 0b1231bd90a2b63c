"""PictureLab: the moves are torchvision's, the probabilities the net's, drawings are kept."""

import html
import json
import math
import re

import pytest
import torch
import torchvision.transforms.functional as TF
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.widgets import PictureLab
from helpers.widgets.kit.drawing_pad import coverage
from helpers.widgets.kit.driver import drive
from helpers.widgets.nets.picture_lab import DRAWN, TEST, transform

from ..examples import lenet_like, pictures


@pytest.mark.parametrize("standardize", [True, False])
def test_probabilities_are_the_softmax_of_the_net(net, standardize):
    data = pictures(20, standardize=standardize)
    lab, reference = PictureLab(net, data), lenet_like().eval()
    for index in (0, 7, 19):
        lab.index = index
        X, y = data.batch([index])
        with torch.no_grad():
            expected = reference(X).softmax(1)[0]
        torch.testing.assert_close(lab.result["input"], X)
        torch.testing.assert_close(lab.result["probabilities"], expected)
        assert lab.result["true"] == int(y) and lab.result["predicted"] == int(expected.argmax())


def test_a_moved_picture_is_standardised_like_the_others(net, test_iter):
    lab = PictureLab(net, test_iter, index=4, right=3, down=-2)
    pixels = test_iter.to_pixels(test_iter.batch([4])[0])
    moved = F.pad(pixels, (3, -3, -2, 2))  # black comes in from the left and from below
    torch.testing.assert_close(lab.result["picture"], moved[0, 0])
    X = (moved - 0.2) / 0.3
    torch.testing.assert_close(lab.result["input"], X)
    with torch.no_grad():
        torch.testing.assert_close(lab.result["probabilities"], lenet_like().eval()(X).softmax(1)[0])


@pytest.mark.parametrize("right, down", [(0, 0), (1, 0), (0, -1), (-3, 5), (14, -14), (-14, 14)])
def test_a_shift_is_a_roll_with_a_black_background(right, down):
    X = torch.rand(2, 1, 28, 28)
    rolled = X.roll((down, right), (2, 3))
    rows, columns = torch.arange(28) - down, torch.arange(28) - right
    inside = ((rows >= 0) & (rows < 28))[:, None] & ((columns >= 0) & (columns < 28))
    assert torch.equal(transform(X, right=right, down=down), rolled * inside)


def test_a_quarter_turn_is_counter_clockwise():
    X = torch.rand(1, 1, 28, 28)
    torch.testing.assert_close(transform(X, rotate=90), X.rot90(1, (2, 3)))
    torch.testing.assert_close(transform(X, rotate=180), X.flip(2, 3))


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (2, 3, 20, 32)])
@pytest.mark.parametrize("rotate, scale, right, down", [(30, 1.0, 0, 0), (-75, 0.5, 4, -3), (10, 2.0, -9, 6)])
def test_the_moves_are_torchvisions(shape, rotate, scale, right, down):
    X = torch.rand(shape)
    expected = TF.affine(X, -rotate, [right, down], scale, [0.0], TF.InterpolationMode.BILINEAR)
    moved = transform(X, right=right, down=down, rotate=rotate, scale=scale)
    # Where a corner of the picture leaves the frame, torchvision cuts at the edge pixels instead of fading them out.
    inner = transform(torch.ones(shape), right=right, down=down, rotate=rotate, scale=scale) > 0.999
    torch.testing.assert_close(moved[inner], expected[inner], atol=1e-4, rtol=0)
    assert inner.float().mean() > 0.15 and moved.shape == X.shape


def test_undo_moves_gives_the_picture_back(net, test_iter):
    lab = PictureLab(net, test_iter, index=2, right=5, down=5, rotate=45, scale=1.5)
    lab.button["undo moves"].click()
    torch.testing.assert_close(lab.result["input"], test_iter.batch([2])[0])
    assert (lab.right, lab.down, lab.rotate, lab.scale) == (0, 0, 0, 1.0)


@pytest.fixture
def drawing(net, test_iter):
    return PictureLab(net, test_iter, source=DRAWN)


def strokes(lab, *points):
    """Draw as the browser reports it."""
    lab._picture.send = lambda told: None
    lab._picture._handle_custom_msg({"id": 1, "do": "stroke", "name": "ink", "points": points}, [])


def hand(lab, *values):
    lab._picture.send = lambda told: None
    lab._picture._handle_custom_msg({"id": 1, "do": "set", "values": [[n, [], v] for n, v in values]}, [])


def test_a_stroke_draws_and_the_net_answers_at_once(drawing, net):
    before = drawing.result["probabilities"]
    strokes(drawing, [0.25, 0.5], [0.75, 0.5])
    X = drawing.pad.ink
    assert torch.equal(X[13:15, 8:20], torch.ones(2, 12)) and not X[:12].any() and not X[16:].any()
    with torch.no_grad():
        expected = lenet_like().eval()((X[None, None] - 0.2) / 0.3).softmax(1)[0]
    torch.testing.assert_close(drawing.result["probabilities"], expected)
    assert not torch.equal(expected, before) and drawing.result["true"] is None


def test_a_stroke_on_the_test_picture_makes_it_the_drawing(net, test_iter):
    lab = PictureLab(net, test_iter, index=6, pen="erase", brush=6)
    strokes(lab, [0.0, 0.5], [1.0, 0.5])
    pixels = test_iter.to_pixels(test_iter.batch([6])[0])[0, 0]
    assert (lab.source, lab.result["true"]) == (DRAWN, None)
    assert not lab.pad.ink[12:16].any() and torch.equal(lab.pad.ink[:9], pixels[:9])
    lab.source = TEST
    assert torch.equal(lab.result["original"], pixels), "the test picture itself is as it was"
    lab.button["clear"].click()
    assert lab.source == DRAWN and not lab.pad.ink.any()


def test_keys_move_the_pen_and_draw_while_it_is_down(drawing):
    hand(drawing, ("pen_row", 5), ("pen_column", 9))
    assert not drawing.pad.ink.any()
    hand(drawing, ("pen_down", True))
    dot = drawing.pad.ink.clone()
    assert dot[5, 9] == 1 and dot.sum() < 8
    for column in (10, 11, 12):
        hand(drawing, ("pen_column", column))
    hand(drawing, ("pen_down", False))
    assert torch.equal(drawing.pad.ink[5, 9:13], torch.ones(4)) and not drawing.pad.ink[:4].any()
    assert "the pen up at row 5, column 12" in drawing.picture
    hand(drawing, ("pen_row", 99))
    assert drawing.pen_row == 27


def test_a_number_too_large_and_the_pen_at_once_draw_on_the_last_picture(net, test_iter):
    lab = PictureLab(net, test_iter)
    lab.update(index=99_999, pen_down=True, pen_column=3)
    assert lab.index == test_iter.num_images - 1 and lab.source == "my drawing" and not lab.errors
    last = test_iter.to_pixels(test_iter.batch([lab.index])[0])[0, 0].cpu()
    assert torch.allclose(lab.pad.ink[-5:], last[-5:], atol=1e-6)  # below the stroke


@pytest.mark.parametrize("brush", [1, 2, 5])
def test_a_line_covers_its_area(brush):
    covered = coverage([(0.25, 0.4), (0.7, 0.8)], 40, 40, brush)
    length = 40 * math.hypot(0.45, 0.4)
    area = length * brush + math.pi * (brush / 2) ** 2
    assert covered.sum().item() == pytest.approx(area, rel=0.1) and covered.min() == 0 and covered.max() <= 1
    assert torch.equal(coverage([(0.2, 0.2), (0.2, 0.2)], 9, 9, brush), coverage([(0.2, 0.2)], 9, 9, brush))


def test_handles_stay_in_the_picture_and_turn_about_its_middle(net, test_iter):
    for moves in ({}, {"right": 14, "down": -14, "scale": 2.0, "rotate": 35}, {"right": -14, "scale": 0.5}):
        lab = PictureLab(net, test_iter, **moves)
        width, height = svg.size(lab.picture)
        handles = re.findall(r'<rect x="([\d.-]+)" y="([\d.-]+)"[^>]*aria-label="(turn|scale)[^>]*data-touch="([^"]*)"',
                             lab.picture)  # fmt: skip
        assert len(handles) == 2
        for x, y, _, told in handles:
            x, y, (u, v) = float(x), float(y), json.loads(html.unescape(told))["across"]["about"]
            assert 0 < x < width - 26 and 0 < y < height - 26
            centre = (326 + 126 + 9 * lab.right, 58 + 126 + 9 * lab.down)
            assert (x + 26 * u, y + 26 * v) == pytest.approx(centre, abs=0.1)


def test_a_drawing_is_moved_as_a_picture_is(drawing):
    drawing.pad.stroke([(0.3, 0.3)], 3)
    drawing.refresh()
    before = drawing.result["picture"]
    drawing.update(right=2, down=1)
    torch.testing.assert_close(drawing.result["picture"], before.roll((1, 2), (0, 1)))


def test_every_control_of_the_picture_lab_works(net, test_iter):
    lab = PictureLab(net, test_iter)
    drive(lab)
    lab.source = TEST  # the pen made it a drawing
    said = lab.describe(lab.result)
    assert said.startswith("test picture 0 (t-shirt), shifted 0 right and 0 down, rotated 0°, scaled 1.00: ")
    assert f"with probability {lab.result['probabilities'].max():.3f}" in said
    assert lab.picture.count(">◂ true<") == 1
