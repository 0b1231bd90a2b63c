"""Exercises of notebook 15, scaling up."""

import math

import torch

from .compare import advice_on, compare, equal, kind_of, number, shown, tensor_of
from .core import Exercise, prediction, table
from .guard import NotAttempted


def none_or(answer, *args):
    """Return answer(*args), where None is an answer and not a stub."""
    try:
        return answer(*args)
    except NotAttempted:
        return None


def check_gain(answer):
    """1 over the sum of the times that are left."""
    cases = ([(0.5, 2), (0.5, 5)], [(0.5, 2), (0.5, 1)], [(1.0, 3)], [(0.2, 1), (0.3, 4), (0.5, 10)],
             [(0.9, math.inf), (0.1, 1)])  # fmt: skip
    known = (
        (lambda shares: sum(p * s for p, s in shares),
         "the mean of the gains: add up the times that are left, and take 1 over the sum."),
        (lambda shares: sum(p / s for p, s in shares), "the share of the time that is left: the gain is 1 over it."),
        (lambda shares: math.prod(1 / ((1 - p) + p / s) for p, s in shares),
         "the product of what each brings alone: add up the times that are left."),
        (lambda shares: math.prod(s for _, s in shares), "the product of the gains: each part is only a share."),
    )
    return table(answer, [(list(shares),) for shares in cases], lambda shares: 1 / sum(p / s for p, s in shares),
                 known, call=lambda shares: f"gain({shares})", otherwise=lambda shares:
                 "A part of share p that is s times faster takes p/s.")  # fmt: skip


NUMBERS = 8 * 64 * 28 * 28  # of the input, and of the output
WORK = NUMBERS * 25


def check_intensity(answer):
    """Multiply-adds per byte, within 1 %."""
    got, weights = number(answer), 64 * 25
    if not isinstance(got, (int, float)):
        return f"the answer should be one number, but is {shown(answer)}."
    if equal(got, WORK / (2 * (2 * NUMBERS + weights)), rtol=0.01):
        return None
    slips = {
        "a bfloat16 has two bytes, not four.": WORK / (4 * (2 * NUMBERS + weights)),
        "that is twice as much: each number has two bytes, both input and output count, and a multiplication with its "
        "addition is one multiply-add.": WORK / (2 * NUMBERS + weights),
        "in a depthwise layer an output channel reads its own input channel, not all 64.":
            64 * WORK / (2 * (2 * NUMBERS + 64 * weights)),
        "each output channel reads one input channel, not all 64.": 64 * WORK / (2 * (2 * NUMBERS + weights)),
        "that is bytes per multiply-add: turn it over.": 2 * (2 * NUMBERS + weights) / WORK,
    }  # fmt: skip
    said = advice_on(got, ((slip, words) for words, slip in slips.items()), rtol=0.01)
    return said or f"{got:g} is not right: every output needs 25 multiply-adds; count the bytes of all three."


def check_mean_gradient(answer):
    """Each process counts by its pictures; one without pictures, whose gradient is nan, not at all."""
    generator = torch.Generator().manual_seed(0)
    for sizes in ([16, 32], [4, 4], [5, 0, 3], [7]):
        gradients = [torch.randn(2, 3, generator=generator) for _ in sizes]
        gradients = [g if n else torch.full_like(g, math.nan) for g, n in zip(gradients, sizes, strict=True)]
        parts = [(g, n) for g, n in zip(gradients, sizes, strict=True) if n]
        want, plain = sum(g * n for g, n in parts) / sum(sizes), sum(g for g, _ in parts)
        given = answer([g.clone() for g in gradients], list(sizes))
        if equal(given, want):
            continue
        if (got := tensor_of(given)) is not None and got.isnan().any() and 0 in sizes:
            return "a process without pictures has the gradient nan, and 0 · nan is nan: leave it out."
        alike = f"for sizes {sizes} every process counts alike: weigh each gradient by its pictures."
        known = [(plain / n, alike) for n in (1, len(parts), len(sizes))] + [
            (want * sum(sizes) / len(sizes), "you divide by the number of processes: divide by that of pictures."),
            (want * sum(sizes), "that is the sum over all pictures: divide by their number.")]  # fmt: skip
        return advice_on(given, known) or compare(given, want, f"mean_gradient for sizes {sizes}")
    return None


def check_pays_from(answer):
    """The first whole number of steps that is enough, None where none is."""
    cases = [(0.5, 2.0, 0.5), (20.0, 0.5, 0.25), (10.0, 0.5, 0.125), (1.0, 1.0, 2.0), (3.0, 1.0, 1.0), (7.0, 2.0, 1.5)]
    answer(*cases[0])  # a stub returns None here, where there is a number
    for translation, plain, compiled in cases:
        saved = plain - compiled
        want = math.ceil(translation / saved) if saved > 0 else None
        given, call = none_or(answer, translation, plain, compiled), f"pays_from({translation}, {plain}, {compiled})"
        if given is None or want is None:
            if given is want:
                continue
            return f"{call} is {shown(given)}: compiling saves nothing there, and never pays." if want is None else (
                f"{call} is None, but each step saves {saved:g} s: after enough of them it pays.")  # fmt: skip
        if (got := number(given)) == want:
            continue
        if got is None:
            return f"{call} should be one number, but is {shown(given)}."
        if isinstance(got, float):
            return f"{call} is {got:g}: steps come whole; take the first whole number that is enough."
        if got == want - 1:
            return f"{call} is {got}: after {got} steps the translation is not yet paid for; round up."
        if got == math.ceil(translation / plain):
            return f"{call} is {got}: a compiled step is not free; what counts is what it saves, {saved:g} s."
        return f"{call} is {got}, expected {want}: translation + n · compiled ≤ n · plain."
    return None


def check_unscale(answer):
    """Gradients divided in float32; None where a number is not finite."""
    for scale in (2.0**13, 512.0):
        scaled = [(torch.tensor(values) * scale).half() for values in ([3e-7, 2e-3], [[1e-4], [-5e-6]])]
        if advice := _unscaled(answer, scaled, scale):
            return advice
    for bad in (math.inf, -math.inf, math.nan):
        for with_bad in ([torch.ones(3), torch.tensor([1.0, bad])], [torch.tensor([[bad]]), torch.ones(3)]):
            if none_or(answer, [g.half() for g in with_bad], scale) is not None:
                return f"a gradient with {bad} in it must give None, wherever it stands, so that the step is left out."
    return None


def _unscaled(answer, scaled, scale):
    got, true = answer([g.clone() for g in scaled], scale), [g.float() / scale for g in scaled]
    if not isinstance(got, (list, tuple)) or len(got) != len(true):
        return "return a list with as many tensors as you were given."
    for g, want, half in zip(got, true, scaled, strict=True):
        if not isinstance(g, torch.Tensor):
            return f"each gradient should be a tensor of torch, but one is {kind_of(g)}."
        if g.dtype != torch.float32:
            kind = str(g.dtype).removeprefix("torch.")
            return f"the result is still in {kind}: convert each tensor with .float() first, then divide."
        if equal(g, want, rtol=1e-5, atol=0):
            continue
        if equal(g, (half / scale).float(), rtol=1e-6, atol=0):
            return "you divided in float16: the small numbers have lost their digits. Convert with .float() first."
        if equal(g, half.float() * scale, rtol=1e-3, atol=0):
            return "you multiply once more: divide by the scale."
        if equal(g, half.float(), rtol=1e-3, atol=0):
            return "the gradients are still multiplied by the scale: divide by it."
        return compare(g, want, "a gradient", atol=0) or "the gradients differ from the true ones by rounding."
    return None


def gain(returned="1 / sum(p / s for p, s in shares)"):
    """Return the source of a gain(shares)."""
    return f"def gain(shares):\n    return {returned}\n"


def mean_gradient(weight="n", divisor="sum(sizes)", condition=" if n"):
    """Return the source of a mean_gradient with these weights."""
    return f"""
def mean_gradient(gradients, sizes):
    return sum(g * {weight} for g, n in zip(gradients, sizes){condition}) / {divisor}
"""


def pays_from(guard="compiled >= plain", steps="math.ceil(translation / (plain - compiled))"):
    """Return the source of a pays_from."""
    return f"""
import math

def pays_from(translation, plain, compiled):
    if {guard}:
        return None
    return {steps}
"""


def unscale(one="g.float() / scale", guard="not all(g.isfinite().all() for g in scaled)"):
    """Return the source of an unscale."""
    return f"""
def unscale(scaled, scale):
    if {guard}:
        return None
    return [{one} for g in scaled]
"""


EXERCISES = [
    Exercise(
        id="15.1", name="gain", check=check_gain,
        hints=("Let the step take 1 second. How long does each part take afterwards?",
               "A part of share p that is s times faster takes p/s. The gain is 1 over the sum."),
        solution=gain(),
        wrong={
            gain("sum(p * s for p, s in shares)"): "the mean of the gains",
            gain("sum(p / s for p, s in shares)"): "the gain is 1 over it",
            "import math\n" + gain("math.prod(s for _, s in shares)"): "the product of the gains",
            "import math\n" + gain("math.prod(1 / (1 - p + p / s) for p, s in shares)"): "what each brings alone",
            gain("max(s for _, s in shares)"): "takes p/s",
        },
    ),
    Exercise(
        id="15.2", name="intensity", check=check_intensity,
        hints=("Every output number takes 25 multiply-adds. How many numbers are read, how many written?",
               "8 · 64 · 28 · 28 numbers come in and as many go out, two bytes each; 64 · 25 weights hardly count."),
        solution="numbers = 8 * 64 * 28 * 28\nintensity = 25 * numbers / (2 * (2 * numbers + 64 * 25))",
        wrong={
            "intensity = 25 / 8": "two bytes, not four",
            "intensity = 12.5": "both input and output count",
            "intensity = 399.5": "not all 64",
            "intensity = 0.16": "turn it over",
            "intensity = 0.5": "is not right",
            "intensity = 354.8": "its own input channel",
        },
    ),
    Exercise(
        id="15.3", name="mean_gradient", check=check_mean_gradient,
        hints=("A process with twice as many pictures counts twice.",
               "Add up sizes[p] · gradients[p], and divide by all pictures. What about a process with 0 pictures?"),
        solution=mean_gradient(),
        wrong={
            mean_gradient("1", "len(sizes)"): "counts alike",
            mean_gradient(divisor="1"): "divide by their number",
            mean_gradient(divisor="len(sizes)"): "by that of pictures",
            mean_gradient(condition=""): "0 · nan is nan",
        },
    ),
    Exercise(
        id="15.4", name="pays_from", check=check_pays_from,
        hints=("After n steps: translation + n · compiled against n · plain.",
               "A step saves plain − compiled seconds. If that is not positive, it never pays."),
        solution=pays_from(),
        wrong={
            pays_from(steps="translation / (plain - compiled) + 0.5"): "steps come whole",
            pays_from(steps="math.ceil(translation / plain)"): "a compiled step is not free",
            pays_from(steps="int(translation // (plain - compiled))"): "round up",
            pays_from("False", "math.ceil(abs(translation / ((plain - compiled) or 1)))"): "never pays",
            pays_from("plain < 1", "math.ceil(translation / (plain - compiled))"): "after enough of them it pays",
        },
    ),
    Exercise(
        id="15.5", name="unscale", check=check_unscale,
        hints=("`tensor.isfinite()` says for each number whether it is neither infinite nor nan.",
               "Convert with `.float()` first, then divide by the scale."),
        solution=unscale(),
        wrong={
            unscale("g / scale"): "still in float16",
            unscale("(g / scale).float()"): "divided in float16",
            unscale("g.float()"): "divide by it",
            unscale("g.float() * scale"): "multiply once more",
            unscale(guard="False"): "must give None",
            unscale(guard="any(g.isinf().any() for g in scaled)"): "nan",
        },
    ),
]

PREDICTIONS = [
    prediction(
        "15.p1", [2, 1.6],
        [([2, 2], "a loader 4 times as fast still takes an eighth of the old step."),
         ([0.5, 0.625], "that is the time that is left: how many times faster is the step?"),
         ([2, 4], "only the loading becomes 4 times as fast; the other half of the step takes as long as before."),
         ([2, 2.5], "that is the mean of 1 and 4: add up the times that are left, and take 1 over the sum.")],
        "Let the step take 1 second. What is left of it?",
    ),
    prediction(
        "15.p2", [28_901_376, 839_680],
        [([28_901_376, 438_272], "the output is written as well: count input, output and weights."),
         ([28_901_376, 209_920], "those are the numbers; each has four bytes."),
         ([57_802_752, 839_680], "a multiply-add is one, not two."),
         ([28_901_376, 419_840], "a 32-bit number has four bytes, not two."),
         ([28_901_376, 802_816], "the weights are read, too."),
         ([7_225_344, 839_680], "the multiply-adds are those of one picture."),
         ([903_168, 839_680], "each output pixel sums over nine places in all 32 input channels.")],
        "Each of 4 · 32 · 28 · 28 output numbers takes 32 · 9 multiply-adds. Count input, output and weights once.",
    ),
    prediction(
        "15.p3", [2, 1],
        [([2, 2], "the next number above 1 in bfloat16 is 1.0078: what becomes of 1.001?"),
         ([1, 1], "float32 has digits enough for 1.001.")],
        "A step that is less than half of the way to the next number is rounded away.",
    ),
    prediction(
        "15.p4", [3, 2, 12],
        [([3, 2, 6], "those are the tiles of one picture."),
         ([2, 1, 4], "what is left over needs a tile of its own, most of which is masked."),
         ([1, 2, 4], "the pixels of a picture stand in one row: 5 · 14 of them.")],
        "Round up: 5 · 14 pixels and 36 channels in steps of 32.",
    ),
    prediction(
        "15.p5", [6, 12],
        [([3, 6], "then each holds the sum of one piece: the pieces must go around once more."),
         ([6, 48], "in a round a process sends one piece of its vector, not all of it."),
         ([6, 6], "a piece has two numbers: eight in four pieces."),
         ([3, 24], "that is everything to everyone: what does a ring send in a round?")],
        "p − 1 rounds add up, p − 1 more hand the sums around; in each a process sends one of p pieces.",
    ),
]  # fmt: skip
