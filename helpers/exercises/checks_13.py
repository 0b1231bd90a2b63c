"""The checks of notebook 13's exercises, which `notebook_13.py` states."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from helpers.networks import Residual, resnet18

from .compare import advice_on, compare, equal, kind_of, number, numbers, shown, tensor_of
from .core import table
from .guard import run


def check_depth(answer):
    """The layers with weights on the main path."""
    def depth(blocks, convolutions, more=2):
        return convolutions * sum(blocks) + more

    cases = [((2, 2, 2, 2), 2), ((3, 4, 6, 3), 2), ((3, 4, 6, 3), 3), ((3, 8, 36, 3), 3), ((1, 1, 1, 1), 2),
             ((1, 2, 3, 4), 3)]  # fmt: skip
    known = [(lambda blocks, convolutions: convolutions * (sum(blocks) + 2),
              "the stem's convolution and the dense layer stand once each, not once for every convolution of a block.")]
    known += [(partial(depth, more=more), "the stem's convolution and the dense layer at the end both count too.")
             for more in (0, 1)]  # fmt: skip
    known += [(lambda blocks, convolutions, more=more: depth([1] * len(blocks), convolutions, more),
               "that counts one block a stage: `blocks` says how many are in each.") for more in (0, 1, 2)]
    known += [(lambda blocks, convolutions, first=first: depth(blocks, convolutions, 5 + (first and convolutions == 3)),
               "the 1×1 convolutions of the shortcuts lie beside the path and do not count.") for first in (0, 1)]
    known += [(lambda blocks, convolutions: depth(blocks, 2), "a bottleneck has 3 convolutions: use `convolutions`."),
              (lambda blocks, convolutions: depth(blocks, convolutions, 2 + len(blocks)),
               "poolings and stages have no weights of their own: the stem's convolution and the dense layer count.")]
    return table(answer, cases, depth, known, otherwise=lambda *case:
                 "Count the convolutions of all blocks on the main path.")  # fmt: skip


def check_sides(answer):
    """The side behind each stage; five halves, each rounded up."""
    def sides(n, half=lambda side: -(-side // 2), first=2):
        found = [n]
        for _ in range(6):
            found.append(half(found[-1]))
        return tuple(found[first:first + 4])

    up = "sides are whole numbers; here halves are rounded up, ⌊(n + 2P − k)/2⌋ + 1."
    known = (
        (partial(sides, first=1), "behind the stem's convolution stands a max pooling, which halves once more."),
        (partial(sides, first=3), "the first stage keeps the size, only the stages after it begin with stride 2."),
        (partial(sides, half=lambda side: side / 2), up),
        (partial(sides, half=lambda side: side // 2), "with these paddings a half is rounded up, not down."),
        (partial(sides, half=lambda side: round(side / 2)), "`round` goes up or down as it comes; here halves go up."),
        (lambda n: tuple(round(n / d) for d in (4, 8, 16, 32)), "each half is rounded up, not to the nearest."),
        (lambda n: tuple(int(side) for side in sides(n)[::-1]), "the first stage comes first."),
    )
    given = answer(224)
    if numbers(given, 4) is None:
        return f"sides(224) is {shown(given)}: return a tuple of four numbers, one for each stage."
    return table(answer, [(n,) for n in (224, 96, 100, 75, *range(64, 100))], sides, known)


def check_block_params(answer):
    """Two convolutions, two norms, and the 1×1 where shape or channels change."""
    for c, d, s in ((64, 64, 1), (64, 128, 2), (32, 48, 1), (16, 16, 2), (5, 3, 1)):
        call, got = f"block_params({c}, {d}, {s})", number(given := answer(c, d, s))
        norm, biases, shortcut = 4 * d, 2 * d, 0 if (c, s) == (d, 1) else d * (c + 1)
        want = 9 * c * d + 9 * d * d + biases + norm + shortcut
        known = {
            want - norm: "batch normalisation learns a scale and a shift per channel, twice.",
            want - biases: "2 · out_channels numbers are missing: each 3×3 convolution has a bias per output channel, "
            "each batch norm a scale and a shift.",
            want - d if shortcut else -1: "out_channels numbers are missing: the 1×1 convolution has a bias too, and "
            "both batch norms work on out_channels.",
            want - 9 * d * d + 9 * c * d: "the second 3×3 convolution has out_channels on both sides.",
            want - shortcut: "where shape or channels change, the 1×1 convolution counts too.",
            want + d * (c + 1): "where nothing changes, x is added as it is: no 1×1 convolution.",
            want + 2 * d if shortcut else -1: "on its shortcut the block above has a convolution alone; the batch "
            "norm behind it is the paper's.",
            want + norm: "the running mean and variance are not learned: they are no parameters.",
        }
        if got != want:
            said = "count convolution by convolution, c_o (c_i k² + 1)."
            return f"{call} is {shown(given)}, but should be {want:,}: {known.get(got, said)}"
    return None


def check_lengths(answer):
    """The lengths of the weight gradients in training mode, the same when asked twice."""
    generator = torch.Generator().manual_seed(0)
    small = nn.Sequential(Residual(1, 4, 2), Residual(4, 4), nn.Flatten(), nn.Linear(4 * 9, 3))
    other = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 16, 3))
    for net, count in ((small, 8), (small, 6), (other, 4)):
        X, y = torch.randn(count, 1, 6, 6, generator=generator), torch.arange(count) % 3
        if advice := _lengths(answer, net, X, y):
            return advice
    return None


def _lengths(answer, net, X, y):
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]

    def gradients(training, answers=lambda logits: logits):
        loss = F.cross_entropy(answers(net.train(training)(X)), y)
        return torch.autograd.grad(loss, [layer.weight for layer in layers])

    found = gradients(training=True)
    want = [gradient.norm().item() for gradient in found]
    others = {
        "these are the largest entries of the gradients; a length is the root of the sum of squares.":
            [gradient.abs().max().item() for gradient in found],
        "these are the sums of the gradients' entries without their signs; a length is the root of the sum of squares.":
            [gradient.abs().sum().item() for gradient in found],
        "these are the squares of the lengths: take the root.": [length**2 for length in want],
        "these are the lengths of the weights: the gradient is in `weight.grad`.":
            [layer.weight.norm().item() for layer in layers],
        "this is the gradient of the loss summed over the pictures; the cross entropy is their mean.":
            [length * len(X) for length in want],
        "the order is back to front; begin with the first convolution.": want[::-1],
        "the net's answers went through softmax twice: the cross entropy takes logits.":
            [gradient.norm().item() for gradient in gradients(True, lambda logits: logits.softmax(dim=1))],
        "the net came to you in evaluation mode: put it into training mode first.":  # the last one, and it stays so
            [gradient.norm().item() for gradient in gradients(training=False)],
    }  # fmt: skip
    given = answer(net, X, y)
    got = tensor_of(given)
    if got is None or got.dim() != 1 or len(got) != len(want):
        count = f"{len(given)} numbers" if isinstance(given, (list, tuple)) else shown(given)
        return (f"the net has {len(want)} convolutions, within blocks too, yet you return {count}: one for each "
                "nn.Conv2d.")  # fmt: skip
    known = ((other, advice) for advice, other in others.items() if other != want)
    advice = advice_on(got, known) or compare(got, want, "the list of lengths")
    if advice is None and not equal(answer(net, X, y), want):
        return "asked twice, your function says something else: gradients add up in `.grad`, set them to zero first."
    return advice


def check_preactivation(answer):
    """Norm, ReLU, convolution, twice, then the sum; compared with the block of the course, weights made equal."""
    generator = torch.Generator().manual_seed(0)
    X, block = torch.randn(4, 6, 5, 5, generator=generator), answer(6)
    kinds = {kind: Residual(6, 6, kind=kind) for kind in ("pre", "plain")}
    if not isinstance(block, nn.Module):
        return f"PreActivation(6) should be an nn.Module, but is {kind_of(block)}."
    if not isinstance(got := run(block, X), torch.Tensor):  # a stub ends here
        return f"forward returns {kind_of(got)}."
    if advice := _parts(block, kinds["pre"]):
        return advice
    kernels = [torch.randn(6, 6, 3, 3, generator=generator) for _ in (1, 2)]
    numbers_of = {name: torch.randn(6, generator=generator) for name in ("scale", "shift")}

    def reordered(*places):
        return nn.Sequential(*(kinds["pre"].g[i] for i in places))(X)

    with torch.no_grad():
        for net in (block, *kinds.values()):
            for layer, kernel in zip(in_order(net, X, nn.Conv2d), kernels, strict=True):
                layer.weight.copy_(kernel)
                if layer.bias is not None:
                    layer.bias.zero_()
            for layer in net.modules():
                if hasattr(layer, "running_mean"):
                    layer.weight.copy_(numbers_of["scale"])
                    layer.bias.copy_(numbers_of["shift"])
        got, want, post = (net.train()(X.clone()) for net in (block, kinds["pre"], kinds["plain"]))
        others = {
            "a ReLU stands behind the sum: in this block nothing does.": want.relu(),
            "X is not added: without it this is a plain block.": want - X,
            "X itself is added, as it came, not what batch norm and ReLU made of it.":
                want - X + kinds["pre"].g[:2](X),
            "this is the block of 2015, convolution first: here batch norm and ReLU come first.": post,
            "batch norm and ReLU stand behind the convolution: here they come before it.": X + kinds["plain"].g(X),
            "the ReLU comes first: here batch norm does, and the ReLU follows it.": X + reordered(1, 0, 2, 4, 3, 5),
            "the first ReLU is missing: each batch norm is followed by one.": X + reordered(0, 2, 3, 4, 5),
            "the second ReLU is missing: each batch norm is followed by one.": X + reordered(0, 1, 2, 3, 5),
            "the ReLUs are missing: each batch norm is followed by one.": X + reordered(0, 2, 3, 5),
        }
    known = ((other, advice) for advice, other in others.items())
    return advice_on(got, known, atol=1e-4) or compare(got, want, "the output", atol=1e-4)


def _parts(block, right):
    """Return which convolutions or norms are missing, too many or used twice, or None."""
    convolutions = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in block.modules() if hasattr(layer, "running_mean")]
    if [layer.kernel_size for layer in convolutions] == [(3, 3)] * 2 and len(norms) == 1:
        return "one batch norm stands in two places: its running statistics would mix two layers. Make two."
    if any(layer.kernel_size == (3, 3) and layer.padding == (0, 0) for layer in convolutions):
        return "without padding a 3×3 convolution makes the picture smaller, and X no longer fits: padding=1."
    if len(convolutions) == 1 and len(norms) == 2:
        return "one convolution stands in two places: make two, each with weights of its own."
    count, want = (sum(p.numel() for p in net.parameters()) for net in (block, right))
    biases = sum(6 for layer in convolutions if layer.bias is None)  # batch norm makes them superfluous
    if count + biases != want or len(convolutions) != 2 or len(norms) != 2:
        return f"the block has {count} parameters, not {want}: two 3×3 convolutions and two batch norms."
    return None


def in_order(net, X, kind):
    """Return the layers of a kind in the order in which the net runs them on X."""
    found = []
    layers = [layer for layer in net.modules() if isinstance(layer, kind)]
    hooks = [layer.register_forward_hook(lambda layer, *_: found.append(layer)) for layer in layers]
    net(X.clone())
    for hook in hooks:
        hook.remove()
    return found


def check_new_head(answer):
    """All that was learned is frozen and kept, running statistics included; a new, learning head."""
    return _new_head(answer, 0.125, 3) or _new_head(answer, 0.0625, 4)


def _new_head(answer, width, classes):
    net, generator = resnet18(num_classes=5, width=width, blocks=1), torch.Generator().manual_seed(0)
    for name, value in net.named_buffers():
        if name.endswith(("running_mean", "running_var")):  # as after training
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    before, features = [value.clone() for value in net[:-1].state_dict().values()], net[-1].in_features
    old, length = net[-1], len(net)
    made = answer(net, classes)
    head = made[-1] if isinstance(made, nn.Sequential) else None
    if not isinstance(head, nn.Linear) or head.out_features != classes or head is old:
        return f"return the net with an nn.Linear of {classes} outputs as its last layer: put a new one in its place."
    if len(made) > length:
        return "the old last layer still stands in front of your new one: put it in its place, `net[-1] = …`."
    if head.in_features != features or head.weight.shape != (classes, features):
        return f"the head gets {features} numbers here, not {head.in_features}: ask `net[-1].in_features`."
    kept = list(made[:-1].state_dict().values())
    if len(kept) != len(before) or any(not torch.equal(a, b) for a, b in zip(kept, before, strict=True)):
        return "weights or running statistics in front of the head have changed: keep what the net has learned."
    if not all(p.requires_grad for p in head.parameters()):
        return "the new head is frozen too: freeze first, then put it in, for a new layer can learn."
    if any(p.requires_grad for p in made[:-1].parameters()):
        return "layers in front of the head can still learn: `requires_grad_(False)` freezes a parameter."
    if any(layer.training for layer in made.modules() if hasattr(layer, "running_mean")):
        return "batch norm is in training mode: its running statistics move with every batch. `eval()` holds them."
    return None if made(torch.zeros(2, 1, 32, 32)).shape == (2, classes) else f"the net does not give (N, {classes})."
