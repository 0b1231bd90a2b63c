"""kit/hand.py, values.py, stage.py: what a browser reports becomes values, all of an update holds or nothing."""

import math

import ipywidgets as W
import numpy as np
import pytest
import torch
import traitlets as T

from helpers import widgets
from helpers.drawing import svg
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.parameters import choice, parameter, slider, switch
from helpers.widgets.kit.player import player
from helpers.widgets.kit.values import Number, OneOf, Range, Whole, placed, table_of_numbers, within


class Cells(W.HBox):
    """A control whose value is a table."""

    value = T.Tuple(((1, 2), (3, 4)))


class Table(Explorer):
    """A number, a limit that follows it, and a table."""

    n = slider(3, 1, 6, "n")
    at = slider(0, 0, 5, "at")
    rate = slider(0.5, 0.0, 1.0, "rate")
    mode = choice("sum", ["sum", "mean"], "mode")
    on = switch(False, "on")
    table = parameter(T.Tuple(((1, 2), (3, 4))), Cells, "table", [])

    def limits(self, n, **_):
        return {"at": (0, n - 1)}

    def compute(self, n, **values):
        if n == 5:
            raise ValueError("five is right out")
        return {"n": n, **values}

    def describe(self, result):
        return str(result)

    def draw(self, result):
        return svg.picture(10, 10, label=self.describe(result))

    def arrange(self):
        self.play = player(self.controls["at"])
        return W.VBox([self.controls[name] for name in ("n", "at", "rate", "mode", "on")] + [self.play])

    def draw_stroke(self, name, points):
        self.strokes = (name, points)


@pytest.fixture
def table(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT", raising=False)
    return Table()


def browser(widget, **content):
    """A message of stage.js; returns what went back to the browser."""
    answers, widget._picture.send = [], lambda told: answers.append(told)
    buffers = content.pop("buffers", [])
    widget._picture._handle_custom_msg({"id": 7, **content}, buffers)
    return answers


def moved(widget, *values):
    return browser(widget, do="set", values=[list(value) for value in values])


def test_a_move_sets_parameters_with_one_redraw_and_is_answered(table):
    drawn = []
    table._picture.observe(drawn.append, "value")
    assert moved(table, ("n", [], 4), ("at", [], 2)) == [{"done": 7}]
    assert (table.n, table.at, len(drawn)) == (4, 2, 1) and table.controls["n"].value == 4


def test_a_move_that_changes_nothing_draws_nothing(table):
    drawn = []
    table._picture.observe(drawn.append, "value")
    table.compute = lambda **_: pytest.fail("computed anew")
    moved(table, ("n", [], 3))
    assert not drawn and not table.errors


def test_numbers_stop_at_the_ends_of_the_range_that_holds(table):
    moved(table, ("at", [], 99))
    assert table.at == 2
    moved(table, ("at", [], -4), ("rate", [], 1.7))
    assert (table.at, table.rate) == (0, 1.0)


def test_a_place_in_a_table_changes_alone(table):
    moved(table, ("table", [1, 0], 9), ("table", [0, 1], 8))
    assert table.table == ((1, 8), (9, 4))


@pytest.mark.parametrize(
    "values",
    [
        ("nobody", [], 1),
        ("mode", [], "median"),
        ("on", [], "yes"),
        ("rate", [], math.nan),
        ("n", [], True),
        ("n", [], None),
    ],
)
def test_a_refused_value_changes_nothing_and_says_so(table, values):
    before = table.values
    assert moved(table, ("at", [], 1), values) == [{"done": 7}]
    assert table.values == before and 'role="alert"' in table._message.value and len(table.errors) == 1
    moved(table, ("at", [], 1))
    assert table.at == 1 and table._message.value == ""


@pytest.mark.parametrize(
    "change", [{"n": 9}, {"mode": "median"}, {"on": 3}, {"n": True}, {"rate": math.inf}, {"rate": True}]
)
def test_update_holds_whole_or_not_at_all(table, change):
    before = table.values
    with pytest.raises(T.TraitError):
        table.update(at=1, **change)
    assert table.values == before and table.result["at"] == 0
    assert {name: control.value for name, control in table.controls.items() if name != "table"} == {
        name: value for name, value in before.items() if name != "table"
    }


def test_an_error_while_drawing_puts_parameters_and_controls_back(table):
    table.update(n=5, mode="mean")
    assert (table.n, table.mode, table.controls["n"].value) == (3, "sum", 3)
    assert "five is right out" in table._message.value and table.result["n"] == 3
    table.controls["n"].value = 5
    assert table.n == 3 == table.controls["n"].value


@pytest.mark.parametrize("make", [lambda name: Table(**{name: 1}), lambda name: Table().update(**{name: 1})])
def test_an_unknown_parameter_is_a_type_error_that_names_the_nearest(make):
    with pytest.raises(TypeError, match="Table has no parameter 'rat': did you mean 'rate'"):
        make("rat")


def test_layout_of_ipywidgets_is_no_parameter_but_taken():
    assert Table(layout=W.Layout(width="50%")).layout.width == "50%"


def test_numpys_numbers_are_taken(table):
    table.update(n=np.int64(2), rate=np.float32(0.25))
    assert (table.n, table.rate) == (2, 0.25) and type(table.n) is int and type(table.rate) is float


NUMBERS = [np.array([1, 2]), torch.tensor([1.0, 2.0]), [1], "1", b"1", 10**400, 1j, True, np.True_, torch.tensor(True)]


@pytest.mark.parametrize("trait", [Whole(), Number(), OneOf([1, 2, 128], 2)], ids=["whole", "number", "one of"])
@pytest.mark.parametrize("wrong", NUMBERS, ids=repr)
def test_what_is_no_number_is_none_anywhere(trait, wrong):
    with pytest.raises(T.TraitError):
        trait.validate(None, wrong)


def test_what_equals_an_option_is_that_option():
    one_of = OneOf([1, 2.5, "a"], 1)
    found = [one_of.validate(None, value) for value in (np.int64(1), 1.0, np.float32(2.5), torch.tensor(1), "a")]
    assert found == [1, 1, 2.5, 1, "a"]
    assert [type(value) for value in found] == [int, int, float, int, str]
    assert OneOf([True, False], True).validate(None, False) is False


@pytest.mark.parametrize("wrong", [[[True, 0], [0, 1]], [["1", 0], [0, 1]], [[math.nan, 0], [0, 1]], [[[1], 0]], 5,
                                   None, torch.tensor([[True, False]]), [[1j, 0]]])  # fmt: skip
def test_a_table_holds_finite_numbers(wrong):
    with pytest.raises((TypeError, ValueError)):
        table_of_numbers(wrong)
    assert table_of_numbers(torch.eye(2)) == table_of_numbers(np.eye(2)) == table_of_numbers([[1, 0], [0, 1]])


@pytest.mark.parametrize("wrong", [(True, 1), "ab", (0, 3), (math.nan, 1), 5, (0, 1, 2), None], ids=repr)
def test_a_range_says_what_it_holds(wrong):
    class Holder(T.HasTraits):
        ends = Range((0.0, 1.0), min=0, max=2)

    with pytest.raises(T.TraitError, match=r"a range \(least, most\) of numbers from 0 to 2"):
        Holder().ends = wrong


@pytest.mark.parametrize("make, values", [
    (lambda: widgets.ChannelWalk(), {"output": 1, "bias": 3, "size": 99}),
    (lambda: widgets.CostCalculator(in_channels=97), {"in_channels": 100, "groups": 5, "size": 9999}),
    (lambda: widgets.InceptionExplorer(), {"c1": 5, "size": True}),
    (lambda: widgets.KernelExplorer(), {"row": 3, "centre": math.nan}),
    (lambda: widgets.CostCalculator(), {"size": 8, "groups": True}),
])  # fmt: skip
def test_a_refused_update_leaves_no_trace_that_shows_later(make, values):
    widget, same = make(), make()
    before = widget.values
    with pytest.raises(T.TraitError):
        widget.update(**values)
    assert widget.values == before
    later = {name: value for name, value in values.items() if name in ("output", "in_channels")}
    assert widget.update(**later).picture == same.update(**later).picture


def test_a_stroke_arrives_as_points(table):
    browser(table, do="stroke", name="ink", points=[[0, 0.5], [1, 1]])
    assert table.strokes == ("ink", [(0.0, 0.5), (1.0, 1.0)])


@pytest.mark.parametrize(
    "files, said",
    [
        ([{"name": "a.png", "size": 10}, {"name": "b.png", "size": 10}], "2 files were dropped"),
        ([{"name": "a.png", "size": 90_000_000}], "a.png has 90 MB, more than 8"),
        ([], "0 files"),
    ],
)
def test_a_drop_that_cannot_be_shown_is_told_and_nothing_is_lost(table, files, said):
    before = table.picture
    browser(table, do="drop", files=files)
    assert said in table._message.value and table.picture == before


def test_a_player_takes_single_steps_where_motion_is_to_be_reduced(table):
    browser(table, do="still", reduced=True)
    table.play.playing = True
    assert not table.play.playing and table.at == 1
    browser(table, do="still", reduced=False)
    table.play.playing = True
    assert table.play.playing and table.at == 1


def test_a_player_of_a_float_slider_takes_its_steps(table):
    play, slider = player(table.controls["rate"]), table.controls["rate"]
    assert (play.max, play.value, slider.step) == (20, 10, 0.05)
    play.value = 11
    assert table.rate == slider.value == 0.55
    table.rate = 0.123
    assert (table.rate, play.value) == (0.123, 2), "a number between two steps stays"
    assert type(player(table.controls["at"]).value) is int


def test_placed_and_within():
    assert placed((1, (2, 3)), [1, 0], 9) == (1, (9, 3)) and placed(1, [], 9) == 9
    trait = T.Int(min=0, max=10)
    assert [within(v, trait, (2, 5)) for v in (-1, 3.4, 99)] == [2, 3, 5] and within("a", trait) == "a"
