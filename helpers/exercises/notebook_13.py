"""Exercises of notebook 13, ResNet."""

import torch
import torch.nn.functional as F
from torch import nn

from helpers.networks import Residual, resnet18

from .core import Exercise, compare


def check_depth(answer):
    for blocks, convolutions, want in (((2, 2, 2, 2), 2, 18), ((3, 4, 6, 3), 2, 34), ((3, 4, 6, 3), 3, 50),
                                       ((3, 8, 36, 3), 3, 152)):  # fmt: skip
        call, got = f"depth({blocks}, {convolutions})", answer(blocks, convolutions)
        if got in (want - 2, want - 1):
            return f"{call} is {got}: the stem's convolution and the dense layer at the end both count too."
        if got == want + 3:
            return f"{call} is {got}: the 1×1 convolutions of the shortcuts lie beside the path and do not count."
        if got != want:
            return f"{call} is {got}, which is not right: count the convolutions of all blocks on the main path."
    return None


def check_sides(answer):
    for n in (224, 96, 100, 75):
        halves = [-(-n // 2**i) for i in range(6)]  # halves of halves, each rounded up
        want, call, got = tuple(halves[2:]), f"sides({n})", answer(n)
        if not hasattr(got, "__len__") or len(got) != 4:
            return f"{call} is {got}: return a tuple of four numbers, one for each stage."
        got = tuple(got)
        if got == tuple(halves[1:5]):
            return f"{call} is {got}: behind the stem's convolution stands a max pooling, which halves once more."
        if got[0] == halves[3]:
            return f"{call} is {got}: the first stage keeps the size, only the stages after it begin with stride 2."
        if any(side != int(side) for side in got):
            return f"{call} is {got}: sides are whole numbers; here halves are rounded up."
        if got != want and all(abs(side - right) <= 1 for side, right in zip(got, want, strict=True)):
            return f"{call} is {got}: with these paddings a half is rounded up, ⌊(n + 2P − k)/2⌋ + 1."
        advice = compare(got, want, call)
        if advice:
            return advice
    return None


def check_block_params(answer):
    for c, d, s in ((64, 64, 1), (64, 128, 2), (32, 48, 1), (16, 16, 2)):
        call, got = f"block_params({c}, {d}, {s})", answer(c, d, s)
        norm, biases, shortcut = 4 * d, 2 * d, 0 if (c, s) == (d, 1) else d * (c + 1)
        want = 9 * c * d + 9 * d * d + biases + norm + shortcut
        known = {
            want - norm: "batch normalisation learns a scale and a shift per channel, twice.",
            want - biases: "2 · out_channels numbers are missing: each 3×3 convolution has a bias per output channel, "
            "each batch norm a scale and a shift.",
            want - d if shortcut else None: "out_channels numbers are missing: the 1×1 convolution has a bias too, and "
            "both batch norms work on out_channels.",
            want - 9 * d * d + 9 * c * d: "the second 3×3 convolution has out_channels on both sides.",
            want - shortcut: "where shape or channels change, the 1×1 convolution counts too.",
            want + d * (c + 1): "where nothing changes, x is added as it is: no 1×1 convolution.",
            want + norm: "the running mean and variance are not learned: they are no parameters.",
        }
        if got != want:
            return f"{call} is {got}: {known.get(got, 'count convolution by convolution, c_o (c_i k² + 1).')}"
    return None


def check_lengths(answer):
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(Residual(1, 4, 2), Residual(4, 4), nn.Flatten(), nn.Linear(4 * 9, 3))
    X, y = torch.randn(8, 1, 6, 6, generator=generator), torch.arange(8) % 3
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]

    def gradients(training):
        return torch.autograd.grad(F.cross_entropy(net.train(training)(X), y), [layer.weight for layer in layers])

    found = gradients(training=True)
    want = [gradient.norm().item() for gradient in found]
    others = {
        "these are the largest entries of the gradients; a length is the root of the sum of squares.":
            [gradient.abs().max().item() for gradient in found],
        "these are the sums of the gradients' entries without their signs; a length is the root of the sum of squares.":
            [gradient.abs().sum().item() for gradient in found],
        "these are the squares of the lengths: take the root.": [length**2 for length in want],
        "the order is back to front; begin with the first convolution.": want[::-1],
        "these are the lengths of the weights: the gradient is in `weight.grad`.":
            [layer.weight.norm().item() for layer in layers],
        "this is the gradient of the loss summed over the pictures; the cross entropy is their mean.":
            [length * len(X) for length in want],
        "the net came to you in evaluation mode: put it into training mode first.":  # the last one, and it stays so
            [gradient.norm().item() for gradient in gradients(training=False)],
    }  # fmt: skip
    got = [float(length) for length in answer(net, X, y)]
    if len(got) != len(want):
        return f"the net has {len(want)} convolutions, yet you return {len(got)} numbers: one for each nn.Conv2d."
    advice = next((advice for advice, other in others.items() if compare(got, other) is None), None)
    advice = advice or compare(got, want, "the list of lengths")
    if advice is None and compare([float(length) for length in answer(net, X, y)], want):
        return "asked twice, your function says something else: gradients add up in `.grad`, set them to zero first."
    return advice


def check_preactivation(answer):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(4, 6, 5, 5, generator=generator)
    block, kinds = answer(6), {kind: Residual(6, 6, kind=kind) for kind in ("pre", "plain")}
    block(X)  # a stub ends here
    count, expected = (sum(p.numel() for p in net.parameters()) for net in (block, kinds["pre"]))
    if count not in (expected, expected - 6, expected - 12):  # with or without the biases of the convolutions
        return f"the block has {count} parameters, not {expected}: two 3×3 convolutions and two batch norms."
    kernels = [torch.randn(6, 6, 3, 3, generator=generator) for _ in (1, 2)]

    def reordered(*places):
        return nn.Sequential(*(kinds["pre"].g[i] for i in places))(X)

    with torch.no_grad():
        for net in (block, *kinds.values()):
            left = list(kernels)
            for name, p in net.named_parameters():
                p.copy_(left.pop(0) if p.ndim == 4 else torch.full_like(p, float(name.endswith("weight"))))
        got, want, post = (net.train()(X) for net in (block, kinds["pre"], kinds["plain"]))
        others = {
            "a ReLU stands behind the sum: in this block nothing does.": want.relu(),
            "X is not added: without it this is a plain block.": want - X,
            "this is the block of 2015, convolution first: here batch norm and ReLU come first.": post,
            "batch norm and ReLU stand behind the convolution: here they come before it.": X + kinds["plain"].g(X),
            "the ReLU comes first: here batch norm does, and the ReLU follows it.": X + reordered(1, 0, 2, 4, 3, 5),
            "the first ReLU is missing: each batch norm is followed by one.": X + reordered(0, 2, 3, 4, 5),
            "the second ReLU is missing: each batch norm is followed by one.": X + reordered(0, 1, 2, 3, 5),
            "the ReLUs are missing: each batch norm is followed by one.": X + reordered(0, 2, 3, 5),
        }
    for advice, other in others.items():
        if compare(got, other, atol=1e-4) is None:
            return advice
    return compare(got, want, "the output", atol=1e-4)


def check_new_head(answer):
    net = resnet18(num_classes=5, width=0.125, blocks=1)
    before, features = [value.clone() for value in net[:-1].state_dict().values()], net[-1].in_features
    made = answer(net, 3)
    head = made[-1] if isinstance(made, nn.Sequential) else None
    if not isinstance(head, nn.Linear) or head.out_features != 3:
        return "return the net with an nn.Linear of 3 outputs as its last layer: put a new one in its place."
    if head.in_features != features:
        return f"the head gets {features} numbers here, not {head.in_features}: ask `net[-1].in_features`."
    kept = list(made[:-1].state_dict().values())
    if len(kept) != len(before) or any(not torch.equal(a, b) for a, b in zip(kept, before, strict=True)):
        return "weights in front of the head have changed: keep what the net has learned."
    if not all(p.requires_grad for p in head.parameters()):
        return "the new head is frozen too: freeze first, then put it in, for a new layer can learn."
    if any(p.requires_grad for p in made[:-1].parameters()):
        return "layers in front of the head can still learn: `requires_grad_(False)` freezes a parameter."
    return None if made(torch.zeros(2, 1, 32, 32)).shape == (2, 3) else "the net does not give (N, 3)."


def lengths(what="layer.weight.grad.norm().item()", layers="net.modules()", zero="net.zero_grad()"):
    """Return the source of a gradient_lengths that collects this of these layers."""
    return f"""
def gradient_lengths(net, X, y):
    {zero}
    net.train()
    F.cross_entropy(net(X), y).backward()
    return [{what} for layer in {layers} if isinstance(layer, nn.Conv2d)]
"""


def preactivation(*layers, forward="X + self.g(X)"):
    """Return the source of a block whose path has these layers."""
    known = {"bn": "BatchNorm2d(channels)", "relu": "ReLU()", "conv": "Conv2d(channels, channels, 3, padding=1)"}
    inside = ", ".join(f"nn.{known[layer]}" for layer in layers)
    return f"""
class PreActivation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.g = nn.Sequential({inside})

    def forward(self, X):
        return {forward}
"""


def new_head(*lines):
    """Return the source of a new_head made of these lines."""
    return "\ndef new_head(net, num_classes):\n    " + "\n    ".join([*lines, "return net"]) + "\n"


PRE = preactivation("bn", "relu", "conv", "bn", "relu", "conv")
FREEZE = "net.requires_grad_(False)"
REPLACE = "net[-1] = nn.Linear(net[-1].in_features, num_classes)"
SIDES = "def sides(n):\n    n = {stem}\n    return n, {half}, {quarter}, {eighth}"
UP = {"half": "-(-n // 2)", "quarter": "-(-n // 4)", "eighth": "-(-n // 8)"}
PARAMS = """
def block_params(in_channels, out_channels, stride):
    convolutions = out_channels * (9 * in_channels + {bias}) + out_channels * (9 * out_channels + {bias})
    shortcut = out_channels * (in_channels + 1) if {when} else 0
    return convolutions + {norm} * out_channels + shortcut
"""
CHANGES = "stride > 1 or in_channels != out_channels"

EXERCISES = [
    Exercise(
        id="13.1", name="depth", check=check_depth,
        hints=("Which layers stand on the path from the picture to the logits, and have weights?",
               "All blocks times their convolutions, one convolution in the stem, one dense layer."),
        solution="def depth(blocks, convolutions):\n    return convolutions * sum(blocks) + 2",
        wrong={
            "def depth(blocks, convolutions):\n    return convolutions * sum(blocks)": "the stem's convolution and the",
            "def depth(blocks, convolutions):\n    return convolutions * sum(blocks) + 1": "both count",
            "def depth(blocks, convolutions):\n    return convolutions * sum(blocks) + 5": "do not count",
            "def depth(blocks, convolutions):\n    return convolutions * len(blocks) + 2": "which is not right",
        },
    ),
    Exercise(
        id="13.2", name="sides", check=check_sides,
        hints=("The stem halves twice. Which stages begin with stride 2?",
               "Each halving is ⌊(n + 2P − k)/2⌋ + 1 with 2P − k = −1: a half, rounded up."),
        solution=SIDES.format(stem="-(-n // 4)", **UP),
        wrong={
            SIDES.format(stem="-(-n // 2)", **UP): "a max pooling",
            SIDES.format(stem="-(-n // 8)", **UP): "keeps the size",
            SIDES.format(stem="n // 4", half="n // 2", quarter="n // 4", eighth="n // 8"): "rounded up",
            SIDES.format(stem="n / 4", half="n / 2", quarter="n / 4", eighth="n / 8"): "whole numbers",
            "def sides(n):\n    return tuple(round(n / d) for d in (4, 8, 16, 32))": "rounded up",
            "def sides(n):\n    return [-(-n // d) for d in (2, 4, 8, 16, 32)]": "one for each stage",
            "def sides(n):\n    return -(-n // 32)": "a tuple of four numbers",
        },
    ),
    Exercise(
        id="13.3", name="block_params", check=check_block_params,
        hints=("Two convolutions, two batch normalisations, and sometimes a third convolution of 1×1.",
               "c_o (9 c_i + 1), then c_o (9 c_o + 1), 2 c_o per batch norm, and c_o (c_i + 1) where needed."),
        solution=PARAMS.format(bias=1, norm=4, when=CHANGES),
        wrong={
            PARAMS.format(bias=1, norm=4, when="False"): "1×1 convolution counts too",
            PARAMS.format(bias=1, norm=4, when="True"): "added as it is",
            PARAMS.format(bias=1, norm=0, when=CHANGES): "a scale and a shift",
            PARAMS.format(bias=1, norm=8, when=CHANGES): "not learned",
            PARAMS.format(bias=0, norm=4, when=CHANGES): "a bias per output channel",
            PARAMS.format(bias=1, norm=2, when=CHANGES): "a scale and a shift",
            PARAMS.format(bias=1, norm=4, when=CHANGES).replace("(in_channels + 1)", "in_channels"): "has a bias too",
            PARAMS.format(bias=1, norm=4, when=CHANGES).replace("9 * out_channels", "9 * in_channels"): "on both sides",
            PARAMS.format(bias=1, norm=4, when="stride > 1"): "1×1 convolution counts too",
        },
    ),
    Exercise(
        id="13.4", name="gradient_lengths", check=check_lengths,
        hints=("`backward()` fills `layer.weight.grad`; `net.modules()` hands out the layers front to back.",
               "Start with `net.zero_grad()`, end with `[layer.weight.grad.norm().item() for …]`."),
        solution=lengths(),
        wrong={
            lengths(zero="pass"): "set them to zero",
            lengths().replace("    net.train()\n", ""): "training mode first",
            lengths().replace("y).backward", "y, reduction='sum').backward"): "their mean",
            lengths("layer.weight.grad.norm(1).item()"): "without their signs",
            lengths("layer.weight.grad.abs().max().item()"): "largest entries",
            lengths("layer.weight.grad.pow(2).sum().item()"): "take the root",
            lengths("layer.weight.norm().item()"): "lengths of the weights",
            lengths(layers="net"): "one for each nn.Conv2d",
            lengths(layers="reversed(list(net.modules()))"): "back to front",
        },
    ),
    Exercise(
        id="13.5", name="PreActivation", check=check_preactivation,
        hints=("`self.g = nn.Sequential(…)` holds norm, ReLU, convolution, and the same three again.",
               "`forward` returns `X + self.g(X)`, and nothing follows."),
        solution=PRE,
        wrong={
            PRE.replace("X + self.g(X)", "(X + self.g(X)).relu()"): "behind the sum",
            PRE.replace("X + self.g(X)", "self.g(X)"): "not added",
            preactivation("conv", "bn", "relu", "conv", "bn", forward="(X + self.g(X)).relu()"): "block of 2015",
            preactivation("conv", "bn", "relu", "conv", "bn"): "they come before it",
            preactivation("relu", "conv", "relu", "conv"): "two batch norms",
            preactivation("relu", "bn", "conv", "relu", "bn", "conv"): "the ReLU comes first",
            preactivation("bn", "conv", "bn", "relu", "conv"): "the first ReLU",
            preactivation("bn", "relu", "conv", "bn", "conv"): "the second ReLU",
            preactivation("bn", "conv", "bn", "conv"): "the ReLUs are missing",
        },
    ),
    Exercise(
        id="13.6", name="new_head", check=check_new_head,
        hints=("Two steps: freeze every parameter of the net, then replace its last layer. Does the order matter?",
               "`net[-1].in_features` says how many numbers reach the head; `net[-1] = nn.Linear(…)` replaces it."),
        solution=new_head(FREEZE, REPLACE),
        wrong={
            new_head(REPLACE, FREEZE): "frozen too",
            new_head(REPLACE): "can still learn",
            new_head(FREEZE): "put a new one",
            new_head("net.eval()", REPLACE): "can still learn",
            new_head(FREEZE, "net[-1] = nn.Linear(512, num_classes)"): "ask `net[-1].in_features`",
            new_head("net.apply(lambda m: m.reset_parameters() if hasattr(m, 'weight') else 0)", FREEZE, REPLACE):
                "have changed",
        },
    ),
]  # fmt: skip
