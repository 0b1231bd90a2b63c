"""Exercises of notebook 14, seeing inside. Their checks are in `checks_14.py`."""

from .checks_14 import check_cam, check_occlude, check_principal, check_read_out, check_widths
from .core import Exercise, prediction


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
            cam(weights="gradient.mean(dim=1, keepdim=True)"): "not over the maps",
            cam(weights="gradient.mean(dim=(2, 3), keepdim=True).relu()", mix="(weights * maps).sum(dim=1)[0]"): (
                "negative weight"
            ),
            cam(weights="gradient.abs().mean(dim=(2, 3), keepdim=True)"): "no absolute values",
            cam(mix="(m := (weights * maps).sum(dim=1)[0].relu()) / m.max()"): "divided by its maximum",
            cam(mix="(weights * maps).sum(dim=1).relu()"): "an axis of size 1",
            cam(mix="(weights * maps).sum(dim=1, keepdim=True).relu()"): "two axes of size 1",
            cam(mix="maps.mean(dim=1)[0].relu()"): "mean of the maps",
            cam(mix="(-weights * maps).sum(dim=1)[0].relu()"): "turned round",
        },
    ),
    Exercise(
        id="14.3", name="occlude", check=check_occlude,
        hints=("Two loops over the places: ⌊(n − size)/stride⌋ + 1 of them each way.",
               "`covered = X.clone()`, fill the square, and note score(X) − score(covered)."),
        solution=occlude(),
        wrong={
            occlude(covered="X"): "changes X itself",
            occlude(fill="0"): "filled with 0",
            occlude().replace("covered[..., i", "covered[:, 0, i"): "all channels",
            occlude(drop="score(covered) - score(X)"): "sign is turned",
            occlude(drop="score(covered)"): "subtract them",
            occlude(step="1"): "places each way",
            occlude().replace("i * stride", "i").replace("j * stride", "j"): "begins at i·stride",
            occlude().replace("            covered = X.clone()\n", "").replace("    drop =", "    covered = X.clone()\n"
                    "    drop ="): "stay covered",
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
            principal(give="centred @ Vh[-2:].flip(0).T"): "take the last two",
            principal(give="centred @ Vh[:, :2]"): "not its columns",
            principal(give="centred @ Vh[:2].flip(0).T"): "comes first",
            principal(centred="(rows - rows.mean(dim=0)) / rows.std(dim=0)"): "divided by its standard deviation",
            principal(give="(centred @ Vh[:2].T).T"): "turn it over",
            principal(give="centred @ Vh.T"): "two directions are asked for",
            principal(give="centred[:, :2]"): "first two columns",
            principal(give="U[:, :2] * S[:2] / (len(rows) - 1) ** 0.5"): "needs no factor",
            principal(give="centred @ Vh[1:3].T"): "standard deviations",
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

PREDICTIONS = [
    prediction(
        "14.p1", [2, 0],
        [([1, 0], "one module, but it runs twice: its hook is called each time."),
         ([1, -1], "one module, but it runs twice; and what does it do to the memory of its input?")],
        "A hook is called at each run; and the tensor that was kept is the memory that the ReLU writes into.",
    ),
    prediction(
        "14.p2", [5, 10, 14, 24, 32],
        [([5, 7, 9, 11, 13], "behind a pooling, a step in the map is two pixels of the picture, then four."),
         ([5, 9, 13, 21, 29], "a pooling window of two widens the field too: by one step of its input."),
         ([5, 10, 14, 22, 30], "the second pooling widens the field by one step of its input, two pixels.")],
        "A kernel k adds k − 1 steps of its input; each pooling adds one and doubles the step.",
    ),
    prediction(
        "14.p3", [2],
        [([1], "lots know nothing of classes: of nine, some two or three share one by luck."),
         ([3], "training does separate the classes: its units are far purer than untrained ones.")],
        "What training has separated stays apart, however the axes are turned.",
    ),
    prediction(
        "14.p4", [12, -4, 12, -4, 0],
        [([4, 20, 4, 20, 0], "that is the logit that is left: by how much has it fallen from 16?"),
         ([-12, 4, -12, 4, 0], "a logit that falls by 12 is 12: a fall counts as positive, a rise as negative."),
         ([12, -12, 12, -12, 0], "right of the middle the pixels are 1, not 3."),
         ([6, -2, 6, -2, 0], "a quarter has two rows of two pixels: four in all."),
         ([3, -1, 3, -1, 0], "that is one pixel of each quarter: all four are covered."),
         ([12, -4, 12, -4, 16], "the falls are right. The mean gradient is no sum of pixels: what does the logit gain "
          "if a pixel grows by 1, on the left and on the right?"),
         ([12, 4, 12, 4, 0], "on the right the pixels count against: without them the logit rises."),
         ([12, -4, 12, -4, 1], "the gradient is +1 on one half and −1 on the other; take the mean.")],
        "A covered pixel takes its own part out of the sum; the gradient of a sum is the sign of each pixel.",
    ),
    prediction(
        "14.p5", [1, 1],
        [([10, 5], "those are the true ratios; t-SNE keeps who is near whom, and lets all else go."),
         ([1, 5], "the spread is right; but distances between islands are not kept either."),
         ([10, 1], "the distance is right; but sizes are not kept either.")],
        "Each point gets the same number of neighbours, in a tight cloud and in a loose one.",
    ),
]  # fmt: skip
