"""Exercises of notebook 07, LeNet."""

import math

import torch
import torch.nn.functional as F

from .core import Exercise, compare, torch_calls


def check_sides(answer):
    for n in (28, 32, 29, 96):
        pooled = n // 2
        want, call = (n, pooled, pooled - 4, (pooled - 4) // 2), f"sides({n})"
        got = tuple(answer(n))
        if got == ((n - 4), (n - 4) // 2, (n - 4) // 2 - 4, ((n - 4) // 2 - 4) // 2):
            return f"{call} is {got}: the first convolution has padding 2 on each side, so it keeps the size."
        if got == (n, pooled, pooled, pooled // 2):
            return f"{call} is {got}: the second convolution has no padding, so 5×5 takes away 4."
        if len(got) == 4 and any(side != int(side) for side in got):
            return f"{call} is {got}: a window that does not fit whole is left out, so divide with //."
        advice = compare(got, want, call)
        if advice:
            return advice
    return None


def check_params(answer):
    return {
        62_006: "only the first convolution has changed. What side do the maps have when they are flattened?",
        82_826: "the maps are right, but the first convolution reads three channels: 3·25 weights for each of its six.",
        82_890: "each output channel and each unit has a bias as well: 236 in all.",
    }.get(answer) or compare(answer, 83_126, "the number of parameters")


def check_top_k(answer):
    logits = torch.tensor([[1.0, 2, 3, 0], [1.1, 2.1, 3.1, 0.1], [1.2, 2.2, 3.2, 0.2], [1.3, 0.3, 3.3, 2.3]])
    y = torch.tensor([0, 2, 1, 3])
    for k, want in ((2, 0.75), (1, 0.25), (3, 1.0), (4, 1.0)):
        got, call = float(answer(logits.clone(), y, k)), f"top_k_accuracy(logits, y, {k})"
        if want != got == 4 * want:
            return f"{call} is {got:g}, the number of hits: the accuracy is their share of the pictures."
        if got == 0.25 != want:
            return f"{call} is 0.25, the share where the largest logit is the true class: it may be any of the k."
        if want != got == want / k:
            return f"{call} is {got:g}: a picture is right or wrong, it is not divided among its k columns (`any`)."
        if not math.isclose(got, want, rel_tol=1e-6):
            return f"{call} is {got:g}, not {want:g}. The classes lie along axis 1: each picture has its own k best."
    many = torch.arange(30.0).reshape(3, 10).sin()
    return compare(answer(many, many.argmin(1), 10), 1.0, "with 3 pictures, 10 classes and k = 10 the accuracy")


def check_plateau_loss(answer):
    for counts in ([6000] * 10, [90, 10], [1, 2, 3, 4], [5, 0, 5]):
        shares = torch.tensor(counts, dtype=torch.float64) / sum(counts)
        want, call = torch.special.entr(shares).sum(), f"plateau_loss({counts})"
        got = float(answer(torch.tensor(counts)))
        if math.isnan(got):
            return f"{call} is nan: a class without pictures costs nothing, but 0 · log 0 is nan. `torch.xlogy` knows."
        if math.isclose(got, want / math.log(2), rel_tol=1e-4):
            return f"{call} is {got:.4f}, in bits: PyTorch's cross entropy takes the natural logarithm."
        if counts != [6000] * 10 and math.isclose(got, math.log(len(counts)), rel_tol=1e-4):
            return f"{call} is the logarithm of the number of classes: that is right only if all are equally frequent."
        advice = compare(got, want, call)
        if advice:
            return advice
    return None


def check_softmax(answer):
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]])
    for temperature in (1.0, 2.0, 0.5):
        got, call = answer(logits.clone(), temperature), f"softmax(logits, {temperature:g})"
        if compare(got, (logits / temperature).softmax(0)) is None:
            return f"{call}: each column adds up to 1. It is the row of a picture that must, axis 1."
        if temperature != 1 and compare(got, (logits * temperature).softmax(1), call) is None:
            return f"{call} is sharper where it should be flatter: divide the logits by the temperature."
        if temperature != 1 and compare(got, logits.softmax(1) / temperature, call) is None:
            return f"{call} does not add up to 1: the temperature divides the logits, before the exponential."
        advice = compare(got, (logits / temperature).softmax(1), call)
        if advice:
            return advice
    large = answer(torch.tensor([[1000.0, 999.0]]), 1.0)
    if not torch.as_tensor(large).isfinite().all():
        return "logits of 1000 give nan: exp overflows. Take the largest logit of each row away from all of it first."
    if any("softmax" in name for name in torch_calls(answer, logits.clone(), 1.0)):
        return "the numbers are right, but they come from a ready softmax: build it from exponentials and their sum."
    return compare(large, torch.tensor([[1000.0, 999.0]]).softmax(1), "with logits of 1000")


def check_subsampling(answer):
    layer, X = answer(4), torch.linspace(0, 3, 2 * 4 * 8 * 8).sin().reshape(2, 4, 8, 8)
    layer(X)  # a stub says here that it is one
    sizes = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    total = sum(parameter.numel() for parameter in layer.parameters())
    if not total:
        return "the layer has nothing to learn: make `weight` and `bias` nn.Parameter."
    if set(sizes) != {"weight", "bias"} or total != 8:
        return f"Subsampling(4) has the parameters {sizes}: it should have `weight` and `bias`, one number per channel."
    mean = F.avg_pool2d(X, 2)
    advice = compare(layer(X), mean, "with fresh parameters (weight 1, bias 0) the output")
    if advice:
        return advice
    weight, bias = torch.arange(1.0, 5), torch.tensor([0.0, 10, 20, 30])
    with torch.no_grad():
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        layer.bias.copy_(bias.reshape(layer.bias.shape))
    got = layer(X)
    if compare(got, mean * weight + bias) is None:
        return "a tensor of shape (4,) meets the last axis, the columns: reshape the parameters to (channels, 1, 1)."
    return compare(got, mean * weight.reshape(4, 1, 1) + bias.reshape(4, 1, 1), "with other parameters the output")


def check_difference(answer):
    a, b = torch.tensor([0.80, 0.82, 0.78, 0.81, 0.79]), torch.tensor([0.77, 0.80, 0.79])
    got = answer(a.clone(), b.clone())
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        return "return two numbers: the difference of the means, and its standard error."
    difference, error = (float(value) for value in got)
    parts = [(x.var().item(), len(x)) for x in (a, b)]
    single = sum(s for s, n in parts) ** 0.5
    biased = sum(s * (n - 1) / n**2 for s, n in parts) ** 0.5
    added = sum((s / n) ** 0.5 for s, n in parts)
    for value, advice in {
        single: "that is how far two single runs differ. The mean of n runs is steadier: divide each s² by its n.",
        biased: "the variance divides by n − 1 here: the mean was taken from the same few runs.",
        added: "the two errors are independent: add their squares, then take the root.",
    }.items():
        if math.isclose(error, value, rel_tol=1e-4):
            return advice
    advice = compare(difference, a.mean() - b.mean(), "the difference")
    return advice or compare(error, sum(s / n for s, n in parts) ** 0.5, "the standard error", atol=1e-6)


def subsampling(parameters, forward="self.pool(X) * self.weight + self.bias", initial="nn.Parameter(torch.{}({}))"):
    """Return the source of a Subsampling layer whose parameters have this shape."""
    weight, bias = (initial.format(name, parameters) for name in ("ones", "zeros"))
    return f"""
class Subsampling(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.weight = {weight}
        self.bias = {bias}

    def forward(self, X):
        return {forward}
"""


TOP_K = "def top_k_accuracy(logits, y, k):\n    return ({}"
PLATEAU = "def plateau_loss(counts):\n    shares = counts / counts.sum()\n    return -{}.sum().item()"
SOFTMAX = "def softmax(logits, temperature):\n    return {}"
DIFFERENCE = """
def difference(a, b):
    error = {}
    return (a.mean() - b.mean()).item(), error.item()
"""

EXERCISES = [
    Exercise(
        id="07.1", name="sides", check=check_sides,
        hints=("One convolution keeps the size and one takes 4 away; each pooling halves and rounds down.",
               "The second number is n // 2, the third 4 less than that."),
        solution="def sides(n):\n    half = n // 2\n    return n, half, half - 4, (half - 4) // 2",
        wrong={
            "def sides(n):\n    h = (n - 4) // 2\n    return n - 4, h, h - 4, (h - 4) // 2": "padding 2",
            "def sides(n):\n    return n, n // 2, n // 2, n // 2 // 2": "no padding",
            "def sides(n):\n    return n, n / 2, n / 2 - 4, (n / 2 - 4) / 2": "//",
            "def sides(n):\n    return n, n // 2, n // 2 - 4": "shape (3,); expected (4,)",
        },
    ),
    Exercise(
        id="07.2", name="params", check=check_params,
        hints=("Two layers change: the first convolution, and the dense layer that reads the flattened maps.",
               "`sides(32)` of the first exercise ends in 6, so that dense layer reads 16·6·6 numbers."),
        solution="params = 6 * (3 * 25 + 1) + 16 * (6 * 25 + 1) + 120 * (16 * 6 * 6 + 1) + 84 * 121 + 10 * 85",
        wrong={
            "params = 62_006": "flattened", "params = 82_826": "three channels", "params = 82_890": "bias",
            "params = 61_706": "not right",
        },
    ),
    Exercise(
        id="07.3", name="top_k_accuracy", check=check_top_k,
        hints=("`logits.topk(k, dim=1).indices` has shape (N, k): the k likeliest classes of each picture.",
               "Compare with `y[:, None]`: the true class is in at most one of the k columns."),
        solution=TOP_K.format("logits.topk(k, dim=1).indices == y[:, None]).any(dim=1).float().mean().item()"),
        wrong={
            TOP_K.format("logits.argmax(1) == y).float().mean()"): "it may be any of the k",
            TOP_K.format("logits.topk(k).indices == y[:, None]).sum()"): "share",
            TOP_K.format("logits.topk(k, 0).indices == y).any(0).float().mean()"): "axis 1",
            TOP_K.format("logits.topk(k).indices == y[:, None]).float().mean()"): "divided among",
        },
    ),
    Exercise(
        id="07.4", name="plateau_loss", check=check_plateau_loss,
        hints=("The best constant answer gives each class its share of the pictures as its probability.",
               "A picture of a class with share p then costs −log p, and such pictures are a share p of all."),
        solution=PLATEAU.format("torch.xlogy(shares, shares)"),
        wrong={
            "def plateau_loss(counts):\n    return math.log(len(counts))": "equally frequent",
            PLATEAU.format("(shares * shares.log2())"): "in bits",
            PLATEAU.format("(shares * shares.log())"): "nan",
            PLATEAU.format("shares.log()"): "which is not right",
        },
    ),
    Exercise(
        id="07.5", name="softmax", check=check_softmax,
        hints=("Divide the logits by the temperature, exponentiate, divide each row by its sum (`keepdim=True`).",
               "A number subtracted from a whole row cancels in the quotient, so subtract the row's largest one."),
        solution="""
def softmax(logits, temperature):
    scaled = logits / temperature
    powers = torch.exp(scaled - scaled.max(dim=1, keepdim=True).values)
    return powers / powers.sum(dim=1, keepdim=True)
""",
        wrong={
            SOFTMAX.format("(logits / temperature).softmax(0)"): "column",
            SOFTMAX.format("(logits * temperature).softmax(1)"): "divide the logits",
            SOFTMAX.format("logits.softmax(1) / temperature"): "before the exponential",
            SOFTMAX.format("(e := (logits / temperature).exp()) / e.sum(1, keepdim=True)"): "overflows",
            SOFTMAX.format("(logits / temperature).softmax(1)"): "a ready softmax",
        },
    ),
    Exercise(
        id="07.6", name="Subsampling", check=check_subsampling,
        hints=("`nn.Parameter(torch.ones(...))` is a tensor that optimisers find; `nn.AvgPool2d(2)` gives the means.",
               "X has axes N, C, H, W: a parameter of shape (channels, 1, 1) meets C."),
        solution=subsampling("channels, 1, 1"),
        wrong={
            subsampling("channels, 1, 1", initial="torch.{}({})"): "nothing to learn",
            subsampling("1"): "one number per channel",
            subsampling("channels"): "the last axis",
            subsampling("channels, 1, 1", forward="self.pool(X)"): "with other parameters",
            subsampling("channels, 1, 1", forward="4 * self.pool(X) * self.weight"): "with fresh parameters",
        },
    ),
    Exercise(
        id="07.7", name="difference", check=check_difference,
        hints=("`a.var()` is s², with n − 1 in the denominator. The mean of n runs has the variance s²/n.",
               "Variances of independent numbers add up; the standard error is the root of the sum."),
        solution=DIFFERENCE.format("(a.var() / len(a) + b.var() / len(b)).sqrt()"),
        wrong={
            DIFFERENCE.format("(a.var() + b.var()).sqrt()"): "two single runs",
            DIFFERENCE.format("(a.var(correction=0) / len(a) + b.var(correction=0) / len(b)).sqrt()"): "n − 1",
            DIFFERENCE.format("a.std() / len(a) ** 0.5 + b.std() / len(b) ** 0.5"): "add their squares",
            "def difference(a, b):\n    return (a.mean() - b.mean()).item()": "two numbers",
        },
    ),
]  # fmt: skip
