"""The checks of notebook 11's exercises, which `notebook_11.py` states."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from .compare import advice_on, compare, equal, kind_of, numbers, shown
from .core import table
from .guard import run

BLOCK = (256, 128, (128, 192), (32, 96), 64)  # 3b
WEIGHTS = (256 * 128, 256 * 128 + 128 * 192 * 9, 256 * 32 + 32 * 96 * 25, 256 * 64)
PARAMS = sum(WEIGHTS) + 128 + 128 + 192 + 32 + 96 + 64
SHARES = ((BLOCK, 28), ((192, 64, (96, 128), (16, 32), 32), 28), ((8, 1, (2, 3), (4, 5), 6), 9),
          ((8, 1, (16, 3), (16, 5), 6), 9))  # fmt: skip


def check_count(answer):
    """Channels and parameters of block 3b."""
    found = numbers(answer, 2)
    if found is None:
        return f"the answer should be a tuple of two numbers, (channels out, parameters), but is {shown(answer)}."
    channels, params = found
    if channels != 480:
        known = {
            640: "640 adds up all six numbers: the 128 and 32 in front of the large kernels stay inside their paths.",
            736: "736 counts the input too: it does not run around the block.",
            672: "672 leaves out the 1×1 behind the pooling: path 4 gives 64 channels, not 256.",
            PARAMS: "the channels come first, then the parameters.",
        }
        return known.get(channels, f"{channels} channels are not right: add up what each of the four paths gives.")
    if params == PARAMS:
        return None
    if params == sum(WEIGHTS):
        return "the weights are right; each of the six convolutions has a bias per output channel as well."
    if params == 128 * 257 + 192 * (256 * 9 + 1) + 96 * (256 * 25 + 1) + 64 * 257:
        return "the large kernels read the 128 and 32 channels that the 1×1 before them gives, not all 256."
    return "the channels are right, the parameters are not: c_o·(c_i·k² + 1) for each of the six convolutions."


def check_share(answer):
    """The block without the two 1×1, minus the block with them; negative where they cost more."""
    def parts(c_i, c1, c2, c3, c4):
        (a, b), (c, d) = c2, c3
        return c_i * b * 9 - a * (c_i + b * 9), c_i * d * 25 - c * (c_i + d * 25)

    def right(*block):
        return block[-1] ** 2 * sum(parts(*block[:-1]))

    known = (
        *((lambda *block, cut=cut: cut(right(*block)), "it should be negative where the 1×1 cost more than they save.")
          for cut in (abs, lambda saving: max(0, saving))),
        (lambda *block: sum(parts(*block[:-1])),
         "that counts each weight once: multiply-adds use it at each of the size² places."),
        (lambda *block: block[-1] * sum(parts(*block[:-1])), "size², not size: a map has so many places."),
        (lambda *block: -right(*block),
         "the wrong sign: what is saved is the block without 1×1 minus the block with them."),
        (lambda *block: block[-1] ** 2 * parts(*block[:-1])[0],
         "that looks at path 2 alone: path 3 has a 1×1 in front, too."),
        (lambda *block: block[-1] ** 2 * parts(*block[:-1])[1],
         "that looks at path 3 alone: path 2 has a 1×1 in front, too."),
        (lambda *block: right(*block) + block[-1] ** 2 * block[0] * (block[2][0] + block[3][0]),
         "that leaves out the work of the two 1×1 themselves: they are not free."),
    )
    return table(answer, [(*block, size) for block, size in SHARES], right, known, call=lambda *block: f"saved{block}",
                 otherwise=lambda *block: "For paths 2 and 3: the large kernel on all c_i channels, minus the 1×1 and "
                 "the kernel behind it.")  # fmt: skip


def check_separable(answer):
    """1×n, ReLU, n×1, each padded along its long side."""
    for c_i, c_o, n in ((4, 6, 7), (3, 3, 3), (2, 5, 1)):
        layer, call = answer(c_i, c_o, n), f"separable({c_i}, {c_o}, {n})"
        if not isinstance(layer, nn.Module):
            return f"{call} should be an nn.Module, but is {kind_of(layer)}."
        X = torch.linspace(-9, 9, 2 * c_i * 108).sin().reshape(2, c_i, 12, 9)
        try:
            said, Y = "", run(layer, X)  # before the layers are looked at: lazy ones become what they are
        except NotImplementedError:  # a stub; it is a RuntimeError, too
            raise
        except RuntimeError as error:
            said = f"{call} does not take {c_i} channels to the end: {error}"
        got = [module for module in layer.modules() if isinstance(module, nn.Conv2d)]
        sizes = [module.kernel_size for module in got]
        if sorted(sizes) != [(1, n), (n, 1)]:
            return f"the kernels of {call} are {shown(str(sizes))}: one of 1×{n} and one of {n}×1 are asked for."
        if any(module.groups > 1 for module in got):
            return "the two convolutions should read all channels: leave groups at 1."
        kinds = [type(module).__name__ for module in layer.modules() if not list(module.children())]
        if kinds != ["Conv2d", "ReLU", "Conv2d"]:
            return (f"the layers of {call} are {', '.join(kinds)}; between the two convolutions, and there alone, "
                    "belongs a ReLU: without it they are one linear map, of rank 1 per pair of channels.")  # fmt: skip
        if said:
            return said
        if Y.shape[1] != c_o:
            return f"{call} gives {Y.shape[1]} channels; expected {c_o}."
        for module in got:
            size = tuple(module(torch.zeros(1, module.in_channels, 12, 9)).shape[2:])
            if size != (12, 9):
                return (f"the convolution {module.kernel_size[0]}×{module.kernel_size[1]} of {call} makes 12×9 into "
                        f"{size}: pad by n // 2, but only along the kernel's long side.")  # fmt: skip
        if advice := compare(Y, got[1](got[0](X).relu()), f"the output of {call}"):
            return advice
    return None


def check_reduction(answer):
    """A convolution with ReLU and a pooling, side by side; the convolution's maps come first."""
    generator = torch.Generator().manual_seed(0)
    block, X = answer(5, 7), torch.randn(2, 5, 9, 12, generator=generator) - 1  # so many maxima are negative, too
    if not isinstance(block, nn.Module):
        return f"Reduction(5, 7) should be an nn.Module, but is {kind_of(block)}."
    if any(pool.kernel_size in (2, (2, 2)) for pool in block.modules() if isinstance(pool, nn.MaxPool2d)):
        return "the pooling window is 2, which fits 9×12 to (4, 6); a window of 3 as in the convolution gives (4, 5)."
    try:
        Y = run(block, X)
    except RuntimeError as error:
        said = str(error).rstrip(".")
        if "Sizes of tensors must match" not in said:
            raise
        if "except in dimension 0" in said:
            return "the branches are joined along the pictures: channels are axis 1, torch.cat(…, dim=1)."
        return f"the branches do not fit together: {said}. Window 3, stride 2 and no padding on both sides."
    if not isinstance(Y, torch.Tensor):
        return f"forward returns {kind_of(Y)}."
    if Y.shape == (2, 7, 4, 5):
        return "only 7 channels come out: are the branches added, or is one missing? Join them: torch.cat(…, dim=1)."
    if Y.shape != (2, 12, 4, 5):
        return f"Reduction(5, 7) makes (2, 5, 9, 12) into {tuple(Y.shape)}; expected (2, 12, 4, 5)."
    pooled = F.max_pool2d(X, 3, 2)
    if not equal(Y[:, -5:], pooled):
        if equal(Y[:, :5], pooled):
            return "the pooled channels come first; the convolution's should, as in Inception v3."
        if equal(Y[:, -5:], pooled.relu()):
            return "a ReLU behind the join cuts off the pooled maps, too; it belongs to the convolution's branch alone."
        return "the last 5 channels should be the max pooling of X, window 3, stride 2."
    return _convolved(block, X, Y[:, :7])


def _convolved(block, X, Y):
    """Return what is wrong with the maps Y of the convolution's branch, or None."""
    kernels = [p for p in block.parameters() if p.dim() == 4]
    if [tuple(p.shape) for p in kernels] != [(7, 5, 3, 3)]:
        sizes = shown(str([tuple(p.shape) for p in kernels]))
        return f"one 3×3 convolution from 5 to 7 channels is asked for; your block has kernels {sizes}."
    biases = [p for p in block.parameters() if p.dim() == 1]
    want = F.conv2d(X, kernels[0], biases[0] if biases else None, stride=2)
    known = ((want, "the convolution's channels are negative in places: its ReLU is missing."),
             (want.abs(), "the convolution's channels have lost their sign: a ReLU makes the negative ones 0."))
    return advice_on(Y, known) or compare(Y, want.relu(), "of the convolution's channels, the output")


class Smoothing(TorchFunctionMode):
    """Note whether a torch function is called with label_smoothing."""

    seen = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen = self.seen or bool((kwargs or {}).get("label_smoothing"))
        return func(*args, **(kwargs or {}))


def check_smooth(answer):
    """The mean cross entropy against smoothed labels."""
    generator = torch.Generator().manual_seed(0)
    cases = [(3 * torch.randn(N, C, generator=generator), torch.randint(C, (N,), generator=generator), epsilon)
             for N, C, epsilon in ((6, 5, 0.1), (6, 5, 0.4), (6, 5, 0.0), (4, 3, 0.2))]  # fmt: skip
    with Smoothing() as calls:
        answer(*map(torch.clone, cases[0][:2]), 0.1)
    if calls.seen:
        return "PyTorch's label_smoothing is what you are to write yourself: build q, then take −Σ q_c log p_c."

    def each(logits, y, epsilon):
        return F.cross_entropy(logits, y, label_smoothing=epsilon, reduction="none")

    def others(logits, y, epsilon):
        hot, C = F.one_hot(y, logits.shape[1]), logits.shape[1]
        return F.cross_entropy(logits, (1 - epsilon) * hot + epsilon / (C - 1) * (1 - hot))

    known = (
        (lambda *case: each(*case).sum(), "this is the sum over the batch; take its mean."),
        (each, "this is one loss for each picture; take their mean."),
        (lambda *case: each(*case).mean() / case[0].shape[1],
         "this is the mean over pictures and classes: sum over the classes."),
        (others, "you share ε among the C − 1 wrong classes; it goes to all C, the true one too."),
        (lambda logits, y, epsilon: F.cross_entropy(logits, y), "this is the plain cross entropy: ε does not enter."),
        (lambda logits, y, epsilon: (1 - epsilon) * F.cross_entropy(logits, y),
         "these targets add up to 1 − ε: the share ε, ε/C for each class, is missing; they should add up to 1."),
        (lambda logits, y, epsilon: (1 - epsilon) * F.cross_entropy(logits, y)
         - epsilon * logits.log_softmax(dim=1).sum(dim=1).mean(), "each class gets ε here; it should be ε/C."),
        (lambda *case: -each(*case).mean(), "the sign is missing: the loss is −Σ q_c log p_c."),
    )
    return table(answer, cases, lambda *case: each(*case).mean(), known, call=lambda logits, y, epsilon:
                 f"smooth_loss for {len(y)} pictures, {logits.shape[1]} classes and epsilon={epsilon}")  # fmt: skip
