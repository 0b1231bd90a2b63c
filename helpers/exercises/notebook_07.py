"""Exercises of notebook 07, LeNet. Their checks are in `checks_07.py`."""

import math

from .checks_07 import (
    check_difference,
    check_params,
    check_plateau_loss,
    check_sides,
    check_softmax,
    check_subsampling,
    check_top_k,
)
from .core import Exercise, prediction


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
            "params = 136_886": "no padding", "params = 61_706": "not right",
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
            TOP_K.format("logits.topk(k).indices == y[:, None]).any(1).float().mean() * 100"): "in per cent",
            TOP_K.format("logits.argsort(1)[:, -k - 1:] == y[:, None]).any(1).float().mean()"): "k + 1 classes",
            TOP_K.format("logits.argsort(1)[:, :k] == y[:, None]).any(1).float().mean()"): "the k smallest",
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
            PLATEAU.format("-torch.xlogy(shares, shares)"): "minus is missing",
            PLATEAU.format("(shares * shares.log10())"): "base 10",
            PLATEAU.format("shares.max().log()"): "commonest class",
            PLATEAU.format("torch.xlogy(counts, shares)"): "sum over all pictures",
            PLATEAU.format("torch.xlogy(shares, shares).mean()"): "weights of a mean",
            PLATEAU.format("(shares * shares.log())"): "nan",
            PLATEAU.format("shares.log()"): "but should be",
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
            subsampling("channels, 1, 1", forward="self.pool(X)"): "uses neither",
            subsampling("channels, 1, 1", forward="4 * self.pool(X) * self.weight"): "that is the sum",
            subsampling("channels, 1, 1", forward="self.pool(X) * self.weight"): "does not add it",
            subsampling("channels, 1, 1", forward="(self.pool(X) + self.bias) * self.weight"): "first multiply",
            subsampling("channels, 1, 1", forward="(self.pool(X) * self.weight + self.bias).tanh()"): "activation out",
            subsampling("channels, 1, 1").replace("AvgPool2d(2)", "AvgPool2d(2, 1)"): "take stride 2",
            subsampling("channels, 1, 1").replace("Avg", "Max"): "largest of the four",
            subsampling("channels, 1, 1").replace("torch.ones", "torch.zeros"): "begins with 1",
            subsampling("channels, 1, 1").replace("torch.zeros", "torch.ones"): "begins with 0",
            subsampling("channels, 1, 1").replace("torch.ones", "torch.rand"): "the mean of each 2×2 window",
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
            DIFFERENCE.format("((a.var() + b.var()) / len(a)).sqrt()"): "its own number of runs",
            DIFFERENCE.format("a.std() / len(a) ** 0.5 + b.std() / len(b) ** 0.5"): "add their squares",
            "def difference(a, b):\n    return (a.mean() - b.mean()).item()": "two numbers",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "07.p1", [28, 14, 10, 5],
        [([24, 12, 8, 4], "the first convolution has a padding of 2 on each side."),
         ([28, 14, 14, 7], "the second convolution has no padding: a kernel of k takes k − 1 away."),
         ([28, 14, 9, 4], "a kernel of k takes k − 1 away, not k."),
         ([26, 13, 9, 4], "the padding of 2 is on each side, so 4 pixels come in for the 4 that a kernel takes away.")],
        "n + 2·padding − kernel + 1 for a convolution; a pooling of 2 halves.",
    ),
    prediction(
        "07.p2", [3, 2],
        [([2, 3], "turn it round: where is each weight used once, and where at many places?"),
         ([3, 1], "the first convolution has the larger maps, but each of its kernels has one slice, not six."),
         ([3, 3], "a dense layer uses each of its weights once; a convolution uses its few at every place."),
         ([2, 2], "sixteen kernels of six slices are still few weights beside 400 for each of many units.")],
        "Write the two products down for each of the five layers.",
    ),
    prediction(
        "07.p3", [math.log(10)],
        [([0.1], "that is the probability of the true class; the loss is its negative logarithm."),
         ([-math.log(10)], "the loss has a minus in front of the logarithm: it is positive."),
         ([math.log2(10)], "in bits: the cross entropy takes the natural logarithm."),
         ([1], "with the logarithm to base 10: the cross entropy takes the natural one."),
         ([0.9], "the loss is no share of errors, but the negative logarithm of the probability of the true class.")],
        "−log of the probability that the true class gets, whichever it is.",
        atol=5e-3,
    ),
    prediction(
        "07.p4", [2, 0],
        [([0, 0], "a small difference is not a missing one."), ([0, 1], "a small difference is not a missing one."),
         ([2, 1], "the share is right. But ReLU sets all below 0 to 0; the sigmoid only makes small.")],
        "Small numbers do not trouble least squares, lost ones do.",
    ),
    prediction(
        "07.p5", [1, 1, 0],
        [([1, 0, 0], "the mode tells some layers how to act; whether anything is kept is another matter."),
         ([1, 1, 1], "one of the three is there to switch the record off."),
         ([1, 0, 1], "look at their names again: which of them speaks of gradients?")],
        "One of them changes layers, another what is kept.",
    ),
]  # fmt: skip
