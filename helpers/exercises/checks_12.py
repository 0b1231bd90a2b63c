"""The checks of notebook 12's exercises, which `notebook_12.py` states."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from .compare import equal, number, numbers, shown, tensor_of
from .core import gather, table

ADVICE_COUNTS = {
    (64, 64): "each channel learns two numbers, γ and β, and keeps two, its running mean and variance.",
    (256, 0): "the running mean and variance are kept, not learned: the optimiser does not see them.",
    (0, 128): "γ and β are parameters: `list(layer.parameters())` holds them.",
    (128, 129): "num_batches_tracked only counts the batches: it is neither a mean nor a variance.",
    (128, 2): "the running statistics are per channel, as γ and β are.",
}


def check_counts(answer):
    """What a batch-norm layer of 64 channels learns, and what it keeps."""
    counts = numbers(answer, 2)
    if counts is None:
        return f"the answer should be a tuple of two numbers, (learned, kept), but is {shown(answer)}."
    if counts == (128, 128):
        return None
    if max(counts) > 10_000:
        return "every channel has its own numbers, not every pixel: 28 × 28 does not matter."
    return ADVICE_COUNTS.get(counts, "γ, β are learned, running mean and variance kept: one number each per channel.")


def check_by_hand(answer):
    """One output and the running mean, by hand."""
    found = numbers(answer, 2)
    if found is None:
        return f"the answer should be a tuple of two numbers, (output, running_mean), but is {shown(answer)}."
    output, mean = found
    if abs(output - 0.5) < 1e-3 and abs(mean - 18) < 1e-3:
        return "turn the two round: the output comes first, then the running mean."
    known = {  # of the output
        17.48: "17.48 comes from the unbiased variance, 32/7. The batch is normalised by the biased one: divide by 8.",
        14: "14 divides by the variance 4: divide by its root, the standard deviation.",
        2: "2 is the normalised value: γ and β are still to come.",
        8: "8 is γ times the normalised value: β is still to come.",
    }
    if abs(output - 18) > 1e-3:
        said = next((advice for value, advice in known.items() if abs(output - value) < 0.01), None)
        return said or "the output is not right: (9 − mean) / standard deviation, times γ, plus β."
    if abs(mean - 4.5) < 1e-3:
        return "4.5 takes PyTorch's momentum for the book's: 0.1 is the share of the new batch, not of the old value."
    if abs(mean - 5) < 1e-3:
        return "5 is the mean of this batch: the running mean goes a tenth of the way from 0 to it."
    return None if abs(mean - 0.5) < 1e-3 else "the running mean is not right: it moves by 0.1 · (5 − 0)."


def check_catch_up(answer):
    """The first batch after which the running mean is at 0.9 or above."""
    def batches(momentum, target=0.1):
        return math.log(target) / math.log(1 - momentum)

    cases = [(m,) for m in (0.1, 0.5, 0.8, 0.01, 0.25, 0.95, 0.3)]  # not 0.9, where rounding would decide
    given, stop = gather(answer, cases)
    known = (
        (batches, "batches come whole; take the first whole number that is enough."),
        (lambda m: math.ceil(math.log(0.1) / math.log(m) - 1e-9),
         "momentum is the share of the new batch, so 1 − momentum of the gap remains."),
        (lambda m: math.ceil(math.log(0.9) / math.log(1 - m)), "the gap has to shrink to 0.1, not to 0.9."),
        (lambda m: math.ceil(0.9 / m), "each batch takes its share of what is left: a power of 1 − momentum."),
    )
    advice = table(answer, cases, lambda m: math.ceil(batches(m)), known)
    if advice is None or any(words in advice for _, words in known) or stop:
        return advice
    for (m,), got in zip(cases, map(number, given), strict=False):
        if got == math.ceil(batches(m)):
            continue
        if not isinstance(got, int) or not 0 <= got < 10_000:
            break
        said = f"{got} batch{'es' * (got != 1)}"
        after = f"catch_up({m}) is {got}: after {said} the running mean is {1 - (1 - m) ** got:.4g}"
        if got == math.ceil(batches(m)) + 1:
            return f"{after}, but it has come to 0.9 one batch before: that is one too many."
        return (f"{after}; asked for is the first batch after which it is 0.9 or above. "
                "After n batches, (1 − momentum)ⁿ of the gap is left.")  # fmt: skip
    return advice


def check_layer_norm(answer):
    """Each picture by its own mean and biased variance, over all of its channels and pixels."""
    generator, cases = torch.Generator().manual_seed(0), []
    for size, eps in (((4, 3, 5, 6), 0.1), ((4, 3, 5, 6), 1e-5), ((2, 2, 3, 4), 1.0), ((3, 1, 2, 2), 0.01)):
        X = 3 + torch.randn(size, generator=generator) * torch.arange(1.0, size[1] + 1)[:, None, None] / 2
        cases.append((X + torch.arange(float(size[0]))[:, None, None, None], eps))

    def normed(axes=(1, 2, 3), correction=0, root=lambda var, eps: (var + eps).sqrt()):
        return lambda X, eps: (X - X.mean(axes, keepdim=True)) / root(
            X.var(axes, keepdim=True, correction=correction), eps)  # fmt: skip

    known = (
        (normed((0, 2, 3)), "that is batch normalisation, over (0, 2, 3): here each picture has its own mean."),
        (normed((2, 3)), "that is instance normalisation, over (2, 3): the channels of a picture share one mean here."),
        (normed((0, 1, 2, 3)), "that is normalised over the whole batch: each picture has its own mean here."),
        (normed((1, 2)), "that is over the axes 1 and 2: a picture has three, channels, rows and columns, (1, 2, 3)."),
        (normed(3), "that is over each row of pixels: a picture has three axes, (1, 2, 3)."),
        (lambda X, eps: X / (X.var((1, 2, 3), keepdim=True, correction=0) + eps).sqrt(),
         "the standard deviation divides, but the mean stays in: subtract it first."),
        (normed(1), "that is over the channels of each pixel: take the pixels in, too, axes (1, 2, 3)."),
        (normed(root=lambda var, eps: var + eps), "divide by the root of variance plus ε, not by the variance."),
        (normed(root=lambda var, eps: var.sqrt()),
         "ε is missing, or always a tiny one: add `eps`, the argument, to the variance, under the root."),
        (normed(correction=1), "the variance is the unbiased one; take `correction=0`."),
        (normed(correction=1, root=lambda var, eps: var.sqrt()),
         "`std` divides by n − 1 and knows no ε: take the variance with `correction=0`, add `eps`, then the root."),
        (lambda X, eps: X - X.mean((1, 2, 3), keepdim=True),
         "the mean is taken out; divide by the standard deviation, too."),
        (normed(root=lambda var, eps: var.sqrt() + eps), "ε belongs under the root, added to the variance."),
    )
    return table(answer, cases, normed(), known, call=lambda X, eps: f"the output for X {tuple(X.shape)}, ε = {eps}")


def check_fold(answer):
    """One convolution that gives what convolution and norm give, in evaluation mode."""
    return _fold(answer, 0, 0.1, 3, 1) or _fold(answer, 1, 1e-5, 1, 0)


def _fold(answer, seed, eps, k, pad):
    generator = torch.Generator().manual_seed(seed)
    conv, norm = nn.Conv2d(3, 4, k, padding=pad), nn.BatchNorm2d(4, eps=eps)
    for tensor in (*conv.parameters(), norm.weight, norm.bias, norm.running_mean):
        tensor.data = torch.randn(tensor.shape, generator=generator)
    norm.running_var = torch.rand(4, generator=generator) + 0.1
    before = copy.deepcopy((conv.state_dict(), norm.state_dict()))
    folded = answer(conv.eval(), norm.eval())
    if not isinstance(folded, (tuple, list)) or len(folded) != 2 or None in map(tensor_of, folded):
        return f"return two tensors, (weight, bias); yours is {shown(folded)}."
    for state, old in zip((conv.state_dict(), norm.state_dict()), before, strict=True):
        if not all(torch.equal(state[name], old[name]) for name in old):
            return "the layers that you were given have changed: return new tensors."
    weight, bias = (tensor_of(part).float() for part in folded)
    for name, got, want in (("weight", weight, conv.weight), ("bias", bias, conv.bias)):
        if got.shape != want.shape:
            return f"{name} has shape {tuple(got.shape)}; the convolution needs {tuple(want.shape)}."
    X = torch.randn(2, 3, 6, 6, generator=generator)
    with torch.no_grad():
        want, got, plain = norm(conv(X)), F.conv2d(X, weight, bias, padding=pad), F.conv2d(X, weight, padding=pad)
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        slope = F.conv2d(X, conv.weight, padding=pad) * factor[:, None, None]
    if equal(got, want, atol=1e-4):
        return None
    if equal(plain, slope, atol=1e-4):
        return "the weight is right, the bias is not: b becomes γ (b − mean) / √(var + ε) + β."
    return "convolution with your weight and bias differs from norm(conv(X)): is ε under the root, and γ in both?"


def check_train_except_norm(answer):
    """Training mode for all but the batch norms, at any depth, whatever the modes were."""
    for training in (False, True):
        inner = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), inner)
        if advice := _advice_on_modes(answer, net, inner, training):
            return advice
    return None


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
