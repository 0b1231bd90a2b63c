"""Exercises of notebook 12, batch normalisation."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from .core import Exercise, compare

ADVICE_COUNTS = {
    (64, 64): "each channel learns two numbers, γ and β, and keeps two, its running mean and variance.",
    (256, 0): "the running mean and variance are kept, not learned: the optimiser does not see them.",
    (0, 128): "γ and β are parameters: `list(layer.parameters())` holds them.",
    (128, 129): "num_batches_tracked only counts the batches: it is neither a mean nor a variance.",
    (128, 2): "the running statistics are per channel, as γ and β are.",
}


def check_counts(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return "the answer should be a tuple of two numbers: (learned, kept)."
    learned, kept = (int(n) for n in answer)
    if (learned, kept) == (128, 128):
        return None
    if max(learned, kept) > 10_000:
        return "every channel has its own numbers, not every pixel: 28 × 28 does not matter."
    return ADVICE_COUNTS.get((learned, kept), "count per channel, then multiply by the number of channels.")


def check_by_hand(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return "the answer should be a tuple of two numbers: (output, running_mean)."
    output, mean = (float(value) for value in answer)
    if abs(output - 17.48) < 0.01:
        return "17.48 comes from the unbiased variance, 32/7. The batch is normalised by the biased one: divide by 8."
    if abs(output - 14) < 1e-6:
        return "14 divides by the variance 4: divide by its root, the standard deviation."
    if abs(output - 2) < 1e-6:
        return "2 is the normalised value: γ and β are still to come."
    if abs(output - 8) < 1e-6:
        return "8 is γ times the normalised value: β is still to come."
    if abs(output - 18) > 1e-3:
        return "the output is not right: (9 − mean) / standard deviation, times γ, plus β."
    if abs(mean - 4.5) < 1e-3:
        return "4.5 takes PyTorch's momentum for the book's: 0.1 is the share of the new batch, not of the old value."
    if abs(mean - 5) < 1e-3:
        return "5 is the mean of this batch: the running mean goes a tenth of the way from 0 to it."
    return None if abs(mean - 0.5) < 1e-3 else "the running mean is not right: it moves by 0.1 · (5 − 0)."


def check_catch_up(answer):
    for momentum in (0.1, 0.5, 0.8, 0.01, 0.25):  # with 0.9 rounding would decide: 0.9 is reached exactly
        got, want = answer(momentum), math.ceil(math.log(0.1) / math.log(1 - momentum))
        call = f"catch_up({momentum})"
        if got == want:
            continue
        if isinstance(got, float) and got != round(got):
            return f"{call} is {got:.2f}: batches come whole; take the first whole number that is enough."
        if got == want - 1:
            return f"{call} is {got}, where the average has not yet come to 0.9: round up, not down."
        if got == want + 1:
            return f"{call} is {got}, one too many: after {want} the average has come to 0.9 or above."
        if momentum != 0.5 and got == math.ceil(math.log(0.1) / math.log(momentum) - 1e-9):  # it comes out even for 0.1
            return f"{call} is {got}: momentum is the share of the new batch, so 1 − momentum of the gap remains."
        return f"{call} is {got}, expected {want}: after n batches the gap of 1 has shrunk to (1 − momentum)ⁿ."
    return None


def check_layer_norm(answer):
    generator = torch.Generator().manual_seed(0)
    eps, X = 0.1, 3 + torch.randn(4, 3, 5, 6, generator=generator) * torch.tensor([0.5, 1.0, 2.0])[:, None, None]
    X += torch.arange(4.0)[:, None, None, None]
    got, want = answer(X.clone(), eps), F.layer_norm(X, X.shape[1:], eps=eps)
    advice = compare(got, want, "the output for X (4, 3, 5, 6)")
    if advice is None or not isinstance(got, torch.Tensor) or got.shape != want.shape:
        return advice
    centred = X - X.mean((1, 2, 3), keepdim=True)
    likely = {
        "that is batch normalisation, over the axes (0, 2, 3): here each picture has its own mean.":
            F.batch_norm(X, None, None, training=True, eps=eps),
        "that is instance normalisation, over (2, 3): the channels of a picture share one mean here.":
            F.instance_norm(X, eps=eps),
        "that is normalised over the whole batch: each picture has its own mean here.":
            (X - X.mean()) / (X.var(correction=0) + eps).sqrt(),
        "that is over the channels of each pixel: take the pixels in, too, axes (1, 2, 3).":
            F.layer_norm(X.movedim(1, -1), X.shape[1:2], eps=eps).movedim(-1, 1),
        "divide by the root of variance plus ε, not by the variance.":
            centred / (X.var((1, 2, 3), keepdim=True, correction=0) + eps),
        "ε is missing: add it to the variance, under the root.":
            centred / X.std((1, 2, 3), keepdim=True, correction=0),
        "the variance is the unbiased one; take `correction=0`.":
            centred / (X.var((1, 2, 3), keepdim=True) + eps).sqrt(),
        "ε belongs under the root, added to the variance.":
            centred / (X.std((1, 2, 3), keepdim=True, correction=0) + eps),
    }  # fmt: skip
    return next((words for words, other in likely.items() if torch.allclose(got, other, atol=1e-4)), advice)


def check_fold(answer):
    generator = torch.Generator().manual_seed(0)
    conv, norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, eps=0.1)
    for tensor in (*conv.parameters(), *norm.parameters(), norm.running_mean, norm.running_var):
        tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    before = copy.deepcopy((conv.state_dict(), norm.state_dict()))
    folded = answer(conv.eval(), norm.eval())
    if not isinstance(folded, (tuple, list)) or [isinstance(part, torch.Tensor) for part in folded] != [True, True]:
        return "return two tensors: (weight, bias)."
    weight, bias = folded
    for state, old in zip((conv.state_dict(), norm.state_dict()), before, strict=True):
        if not all(torch.equal(state[name], old[name]) for name in old):
            return "the layers that you were given have changed: return new tensors."
    for name, got, want in (("weight", weight, conv.weight), ("bias", bias, conv.bias)):
        if got.shape != want.shape:
            return f"{name} has shape {tuple(got.shape)}; the convolution needs {tuple(want.shape)}."
    X = torch.rand(2, 3, 6, 6, generator=generator)
    with torch.no_grad():
        want, got = norm(conv(X)), F.conv2d(X, weight, bias, padding=1)
        plain = F.conv2d(X, weight, padding=1)
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        slope = F.conv2d(X, conv.weight, padding=1) * factor[:, None, None]
    if compare(got, want, atol=1e-4) is None:
        return None
    if compare(plain, slope, atol=1e-4) is None:
        return "the weight is right, the bias is not: b becomes γ (b − mean) / √(var + ε) + β."
    return "convolution with your weight and bias differs from norm(conv(X)): is ε under the root, and γ in both?"


def check_train_except_norm(answer):
    inner = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), inner)
    return _advice_on_modes(answer, net, inner, False) or _advice_on_modes(answer, net, inner, True)


def _advice_on_modes(answer, net, inner, training):
    """Return None where the answer sets all modes right, in a net that was in this mode before."""
    got = answer(net.train(training))
    if got is not net:
        return "return the net that you were given, not another."
    if not inner[2].training:
        return "dropout is in evaluation mode: everything but the batch normalisation should be in training mode."
    if net[1].training:
        kinds = "batch-norm layers are" if inner[1].training else "BatchNorm2d is"
        return f"{kinds} still in training mode: eval() all of them after net.train()."
    if inner[1].training:
        return "a BatchNorm1d inside an inner nn.Sequential is still in training mode: go through `net.modules()`."
    return None if net.training else "net.training itself should be True."


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
            "counts = (64, 64)": "learns two numbers",
            "counts = (256, 0)": "kept, not learned",
            "counts = (128, 2)": "per channel, as",
            "counts = (128, 129)": "num_batches_tracked",
            "counts = (2 * 64 * 28 * 28, 128)": "not every pixel",
        },
    ),
    Exercise(
        id="12.2", name="by_hand", check=check_by_hand,
        hints=("The squared distances from the mean add up to 32, over 8 values.",
               "The batch is normalised by √(32/8). The running mean goes a tenth of its way."),
        solution=by_hand(),
        wrong={
            by_hand("17.48"): "unbiased",
            by_hand("14.0"): "divides by the variance",
            by_hand("2.0"): "γ and β are still to come",
            by_hand("8.0"): "β is still to come",
            by_hand(mean="4.5"): "share of the new batch",
            by_hand(mean="5.0"): "a tenth of the way",
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
            "def catch_up(momentum):\n    return int(math.log(0.1) / math.log(1 - momentum))": "round up",
            "def catch_up(momentum):\n    return math.ceil(math.log(0.1) / math.log(momentum))": "share of the new",
            "def catch_up(momentum):\n    return math.ceil(1 / momentum)": "shrunk to",
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
            layer_norm(correction=1): "unbiased",
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
