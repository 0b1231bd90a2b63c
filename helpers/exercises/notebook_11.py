"""Exercises of notebook 11, GoogLeNet."""

from .checks_11 import check_count, check_reduction, check_separable, check_share, check_smooth
from .core import Exercise, prediction


def separable(row="nn.Conv2d(c_i, c_o, (1, n), padding=(0, n // 2))", relu=" nn.ReLU(),",
              column="nn.Conv2d(c_o, c_o, (n, 1), padding=(n // 2, 0))", last=""):  # fmt: skip
    """Return the source of `separable` with these layers."""
    return f"def separable(c_i, c_o, n):\n    return nn.Sequential({row},{relu} {column}{last})"


def reduction(pool="nn.MaxPool2d(3, stride=2)", joined="torch.cat((self.conv(X).relu(), self.pool(X)), dim=1)",
              stride="stride=2"):  # fmt: skip
    """Return the source of a Reduction that pools and joins in this way."""
    return f"""
class Reduction(nn.Module):
    def __init__(self, in_channels, channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, {stride})
        self.pool = {pool}

    def forward(self, X):
        return {joined}
"""


def smooth(q="(1 - epsilon) * hot + epsilon / C", loss="-(q * log_p).sum(dim=1).mean()"):
    """Return the source of `smooth_loss` with these targets and this sum."""
    return f"""
def smooth_loss(logits, y, epsilon):
    C = logits.shape[1]
    log_p, hot = logits.log_softmax(dim=1), nn.functional.one_hot(y, C)
    q = {q}
    return {loss}
"""


def saved(result="size**2 * (whole - work)", heads="c_i * (c1 + c2[0] + c3[0] + c4)"):
    """Return the source of `saved` with these terms."""
    return f"""
def saved(c_i, c1, c2, c3, c4, size):
    whole = c_i * (c1 + c2[1] * 9 + c3[1] * 25 + c4)
    work = {heads} + c2[0] * c2[1] * 9 + c3[0] * c3[1] * 25
    return {result}
"""


EXERCISES = [
    Exercise(
        id="11.1", name="answer", check=check_count,
        hints=("Channels: what leaves the last convolution of each path. Parameters: six convolutions.",
               "Path 3: 32·(256·1 + 1) + 96·(32·25 + 1). The other three in the same way."),
        solution="answer = (480, 388_736)",
        wrong={
            "answer = (640, 388_736)": "stay inside their paths",
            "answer = (480, 388_096)": "a bias per output channel",
            "answer = (480, 1_106_400)": "not all 256",
            "answer = (736, 388_736)": "counts the input too",
            "answer = (672, 388_736)": "gives 64 channels, not 256",
            "answer = (388_736, 480)": "channels come first",
            "answer = 480": "a tuple of two",
        },
    ),
    Exercise(
        id="11.2", name="saved", check=check_share,
        hints=("Without the 1×1 in front, the 3×3 and the 5×5 read all c_i channels; paths 1 and 4 stay as they are.",
               "With them: c_i·(c1 + c2[0] + c3[0] + c4) + c2[0]·c2[1]·9 + c3[0]·c3[1]·25, all times size²."),
        solution=saved(),
        wrong={
            saved(result="whole - work"): "each weight once",
            saved(result="size**2 * (work - whole)"): "wrong sign",
            saved(result="size * (whole - work)"): "size², not size",
            saved(heads="c_i * (c1 + c4)"): "they are not free",
            saved(result="max(0, size**2 * (whole - work))"): "should be negative",
            saved(result="size**2 * (c_i * c2[1] * 9 - c2[0] * (c_i + c2[1] * 9))"): "path 2 alone",
            saved(result="size**2 * (c_i * c3[1] * 25 - c3[0] * (c_i + c3[1] * 25))"): "path 3 alone",
        },
    ),
    Exercise(
        id="11.3", name="separable", check=check_separable,
        hints=("`nn.Conv2d(c_i, c_o, (1, n), padding=(0, n // 2))` is the first; the second reads its c_o channels.",
               "Height stays if the column is padded above and below: padding=(n // 2, 0). A ReLU stands between."),
        solution=separable(),
        wrong={
            separable(column="nn.Conv2d(c_o, c_o, (n, 1), padding=n // 2)"): "along the kernel's long side",
            separable().replace("(0, n // 2)", "P").replace("(n // 2, 0)", "(0, n // 2)").replace("P", "(n // 2, 0)"):
                "along the kernel's long side",
            separable(relu=""): "belongs a ReLU",
            separable(relu="", last=", nn.ReLU()"): "Conv2d, Conv2d, ReLU; between",
            separable(column="nn.Conv2d(c_o, c_o, (1, n), padding=(0, n // 2))"): "one of 1×7 and one of 7×1",
            separable(column="nn.Conv2d(c_i, c_o, (n, 1), padding=(n // 2, 0))"): "does not take 4 channels",
        },
    ),
    Exercise(
        id="11.4", name="Reduction", check=check_reduction,
        hints=("Two branches read the same X: a 3×3 convolution of stride 2 with ReLU, and max pooling, 3×3, stride 2.",
               "`torch.cat((…, …), dim=1)`, the convolution first. Neither branch pads."),
        solution=reduction(),
        wrong={
            reduction(joined="self.conv(self.pool(X)).relu()", stride="padding=1"): "only 7 channels",
            reduction(joined="torch.cat((self.pool(X), self.conv(X).relu()), dim=1)"): "pooled channels come first",
            reduction(joined="torch.cat((self.conv(X), self.pool(X)), dim=1)"): "ReLU is missing",
            reduction(joined="torch.cat((self.conv(X), self.pool(X)), dim=1).relu()"): "cuts off the pooled maps",
            reduction(joined="None"): "forward returns None",
            reduction(joined="torch.cat((self.conv(X).relu(), self.pool(X)))"): "axis 1",
            reduction(pool="nn.AvgPool2d(3, stride=2)"): "should be the max pooling",
            reduction(stride="stride=2, padding=1"): "do not fit together",
            reduction(pool="nn.MaxPool2d(2)"): "window of 3",
        },
    ),
    Exercise(
        id="11.5", name="smooth_loss", check=check_smooth,
        hints=("q = (1 − ε)·one-hot + ε/C for each picture; the loss of a picture is −Σ q_c log p_c.",
               "`logits.log_softmax(dim=1)` and `nn.functional.one_hot(y, C)` are the factors; then take the mean."),
        solution=smooth(),
        wrong={
            smooth(loss="-(q * log_p).sum()"): "sum over the batch",
            smooth(q="(1 - epsilon) * hot + epsilon / (C - 1) * (1 - hot)"): "the true one too",
            smooth(q="hot"): "plain cross entropy",
            smooth(loss="-(q * log_p).mean()"): "over pictures and classes",
            smooth(loss="F.cross_entropy(logits, y, label_smoothing=epsilon)"): "write yourself",
            smooth(loss="-(q * log_p).sum(dim=1)"): "one loss for each picture",
            smooth(q="(1 - epsilon) * hot"): "add up to 1",
            smooth(q="(1 - epsilon) * hot + epsilon"): "ε/C",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "11.p1", [2, 4],
        [([3, 4], "a 5×5 has the most weights per pair of channels; but how many channels does it read here?"),
         ([2, 1], "path 1 and path 4 both have one 1×1 over 192 channels: which gives fewer?"),
         ([4, 2], "turn both round."),
         ([1, 3], "the paths count from 1.")],
        "c_o·(c_i·k² + 1) for each convolution; the kernel behind a 1×1 reads what that gives.",
    ),
    prediction(
        "11.p2", [2.7, 7.5],
        [([0.4, 0.1], "turn the ratio round: how many times the block's parameters has one layer?"),
         ([1.1, 1.1], "both layers read 192 channels and give 256; only the kernel has 9 or 25 weights.")],
        "c_o·(c_i·k² + 1) with c_i = 192, c_o = 256, over the block's number in the picture; to one decimal.",
        atol=0.05,
    ),
    prediction(
        "11.p3", [56, 28, 14, 7],
        [([112, 56, 28, 14], "stage 1 halves twice: by its convolution and by its pooling."),
         ([112, 28, 14, 7], "the first number is the side in the middle of stage 1, before its pooling.")],
        "Five halvings in four stages, two of them in the first; every other layer keeps the size.",
    ),
    prediction(
        "11.p4", [22, 58],
        [([27, 58], "a pooling has no weights; count convolutions and the dense layer alone."),
         ([21, 57], "the dense layer at the end counts, too."),
         ([22, 57], "the dense layer at the end counts, too."),
         ([12, 58], "paths 2 and 3 have two convolutions one behind the other: the longest path goes through both."),
         ([22, 40], "a block has six convolutions: count those of all four paths.")],
        "The stem has 3 convolutions. Each of the nine blocks has six, of which at most two stand behind each other.",
    ),
    prediction(
        "11.p5", [33, 60, 71],
        [([67, 40, 29], "that is what is left: how much is saved?"),
         ([0, 20, 43], "n + n weights, not n·n: 2n of n² are left."),
         ([33.3, 60, 71.4], "round to whole per cent."),
         ([0.33, 0.6, 0.71], "in per cent: 33, not 0.33.")],
        "n² weights per pair of channels become n + n.",
    ),
]  # fmt: skip
