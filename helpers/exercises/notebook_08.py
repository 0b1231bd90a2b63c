"""Exercises of notebook 08, AlexNet."""

import torch
from torch import nn

from .core import Exercise, compare


def side(n, padding=1):
    """Return the side of AlexNet's last maps for a picture of n×n."""
    n = (n + 2 * padding - 11) // 4 + 1
    for _ in range(3):  # the convolutions in between keep the size
        n = (n - 3) // 2 + 1
    return n


def check_first_dense(answer):
    for n in (224, 225, 96, 128, 300):
        last, got, call = side(n), answer(n), f"first_dense({n})"
        if not hasattr(got, "__float__"):
            return f"{call} should be one number, but is {type(got).__name__}."
        if got == 4096 * 256 * last**2:
            continue
        if got == 256 * last**2:
            return f"{call} is {got:,}, the numbers that go in: each of the 4,096 units has a weight for each."
        if got == 4096 * (256 * last**2 + 1):
            return f"{call} is {got:,}, with the biases: the weights alone are asked for."
        if isinstance(got, float):
            return f"{call} is {got:,}: a window that does not fit whole is left out, so divide with //."
        if side(n, 0) != last and got == 4096 * 256 * side(n, 0) ** 2:
            return f"{call} is {got:,}, as without padding: the first convolution has 1 on each side."
        if got == 4096 * last**2:
            return f"{call} is {got:,}: that is one map, but 256 maps are flattened."
        return f"{call} is {got:,}; the last maps have {last} × {last} pixels. Follow the side layer by layer."
    return None


ADVICE_GROUPS = {
    614_656: "614,656 are those of the layer with one group, in which each map reads all 96.",
    307_456: "those are the layer's of 2012, with two groups: see the table. With four, each kernel reads fewer maps.",
    153_600: "those are the weights: each of the 256 output channels has a bias as well.",
    153_664: "the weights are right; but the biases are not divided, there is one per output channel.",
    38_656: "96 go in as four times 24, but each of the 256 maps comes out once: you have counted one tower's weights.",
    38_464: "that is one tower. There are four of them.",
}


def check_groups(answer):
    found = [advice for number, advice in ADVICE_GROUPS.items() if compare(answer, number) is None]
    return found[0] if found else compare(answer, 153_856, "the number of parameters")


def check_channel_dropout(answer):
    X = torch.rand(64, 50, 3, 4, generator=torch.Generator().manual_seed(0)) + 1
    given = X.clone()
    Y = answer(X, 0.25)
    if not torch.equal(X, given):
        return "the input has changed: make a new tensor, the one given is needed for the backward pass."
    if not isinstance(Y, torch.Tensor) or Y.shape != X.shape:
        return f"the output should be a tensor of the input's shape {tuple(X.shape)}."
    dead = Y == 0
    whole = dead.flatten(2).all(dim=2)  # (N, C)
    if not torch.equal(whole, dead.flatten(2).any(dim=2)):
        return "some channels are dropped in part: draw one random number per picture and channel, (N, C, 1, 1)."
    if whole.any() and torch.equal(whole, whole[:1].expand_as(whole)):
        return "every picture loses the same channels: each draws its own."
    if torch.equal(whole, whole[:, :1].expand_as(whole)):
        return "a picture loses all of its channels or none: draw a number for each channel, too, (N, C)."
    if len(set(whole.sum(dim=1).tolist())) == 1:
        return "every picture loses the same number of channels: each channel is to draw for itself, with chance p."
    share = whole.float().mean().item()
    if 0.7 < share < 0.8:
        return f"{share:.0%} of the channels are dropped with p = 0.25: p is the chance to be dropped, not to stay."
    if not 0.2 < share < 0.3:
        return f"{share:.0%} of the channels are dropped with p = 0.25."
    if compare(Y[~whole], X[~whole]) is None:
        return "what stays is not scaled: divide by 1 − p, or the mean falls by a quarter."
    return compare(Y[~whole], X[~whole] / 0.75, "of the channels that stay, the output") or compare(
        answer(X, 0.0), X, "with p = 0 the output"
    )


def check_flip_average(answer):
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 6 * 5, 4), nn.Dropout(0.5)).eval()
    X = 3 * torch.randn(7, 2, 6, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        got = answer(net, X)
        here, mirrored, upside, channels = (net(view) for view in (X, X.flip(3), X.flip(2), X.flip(1)))
        if not isinstance(got, torch.Tensor) or got.shape != here.shape:
            return f"the result should be a tensor of shape {tuple(here.shape)}: one row of probabilities per picture."
        known = (  # what a wrong way gives, and its advice
            ((here + mirrored) / 2, "those are mean logits: apply softmax to each view, then take the mean."),
            (((here + mirrored) / 2).softmax(1), "the mean came before the softmax: a sure view outvotes the other."),
            ((here.softmax(1) + upside.softmax(1)) / 2, "the second view is upside down: flip the last axis."),
            ((here.softmax(1) + channels.softmax(1)) / 2, "it is the channels that change places: flip the last axis."),
            (here.softmax(1) + mirrored.softmax(1), "each row adds up to 2: take the mean of the two views."),
            (here.softmax(1), "only the pictures as they are count: the mirrored ones are missing."),
        )  # fmt: skip
    for wrong, advice in known:
        if compare(got, wrong) is None:
            return advice
    return compare(got, (here.softmax(1) + mirrored.softmax(1)) / 2, "the result")


def check_erase(answer):
    X = torch.rand(40, 2, 12, 15, generator=torch.Generator().manual_seed(0)) + 1
    given = X.clone()
    Y = answer(X, 4)
    if not torch.equal(X, given):
        return "the batch that was given has changed: work on X.clone()."
    if not isinstance(Y, torch.Tensor) or Y.shape != X.shape:
        return f"the output should be a tensor of the input's shape {tuple(X.shape)}."
    dead = Y == 0
    if not torch.equal(dead.any(dim=1), dead.all(dim=1)):
        return "the square must be the same in all channels of a picture."
    holes = dead[:, 0]
    counts = set(holes.flatten(1).sum(dim=1).tolist())
    if counts == {0}:
        return "nothing is erased to 0: X[n, :, top:top + size, left:left + size] = 0."
    if counts != {16}:
        return f"with size 4 a picture should lose 16 pixels, but {sorted(counts)} are lost: keep the square inside."
    rows, columns = holes.any(dim=2).float().argmax(dim=1), holes.any(dim=1).float().argmax(dim=1)
    if compare(holes.any(dim=2).sum(dim=1), torch.full((40,), 4)):
        return "what is erased is no square of 4 × 4."
    if len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == 1:
        return "every picture loses the same square: draw top and left for each picture."
    holes = torch.cat([answer(X, 11)[:, 0] == 0 for _ in range(8)])  # (N, 12, 15)
    for edge, i in (("first", 0), ("last", -1)):
        for line, length, pixels in (("row", "H", holes[:, i]), ("column", "W", holes[..., i])):
            if not pixels.any():
                return f"the {edge} {line} is never erased: randint(n, ()) ends at n − 1, so n is {length} − size + 1."
    return compare(Y[~dead], X[~dead], "outside the square the output")


def dropping(shape="X.shape[:2]", keep=">= p", then="X * kept[:, :, None, None] / (1 - p)"):
    """Return the source of a channel_dropout that draws, keeps and scales in this way."""
    return f"""
def channel_dropout(X, p):
    kept = torch.rand({shape}) {keep}
    return {then}
"""


def erasing(start="Y = X.clone()", rows="H - size + 1", area=":, top:top + size, left:left + size", first=""):
    """Return the source of an erase that copies, draws and cuts in this way."""
    return f"""
def erase(X, size):
    H, W = X.shape[2:]
    {start}
    for n in range(len(X)):
        {first}top, left = int(torch.randint({rows}, ())), int(torch.randint(W - size + 1, ()))
        Y[n, {area}] = 0
    return Y
"""


def averaging(body):
    """Return the source of a flip_average with this result."""
    return f"def flip_average(net, X):\n    return {body}"


def dense(size="(n + 2 - 11) // 4 + 1", divide="//", result="4096 * 256 * n * n"):
    """Return the source of a first_dense that counts in this way."""
    return f"""
def first_dense(n):
    n = {size}
    for _ in range(3):
        n = (n - 3) {divide} 2 + 1
    return {result}
"""


EXERCISES = [
    Exercise(
        id="08.1", name="first_dense", check=check_first_dense,
        hints=("Follow the side of the maps: one convolution of 11×11 with stride 4 and padding 1, three poolings of "
               "3×3 with stride 2. The other convolutions keep the size.",
               "224 → 54 → 26 → 12 → 5. Then 256 maps of 5×5 are flattened; each of 4,096 units reads all."),
        solution=dense(),
        wrong={
            dense(result="256 * n * n"): "the numbers that go in",
            dense(result="4096 * (256 * n * n + 1)"): "with the biases",
            dense("(n - 11) // 4 + 1"): "as without padding",
            dense("(n + 2 - 11) / 4 + 1", "/"): "divide with //",
            dense(result="4096 * n * n"): "256 maps are flattened",
            dense(result="4096 * 384 * n * n"): "layer by layer",
            dense(result="str(n)"): "one number",
        },
    ),
    Exercise(
        id="08.2", name="params", check=check_groups,
        hints=("With four groups each of the 256 kernels reads a quarter of the 96 maps.",
               "256 kernels of 24·5·5 weights, and one bias for each kernel."),
        solution="params = 256 * (24 * 5 * 5 + 1)",
        wrong={
            "params = 256 * (96 * 5 * 5 + 1)": "one group",
            "params = torch.tensor(256 * (48 * 5 * 5 + 1))": "two groups",
            "params = 256 * 24 * 5 * 5": "a bias as well",
            "params = 256 * 24 * 5 * 5 + 64": "not divided",
            "params = 64 * 24 * 5 * 5 + 256": "one tower's",
            "params = 64 * (24 * 5 * 5 + 1)": "four of them",
        },
    ),
    Exercise(
        id="08.3", name="channel_dropout", check=check_channel_dropout,
        hints=("One random number decides for a whole map: torch.rand(N, C), compared with p.",
               "kept[:, :, None, None] has the shape (N, C, 1, 1), which meets X (N, C, H, W) in every pixel."),
        solution=dropping(),
        wrong={
            dropping("X.shape", then="X * kept / (1 - p)"): "in part",
            dropping("X.shape[1]", then="X * kept[:, None, None] / (1 - p)"): "the same channels",
            dropping("len(X), 1"): "all of its channels or none",
            dropping("X.shape[:2]", ".argsort(dim=1) >= p * X.shape[1]"): "same number of channels",
            dropping(keep="< p"): "not to stay",
            dropping(then="X * kept[:, :, None, None]"): "not scaled",
            dropping(then="X.mul_(kept[:, :, None, None]) / (1 - p)"): "the input has changed",
            dropping(then="X * kept[:, :, None, None] / p"): "of the channels that stay",
        },
    ),
    Exercise(
        id="08.4", name="flip_average", check=check_flip_average,
        hints=("The mirrored batch is X.flip(3). `net(…).softmax(dim=1)` makes probabilities of logits.",
               "Two tensors (N, classes) of probabilities, added and halved."),
        solution=averaging("(net(X).softmax(dim=1) + net(X.flip(3)).softmax(dim=1)) / 2"),
        wrong={
            averaging("(net(X) + net(X.flip(3))) / 2"): "mean logits",
            averaging("((net(X) + net(X.flip(3))) / 2).softmax(dim=1)"): "came before the softmax",
            averaging("(net(X).softmax(dim=1) + net(X.flip(2)).softmax(dim=1)) / 2"): "upside down",
            averaging("(net(X).softmax(dim=1) + net(X.flip(1)).softmax(dim=1)) / 2"): "it is the channels",
            averaging("net(X).softmax(dim=1) + net(X.flip(3)).softmax(dim=1)"): "adds up to 2",
            averaging("net(X).softmax(dim=1)"): "ones are missing",
            averaging("(net(X).softmax(dim=0) + net(X.flip(3)).softmax(dim=0)) / 2"): "differs at",
        },
    ),
    Exercise(
        id="08.5", name="erase", check=check_erase,
        hints=("Begin with Y = X.clone(). For each picture draw top from 0 to H − size and left from 0 to W − size.",
               "torch.randint(H - size + 1, ()) is one number from 0 to H − size; `Y[n, :, top:top + size, …] = 0`."),
        solution=erasing(),
        wrong={
            erasing("Y = X"): "work on X.clone()",
            erasing(area="0, top:top + size, left:left + size"): "in all channels",
            erasing(first="torch.manual_seed(0); "): "the same square",
            erasing(rows="H"): "keep the square inside",
            erasing(rows="H - size"): "the last row is never erased",
            erasing().replace("W - size + 1", "W - size"): "the last column is never erased",
            erasing(area=":, top:top + size, top:top"): "nothing is erased",
        },
    ),
]  # fmt: skip
