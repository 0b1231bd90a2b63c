"""What a matplotlib figure shows, in a sentence: its text alternative, stored with the picture."""

import base64
import itertools
import struct

from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from .compact import compact

PANELS = 12  # that are told one by one
LISTED = 6  # names of curves, bars or lines of text in a panel


def say_figure(figure):
    """Return a sentence that names each panel of a matplotlib figure: what is drawn, its title, axes and names.

    Pictures without a name are counted; where the first of a row has a name at its side, that is the row's.
    """
    panels, unnamed = [], 0
    for row in _rows(figure.axes):
        heading = row[0].get_ylabel() if len(row) > 1 and _kinds(row[0]) == ["picture"] else ""
        told = [_say_panel(ax, heading) for ax in row if len(figure.axes) == 1 or _has_name(ax)]
        if unnamed and (told or heading):
            panels.append(_pictures(unnamed, panels))
            unnamed = 0
        unnamed += len(row) - len(told)
        if heading and not told:
            told, unnamed = [_pictures(unnamed, told)], 0
        panels += [f"{heading}: {told[0]}", *told[1:]] if heading else told
    panels += [_pictures(unnamed, panels)] if unnamed else []
    heading = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    told = "; ".join(panels[:PANELS]) or "an empty figure"
    more = f"; and {len(panels) - PANELS} more" if len(panels) > PANELS else ""
    return f"{heading}: {told}{more}" if heading else told + more


def tell_figures():
    """Let a running IPython store each figure with its sentence and its width in px; without one, do nothing."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, _with_sentence)


def _with_sentence(figure):
    """The PNG of a figure and the metadata of it, as IPython's formatters give them."""
    from IPython.core.pylabtools import print_figure

    if not figure.axes and not figure.lines:
        return None
    png = compact(print_figure(figure, "png"))
    return base64.b64encode(png).decode(), {"width": struct.unpack(">I", png[16:20])[0], "alt": say_figure(figure)}


def _rows(axes):
    """The panels that show something, in lists, one for each row of the grid that they stand in."""
    shown = [ax for ax in axes if ax.get_visible() and _kinds(ax)]
    specs = {ax: ax.get_subplotspec() for ax in shown}
    return [list(row) for _, row in itertools.groupby(shown, lambda ax: specs[ax] and specs[ax].rowspan.start)]


def _has_name(ax):
    return bool(_title(ax)) or _kinds(ax) != ["picture"]


def _pictures(count, before):
    """So many pictures without a name, after what was told before."""
    return f"{count} {'more ' if before else ''}picture{'s' if count > 1 else ''}"


def _say_panel(ax, heading):
    """What one panel shows; `heading` is said of its whole row already."""
    labels = " against ".join(label for label in (ax.get_ylabel(), ax.get_xlabel()) if label and label != heading)
    return ", ".join(filter(None, (_title(ax), *_kinds(ax), labels and f"axes {labels}")))


def _title(ax):
    """The name over a panel, or the one that it was given to be told by."""
    return " ".join((ax.get_title() or ax.get_label()).split())


def _kinds(ax):
    """The kinds of marks in a panel, those with names by their names."""
    lines = _listed(line.get_label() for line in ax.lines)
    kinds = ["picture"] if ax.images else []
    if ax.lines:
        kinds.append(f"curves {lines}" if lines else f"{len(ax.lines)} curve{'s' * (len(ax.lines) > 1)}")
    if any(isinstance(group, BarContainer) for group in ax.containers):
        kinds.append(f"bars {_listed(_ticks(ax))}".strip())
    elif ax.patches and not ax.images:
        kinds.append("areas")
    if ax.collections:
        kinds.append("points")
    words = _listed(text.get_text() for text in ax.texts)
    return [*kinds, f"marked {words}"] if words else kinds


def _ticks(ax):
    """The longer of the two lists of words on the axes: the names of bars."""
    both = ([label.get_text() for label in axis.get_ticklabels()] for axis in (ax.xaxis, ax.yaxis))
    return max(both, key=lambda words: sum(not _is_number(word) for word in words))


def _is_number(word):
    """Whether a tick is a number: on a logarithmic axis it is a formula, $10^{2}$."""
    return "$" in word or not any(letter.isalpha() for letter in word)


def _listed(names):
    """Names that were given, those of matplotlib's own left out, the first few of them."""
    names = [" ".join(name.split()) for name in names if name.strip() and not name.startswith("_")]
    return ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
