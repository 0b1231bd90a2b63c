"""Areas to touch: what they tell the browser, and what they tell a screen reader."""

import html
import json
import re
import xml.etree.ElementTree as ET

from helpers.drawing import svg, touch


def told(area):
    return json.loads(html.unescape(re.search(r'data-touch="([^"]+)"', area).group(1)))


def test_an_area_of_cells_names_both_parameters_and_its_ghost():
    across, down = touch.cells("column", 3, 8, high=5, offset=-1), touch.cells("row", 2, 6)
    area = touch.area(10, 20, 80, 60, across=across, down=down, label="window", ghost=("output", 4, 5))
    assert told(area) == {
        "across": {"as": "cell", "name": "column", "at": 3, "low": 0, "high": 5, "count": 8, "offset": -1},
        "down": {"as": "cell", "name": "row", "at": 2, "low": 0, "high": 5, "count": 6, "offset": 0},
        "ghost": {"name": "output", "dx": 4, "dy": 5},
    }
    node = ET.fromstring(area)
    assert (node.get("role"), node.get("tabindex"), node.get("aria-label")) == ("application", "0", "window")


def test_one_axis_is_a_slider_with_its_range_and_value():
    node = ET.fromstring(touch.area(0, 0, 9, 9, across=touch.scale("lr", 0.5, 0.0, 2.0, step=0.1), label="lr"))
    values = [float(node.get(f"aria-value{name}")) for name in ("min", "now", "max")]
    assert node.get("role") == "slider" and values == [0.0, 0.5, 2.0]


def test_a_scale_may_fall_and_a_shift_may_change_a_number_in_a_table():
    assert told(touch.area(0, 0, 9, 9, down=touch.scale("a", 1, 4, 0, step=1), label=""))["down"]["low"] == 0
    axis = told(touch.area(0, 0, 9, 9, down=touch.shift("weights", 1, -9, 9, span=-2, path=(1, 2)), label=""))["down"]
    assert (axis["path"], axis["span"], axis["step"]) == ([1, 2], -2, 1)


def test_a_turn_and_a_spread_go_round_a_point_of_their_area():
    turned = touch.area(0, 0, 9, 9, across=touch.turn("angle", 30, -180, 180, about=(0.5, 2), step=5), label="")
    assert told(turned)["across"] == {"as": "turn", "name": "angle", "at": 30, "low": -180, "high": 180,
                                      "about": [0.5, 2], "step": 5}  # fmt: skip
    assert 'role="slider"' in turned and 'aria-valuenow="30"' in turned
    spread = told(touch.area(0, 0, 9, 9, across=touch.spread("size", 1, 0.5, 2, about=(-1, -1), step=0.1), label=""))
    assert (spread["across"]["as"], spread["across"]["about"], spread["across"]["low"]) == ("spread", [-1, -1], 0.5)


def test_a_pad_says_its_stroke_and_what_keys_do():
    cross = touch.cells("column", 3, 8)
    pad = touch.pad(0, 0, 9, 9, name="ink", line=6, label="pad", ink="#000", across=cross, switch=("down", True))
    assert told(pad) == {"stroke": {"name": "ink", "line": 6, "ink": "#000"}, "across": cross,
                         "switch": {"name": "down", "at": True}}  # fmt: skip
    assert told(touch.pad(0, 0, 9, 9, name="ink", line=6, label="pad")) == {
        "stroke": {"name": "ink", "line": 6, "ink": "#fff"}}  # fmt: skip


def test_a_scale_is_logarithmic_where_it_says_so():
    axis = told(touch.area(0, 0, 9, 9, across=touch.scale("n", 5, 1, 100, step=1, log=True), label=""))["across"]
    assert axis["log"] is True and (axis["first"], axis["last"], axis["low"], axis["high"]) == (1, 100, 1, 100)
    assert "log" not in told(touch.area(0, 0, 9, 9, across=touch.scale("n", 5, 1, 100, step=1), label=""))["across"]


def test_steps_stand_for_values_and_tiles_for_numbers():
    axis = told(touch.area(0, 0, 9, 9, across=touch.steps("n", 4, [1, 4, 16]), label=""))["across"]
    assert axis == {"as": "step", "name": "n", "at": 4, "low": 1, "high": 16, "values": [1, 4, 16]}
    area = touch.area(0, 0, 9, 9, across=touch.tiles("i", 12, 8, 4, first=8, high=40), label="")
    assert told(area)["across"] == {"as": "tile", "name": "i", "at": 12, "low": 0, "high": 40, "count": 8,
                                    "columns": 4, "first": 8}  # fmt: skip
    assert 'role="slider"' in area and 'aria-valuemax="40"' in area
    assert touch.tiles("i", 0, 7, 4)["high"] == 6


def test_a_button_says_what_it_sets_and_whether_it_holds():
    node = touch.button(0, 0, 9, 9, label="layer <3>", pressed=True, layer=3)
    assert told(node) == {"set": {"layer": 3}} and 'aria-pressed="true"' in node
    assert ET.fromstring(node).get("aria-label") == "layer <3>"


def test_a_picture_with_areas_is_a_group_of_controls():
    """An image's inside is hidden from a screen reader: controls in it could not be reached."""
    assert 'role="img"' in svg.picture(10, 10, label="x")
    assert 'role="group"' in svg.picture(10, 10, touch.button(0, 0, 9, 9, label="", n=1), label="x")


def test_ghosts_and_links_are_well_formed():
    parts = touch.ghost("window", svg.rect(0, 0, 1, 1)) + touch.linked(["a", "b"], svg.rect(0, 0, 1, 1))
    picture = ET.fromstring(svg.picture(10, 10, parts, label=""))
    ghost, linked = picture.findall("{*}g")
    assert ghost.get("visibility") == "hidden" and linked.get("data-link") == "a b"
