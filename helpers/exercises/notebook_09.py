"""Exercises of notebook 09, VGG."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from ..anatomy import describe_net
from ..networks import vgg
from .core import Exercise, compare

LAYERS = {
    16: "16 are the convolutions; the three dense layers have weights, too.",
    21: "pooling has no weights: 21 counts the five poolings instead of the dense layers.",
    24: "24 counts the poolings as well, which have no weights.",
    8: "8 counts a block as one layer: each of its convolutions has weights of its own.",
}
SIDES = {
    7: "7 is what is left of 224 pixels; here there are 160.",
    10: "10 is 160 halved four times: there are five blocks.",
}
NETS = (
    (((1, 4),), 1, 10, 8, 5),
    (((2, 3), (1, 7)), 3, 10, 12, 6),
    (((1, 8), (1, 16), (2, 32), (2, 64), (2, 64)), 1, 10, 32, 128),
    (((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)), 1, 10, 224, 4096),
)


def check_shape(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 4:
        return "the answer should be a tuple of four numbers: (layers, C, H, W)."
    layers, *shape = answer
    if layers != 19:
        return LAYERS.get(layers, f"{layers} layers are not right: which have weights?")
    if shape[0] != 512:
        return f"the last block gives 512 channels, not {shape[0]}."
    if shape[1:] != [5, 5]:
        return SIDES.get(shape[1], "height and width are halved once in each of the five blocks, and nowhere else.")
    return None


def counted(architecture, in_channels, num_classes, image_size, hidden):
    """Return the parameters of the net, and of its parts: biases, convolutions after the first of a block."""
    with torch.device("meta"):
        net = vgg(in_channels, num_classes, blocks=architecture, image_size=image_size, hidden=hidden)
    biases = sum(p.numel() for name, p in net.named_parameters() if name.endswith("bias"))
    inside = sum(size * (9 * size + 1) * (number - 1) for number, size in architecture)
    last = architecture[-1][1] * hidden
    return sum(p.numel() for p in net.parameters()), biases, inside, last


def check_params(answer):
    for arguments in NETS:
        got, (want, biases, inside, last) = answer(*arguments), counted(*arguments)
        if compare(got, want) is None and float(got) == want:
            continue
        call = f"vgg_params{arguments}"
        side = arguments[3] // 2 ** len(arguments[0])
        causes = {
            want - biases: "that is the count without biases: one for each output channel, and for each dense unit.",
            want - inside: "in each block the convolutions after the first are missing.",
            want - last * (side**2 - 1): "the first dense layer reads every pixel of the last maps: C·H·W numbers.",
            want - arguments[4] * (arguments[4] + 1): "the second dense layer, hidden to hidden, is missing.",
        }
        said = causes.get(got, f"yours is {got}. Does each layer read what came before?")
        return f"{call} should be {want:,}: {said}"
    return None


def check_block(answer):
    block = answer(2, 3, 8)
    if not isinstance(block, nn.Sequential):
        return f"the block should be an nn.Sequential, but is {type(block).__name__}."
    kinds = [type(layer).__name__ for layer in block]
    unit = ["Conv2d", "BatchNorm2d", "ReLU"]
    if kinds == ["Conv2d", "ReLU", "BatchNorm2d"] * 2 + ["MaxPool2d"]:
        return "the normalisation stands behind the ReLU; it belongs between the convolution and the ReLU."
    if kinds == [*unit, *unit, "MaxPool2d"][:-1]:
        return "the pooling at the end of the block is missing."
    if kinds == [*unit, "MaxPool2d"] * 2:
        return "each convolution has a pooling behind it; a block has one, at its end."
    if kinds != [*unit, *unit, "MaxPool2d"]:
        return f"the layers of a block of two convolutions are {', '.join(kinds)}."
    try:
        table = describe_net(block, (1, 3, 16, 16))
    except ValueError as error:
        return f"the block does not run: {error} BatchNorm2d has as many features as its convolution out_channels."
    if len({id(layer) for layer in block}) < len(block):
        return "one and the same layer stands in two places: make a new one each time."
    want = [(8, 16, 16)] * 6 + [(8, 8, 8)]
    if [row.output_shape[1:] for row in table] != want:
        return f"the output shapes are {[row.output_shape[1:] for row in table]}: 3×3 with padding 1 keeps the size."
    return None if len(answer(3, 4, 6)) == 10 else "a block of three convolutions should have ten layers."


def check_batch(answer):
    for params, activation, memory, want in (
        (10, 100, 1000, 9), (1_000_000, 5_000, 10_000_000, 400), (10, 100, 1080, 10), (1000, 100, 100, 0),
    ):  # fmt: skip
        got, call = answer(params, activation, memory), f"largest_batch({params:,}, {activation:,}, {memory:,})"
        if got == want and int(got) == got:
            continue
        if got == (memory - 4 * params) // activation:
            return f"{call} is {got}, but should be {want}: the gradients take four bytes per parameter more."
        if got == memory // (activation + 8 * params):
            return f"{call} is {got}, but should be {want}: the parameters are there once, not once per picture."
        if got < 0:
            return f"{call} is {got}: where not even one picture fits, the answer is 0."
        if abs(got - want) < 1:
            return f"{call} is {got}, but should be {want}: a part of a picture does not count, round down."
        return f"{call} is {got}, but should be {want}."
    return None


def check_grey(answer):
    torch.manual_seed(0)
    for conv in (nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 4, 5, stride=2, bias=False)):
        before = copy.deepcopy(conv.state_dict())
        grey = answer(conv)
        if not isinstance(grey, nn.Conv2d) or grey.in_channels != 1 or grey.weight.shape[1] != 1:
            return "the answer should be an nn.Conv2d with in_channels=1: one slice in each kernel."
        if any(not torch.equal(value, before[name]) for name, value in conv.state_dict().items()):
            return "your function has changed `conv`."
        X = torch.randn(2, 1, 9, 9)
        with torch.no_grad():
            got, want = grey(X), conv(X.expand(-1, 3, -1, -1))
            if got.shape != want.shape:
                shapes = f"{tuple(got.shape)}, that of `conv` {tuple(want.shape)}"
                return f"the output has shape {shapes}: take over its stride."
            mean = F.conv2d(X, conv.weight.mean(1, keepdim=True), conv.bias, conv.stride, conv.padding)
            if torch.allclose(got, mean, atol=1e-5):
                return "you take the mean of the three slices. Each of them sees the picture: their products add up."
            if conv.bias is not None and torch.allclose(got, want - conv.bias[:, None, None], atol=1e-5):
                return "the bias is missing: take it over as it is."
            if conv.bias is not None and torch.allclose(got, want + 2 * conv.bias[:, None, None], atol=1e-5):
                return "the bias is added once, however many slices there are."
        if compare(got, want):
            return compare(got, want, f"the output for {conv}")
    return None


def params(rest="c * (9 * c + 1) * (n - 1)", pixels="side * side", bias="1", second="hidden * (hidden + 1)"):
    """Return the source of a vgg_params that counts its parts in this way."""
    return f"""
def vgg_params(architecture, in_channels, num_classes, image_size, hidden):
    total, before, side = 0, in_channels, image_size
    for n, c in architecture:
        total += c * (9 * before + {bias}) + {rest}
        before, side = c, side // 2
    total += hidden * (before * {pixels} + {bias}) + {second}
    return total + num_classes * (hidden + {bias})
"""


def block(layers="nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()", last="[nn.MaxPool2d(2)]"):
    """Return the source of a vgg_block_bn with these layers."""
    return f"""
def vgg_block_bn(num_convs, in_channels, out_channels):
    layers, i, o = [], in_channels, out_channels
    for _ in range(num_convs):
        layers += [{layers}]
        i = o
    return nn.Sequential(*layers, *{last})
"""


def to_grey(weight="conv.weight.sum(dim=1, keepdim=True)", bias="conv.bias", stride="conv.stride"):
    """Return the source of a to_grey that makes its weight and bias in this way."""
    return f"""
def to_grey(conv):
    bias = conv.bias is not None
    grey = nn.Conv2d(1, conv.out_channels, conv.kernel_size, {stride}, conv.padding, bias=bias)
    with torch.no_grad():
        grey.weight.copy_({weight})
        if bias:
            grey.bias.copy_({bias})
    return grey
"""


def batch(formula):
    return f"def largest_batch(params, activation_bytes, memory):\n    return {formula}"


EXERCISES = [
    Exercise(
        id="09.1", name="answer", check=check_shape,
        hints=("Weights are in convolutions and dense layers; pooling, ReLU and dropout have none.",
               "2 + 2 + 4 + 4 + 4 + 3 layers; five halvings of 160: 80, 40, 20, …"),
        solution="answer = (19, 512, 5, 5)",
        wrong={
            "answer = (16, 512, 5, 5)": "three dense layers", "answer = (24, 512, 5, 5)": "poolings",
            "answer = (19, 512, 7, 7)": "224 pixels", "answer = (19, 512, 10, 10)": "five blocks",
            "answer = (8, 512, 5, 5)": "weights of its own", "answer = (19, 64, 5, 5)": "512 channels",
        },
    ),
    Exercise(
        id="09.2", name="vgg_params", check=check_params,
        hints=("A convolution has c_o·(9·c_i + 1) parameters, a dense layer m·(n + 1). Walk through the blocks, and "
               "keep the channels and the side that reach the next one.",
               "Within a block the first convolution reads the channels before it, the others read its own; the first "
               "dense layer reads channels · side · side numbers."),
        solution=params(),
        wrong={
            params("c * 9 * c * (n - 1)", bias="0", second="hidden * hidden"): "without biases",
            params("0"): "after the first are missing", params(pixels="1"): "every pixel",
            params(second="0"): "second dense layer", params("c * (9 * before + 1) * (n - 1)"): "what came before",
        },
    ),
    Exercise(
        id="09.3", name="vgg_block_bn", check=check_block,
        hints=("Take `vgg_block` and put one more layer into its list.",
               "`nn.BatchNorm2d` wants the number of channels that come out of the convolution."),
        solution=block(),
        wrong={
            block("nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(o)"): "behind the ReLU",
            block("nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(i), nn.ReLU()"): "as its convolution out_channels",
            block(last="[]"): "pooling at the end",
            block("nn.Conv2d(i, o, 3), nn.BatchNorm2d(o), nn.ReLU()"): "keeps the size",
            block("nn.Conv2d(i, o, 3, 1, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)", "[]"): "a block has one",
        },
    ),
    Exercise(
        id="09.4", name="largest_batch", check=check_batch,
        hints=("Take away from the memory what is there once; the rest is divided among the pictures.",
               "`//` rounds down, also below 0: take the maximum with 0."),
        solution=batch("max(0, (memory - 8 * params) // activation_bytes)"),
        wrong={
            batch("max(0, (memory - 4 * params) // activation_bytes)"): "gradients",
            batch("memory // (activation_bytes + 8 * params)"): "once per picture",
            batch("(memory - 8 * params) // activation_bytes"): "the answer is 0",
            batch("max(0, (memory - 8 * params) / activation_bytes)"): "round down",
        },
    ),
    Exercise(
        id="09.5", name="to_grey", check=check_grey,
        hints=("In all three channels stands the same X: w_1·X + w_2·X + w_3·X = (w_1 + w_2 + w_3)·X.",
               "Make an nn.Conv2d with the same kernel_size, stride, padding and bias; in `torch.no_grad()` copy "
               "`conv.weight.sum(dim=1, keepdim=True)` and the bias."),
        solution=to_grey(),
        wrong={
            to_grey("conv.weight.mean(dim=1, keepdim=True)"): "their products add up",
            to_grey("conv.weight[:, :1]"): "differs at", to_grey(bias="0 * conv.bias"): "bias is missing",
            to_grey(bias="3 * conv.bias"): "added once", to_grey(stride="1"): "take over its stride",
            "def to_grey(conv):\n    return conv": "in_channels=1",
        },
    ),
]  # fmt: skip
