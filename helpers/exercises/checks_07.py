"""The checks of notebook 07's exercises, which `notebook_07.py` states."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from .compare import advice_on, compare, equal, kind_of, number, numbers, shown, tensor_of
from .core import table, torch_calls
from .guard import run


def check_sides(answer):
    """The sides of LeNet's maps, halves rounded down."""

    def sides(n, half=lambda side: side // 2, first=0, second=4):
        a = n - first
        b = half(a)
        return a, b, b - second, half(b - second)

    known = (
        (partial(sides, first=4), "the first convolution has padding 2 on each side, so it keeps the size."),
        (partial(sides, second=0), "the second convolution has no padding, so 5×5 takes away 4."),
        (partial(sides, half=lambda side: side / 2), "a window that does not fit whole is left out: divide with //."),
        (partial(sides, half=lambda side: -(-side // 2)), "a window that does not fit whole is left out: round down."),
        (
            partial(sides, half=lambda side: round(side / 2)),
            "`round` goes up or down as it comes; a window that does not fit whole is left out: divide with //.",
        ),
    )
    given = answer(28)
    if numbers(given, 4) is None:
        count = tensor_of(given)
        said = f", but has shape {tuple(count.shape)}; expected (4,)" if count is not None else ""
        return f"sides(28) should be a tuple of four numbers{said}: it is {shown(given)}."
    return table(answer, [(n,) for n in (28, 32, 29, 96, *range(12, 48))], sides, known)


def check_params(answer):
    """The parameters of a LeNet for three channels and 32×32 pixels."""
    return {
        62_006: "only the first convolution has changed. What side do the maps have when they are flattened?",
        82_826: "the maps are right, but the first convolution reads three channels: 3·25 weights for each of its six.",
        136_886: "the second convolution has no padding: 16 pixels become 12 before the last pooling halves them.",
        61_706: "61,706 is not right here: that is LeNet for one channel and 28×28 pixels.",
        82_890: "each output channel and each unit has a bias as well: 236 in all.",
    }.get(number(answer)) or compare(answer, 83_126, "the number of parameters")


def check_top_k(answer):
    """The share of pictures whose true class is among the k likeliest."""
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(N, C, generator=generator), torch.randint(C, (N,), generator=generator), k)
             for N, C, k in ((4, 4, 2), (8, 4, 2), (8, 4, 1), (8, 4, 3), (3, 9, 9), (5, 3, 2), (6, 7, 3))]  # fmt: skip
    cases.append((cases[1][0] - 9, *cases[1][1:]))

    def right(logits, y, k):
        return found(logits, y, k).any(1).float().mean()

    def found(logits, y, k):
        return logits.topk(k, dim=1).indices == y[:, None]

    known = (
        (
            lambda logits, y, k: found(logits, y, k).sum(),
            "that is the number of hits: the accuracy is their share of the pictures.",
        ),
        (
            lambda logits, y, k: right(logits, y, 1),
            "that is the share where the largest logit is the true class: it may be any of the k.",
        ),
        (
            lambda logits, y, k: found(logits, y, k).float().mean(),
            "a picture is right or wrong, it is not divided among its k columns (`any`).",
        ),
        (
            lambda logits, y, k: (logits.topk(k, dim=0).indices == y).any(0).float().mean(),
            "the classes lie along axis 1: each picture has its own k best.",
        ),
        (lambda logits, y, k: 100 * right(logits, y, k), "that is in per cent: the share lies between 0 and 1."),
        (lambda logits, y, k: right(logits, y, min(k + 1, logits.shape[1])), "that looks at k + 1 classes."),
        (lambda logits, y, k: right(logits, y, k - 1), "that looks at k − 1 classes."),
        (lambda logits, y, k: 1 - right(logits, y, k), "that is the share of the errors."),
        (lambda logits, y, k: right(-logits, y, k), "those are the k smallest logits: the largest are the likeliest."),
    )
    return table(answer, cases, right, known, call=lambda logits, y, k: f"top_k_accuracy for {len(y)} pictures, "
                   f"{logits.shape[1]} classes and k = {k}")  # fmt: skip


def check_plateau_loss(answer):
    """The entropy of the shares, in nats."""

    def entropy(counts):
        return torch.special.entr(counts.double() / counts.sum()).sum()

    cases = [(torch.tensor(counts),) for counts in ([6000] * 10, [90, 10], [1, 2, 3, 4], [7], [5, 0, 5], [0, 3])]
    known = (
        (lambda counts: entropy(counts) / math.log(2), "in bits: the cross entropy takes the natural logarithm."),
        (
            lambda counts: math.log(len(counts)),
            "the logarithm of the number of classes is right only if all are equally frequent.",
        ),
        (lambda counts: entropy(counts) / math.log(10), "with the logarithm to base 10: the cross entropy takes the "
         "natural one."),
        (lambda counts: -math.log(counts.max() / counts.sum()), "that is what a picture of the commonest class costs: "
         "take the mean over all pictures."),
        (lambda counts: -entropy(counts), "the minus is missing: a loss is 0 or more."),
        (lambda counts: entropy(counts) * counts.sum(), "that is the sum over all pictures: the loss is their mean."),
        (lambda counts: entropy(counts) / len(counts), "add over the classes: the shares are the weights of a mean."),
    )
    full = table(answer, cases[:4], entropy, known, call=lambda counts: f"plateau_loss({counts.tolist()})")
    if not full and math.isnan(number(answer(*cases[4])) or 0):
        return ("plateau_loss([5, 0, 5]) is nan: a class without pictures costs nothing, but 0 · log 0 is nan. "
                "`torch.xlogy` knows.")  # fmt: skip
    return full or table(answer, cases, entropy, call=lambda counts: f"plateau_loss({counts.tolist()})")


def check_softmax(answer):
    """Probabilities along axis 1 that survive large logits in any row, with no ready softmax."""
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]])
    cases = [(logits, 1.0), (logits, 2.0), (logits, 0.5), (torch.tensor([[-1.0, 0.5], [4.0, 4.0], [0.0, 1.0]]), 3.0)]

    def right(logits, temperature):
        return (logits / temperature).softmax(1)

    known = (
        (
            lambda logits, temperature: (logits / temperature).softmax(0),
            "each column adds up to 1. It is the row of a picture that must, axis 1.",
        ),
        (
            lambda logits, temperature: (logits * temperature).softmax(1),
            "sharper where it should be flatter: divide the logits by the temperature.",
        ),
        (
            lambda logits, temperature: logits.softmax(1) / temperature,
            "it does not add up to 1: the temperature divides the logits, before the exponential.",
        ),
        (lambda logits, temperature: logits.softmax(1), "the temperature does not enter: divide the logits by it."),
    )
    advice = table(answer, cases, right, known, call=lambda logits, temperature:
                   f"softmax(logits, {temperature:g}) for logits {tuple(logits.shape)}")  # fmt: skip
    if advice:
        return advice
    for rows in ([[1000.0, 999.0]], [[1000.0, 999.0], [-1000.0, -1001.0]], [[-1000.0, 1000.0]], [[-1000.0, -1001.0]]):
        large = torch.tensor(rows)
        got = tensor_of(answer(large.clone(), 1.0))
        if got is not None and not got.isfinite().all():
            return (f"logits {rows} give nan: exp overflows, or all of a row is 0. Take the largest logit of each row "
                    "away from that row first.")  # fmt: skip
        if advice := compare(got, large.softmax(1), f"softmax({rows}, 1)"):
            return advice
    if any("softmax" in name or "logsumexp" in name for name in torch_calls(answer, logits.clone(), 1.0)):
        return "the numbers are right, but they come from a ready softmax: build it from exponentials and their sum."
    return None


def check_subsampling(answer):
    """A mean of 2×2, times a weight, plus a bias, both of the channel."""
    layer, X = answer(4), torch.linspace(0, 3, 2 * 4 * 8 * 8).sin().reshape(2, 4, 8, 8) - 0.5
    if not isinstance(layer, nn.Module):
        return f"Subsampling(4) should be an nn.Module, but is {kind_of(layer)}."
    got = run(layer, X)  # a stub says here that it is one
    sizes = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    total = sum(parameter.numel() for parameter in layer.parameters() if parameter.requires_grad)
    if not total:
        return "the layer has nothing to learn: make `weight` and `bias` nn.Parameter."
    if set(sizes) != {"weight", "bias"} or [math.prod(size) for size in sizes.values()] != [4, 4] or total != 8:
        return f"Subsampling(4) has the parameters {sizes}: it should have `weight` and `bias`, one number per channel."
    mean = F.avg_pool2d(X, 2)
    known = (
        (4 * mean, "that is the sum of the four pixels: take their mean."),
        (F.max_pool2d(X, 2), "that is the largest of the four pixels: take their mean."),
        (0 * mean, "the output is 0: `weight` begins with 1."),
        (mean + 1, "each output is too large by 1: `bias` begins with 0."),
        *((function(mean), "leave the activation out.") for function in (torch.sigmoid, torch.tanh, torch.relu)),
        (F.avg_pool2d(X, 2, 1), "the windows move by one pixel: take stride 2."),
        (X[:, :, ::2, ::2], "that is one pixel of each window: take the mean of all four."),
    )
    fresh = "with fresh parameters (weight 1, bias 0)"
    if not equal(got, mean):
        if said := advice_on(got, known):
            return f"{fresh} {said}"
        return f"{compare(got, mean, f'{fresh} the output')} It should be the mean of each 2×2 window, times 1, plus 0."
    weight, bias = torch.arange(-1.0, 3), torch.tensor([0.0, 10, -20, 30])
    with torch.no_grad():
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        layer.bias.copy_(bias.reshape(layer.bias.shape))
    got = layer(X.clone())
    if equal(got, mean * weight + bias):
        return "a tensor of shape (4,) meets the last axis, the columns: reshape the parameters to (channels, 1, 1)."
    weight, bias = weight.reshape(4, 1, 1), bias.reshape(4, 1, 1)
    known = (
        (mean, "the output stays as it was: forward uses neither `weight` nor `bias`."),
        (mean * weight, "`bias` changes nothing: forward does not add it."),
        (mean + bias, "`weight` changes nothing: forward does not multiply by it."),
        ((mean + bias) * weight, "the bias is multiplied, too: first multiply, then add it."),
        ((mean * weight + bias).relu(), "leave the activation out."),
    )
    if (said := advice_on(got, known)) and not equal(got, mean * weight + bias):
        return f"with other parameters {said}"
    return compare(got, mean * weight + bias, "with other parameters the output") or (
        compare(answer(2)(X[:1, :2, :5, 2:]), F.avg_pool2d(X[:1, :2, :5, 2:], 2), "for 2 channels the output")
    )


def check_difference(answer):
    """The difference of two means with its sign, and its standard error."""
    a, b = torch.tensor([0.80, 0.82, 0.78, 0.81, 0.79]), torch.tensor([0.77, 0.80, 0.79])
    cases = [(a, b), (b, a), (torch.tensor([0.5, 0.9]), torch.tensor([0.8, 0.85, 0.9, 0.95]))]

    def errors(one, two, part=lambda x: x.var() / len(x), root=lambda parts: sum(parts) ** 0.5):
        return one.mean() - two.mean(), root([part(one), part(two)])

    known = (
        (
            partial(errors, part=lambda x: x.var()),
            "that is how far two single runs differ. The mean of n runs is steadier: divide each s² by its n.",
        ),
        (
            partial(errors, part=lambda x: x.var(correction=0) / len(x)),
            "the variance divides by n − 1 here: the mean was taken from the same few runs.",
        ),
        (
            partial(errors, part=lambda x: (x.var() / len(x)) ** 0.5, root=sum),
            "the two errors are independent: add their squares, then take the root.",
        ),
        (
            lambda one, two: (errors(one, two)[0], ((one.var() + two.var()) / len(one)) ** 0.5),
            "both variances are divided by the length of a: each design has its own number of runs.",
        ),
        (partial(errors, root=sum), "that is the square of the standard error: take the root."),
        (
            lambda one, two: (abs(errors(one, two)[0]), errors(one, two)[1]),
            "the difference is a − b, below 0 where a is the smaller: keep its sign.",
        ),
        (lambda one, two: errors(two, one), "the difference is a − b, not b − a."),
    )
    if numbers(given := answer(a.clone(), b.clone()), 2) is None:
        return f"return two numbers, the difference of the means and its standard error; yours: {shown(given)}."
    return table(answer, cases, errors, known, atol=1e-6, call=lambda one, two:
                 f"difference for means {one.mean():.3g} and {two.mean():.3g}")  # fmt: skip
