"""Exercises of notebook 08, AlexNet. Their checks are in `checks_08.py`."""

from .checks_08 import check_channel_dropout, check_erase, check_first_dense, check_flip_average, check_groups
from .core import Exercise, prediction


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
            dense().replace("(n - 3) // 2 + 1", "n // 2"): "halves the side",
            dense().replace("range(3)", "range(2)"): "a third one comes last",
            "def first_dense(n):\n    return 4096 * 256 * n * n": "the side of the picture",
            dense(result="4096 * n * n"): "256 maps are flattened",
            dense(result="4096 * 384 * n * n"): "layer by layer",
            dense(result="str(n)"): "a number",
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
            dropping(then="X.mul_(kept[:, :, None, None]) / (1 - p)"): "changes X itself",
            dropping(then="X * kept[:, :, None, None] / p"): "the chance to stay",
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
            averaging("(net(X).softmax(dim=1) + net(X.flip(2, 3)).softmax(dim=1)) / 2"): "turned by 180°",
            averaging("(net(X).softmax(dim=1) + net(X.flip(1)).softmax(dim=1)) / 2"): "it is the channels",
            averaging("net(X).softmax(dim=1) + net(X.flip(3)).softmax(dim=1)"): "adds up to 2",
            averaging("net(X).softmax(dim=1)"): "ones are missing",
            averaging("(net(X).softmax(dim=0) + net(X.flip(3)).softmax(dim=0)) / 2"): "along axis 1",
            averaging("net((X + X.flip(3)) / 2).softmax(dim=1)"): "the pictures are mixed",
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
            erasing().replace("left:left", "top:top"): "on the diagonal",
            erasing(rows="H"): "keep the square inside",
            erasing(rows="H - size"): "the last row is never erased",
            erasing().replace("W - size + 1", "W - size"): "the last column is never erased",
            erasing(area=":, top:top + size, top:top"): "nothing is erased",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "08.p1", [54, 26, 12, 5],
        [([55, 27, 13, 6], "that is the net of 2012, whose first maps are 55×55: ours pads 224 by 1 on each side."),
         ([54, 27, 13, 6], "a window of 3 that does not fit whole is left out: (n − 3) // 2 + 1."),
         ([54, 27, 13, 7], "the windows of the pooling are 3×3 and move by 2: (n − 3) // 2 + 1."),
         ([56, 28, 14, 7], "stride 4 does not divide by 4 alone: the formula of 03 counts the windows that fit.")],
        "(n + 2·padding − kernel) // stride + 1, for the first convolution, then for each pooling.",
    ),
    prediction(
        "08.p2", [0, 1],
        [([1, 1], "LeNet has only two small convolutions: what is left of its parameters for them?"),
         ([0, 0], "LeNet's maps are small, so its convolutions have few places at which to multiply."),
         ([1, 0], "turn both round: which net has more, larger convolutions?")],
        "0 for LeNet, 1 for AlexNet. Where are there more and larger convolutions?",
    ),
    prediction(
        "08.p3", [2.5, 0, 7.5, 10],
        [([2, 0, 6, 8], "what stays is divided by 1 − p, so that the mean stays."),
         ([10, 0, 30, 40], "divide by 1 − p, not by p."),
         ([1.6, 0, 4.8, 6.4], "that multiplies by 1 − p: the sum would shrink twice.")],
        "The masked number is 0, the others grow.",
    ),
    prediction(
        "08.p4", [33, 2178],
        [([32, 2048], "so counts the paper; but a window may begin in column 0 as well as in column 32."),
         ([33, 66], "each row of beginnings can go with each column: 33 · 33 places."),
         ([33, 1089], "each of the windows comes in two forms, as it is and mirrored."),
         ([32, 1024], "count the beginnings from 0 to 32, and the mirrored windows too.")],
        "A window of 224 columns on 256 is a kernel that slides: the formula of 02.",
    ),
]  # fmt: skip
