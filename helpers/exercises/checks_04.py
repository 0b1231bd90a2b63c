"""The checks of notebook 04's exercises, which `notebook_04.py` states."""

import torch
import torch.nn.functional as F

from .compare import advice_on, compare, equal, number, numbers, shown, tensor_of
from .core import convolutions, names_in, table, torch_calls

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
        (8, 32, 26, 18): "height first: 20 rows and a kernel of 3 rows make 18.",
        (8, 16, 18, 26): "the output has as many channels as there are kernels.",
    },
}


def check_shapes(answer):
    """The shapes of weight, bias and output."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        return "the answer should be three shapes: (weight, bias, output)."
    for (name, want), given in zip(SHAPES.items(), answer, strict=True):
        shape = numbers([given] if number(given) is not None else given)
        if shape is None:
            return f"the {name} should be a tuple of numbers, such as (2, 3), but is {shown(given)}."
        if shape != want:
            known = ADVICE_SHAPE[name].get(shape, "count its axes, then put the numbers into each.")
            return f"the {name} is not of shape {shown(shape)}: {known}"
    return None


def check_cost(answer):
    """c_o·c_i·k² weights and c_o biases; each weight meets each output position once."""
    for c_i, c_o, k, m in ((3, 4, 3, 30), (100, 100, 5, 64), (16, 32, 2, 7), (5, 1, 1, 3)):
        weights, call = c_o * c_i * k**2, f"cost({c_i}, {c_o}, {k}, {m})"
        got = numbers(answer(c_i, c_o, k, m), 2)
        if got is None:
            return "return two numbers: (parameters, multiply_adds)."
        parameters, multiply_adds = got
        if got == (weights * m**2, weights + c_o):
            return f"{call} has the two numbers in the wrong order: first the parameters, then the multiply-adds."
        if parameters == weights:
            return f"in {call} the biases are missing: {c_o} more parameters."
        if parameters == weights + c_o * c_i != weights + c_o:
            return f"in {call} there is one bias per output channel, {c_o}, not one per pair of channels."
        if parameters == weights + c_i != weights + c_o:
            return f"in {call} there is one bias per output channel, {c_o}, not one per input channel."
        if parameters != weights + c_o:
            return f"{call} gives {parameters:,} parameters: there are c_o · c_i slices of k² weights, and c_o biases."
        if multiply_adds == weights * m**2:
            continue
        known = (
            (weights * (m + k - 1) ** 2, "the output has m × m elements; you count as if the kernel stood on every "
             "input pixel."),
            ((weights + c_o) * m**2, "a bias is added, not multiplied: it is no multiply-add."),
            (2 * weights * m**2, "a multiplication and the addition behind it count as one multiply-add."),
            (weights * (m - k + 1) ** 2, "m is the size of the output, which the kernel has already made smaller."),
        )  # fmt: skip
        if advice := advice_on(multiply_adds, known):
            return f"in {call} {advice}"
        return f"{call} gives {multiply_adds:,} multiply-adds: each weight meets each output position once."
    return None


def check_reds(answer):
    """Grey becomes 0, red 1, green and blue the same."""
    w = tensor_of(answer)
    if w is None or w.numel() != 3:
        return f"three weights are wanted, one each for red, green and blue; yours: {shown(answer)}."
    red, green, blue = w.flatten().tolist()
    if not abs(w.sum()) <= 1e-5:  # also for nan
        return f"a grey pixel (0.5, 0.5, 0.5) becomes {w.sum() / 2:.3g}, not 0: the weights must add up to 0."
    if abs(red - 1) > 1e-5:
        return f"pure red (1, 0, 0) becomes {red:.3g}, not 1."
    if abs(green - blue) > 1e-5:
        return f"pure green becomes {green:.3g} and pure blue {blue:.3g}: they should come out alike."
    return None


def check_mix(answer):
    """A matrix product over the channels, for batches of several shapes and numbers of both signs."""
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(*shape, generator=generator), torch.randn(c_o, shape[1], generator=generator))
             for *shape, c_o in ((2, 3, 4, 5, 6), (3, 2, 5, 4, 1), (1, 4, 3, 3, 4))]  # fmt: skip
    names = {*torch_calls(answer, *cases[0]), *names_in(answer)}
    known = (
        (lambda X, W: right(X, W).movedim(1, 0), "your result has the shape (Co, N, H, W): the pictures come first."),
        (lambda X, W: right(X, W).movedim(1, -1),
         "the channels are the last axis of your result, (N, H, W, Co): move them to place 1."),
        (lambda X, W: (X.reshape(len(X), *X.shape[2:], -1) @ W.T).reshape(len(X), -1, *X.shape[2:]), CUT),
        (lambda X, W: right(X, W).movedim(1, -1).reshape(len(X), -1, *X.shape[2:]), CUT),
        (lambda X, W: (W @ X.reshape(X.shape[1], -1)).reshape(len(X), -1, *X.shape[2:]),
         "that is for one picture: in a batch, reshape mixes the channels of different pictures."),
    )

    def right(X, W):
        return torch.einsum("oi, nihw -> nohw", W, X)

    advice = table(answer, cases, right, known, call=lambda X, W: f"mix(X, W) for X {tuple(X.shape)} and W "
                   f"{tuple(W.shape)}")  # fmt: skip
    if convolutions(names):
        return "mix should do without a convolution function: a matrix product over the channels is enough."
    return advice


CUT = "the numbers are mixed up: reshape cuts a row of numbers anew and moves no channel. permute does."


def check_grouped(answer):
    """Each group of kernels on its own block of neighbouring channels."""
    generator = torch.Generator().manual_seed(0)
    for c_i, c_o, groups in ((4, 6, 2), (6, 3, 3), (3, 2, 1), (4, 4, 4), (4, 2, 2)):
        X = torch.randn(c_i, 6, 5, generator=generator)
        K = torch.randn(c_o, c_i // groups, 3, 2, generator=generator)
        case = f"corr2d_grouped for {c_i} → {c_o} channels in {groups} groups"
        want, given = F.conv2d(X[None], K, groups=groups)[0], answer(X, K, groups)
        got = tensor_of(given)
        if got is None or isinstance(given, (list, tuple)):
            return f"{case} should be a tensor, but is {shown(given)}: join the groups' maps with torch.cat."
        if "conv2d" in {*torch_calls(answer, X, K, groups), *names_in(answer)}:
            return "corr2d_grouped should do without F.conv2d: use corr2d_multi_in_out for each group."
        if got.dim() == 4:
            return f"{case} has shape {tuple(got.shape)}: stack makes a new axis, cat joins along the old one."
        if equal(got, want):
            continue
        striped = X[None, torch.arange(c_i).reshape(-1, groups).t().flatten()]  # channels g, g + groups, …
        if groups > 1 and equal(got, F.conv2d(striped, K, groups=groups)[0]):
            return f"{case} takes every {groups}th channel; a group is a block of neighbouring channels."
        if groups > 1 and equal(got, F.conv2d(X[None, : K.shape[1]], K)[0]):
            return f"{case}: every kernel reads the same {K.shape[1]} channels, where zip stopped. Cut X into groups."
        if got.shape[1:] == want.shape[1:] and len(got) == groups * c_o > c_o:
            return f"{case} gives {len(got)} maps: every group of inputs has met all kernels, not only its own."
        if got.shape[1:] == want.shape[1:] and len(got) == c_o // groups < c_o:
            return f"{case} gives {len(got)} maps: the groups' outputs are put one behind the other, not added up."
        return compare(got, want, case)
    return None


def check_plain_weights(answer):
    """P[o, i] · D[i] for every pair of channels."""
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(c_i, *k, generator=generator), torch.randn(c_o, c_i, generator=generator))
             for c_i, c_o, k in ((3, 4, (2, 2)), (2, 5, (3, 1)), (1, 2, (1, 4)))]  # fmt: skip
    known = (
        (lambda D, P: torch.tensordot(P, D, dims=1),
         "the slices have been added up, but each must meet its own channel."),
        (lambda D, P: P.T[:, :, None, None] * D[:, None], "the output channels come first."),
        (lambda D, P: D.expand(len(P), *D.shape), "that holds D for every output: the weights of P are missing."),
    )
    return table(answer, cases, lambda D, P: P[:, :, None, None] * D, known, call=lambda D, P:
                 f"plain_weights(D, P) for D {tuple(D.shape)} and P {tuple(P.shape)}")  # fmt: skip
