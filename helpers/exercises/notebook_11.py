"""Exercises of notebook 11, GoogLeNet."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from .core import Exercise, compare

BLOCK = (256, 128, (128, 192), (32, 96), 64)  # 3b
WEIGHTS = (256 * 128, 256 * 128 + 128 * 192 * 9, 256 * 32 + 32 * 96 * 25, 256 * 64)
PARAMS = sum(WEIGHTS) + 128 + 128 + 192 + 32 + 96 + 64


SHARES = ((BLOCK, 28), ((192, 64, (96, 128), (16, 32), 32), 28), ((8, 1, (2, 3), (4, 5), 6), 9),
          ((8, 1, (16, 3), (16, 5), 6), 9))  # fmt: skip


def advice_on(got, known):
    """Return the advice whose wrong result the answer gave, from pairs (result, advice), or else None."""
    return next((advice for result, advice in known if compare(got, result) is None), None)


def check_count(answer):
    answer = answer.tolist() if hasattr(answer, "tolist") else answer
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return "the answer should be a tuple of two numbers: (channels out, parameters)."
    channels, params = answer
    if channels != 480:
        right = f"{channels} channels are not right: add up what each of the four paths gives."
        known = (
            (640, "640 adds up all six numbers: the 128 and 32 in front of the large kernels stay inside their paths."),
            (736, "736 counts the input too: it does not run around the block."),
            (672, "672 leaves out the 1×1 behind the pooling: path 4 gives 64 channels, not 256."),
            (PARAMS, "the channels come first, then the parameters."),
        )
        return advice_on(channels, known) or right
    if params == PARAMS:
        return None
    if params == sum(WEIGHTS):
        return "the weights are right; each of the six convolutions has a bias per output channel as well."
    if params == 128 * 257 + 192 * (256 * 9 + 1) + 96 * (256 * 25 + 1) + 64 * 257:
        return "the large kernels read the 128 and 32 channels that the 1×1 before them gives, not all 256."
    return "the channels are right, the parameters are not: c_o·(c_i·k² + 1) for each of the six convolutions."


def check_share(answer):
    for block, size in SHARES:
        c_i, _, (a, b), (c, d), _ = block
        two, three = c_i * b * 9 - a * (c_i + b * 9), c_i * d * 25 - c * (c_i + d * 25)
        got, right, call = answer(*block, size), size**2 * (two + three), f"saved{(*block, size)}"
        if compare(got, right) is None:
            continue
        if right < 0 and got >= 0:
            return f"{call} should be negative: here the 1×1 cost more than they save."
        known = (
            (two + three, "counts each weight once: multiply-adds use it at each of the size² places."),
            (-right, "has the wrong sign: what is saved is the block without 1×1 minus the block with them."),
            (size**2 * two, "looks at path 2 alone: path 3 has a 1×1 in front, too."),
            (size**2 * three, "looks at path 3 alone: path 2 has a 1×1 in front, too."),
            (right + size**2 * c_i * (a + c), "leaves out the work of the two 1×1 themselves: they are not free."),
        )
        advice = advice_on(got, known)
        return f"{call} {advice}" if advice else compare(got, right, call)
    return None


def check_separable(answer):
    for c_i, c_o, n in ((4, 6, 7), (3, 3, 3)):
        layer, call = answer(c_i, c_o, n), f"separable({c_i}, {c_o}, {n})"
        if not isinstance(layer, nn.Module):
            return f"{call} should be an nn.Module, but is {type(layer).__name__}."
        got = [module for module in layer.modules() if isinstance(module, nn.Conv2d)]
        sizes = [module.kernel_size for module in got]
        if sorted(sizes) != [(1, n), (n, 1)]:
            return f"the kernels of {call} are {sizes}: one of 1×{n} and one of {n}×1 are asked for."
        if any(module.groups > 1 for module in got):
            return "the two convolutions should read all channels: leave groups at 1."
        try:
            Y = layer(torch.zeros(2, c_i, 12, 9))
        except RuntimeError as error:
            return f"{call} does not take {c_i} channels to the end: {error}"
        if Y.shape[1] != c_o:
            return f"{call} gives {Y.shape[1]} channels; expected {c_o}."
        for module in got:
            size = tuple(module(torch.zeros(1, module.in_channels, 12, 9)).shape[2:])
            if size != (12, 9):
                return (f"the convolution {module.kernel_size[0]}×{module.kernel_size[1]} of {call} makes 12×9 into "
                        f"{size}: pad by n // 2, but only along the kernel's long side.")  # fmt: skip
        kinds = [type(module).__name__ for module in layer.modules() if not list(module.children())]
        if kinds != ["Conv2d", "ReLU", "Conv2d"]:
            return (f"the layers of {call} are {', '.join(kinds)}; between the two convolutions, and there alone, "
                    "belongs a ReLU: without it they are one linear map, of rank 1 per pair of channels.")  # fmt: skip
    return None


def check_reduction(answer):
    if isinstance(answer, nn.Module):
        return "give the class itself, Reduction, not a block made from it."
    generator = torch.Generator().manual_seed(0)
    block, X = answer(5, 7), torch.randn(2, 5, 9, 12, generator=generator) - 1  # so many maxima are negative, too
    if any(pool.kernel_size in (2, (2, 2)) for pool in block.modules() if isinstance(pool, nn.MaxPool2d)):
        return "the pooling window is 2, which fits 9×12 to (4, 6); a window of 3 as in the convolution gives (4, 5)."
    try:
        Y = block(X)
    except NotImplementedError:  # the untouched stub; it is a RuntimeError, too
        raise
    except RuntimeError as error:
        return f"the branches do not fit together: {error}. Window 3, stride 2 and no padding on both sides."
    if Y is None:
        return "forward returns None: does it end in `return …`?"
    if Y.shape == (2, 7, 4, 5):
        return "only 7 channels come out: are the branches added, or is one missing? Join them: torch.cat(…, dim=1)."
    if Y.shape != (2, 12, 4, 5):
        return f"Reduction(5, 7) makes (2, 5, 9, 12) into {tuple(Y.shape)}; expected (2, 12, 4, 5)."
    pooled = F.max_pool2d(X, 3, 2)
    if not torch.equal(Y[:, -5:], pooled):
        if torch.equal(Y[:, :5], pooled):
            return "the pooled channels come first; the convolution's should, as in Inception v3."
        if torch.equal(Y[:, -5:], pooled.relu()):
            return "a ReLU behind the join cuts off the pooled maps, too; it belongs to the convolution's branch alone."
        return "the last 5 channels should be the max pooling of X, window 3, stride 2."
    if Y[:, :7].min() < 0:
        return "the convolution's channels are negative in places: its ReLU is missing."
    return None


class Smoothing(TorchFunctionMode):
    """Note whether a torch function is called with label_smoothing."""

    seen = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen = self.seen or bool((kwargs or {}).get("label_smoothing"))
        return func(*args, **(kwargs or {}))


def check_smooth(answer):
    generator = torch.Generator().manual_seed(0)
    logits, y = 3 * torch.randn(6, 5, generator=generator), torch.tensor([0, 1, 2, 3, 4, 0])
    for epsilon in (0.1, 0.4, 0.0):
        with Smoothing() as calls:
            got = answer(logits.clone(), y.clone(), epsilon)
        if calls.seen:
            return "PyTorch's label_smoothing is what you are to write yourself: build q, then take −Σ q_c log p_c."
        each = F.cross_entropy(logits, y, label_smoothing=epsilon, reduction="none")
        if compare(got, each.mean()) is None:
            continue
        hot = F.one_hot(y, 5)
        others = F.cross_entropy(logits, (1 - epsilon) * hot + epsilon / 4 * (1 - hot))
        known = (
            (each.sum(), "this is the sum over the batch; take its mean."),
            (each, "this is one loss for each picture; take their mean."),
            (each.mean() / 5, "this is the mean over pictures and classes: sum over the classes."),
            (others, "you share ε among the C − 1 wrong classes; it goes to all C, the true one too."),
            (F.cross_entropy(logits, y), "this is the plain cross entropy: ε does not enter."),
        )
        return advice_on(got, known) or compare(got, each.mean(), f"smooth_loss with epsilon={epsilon}")
    return None


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
    log_p, hot = F.log_softmax(logits, dim=1), F.one_hot(y, C)
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
            reduction(pool="nn.AvgPool2d(3, stride=2)"): "should be the max pooling",
            reduction(stride="stride=2, padding=1"): "do not fit together",
            reduction(pool="nn.MaxPool2d(2)"): "window of 3",
        },
    ),
    Exercise(
        id="11.5", name="smooth_loss", check=check_smooth,
        hints=("q = (1 − ε)·one-hot + ε/C for each picture; the loss of a picture is −Σ q_c log p_c.",
               "`F.log_softmax(logits, dim=1)` and `F.one_hot(y, C)` give the two factors; take the mean at the end."),
        solution=smooth(),
        wrong={
            smooth(loss="-(q * log_p).sum()"): "sum over the batch",
            smooth(q="(1 - epsilon) * hot + epsilon / (C - 1) * (1 - hot)"): "the true one too",
            smooth(q="hot"): "plain cross entropy",
            smooth(loss="-(q * log_p).mean()"): "over pictures and classes",
            smooth(loss="F.cross_entropy(logits, y, label_smoothing=epsilon)"): "write yourself",
            smooth(loss="-(q * log_p).sum(dim=1)"): "one loss for each picture",
        },
    ),
]  # fmt: skip
