"""What every picture must keep: text of a readable size, inside the picture, nothing over anything; its areas."""

import functools
import html
import itertools
import json
import pathlib
import re

import matplotlib
from PIL import ImageFont

from helpers.drawing import svg


def smallest_font(picture):
    return min(float(size) for size in re.findall(r'font-size="([\d.]+)"', picture))


def inside(picture):
    """Assert that no text and no rectangle begins outside the picture."""
    width, height = svg.size(picture)
    for x, y in re.findall(r'<(?:text|rect) x="([-\d.e+]+)" y="([-\d.e+]+)"', picture):
        assert 0 <= float(x) <= width and 0 <= float(y) <= height


def assert_texts_stand_apart(picture):
    """Assert that no text leaves the picture or touches another."""
    width, height = svg.size(picture)
    pattern = r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" text-anchor="(\w+)"([^>]*)>([^<]*)'
    boxes = []
    for x, y, size, anchor, style, words in re.findall(pattern, picture):
        wide = ink(html.unescape(words), "bold" in style) * float(size)
        left = float(x) - wide * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        boxes.append((left, left + wide, float(y) - 0.75 * float(size), float(y), words))
    for left, right, top, bottom, words in boxes:
        assert left >= 0 and right <= width and top >= 0 and bottom <= height, words
    for a, b in itertools.combinations(boxes, 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2], (a, b)


@functools.cache
def ink(words, bold):
    """Return the width of words in DejaVu Sans, in units of the font's size."""
    fonts = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf")
    return ImageFont.truetype(str(fonts / f"DejaVuSans{'-Bold' * bold}.ttf"), 100).getlength(words) / 100


def areas(widget):
    """Return {beginning of the label, up to its comma or number: what the area tells the browser} of a picture."""
    pattern = r'<rect [^>]*aria-label="([^"]*)" data-touch="([^"]*)"'
    found = {}
    for label, told in re.findall(pattern, widget.picture):
        name = re.split(r",| at |:", html.unescape(label))[0]
        found.setdefault(name, json.loads(html.unescape(told)))
    return found


def touched(widget, label):
    """Click a button of the picture, found by its whole label, as the browser tells it."""
    values = [[name, [], value] for name, value in areas(widget)[label]["set"].items()]
    widget._picture._handle_custom_msg({"id": 1, "do": "set", "values": values}, [])
    assert not widget.errors
