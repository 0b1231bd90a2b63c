"""A widget as a table: its picture for each state of a grid, computed here by PyTorch, shown by a page without Python.

Neighbouring states share most of their picture. So a picture is cut into parts, each part is stored once, and a state
is the list of its parts' numbers.
"""

import html
import json
import re
from typing import NamedTuple

import traitlets as T

PART = re.compile(r"[^<]*<[^>]*>|[^<]+$")  # what stands before a tag, and the tag
TOUCH = re.compile(r'<rect [^>]*data-touch="([^"]*)"/>')
NEEDS = re.compile(r'<g data-needs="([^"]*)">(.*?)</g>')


class Table(NamedTuple):
    """What a page needs to know of a widget.

    `names` are the parameters that a reader can set, `states` lists (their values, the numbers of its picture's parts),
    the first state is the one that is shown first. `labels` names each parameter, and `options` has the values of those
    that get a control, in their order; `note` and `photos` are the grid's.
    """

    names: list[str]
    labels: dict[str, str]
    options: dict[str, list]
    parts: list[str]
    states: list[tuple[list, list[int]]]
    note: str = ""
    photos: bool = False

    def picture(self, number):
        """Return the SVG of a state."""
        return "".join(self.parts[part] for part in self.states[number][1])

    def sentence(self, number):
        """Return what a state says in words: the label of its picture."""
        return html.unescape(re.search(r'aria-label="([^"]*)"', self.picture(number))[1])

    def to_json(self):
        """Return the part of the table that is loaded on demand."""
        known = {name: getattr(self, name) for name in ("names", "labels", "states")}
        known["parts"] = [_requoted(part) for part in self.parts]
        return json.dumps(known, ensure_ascii=False, separators=(",", ":"))


def tabulate(widget, grid):
    """Return the Table of a widget over a `grids.Grid`; its present state is the first one.

    A state that the widget refuses is left out; of two settings that come to the same state, one is kept.
    """
    start, names = widget.values, [*grid.controls, *grid.by_hand]
    found = {_frozen(_chosen(start, names)): widget.picture}
    for values in grid.settings(start):
        try:
            widget.update(**_plain(start))
            widget.update(**values)
        except (T.TraitError, ValueError):
            continue
        grid.settle(widget)
        found.setdefault(_frozen(_chosen(widget.values, names)), widget.picture)
    states = [(json.loads(values), _live(picture, names)) for values, picture in found.items()]
    parts, lists = share_parts([picture for _, picture in states])
    options = {name: _in_order(widget.controls[name], grid.options(start)[name]) for name in grid.controls}
    options = {name: list(map(_rounded, values)) for name, values in options.items()}
    labels = {name: grid.names.get(name) or widget.traits()[name].metadata["label"] or name for name in names}
    stored = [(values, numbers) for (values, _), numbers in zip(states, lists, strict=True)]
    return Table(names, labels, options, parts, stored, grid.note, grid.photos)


def share_parts(pictures):
    """Return (parts, lists): texts that are stored once, and for each picture the numbers of its parts in turn.

    Parts that only ever stand behind each other are joined to one.
    """
    cut = [PART.findall(picture) for picture in pictures]
    follows, leads = {}, {}
    for pieces in cut:
        for before, after in zip([None, *pieces], [*pieces, None], strict=True):
            follows.setdefault(before, set()).add(after)
            leads.setdefault(after, set()).add(before)
    numbers, lists = {}, []
    for pieces in cut:
        joined = []
        for before, piece in zip([None, *pieces], pieces, strict=False):
            glued = before is not None and len(follows[before]) == 1 and len(leads[piece]) == 1
            joined[-1:] = [joined[-1] + piece] if glued else [*joined[-1:], piece]
        lists.append([numbers.setdefault(part, len(numbers)) for part in joined])
    return list(numbers), lists


def _plain(values):
    """The parameters to begin each state with: without the files that a reader may have chosen."""
    return {name: value for name, value in values.items() if name != "upload"}


def _chosen(values, names):
    return [values[name] for name in names]


def _frozen(values):
    """Values as a text that is equal for equal ones; numbers without the rounding of floating-point sums."""
    return json.dumps(_rounded(values))


def _rounded(value):
    if isinstance(value, float):
        return round(value, 9)
    return [_rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


def _in_order(control, values):
    """Words as a control has them, numbers from the smallest to the largest, ranges from the narrowest one on."""
    if all(isinstance(one, str) for one in values):
        return [one for one in control.options if one in values]
    return sorted(values, key=lambda one: (one[1] - one[0], one) if isinstance(one, tuple) else one)


def _requoted(part):
    """SVG with its attributes in single quotes: JSON needs a sixth less room for them.

    A quote inside a value or a text is an entity there, so that none can be mistaken.
    """
    return part if "'" in part else part.replace('"', "'").replace("&quot;", '"')


def _live(picture, names):
    """The picture without the areas to touch that set nothing in the table, and without what speaks of them."""

    def kept(area):
        told = json.loads(html.unescape(area[1]))
        sets = [told[way]["name"] for way in ("across", "down") if way in told] + list(told.get("set", ()))
        return area[0] if set(sets) & set(names) else ""

    return NEEDS.sub(lambda said: said[0] if said[1] in names else "", TOUCH.sub(kept, picture))
