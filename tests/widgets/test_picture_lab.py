"""PictureLab: the moves are torchvision's, the probabilities the net's, drawings are kept."""


import pytest
import torch
import torchvision.transforms.functional as TF
from torch.nn import functional as F

from helpers.widgets import PictureLab
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


def inked(lab):
    """The cells (row, column) that are not black."""
    cells = F.max_pool2d(lab.pad.ink[None], 2)[0]
    return {tuple(place) for place in cells.nonzero().tolist()}


def test_the_pad_is_made_when_it_is_needed(net, test_iter):
    lab = PictureLab(net, test_iter)
    assert "pad" not in vars(lab)
    lab.source = DRAWN
    assert len(lab.pad.cells) == len(lab.pad.cells[0]) == 14 and lab.result["true"] is None
    assert torch.equal(lab.result["picture"], torch.zeros(28, 28))
    lab.source = TEST
    assert lab.result["true"] == 0


def test_a_click_draws_and_the_net_answers_at_once(drawing, net):
    before = drawing.result["probabilities"]
    drawing.pad.brush.value = 1
    drawing.pad.cells[3][4].click()
    assert inked(drawing) == {(3, 4)} and torch.equal(drawing.result["picture"][6:8, 8:10], torch.ones(2, 2))
    X = (drawing.pad.ink[None, None] - 0.2) / 0.3
    with torch.no_grad():
        expected = lenet_like().eval()(X).softmax(1)[0]
    torch.testing.assert_close(drawing.result["probabilities"], expected)
    assert not torch.equal(expected, before)


def test_lines_join_two_clicks_and_erase_takes_away(drawing):
    pad = drawing.pad
    pad.brush.value, pad.pen.value = 1, "lift"
    pad.cells[2][2].click()
    assert not inked(drawing)
    pad.pen.value = "lines"
    pad.cells[2][6].click()
    pad.cells[6][10].click()
    line = {(2, j) for j in range(2, 7)} | {(2 + i, 6 + i) for i in range(5)}
    assert inked(drawing) == line
    pad.pen.value = "erase"
    pad.cells[2][4].click()
    assert inked(drawing) == line - {(2, 4)}


def test_the_sliders_draw_too(drawing):
    pad = drawing.pad
    pad.brush.value, start = 1, (pad.row, pad.column)
    pad.up.value += 1
    pad.across.value += 1
    assert (pad.row, pad.column) == (start[0] - 1, start[1] + 1)
    assert inked(drawing) == {(start[0] - 1, start[1]), (start[0] - 1, start[1] + 1)}
    crosses = [(i, j) for i, row in enumerate(pad.cells) for j, cell in enumerate(row) if cell.description.strip()]
    assert crosses == [(pad.row, pad.column)]
    assert pad.cells[start[0]][start[1]].description, "an empty one would leave the old cross on the page"
    pad.cells[0][13].click()
    assert (pad.up.value, pad.across.value) == (13, 13)


@pytest.mark.parametrize("size, count", [(1, 1), (2, 4), (3, 9), (4, 16)])
def test_the_brush_has_a_size_and_is_cut_at_the_edge(drawing, size, count):
    drawing.pad.brush.value = size
    drawing.pad.visit(6, 6)
    assert len(inked(drawing)) == count
    drawing.pad.clear()
    drawing.pad.visit(13, 13)
    assert (13, 13) in inked(drawing) and len(inked(drawing)) <= count


def test_a_drawing_can_start_from_the_test_picture(drawing, test_iter):
    drawing.index = 6
    drawing.button["copy picture"].click()
    torch.testing.assert_close(drawing.result["input"], test_iter.batch([6])[0])
    shades = {cell.style.button_color for row in drawing.pad.cells for cell in row}
    assert len(shades) > 2, "the cells show the picture"
    drawing.button["clear"].click()
    assert not inked(drawing)


def test_a_drawing_is_moved_as_a_picture_is(drawing):
    drawing.pad.visit(5, 5)
    before = drawing.result["picture"]
    drawing.update(right=2, down=1)
    assert torch.equal(drawing.result["picture"], before.roll((1, 2), (0, 1)))


def test_every_control_of_the_picture_lab_works(net, test_iter):
    lab = PictureLab(net, test_iter)
    drive(lab)
    said = lab.describe(lab.result)
    assert said.startswith("test picture 0 (t-shirt), shifted 0 right and 0 down, rotated 0°, scaled 1.00: ")
    assert f"with probability {lab.result['probabilities'].max():.3f}" in said
    assert lab.picture.count(">◂ true<") == 1
