"""A picture made of SVG text as a notebook shows and stores it: as PNG, with its sentence for who cannot see it."""

import base64
import html
import re

from .svg import size, to_png
from .words import minus


class Still:
    """Shows the SVG text `svg` of `svg.picture`; its repr is the picture's label, which tests compare."""

    def __init__(self, svg):
        self.svg = svg

    def __repr__(self):
        return minus(html.unescape(re.search(r'aria-label="([^"]*)"', self.svg).group(1)))

    def _repr_mimebundle_(self, **kwargs):
        """Return the picture and its sentence; width, height and alternative text stand in the metadata."""
        width, height = size(self.svg)
        data = {"image/png": base64.b64encode(to_png(self.svg)).decode(), "text/plain": repr(self)}
        return data, {"image/png": {"width": round(width), "height": round(height), "alt": repr(self)}}
