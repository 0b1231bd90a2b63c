"""Exercises of notebook 14, seeing inside."""

import torch
from torch import nn

from .core import Exercise, compare


def same(got, want):
    """Return whether two results agree; False where they cannot be compared."""
    return compare(got, want) is None


def check_read_out(answer):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(6, 4, generator=generator)
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3))
    with torch.no_grad():
        own, whole = net[0](X), net(X)
    for layer, want in ((net[0], own), (net[2], whole)):
        got = answer(net, layer, X)
        left = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in net.modules())
        if left:
            return "a hook still hangs in the net: call `remove()` on what `register_forward_hook` returned."
        if isinstance(got, (list, tuple)):
            return f"you return a {type(got).__name__} of {len(got)}: return the tensor itself."
        if layer is net[0] and same(got, own.relu()):
            return "the in-place ReLU has written over what you kept: clone it in the hook, and return None there."
        if layer is net[0] and same(got, X):
            return "this is what the layer got: the hook's last argument is what it gives."
        advice = compare(got, want, "the output of the layer")
        if advice:
            return advice
        if getattr(got, "requires_grad", False):
            return "the numbers are right, but they drag their graph along: run under no_grad or `detach()` them."
    return None


def check_cam(answer):
    generator = torch.Generator().manual_seed(0)
    for shape in ((1, 3, 4, 4), (1, 5, 3, 6)):
        start = torch.randn(shape, generator=generator)
        K = torch.randn(shape, generator=generator)  # another gradient at each place
        maps = start.clone().requires_grad_()
        logit = (maps * K).sum() + 0.5 * (maps**2 * K).sum()
        gradient = K + start * K
        weights, (h, w) = gradient.mean((2, 3), keepdim=True), shape[2:]
        signed = (weights * start).sum(1)[0]
        got = answer(maps, logit)
        others = {
            "negative values are left: the ReLU at the end keeps what speaks for the class.": signed,
            "the weights are h·w times too large: take the mean of the gradient, not its sum.": h * w * signed.relu(),
            "the ReLU comes after the sum over the maps, not before it.": (weights * start).relu().sum(1)[0],
            "the gradient counts by its sign: no absolute values.":
                (gradient.abs().mean((2, 3), keepdim=True) * start).sum(1)[0].relu(),
            "place by place is another map: average the gradient first.": (gradient * start).sum(1)[0].relu(),
        }  # fmt: skip
        advice = next((advice for advice, other in others.items() if same(got, other)), None)
        advice = advice or compare(got, signed.relu(), "the map")
        if advice:
            return advice
    return None


def check_occlude(answer):
    generator = torch.Generator().manual_seed(0)
    for h, w, size, stride, value in ((6, 6, 2, 2, 1.0), (7, 9, 3, 2, -1.0), (5, 6, 2, 1, 0.5)):
        X, K = (torch.randn(1, 1, h, w, generator=generator) for _ in (1, 2))
        given, call = X.clone(), f"occlude(score, X, {size}, {stride}, {value})"
        got = answer(lambda picture, K=K: (picture * K).sum(), given, size, stride, value)
        if not torch.equal(given, X):
            return f"{call} has changed X: cover a copy, X.clone()."
        under, gain = (part.unfold(2, size, stride).unfold(3, size, stride) for part in (X, K))
        zero = (under * gain).sum((0, 1, 4, 5))
        want = zero - value * gain.sum((0, 1, 4, 5))
        others = {
            "the sign is turned round: take the score of the whole picture minus that of the covered one.": -want,
            "these are the scores of the covered pictures: subtract them from the whole one's.": (X * K).sum() - want,
            "the squares are filled with 0: fill them with `value`.": zero,
        }  # fmt: skip
        advice = next((advice for advice, other in others.items() if same(got, other)), None)
        advice = advice or compare(got, want, call)
        if advice:
            return advice + " There are ⌊(n − size)/stride⌋ + 1 places each way." * ("has shape" in advice)
    return None


def check_principal(answer):
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    size = torch.tensor([0.3, 5.0, 0.5, 3.0, 0.2, 0.1])
    rows = (torch.randn(40, 6, generator=generator) * size) @ turn + 4 * turn[2] + 3
    centred = rows - rows.mean(0)
    got = answer(rows.clone())
    if tuple(getattr(got, "shape", ())) != (40, 2):
        return compare(got, torch.zeros(40, 2), "the result")
    U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    raw, off = (torch.linalg.svd(x, full_matrices=False).Vh[:2] @ x.T for x in (rows, rows - rows.mean()))
    others = {
        "subtract the mean of each column first, or the first direction points to the mean.": raw,
        "rows.mean() is one number: subtract the mean of each column, rows.mean(dim=0).": off,
        "the directions are right, but the coordinates too count from the mean: project the centred rows.":
            Vh[:2] @ rows.T,
        "the columns of U have length 1: multiply them by the singular values, or project on V.": U.T[:2],
        "these are the directions of smallest variance: take the first ones.": Vh[-2:] @ centred.T,
        "the direction in which the rows vary most comes first.": Vh[:2].flip(0) @ centred.T,
    }  # fmt: skip
    want, found = (Vh[:2] @ centred.T).abs(), torch.as_tensor(got).detach().T.abs()
    advice = next((advice for advice, other in others.items() if compare(found, other.abs(), atol=5e-3) is None), None)
    return advice or compare(found.T, want.T, "the result, without signs,", atol=5e-3)


def check_widths(answer):
    for n, k in ((1, 3), (2, 3), (5, 5), (4, 7), (3, 1)):
        got, call, m = answer(n, k), f"widths({n}, {k})", (k - 1) // 2
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            return f"{call} is {got}: return two numbers, (box, deviation)."
        box, variance = n * (k - 1) + 1, n * m * (m + 1) / 3
        if not same(float(got[0]), float(box)):
            return f"{call} begins with {got[0]}: each layer adds k − 1 to a width of 1, as the windows overlap."
        if same(float(got[1]), variance**0.5):
            continue
        if same(float(got[1]), variance):
            return f"{call} ends with {got[1]:.3g}: that is the variance, the deviation is its root."
        if same(float(got[1]), n * (variance / n) ** 0.5):
            return f"{call} ends with {got[1]:.3g}: the variances add up, not the deviations."
        return compare(float(got[1]), variance**0.5, f"the deviation of {call}")
    return None


def read_out(keep="output.clone()", run="with torch.no_grad():\n        net(X)", end="handle.remove()", give="kept[0]"):
    """Return the source of a read_out that keeps this, runs, ends and returns like this."""
    return f"""
def read_out(net, layer, X):
    kept = []
    handle = layer.register_forward_hook(lambda module, inputs, output: kept.append({keep}))
    {run}
    {end}
    return {give}
"""


def cam(weights="gradient.mean(dim=(2, 3), keepdim=True)", mix="(weights * maps).sum(dim=1)[0].relu()"):
    """Return the source of a cam with these weights and this sum."""
    return f"""
def cam(maps, logit):
    gradient, = torch.autograd.grad(logit, maps)
    weights = {weights}
    return ({mix}).detach()
"""


def occlude(covered="X.clone()", fill="value", drop="score(X) - score(covered)", step="stride"):
    """Return the source of an occlude with these parts."""
    return f"""
def occlude(score, X, size, stride, value):
    rows, columns = ((n - size) // {step} + 1 for n in X.shape[2:])
    drop = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            covered = {covered}
            covered[..., i * {step} : i * {step} + size, j * {step} : j * {step} + size] = {fill}
            drop[i, j] = {drop}
    return drop
"""


def principal(centred="rows - rows.mean(dim=0)", give="centred @ Vh[:2].T"):
    """Return the source of a principal."""
    return f"""
def principal(rows):
    centred = {centred}
    U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    return {give}
"""


def widths(box="n * (k - 1) + 1", deviation="(n * m * (m + 1) / 3) ** 0.5"):
    """Return the source of a widths."""
    return f"\ndef widths(n, k):\n    m = (k - 1) // 2\n    return {box}, {deviation}\n"


EXERCISES = [
    Exercise(
        id="14.1", name="read_out", check=check_read_out,
        hints=("`layer.register_forward_hook(function)` returns a handle; `handle.remove()` takes the hook off.",
               "Keep `output.detach().clone()`: the layer behind may work in place."),
        solution=read_out(),
        wrong={
            read_out(keep="output"): "clone it in the hook",
            read_out(end=""): "still hangs",
            read_out(run="net(X)"): "drag their graph",
            read_out(keep="inputs[0].clone()"): "what the layer got",
            read_out(give="kept"): "the tensor itself",
        },
    ),
    Exercise(
        id="14.2", name="cam", check=check_cam,
        hints=("`gradient, = torch.autograd.grad(logit, maps)` has the shape of the maps.",
               "The mean over dimensions 2 and 3 with `keepdim=True`, times the maps, summed over dimension 1, ReLU."),
        solution=cam(),
        wrong={
            cam(mix="(weights * maps).sum(dim=1)[0]"): "negative values are left",
            cam(weights="gradient.sum(dim=(2, 3), keepdim=True)"): "not its sum",
            cam(mix="(weights * maps).relu().sum(dim=1)[0]"): "after the sum",
            cam(weights="gradient"): "place by place",
            cam(weights="gradient.abs().mean(dim=(2, 3), keepdim=True)"): "no absolute values",
        },
    ),
    Exercise(
        id="14.3", name="occlude", check=check_occlude,
        hints=("Two loops over the places: ⌊(n − size)/stride⌋ + 1 of them each way.",
               "`covered = X.clone()`, fill the square, and note score(X) − score(covered)."),
        solution=occlude(),
        wrong={
            occlude(covered="X"): "has changed X",
            occlude(fill="0"): "filled with 0",
            occlude(drop="score(covered) - score(X)"): "sign is turned",
            occlude(drop="score(covered)"): "subtract them",
            occlude(step="1"): "places each way",
        },
    ),
    Exercise(
        id="14.4", name="principal", check=check_principal,
        hints=("Subtract the mean row; `torch.linalg.svd(…, full_matrices=False)` gives U, S, Vh.",
               "The rows of Vh are the directions, the largest first: project the centred rows on the first two."),
        solution=principal(),
        wrong={
            principal(centred="rows"): "subtract the mean",
            principal(centred="rows - rows.mean()"): "is one number",
            principal(give="U[:, :2]"): "have length 1",
            principal(give="rows @ Vh[:2].T"): "count from the mean",
            principal(give="centred @ Vh[-2:].T"): "smallest variance",
            principal(give="centred @ Vh[:2].flip(0).T"): "comes first",
        },
    ),
    Exercise(
        id="14.5", name="widths", check=check_widths,
        hints=("A width grows by k − 1 with each layer; a variance by that of one kernel.",
               "With m = (k − 1)/2 the variance behind n layers is n · m(m + 1)/3."),
        solution=widths(),
        wrong={
            widths(box="n * k"): "windows overlap",
            widths(deviation="n * m * (m + 1) / 3"): "is the variance",
            widths(deviation="n * (m * (m + 1) / 3) ** 0.5"): "not the deviations",
            widths(box="n * (k - 1)"): "width of 1",
        },
    ),
]  # fmt: skip
