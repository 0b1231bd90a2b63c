"""Which numbers a normalisation takes together, drawn: pictures as rows, channels as columns."""

import numpy as np

from . import svg
from .still import Still

CELL, GAP, LEFT, TOP, ROOM = 30, 14, 62, 48, 40  # px: a number, between maps, row names, titles, between panels
LEAST = 66  # px from map to map, so that the names of columns have room
KINDS = {
    "batch": lambda n, c, half: c,
    "layer": lambda n, c, half: n,
    "instance": lambda n, c, half: (n, c),
    "group": lambda n, c, half: (n, c // half),
}  # what two maps share that are normalised together


def show_norms(X, *kinds):
    """Show X (N, F) or (N, C, H, W), its numbers in one colour where they share one mean and one variance.

    A panel for each kind: "batch" takes all pictures of a channel together, "layer" all channels of a picture,
    "instance" one map, "group" half of a picture's channels (Wu and He, Group normalization, 2018, figure 2). Raises
    ValueError for another kind, for none, for another number of axes, and for more groups than there are colours.
    """
    X = svg.as_array(X, float)
    if X.ndim not in (2, 4):
        raise ValueError(f"X has {X.ndim} axes, {X.shape}: give (N, F) or (N, C, H, W)")
    if not kinds or not set(kinds) <= set(KINDS):
        raise ValueError(f"kinds are {kinds}: give one or more of {', '.join(KINDS)}")
    maps = X if X.ndim == 4 else X[:, :, None, None]
    (N, C, H, W), feature = maps.shape, "channel" if X.ndim == 4 else "feature"
    step = LEFT + C * _column(W) + ROOM
    panels = [svg.moved(i * step, 0, _panel(maps, kind, feature)) for i, kind in enumerate(kinds)]
    sizes = [f"{kind}: {_together(maps, kind)} numbers share a mean" for kind in kinds]
    label = f"{'×'.join(map(str, X.shape))}, {N} pictures, {C} {feature}s; {'; '.join(sizes)}"
    return Still(svg.picture(len(kinds) * step - ROOM, TOP + N * (H * CELL + GAP), *panels, label=label))


def _column(width):
    """Px from the left edge of a map so wide to that of the next."""
    return max(LEAST, width * CELL + GAP)


def _keys(maps, kind):
    """{(n, c): what its map shares}; two maps with equal values are normalised together."""
    half = max(1, maps.shape[1] // 2)
    return {(n, c): KINDS[kind](n, c, half) for n in range(maps.shape[0]) for c in range(maps.shape[1])}


def _together(maps, kind):
    """How many numbers share the first map's mean."""
    keys = _keys(maps, kind)
    return sum(key == keys[0, 0] for key in keys.values()) * maps.shape[2] * maps.shape[3]


def _panel(maps, kind, feature):
    """One panel: a title, names of rows and columns, and every number on the colour of its group."""
    keys = _keys(maps, kind)
    order = list(dict.fromkeys(keys.values()))
    if len(order) > len(svg.ACCENTS):
        raise ValueError(f"{kind} makes {len(order)} groups of X, more than {len(svg.ACCENTS)} colours: cut X")
    high, wide, half = maps.shape[2] * CELL + GAP, _column(maps.shape[3]), maps.shape[3] * CELL / 2
    parts = [svg.text(0, 14, f"{kind} normalisation", anchor="start", bold=True, size=13)]
    parts += [svg.text(LEFT + c * wide + half, TOP - 7, f"{feature} {c}", size=11)
              for c in range(maps.shape[1])]  # fmt: skip
    parts += [svg.text(LEFT - 8, TOP + n * high + (high - GAP) / 2 + 4, f"picture {n}", size=11, anchor="end")
              for n in range(maps.shape[0])]  # fmt: skip
    for (n, c), key in keys.items():
        color = svg.ACCENTS[order.index(key)]
        parts.append(_map(maps[n, c], LEFT + c * wide, TOP + n * high, color))
    return "".join(parts)


def _map(values, x, y, color):
    """The numbers of one map, each in its cell."""
    return "".join(
        svg.rect(x + j * CELL, y + i * CELL, CELL, CELL, fill=color, opacity=0.3, stroke=svg.GREY, line=0.6)
        + svg.text(x + (j + 0.5) * CELL, y + (i + 0.5) * CELL + 4, svg.number(value))
        for (i, j), value in np.ndenumerate(values)
    )
