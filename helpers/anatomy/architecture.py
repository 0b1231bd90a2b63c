"""Pictures of the nets' architectures, read from the nets themselves: python -m helpers.anatomy.architecture [folder].

Kernels, strides, channels and shapes come from the modules and from one pass through the net, so a picture cannot say
anything else than the net. `architecture_picture` draws what is read here.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from helpers import networks
from helpers.networks import Paths, Residual
from helpers.place import course_folder
from helpers.training import recipe

from .architecture_picture import draw_branches, draw_columns, shape_words
from .counts import describe_net

IMAGES = course_folder() / "img"
IMAGENET = (1, 1, 224, 224)  # GoogLeNet is drawn at its paper's size, which lesson 11 counts with
WORDS = {nn.BatchNorm2d: "batch norm", nn.ReLU: "ReLU", nn.Sigmoid: "sigmoid", nn.Flatten: "flatten"}
HALVING = (nn.MaxPool2d, nn.AvgPool2d)


class Box(NamedTuple):
    """One layer, the small ones that follow it (norm, activation, dropout) included.

    `name` is that of the layer in the net, `kind` one of 'conv', 'pool', 'dense', 'block', 'small'; `shape` is the
    output's without N.
    """

    name: str
    kind: str
    words: str
    small: tuple[str, ...]
    shape: tuple[int, ...]


class Sum(NamedTuple):
    """A residual block: the boxes of g, the shortcut's box or None for the identity, what follows the sum.

    Without `skip` nothing is added to g: a plain block.
    """

    boxes: tuple[Box, ...]
    shortcut: Box | None
    small: tuple[str, ...]
    shape: tuple[int, ...]
    skip: bool = True


class Stage(NamedTuple):
    """What lies between two halvings of the picture: the shape that comes in, and the boxes and sums."""

    shape: tuple[int, ...]
    parts: tuple[Box | Sum, ...]


def describe_layer(layer: nn.Module) -> tuple[str, str]:
    """Return (kind, words) of a layer: ('conv', '5×5 conv, 6, pad 2'). Raises ValueError for one without a name here.

    The number behind conv is that of its output channels, /2 a stride of 2; stride 1 and padding 0 go unsaid.
    """
    if isinstance(layer, nn.Linear):
        return "dense", f"dense\N{NO-BREAK SPACE}{layer.out_features}"
    if isinstance(layer, nn.Conv2d):
        return "conv", f"{_window(layer, 'conv')}, {layer.out_channels}{_steps(layer)}"
    if isinstance(layer, nn.MaxPool2d):
        return "pool", f"{_window(layer, 'max pool')}{_steps(layer)}"
    if isinstance(layer, nn.AvgPool2d):
        return "pool", f"{_window(layer, 'average pool')}{_steps(layer)}"
    if isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size == 1:
        return "pool", "global average\N{NO-BREAK SPACE}pool"
    if isinstance(layer, Paths):
        return "block", f"Inception\n{', '.join(map(_channels, layer.paths))}"
    if isinstance(layer, nn.Dropout):
        return "small", f"dropout {layer.p:g}"
    if type(layer) in WORDS:
        return "small", WORDS[type(layer)]
    raise ValueError(f"{layer} has no words in the pictures yet")


def read_stages(net: nn.Sequential, input_shape: tuple[int, ...]) -> list[Stage]:
    """Return the stages of a net for an input (N, C, H, W): one ends with each halving pool or group of residuals."""
    shapes, stages, layers = output_shapes(net, input_shape), [], []
    start = tuple(input_shape[1:])
    for name, child in net.named_children():
        layers += _flat(name, child)
        if isinstance(layers[-1][1], (*HALVING, Residual)):
            stages.append(Stage(start, read_parts(layers, shapes)))
            start, layers = stages[-1].parts[-1].shape, []
    return stages + ([Stage(start, read_parts(layers, shapes))] if layers else [])


def read_parts(layers: list, shapes: dict, *, apart: bool = False) -> tuple[Box | Sum, ...]:
    """Return boxes and sums for (name, layer) pairs; small layers join the box before them unless `apart`."""
    parts = []
    for name, layer in layers:
        if isinstance(layer, Residual):
            parts.append(_read_sum(name, layer, shapes, apart))
            continue
        kind, words = describe_layer(layer)
        alone = apart or not parts or isinstance(layer, nn.Flatten) or parts[-1].kind == "small"
        if kind == "small" and not alone:
            parts[-1] = parts[-1]._replace(small=(*parts[-1].small, words))
        else:
            parts.append(Box(name, kind, words, (), shapes[name]))
    return tuple(parts)


def output_shapes(net: nn.Module, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the output's shape without N of every module of `net`, by name, for an input of `input_shape`."""
    shapes = {}
    for name, module in net.named_modules():
        module.register_forward_hook(lambda _, __, Y, name=name: shapes.update({name: tuple(Y.shape[1:])}))
    with torch.no_grad():
        net.eval()(torch.zeros(input_shape, device=next(net.parameters()).device))
    return shapes


def build(make, *arguments) -> nn.Module:
    """Return make(*arguments) on the meta device: shapes without numbers, so that even VGG costs no memory."""
    with torch.device("meta"):
        return make(*arguments)


def draw_net(name: str, title: str, point: str, titles: tuple[str, ...], *, input_shape, **layout) -> str:
    """Return the picture of `helpers.networks`' net of that name at width 1, for pictures of (1, C, H, W)."""
    net = build(getattr(networks, name))
    table = describe_net(net, input_shape)
    stages = read_stages(net, input_shape)
    totals = f"{table.params:,} parameters, {table.multiply_adds:,} multiply-adds for one picture"
    shapes = [shape_words(stage.shape) for stage in (*stages, stages[-1].parts[-1])]
    return draw_columns(
        stages, titles, captions=[f"{title}: {totals} of {shapes[0]}"], **layout,
        label=f"{title}: {point} Shapes: {' → '.join(shapes)}. {totals}.",
    )  # fmt: skip


def draw_inception() -> str:
    """Return the picture of GoogLeNet's first Inception block, at the paper's input size."""
    net = build(networks.googlenet)
    shape, block = output_shapes(net, IMAGENET)["1"], net.get_submodule("2.0")
    shapes, table = output_shapes(block, (1, *shape)), describe_net(block, (1, *shape))
    paths = [read_parts(_flat(f"paths.{i}", path), shapes) for i, path in enumerate(block.paths)]
    totals = f"{table.params:,} parameters, {table.multiply_adds:,} multiply-adds for an input of {shape_words(shape)}"
    point = "Four parallel paths look at the same input through windows of different size; their outputs keep its " \
            "height and width and are joined along the channels."  # fmt: skip
    captions, label = [f"Inception block: {totals}"], f"Inception block: {point} {totals}."
    return draw_branches(shape, paths, shapes[""], captions=captions, label=label)


def draw_residual() -> str:
    """Return the picture of a plain block beside ResNet-18's two forms of the residual block."""
    net = build(networks.resnet18)
    shapes = output_shapes(net, recipe("resnet18", "gpu").input_shape)
    plain = nn.Sequential(build(lambda: Residual(64, 64, skip=False)))
    stages = [Stage(shapes["0"], read_parts([("0", plain[0])], output_shapes(plain, (1, *shapes["0"])), apart=True))]
    captions = []
    for side, name, start in (("Left and middle", "1.0", shapes["0"]), ("Right", "2.0", shapes["1"])):
        block = net.get_submodule(name)
        stages.append(Stage(start, read_parts([(name, block)], shapes, apart=True)))
        table = describe_net(block, (1, *start))
        captions.append(f"{side}: {table.params:,} parameters, {table.multiply_adds:,} multiply-adds")
    point = "A plain block hands on what its layers compute, g(x). A residual block adds its input x to that. In " \
            "the middle, x is added as it is. Right, a 1×1 convolution gives x the new shape first."  # fmt: skip
    return draw_columns(
        stages, ("plain: g(x)", "residual: x + g(x)", "residual, new shape"), widths=(178, 178, 178), gap=104,
        named=True, joined=False, captions=captions, label=f"{point} {'. '.join(captions)}.",
    )  # fmt: skip


PICTURES = {
    "googlenet": lambda: draw_net(
        "googlenet", "GoogLeNet", "Two stages of convolutions, then nine Inception blocks in three stages; each stage "
        "but the last halves the picture by pooling, the last ends in global average pooling and a dense layer.",
        (*(f"stage {i}" for i in range(1, 5)), "stage 5 and dense layer"), widths=(124, 118, 198, 198, 198), gap=32,
        input_shape=IMAGENET,
    ),
    "resnet18": lambda: draw_net(
        "resnet18", "ResNet-18", "Four stages of two residual blocks; arcs carry a block's input past its layers to "
        "the sum. Solid arcs are the identity; dashed ones, at the start of stages 2 to 4, a 1×1 convolution.",
        ("stem", *(f"stage {i}" for i in range(1, 5)), "head"), widths=6 * (96,), gap=29,
        input_shape=recipe("resnet18", "gpu").input_shape,
    ),
    "inception": draw_inception,
    "residual": draw_residual,
}  # fmt: skip


def save_pictures(folder: str | Path = IMAGES) -> None:
    """Write the pictures as SVG files to `folder`."""
    for name, draw in PICTURES.items():
        Path(folder, f"{name}.svg").write_text(draw() + "\n", encoding="utf-8", newline="\n")


def _window(layer, word):
    size = layer.kernel_size
    h, w = (size, size) if isinstance(size, int) else size
    return f"{h}×{w} {word}".replace(" ", "\N{NO-BREAK SPACE}")


def _steps(layer):
    """', /2, pad 1': stride and padding, where they are not 1 and 0."""
    stride, padding = ((pair, pair) if isinstance(pair, int) else pair for pair in (layer.stride, layer.padding))
    special = getattr(layer, "groups", 1) != 1 or getattr(layer, "dilation", 1) not in (1, (1, 1))
    if special or stride[0] != stride[1] or padding[0] != padding[1]:
        raise ValueError(f"{layer} has no words in the pictures yet")
    words = f", /{stride[0]}" if stride[0] != 1 else ""
    return words + (f", pad\N{NO-BREAK SPACE}{padding[0]}" if padding[0] else "")


def _channels(path):
    """The output channels along one path of an Inception block: 64 or (96, 128)."""
    sizes = [layer.out_channels for layer in path if isinstance(layer, nn.Conv2d)]
    return str(sizes[0] if len(sizes) == 1 else tuple(sizes)).replace(" ", "\N{NO-BREAK SPACE}")


def _flat(name, module):
    """The (name, layer) pairs of a net, Sequentials opened."""
    if not isinstance(module, nn.Sequential):
        return [(name, module)]
    return [pair for inner, child in module.named_children() for pair in _flat(f"{name}.{inner}", child)]


def _read_sum(name, block, shapes, apart):
    boxes = read_parts(_flat(f"{name}.g", block.g), shapes, apart=apart)
    after = () if isinstance(block.after, nn.Identity) else (describe_layer(block.after)[1],)
    shortcut, skip = None, block.shortcut is not None
    if skip and not isinstance(block.shortcut, nn.Identity):
        (shortcut,) = read_parts([(f"{name}.shortcut", block.shortcut)], shapes)
    return Sum(boxes, shortcut, after, shapes[name], skip)


if __name__ == "__main__":
    save_pictures(*sys.argv[1:2])
