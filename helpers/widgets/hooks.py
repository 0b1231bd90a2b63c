"""Sliders whose range changes: the browser must draw them anew, or their End key goes to the end they had before."""

import ipywidgets as W


class Hooks:
    """A box of fixed height around each of some sliders: taken off and hung anew, they move nothing in the page."""

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
