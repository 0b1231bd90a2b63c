"""The checks of notebook 09's exercises, which `notebook_09.py` states."""

import copy
import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from helpers.networks import vgg
from helpers.training import seeded

from .compare import compare, equal, kind_of, number, numbers, shown
from .core import table

LAYERS = {
    16: "16 are the convolutions; the three dense layers have weights, too.",
    21: "pooling has no weights: 21 counts the five poolings instead of the dense layers.",
    24: "24 counts the poolings as well, which have no weights.",
    8: "8 counts a block as one layer: each of its convolutions has weights of its own.",
}
UNIT = ("Conv2d", "BatchNorm2d", "ReLU")
KINDS = {  # of the layers of a block of two convolutions
    ("Conv2d", "ReLU", "BatchNorm2d") * 2 + ("MaxPool2d",):
        "the normalisation stands behind the ReLU; it belongs between the convolution and the ReLU.",
    UNIT * 2: "the pooling at the end of the block is missing.",
    (*UNIT, "MaxPool2d") * 2: "each convolution has a pooling behind it; a block has one, at its end.",
}  # fmt: skip
SIDES = {7: "7 is what is left of 224 pixels; here there are 160.",
         10: "10 is 160 halved four times: there are five blocks."}  # fmt: skip
NETS = (
    (((1, 4),), 1, 10, 8, 5),
    (((2, 3), (1, 7)), 3, 4, 12, 6),
    (((1, 8), (1, 16), (2, 32), (2, 64), (2, 64)), 1, 10, 32, 128),
    (((1, 3), (2, 5), (1, 4)), 2, 3, 47, 6), (((2, 4),), 1, 2, 5, 3),
    (((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)), 1, 10, 224, 4096),
)


def check_shape(answer):
    """The weighted layers of a VGG, and the shape that leaves its blocks."""
    found = numbers(answer, 4)
    if found is None:
        return f"the answer should be a tuple of four numbers, (layers, C, H, W), but is {shown(answer)}."
    layers, *shape = found
    if layers != 19:
        return LAYERS.get(layers, f"{layers} layers are not right: which have weights?")
    if shape[0] != 512:
        return f"the last block gives 512 channels, not {shape[0]}."
    halved = "height and width are halved once in each of the five blocks, and nowhere else."
    return None if shape[1:] == [5, 5] else SIDES.get(shape[1], halved)


def counted(architecture, in_channels, num_classes, image_size, hidden):
    """Return the parameters of the net, and what a count that has missed something says: {count: advice}."""
    with torch.device("meta"):
        net = vgg(in_channels, num_classes, blocks=architecture, image_size=image_size, hidden=hidden)
    want = sum(p.numel() for p in net.parameters())
    biases = sum(p.numel() for name, p in net.named_parameters() if name.endswith("bias"))
    inside = sum(size * (9 * size + 1) * (number - 1) for number, size in architecture)
    last, side = architecture[-1][1] * hidden, image_size // 2 ** len(architecture)
    return want, {
        want - biases: "that is the count without biases: one for each output channel, and for each dense unit.",
        want - inside: "in each block the convolutions after the first are missing.",
        want - last * (side**2 - 1): "the first dense layer reads every pixel of the last maps: C·H·W numbers.",
        want + last * (image_size**2 - side**2): "each block halves height and width before the dense layers.",
        want + last * ((image_size / 2 ** len(architecture)) ** 2 - side**2):
            "a pooling of an odd side rounds down: there is no half pixel.",
        want + last * (49 - side**2): "7×7 pixels are left of 224; of other sizes it is another number.",
        want - hidden * (hidden + 1): "the second dense layer, hidden to hidden, is missing.",
        want - num_classes * (hidden + 1): "the output layer, hidden to num_classes, is missing.",
        want - 9 * architecture[0][1] * (in_channels - 1): "the first convolution reads in_channels, not one.",
    }


def check_params(answer):
    """The count of a VGG's parameters, for sides that are halved evenly and for others."""
    for arguments in NETS:
        given, (want, causes) = answer(*arguments), counted(*arguments)
        if number(given) != want:
            said = causes.get(number(given), f"yours is {shown(given)}. Does each layer read what came before?")
            return f"vgg_params{arguments} should be {want:,}: {said}"
    return None


def flat(block):
    """Return the layers of a Sequential, and of the Sequentials in it, one by one."""
    return [part for layer in block for part in (flat(layer) if isinstance(layer, nn.Sequential) else [layer])]


def check_block(answer):
    """Convolution, norm, ReLU so many times, then the pooling; sides that are odd, too."""
    block, X = answer(2, 3, 8), torch.arange(2 * 3 * 15 * 16.0).sin().reshape(2, 3, 15, 16)
    if not isinstance(block, nn.Sequential):
        return f"the block should be an nn.Sequential, but is {kind_of(block)}."
    try:
        said, shape = "", block(X.clone()).shape[1:]  # before the layers are looked at: lazy ones become what they are
    except (RuntimeError, ValueError) as error:
        said = f"the block does not run: {error}."
    layers, kinds = flat(block), tuple(type(layer).__name__ for layer in flat(block))
    if kinds != (*UNIT, *UNIT, "MaxPool2d"):
        wanted = f"they should be {', '.join(UNIT)} for each convolution, then one MaxPool2d."
        return KINDS.get(kinds, f"the layers of a block of two convolutions are {', '.join(kinds)}; {wanted}")
    if "running_mean" in said:
        return f"{said} BatchNorm2d has as many features as its convolution out_channels."
    if said:
        return f"{said} The second convolution reads the out_channels of the first."
    if len({id(layer) for layer in layers if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d))}) < 4:
        return "one and the same layer stands in two places: make a new one each time."
    if any(layer.kernel_size != (3, 3) for layer in layers if isinstance(layer, nn.Conv2d)):
        return "the convolutions of a VGG block are 3×3."
    if layers[-1].ceil_mode:
        return "the pooling rounds up (ceil_mode): a window that does not fit whole is left out, 15 rows become 7."
    if not equal(layers[-1](X), F.max_pool2d(X, 2)):
        return "the pooling should take the maximum of 2×2 with stride 2."
    if shape != (8, 7, 8):
        return f"3×15×16 become {tuple(shape)}, not 8×7×8: 3×3 with padding 1 keeps the size, the pooling halves it."
    longer = answer(3, 4, 6)
    right = len(flat(longer)) == 10 and longer(X[:, [0, 1, 2, 0]]).shape == (2, 6, 7, 8)
    return None if right and len(flat(answer(1, 2, 5))) == 4 else (
        "vgg_block_bn(3, 4, 6) should have ten layers, and make 6 channels of 4; with one convolution it has four.")


def check_batch(answer):
    """What is there once and what for each picture, rounded down, never below 0."""
    def batch(params, activation, memory, each=8):
        return max(0, (memory - each * params) // activation)

    cases = [(50, 100, 1020), (1_000_000, 5_000, 10_004_500), (10, 100, 1080), (1000, 100, 100), (10, 100, 1079),
             (7, 3, 100), (1, 1, 9), (25, 60, 199), (3, 10, 33), (3, 7, 31), (2, 5, 20), (40, 9, 318)]  # fmt: skip
    known = (
        (lambda p, a, m: max(0, (m - 8 * p - 1) // a), "a batch that fills the memory to its last byte still fits."),
        *((lambda p, a, m, kind=kind: max(0, kind((m - 8 * p) / a)), "a part of a picture does not count, round down.")
          for kind in (math.ceil, round, float)),
        (lambda p, a, m: m // a, "the parameters and their gradients take memory, too."),
        *((partial(batch, each=n), "each parameter takes four bytes, and its gradient four more.") for n in (1, 2)),
        (partial(batch, each=4), "the gradients take four bytes per parameter more."),
        *((partial(batch, each=n), "nothing is counted for an optimiser: parameters and gradients, four bytes each.")
          for n in (12, 16)),
        (lambda p, a, m: max(0, (m - 8 * p) // a + 1), "that is one picture too many: round down."),
        (lambda p, a, m: max(0, m - 8 * p // a), "`//` comes before `-`: put the difference in brackets."),
        (lambda p, a, m: max(0, m // a - 8 * p), "that takes bytes away from a number of pictures: first subtract, "
         "then divide."),
        (lambda p, a, m: m // (a + 8 * p), "the parameters are there once, not once per picture."),
        (lambda p, a, m: (m - 8 * p) // a, "where not even one picture fits, the answer is 0."),
    )
    return table(answer, cases, batch, known, otherwise=lambda p, a, m:
                 f"What is there once takes {8 * p:,} bytes. How many are left for pictures of {a:,}?")  # fmt: skip


def check_grey(answer):
    """One slice per kernel, the sum of three; the rest as in `conv`, which stays."""
    with seeded(0):
        convs, X = (nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 4, 5, stride=2, bias=False),
                    nn.Conv2d(3, 5, (1, 2), stride=(2, 1), padding=(1, 0))), torch.randn(2, 1, 9, 9)  # fmt: skip
    for conv in convs:
        before = copy.deepcopy(conv.state_dict())
        try:
            grey = answer(conv)
        except (AttributeError, TypeError) as error:
            if conv.bias is not None or "None" not in str(error):
                raise
            return f"to_grey stops for {conv}: its `bias` is None, without numbers. Copy a bias where there is one."
        if not isinstance(grey, nn.Conv2d) or grey.in_channels != 1 or grey.weight.shape[1] != 1:
            return "the answer should be an nn.Conv2d with in_channels=1: one slice in each kernel."
        now = conv.state_dict()
        if conv.in_channels != 3 or now.keys() != before.keys() or any(not torch.equal(now[k], before[k]) for k in now):
            return "your function has changed `conv`."
        with torch.no_grad():
            advice = compared(conv, grey(X), conv(X.expand(-1, 3, -1, -1)), X)
        if advice:
            return advice
        if (grey.bias is None) != (conv.bias is None):
            return (f"for {conv} the numbers are right, but a bias stands where there is none, or none where there is "
                    "one: where there is none, bias=False, or it would be learned.")  # fmt: skip
    return None


def compared(conv, got, want, X):
    """Return None where the output `got` of the grey convolution is right, else what is wrong with it."""
    if got.shape != want.shape:
        shapes = f"{tuple(got.shape)}, that of `conv` {tuple(want.shape)}"
        return f"the output has shape {shapes}: take over its kernel_size, stride and padding."
    mean = F.conv2d(X, conv.weight.mean(1, keepdim=True), conv.bias, conv.stride, conv.padding)
    if equal(got, mean):
        return "you take the mean of the three slices. Each of them sees the picture: their products add up."
    gap, advice = got - want, compare(got, want, f"the output for {conv}")
    if advice and equal(gap, 0 * gap + gap[:1, :, :1, :1]):
        return f"all but the bias is right for {conv}: take it over as it is, once; where there is none, bias=False."
    return advice and f"{advice} In `conv` three slices see the same picture; what replaces their sum?"
