"""The picture of short training runs: their loss and test accuracy, and a table of them."""

import math

from helpers.drawing import svg

KEPT = 6  # runs that are shown
WIDTH, HEIGHT = 800, 396
LOSS, ACCURACY = (44, 46, 330, 160), (450, 46, 330, 160)  # x, y, width, height of the plot areas
TOP_LOSS = 3.0  # fixed, so that one wild run does not flatten the others; ln 10 = 2.30 is guessing
ROW = 19


def draw_runs(result, says):
    """Return the SVG parts, WIDTH x HEIGHT px, for the `state()` of a `Trainer`; `says(settings)` names a run."""
    top = max([result["budget"], *(run.images for run in result["runs"])]) / 1000
    parts = [
        svg.axes(*LOSS, (0.0, top), (0.0, TOP_LOSS), xlabel="thousand training pictures", ylabel="loss"),
        svg.axes(*ACCURACY, (0.0, top), (0.0, 1.0), xlabel="thousand training pictures", ylabel="test accuracy"),
        _guess_line(),
        _status(result),
    ]
    for run in result["runs"]:
        parts += _curves(run, top)
    return "".join([*parts, _table(result, says)])


def standing(run):
    """How a run stands, in words."""
    if run.end == "diverged":
        return f"diverged: the loss became infinite or NaN by step {run.steps}"
    numbers = ""
    if run.points:
        _, loss, accuracy = run.points[-1]
        numbers = f"loss {loss:.3f}, " if loss < 100 else f"loss {loss:.1e}, "
        numbers += f"test accuracy {accuracy:.3f}, "
    return f"{numbers}{run.steps} steps{', stopped' if run.end == 'stopped' else ''}"


def style(slot):
    """Colour and dash of a run: six that differ."""
    return {"stroke": svg.ACCENTS[slot % 4], "dash": svg.DASHES[(slot + slot // 4) % 4], "line": 2}


def _curves(run, top):
    """Both curves of a run, with a cross where it diverged."""
    parts, look = [], style(run.slot)
    for area, column, highest in ((LOSS, 1, TOP_LOSS), (ACCURACY, 2, 1.0)):
        points = [(point[0] / 1000, point[column]) for point in run.points]
        parts.append(svg.curve(points, *area, (0.0, top), (0.0, highest), **look))
    if run.end == "diverged":
        x, y, width, _ = LOSS
        at = x + svg.scaled(run.images / 1000, (0.0, top)) * width
        parts.append(svg.text(at, y + 12, "✕", size=14, bold=True, color=look["stroke"]))
    return parts


def _guess_line():
    """A faint line at the loss ln 10, that of ten equal guesses."""
    x, y, width, height = LOSS
    at = y + height - svg.scaled(math.log(10), (0.0, TOP_LOSS)) * height
    return svg.path([(x, at), (x + width, at)], stroke=svg.GREY, line=0.8, dash="1 3") + svg.text(
        x + width + 3, at + 3, "guessing", size=9, anchor="start", opacity=0.8
    )


def _status(result):
    """How far the run is, as a bar and in words."""
    share, x = result["progress"], ACCURACY[0]
    if not result["running"]:
        return svg.text(4, 18, "no run is going: choose settings, then press run", anchor="start", opacity=0.8)
    return (
        svg.text(4, 18, f"running: {share:.0%}", anchor="start")
        + svg.rect(110, 9, 240 * share, 10, fill=svg.BLUE, line=0)
        + svg.rect(110, 9, 240, 10, line=0.8)
        + svg.text(x, 18, "the page stays free; stop keeps the curve so far", size=11, anchor="start", opacity=0.8)
    )


def _table(result, says):
    """One row a run: its line, its settings, how it stands; below them the next one."""
    parts, y = [], LOSS[1] + LOSS[3] + 60
    for run in result["runs"]:
        parts.append(_row(y, run.slot, says(run.settings), standing(run)))
        y += ROW
    if not result["running"]:
        parts.append(_row(y, result["slot"], says(result["settings"]), "next run", opacity=0.6))
    return "".join(parts)


def _row(y, slot, settings, words, opacity=1):
    return (
        svg.path([(8, y - 4), (44, y - 4)], **style(slot))
        + svg.text(54, y, settings, size=12, anchor="start", opacity=opacity)
        + svg.text(330, y, words, size=12, anchor="start", opacity=opacity)
    )
