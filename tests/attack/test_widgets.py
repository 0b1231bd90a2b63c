"""Every widget under random moves: values in and out of range, alone and several at once, controls, buttons, the hand.

After each move, either the widget shows what was set, or it has refused it and is as it was before.
"""

import html
import json
import math
import random
import re
import zlib

import pytest
import traitlets as T
from torch import nn

from helpers import networks, widgets

from ..examples import bars, lenet_like, pictures

MOVES = 2_000
TRAINERS = ("DepthLab", "LearningRateLab", "VGGBuilder")  # their buttons train: pressed rarely
WRONG = (None, "no such name", math.nan, math.inf, -math.inf, -1, 10**9, 1.5, True, [], object())


def made(name):
    """The widget of this name on small pictures and a small net."""
    kind, seen = getattr(widgets, name), pictures(40)
    if name in TRAINERS:
        side = 32 if name == "VGGBuilder" else 28
        return kind(bars(200, side, 50), bars(40, side))
    if name == "ClassMaps":
        return kind(nn.Sequential(nn.Conv2d(1, 10, 7, stride=7), nn.AdaptiveAvgPool2d(1), nn.Flatten()), seen)
    if name == "PictureLab":
        return kind(networks.lenet(), seen)
    return kind(lenet_like(), seen) if name in ("FeatureMaps", "LookInside") else kind()


def some_value(draw, widget, name):
    """A value that the parameter may take: of its samples, or anywhere in its range."""
    trait = widget.traits()[name]
    low, high = getattr(trait, "min", None), getattr(trait, "max", None)
    if isinstance(trait, T.Int) and None not in (low, high):
        return draw.randint(low, high)
    if isinstance(trait, T.Float) and None not in (low, high):
        return draw.uniform(low, high)
    return draw.choice(trait.values if isinstance(trait, T.Enum) else trait.metadata["samples"])


def move(draw, widget, name):
    """Make one random move; return what it was in words. A refusal leaves through its exception."""
    choice = draw.random()
    if choice < 0.25:
        return touch(draw, widget)
    if choice < 0.5:
        value = some_value(draw, widget, name)
        setattr(widget, name, value)
        return f"{name} = {value!r}"
    if choice < 0.75:
        names = draw.sample(list(widget.controls), min(len(widget.controls), draw.randint(1, 4)))
        values = {name: some_value(draw, widget, name) for name in names}
        widget.update(**values)
        return f"update({values})"
    control = widget.controls[name]
    if choice < 0.9 and hasattr(control, "max") and not isinstance(control.value, tuple):
        control.value = draw.choice([control.min, control.max, min(control.max, max(control.min, control.value))])
        return f"control {name} to {control.value}"
    if choice < 0.9 and hasattr(control, "options"):
        control.value = draw.choice(control._options_values)
        return f"control {name} to {control.value}"
    return press(draw, widget)


def touch(draw, widget):
    """Do on one area of the picture what the hand can: press or drag there, or draw a stroke."""
    told = re.findall(r'data-touch="([^"]*)"', widget.picture)
    if not told:
        return "no area"
    area = json.loads(html.unescape(draw.choice(told)))
    axes = [area[way] for way in ("across", "down") if way in area]
    values = [[axis["name"], axis.get("path", []), some_place(draw, axis)] for axis in axes]
    values += [[name, [], value] for name, value in area.get("set", {}).items()]
    content = {"do": "set", "values": values}
    if "stroke" in area and draw.random() < 0.7:
        points = [[draw.random(), draw.random()] for _ in range(draw.randint(1, 9))]
        content = {"do": "stroke", "name": area["stroke"]["name"], "points": points}
    widget._picture._handle_custom_msg({"id": 1, **content}, [])
    return f"hand: {content}"


def some_place(draw, axis):
    """A value that the browser may send of an axis: on one of its steps."""
    if "values" in axis:
        return draw.choice(axis["values"])
    low, high, step = axis["low"], axis["high"], axis.get("step", 1)
    return min(high, low + step * draw.randint(0, max(1, round((high - low) / step))))


def press(draw, widget):
    """Press one of the widget's buttons."""
    if not widget.button or type(widget).__name__ in TRAINERS and draw.random() < 0.99:
        return "no button"
    label = draw.choice(list(widget.button))
    widget.button[label].click()
    widget.wait()
    return f"button {label}"


def assert_sound(widget, done):
    """No error, and the picture carries the sentence of the result."""
    assert not widget.errors, (done, widget.errors)
    label = f'aria-label="{html.escape(widget.describe(widget.result))}"'
    assert label in widget.picture, (done, label)
    for name, control in widget.controls.items():
        if hasattr(control, "max"):
            assert control.value == pytest.approx(getattr(widget, name)), (done, name)
            ends = control.value if isinstance(control.value, tuple) else (control.value,)
            assert all(control.min <= end <= control.max for end in ends), (done, name)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", widgets.__all__)
def test_random_moves(name):
    draw, widget = random.Random(zlib.crc32(name.encode())), made(name)
    for number in range(MOVES):
        parameter = draw.choice(list(widget.controls))
        assert_sound(widget, (number, move(draw, widget, parameter)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", widgets.__all__)
def test_what_is_refused_changes_nothing(name):
    """Wrong values, alone and in an update with right ones: taken whole, or refused by an error with all as before."""
    draw, widget = random.Random(zlib.crc32(name.encode())), made(name)
    for parameter in list(widget.controls):
        for wrong in WRONG:
            before = dict(widget.values), widget.picture
            other = draw.choice(list(widget.controls))
            try:
                widget.update(**{other: some_value(draw, widget, other), parameter: wrong})
                number = isinstance(wrong, (bool, float)) and (wrong is True or not math.isfinite(wrong))
                assert not number or isinstance(widget.traits()[parameter], T.Bool), f"{parameter} is {wrong}"
            except (T.TraitError, TypeError, ValueError):
                assert (widget.values, widget.picture) == before, f"{parameter} = {wrong!r} left {name} half changed"
                widget.refresh()  # and nothing that is not seen yet
                assert widget.picture == before[1], f"{parameter} = {wrong!r} left a trace in {name}"
            widget.errors.clear()
            assert_sound(widget, f"{parameter} = {wrong!r}")
    with pytest.raises(TypeError, match="no_such_parameter"):
        widget.update(no_such_parameter=1)
