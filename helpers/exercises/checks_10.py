"""The checks of notebook 10's exercises, which `notebook_10.py` states."""

import copy
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from .compare import advice_on, compare, equal, kind_of, number, shown, tensor_of
from .core import table

BLOCK = 256 * 384 * 9 + 384 + 2 * (384 * 384 + 384)
ADVICE_BLOCK = {
    256 * 384 * 9 + 384: "that is the 3×3 convolution alone: two layers of 1×1 follow it.",
    BLOCK - 6 * 256 * 384: "a 3×3 window has 9 places, not 3: k² weights for each pair of channels.",
    BLOCK - 3 * 384: "the weights are right, but each of the three layers has a bias per output channel as well.",
    BLOCK + 2 * 8 * 384 * 384: "two of the three kernels are 1×1: one weight for each pair of channels, not nine.",
    BLOCK - 384 * 385: "that is with one layer of 1×1: the block has two.",
    256 * 384 * 9 + 384 + 2 * (256 * 384 + 384): "the 1×1 layers stand behind the 3×3 one: 384 channels go into them.",
}
ADVICE_SIDE = {
    66: "66 is one too few: ⌊(66 − 11)/4⌋ + 1 is 14, and the pooling then leaves 6, where 7 are needed.",
    224: "224 is the book's size, but smaller pictures pass, too. Go backwards from the last pooling.",
    59: "15 windows of stride 4 begin at rows 0, 4, …, 56; the last of them is 11 rows high, not 3.",
    71: "71 passes, but so does less: 15 windows are 14 steps of 4 apart, and the last needs 11 rows.",
    65: "65 is AlexNet's, whose stem has padding 1. This stem has none.",
    35: "35 gives 7 behind the first convolution: enough for two poolings, but there are three.",
}


def check_number(right, advice, otherwise, answer):
    """One whole number, against those that are known to come from a slip."""
    found = number(answer)
    if not isinstance(found, int):
        return f"the answer should be one whole number; yours is {shown(answer)}."
    return None if found == right else advice.get(found, f"{found:,} is not right: {otherwise}")


def largest(X, m, begin=lambda i, n, m: i * n // m, end=lambda i, n, m: -(-(i + 1) * n // m), columns=2):
    """Return the largest numbers of the windows of X that begin and end so; `columns`: the axis they are cut by."""
    rows, columns = ([slice(begin(i, n, m), end(i, n, m)) for i in range(m)] for n in (X.shape[1], X.shape[columns]))
    return torch.stack([X[:, a, b].amax((1, 2)) for a in rows for b in columns], dim=1).reshape(len(X), m, m)


def check_adaptive_max(answer):
    """The largest number of each window; windows as in the text."""
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(2, *size, generator=generator) - 5, m) for size, m in (
        ((6, 6), 3), ((5, 7), 3), ((7, 5), 1), ((4, 4), 6), ((7, 7), 4), ((1, 2), 2))]  # fmt: skip
    known = (
        (F.adaptive_avg_pool2d, "these are the means of the windows. Take their largest numbers."),
        (lambda X, m: largest(X, m).clamp(min=0),
         "every number of X is below 0 here. Is your 0 what the search or Y began with?"),
        (lambda X, m: largest(X, m).amax(0, keepdim=True).expand(len(X), m, m),
         "that is the largest number of all channels. Each channel has its own."),
        (lambda X, m: -largest(-X, m), "these are the smallest numbers of the windows."),
        (lambda X, m: largest(X, m).mT, "rows and columns have changed places."),
        (partial(largest, columns=1), "the columns are cut as the rows are: their windows follow the width."),
        (partial(largest, end=lambda i, n, m: (i + 1) * n // m),
         "where m does not divide n, a window ends at (i + 1)·n/m, rounded up, and may overlap the next."),
        (partial(largest, end=lambda i, n, m: (i + 1) * n // m + 1),
         "the windows are one row and column too long where m divides n: end at (i + 1)·n/m, rounded up."),
        (partial(largest, end=lambda i, n, m: -(-(i + 1) * n // m) - 1),
         "the last row and column of the windows are missing: a slice ends before its second number."),
        (partial(largest, begin=lambda i, n, m: -(-i * n // m)), "a window begins at i·n/m, rounded down."),
        (partial(largest, begin=lambda i, n, m: round(i * n / m), end=lambda i, n, m: round((i + 1) * n / m)),
         "a window begins at i·n/m, rounded down, and ends at (i + 1)·n/m, rounded up; `round` does neither."),
    )
    return table(
        answer, cases, F.adaptive_max_pool2d, known,
        call=lambda X, m: f"the output for X {tuple(X.shape)} with m = {m}",
        otherwise=lambda X, m: "Window i has the rows from i·n/m, rounded down, up to (i + 1)·n/m, rounded up, and may "
        "overlap the next.",
    )  # fmt: skip


def check_maps(answer):
    """The dense layer per pixel: maps whose means are the logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        short, more = [nn.Conv2d(1, 5, 3), nn.ReLU()], [nn.Conv2d(5, 5, 2), nn.Dropout()]
        end, X = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 10)], torch.randn(2, 1, 8, 7)
        cases = [(nn.Sequential(*layers, *end).eval(), X) for layers in (short, short + more)]
        cases.append((cases[0][0], torch.randn(3, 1, 5, 6)))
    return next(filter(None, (advice_on_maps(answer, net, X) for net, X in cases)), None)


def advice_on_maps(answer, net, X):
    """Return what is wrong with `answer(net, X)`, or None."""
    with torch.no_grad():
        maps, logits = answer(net, X.clone()), net(X)
        features, dense = net[:-3](X), net[-1]
        want = torch.einsum("ck,nkhw->nchw", dense.weight, features) + dense.bias[:, None, None]
    found = tensor_of(maps)
    if found is None or found.shape != want.shape:
        case = f"a net with {len(net) - 3} layers before the pooling"
        return f"{case}: the maps should have shape {tuple(want.shape)}, (N, classes, h, w), but yours: {shown(maps)}."
    known = (
        (want - dense.bias[:, None, None], "the dense layer's bias is missing: the means are the logits without it."),
        (
            want.mean((2, 3), keepdim=True).expand_as(want),
            "the means are the logits, but every map is constant: apply the dense layer before averaging, per pixel.",
        ),
    )
    if advice := advice_on(maps, known):
        return advice
    if equal(found.sum((2, 3)), logits):
        return "the sums of your maps are the logits: asked are maps whose means are."
    mixed = want.permute(0, 2, 3, 1).reshape(want.shape)
    if equal(found, mixed):
        return "`reshape` does not move the classes to the second place, it cuts the numbers anew; `permute` moves it."
    return compare(maps, want, "the tensor of maps")


def check_dead(answer):
    """Classes whose logit is 0 for every picture, counted once each; no other class is dead."""
    logits = F.relu(torch.randn(50, 10, generator=torch.Generator().manual_seed(0)))
    logits[:5], logits[:, [2, 7, 8]] = 0, 0
    said, never = answer(logits.clone()), logits == 0
    got = number(said)
    if not isinstance(got, int):
        return f"asked is one whole number, how many classes are dead; you return {shown(said)}."
    if got == 3:
        return advice_on_the_living(answer, logits)
    advice = {
        int(never.sum()): "that counts every single 0: a class counts once, if it is 0 for every picture.",
        int(never.any(0).sum()): "a class that is 0 for one picture may answer another: ask for all pictures.",
        int(never.all(1).sum()): "that counts pictures without any answer: the classes are the columns.",
        7: "7 classes live; asked are those that do not.",
    }
    return advice.get(got, f"for logits in which three classes are 0 for all 50 pictures you count {got}.")


def advice_on_the_living(answer, logits):
    """Return what is wrong with a count that takes living classes for dead ones; three of `logits` are dead."""
    dead = torch.zeros(50)
    wave, once = torch.tensor([1.0, -1.0]).repeat(25), dead.clone()
    once[17] = 1
    columns = {
        "a class whose logit is the same for every picture is dead only if that logit is 0.": dead + 1.5,
        "a class whose logit is below 0 for every picture is not dead: it has evidence against it.": dead - 1.5,
        "logits above and below 0 may add up to 0: look at each of them.": wave,
        "a class that is 0 for most pictures and never above is not dead: look at those below 0.": -once,
        "a class that answers one picture is not dead.": once,
        "a class that answers the last picture is not dead.": once.roll(32),
        "a class that answers the first picture is not dead.": once.roll(-17),
        "a logit may be small, and is not 0.": once * 1e-6 + 1e-9,
    }
    for advice, column in columns.items():
        for copies in (1, 3):
            some = torch.cat([logits[:, [2, 0, 7, 8]], column[:, None].repeat(1, copies)], dim=1)
            if number(got := answer(some)) != 3:
                return f"{advice} Of {some.shape[1]} classes you count {shown(got)} dead, where three are."
    others = [number(answer(logits)) for logits in (torch.zeros(4, 7), torch.ones(4, 7), torch.zeros(1, 2))]
    return None if others == [7, 0, 2] else "there may be other numbers of pictures and classes than 50 and 10."


def check_without(answer):
    """A new net without the last ReLU, which shares its weights with the old one."""
    return _without(answer, nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), 4) or _without(answer, nn.Conv2d(1, 6, 3), 6)


def _without(answer, first, width):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        block = nn.Sequential(nn.Conv2d(width, 4, 3), nn.ReLU(), nn.Conv2d(4, 10, 1), nn.ReLU())
        net, X = nn.Sequential(first, block, nn.AdaptiveAvgPool2d(1), nn.Flatten()), torch.randn(3, 1, 9, 9)
        given = copy.deepcopy(net)
    with torch.no_grad():
        mended = answer(given)
        if str(given) != str(net):
            return "the net that was given has changed: build a new nn.Sequential from its parts."
        if not isinstance(mended, nn.Module):
            return f"the answer should be a net, but is {kind_of(mended)}."
        got, want = mended(X), nn.Sequential(net[0], block[:-1], *net[2:])(X)
        if equal(got, net(X)):
            return "the logits are as before: the last ReLU is still there."
        if getattr(got, "shape", None) == (3, 4):
            return "the last convolution is gone together with its ReLU: leave one layer away, not two."
        start = net[0][:1] if isinstance(net[0], nn.Sequential) else net[0]
        if equal(got, nn.Sequential(start, block[0], block[2], *net[2:])(X)):
            return "all ReLUs are gone: only the last one must go, the others make the net more than one convolution."
    if equal(got, want) and {id(p) for p in mended.parameters()} != {id(p) for p in given.parameters()}:
        return "the numbers are right, but the new net has weights of its own: it must share those of the old one."
    return compare(got, want, "the output of the mended net")
