"""What the hand does on a widget's picture, as the browser reports it, becomes values of its parameters."""

import ipywidgets as W

from .layout import inside_of
from .player import calm
from .values import as_known, placed, within


class Hand:
    """The part of an `Explorer` that takes the messages of its stage (see `stage.Stage`)."""

    def draw_stroke(self, name, points):
        """Take a stroke on the pad `name`, points [(across, down), …] in shares of it: for a widget to override."""

    def drop_picture(self, name, content):
        """Take a picture file that was dropped on the widget: for one with `drops` on its stage to override."""

    def _touched(self, content, buffers):
        """Do what the hand did on the picture; an error shows under it."""
        try:
            doing = {"set": self._moved, "stroke": self._stroked, "drop": self._received, "still": self._calmed}
            doing[content["do"]](content, buffers)
        except Exception as error:
            self._fail(error)

    def _moved(self, content, _):
        """Set what an area of the picture means; a number outside its range stops at the end of it."""
        with self._lock:
            values, limits = {}, self.limits(**self.values)
            for name, path, value in content["values"]:
                as_known([name], self.controls, type(self).__name__)
                value = within(value, self.traits()[name], limits.get(name, (None, None)))
                values[name] = placed(values.get(name, getattr(self, name)), path, value)
            if any(getattr(self, name) != value for name, value in values.items()):
                self.update(**values)

    def _stroked(self, content, _):
        with self._lock:
            self.draw_stroke(content["name"], [(float(u), float(v)) for u, v in content["points"]])
            self.refresh()

    def _received(self, content, buffers):
        """Take one dropped picture as if it had been chosen with the button."""
        names = [file["name"] for file in content["files"]]
        if len(names) != 1:
            raise ValueError(f"{len(names)} files were dropped here, of which only one can be shown: drop one picture.")
        if not buffers:
            size = content["files"][0]["size"] / 1e6
            raise ValueError(f"{names[0]} has {size:.0f} MB, more than 8: make it smaller first.")
        self.drop_picture(names[0], bytes(buffers[0]))

    def _calmed(self, content, _):
        for play in filter(lambda inside: isinstance(inside, W.Play), inside_of(self)):
            calm(play, content["reduced"])
