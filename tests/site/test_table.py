"""A widget as a table: parts that are stored once, states that are what the widget shows."""

import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from helpers.data import load_photo
from helpers.drawing import svg, touch
from helpers.site.figure import live_figure
from helpers.site.grids import Grid
from helpers.site.store import as_script, smallest
from helpers.site.table import share_parts, tabulate
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.parameters import choice, slider, span, switch


class Doubler(Explorer):
    """n and its double, in the picture and in words; 7 is refused."""

    n = slider(2, 0, 9, "n")
    mode = choice("plain", ["plain", "loud"], "")
    frame = switch(False, "frame")
    other = slider(0, 0, 9, "other")

    def compute(self, **values):
        """Double n."""
        if values["n"] == 7:
            raise ValueError("not 7")
        return values

    def describe(self, result):
        """Say both numbers."""
        return f"twice {result['n']} <is> {2 * result['n']}, {result['mode']}"

    def draw(self, result):
        """Draw the double, and two areas to touch."""
        sets = touch.scale("n", result["n"], 0, 9, step=1)
        areas = touch.area(0, 0, 9, 9, across=sets, label="n") + touch.button(9, 9, 9, 9, label="other", other=3)
        words = svg.text(9, 9, 2 * result["n"]) + svg.text(9, 30, f"other {result['other']}")
        hints = touch.needs("n", svg.text(9, 20, "drag n")) + touch.needs("run", svg.text(9, 20, "press run"))
        return svg.picture(90, 40, words, hints, areas, label=self.describe(result))


class Cropped(Doubler):
    """With a range."""

    crop = span((0.5, 1.0), 0.0, 1.0, "crop", step=0.1)


@pytest.fixture
def table():
    grid = Grid(("n", "mode"), ({"n": (0, 5, 7), "mode": ("plain", "loud")},), names={"mode": "mode"})
    return tabulate(Doubler(), grid)


def test_a_state_is_what_the_widget_shows_there(table):
    assert [values for values, _ in table.states] == [[n, mode] for n, mode in (
        (2, "plain"), (0, "plain"), (0, "loud"), (5, "plain"), (5, "loud"), (2, "loud"))]  # fmt: skip
    for number, ((n, mode), _) in enumerate(table.states):
        shown = Doubler(n=n, mode=mode)
        assert table.sentence(number) == shown.describe(shown.result) and f">{2 * n}</text>" in table.picture(number)


def elements(picture):
    """The tags, attributes and texts of a picture, whatever quotes it is written with."""
    return [(node.tag, node.attrib, node.text) for node in ElementTree.fromstring(picture).iter()]


def test_controls_have_the_values_of_the_grid_in_their_order(table):
    assert table.options == {"n": [0, 2, 5, 7], "mode": ["plain", "loud"]}
    assert table.labels == {"n": "n", "mode": "mode"}


def test_areas_that_set_nothing_here_are_left_out(table):
    assert 'aria-label="n"' in table.picture(0) and 'aria-label="other"' not in table.picture(0)


def test_a_hint_is_shown_where_the_hand_can_do_it(table):
    assert {("drag n" in table.picture(number), "press run" in table.picture(number))
            for number in range(len(table.states))} == {(True, False)}  # fmt: skip


def test_what_is_loaded_later_is_enough_for_the_pictures(table):
    told = json.loads(as_script("x", table).removeprefix('cnnTable("x",').removesuffix(");\n"))
    pictures = ["".join(told["parts"][part] for part in parts) for _, parts in told["states"]]
    for number, picture in enumerate(pictures):
        assert elements(picture) == elements(table.picture(number))


@pytest.mark.parametrize("pictures", [
    ["<a/><b/>"], ["<a/>x<b/>", "<a/>y<b/>"], ["<a/><b/><b/><c/>", "<a/><b/><c/>"], ["<a/>tail", "<a/>tail<b/>"],
    ["<a/><b/>", "<b/><a/>"], ["", "<a/>"],
])  # fmt: skip
def test_shared_parts_give_the_pictures_back(pictures):
    parts, lists = share_parts(pictures)
    assert ["".join(parts[number] for number in numbers) for numbers in lists] == pictures
    assert len(set(parts)) == len(parts)


def test_parts_are_as_long_as_they_can_be():
    parts, lists = share_parts(["<a/><b/>1<c/><d/>", "<a/><b/>2<c/><d/>"])
    assert sorted(parts) == ["1<c/>", "2<c/>", "<a/><b/>", "<d/>"] and [len(numbers) for numbers in lists] == [3, 3]


def test_a_smaller_picture_has_the_same_pixels():
    pixels, store = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8), io.BytesIO()
    Image.fromarray(np.stack([pixels, pixels, 255 - pixels], axis=2)).save(store, "PNG", compress_level=1)
    kind, data = smallest(store.getvalue())
    assert kind == "webp" and len(data) < len(store.getvalue())
    assert (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) ==
            np.asarray(Image.open(store).convert("RGB"))).all()  # fmt: skip


def test_a_photo_loses_little_of_its_pixels_and_most_of_its_bytes():
    photo, store = load_photo("flower", 112, color=True).permute(1, 2, 0).mul(255).byte().numpy(), io.BytesIO()
    Image.fromarray(photo).save(store, "PNG")
    (_, same), (kind, near) = (smallest(store.getvalue(), photos=lossy) for lossy in (False, True))
    after = np.asarray(Image.open(io.BytesIO(near)).convert("RGB"))
    assert kind == "webp" and len(near) < len(same) / 3 and np.abs(after.astype(int) - photo).mean() < 4
    assert (np.asarray(Image.open(io.BytesIO(same)).convert("RGB")) == photo).all()


def test_what_shines_through_in_a_photo_does_so_still():
    store = io.BytesIO()
    Image.new("RGBA", (40, 40), (200, 10, 10, 90)).save(store, "PNG", compress_level=0)
    kind, near = smallest(store.getvalue(), photos=True)
    assert kind == "webp" and abs(Image.open(io.BytesIO(near)).getpixel((9, 9))[3] - 90) < 3


def test_ranges_and_words_are_options_too():
    grid = Grid(("crop", "mode"), ({"crop": ((0.2, 1.0), (0.6, 1.0))}, {"mode": ("loud",)}), names={"mode": "mode"})
    made = tabulate(Cropped(), grid)
    assert made.options == {"crop": [[0.6, 1.0], [0.5, 1.0], [0.2, 1.0]], "mode": ["plain", "loud"]}
    page = live_figure("x", made, "start")
    assert 'aria-valuetext="0.5 to 1"' in page and page.count('type="radio"') == 2


def test_a_state_is_taken_when_it_has_settled():
    grid = Grid(("n",), ({"n": (0, 5)},), settle=lambda widget: widget.update(other=7))
    made = tabulate(Doubler(), grid)
    assert [">other 7<" in made.picture(number) for number in range(3)] == [False, True, True]
