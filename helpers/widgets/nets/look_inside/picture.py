"""Draw what `LookInside` shows: the layers, the picture with the net's answer, and one of four views."""

from helpers.drawing import svg

from ...kit.layers import larger_units, limits_of
from .parts import (
    HEIGHT,
    LARGE,
    LEFT,
    TILES,
    TOP,
    WIDTH,
    bars,
    covered_area,
    heat_over,
    inside,
    large_number,
    photo,
    scale_bar,
    short,
    strip,
    tiles,
)

SIDE = 150  # px of the picture at the left
HEAT = 250  # px of a picture with heat over it
SECOND = LEFT + HEAT + 96  # x of the second one
SMALL, ACROSS, DOWN = 84, 97, 104  # px of a top picture, and from one to the next
CROPS = LEFT + 3 * ACROSS + 38  # x of the windows cut out
__all__ = ["HEIGHT", "WIDTH", "draw_view", "left_column", "numbers_of"]


# In words -------------------------------------------------------------------------------------------------


def numbers_of(result):
    """Return the numbers of the picture in sentences."""
    layer, unit, said = result["layer"], result["unit"], _picture_words(result)
    place = f"layer {layer.title} {layer.kind} {layer.shape}, unit {unit}"
    return f"{said} {result['view']}, {place}: {result['note'] or _WORDS[result['view']](result)}."


def _picture_words(result):
    name = f" ({result['name']})" if result["name"] else ""
    if result["answer"] is None:
        return f"picture {result['index']}{name}."
    likely = float(result["logits"].softmax(0)[result["answer"]])
    return f"picture {result['index']}{name}; answer {class_name(result, result['answer'])}, probability {likely:.3f}."


def _maps_words(result):
    layer, one = result["layer"], result["layer"].output[result["unit"]]
    low, high = limits_of(layer.output)
    if layer.output.ndim == 1:
        return f"{len(layer.output)} values from {low} to {high}, this one {svg.number(float(one))}"
    (least, largest), mean = limits_of(one), svg.number(float(one.mean()))
    return f"all maps from {low} to {high}; this one from {least} to {largest}, mean {mean}"


def _top_words(result):
    found = zip(result["numbers"], result["values"].tolist(), strict=True)
    return f"strongest of {result['searched']} pictures: " + ", ".join(f"{i} ({svg.number(v)})" for i, v in found)


def _cam_words(result):
    cam, weight = result["cam"], result["weights"][result["unit"]]
    size = "×".join(map(str, cam.shape))
    return (
        f"for {class_name(result, result['answer'])}, {size}, from {short(cam.min())} to {short(cam.max())}; weight of "
        f"the unit {short(weight)}, {rank(result)}"
    )


def _occlusion_words(result):
    size, parts = result["size"], []
    if "drop" in result:
        parts.append(f"the logit of {class_name(result, result['answer'])} falls by at most {most(result['drop'])}")
    parts.append(f"the unit's strongest response of {short(result['own'])} by at most {most(result['unit_drop'])}")
    return f"covering {size}×{size} pixels, " + "; ".join(parts)


def class_name(result, number):
    """Return the name of a class, or its number where the names are not those of the net's classes."""
    names = result["classes"]
    return str(names[number]) if len(names) == len(result["logits"]) else f"class {number}"


def rank(result):
    """Return which place the unit's weight has among those of all maps, in words."""
    weights = result["weights"]
    return f"rank {1 + int((weights > weights[result['unit']]).sum())} of {len(weights)}"


def most(drop):
    """Return the largest drop in words."""
    return short(drop.max())


_WORDS = {"maps": _maps_words, "top pictures": _top_words, "Grad-CAM": _cam_words, "occlusion": _occlusion_words}


# Drawn ----------------------------------------------------------------------------------------------------


def left_column(result):
    """Return the strip of layers, the picture, and the net's three likeliest answers."""
    pixels, name = result["pixels"], result["name"]
    title = f"picture {result['index']}" + (f": {name}" if name else "")
    parts = [strip(result["layers"], result["layer"])]
    parts += [svg.text(2, 76, title, size=svg.fit(title, 160), anchor="start"), photo(pixels, 2, TOP, SIDE)]
    y = TOP + SIDE + 22
    if result["logits"] is None:
        return "".join([*parts, svg.text(2, y, "the output is no list of classes", size=9, anchor="start")])
    parts.append(svg.text(2, y, "probability", anchor="start", size=11, opacity=0.8))
    probabilities = result["logits"].softmax(0)
    for i, answer in enumerate(probabilities.argsort(descending=True)[:3].tolist()):
        share, top, word = float(probabilities[answer]), y + 8 + 34 * i, class_name(result, answer)
        parts.append(svg.text(2, top + 12, word, size=svg.fit(word, 112), anchor="start", bold=i == 0))
        parts.append(svg.text(2 + SIDE, top + 12, f"{share:.3f}", anchor="end", size=11, bold=i == 0))
        parts.append(svg.rect(2, top + 17, max(1, share * SIDE), 6, fill=svg.BLUE, stroke="none"))
    return "".join(parts)


def draw_view(result):
    """Return the chosen view, or the sentence that says why there is none."""
    if not result["note"]:
        return _VIEWS[result["view"]](result)
    size = svg.fit(result["note"], WIDTH - LEFT - 8)
    return svg.text(LEFT, 76, result["view"], anchor="start") + svg.text(LEFT, TOP + 30, result["note"], size=size,
                                                                         anchor="start")  # fmt: skip


def _maps(result):
    layer, unit = result["layer"], result["unit"]
    x, y, side = LARGE
    if layer.output.ndim == 1:
        title = f"{layer.title} {layer.kind}: all {len(layer.output)} values"
        below = larger_units(layer.output, unit)
        return bars(layer.output, unit, title, TILES) + large_number(f"unit {unit}", layer.output[unit], below)
    one = layer.output[unit]
    title = f"unit {unit}: {' to '.join(limits_of(one))}"
    return (
        tiles(layer, unit) + scale_bar(layer.output)
        + svg.text(x, 76, title, size=svg.fit(title, side + 2), anchor="start")
        + heat_over(result["pixels"], one, x, y, side, float(one.abs().max()))
    )  # fmt: skip


def _top(result):
    boxes = result["boxes"]
    title = f"strongest of {result['searched']} pictures for unit {result['unit']}"
    parts = [svg.text(LEFT, 76, title, size=svg.fit(title, 3 * ACROSS + 20), anchor="start")]
    said = "its window there; row, column in the map" if boxes else "a dense unit sees the whole picture"
    parts.append(svg.text(CROPS, 76, said, size=svg.fit(said, WIDTH - CROPS), anchor="start"))
    for i, pixels in enumerate(result["pictures"]):
        x, y = LEFT + ACROSS * (i % 3), TOP + DOWN * (i // 3)
        zoom = SMALL / max(pixels.shape[1:])
        words = f"{result['numbers'][i]}: {svg.number(float(result['values'][i]))}"
        parts.append(photo(pixels, x, y, SMALL))
        parts.append(svg.text(x + SMALL / 2, y + SMALL + 13, words, size=10))
        if boxes:
            top, left, bottom, right = inside(boxes[i], pixels)
            corner, sides = (x + left * zoom, y + top * zoom), ((right - left) * zoom, (bottom - top) * zoom)
            parts.append(svg.rect(*corner, *sides, stroke=svg.ORANGE, line=2))
            at = CROPS + ACROSS * (i % 3), y
            parts.append(photo(pixels[:, top:bottom, left:right], *at, SMALL))
            row, column = result["positions"][i]
            words = f"row {row}, column {column}"
            parts.append(svg.text(at[0] + SMALL / 2, y + SMALL + 13, words, size=svg.fit(words, ACROSS - 6)))
    return "".join(parts)


def _cam(result):
    cam, unit, weights = result["cam"], result["unit"], result["weights"]
    title = f"what speaks for {class_name(result, result['answer'])}, {cam.shape[0]}×{cam.shape[1]}"
    parts = [svg.text(LEFT, 76, title, size=svg.fit(title, HEAT + 40), anchor="start")]
    parts.append(heat_over(result["pixels"], cam, LEFT, TOP, HEAT, float(cam.max())))
    parts.append(svg.text(LEFT, TOP + HEAT + 20, f"largest: {short(cam.max())}", size=11, anchor="start"))
    area = (SECOND - 60, TOP, WIDTH - SECOND + 60, 96)
    parts.append(bars(weights, unit, "weight of each map: the mean of its gradient", area))
    x, y, one = SECOND - 16, TOP + 150, result["layer"].output[unit]
    parts.append(heat_over(result["pixels"], one, x, y, 126, float(one.abs().max())))
    words = [f"unit {unit}", f"weight {short(weights[unit])}", f"{rank(result)}", f"map: {' to '.join(limits_of(one))}"]
    for i, line in enumerate(words):
        size = svg.fit(line, WIDTH - x - 140)
        parts.append(svg.text(x + 138, y + 40 + 18 * i, line, size=size, anchor="start", bold=i == 0))
    return "".join(parts)


def _occlusion(result):
    layer, unit, parts = result["layer"], result["unit"], []
    pairs = [(LEFT, "unit_drop", f"response of {layer.title}, unit {unit}: {short(result['own'])}")]
    if "drop" in result:
        answer = result["answer"]
        score = f"logit of {class_name(result, answer)}: {short(result['logits'][answer])}"
        pairs = [(LEFT, "drop", score), (SECOND, *pairs[0][1:])]
    for x, key, title in pairs:
        drop = result[key]
        parts.append(svg.text(x, 76, title, size=svg.fit(title, HEAT + 20), anchor="start"))
        limit, area = float(drop.abs().max()), covered_area(result, drop)
        parts.append(heat_over(result["pixels"], drop, x, TOP, HEAT, limit, area))
        zoom = HEAT / max(result["X"].shape[2:])
        row, column = divmod(int(drop.argmax()), drop.shape[1])
        step, size = result["stride"] * zoom, result["size"] * zoom
        parts.append(svg.rect(x + column * step, TOP + row * step, size, size, stroke=svg.ORANGE, line=2))
        line = f"largest drop: {most(drop)}, by the framed window"
        parts.append(svg.text(x, TOP + HEAT + 20, line, size=11, anchor="start"))
    line = "red: covered here, it falls · blue: it rises"
    return "".join([*parts, svg.text(LEFT, TOP + HEAT + 42, line, size=11, anchor="start")])


_VIEWS = {"maps": _maps, "top pictures": _top, "Grad-CAM": _cam, "occlusion": _occlusion}
