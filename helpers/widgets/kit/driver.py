"""Drive every widget of this kernel through its range: the tests run `drive_all` after a notebook's last cell."""

import html

import ipywidgets as W
from ipywidgets.widgets.widget import CallbackDispatcher

from helpers.drawing.live import all_widgets

from .base import _explorers
from .layout import inside_of


def drive_all(expected):
    """Set every control to its samples, press every button, and raise on the first thing that is wrong.

    Wrong is: an exception in a callback, a control that changes nothing, a picture whose text alternative is not
    the widget's sentence, another number of widgets than `expected`, an `Output` that caught an error.
    """
    explorers = sorted(_explorers, key=lambda explorer: explorer.model_id)
    assert len(explorers) == expected, f"expected {expected} widgets, found {[type(e).__name__ for e in explorers]}"
    original, CallbackDispatcher.__call__ = CallbackDispatcher.__call__, _call_openly
    try:
        moves = sum(drive(explorer) for explorer in explorers)
        mine = {id(control) for explorer in explorers for control in inside_of(explorer)}
        others = [widget for widget in all_widgets(W) if id(widget) not in mine]
        for widget in others:
            _drive_plain(widget)
    finally:
        CallbackDispatcher.__call__ = original
    return f"{len(explorers)} widgets, {moves} moves, no error"


def drive(explorer):
    """Drive one explorer as `drive_all` does; returns the number of moves."""
    moves = 0
    for name, control in explorer.controls.items():
        if getattr(control, "disabled", False):
            continue
        before, shown = control.value, set()
        for sample in explorer.traits()[name].metadata["samples"]:
            if hasattr(control, "max") and not isinstance(sample, tuple):  # a range that follows other parameters
                sample = min(max(sample, control.min), control.max)
            control.value = sample
            _assert_sound(explorer, f"{name} = {sample!r}")
            shown.add((explorer.picture, str(control.value)))
            moves += 1
        control.value = before
        pictures, values = {picture for picture, _ in shown}, {value for _, value in shown}
        assert len(pictures) > 1 or len(values) < 2, f"{type(explorer).__name__}.{name} changes nothing"
    for label, button in explorer.button.items():
        button.click()
        explorer.wait()
        _assert_sound(explorer, f"button {label!r}")
        moves += 1
    return moves


def _assert_sound(explorer, move):
    kind = type(explorer).__name__
    if explorer.errors:
        raise AssertionError(f"{kind}, {move}: {explorer.errors[-1]!r}") from explorer.errors[-1]
    label = f'aria-label="{html.escape(explorer.describe(explorer.result))}"'
    assert label in explorer.picture, f"{kind}, {move}: the picture does not carry its sentence"


def _call_openly(self, *args, **kwargs):
    """Call the callbacks of a button as ipywidgets does, but let their exceptions through."""
    for callback in list(self.callbacks):
        callback(*args, **kwargs)


def _drive_plain(widget):
    """Drive a bare ipywidgets control (`interact`): its callbacks must run, and no `Output` may hold an error."""
    if isinstance(widget, W.Output):
        assert not any(out["output_type"] == "error" for out in widget.outputs), widget.outputs
    elif isinstance(widget, W.Button):
        widget.click()
    for value in _plain_values(widget):
        widget.value = value


def _plain_values(widget):
    """Return values through a bare control's range, its present one last."""
    if isinstance(widget, (W.Checkbox, W.ToggleButton)):
        return [not widget.value, widget.value]
    if isinstance(widget, (W.IntSlider, W.FloatSlider)):
        return [widget.min, widget.max, widget.value]
    if isinstance(widget, (W.ToggleButtons, W.Dropdown)):
        return [*widget._options_values, widget.value]
    return []
