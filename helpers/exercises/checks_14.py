"""Checks of the exercises of notebook 14, seeing inside."""

import itertools

import torch
from torch import nn

from .compare import advice_on, compare, equal, numbers, shown, tensor_of


def check_read_out(answer):
    """What a layer gave when it had run, without gradient and without a hook left behind."""
    generator = torch.Generator().manual_seed(0)
    nets = [nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3)) for _ in range(2)]
    for i, place in ((0, 0), (0, 2), (1, 0), (1, 2)):
        net, layer, count = nets[i], nets[i][place], (6, 2)[i]
        X = torch.randn(count, 4, generator=generator)
        with torch.no_grad():
            own, whole = net[0](X), net(X)
        want, got = own if layer is net[0] else whole, answer(net, layer, X)
        left = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in net.modules())
        if left:
            return "a hook still hangs in the net: call `remove()` on what `register_forward_hook` returned."
        if isinstance(got, (list, tuple)):
            return f"you return a {type(got).__name__} of {len(got)}: return the tensor itself."
        if layer is net[0]:
            known = ((own.relu(), "the in-place ReLU has written over what you kept: clone it in the hook, and return "
                      "None there."), (whole, "this is what the whole net gives: asked is the output of `layer`."),
                     (X, "this is what the layer got: the hook's last argument is what it gives."))  # fmt: skip
            if advice := advice_on(got, known):
                return advice
        if advice := compare(got, want, "the output of the layer"):
            return advice
        if getattr(got, "requires_grad", False):
            return "the numbers are right, but they drag their graph along: run under no_grad or `detach()` them."
    return None


def check_cam(answer):
    """The ReLU of the sum of the maps, weighted by the mean gradient of each."""
    generator = torch.Generator().manual_seed(0)
    for shape in ((1, 3, 4, 4), (1, 5, 3, 6), (1, 1, 2, 3)):
        start = torch.randn(shape, generator=generator)
        K = torch.randn(shape, generator=generator)  # another gradient at each place
        maps = start.clone().requires_grad_()
        logit = (maps * K).sum() + 0.5 * (maps**2 * K).sum()
        gradient = K + start * K
        weights, (h, w) = gradient.mean((2, 3), keepdim=True), shape[2:]
        signed = (weights * start).sum(1)[0]
        got = answer(maps, logit)
        if equal(got, signed.relu()):
            continue
        known = (
            (signed, "negative values are left: the ReLU at the end keeps what speaks for the class."),
            (signed.abs(), "negative values have lost their sign: the ReLU at the end makes them 0."),
            (h * w * signed.relu(), "the weights are h·w times too large: take the mean of the gradient, not its sum."),
            ((weights * start).relu().sum(1)[0], "the ReLU comes after the sum over the maps, not before it."),
            (
                (gradient.abs().mean((2, 3), keepdim=True) * start).sum(1)[0].relu(),
                "the gradient counts by its sign: no absolute values.",
            ),
            ((gradient * start).sum(1)[0].relu(), "place by place is another map: average the gradient first."),
            (
                (weights.relu() * start).sum(1)[0],
                "the ReLU comes after the weighted sum: maps with a negative weight count against the class.",
            ),
            (
                (gradient.mean(1, keepdim=True) * start).sum(1)[0].relu(),
                "the mean of the gradient is over the places (dimensions 2 and 3), not over the maps.",
            ),
            (signed.relu() / signed.relu().max(), "the map is divided by its maximum: leave it as it is, so that two "
             "maps can be compared."),
            (signed.relu()[None], "an axis of size 1 is too many: the map is (h, w)."),
            (signed.relu()[None, None], "two axes of size 1 are too many: the map is (h, w)."),
            ((-signed).relu(), "the sign is turned round: what speaks for the class is above 0."),
            (start.mean(1)[0].relu(), "that is the mean of the maps: each counts by its weight, the mean gradient."),
            (signed.relu() / shape[1], "the maps are added up: you take their mean."),
        )
        return advice_on(got, known) or compare(got, signed.relu(), f"the map for maps {shape}")
    return None


def check_occlude(answer):
    """By how much the score falls when a square is covered, for each place of the square."""
    generator = torch.Generator().manual_seed(0)
    for (c, h, w), size, stride, value in (((1, 6, 6), 2, 2, 1.0), ((1, 7, 9), 3, 2, -1.0), ((1, 5, 6), 2, 1, 0.5),
                                           ((2, 6, 7), 2, 3, 0.0), ((3, 4, 4), 4, 1, 2.0)):  # fmt: skip
        X, K = (torch.randn(1, c, h, w, generator=generator) for _ in (1, 2))
        call = f"occlude(score, X, {size}, {stride}, {value})"
        got = answer(lambda picture, K=K: (picture * K).sum(), X.clone(), size, stride, value)
        under, gain = (part.unfold(2, size, stride).unfold(3, size, stride) for part in (X, K))
        zero = (under * gain).sum((0, 1, 4, 5))
        want = zero - value * gain.sum((0, 1, 4, 5))
        if equal(got, want):
            continue
        covered = _covered(X, K, size, stride, value)
        known = (
            (covered, "the squares of before stay covered: take a fresh copy of X for each place."),
            (_covered(X, K, size, stride, value, step=1), "the square of place (i, j) begins at i·stride, j·stride."),
            (-want, "the sign is turned round: take the score of the whole picture minus that of the covered one."),
            ((X * K).sum() - want, "these are the scores of the covered pictures: subtract them from the whole one's."),
            (zero, "the squares are filled with 0: fill them with `value`."),
            (
                want - _other_channels(under, gain, value),
                "only the first channel is filled: cover all channels of the square.",
            ),
            (want.T, "rows and columns have changed places."),
            (want.abs(), "a score that rises falls by a negative number: keep the sign."),
        )
        advice = advice_on(got, known) or compare(got, want, call)
        return advice + " There are ⌊(n − size)/stride⌋ + 1 places each way." * ("has shape" in advice)
    return None


def _covered(X, K, size, stride, value, step=None):
    """Return (h, w), how the score falls if each square covers the copy of X of the one before, or begins at i·step."""
    h, w = ((n - size) // stride + 1 for n in X.shape[2:])
    drop, copy = torch.zeros(h, w), X.clone()
    for i, j in itertools.product(range(h), range(w)):
        copy = X.clone() if step else copy
        copy[..., (top := i * (step or stride)):top + size, (left := j * (step or stride)):left + size] = value
        drop[i, j] = ((X - copy) * K).sum()
    return drop


def _other_channels(under, gain, value):
    """Return (h, w): what all channels but the first add to the fall of the score."""
    return ((under - value) * gain)[:, 1:].sum((0, 1, 4, 5))


def check_principal(answer):
    """Coordinates along the two directions of largest variance; the sign of a direction is free."""
    return next(filter(None, (_principal(answer, seed, count) for seed, count in ((0, 40), (1, 25)))), None)


def _principal(answer, seed, count):
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    size = torch.tensor([0.3, 5.0, 0.5, 3.0, 0.2, 0.1])
    rows = (torch.randn(count, 6, generator=generator) * size) @ turn + 4 * turn[2] + 3
    centred, given = rows - rows.mean(0), answer(rows.clone())
    got = tensor_of(given)
    if got is not None and got.shape == (2, count):
        return f"the result has shape (2, {count}): a row for each of the {count} rows is asked for, turn it over."
    if got is not None and got.shape == rows.shape:
        return f"the result has shape {tuple(got.shape)}: two directions are asked for, the first two columns."
    if got is None or got.shape != (count, 2):
        return compare(given, torch.zeros(count, 2), "the result")
    U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    raw, off = (x @ torch.linalg.svd(x, full_matrices=False).Vh[:2].T for x in (rows, rows - rows.mean()))
    want = centred @ Vh[:2].T

    def signed(other):
        return other * (got * other).sum(0).sign().nan_to_num(1)  # turned so that each direction is like the answer's

    known = (
        (raw, "subtract the mean of each column first, or the first direction points to the mean."),
        (off, "rows.mean() is one number: subtract the mean of each column, rows.mean(dim=0)."),
        *((part[:, :2], "each column is divided by its standard deviation: directions of largest variance need the "
           "columns as they are.") for part in (_scores(centred / rows.std(0, correction=c)) for c in (0, 1))),
        (U[:, :2] * S[:2] / (count - 1) ** 0.5, "the coordinates are divided by √(N − 1): centred @ Vh[:2].T needs no "
         "factor."),
        (centred[:, :2], "those are the first two columns: turn the rows to the directions in which they vary most."),
        (centred[:, centred.var(0).topk(2).indices], "those are the two columns that vary most: a direction may lie "
         "between the axes."),
        (U[:, :2] * S[:2] ** 2, "multiply by the singular values once, not twice."),
        (rows @ Vh[:2].T, "the directions are right, but the coordinates too count from the mean: project the centred "
         "rows."),
        (U[:, :2], "the columns of U have length 1: multiply them by the singular values, or project on V."),
        (centred @ Vh[-2:].T, "these are the directions of smallest variance: take the first ones."),
        (centred @ Vh[-2:].flip(0).T, "`eigh` begins with the smallest variance: take the last two."),
        (centred @ Vh[:, :2], "the directions are the rows of Vh, not its columns."),
        (centred @ Vh[:2].flip(0).T, "the direction in which the rows vary most comes first."),
    )  # fmt: skip
    if equal(got, want.abs(), atol=5e-3):
        return "the coordinates have lost their sign: a direction may be turned, but not for some rows only."
    if advice := advice_on(got, ((signed(other), said) for other, said in known), atol=5e-3):
        return advice
    advice = compare(got, signed(want), "the result, up to the sign of a column,", atol=5e-3)
    spread, most = got.std(0), want.std(0)
    return advice and f"{advice} Its columns have the standard deviations {spread[0]:.3g} and {spread[1]:.3g}; along " \
                      f"the two directions of largest variance they are {most[0]:.3g} and {most[1]:.3g}."


def _scores(x):
    """Return the coordinates of the rows of x along all its principal directions."""
    return x @ torch.linalg.svd(x, full_matrices=False).Vh.T


def check_widths(answer):
    """The field's width, and the deviation of the sum of n independent steps."""
    for n, k in ((1, 3), (2, 3), (5, 5), (4, 7), (3, 1), (1, 9)):
        given, call, m = answer(n, k), f"widths({n}, {k})", (k - 1) // 2
        got = numbers(given, 2)
        if got is None:
            return f"{call} is {shown(given)}: return two numbers, (box, deviation)."
        box, variance = n * (k - 1) + 1, n * m * (m + 1) / 3
        if got[0] != box:
            return f"{call} begins with {shown(got[0])}: each layer adds k − 1 to a width of 1, as the windows overlap."
        if equal(got[1], variance**0.5):
            continue
        known = ((variance, "that is the variance, the deviation is its root."),
                 (n * (variance / n) ** 0.5, "the variances add up, not the deviations."))  # fmt: skip
        said = advice_on(got[1], known) or f"the variances add up to n · m(m + 1)/3, m = {m}; take the root."
        return f"{call} ends with {shown(got[1])}: {said}"
    return None
