"""Make a picture the control: transparent areas over an SVG that say which parameters the hand sets there.

An area carries its meaning as JSON in the attribute `data-touch`; `helpers/widgets/kit/stage.js` reads it in the
browser and sends {parameter: value} to Python. An axis says what one direction of the area means: the number of a
cell, a point on a scale, or a shift of what is dragged. Without a browser the areas are invisible and do nothing.
"""

import html
import json

SENT = 4  # digits of a share or a span: a tenth of a pixel in a picture of 1,000


def cells(name, at, count, low=0, high=None, *, offset=0, size=None, path=()):
    """Return an axis of `count` equal cells: the one under the pointer, plus `offset`, kept within low..high.

    With `size`, the value is the first of so many cells, a window: taken by one of them, it is held there in a drag.
    `at` is the present value, `path` the place in a parameter that is a table, as (row, column).
    """
    window = {"size": size} if size else {}
    return _axis("cell", name, at, low, count - 1 if high is None else high, path, count=count, offset=offset, **window)


def steps(name, at, values):
    """Return an axis of equal cells, each of which stands for one of some rising values."""
    return _axis("step", name, at, values[0], values[-1], (), values=list(values))


def tiles(name, at, count, columns, *, first=0, low=0, high=None):
    """Return an axis, the only one of its area, of numbered tiles in rows of so many columns.

    Shown are `count` tiles from number `first` on. Keys go through low..high: a tile to the side, a row up or down,
    PageUp and PageDown by all that are shown.
    """
    high = first + count - 1 if high is None else high
    return _axis("tile", name, at, low, high, (), count=count, columns=columns, first=first)


def scale(name, at, first, last, *, step, low=None, high=None, log=False, path=()):
    """Return an axis of numbers from `first`, at the left or upper edge, to `last`, at the other one.

    On a `log` axis, both ends above 0, equal ways are equal factors.
    """
    low, high = min(first, last) if low is None else low, max(first, last) if high is None else high
    more = {"log": True} if log else {}
    return _axis("point", name, at, low, high, path, first=first, last=last, step=step, **more)


def shift(name, at, low, high, *, span, step=1, path=()):
    """Return an axis along which a drag across the whole area adds `span` to the value that it had at the press."""
    return _axis("shift", name, at, low, high, path, span=round(span, SENT), step=step)


def turn(name, at, low, high, *, about, step=1):
    """Return an axis of degrees, anticlockwise round the point `about`, in shares of its area, which is square.

    From low to high is a full circle. One drag turns by the angle between the press and the pointer, seen from there.
    """
    return _axis("turn", name, at, low, high, (), about=[round(share, SENT) for share in about], step=step)


def spread(name, at, low, high, *, about, step):
    """Return an axis of factors: twice as far from the point `about`, as in `turn`, is twice the value at the press."""
    return _axis("spread", name, at, low, high, (), about=[round(share, SENT) for share in about], step=step)


def area(x, y, width, height, *, label, across=None, down=None, hover=False, ghost=None):
    """Return an area to press, drag and, with `hover`, to point at; the arrow keys move it by one step.

    `ghost` is (name, dx, dy): the part of the picture made by `ghost(name, …)` follows the cell under the pointer, dx
    and dy px for one cell, in the browser alone.
    """
    spec = {"across": across, "down": down, "hover": hover or None}
    if ghost:
        spec["ghost"] = {"name": ghost[0], "dx": ghost[1], "dy": ghost[2]}
    return _rect(x, y, width, height, spec, label, _role([axis for axis in (across, down) if axis]))


def button(x, y, width, height, *, label, pressed=None, **sets):
    """Return an area that sets parameters when it is clicked: button(0, 0, 20, 20, label="layer 3", layer=3)."""
    state = "" if pressed is None else f' aria-pressed="{str(bool(pressed)).lower()}"'
    return _rect(x, y, width, height, {"set": sets}, label, f'role="button"{state}')


def pad(x, y, width, height, *, name, line, label, ink="#fff", across=None, down=None, switch=None):
    """Return an area to draw on: strokes, shown at once with a line of `line` px, go to `Explorer.draw_stroke`.

    Arrow keys move what `across` and `down` say, a pen for readers without a mouse; Enter and Space turn over the
    `switch`, (parameter, present value), which lowers and lifts it. None of these steps is left out, however fast.
    """
    spec = {"stroke": {"name": name, "line": line, "ink": ink}, "across": across, "down": down}
    spec |= {"switch": {"name": switch[0], "at": switch[1]}} if switch else {}
    return _rect(x, y, width, height, spec, label, 'role="application"')


def ghost(name, *parts):
    """Return parts that the browser shows and moves while the pointer is over an area with this ghost."""
    return f'<g data-ghost="{html.escape(name)}" visibility="hidden" pointer-events="none">{"".join(parts)}</g>'


def linked(tokens, *parts):
    """Return parts that light up together with all others that have one of these tokens, while one is pointed at."""
    return f'<g data-link="{html.escape(" ".join(tokens))}">{"".join(parts)}</g>'


def needs(name, *parts):
    """Return parts, no groups of their own among them, that speak of what a parameter or a button is needed for.

    The web edition leaves them out where it cannot be set.
    """
    return f'<g data-needs="{html.escape(name)}">{"".join(parts)}</g>'


def _axis(kind, name, at, low, high, path, **more):
    axis = {"as": kind, "name": name, "at": at, "low": low, "high": high, **more}
    return axis | ({"path": list(path)} if path else {})


def _role(axes):
    """One axis is a slider to a screen reader; two are an area of their own."""
    if len(axes) != 1:
        return 'role="application"'
    axis = axes[0]
    values = f'aria-valuemin="{axis["low"]:g}" aria-valuemax="{axis["high"]:g}" aria-valuenow="{axis["at"]:g}"'
    return f'role="slider" {values}'


def _rect(x, y, width, height, spec, label, role):
    told = html.escape(json.dumps({key: value for key, value in spec.items() if value is not None}))
    return (
        f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" fill="transparent" '
        f'{role} tabindex="0" aria-label="{html.escape(label)}" data-touch="{told}"/>'
    )
