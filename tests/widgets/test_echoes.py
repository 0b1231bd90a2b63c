"""kit/echoes.py: what a browser sends back of a float slider undoes nothing that code has set."""

import pytest

from helpers.drawing import svg
from helpers.widgets.kit import echoes
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.echoes import on_its_step
from helpers.widgets.kit.parameters import slider, span

ROUNDED = 0.030000000000000006  # what JupyterLab's slider answers to 0.03


class Rate(Explorer):
    lr = slider(0.03, 0.001, 0.1, "lr", step=0.001)

    def compute(self, lr):
        return {"output": lr}

    def describe(self, result):
        return f"rate {result['output']!r}"

    def draw(self, result):
        return svg.picture(100, 40, label=self.describe(result))


@pytest.fixture
def rate():
    return Rate()


def browser_sends(widget, value):
    """A message of the front end with a new value of the slider."""
    widget.controls["lr"].set_state({"value": value})


def test_the_rounded_answer_to_a_value_changes_nothing(rate):
    rate.lr = 0.033
    rate.lr = 0.03
    browser_sends(rate, ROUNDED)
    assert rate.lr == 0.03 and rate.result["output"] == 0.03


@pytest.mark.parametrize("late", [[ROUNDED], [0.03, 0.033], [ROUNDED, 0.033, 0.034]])
def test_answers_to_values_that_hold_no_longer_are_passed_over(rate, late):
    """Code sets two values before the page has drawn the first one; its answers come afterwards, in order."""
    rate.lr = 0.033
    rate.lr = 0.034
    for value in late:
        browser_sends(rate, value)
        assert rate.lr == 0.034 == rate.result["output"] == pytest.approx(rate.controls["lr"].value)


def test_the_reader_may_go_back_to_a_value_that_code_had_set(rate):
    rate.lr = 0.034
    browser_sends(rate, 0.034)
    browser_sends(rate, 0.033)
    browser_sends(rate, ROUNDED)
    assert rate.lr == 0.03 == rate.result["output"]


def test_what_the_reader_moves_stands_on_its_step(rate):
    browser_sends(rate, 0.07100000000000001)
    assert rate.lr == 0.071 and on_its_step(0.30000000000000004, 0.0, 0.1) == 0.3
    assert on_its_step(1e-5, 0.0, 0.001) == 1e-5, "a value between two steps is left as it is"


def test_after_a_while_nothing_is_an_answer(rate, monkeypatch):
    rate.lr = 0.034
    monkeypatch.setattr(echoes, "LATE", 0.0)
    browser_sends(rate, ROUNDED)
    assert rate.lr == 0.03


def test_code_that_moves_the_control_is_obeyed(rate):
    for value in (0.05, 0.03, 0.05):
        rate.controls["lr"].value = value
        assert rate.lr == value == rate.result["output"]


class Ends(Rate):
    lr = span((0.03, 0.06), 0.0, 0.1, "lr", step=0.001)


def test_the_two_ends_of_a_range_are_kept_from_rounding_alike():
    ends = Ends()
    ends.lr = (0.01, 0.06)
    ends.lr = (0.02, 0.06)
    for late in ([ROUNDED, 0.06], [0.01, 0.06], [0.020000000000000004, 0.06]):
        browser_sends(ends, late)
        assert ends.lr == (0.02, 0.06) == ends.result["output"] == pytest.approx(ends.controls["lr"].value)
    browser_sends(ends, [0.02, 0.07100000000000001])
    assert ends.lr == (0.02, 0.071) == ends.result["output"]
