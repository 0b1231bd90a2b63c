"""Bars of signed values, one of them chosen."""

from helpers.drawing import svg


def named_bars(values, chosen, names, area, limits):
    """Return a lying bar a row in the area (x, y, width, height), its name before and its number behind it."""
    x, y, width, height = area
    zero, step, parts = x + svg.scaled(0, limits) * width, height / len(values), []
    for i, (value, name) in enumerate(zip(values, names, strict=True)):
        end, top, here = x + svg.scaled(value, limits) * width, y + i * step, i == chosen
        color = svg.ORANGE if here else svg.BLUE
        parts.append(svg.text(x - 8, top + step - 7, name, size=svg.fit(name, 84), anchor="end", bold=here))
        parts.append(svg.rect(min(zero, end), top + 2, abs(end - zero), step - 5, stroke="none", fill=color))
        parts.append(svg.text(x + width + 8, top + step - 7, svg.number(value), size=11, anchor="start", bold=here))
    return "".join(parts) + svg.path([(zero, y), (zero, y + height)], line=0.8)


def upright_bars(values, chosen, area, limits):
    """Return bars side by side, for any number of them, as one outline in the area (x, y, width, height)."""
    x, y, width, height = area
    zero, step = y + height - svg.scaled(0, limits) * height, width / len(values)
    tops = [y + height - svg.scaled(value, limits) * height for value in values]
    outline = [(x + (i + side) * step, top) for i, top in enumerate(tops) for side in (0, 1)]
    top, left, bottom = tops[chosen], x + chosen * step, y + height
    color = {"fill": svg.ORANGE, "stroke": svg.ORANGE}
    return (
        svg.path([(x, zero), *outline, (x + width, zero)], stroke="none", fill=svg.BLUE)
        + svg.rect(left, min(top, zero), step, abs(top - zero), line=2, **color)
        + svg.path([(x, zero), (x + width, zero)], line=0.8)
        + svg.text(x - 6, y + 8, _short(limits[1]), size=11, anchor="end")
        + svg.text(x - 6, bottom, _short(limits[0]), size=11, anchor="end")
        + svg.text(x, bottom + 20, "unit 0", size=11, anchor="start")
        + svg.text(x + width, bottom + 20, f"unit {len(values) - 1}", size=11, anchor="end")
    )


def _short(value):
    """A number that may be very small."""
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else svg.number(value)
