"""How a widget declares its parameters: a value, what it may be, and the control that sets it."""

import itertools

import ipywidgets as W
import traitlets as T

from .values import Number, OneOf, Range, Whole

_order = itertools.count()


def slider(default, low, high, label, *, step=None, help=""):
    """Declare a number from low to high: an IntSlider, or a FloatSlider where `default` is a float."""
    whole = isinstance(default, int)
    step = step or (1 if whole else (high - low) / 20)

    def control():
        kind = W.IntSlider if whole else W.FloatSlider
        return kind(value=default, min=low, max=high, step=step, layout=W.Layout(width="300px"))

    middle = low + step * round((high - low) / step / 2)
    trait = (Whole if whole else Number)(default, min=low, max=high)
    return parameter(trait, control, label, [low, middle, high - step, high], help=help)


def span(default, low, high, label, *, step, help=""):
    """Declare a range (least, most) between low and high, in whole steps from low: a FloatRangeSlider."""

    def control():
        form = ".0f" if float(step).is_integer() else ".2f"
        layout = W.Layout(width="300px")
        return W.FloatRangeSlider(value=default, min=low, max=high, step=step, readout_format=form, layout=layout)

    middle = low + step * round((high - low) / step / 2)
    samples = [(low, middle), (middle, middle), (middle, high), (low, high)]
    return parameter(Range(default, min=low, max=high), control, label, samples, help=help)


def choice(default, options, label, *, help=""):
    """Declare one of a few options, a list of names: ToggleButtons."""
    options = list(options)

    def control():
        return W.ToggleButtons(options=options, value=default, style={"button_width": "auto"})

    return parameter(OneOf(options, default), control, label, options, help=help)


def switch(default, label, *, help=""):
    """Declare a yes or no: a Checkbox."""

    def control():
        return W.Checkbox(value=default, indent=False, layout=W.Layout(width="auto"))

    return parameter(T.Bool(default), control, label, [not default, default], help=help)


def parameter(trait, control, label, samples, *, help=""):
    """Declare a parameter with any trait; `control()` makes a widget whose `value` it is, tests try `samples`."""
    return trait.tag(parameter=next(_order), control=control, label=label, samples=samples, tip=help)
