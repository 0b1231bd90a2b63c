"""What a matplotlib figure shows, in a sentence: its text alternative, stored with the picture."""

import base64
import struct

from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from .compact import compact

PANELS = 12  # that are told one by one
LISTED = 6  # names of curves, bars or lines of text in a panel


def say_figure(figure):
    """Return a sentence that names each panel of a matplotlib figure: what is drawn, its title, axes and names."""
    panels = [panel for panel in map(_say_panel, figure.axes) if panel]
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


def _say_panel(ax):
    """What one panel shows, or nothing where it is empty."""
    if not ax.get_visible():
        return ""
    kinds = _kinds(ax)
    labels = " against ".join(label for label in (ax.get_ylabel(), ax.get_xlabel()) if label)
    title = " ".join(ax.get_title().split())
    return ", ".join(filter(None, (title, *kinds, labels and f"axes {labels}"))) if kinds else ""


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
