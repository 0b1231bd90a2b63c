"""The base of the widgets: parameters, one redraw, ranges that follow, errors that show, stills, two threads."""

import base64
import html
import io
import threading

import numpy as np
import pytest
import traitlets
from PIL import Image

from helpers.drawing import svg
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.kit.parameters import choice, slider, switch


class Window(Explorer):
    """A window of `size` cells at `start` on a line of ten."""

    size = slider(2, 1, 6, "window", help="cells")
    start = slider(0, 0, 9, "start")
    scale = slider(1.0, 0.5, 2.0, "scale", step=0.5)
    mode = choice("sum", ["sum", "mean"], "mode")
    raised = switch(False, "raised")

    def limits(self, size, **_):
        return {"start": (0, 10 - size)}

    def compute(self, size, start, scale, mode, raised):
        line = np.arange(10.0) + 2 * raised
        part = scale * line[start : start + size]
        return {"window": (start, size), "value": part.sum() if mode == "sum" else part.mean()}

    def describe(self, result):
        return f'window "{result["window"]}" gives {result["value"]:g}'

    def draw(self, result):
        start, size = result["window"]
        return svg.picture(
            300, 60, svg.matrix([np.arange(10)], 5, 5), svg.frame(5, 5, 0, start, 1, size),
            svg.text(150, 50, f"{result['value']:g}"), label=self.describe(result),
        )  # fmt: skip


@pytest.fixture
def window():
    return Window()


def test_parameters_keep_the_order_of_their_declaration():
    assert Window.parameters() == ["size", "start", "scale", "mode", "raised"]


def test_a_parameter_a_control_and_update_all_reach_the_result(window):
    window.start = 3
    assert window.result["value"] == 3 + 4 and window.controls["start"].value == 3
    window.controls["size"].value = 3
    assert window.result["value"] == 3 + 4 + 5 and window.size == 3
    window.update(mode="mean", raised=True)
    assert window.result["value"] == 4 + 2
    assert Window(size=4, mode="mean").result["value"] == 1.5


def test_update_draws_once(window):
    drawn = []
    window._picture.observe(drawn.append, "value")
    window.update(size=5, start=1, scale=2.0)
    assert len(drawn) == 1 and window.result["value"] == 2 * (1 + 2 + 3 + 4 + 5)


@pytest.mark.parametrize("size", range(1, 7))
def test_a_dependent_range_follows_and_the_value_stays_inside(window, size):
    window.start = 9 if size == 1 else 8
    window.size = size
    assert window.controls["start"].max == min(9, 10 - size)
    assert window.start == window.controls["start"].value <= 10 - size
    assert window.result["window"] == (window.start, size)


def test_a_slider_whose_range_has_changed_is_hung_anew(window):
    """Else its End key, in the browser, goes to the end that it was born with."""
    slider = window.controls["start"]
    (hook,) = [child for child in window.children[0].children if slider in getattr(child, "children", ())]
    shown = []
    hook.observe(lambda change: shown.append(change["new"]), "children")
    window.size = 4
    assert shown == [(), (slider,)]
    window.scale = 2.0
    assert len(shown) == 2, "hung anew though its range is the same"


def test_update_reaches_a_value_that_only_the_new_range_holds(window):
    window.update(size=6, start=4)
    assert window.controls["start"].max == 4
    window.update(start=9, size=1)
    assert window.result["window"] == (9, 1) and window.controls["start"].value == 9


def test_values_out_of_range_are_refused_with_the_range(window):
    with pytest.raises(traitlets.TraitError, match="size"):
        window.size = 7
    with pytest.raises(traitlets.TraitError, match="mode"):
        window.mode = "median"


def test_every_control_is_described_and_explained(window):
    assert [c.description for c in window.controls.values()] == ["window", "start", "scale", "mode", "raised"]
    assert window.controls["size"].tooltip == "cells" and window.controls["mode"].tooltip == "mode"


class Fragile(Window):
    """Stops at window 3 with a ZeroDivisionError, at window 4 with a ValueError."""

    def compute(self, size, **rest):
        if size == 4:
            raise ValueError("window 4 is <too> large")
        return super().compute(size=size // (size != 3), **rest)


def test_an_error_shows_is_kept_and_goes_away(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT", raising=False)
    fragile = Fragile()
    before = fragile.picture
    fragile.size = 3
    assert 'role="alert"' in fragile._message.value and "ZeroDivisionError" in fragile._message.value
    assert fragile.picture == before and isinstance(fragile.errors[-1], ZeroDivisionError)
    fragile.size = 4
    assert "window 4 is &lt;too&gt; large" in fragile._message.value and "Traceback" not in fragile._message.value
    fragile.size = 5
    assert fragile._message.value == "" and len(fragile.errors) == 2


def test_an_error_is_raised_on_the_first_draw_and_when_strict(monkeypatch):
    fragile = Fragile()
    with pytest.raises(ZeroDivisionError):
        fragile.size = 3
    monkeypatch.delenv("CNN_COURSE_STRICT")
    with pytest.raises(ZeroDivisionError):
        Fragile(size=3)


def test_a_button_acts_redraws_and_shows_its_error(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT")

    class Stepper(Window):
        def buttons(self):
            return {"step": self.step, "break": self.break_}

        def step(self):
            self.start += 1

        def break_(self):
            raise ValueError("no further")

    stepper = Stepper()
    stepper.button["step"].click()
    assert stepper.result["window"] == (1, 2)
    stepper.button["break"].click()
    assert "no further" in stepper._message.value and len(stepper.errors) == 1


def test_the_still_is_a_picture_and_its_sentence(window):
    bundle, metadata = window._repr_mimebundle_()
    assert bundle["text/plain"] == 'Window: window "(0, 2)" gives 1'
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert still.size == (600, 160)
    assert metadata == {"image/png": {"width": 300, "alt": 'window "(0, 2)" gives 1'}}
    assert np.asarray(still)[..., 3].min() == 0, "the ground is transparent"


def test_two_threads_leave_a_whole_state(window):
    def play(sizes):
        for size in sizes:
            window.size = size

    threads = [threading.Thread(target=play, args=([1, 6, 2, 5] * 25,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not window.errors
    assert window.result["window"][1] == window.size == window.controls["size"].value
    assert html.escape(window.describe(window.result)) in window.picture


def test_the_driver_accepts_a_sound_widget(window):
    assert drive(window) == 4 + 4 + 4 + 2 + 2
    assert window.values == {"size": 2, "start": 0, "scale": 1.0, "mode": "sum", "raised": False}


def test_the_driver_finds_an_error_at_the_end_of_a_range():
    class Late(Window):
        def compute(self, size, **rest):
            return super().compute(size=size // (size != 6), **rest)

    with pytest.raises(ZeroDivisionError):
        drive(Late())


def test_the_driver_finds_a_dead_control():
    class Dead(Window):
        def compute(self, raised, **rest):
            return super().compute(raised=False, **rest)

    with pytest.raises(AssertionError, match="Dead.raised changes nothing"):
        drive(Dead())


def test_the_driver_finds_a_picture_without_its_sentence():
    class Mute(Window):
        def draw(self, result):
            return svg.picture(10, 10, svg.text(0, 0, str(result)), label="a picture")

    with pytest.raises(AssertionError, match="sentence"):
        drive(Mute())


def test_the_driver_finds_a_button_that_raises():
    class Trap(Window):
        def buttons(self):
            return {"go": lambda: 1 / 0}

    with pytest.raises(AssertionError, match="button 'go': ZeroDivisionError"):
        drive(Trap())
