"""Draw what `LookInside` shows: the layers, the picture with the net's answer, and one of four views."""

import textwrap

from helpers.drawing import svg, touch

from ...kit.layer_views import answers, held_cells, map_tiles, scale_bar, strip, strip_height, value_bars
from ...kit.layers import larger_units, limits_of
from ...kit.thumbnails import HEIGHT as THUMBNAILS
from .parts import HIGH, LARGE, LEFT, TILES, TOP, WIDTH, covered_area, heat_over, inside, large_number, photo, short

SIDE = 170  # px of the picture at the left
HEAT = 280  # px of a picture with heat over it
SECOND = LEFT + HEAT + 100  # x of the second one
SMALL, ACROSS, DOWN = 88, 116, 108  # px of a top picture, and from one to the next
CROPS = LEFT + 3 * ACROSS + 50  # x of the windows cut out
__all__ = ["draw_all", "numbers_of"]


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
    return f"all maps from {low} to {high}; this one from {least} to {largest}, mean {mean}; {_held_words(result, one)}"


def _held_words(result, values):
    row, column = result["place"]
    return f"at row {row}, column {column}: {short(values[row, column])}"


def _top_words(result):
    found = zip(result["numbers"], result["values"].tolist(), strict=True)
    return f"strongest of {result['searched']} pictures: " + ", ".join(f"{i} ({svg.number(v)})" for i, v in found)


def _cam_words(result):
    cam, weight = result["cam"], result["weights"][result["unit"]]
    size = "×".join(map(str, cam.shape))
    return (
        f"for {class_name(result, result['answer'])}, {size}, from {short(cam.min())} to {short(cam.max())}; weight of "
        f"the unit {short(weight)}, {rank(result)}; {_held_words(result, cam)}"
    )


def _occlusion_words(result):
    size, parts = result["size"], []
    if "drop" in result:
        parts.append(f"the logit of {class_name(result, result['answer'])} falls by at most {most(result['drop'])}")
    parts.append(f"the unit's strongest response of {short(result['own'])} by at most {most(result['unit_drop'])}")
    held = _held_words(result, result["drop"] if "drop" in result else result["unit_drop"])
    return f"covering {size}×{size} pixels, {'; '.join(parts)}; window {held}"


def class_names(result):
    """Return the names of the classes, or numbers where there are not as many names."""
    names, count = result["classes"], len(result["logits"])
    return [str(name) for name in names] if len(names) == count else [f"class {i}" for i in range(count)]


def class_name(result, number):
    """Return the name of a class."""
    return class_names(result)[number]


def rank(result):
    """Return which place the unit's weight has among those of all maps, in words."""
    weights = result["weights"]
    return f"rank {1 + int((weights > weights[result['unit']]).sum())} of {len(weights)}"


def most(drop):
    """Return the largest drop in words."""
    return short(drop.max())


_WORDS = {"maps": _maps_words, "top pictures": _top_words, "Grad-CAM": _cam_words, "occlusion": _occlusion_words}


# Drawn ----------------------------------------------------------------------------------------------------


def draw_all(result, pictures):
    """Return width, height in px and the SVG parts: layers, the picture, the view, the pictures to choose from."""
    top = strip_height(result["layers"]) + 8
    height = top + HIGH + THUMBNAILS
    return WIDTH, height, [
        strip(result["layers"], result["layer"], WIDTH),
        svg.moved(0, top, _left_column(result), _view(result)),
        svg.moved(0, top + HIGH, pictures.draw(result["index"], WIDTH)),
    ]  # fmt: skip


def _title(x, width, words, **style):
    """A line above a part of the picture, cut where it would be too long."""
    longest = int(width / 7)
    words = words if len(words) <= longest else words[: longest - 1] + "…"
    return svg.text(x, 18, words, anchor="start", **style)


def _left_column(result):
    """The picture, what the pixel that is held sees of it, and the net's three likeliest answers."""
    pixels, name = result["pixels"], result["name"]
    zoom = SIDE / max(pixels.shape[1:])
    height, width = (zoom * n for n in pixels.shape[1:])
    title = f"picture {result['index']}" + (f": {name}" if name else "")
    parts = [_title(2, SIDE + 24, title), photo(pixels, 2, TOP, SIDE)]
    if result.get("window"):
        top, left, bottom, right = (zoom * n for n in result["window"])
        seen = svg.rect(left, top, right - left, bottom - top, stroke=svg.ORANGE, line=2.5)
        parts.append(svg.clipped(2, TOP, width, height, seen))
    if result["view"] == "maps" and result["layer"].output.ndim == 3:
        parts.append(held_cells(result["layer"].output.shape[1:], result["place"], 2, TOP, width, height, "window"))
    y = TOP + SIDE + 10
    if result["logits"] is None:
        words = ("the output is no list", "of classes")
        return "".join(parts) + "".join(svg.text(2, y + 14 + 15 * i, line, size=11, anchor="start")
                                        for i, line in enumerate(words))  # fmt: skip
    return "".join(parts) + answers(result["logits"], class_names(result), 2, y, SIDE)


def _view(result):
    """The chosen view, or the sentence that says why there is none."""
    if not result["note"]:
        return _VIEWS[result["view"]](result)
    lines = enumerate(textwrap.wrap(result["note"], 80))
    return svg.text(LEFT, 18, result["view"], anchor="start") + "".join(
        svg.text(LEFT, TOP + 30 + 18 * i, line, anchor="start") for i, line in lines)  # fmt: skip


def _maps(result):
    layer, unit, (x, y, width, height) = result["layer"], result["unit"], TILES
    output, count = layer.output, len(layer.output)
    if output.ndim == 1:
        title = _title(x, width, f"{layer.title} {layer.kind}: all {count} values · click one")
        number = large_number(f"unit {unit}", output[unit], larger_units(output, unit))
        return title + value_bars(output, unit, (x, y, width, height + 30), "unit") + number
    return (
        _title(x, width, f"{layer.title} {layer.kind}: all {count} maps, one scale · click one")
        + map_tiles(layer, unit, TILES, "unit") + scale_bar(output, x, y + height + 18, width) + _large_map(result)
    )  # fmt: skip


def _large_map(result):
    """The chosen unit's map over the picture, and the pixel that is held."""
    one, (x, y, side) = result["layer"].output[result["unit"]], LARGE
    return (
        _title(x, side + 4, f"unit {result['unit']}: {' to '.join(limits_of(one))}")
        + heat_over(result["pixels"], one, x, y, side, float(one.abs().max()))
        + _held(result, one, x, y, side) + _says(x, y + side + 18, _held_words(result, one))
    )  # fmt: skip


def _held(result, values, x, y, side):
    """The frame of the pixel that is held in a map (h, w) over the whole picture, and the area to drag it."""
    (rows, columns), (row, column), pixels = values.shape, result["place"], result["pixels"]
    high, wide = (side * n / max(pixels.shape[1:]) for n in pixels.shape[1:])
    cell, tall = wide / columns, high / rows
    frame = svg.rect(x + column * cell, y + row * tall, cell, tall, stroke=svg.ORANGE, line=3)
    return frame + held_cells(values.shape, result["place"], x, y, wide, high, "pixel")


def _says(x, y, words, bold=True):
    return svg.text(x, y, words, size=11, anchor="start", bold=bold)


def _top(result):
    boxes = result["boxes"]
    title = f"strongest of {result['searched']} for unit {result['unit']} · click one"
    said = "its window there; row, column in the map" if boxes else "a dense unit sees the whole picture"
    parts = [_title(LEFT, 3 * ACROSS + 40, title), _title(CROPS, WIDTH - CROPS, said)]
    for i, pixels in enumerate(result["pictures"]):
        x, y = LEFT + ACROSS * (i % 3), TOP + DOWN * (i // 3)
        number, zoom = result["numbers"][i], SMALL / max(pixels.shape[1:])
        parts.append(photo(pixels, x, y, SMALL))
        parts.append(svg.text(x + SMALL / 2, y + SMALL + 13, f"{number}: {svg.number(float(result['values'][i]))}",
                              size=11))  # fmt: skip
        if boxes:
            top, left, bottom, right = inside(boxes[i], pixels)
            corner, sides = (x + left * zoom, y + top * zoom), ((right - left) * zoom, (bottom - top) * zoom)
            parts.append(svg.rect(*corner, *sides, stroke=svg.ORANGE, line=2))
            parts.append(photo(pixels[:, top:bottom, left:right], CROPS + ACROSS * (i % 3), y, SMALL))
            row, column = result["positions"][i]
            words = f"{row}, {column}"
            parts.append(svg.text(CROPS + ACROSS * (i % 3) + SMALL / 2, y + SMALL + 13, words, size=11))
        parts.append(touch.button(x, y, SMALL, SMALL, label=f"strongest {i + 1}, picture {number}", index=number))
    return "".join(parts)


def _cam(result):
    cam, unit, weights = result["cam"], result["unit"], result["weights"]
    title = f"what speaks for {class_name(result, result['answer'])}, {cam.shape[0]}×{cam.shape[1]}"
    held = f"{_held_words(result, cam)} of at most {short(cam.max())}"
    parts = [_title(LEFT, HEAT + 60, title), heat_over(result["pixels"], cam, LEFT, TOP, HEAT, float(cam.max())),
             _held(result, cam, LEFT, TOP, HEAT), _says(LEFT, TOP + HEAT + 20, held)]  # fmt: skip
    parts.append(_title(SECOND - 50, WIDTH - SECOND + 50, "weight of each map: its mean gradient · click one"))
    parts.append(value_bars(weights, unit, (SECOND - 50, TOP + 4, WIDTH - SECOND + 46, 96), "unit"))
    x, y, one = SECOND, TOP + 132, result["layer"].output[unit]
    parts.append(heat_over(result["pixels"], one, x, y, 148, float(one.abs().max())))
    words = [f"unit {unit}", f"weight {short(weights[unit])}", f"{rank(result)}", f"map: {' to '.join(limits_of(one))}"]
    parts += [_says(x + 162, y + 50 + 18 * i, line, i == 0) for i, line in enumerate(words)]
    return "".join(parts)


def _occlusion(result):
    layer, unit, parts = result["layer"], result["unit"], []
    pairs = [(LEFT, "unit_drop", f"response of {layer.title}, unit {unit}: {short(result['own'])}")]
    if "drop" in result:
        answer = result["answer"]
        score = f"logit of {class_name(result, answer)}: {short(result['logits'][answer])}"
        pairs = [(LEFT, "drop", score), (SECOND, *pairs[0][1:])]
    for x, key, title in pairs:
        parts += [_title(x, HEAT + 60, title), _covering(result, result[key], x)]
    line = "drag the cover · red: covered here, it falls · blue: it rises · dashed: where it falls most"
    return "".join([*parts, _says(LEFT, TOP + HEAT + 40, line, False)])


def _covering(result, drop, x):
    """The picture under what each window takes away (rows, columns), the window that is held, and the strongest."""
    (top, left, bottom, right), (row, column) = covered_area(result, drop), result["place"]
    zoom = HEAT / max(result["X"].shape[2:])
    height, width = (zoom * n for n in result["X"].shape[2:])
    step, size = result["stride"] * zoom, result["size"] * zoom
    most_row, most_column = divmod(int(drop.argmax()), drop.shape[1])
    held = svg.rect(x + column * step, TOP + row * step, size, size, fill=svg.GREY, opacity=0.6, stroke=svg.ORANGE,
                    line=3)  # fmt: skip
    strongest = svg.rect(x + most_column * step, TOP + most_row * step, size, size, stroke=svg.ORANGE, line=1.5,
                         dash="4 3")  # fmt: skip
    change = float(drop[row, column])
    words = f"covered here it {'falls' if change >= 0 else 'rises'} by {short(abs(change))}, at most by {most(drop)}"
    area = x + left * width, TOP + top * height, (right - left) * width, (bottom - top) * height
    return (
        heat_over(result["pixels"], drop, x, TOP, HEAT, float(drop.abs().max()), (top, left, bottom, right))
        + strongest + held + held_cells(drop.shape, (row, column), *area, "cover")
        + _says(x, TOP + HEAT + 20, words)
    )  # fmt: skip


_VIEWS = {"maps": _maps, "top pictures": _top, "Grad-CAM": _cam, "occlusion": _occlusion}
