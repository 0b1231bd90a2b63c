"""How the controls of a widget stand: rows that wrap, and sliders that are hung anew when their range changes."""

import ipywidgets as W

# Classes of sliders whose readout is narrower, or wider, than ipywidgets has it; a track gets what is left.
ONE_DIGIT, RANGE = "cnn-one-digit", "cnn-range"


def side_by_side(widgets, align_items="center", **layout):
    """Return the widgets side by side; where the page is narrow, they go on in a further line."""
    layout = W.Layout(flex_flow="row wrap", align_items=align_items, overflow="visible", **layout)
    return W.HBox(list(widgets), layout=layout)


def inside_of(widget):
    """Yield a widget and all that stand in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside_of(child)


class Hooks:
    """A box of fixed height around each of some sliders: taken off and hung anew, they move nothing in the page.

    The browser must draw a slider anew when its range has changed, or its End key goes to the end it had before.
    """

    def __init__(self, sliders):
        layout = {"height": "32px", "overflow": "visible", "align_items": "center"}
        self.boxes = {slider: W.Box([slider], layout=W.Layout(**layout)) for slider in sliders}
        self.ranges = {slider: _range(slider) for slider in self.boxes}

    def put_in(self, box):
        """Replace the sliders, wherever they are in `box`, by the boxes around them; returns `box`."""
        children = [self.put_in(child) if isinstance(child, W.Box) else child for child in box.children]
        box.children = [self.boxes.get(child, child) for child in children]
        return box

    def renew(self):
        """Hang those sliders anew whose range is another than when they were hung."""
        for slider, box in self.boxes.items():
            if self.ranges[slider] != _range(slider):
                self.ranges[slider], box.children = _range(slider), ()
                box.children = (slider,)


def _range(slider):
    return slider.options if hasattr(slider, "options") else (slider.min, slider.max)
