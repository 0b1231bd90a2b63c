"""The picture of short training runs: their loss and test accuracy, and a table of them."""

import math

from helpers.drawing import svg, touch

KEPT = 6  # runs that are shown
DASHES = (*svg.DASHES, "12 3", "1 4")  # one for each of them
WIDTH, HEIGHT = 800, 396
LOSS, ACCURACY = (44, 46, 318, 160), (450, 46, 330, 160)  # x, y, width, height of the plot areas
TOP_LOSS = 3.0  # fixed, so that one wild run does not flatten the others; ln 10 = 2.30 is guessing
ROW = 19
NAMES = "ABCDEF"  # of the runs, by their slot


def draw_runs(result, says, color=lambda settings: ""):
    """Return the SVG parts, WIDTH x HEIGHT px, for the `state()` of a `Trainer`; `says(settings)` names a run.

    `color(settings)` is a run's colour, if it depends on what is trained; otherwise each run has another one.
    """
    top = max([result["budget"], *(run.images for run in result["runs"])]) / 1000
    parts = [
        svg.axes(*LOSS, (0.0, top), (0.0, TOP_LOSS), xlabel="thousand training pictures", ylabel="loss"),
        svg.axes(*ACCURACY, (0.0, top), (0.0, 1.0), xlabel="thousand training pictures", ylabel="test accuracy"),
        _guess_line(),
        _status(result),
    ]
    for run in result["runs"]:
        look = style(run.slot, color(run.settings))
        parts.append(_curves(run, top, look if run is result["runs"][-1] else look | {"line": 1.2}))
    return "".join([*parts, _table(result, says, color)])


def standing(run):
    """How a run stands, in words."""
    if run.end == "diverged":
        return f"diverged: the loss became infinite or NaN by step {run.steps}"
    numbers = ""
    if run.points:
        _, loss, accuracy = run.points[-1]
        numbers = f"loss {loss:.3f}, " if loss < 100 else f"loss {loss:.1e}, "
        numbers += f"test accuracy {accuracy:.3f}, "
    return f"{numbers}{run.steps} steps{f', {run.end}' * (run.end in ('stopped', 'stored'))}"


def style(slot, color=""):
    """Colour and dash of a run: six that differ."""
    return {"stroke": color or svg.ACCENTS[slot % 4], "dash": DASHES[slot], "line": 2}


def _curves(run, top, look):
    """Both curves of a run, with its name and what is beyond the axis."""
    lines, marks, xlim = [], [], (0.0, top)
    for area, column, highest in ((LOSS, 1, TOP_LOSS), (ACCURACY, 2, 1.0)):
        points = [(point[0] / 1000, point[column]) for point in run.points]
        lines.append(svg.curve(points, *area, xlim, (0.0, highest), **look))
        if points:
            u, v = points[-1 - min(2 * run.slot, len(points) - 1)]  # each name at another place, or they would touch
            x, y, width, height = area
            left, base = x + svg.scaled(u, xlim) * width, y + height - svg.scaled(v, (0.0, highest)) * height - 5
            marks.append(svg.text(min(left, x + width - 6), max(base, y + 11), NAMES[run.slot], size=11, bold=True,
                                  color=look["stroke"]))  # fmt: skip
    marks += [_beyond(point, top, look["stroke"]) for point in run.points if point[1] > TOP_LOSS]
    if run.end == "diverged":
        at = LOSS[0] + svg.scaled(run.images / 1000, xlim) * LOSS[2]
        marks.append(svg.text(at + 12, LOSS[1] + 13, "✕", size=14, bold=True, color=look["stroke"]))
    return touch.linked([NAMES[run.slot]], *lines) + "".join(marks)


def _beyond(point, top, color):
    """A mark at the upper edge: there the loss is higher than the axis goes."""
    x, y, width, _ = LOSS
    left = x + svg.scaled(point[0] / 1000, (0.0, top)) * width
    return svg.path([(left - 4, y + 8), (left, y + 1), (left + 4, y + 8)], stroke="none", fill=color)


def _guess_line():
    """A faint line at the loss ln 10, that of ten equal guesses."""
    x, y, width, height = LOSS
    at = y + height - svg.scaled(math.log(10), (0.0, TOP_LOSS)) * height
    return svg.path([(x, at), (x + width, at)], stroke=svg.GREY, line=0.8, dash="1 3") + svg.text(
        x + width + 3, at + 4, "guessing", size=11, anchor="start"
    )


def _status(result):
    """How far the run is, as a bar and in words."""
    share, x = result["progress"], ACCURACY[0]
    if not result["running"]:
        said = "no run is going: choose settings, then press run"
        said += "; a click on a run takes its settings" if result["runs"] else ""
        return touch.needs("run", svg.text(4, 18, said, anchor="start", opacity=0.8))
    return (
        svg.text(4, 18, f"running: {share:.0%}", anchor="start")
        + svg.rect(110, 9, 240 * share, 10, fill=svg.BLUE, line=0)
        + svg.rect(110, 9, 240, 10, line=0.8)
        + svg.text(x, 18, "the page stays free; stop keeps the curve so far", size=11, anchor="start", opacity=0.8)
    )


def _table(result, says, color):
    """One row a run: its name, line, settings, how it stands, and a click sets the controls so; then the next one."""
    parts, y = [], LOSS[1] + LOSS[3] + 60
    for run in result["runs"]:
        name = NAMES[run.slot]
        label = f"run {name}: take its settings, {says(run.settings)}"
        sets = {key: value for key, value in run.settings.items() if key in result["free"]}
        line = _line(y, style(run.slot, color(run.settings)))
        parts += [
            _row(y, f"{name}: {says(run.settings)}", standing(run)),
            touch.linked([name], line, touch.button(2, y - ROW + 5, WIDTH - 4, ROW, label=label, **sets)),
        ]
        y += ROW
    if not result["running"]:
        known = [NAMES[run.slot] for run in result["runs"] if run.settings == result["settings"]]
        words = f"next run: the same as {known[-1]}, change a setting" if known else "next run: press run"
        name = NAMES[result["slot"]]
        look = style(result["slot"], color(result["settings"]))
        row = _row(y, f"{name}: {says(result['settings'])}", words, opacity=0.75)
        parts.append(touch.needs("run", _line(y, look), row))
    if any(point[1] > TOP_LOSS for run in result["runs"] for point in run.points):
        said = f"▲ loss above {TOP_LOSS:g}, beyond the axis"
        parts.append(svg.text(LOSS[0] + LOSS[2], LOSS[1] - 6, said, size=11, anchor="end"))
    return "".join(parts)


def _line(y, look):
    return svg.path([(8, y - 4), (44, y - 4)], **look)


def _row(y, settings, words, opacity=1):
    return svg.text(54, y, settings, anchor="start", opacity=opacity) + svg.text(
        366, y, words, anchor="start", opacity=opacity
    )
