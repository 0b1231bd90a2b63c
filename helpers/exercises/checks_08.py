"""The checks of notebook 08's exercises, which `notebook_08.py` states."""

import math
import operator

import torch
from torch import nn

from .compare import compare, equal, number, shown, tensor_of
from .core import table


def side(n, padding=1, divide=operator.floordiv, poolings=3):
    """Return the side of AlexNet's last maps for a picture of n×n."""
    n = divide(n + 2 * padding - 11, 4) + 1
    for _ in range(poolings):  # the convolutions in between keep the size
        n = divide(n - 3, 2) + 1
    return n


def check_first_dense(answer):
    """4096 units, each with a weight for each pixel of 256 maps."""
    known = (
        (lambda n: 256 * side(n) ** 2, "those are the numbers that go in: each of 4,096 units has a weight for each."),
        (lambda n: 4096 * (256 * side(n) ** 2 + 1), "that is with the biases: the weights alone are asked for."),
        (lambda n: 4096 * 256 * side(n, divide=operator.truediv) ** 2,
         "a window that does not fit whole is left out, so divide with //."),
        (lambda n: 4096 * 256 * side(n, 0) ** 2, "as without padding: the first convolution has 1 on each side."),
        (lambda n: 4096 * 256 * side(n, 2) ** 2, "as with padding 2: the book's first convolution has 1 on each side."),
        (lambda n: 4096 * 256 * ((n - 9) // 4 + 1 >> 3) ** 2,
         "that halves the side three times: windows of 3×3 with stride 2 fit (n − 3) // 2 + 1 times."),
        (lambda n: 4096 * 256 * side(n, poolings=2) ** 2, "one pooling is missing: a third one comes last."),
        (lambda n: 4096 * 256 * n**2, "that is the side of the picture: follow it through the layers."),
        (lambda n: 4096 * side(n) ** 2, "that is one map, but 256 maps are flattened."),
        (lambda n: 4096 * 256 * side(n), "that is one row of each map: the maps are square."),
        (lambda n: 4096 * 256 * 5**2, "that is the book's picture of 224×224, whatever n is."),
    )
    return table(answer, [(n,) for n in (224, 225, 96, 128, 300, 67, 71, 99)], lambda n: 4096 * 256 * side(n) ** 2,
                 known, otherwise=lambda n: "Follow the side layer by layer.")  # fmt: skip


ADVICE_GROUPS = {
    614_656: "614,656 are those of the layer with one group, in which each map reads all 96.",
    307_456: "those are the layer's of 2012, with two groups. With four, each kernel reads fewer maps.",
    153_600: "those are the weights: each of the 256 output channels has a bias as well.",
    153_664: "the weights are right; but the biases are not divided, there is one per output channel.",
    38_656: "96 go in as four times 24, but each of the 256 maps comes out once: you have counted one tower's weights.",
    38_464: "that is one tower. There are four of them.",
}


def check_groups(answer):
    """The parameters of a convolution in four groups."""
    return ADVICE_GROUPS.get(number(answer)) or compare(answer, 153_856, "the number of parameters")


def check_channel_dropout(answer):
    """Whole maps, drawn for each picture and channel with chance p; what stays is scaled."""
    X = torch.rand(64, 50, 3, 4, generator=torch.Generator().manual_seed(0)) + 1
    given = answer(X, 0.25)
    Y = tensor_of(given)
    if Y is None or Y.shape != X.shape:
        return f"the output should be a tensor of the input's shape {tuple(X.shape)}, but is {shown(given)}."
    dead = Y == 0
    if advice := _drawn(dead.flatten(2)) or _rate(dead.flatten(2).all(dim=2).float().mean().item(), 0.25):
        return advice
    stays = ~dead
    if equal(Y[stays], X[stays]):
        return "what stays is not scaled: divide by 1 − p, or the mean falls by a quarter."
    if equal(Y[stays], X[stays] / 0.25):
        return "what stays is divided by p: divide by 1 − p, the chance to stay."
    if advice := compare(Y[stays], X[stays] / 0.75, "of the channels that stay, the output"):
        return advice
    if torch.equal(tensor_of(answer(X, 0.25)) == 0, dead):
        return SEEDED
    again = tensor_of(answer(X - 3, 0.6))
    stays = again != 0
    return _rate(1 - stays.float().mean().item(), 0.6) or compare(
        again[stays], (X - 3)[stays] / 0.4, "with p = 0.6, of the channels that stay, the output") or compare(
        answer(X, 0.0), X, "with p = 0 the output")  # fmt: skip


SEEDED = "called twice, your function draws the same: set no seed inside, a new call needs new random numbers."


def _drawn(dead):
    """Return what is wrong with which of the channels (N, C, pixels) are dropped, or None."""
    whole = dead.all(dim=2)  # (N, C)
    if not dead.any():
        return "nothing is dropped with p = 0.25."
    if whole.all():
        return "100% of the channels are dropped with p = 0.25."
    if not torch.equal(whole, dead.any(dim=2)):
        return "some channels are dropped in part: draw one random number per picture and channel, (N, C, 1, 1)."
    if torch.equal(whole, whole[:1].expand_as(whole)):
        return "every picture loses the same channels: each draws its own."
    if torch.equal(whole, whole[:, :1].expand_as(whole)):
        return "a picture loses all of its channels or none: draw a number for each channel, too, (N, C)."
    if len(set(whole.sum(dim=1).tolist())) == 1:
        return "every picture loses the same number of channels: each channel is to draw for itself, with chance p."
    return None


def _rate(share, p):
    """Return what is wrong with the share of dropped channels, or None; 3,200 of them leave 6 standard errors."""
    if abs(share - p) < 0.05:
        return None
    return f"{share:.0%} of the channels are dropped with p = {p}" + (
        ": p is the chance to be dropped, not to stay." if abs(share - (1 - p)) < 0.05 else ".")  # fmt: skip


def check_flip_average(answer):
    """The mean of the probabilities for a picture and its mirror image."""
    generator, cases = torch.Generator().manual_seed(1), []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for shape, classes in (((7, 2, 6, 5), 4), ((2, 1, 3, 4), 3)):
            net = nn.Sequential(nn.Tanh(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(math.prod(shape[1:]), classes))
            cases.append((net.eval(), 3 * torch.randn(shape, generator=generator)))

    def views(flipped=3, before=lambda y: y.softmax(1), after=lambda y: y / 2):
        return lambda net, X: after(before(net(X)) + before(net(X.flip(flipped))))

    known = (
        (views(before=lambda y: y), "those are mean logits: apply softmax to each view, then take the mean."),
        (views(before=lambda y: y, after=lambda y: (y / 2).softmax(1)),
         "the mean came before the softmax: a sure view outvotes the other."),
        (views((2, 3)), "the second view is turned by 180°: flip the last axis alone."),
        (views(2), "the second view is upside down: flip the last axis."),
        (views(1), "it is the channels that change places: flip the last axis."),
        (views(0), "it is the pictures of the batch that change places: flip the last axis."),
        (views(before=lambda y: y.softmax(0)), "each column adds up to 1: a picture's probabilities lie along axis 1."),
        (lambda net, X: net((X + X.flip(3)) / 2).softmax(1),
         "the pictures are mixed: let the net see each view, then take the mean of its answers."),
        (views(after=lambda y: y), "each row adds up to 2: take the mean of the two views."),
        (lambda net, X: net(X).softmax(1), "only the pictures as they are count: the mirrored ones are missing."),
        (lambda net, X: net(X.flip(3)).softmax(1), "only the mirrored pictures count: those as they are are missing."),
    )
    with torch.no_grad():
        return table(answer, cases, views(), known, call=lambda net, X: f"the result for X {tuple(X.shape)}")


def check_erase(answer):
    """A square of zeros in a copy, anywhere inside, drawn for each picture."""
    X = torch.rand(40, 2, 12, 15, generator=torch.Generator().manual_seed(0)) + 1
    advice, holes = _erased(answer, X, 4)
    if advice:
        return advice
    if torch.equal(holes, holes[:1].expand_as(holes)):
        return "every picture loses the same square: draw top and left for each picture."
    if torch.equal(holes.any(dim=2).int().argmax(dim=1), holes.any(dim=1).int().argmax(dim=1)):
        return "every square lies on the diagonal, its row being its column: draw two numbers for each picture."
    if torch.equal(tensor_of(answer(X, 4))[:, 0] == 0, holes):
        return SEEDED
    found = [_erased(answer, X, 11) for _ in range(8)]
    if advice := next((advice for advice, _ in found if advice), None):
        return advice
    holes = torch.cat([holes for _, holes in found])  # (N, 12, 15)
    for edge, i in (("first", 0), ("last", -1)):
        for line, length, pixels in (("row", "H", holes[:, i]), ("column", "W", holes[..., i])):
            if not pixels.any():
                return f"the {edge} {line} is never erased: randint(n, ()) ends at n − 1, so n is {length} − size + 1."
    return _erased(answer, X[:3, :1] + 1, 12)[0]


def _erased(answer, X, size):
    """Return what is wrong with one call, or None, and where the pictures are 0 (N, H, W)."""
    given = answer(X.clone(), size)
    Y = tensor_of(given)
    if Y is None or Y.shape != X.shape:
        return f"the output should be a tensor of the input's shape {tuple(X.shape)}, but is {shown(given)}.", None
    dead = Y == 0
    if not torch.equal(dead.any(dim=1), dead.all(dim=1)):
        return "the square must be the same in all channels of a picture.", None
    return _squares(dead[:, 0], size) or compare(Y[~dead], X[~dead], "outside the square the output"), dead[:, 0]


def _squares(holes, size):
    """Return what is wrong with the erased pixels (N, H, W), which are to be a square in each picture, or None."""
    counts, case = sorted(set(holes.flatten(1).sum(dim=1).tolist())), f"with size {size} a picture should lose"
    heights, widths = holes.any(dim=2).sum(dim=1), holes.any(dim=1).sum(dim=1)
    if counts == [0]:
        return "nothing is erased to 0: X[n, :, top:top + size, left:left + size] = 0."
    if counts == [size**2] and heights.eq(size).all() and widths.eq(size).all():
        return None
    if counts == [size**2]:
        return f"what is erased is no square of {size} × {size}."
    if counts[-1] <= size**2 and heights.le(size).all() and widths.le(size).all() and len(counts) > 1:
        return f"{case} {size**2} pixels, but {shown(counts)} are lost: keep the square inside."
    return f"{case} {size**2} pixels, a square of {size} × {size}, but {shown(counts)} are lost."
