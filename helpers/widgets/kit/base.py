"""The base of every widget of the course: parameters → result → picture.

A widget is a subclass of `Explorer` that declares its parameters as class attributes and gives three
functions without side effects:

    class Doubler(Explorer):
        n = slider(2, 0, 10, "n")

        def compute(self, n):            # parameters -> result (tensors, numbers)
            return {"n": n, "output": 2 * n}

        def describe(self, result):      # result -> one sentence with the numbers
            return f"twice {result['n']} is {result['output']}"

        def draw(self, result):          # result -> SVG
            return svg.picture(200, 40, svg.text(100, 25, result["output"]), label=self.describe(result))
"""

import base64
import contextlib
import html
import os
import threading
import traceback
import weakref

import ipywidgets as W
import traitlets as T

from helpers.drawing import svg
from helpers.drawing.live import view_of

from .echoes import Echoes, close, from_browser, on_its_step
from .hand import Hand
from .layout import Hooks, side_by_side
from .stage import Stage
from .values import as_known

FLOATS = (W.FloatSlider, W.FloatRangeSlider)  # a browser answers each value of theirs with a rounded one
_explorers = weakref.WeakSet()


class Explorer(Hand, W.VBox):
    """A picture that follows its controls. `result` holds what is shown, `errors` what a callback raised.

    A parameter can be set on the widget (`explorer.n = 3`), by its control, or several at once with one
    redraw (`explorer.update(n=3, mode="avg")`). An exception in `compute` or `draw` appears under the picture;
    on the first draw, and wherever the environment variable CNN_COURSE_STRICT is set, it is raised.
    """

    remembers = ()  # names of a subclass's own attributes that follow the parameters, and go back with them

    def __init__(self, **values):
        # JupyterLab runs callbacks on a second thread while a cell is running: one redraw at a time.
        self._lock = threading.RLock()
        self._held = 0
        self.result, self.errors = None, []
        self._picture, self._message = Stage(self._touched), W.HTML()
        self._drawn = None  # the state in the picture that is shown
        self.controls = {name: self._control(name) for name in self.parameters()}
        self.button = {label: W.Button(description=label) for label in self.buttons()}
        for label, method in self.buttons().items():
            self.button[label].on_click(lambda _, method=method: self.act(method))
        sliders = {name: control for name, control in self.controls.items() if isinstance(control, FLOATS)}
        self._echoes = {name: Echoes(control.value) for name, control in sliders.items()}
        self._hooks = Hooks(self.controls[name] for name in self.following())
        rows = [self._hooks.put_in(self.arrange()), self._picture, self._message]
        layout = {name: values[name] for name in values if name not in self.controls}
        as_known((name for name in layout if name not in self.trait_names()), self.controls, type(self).__name__)
        super().__init__(rows, **layout)
        self.add_class("cnn-course")
        for name, widget in self.controls.items():
            widget.observe(lambda change, name=name: self._control_changed(name, change["new"]), "value")
            self.observe(self._parameter_changed, name)
        _explorers.add(self)
        self._set_all({name: values[name] for name in self.controls if name in values})
        self.refresh(first=True)

    # What a subclass gives -------------------------------------------------------------------------------

    def compute(self, **values):
        """Return what is to be shown for these parameters: tensors and numbers, nothing drawn."""
        raise NotImplementedError

    def describe(self, result):
        """Return one sentence that says the numbers of the picture: its text alternative."""
        raise NotImplementedError

    def draw(self, result):
        """Return the picture, made by `svg.picture(…, label=self.describe(result))`."""
        raise NotImplementedError

    def limits(self, **values):
        """Return {slider: (low, high)} where a slider's range, within the declared one, depends on the others."""
        return {}

    def following(self):
        """Return the names of the sliders whose range or options depend on other parameters."""
        return list(self.limits(**self.values))

    def buttons(self):
        """Return {label: method} for actions such as "step"; each is followed by a redraw."""
        return {}

    def wait(self):
        """Return when no work started by a button is left; a widget that works in a thread overrides it."""

    def arrange(self):
        """Return the widget that holds the controls (`self.controls[name]`) and buttons (`self.button[label]`)."""
        return side_by_side([*self.controls.values(), *self.button.values()])

    # What the base does with it --------------------------------------------------------------------------

    @classmethod
    def parameters(cls):
        """Return the names of the parameters in the order of their declaration."""
        traits = cls.class_traits(parameter=lambda order: order is not None)
        return sorted(traits, key=lambda name: traits[name].metadata["parameter"])

    @property
    def values(self):
        """The parameters and their present values."""
        return {name: getattr(self, name) for name in self.controls}

    @property
    def picture(self):
        """The SVG text that is shown."""
        return self._picture.value

    def update(self, **values):
        """Set several parameters with one redraw; returns the widget. Where one is refused, none is changed.

        Raises TypeError for an unknown name and traitlets.TraitError for a value out of range or of another kind.
        """
        as_known(values, self.controls, type(self).__name__)
        with self._lock:
            before = self._state()
            try:
                self._set_all(values)
            except Exception:
                self._put_back(before)
                raise
            self.refresh()
        return self

    def refresh(self, *, first=False):
        """Compute and draw anew."""
        with self._lock:
            try:
                self._apply_limits()
                self._hooks.renew()
                result = self.compute(**self.values)
                picture = self.draw(result)
            except Exception as error:
                if self._drawn is not None:
                    self._put_back(self._drawn)
                self._fail(error, first)
            else:
                self.result, self._picture.value, self._message.value = result, picture, ""
                self._drawn = self._state()

    def act(self, method):
        """Run a button's method, then redraw; an error shows under the picture."""
        with self._lock:
            try:
                method()
            except Exception as error:
                return self._fail(error)
            self.refresh()

    def _control(self, name):
        metadata = self.traits()[name].metadata
        widget = metadata["control"]()
        widget.description = metadata["label"]
        if not isinstance(widget, W.Box):  # a tooltip on a box stops JupyterLab from showing it
            widget.tooltip = metadata["tip"] or metadata["label"]
            widget.style.description_width = "initial"
        return widget

    def _control_changed(self, name, value):
        """Take over a control's value, but not what a browser sends back of a float slider that code has moved."""
        control, present = self.controls[name], getattr(self, name)
        if name in self._echoes and not from_browser(control):
            self._echoes[name].sent(value)
        elif name in self._echoes:
            with self._lock:
                if close(value, present) or self._echoes[name].is_echo(value):
                    if not close(value, present):
                        control.value = present  # the answer was to a value that holds no longer: show this one
                    return
                value = on_its_step(value, control.min, control.step)
        try:
            setattr(self, name, value)
        except T.TraitError:
            control.value = present
            raise

    def _parameter_changed(self, change):
        with self._lock:
            # An observer of a subclass may have moved it on: what holds is shown, or the two would answer for ever.
            control, value = self.controls[change["name"]], getattr(self, change["name"])
            if hasattr(control, "max") and not isinstance(value, tuple):  # its range may only follow at the next redraw
                control.min, control.max = min(control.min, value), max(control.max, value)
            control.value = value
            if not self._held:
                self.refresh()

    def _set_all(self, values):
        with self._held_back():
            for name, value in values.items():
                setattr(self, name, value)

    def _state(self):
        """The parameters, and what follows them, for `_put_back`."""
        return self.values, {name: getattr(self, name) for name in self.remembers}

    def _put_back(self, state):
        """Set parameters and controls as they were; twice, as one parameter may bring others along."""
        values, others = state
        for _ in range(2):
            self._set_all(values)
        for name, value in others.items():
            setattr(self, name, value)

    @contextlib.contextmanager
    def _held_back(self):
        """While it is open, changes of parameters are not drawn."""
        with self._lock:
            self._held += 1
            try:
                yield
            finally:
                self._held -= 1

    def _apply_limits(self):
        with self._held_back():
            for name, (low, high) in self.limits(**self.values).items():
                trait, widget = self.traits()[name], self.controls[name]
                low, high = max(low, trait.min), min(high, trait.max)
                value = min(max(getattr(self, name), low), high)
                setattr(self, name, value)
                widget.value = value
                # The old range may lie wholly outside the new one: widen first, then narrow.
                widget.min, widget.max = min(widget.min, low), max(widget.max, high)
                widget.min, widget.max = low, high

    def _fail(self, error, first=False):
        self.errors.append(error)
        plain = isinstance(error, (ValueError, TypeError)) and str(error)
        said = plain or "".join(traceback.format_exception(error)[-3:])
        self._message.value = f'<pre role="alert" style="white-space:pre-wrap">⚠ {html.escape(said)}</pre>'
        if first or os.environ.get("CNN_COURSE_STRICT"):
            raise error

    _ipython_display_ = None  # ipywidgets 7 would show the live widget alone, without the still

    def _repr_mimebundle_(self, **kwargs):
        """Return the live widget, and for readers without a kernel a still picture, its sentence and its width."""
        bundle = view_of(self)
        caption = " · ".join(f"{self.controls[k].description} {_short(v)}" for k, v in self.values.items())
        png = svg.to_png(self.picture, caption if len(caption) < 120 else "")
        said = self.describe(self.result)
        bundle["text/plain"] = f"{type(self).__name__}: {said}"
        bundle["image/png"] = base64.b64encode(png).decode()
        alternative = {"width": round(svg.size(self.picture)[0]), "alt": said}
        return bundle, {"image/png": alternative}


def _short(value):
    if isinstance(value, tuple) and all(isinstance(end, float) for end in value):
        return " to ".join(map(svg.number, value))
    return svg.number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
