"""The picture of the batch-norm explorer: two histograms, two running statistics."""

import textwrap

import torch

from helpers.drawing import svg, touch

BEFORE, AFTER = (30, 44, 330, 120), (440, 44, 330, 120)  # x, y, width, height of the plot areas
MEAN, VARIANCE = (30, 250, 330, 130), (440, 250, 330, 130)
SIGNS = {"gamma": "γ", "beta": "β"}
RANGE, BINS = (-8.0, 12.0), 40  # of the histograms, common to both
WIDTH, HEIGHT = 800, 448
HANDLE = 20  # px, side of the area of a handle


def draw_explorer(result):
    """Return width, height in px and the SVG parts for the result of a BatchNormExplorer."""
    return WIDTH, HEIGHT, [
        _histogram(result["X"], BEFORE, f"before: a batch of {result['batch_size']}"),
        _hold(result, BEFORE, ("input", "shift", -4, 4, 0.5), ("scale", "scale", 0.25, 2.5, 0.25)),
        _after(result),
        _statistics("mean", result["means"], result["running_means"], result["shift"], MEAN, (-5.0, 5.0)),
        _statistics("variance", result["variances"], result["running_variances"], result["scale"] ** 2, VARIANCE,
                    (0.0, 8.0)),
        _pull(result, MEAN), _pull(result, VARIANCE), _key(),
    ]  # fmt: skip


def _histogram(values, area, title):
    """Bars as high as their share of the fullest one; what lies outside the range is counted in words."""
    x, y, width, height = area
    counts = torch.histc(values.detach(), BINS, *RANGE).tolist()
    step, fullest, top = width / BINS, max(1.0, *counts), height - 26  # above them lies the handle
    bars = "".join(
        svg.rect(x + i * step, y + height - top * n / fullest, step, top * n / fullest, fill=svg.BLUE, line=0)
        for i, n in enumerate(counts) if n
    )  # fmt: skip
    outside = len(values) - int(sum(counts))
    name = f"{title}{f', {outside} outside' if outside else ''}"
    mean = svg.scaled(values.mean().item(), RANGE) * width + x
    mark = svg.path([(mean, y), (mean, y + height)], stroke=svg.ORANGE, line=1.5, dash="4 3")
    moments = f"mean {svg.number(values.mean())}, sd {svg.number(values.std(correction=0))}"
    return (
        svg.text(x, y - 22, name, anchor="start", bold=True)
        + svg.axes(*area, RANGE, (0.0, 1.0), ylabel=moments, yticks=[])
        + bars
        + mark
    )


def _hold(result, area, body, end):
    """Areas to drag a histogram, and the end of its spread: (label, parameter, low, high, step) of each."""
    x, y, width, _ = area
    label, name, low, high, step = body
    span, at = RANGE[1] - RANGE[0], result[name]
    axis = touch.shift(name, at, low, high, span=span, step=step)
    whole = touch.area(*area, label=f"{label}, {name} {at:g}: drag it, or use the arrow keys", across=axis)
    said = svg.text(x + width, y - 6, f"↔ drag: {SIGNS.get(name, name)}", size=11, anchor="end")
    label, name, low, high, step = end
    left, right = (x + svg.scaled(value, RANGE) * width for value in (at, at + result[name]))
    axis = touch.shift(name, result[name], low, high, span=span * HANDLE / width, step=step)
    return "".join([
        whole, said, svg.path([(left, y + 12), (right, y + 12)], stroke=svg.ORANGE, line=3),
        f'<circle cx="{right:.5g}" cy="{y + 12}" r="6" fill="{svg.ORANGE}" stroke="#fff"/>',
        svg.text(right + 11, y + 16, SIGNS.get(name, name), size=11, anchor="start", bold=True, color=svg.ORANGE),
        touch.area(right - HANDLE / 2, y + 12 - HANDLE / 2, HANDLE, HANDLE, across=axis,
                   label=f"{label} {result[name]:g}: drag it, or use the arrow keys"),
    ])  # fmt: skip


def _pull(result, area):
    """An area over a plot of the running statistics: the number of batches follows the pointer."""
    axis = touch.scale("seen", result["seen"], 0, 61, step=1, high=60)
    name = "running mean" if area is MEAN else "running variance"
    return touch.area(*area, across=axis, label=f"{name}, {result['seen']} batches seen: drag, or use the arrow keys")


def _after(result):
    x, y, width, height = AFTER
    arrow = svg.arrow(376, y + height / 2, 424, y + height / 2) + svg.text(400, y + height / 2 - 10, result["mode"])
    if result["output"] is not None:
        by = "its own mean and variance" if result["mode"] == "train" else "the running statistics"
        handles = _hold(result, AFTER, ("output", "beta", -3, 3, 0.5), ("gamma", "gamma", -2, 2, 0.25))
        return arrow + _histogram(result["output"], AFTER, f"after: by {by}") + handles
    name, _, sentence = result["refusal"].partition(": ")
    first, second = textwrap.wrap(sentence, 40)
    middle = x + width / 2
    return arrow + "".join([
        svg.text(x, y - 22, "after: nothing", anchor="start", bold=True),
        svg.rect(*AFTER, line=0.8, dash="4 3"),
        svg.text(middle, y + 34, name, bold=True, color=svg.ORANGE),
        svg.text(middle, y + 54, first), svg.text(middle, y + 70, second),
        svg.text(middle, y + 96, "One value minus its own mean is 0, whatever it was.", size=11),
    ])  # fmt: skip


def _statistics(name, batches, running, true, area, limits):
    """Dots for the batches, a line for the running statistic, a dotted one for the truth; say what is cut off."""
    x, y, width, height = area
    xlim, dots = (0.0, 61.0), []
    beyond = sum(not limits[0] <= value <= limits[1] for value in batches)
    axis = f"{name}, {beyond} of {len(batches)} batches beyond the edge" if beyond else name
    for i, value in enumerate(batches, 1):
        left, top = x + svg.scaled(i, xlim) * width, y + height - svg.scaled(value, limits) * height
        dots.append(svg.rect(left - 2, top - 2, 4, 4, fill=svg.GREY, line=0))
    u, v = len(running) - 1, running[-1]
    left, top = x + svg.scaled(u, xlim) * width, y + height - svg.scaled(v, limits) * height
    return "".join([
        svg.text(x, y - 22, f"running {name} {svg.number(v)} after {u} training batches", anchor="start", bold=True),
        svg.axes(*area, xlim, limits, xlabel="training batches (↔ drag)", ylabel=axis),
        svg.curve([(0.0, true), (xlim[1], true)], *area, xlim, limits, stroke=svg.GREEN, dash="2 3"),
        *dots,
        svg.curve(list(enumerate(running)), *area, xlim, limits, stroke=svg.ORANGE, line=2),
        svg.rect(left - 4, top - 4, 8, 8, fill=svg.ORANGE, line=0),
    ])  # fmt: skip


def _key():
    """What dot, line and dotted line mean."""
    y = HEIGHT - 12
    return "".join([
        svg.rect(MEAN[0], y - 4, 4, 4, fill=svg.GREY, line=0),
        svg.text(MEAN[0] + 12, y + 2, "of a training batch (the variance unbiased)", size=11, anchor="start"),
        svg.path([(330, y - 2), (352, y - 2)], stroke=svg.ORANGE, line=2),
        svg.text(358, y + 2, "running", size=11, anchor="start"),
        svg.path([(440, y - 2), (462, y - 2)], stroke=svg.GREEN, dash="2 3"),
        svg.text(468, y + 2, "of the feature itself", size=11, anchor="start"),
    ])  # fmt: skip
