"""Exercises of notebook 13, ResNet. Their checks are in `checks_13.py`."""

from .checks_13 import check_block_params, check_depth, check_lengths, check_new_head, check_preactivation, check_sides
from .core import Exercise, prediction


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
FREEZE, EVALUATE = "net.requires_grad_(False)", "net.eval()"
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
            "def depth(blocks, convolutions):\n    return convolutions * (sum(blocks) + 2)": "once each",
            "def depth(blocks, convolutions):\n    return convolutions * sum(blocks) + 5": "do not count",
            "def depth(blocks, convolutions):\n    return convolutions * len(blocks) + 2": "one block a stage",
            "def depth(blocks, convolutions):\n    return blocks * convolutions": "expected one number",
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
            PARAMS.format(bias=1, norm=4, when=CHANGES).replace("(in_channels + 1)", "(in_channels + 3)"):
                "a convolution alone",
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
            lengths(layers="net"): "within blocks too",
            lengths().replace("net(X)", "net(X).softmax(1)"): "takes logits",
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
            PRE.replace("return X + self.g(X)", "X += self.g(X)\n        return X"): "changes X itself",
            PRE.replace("X + self.g(X)", "self.g[:2](X) + self.g(X)"): "as it came",
            PRE.replace("padding=1", "padding=0"): "no longer fits",
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
        hints=("Freeze every parameter, hold the running statistics, replace the last layer. In which order?",
               "`net.eval()` holds the statistics, `net[-1].in_features` says how many numbers reach the head, "
               "`net[-1] = nn.Linear(…)` replaces it."),
        solution=new_head(FREEZE, EVALUATE, REPLACE),
        wrong={
            new_head(EVALUATE, REPLACE, FREEZE): "frozen too",
            new_head(EVALUATE, REPLACE): "can still learn",
            new_head(FREEZE, REPLACE): "move with every batch",
            new_head(FREEZE, EVALUATE): "put a new one",
            new_head(FREEZE, EVALUATE, "net.fc = nn.Linear(net[-1].in_features, num_classes)"): "still stands in front",
            new_head(FREEZE, EVALUATE, "net[-1] = nn.Linear(512, num_classes)"): "ask `net[-1].in_features`",
            new_head("net.apply(lambda m: m.reset_parameters() if hasattr(m, 'weight') else 0)", FREEZE, EVALUATE,
                     REPLACE): "have changed",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "13.p1", [0, 1],
        [([1, 1], "put the weight of the new power to 0: which of the two families then still holds its last fit?"),
         ([0, 0], "the second family drops the power d − 1 when it takes the power d."),
         ([1, 0], "turn it round: only a family that contains the smaller one can never get worse.")],
        "1 for “can rise”, 0 for “cannot”.",
    ),
    prediction(
        "13.p2", [4, 6, 3, 3],
        [([4, 6, 6, 6], "stride 2 halves height and width."),
         ([4, 3, 3, 3], "the block gives as many channels as its second number says.")],
        "The axes are N, C, H, W.",
    ),
    prediction(
        "13.p3", [1, 0],
        [([0, 0], "without batch norm nothing keeps a gradient up on its way through 20 plain blocks."),
         ([1, 1], "batch norm stretches a signal that fades, and with it the gradient that goes back."),
         ([0, 1], "turn both round: a gradient without help fades on its way, and batch norm is a help.")],
        "The first number is for the towers without batch norm, the second for those with it.",
    ),
    prediction(
        "13.p4", [24, 24, 12, 6, 3],
        [([48, 48, 24, 12, 6], "the stem halves twice: by its convolution and by its max pooling."),
         ([24, 12, 6, 3, 2], "the first stage keeps the size, stride 1."),
         ([48, 24, 12, 6, 3], "a max pooling with stride 2 ends the stem, and the first stage keeps the size.")],
        "The stem halves twice, stages 2 to 4 once each.",
    ),
]  # fmt: skip
