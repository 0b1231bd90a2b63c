"""Exercises of notebook 12, batch normalisation. Their checks are in `checks_12.py`."""

from .checks_12 import (
    check_by_hand,
    check_catch_up,
    check_counts,
    check_fold,
    check_layer_norm,
    check_train_except_norm,
)
from .core import Exercise, prediction


def by_hand(output="18.0", mean="0.5"):
    """Return the source of an answer to 12.2."""
    return f"by_hand = ({output}, {mean})"


def layer_norm(axes="(1, 2, 3)", correction=0, divisor="(var + eps).sqrt()"):
    """Return the source of a layer_norm over these axes."""
    return f"""
def layer_norm(X, eps):
    mean = X.mean({axes}, keepdim=True)
    var = X.var({axes}, keepdim=True, correction={correction})
    return (X - mean) / ({divisor})
"""


def fold(
    factor="norm.weight / (norm.running_var + norm.eps).sqrt()", weight="conv.weight * factor[:, None, None, None]",
    bias="(conv.bias - norm.running_mean) * factor + norm.bias",
):  # fmt: skip
    """Return the source of a fold(conv, norm) with these formulas."""
    return f"""
def fold(conv, norm):
    factor = {factor}
    weight = {weight}
    bias = {bias}
    return weight, bias
"""


def except_norm(first="net.train()", modules="net.modules()", kinds="(nn.BatchNorm1d, nn.BatchNorm2d)"):
    """Return the source of a train_except_norm that goes through these modules."""
    return f"""
def train_except_norm(net):
    {first}
    for module in {modules}:
        if isinstance(module, {kinds}):
            module.eval()
    return net
"""


EXERCISES = [
    Exercise(
        id="12.1", name="counts", check=check_counts,
        hints=("γ and β are learned, running mean and running variance are kept. All four are per channel.",
               "64 channels: how many numbers of each kind?"),
        solution="counts = (128, 128)",
        wrong={
            "counts = (64, 64)": "learns two numbers", "counts = (256, 0)": "kept, not learned",
            "counts = (128, 2)": "per channel, as", "counts = (128, 129)": "num_batches_tracked",
            "counts = (2 * 64 * 28 * 28, 128)": "not every pixel", "counts = (128, 64)": "one number each",
        },
    ),
    Exercise(
        id="12.2", name="by_hand", check=check_by_hand,
        hints=("The squared distances from the mean add up to 32, over 8 values.",
               "The batch is normalised by √(32/8). The running mean goes a tenth of its way."),
        solution=by_hand(),
        wrong={
            by_hand("17.48"): "unbiased",
            by_hand("14.0"): "divides by the variance", by_hand("2.0"): "γ and β are still to come",
            by_hand("8.0"): "β is still to come",
            by_hand(mean="4.5"): "share of the new batch",
            by_hand(mean="5.0"): "a tenth of the way", by_hand("0.5", "18.0"): "turn the two round",
        },
    ),
    Exercise(
        id="12.3", name="catch_up", check=check_catch_up,
        hints=("Follow the gap between 1 and the running mean: each batch leaves 1 − momentum of it.",
               "(1 − momentum)ⁿ ≤ 0.1: a loop that counts will do, or logarithms, `math.log`, and `math.ceil`."),
        solution="""
def catch_up(momentum):
    return math.ceil(math.log(0.1) / math.log(1 - momentum))
""",
        wrong={
            "def catch_up(momentum):\n    return math.log(0.1) / math.log(1 - momentum)": "batches come whole",
            "def catch_up(momentum):\n    return int(math.log(0.1) / math.log(1 - momentum))": "the first batch after",
            "def catch_up(momentum):\n    return math.ceil(math.log(0.1) / math.log(momentum))": "share of the new",
            "def catch_up(momentum):\n    return math.ceil(1 / momentum)": "gap is left",
            "def catch_up(momentum):\n    return math.ceil(math.log(0.1) / math.log(1 - momentum)) + 1": "one too many",
        },
    ),
    Exercise(
        id="12.4", name="layer_norm", check=check_layer_norm,
        hints=("Only the axes differ from batch normalisation: what belongs to one picture?",
               "`X.mean((1, 2, 3), keepdim=True)` is (N, 1, 1, 1); `X.var(…, correction=0)` is the biased variance."),
        solution=layer_norm(),
        wrong={
            layer_norm("(0, 2, 3)"): "that is batch normalisation",
            layer_norm("(2, 3)"): "instance normalisation",
            layer_norm("(0, 1, 2, 3)"): "whole batch",
            layer_norm("1"): "channels of each pixel",
            layer_norm("(1, 2)"): "over the axes 1 and 2",
            layer_norm("3"): "each row of pixels",
            layer_norm().replace("X - mean", "X"): "the mean stays in",
            layer_norm().replace(", keepdim=True", ""): "from the last axis on",
            layer_norm(correction=1): "unbiased",
            layer_norm(correction=1, divisor="var.sqrt()"): "knows no ε",
            layer_norm(divisor="1"): "divide by the standard deviation",
            layer_norm(divisor="var.sqrt()"): "ε is missing",
            layer_norm(divisor="var + eps"): "not by the variance",
            layer_norm(divisor="var.sqrt() + eps"): "under the root",
        },
    ),
    Exercise(
        id="12.5", name="fold", check=check_fold,
        hints=("In evaluation mode the layer is factor · y + rest per channel, factor = γ / √(var + ε).",
               "The weight is (out, in, k, k): the factor of an output channel multiplies all of its slices."),
        solution=fold(),
        wrong={
            fold(bias="conv.bias * factor + norm.bias"): "the weight is right",
            fold(bias="conv.bias"): "the weight is right",
            fold(factor="norm.weight / norm.running_var.sqrt()"): "is ε under the root",
            fold(factor="1 / (norm.running_var + norm.eps).sqrt()"): "γ in both",
            fold(weight="conv.weight.data.mul_(factor[:, None, None, None])"): "have changed",
            "def fold(conv, norm):\n    return conv": "two tensors",
            fold(bias="None"): "two tensors",
            fold(bias="(conv.bias - norm.running_mean)[:, None] * factor + norm.bias"): "bias has shape",
        },
    ),
    Exercise(
        id="12.6", name="train_except_norm", check=check_train_except_norm,
        hints=("`net.train()` first, then look for the layers that should stay behind.",
               "`net.modules()` yields every module, at any depth; `isinstance` takes a tuple of classes."),
        solution=except_norm(),
        wrong={
            except_norm("net.eval()"): "dropout is in evaluation mode",
            except_norm(modules="net.children()"): "inside an inner",
            except_norm(kinds="nn.BatchNorm1d"): "BatchNorm2d is still",
            "def train_except_norm(net):\n    return net.train()": "norm layers are still",
            "def train_except_norm(net):\n    for module in net.modules():\n"
            "        module.training |= not isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))\n"
            "    return net": "norm layers are still",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "12.p1", [-1, -1, -1, 1, 1, 1],
        [([-2.5, -2, -1.5, 2.5, 2, 1.5], "the means are taken out; divide by the standard deviations, too."),
         ([-0.4, -0.5, -2 / 3, 0.4, 0.5, 2 / 3], "divide by the standard deviation, the root of the variance."),
         ([-(0.5**0.5)] * 3 + [0.5**0.5] * 3, "that is the unbiased variance; the formula divides by n.")],
        "Each column has its own mean and its own standard deviation.",
    ),
    prediction(
        "12.p2", [2.5, 4.5],
        [([30, 54], "these are the sums; divide by how many numbers have this colour."),
         ([15, 27], "these are the sums over one picture; take both pictures, and divide by the count."),
         ([5, 9], "count the numbers of one colour in both pictures.")],
        "All numbers of one colour share a mean.",
    ),
    prediction(
        "12.p3", [1, 9],
        [([9, 1], "turn them round: momentum is the share of the new batch."),
         ([10, 10], "the average begins at 0, and moves only a part of the way."),
         ([0.1, 0.9], "the average moves towards 10, not towards 1.")],
        "The average begins at 0 and goes a share of the way to 10.",
    ),
    prediction(
        "12.p4", [0, 1, 1],
        [([1, 1, 1], "250 pictures, mixed, have nearly the mean and the variance of all."),
         ([0, 1, 0], "sorted, a batch holds one class: which mean is subtracted then?"),
         ([0, 0, 1], "what do two numbers become, whatever they were?"),
         ([0, 0, 0], "think of two numbers that are normalised by each other.")],
        "How close do mean and variance of such a batch come to those of all pictures?",
    ),
]  # fmt: skip
