"""Exercises of notebook 04, channels."""

import torch
import torch.nn.functional as F

from .core import Exercise, compare, torch_calls

GROUPED = "def corr2d_grouped(X, K, groups):\n    return "
EACH_GROUP = "corr2d_multi_in_out(x, k) for x, k in zip(X.chunk(groups), K.chunk(groups))"
SHAPES = {"weight": (32, 16, 3, 5), "bias": (32,), "output": (8, 32, 18, 26)}
ADVICE_SHAPE = {
    "weight": {
        (16, 32, 3, 5): "the weight begins with the output channels: one kernel for each, with one slice per input.",
        (32, 3, 5): "each output channel has a slice for every input channel: an axis is missing.",
        (32, 16, 5, 3): "kernel_size=(3, 5) is 3 rows and 5 columns, in this order.",
        (8, 32, 16, 3, 5): "the weights have no axis for the batch: the same kernels serve every picture.",
    },
    "bias": {
        (32, 16): "the bias is one number per output channel; one for each pair would only be added up.",
        (16,): "the bias is added to the output: one number per output channel.",
    },
    "output": {
        (8, 32, 20, 30): "the kernel does not stand over the border: 3 rows cost 2, 5 columns cost 4.",
        (8, 32, 17, 25): "n − k + 1 positions: 20 − 3 + 1 rows, 30 − 5 + 1 columns.",
        (32, 18, 26): "a batch goes in, so a batch comes out: the first axis counts the pictures.",
        (8, 16, 32, 18, 26): "the maps of the input channels are added up: they have no axis of their own.",
        (8, 16, 18, 26): "the output has as many channels as there are kernels.",
    },
}


def check_shapes(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        return "the answer should be three shapes: (weight, bias, output)."
    for (name, want), shape in zip(SHAPES.items(), answer, strict=True):
        shape = (shape,) if isinstance(shape, int) else shape
        if not isinstance(shape, (tuple, list)):
            return f"the {name} should be a tuple of numbers, such as (2, 3), but is {shape!r}."
        if (shape := tuple(shape)) != want:
            known = ADVICE_SHAPE[name].get(shape, "count its axes, then put the numbers into each.")
            return f"the {name} is not of shape {shape}: {known}"
    return None


def check_cost(answer):
    for c_i, c_o, k, m in ((3, 4, 3, 30), (100, 100, 5, 64), (16, 32, 2, 7)):
        weights, call = c_o * c_i * k**2, f"cost({c_i}, {c_o}, {k}, {m})"
        got = answer(c_i, c_o, k, m)
        if isinstance(got, dict) or torch.as_tensor(got).shape != (2,):
            return "return two numbers: (parameters, multiply_adds)."
        parameters, multiply_adds = (int(number) for number in got)
        if (parameters, multiply_adds) == (weights * m**2, weights + c_o):
            return f"{call} has the two numbers in the wrong order: first the parameters, then the multiply-adds."
        if parameters == weights:
            return f"in {call} the biases are missing: {c_o} more parameters."
        if parameters == weights + c_o * c_i:
            return f"in {call} there is one bias per output channel, {c_o}, not one per pair of channels."
        if parameters != weights + c_o:
            return f"{call} gives {parameters:,} parameters: there are c_o · c_i slices of k² weights, and c_o biases."
        if multiply_adds == weights * (m + k - 1) ** 2:
            return f"in {call} the output has m × m elements; you count as if the kernel stood on every input pixel."
        if multiply_adds == (weights + c_o) * m**2:
            return f"in {call} a bias is added, not multiplied: it is no multiply-add."
        if multiply_adds == 2 * weights * m**2:
            return f"in {call} a multiplication and the addition behind it count as one multiply-add."
        if multiply_adds == weights * (m - k + 1) ** 2:
            return f"in {call} m is the size of the output, which the kernel has already made smaller."
        if multiply_adds != weights * m**2:
            return f"{call} gives {multiply_adds:,} multiply-adds: each weight meets each output position once."
    return None


def check_reds(answer):
    w = torch.as_tensor(answer).detach().float().flatten()
    if w.numel() != 3:
        return f"three weights are wanted, one each for red, green and blue; yours are {w.numel()}."
    red, green, blue = w.tolist()
    if not abs(w.sum()) <= 1e-5:  # also for nan
        return f"a grey pixel (0.5, 0.5, 0.5) becomes {w.sum() / 2:.3g}, not 0: the weights must add up to 0."
    if abs(red - 1) > 1e-5:
        return f"pure red (1, 0, 0) becomes {red:.3g}, not 1."
    if abs(green - blue) > 1e-5:
        return f"pure green becomes {green:.3g} and pure blue {blue:.3g}: they should come out alike."
    return None


def check_mix(answer):
    generator = torch.Generator().manual_seed(0)
    X, W = torch.rand(2, 3, 4, 5, generator=generator), torch.rand(6, 3, generator=generator)
    want, got = F.conv2d(X, W[:, :, None, None]), answer(X, W)
    if getattr(got, "shape", None) == (6, 2, 4, 5):
        return "your result has the shape (Co, N, H, W): the pictures come first."
    if any("conv" in name for name in torch_calls(answer, X, W)):
        return "mix should do without a convolution function: a matrix product over the channels is enough."
    if getattr(got, "shape", None) == (2, 4, 5, 6):
        return "the channels are the last axis of your result, (N, H, W, Co): move them to place 1."
    cut_anew = (X.reshape(2, 4, 5, 3) @ W.T).reshape(want.shape)
    cut_after = (X.permute(0, 2, 3, 1) @ W.T).reshape(want.shape)
    if any(compare(got, cut) is None for cut in (cut_anew, cut_after)):
        return "the numbers are mixed up: reshape cuts a row of numbers anew and moves no channel. permute does."
    return compare(got, want, "mix(X, W) for X (2, 3, 4, 5) and W (6, 3)")


def check_grouped(answer):
    generator = torch.Generator().manual_seed(0)
    for c_i, c_o, groups in ((4, 6, 2), (6, 3, 3), (3, 2, 1), (4, 4, 4)):
        X = torch.rand(c_i, 6, 5, generator=generator)
        K = torch.rand(c_o, c_i // groups, 3, 2, generator=generator)
        case = f"corr2d_grouped for {c_i} → {c_o} channels in {groups} groups"
        want, got = F.conv2d(X[None], K, groups=groups)[0], answer(X, K, groups)
        if not hasattr(got, "shape"):
            return f"{case} should be a tensor, but is {type(got).__name__}: join the groups' maps with torch.cat."
        got = torch.as_tensor(got)
        if "conv2d" in torch_calls(answer, X, K, groups):
            return "corr2d_grouped should do without F.conv2d: use corr2d_multi_in_out for each group."
        if got.dim() == 4:
            return f"{case} has shape {tuple(got.shape)}: stack makes a new axis, cat joins along the old one."
        alike = got.shape == want.shape and groups > 1
        striped = X[None, torch.arange(c_i).reshape(-1, groups).t().flatten()]  # channels g, g + groups, …
        if alike and compare(got, want) and compare(got, F.conv2d(striped, K, groups=groups)[0]) is None:
            return f"{case} takes every {groups}th channel; a group is a block of neighbouring channels."
        if alike and compare(got, F.conv2d(X[None, : K.shape[1]], K)[0]) is None:
            return f"{case}: every kernel reads the same {K.shape[1]} channels, where zip stopped. Cut X into groups."
        if got.shape[1:] == want.shape[1:] and len(got) == groups * c_o > c_o:
            return f"{case} gives {len(got)} maps: every group of inputs has met all kernels, not only its own."
        if got.shape[1:] == want.shape[1:] and len(got) == c_o // groups < c_o:
            return f"{case} gives {len(got)} maps: the groups' outputs are put one behind the other, not added up."
        if advice := compare(got, want, case):
            return advice
    return None


def check_plain_weights(answer):
    generator = torch.Generator().manual_seed(0)
    D, P = torch.rand(3, 2, 2, generator=generator), torch.rand(4, 3, generator=generator)
    got = answer(D, P)
    if getattr(got, "shape", None) == (4, 2, 2):
        return "your result has shape (4, 2, 2): the slices have been added up, but each must meet its own channel."
    if getattr(got, "shape", None) == (3, 4, 2, 2):
        return "your result has shape (3, 4, 2, 2): the output channels come first."
    if compare(got, D.expand(4, 3, 2, 2)) is None:
        return "your result holds D for every output: the weights of P are missing."
    return compare(got, P[:, :, None, None] * D, "plain_weights(D, P) for D (3, 2, 2) and P (4, 3)")


EXERCISES = [
    Exercise(
        id="04.1", name="shapes", check=check_shapes,
        hints=(
            "The weight has four axes: output channels, input channels, rows and columns of the kernel.",
            "A kernel of 3 rows fits into 20 rows at 18 heights, one of 5 columns into 30 columns at 26 places.",
        ),
        solution="shapes = (32, 16, 3, 5), (32,), (8, 32, 18, 26)",
        wrong={
            "shapes = (16, 32, 3, 5), (32,), (8, 32, 18, 26)": "begins with the output channels",
            "shapes = (32, 16, 3, 5), (32, 16), (8, 32, 18, 26)": "one number per output channel",
            "shapes = (32, 16, 3, 5), 32, (8, 16, 18, 26)": "as many channels as there are kernels",
            "shapes = (32, 16, 3, 5), (16,), (8, 32, 18, 26)": "one number per output channel",
            "shapes = (8, 32, 16, 3, 5), 32, (8, 32, 18, 26)": "no axis for the batch",
            "shapes = (32, 16, 3, 5), None, (8, 32, 18, 26)": "should be a tuple of numbers",
        },
    ),
    Exercise(
        id="04.2", name="cost", check=check_cost,
        hints=(
            "How many slices have all kernels together, and how many weights has each?",
            "Each output element needs c_i · k² multiply-adds, and there are c_o · m² of them.",
        ),
        solution="""
def cost(c_i, c_o, k, m):
    weights = c_o * c_i * k ** 2
    return weights + c_o, weights * m ** 2
""",
        wrong={
            "def cost(i, o, k, m):\n    return o * i * k**2, o * i * k**2 * m**2": "biases are missing",
            "def cost(i, o, k, m):\n    return o * i * (k**2 + 1), o * i * k**2 * m**2": "not one per pair",
            "def cost(i, o, k, m):\n    n = o * i * k**2 + o\n    return n, n * m**2": "added, not multiplied",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n + o, n * (m + k - 1)**2": "m × m elements",
            "def cost(i, o, k, m):\n    return o * i * k**2 + o, o * m**2": "meets each output position",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n * m**2, n + o": "wrong order",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n + o, 2 * n * m**2": "count as one",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n + o, n * (m - k + 1)**2": "already made smaller",
        },
    ),
    Exercise(
        id="04.3", name="w", check=check_reds,
        hints=(
            "Grey is (g, g, g) and becomes g · (sum of the weights). What must the sum be?",
            "The weight of red is 1. The other two are equal, and with it they add up to 0.",
        ),
        solution="w = [1, -0.5, -0.5]",
        wrong={
            "w = [1, 0, 0]": "must add up to 0",
            "w = [1, -1, 0]": "should come out alike",
            "w = [float('nan')] * 3": "must add up to 0",
            "w = torch.tensor([2, -1, -1])": "pure red",
        },
    ),
    Exercise(
        id="04.4", name="mix", check=check_mix,
        hints=(
            "A matrix product `… @ W.T` acts on the last axis. Where must the channels be for it?",
            "`X.permute(0, 2, 3, 1)` is (N, H, W, Ci). Or one line: `torch.einsum('oi, nihw -> nohw', W, X)`.",
        ),
        solution="def mix(X, W):\n    return (X.permute(0, 2, 3, 1) @ W.T).permute(0, 3, 1, 2)",
        wrong={
            "def mix(X, W):\n    return F.conv2d(X, W[:, :, None, None])": "without a convolution function",
            "def mix(X, W):\n    return X.permute(0, 2, 3, 1) @ W.T": "channels are the last axis",
            "def mix(X, W):\n    return torch.tensordot(W, X, dims=([1], [1]))": "the pictures come first",
            "def mix(X, W):\n    return (X.reshape(2, 4, 5, 3) @ W.T).reshape(2, 6, 4, 5)": "permute does",
            "def mix(X, W):\n    return (X.permute(0, 2, 3, 1) @ W.T).reshape(2, 6, 4, 5)": "permute does",
        },
    ),
    Exercise(
        id="04.5", name="corr2d_grouped", check=check_grouped,
        hints=(
            "Cut X into groups of neighbouring channels, and K into as many groups of kernels; treat each pair alone.",
            "`X.chunk(groups)` and `K.chunk(groups)` cut; `corr2d_multi_in_out` takes a pair, `torch.cat` joins.",
        ),
        solution="""
def corr2d_grouped(X, K, groups):
    pairs = zip(X.chunk(groups), K.chunk(groups))
    return torch.cat([corr2d_multi_in_out(x, k) for x, k in pairs])
""",
        wrong={
            f"{GROUPED}torch.stack([{EACH_GROUP}])": "joins along the old one",
            f"{GROUPED}torch.cat([corr2d_multi_in_out(X[g::groups], k) for g, k in enumerate(K.chunk(groups))])":
                "neighbouring channels",
            f"{GROUPED}sum({EACH_GROUP})": "not added up",
            f"{GROUPED}[{EACH_GROUP}]": "join the groups' maps",
            f"{GROUPED}corr2d_multi_in_out(X, K)": "give K one",
            f"{GROUPED}corr2d_multi_in_out(X[:K.shape[1]], K)": "where zip stopped",
            f"{GROUPED}torch.cat([corr2d_multi_in_out(x, K) for x in X.chunk(groups)])": "not only its own",
            f"{GROUPED}F.conv2d(X[None], K, groups=groups)[0]": "without F.conv2d",
        },
    ),
    Exercise(
        id="04.6", name="plain_weights", check=check_plain_weights,
        hints=(
            "Output o takes P[o, i] of the map of channel i, and that map is channel i under D[i].",
            "Slice (o, i) is P[o, i] · D[i]. Two axes of size 1 behind P let the product broadcast.",
        ),
        solution="def plain_weights(D, P):\n    return P[:, :, None, None] * D",
        wrong={
            "def plain_weights(D, P):\n    return torch.tensordot(P, D, dims=1)": "added up",
            "def plain_weights(D, P):\n    return P.T[:, :, None, None] * D[:, None]": "output channels come first",
            "def plain_weights(D, P):\n    return D.expand(len(P), *D.shape)": "weights of P are missing",
        },
    ),
]
