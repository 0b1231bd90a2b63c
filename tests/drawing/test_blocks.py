"""Feature maps as blocks: every shape is said and drawn, larger ones larger, on one scale."""

import re

import pytest

from helpers import show_blocks
from helpers.drawing.blocks import FULL, LEAST

FACE = re.compile(r'<polyline points="([^"]*)" fill="#')
LENET = [("image", (1, 28, 28)), ("conv 5×5", (6, 28, 28)), ("pool 2×2, stride 2", (6, 14, 14)), ("dense", (10,))]


def fronts(still):
    """(width, height) of the front face of each block, in px."""
    for corners in FACE.findall(still.svg)[::3]:
        points = [tuple(map(float, corner.split(","))) for corner in corners.split()]
        yield points[1][0] - points[0][0], points[1][1] - points[2][1]


def test_the_shapes_are_said():
    assert repr(show_blocks(LENET)) == (
        "feature maps as blocks: image 1×28×28 → conv 5×5 6×28×28 → pool 2×2, stride 2 6×14×14 → dense 10"
    )


def test_edges_grow_with_the_square_root():
    (thin, tall), (six, same), (_, half), (_, units) = fronts(show_blocks(LENET))
    assert thin == pytest.approx(FULL / 28**0.5, abs=0.05) and six == pytest.approx(thin * 6**0.5, abs=0.05)
    assert tall == same == pytest.approx(FULL, abs=0.05) and half == pytest.approx(FULL / 2**0.5, abs=0.05)
    assert units == pytest.approx(FULL, abs=0.05), "dense layers have their own scale"


def test_rows_share_the_scale_and_the_smallest_is_seen():
    large = [("", (256, 224, 224)), ("", (1, 1, 1))]
    sizes = list(fronts(show_blocks(LENET, large, titles=("LeNet", "large"))))
    assert sizes[0][1] == pytest.approx(FULL * (28 / 256) ** 0.5, abs=0.05)
    assert sizes[-1] == pytest.approx((FULL / 16, FULL / 16), abs=0.05) and LEAST < FULL / 16
    assert list(fronts(show_blocks([("", (1, 1, 1024))])))[0] == pytest.approx((LEAST, LEAST), abs=0.05)


def test_words_do_not_touch():
    still = show_blocks([("a layer with a long name", (1, 2, 2)), ("another one of that kind", (1, 2, 2))])
    first, second = (float(x) for x in re.findall(r'<text x="(\S+)"[^>]*>an?\w* ', still.svg))
    assert second - first > 24 * 6.6


def test_bad_rows_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) is neither"):
        show_blocks([("", (2, 3))])
    with pytest.raises(ValueError, match="at least one"):
        show_blocks([])
    with pytest.raises(ValueError, match="1 titles for 2 rows"):
        show_blocks(LENET, LENET, titles=("one",))
