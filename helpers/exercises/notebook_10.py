"""Exercises of notebook 10, network in network. Their checks are in `checks_10.py`."""

from functools import partial

from .checks_10 import (
    ADVICE_BLOCK,
    ADVICE_SIDE,
    BLOCK,
    check_adaptive_max,
    check_dead,
    check_maps,
    check_number,
    check_without,
)
from .core import Exercise, prediction


def pooled(value="X[:, a:b, c:d].amax((1, 2))", end="-(-(i + 1) * n // m)", place="Y[:, i, j]"):
    """Return the source of an adaptive_max that reports `value` of windows ending at `end`, at this place."""
    return f"""
def adaptive_max(X, m):
    def windows(n):
        return [(i * n // m, {end}) for i in range(m)]
    Y = torch.zeros(len(X), m, m)
    for i, (a, b) in enumerate(windows(X.shape[1])):
        for j, (c, d) in enumerate(windows(X.shape[2])):
            {place} = {value}
    return Y
"""


def mapped(maps):
    """Return the source of a maps_of with this expression."""
    return f"def maps_of(net, X):\n    features, dense = net[:-3](X), net[-1]\n    return {maps}\n"


def dead(expression):
    """Return the source of a dead_classes with this expression."""
    return f"def dead_classes(logits):\n    return {expression}\n"


def without(body):
    """Return the source of a without_last_relu with this body."""
    return f"def without_last_relu(net):\n    {body}\n"


PER_PIXEL = "dense(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)"

EXERCISES = [
    Exercise(
        id="10.1", name="params",
        check=partial(check_number, BLOCK, ADVICE_BLOCK, "add up c_o·(c_i·k² + 1) over the three layers."),
        hints=("Three convolutions: 3×3 from 256 to 384, then 1×1 from 384 to 384, twice.",
               "Each has c_o·(c_i·k² + 1) parameters."),
        solution="params = 384 * (256 * 9 + 1) + 2 * 384 * (384 + 1)",
        wrong={"params = 384 * (256 * 9 + 1)": "two layers of 1×1",
               "params = 384 * 256 * 9 + 2 * 384 * 384": "a bias per output",
               "params = 384 * (256 * 9 + 1) + 2 * 384 * (256 + 1)": "384 channels go into",
               "params = 384 * (256 * 3 + 1) + 2 * 384 * (384 + 1)": "9 places", "params = 1_000_000": "add up",
               "params = 384 * (256 * 9 + 1) + 384 * 385": "has two",
               "params = 384 * (256 * 9 + 1) + 2 * 384 * (384 * 9 + 1)": "not nine",
               "params = '1180800'": "whole number"},
    ),
    Exercise(
        id="10.2", name="smallest",
        check=partial(check_number, 67, ADVICE_SIDE, "the last pooling needs 3 rows; go backwards from there."),
        hints=("Go backwards. A pooling of 3 with stride 2 that gives m rows needs 2·(m − 1) + 3 of them.",
               "The last pooling needs 3 rows to give 1; the one before needs 7, the first 15. And the stem, for 15?"),
        solution="smallest = 4 * (15 - 1) + 11",
        wrong={"smallest = 66": "one too few", "smallest = 63": "is not right", "smallest = 224": "backwards",
               "smallest = 59": "11 rows high", "smallest = 71": "14 steps", "smallest = 65": "AlexNet's",
               "smallest = 35": "there are three", "smallest = (67, 67)": "whole"},
    ),
    Exercise(
        id="10.3", name="adaptive_max", check=check_adaptive_max,
        hints=("`windows(n, m)` of the text gives the rows of each window, and, for the width, its columns.",
               "Two loops as in `adaptive_mean`; a window X[:, a:b, c:d] gives one number per channel."),
        solution=pooled(),
        wrong={pooled("X[:, a:b, c:d].mean((1, 2))"): "largest", pooled(end="(i + 1) * n // m"): "rounded up",
               pooled(place="Y[:, j, i]"): "changed places", pooled("X[:, a:b, c:d].max()"): "of all channels",
               pooled("X[:, a:b, c:d].amax((1, 2)).relu()"): "below 0",
               pooled("X[:, a:b, c:d].amin((1, 2))"): "smallest", pooled(end="-(-(i + 1) * n // m) - 1"): "are missing",
               pooled().replace("X.shape[2]", "X.shape[1]"): "follow the width",
               pooled().replace("(i * n // m,", "(-(-i * n // m),"): "rounded down",
               pooled(end="(i + 1) * n // m + 1"): "too long", pooled(end="n"): "Window i has the rows",
               "def adaptive_max(X, m):\n    return F.max_pool2d(X, X.shape[1] // m)": "may overlap"},
    ),
    Exercise(
        id="10.4", name="maps_of", check=check_maps,
        hints=("A mean of sums is a sum of means: the dense layer may come before the averaging, if it acts per pixel.",
               "`nn.Linear` acts on the last axis: `features.permute(0, 2, 3, 1)` puts the channels there."),
        solution=mapped(PER_PIXEL),
        wrong={mapped("F.conv2d(features, dense.weight[:, :, None, None])"): "bias is missing",
               mapped("net(X)"): "should have shape", mapped(PER_PIXEL).replace("-3", "2"): "4 layers before",
               mapped(PER_PIXEL.replace(".permute(0, 3, 1, 2)", "")): "should have shape",
               mapped(PER_PIXEL.replace("permute(0, 3, 1, 2)", "reshape(len(X), -1, *features.shape[2:])")): "cuts",
               mapped("net(X)[:, :, None, None].expand(-1, -1, *features.shape[2:])"): "constant",
               mapped(PER_PIXEL + " / features[0, 0].numel()"): "sums of your maps"},
    ),
    Exercise(
        id="10.5", name="dead_classes", check=check_dead,
        hints=("`logits == 0` is a table (N, classes) of yes and no. Along which axis are the pictures?",
               "`.all(dim=0)` asks it of every picture of the batch, class by class."),
        solution=dead("(logits == 0).all(dim=0).sum().item()"),
        wrong={dead("(logits == 0).sum()"): "counts once", dead("(logits == 0).any(dim=0).sum()"): "ask for",
               dead("(logits == 0).all(dim=1).sum()"): "columns", dead("(logits == 0).all(0).nonzero()"): "how many",
               dead("(logits != 0).any(0).sum()"): "7 classes live", dead("(logits <= 0).all(0).sum()"): "evidence",
               dead("(logits.std(0) == 0).sum()"): "only if", dead("(logits.sum(0) == 0).sum()"): "add up to 0"},
    ),
    Exercise(
        id="10.6", name="without_last_relu", check=check_without,
        hints=("The last block is net[-3], and its last layer the ReLU: `net[-3][:-1]` is the block without it.",
               "`nn.Sequential(*net[:-3], block, *net[-2:])` builds a new net from the same layers."),
        solution=without("return nn.Sequential(*net[:-3], net[-3][:-1], *net[-2:])"),
        wrong={without("net[-3][-1] = nn.Identity()\n    return net"): "has changed",
               without("return nn.Sequential(*net)"): "still there",
               without("return nn.Sequential(*net[:-3], net[-3][:-2], *net[-2:])"): "not two",
               without("return nn.Sequential(net[0][0], net[1][0], net[1][2], *net[2:])"): "all ReLUs",
               without("import copy\n    net = copy.deepcopy(net)\n    net[-3][-1] = nn.Identity()\n    return net"):
                   "weights of its own"},
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "10.p1", [16 * 25 * 120, 256 * 25 * 4096, 512 * 49 * 4096],
        [([16 * 25, 256 * 25, 512 * 49], "so long are the vectors; each unit has a weight for each of their numbers."),
         ([25 * 120, 25 * 4096, 49 * 4096], "that is for one map: the maps are all flattened into one vector."),
         ([16 * 5 * 120, 256 * 5 * 4096, 512 * 7 * 4096], "a map of 5×5 has 25 numbers."),
         ([16 * 25 * 120 + 120, 256 * 25 * 4096 + 4096, 512 * 49 * 4096 + 4096], "the weights alone, without biases.")],
        "Maps, times the numbers in each map, times units.",
    ),
    prediction(
        "10.p2", [1, 0],
        [([1, 1], "a dense layer uses each weight once a picture; how often does a convolution use its few?"),
         ([0, 0], "where were AlexNet's parameters, and which of these layers has NiN?"),
         ([0, 1], "turn both round: what do dense layers have much of, parameters or work?")],
        "1 for yes, 0 for no: first the parameters, then the work.",
    ),
    prediction(
        "10.p3", [0, 2, 1, 4, 3, 5],
        [([0, 1, 1, 3, 3, 5], "the end is rounded up: 5/3 and 10/3 are no whole numbers."),
         ([0, 2, 2, 4, 4, 5], "the beginning is rounded down, whatever the window before has taken."),
         ([0, 1, 1, 3, 3, 4], "a window ends in the row after its last; ends are rounded up.")],
        "⌊5i/3⌋ and ⌈5(i + 1)/3⌉, for i = 0, 1, 2.",
    ),
    prediction(
        "10.p4", [1, 0, 0, 0],
        [([1, 0, 1, 0], "a centred channel is above 0 for some pictures: what does that do for the last ReLU?"),
         ([1, 1, 0, 0], "without the last ReLU a logit may be any number: how likely are ten that are exactly 0?"),
         ([1, 1, 1, 1], "a run is dead when all logits are exactly 0: which designs can make a 0 at all?"),
         ([0, 0, 0, 0], "one of them does: which can make ten zeros, and keeps no channel centred?")],
        "1 for a design in which runs end with ten zeros for every picture.",
    ),
]  # fmt: skip
