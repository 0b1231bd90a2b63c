"""Exercises of notebook 16, your own pictures."""

import torch
from torch import nn

from .compare import advice_on, compare, kind_of, number, numbers, shown
from .core import Exercise, prediction, table

GROUPS = (["a", "b", "a", "c", "b", "c"], ["c"]), (["x"] * 3 + ["y"], ["y"]), (list("abcabcd"), {"a", "d"})


def check_divide(answer):
    """Two lists of row numbers: those whose group is not held back, and those whose group is."""
    for groups, held in GROUPS:
        want = [[i for i, group in enumerate(groups) if (group in held) == test] for test in (False, True)]
        given = answer(list(groups), type(held)(held))
        said = f"divide({groups}, {sorted(held)})"
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            return f"{said} should be two lists of numbers, (train, test), but is {shown(given)}."
        if any(group in part for part in given if isinstance(part, (list, tuple)) for group in groups):
            return f"{said}: return the numbers of the pictures, counted from 0, not their groups."
        parts = [numbers(part) for part in given]
        if None in parts:
            return f"{said} should be two lists of numbers, but one of them is {kind_of(given[parts.index(None)])}."
        parts = [list(part) for part in parts]
        if parts == want:
            continue
        if parts == want[::-1]:
            return f"{said}: the first list is to train on; the groups in `held` are tested on."
        if [sorted(part) for part in parts] == want:
            return f"{said}: the right pictures, but not in order: each list goes upwards."
        if parts == [[i + 1 for i in part] for part in want]:
            return f"{said}: pictures are counted from 0, not from 1."
        if not parts[1]:
            return f"{said}: no picture is tested on: is each picture's group, `groups[i]`, among the held ones?"
        if sorted(parts[0] + parts[1]) != list(range(len(groups))):
            return f"{said}: each picture must be in one of the lists, and in one only."
        return f"{said}: pictures of one group are in both lists, or in the wrong one."
    return None


ONE = 0.8 * 0.2  # how far one answer scatters that is right with a probability of 0.8, squared
ADVICE_SCATTER = (
    ((ONE / 60) ** 0.5, "that counts photos: those of one walk are right or wrong together, so count walks."),
    ((ONE / 5) ** 0.5, "that counts the photos of one walk: how many walks are there?"),
    (ONE / 12, "that is the variance: take the square root."),
    (ONE**0.5, "that is how one walk scatters: the mean of 12 scatters less."),
    (ONE**0.5 / 12, "the mean of n scatters by the square root of n less, not by n."),
    (100 * (ONE / 12) ** 0.5, "as a share: between 0 and 1."),
    (0.8 / 12**0.5, "a walk that is right with probability p scatters by the square root of p(1 - p)."),
)


def check_scatter(answer):
    """By how much an accuracy of 0.8 scatters that was measured on 12 walks."""
    advice = advice_on(answer, ADVICE_SCATTER, atol=5e-4, rtol=5e-3)
    return advice or compare(answer, (ONE / 12) ** 0.5, "the scatter", atol=5e-3)


def check_baseline(answer):
    """The share of the test labels that are the commonest class of the training labels."""
    lists = (([0, 1, 1, 2], [1, 1, 0, 2, 2]), ([2, 2, 0], [2, 1, 0, 0]), ([0, 0, 1], [1, 1, 1, 1]),
             ([1, 0, 0, 1, 1], [1, 3]))  # fmt: skip
    cases = [tuple(map(torch.tensor, case)) for case in lists]

    def share(train, test):
        return (test == train.bincount().argmax()).float().mean().item()

    known = (
        (lambda train, test: share(test, test), "that takes the commonest class of the test: you may not look there."),
        (lambda train, test: share(train, train), "that counts on the training labels: the test is where it is tried."),
        (lambda train, test: 1 / len(train.unique()), "that is chance among equal classes: here they differ."),
        (lambda train, test: len(test) * share(train, test), "that is how many it gets right: divide by their number."),
        (lambda train, test: train.bincount().argmax().item(), "that is the class itself: how often is it right?"),
    )
    return table(answer, cases, share, known, call=lambda train, test: f"baseline({train.tolist()}, {test.tolist()})")


def parted():
    """Return a net with named children, one of them with children of its own, and a norm."""
    net = nn.Sequential()
    for name, child in (("stem", nn.Conv2d(3, 4, 3)), ("norm", nn.BatchNorm2d(4)), ("flat", nn.Flatten()),
                        ("block", nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 5))),
                        ("classes", nn.Linear(5, 2))):  # fmt: skip
        net.add_module(name, child)
    return net


def check_thaw(answer):
    """The named children learn, nothing else does, whatever was before; their parameters are counted."""
    for names in (["classes"], ["block", "classes"], ["stem", "norm"], []):
        net = parted()
        next(net.children()).requires_grad_(False)
        given = answer(net, list(names))
        for name, child in net.named_children():
            learns = {weight.requires_grad for weight in child.parameters()}
            if learns - {name in names}:
                said = "must learn" if name in names else "must stay as it is"
                return f"thaw(net, {names}): {name} {said}: call `requires_grad_({name in names})` on its parameters."
        want = sum(p.numel() for p in net.parameters() if p.requires_grad)
        tensors = sum(p.requires_grad for p in net.parameters())
        known = ((sum(p.numel() for p in net.parameters()), "those are all parameters of the net."),
                 (tensors, "those are the tensors: count their numbers."))  # fmt: skip
        if want != number(given):
            return advice_on(given, known) or compare(given, want, f"thaw(net, {names})")
    return None


def dividing(train="not in", test="in", each="i"):
    """Return the source of a divide that compares, and collects, in this way."""
    return f"""
def divide(groups, held):
    train = [{each} for i, group in enumerate(groups) if group {train} held]
    test = [{each} for i, group in enumerate(groups) if group {test} held]
    return train, test
"""


def thawing(learns="name in names", count="weight.numel() * (name in names)"):
    """Return the source of a thaw that chooses and counts in this way."""
    return f"""
def thaw(net, names):
    count = 0
    for name, child in net.named_children():
        for weight in child.parameters():
            weight.requires_grad_({learns})
            count += {count}
    return count
"""


def sharing(result):
    """Return the source of a baseline with this result."""
    return f"def baseline(train, test):\n    return {result}"


EXERCISES = [
    Exercise(
        id="16.1", name="divide", check=check_divide,
        hints=("Go through the pictures with `enumerate`: each has a number and a group.",
               "`[i for i, group in enumerate(groups) if group not in held]` are the numbers to train on."),
        solution=dividing(),
        wrong={
            dividing("in", "not in"): "the first list is to train on",
            dividing(each="group"): "not their groups",
            dividing(each="i + 1"): "not from 1",
            dividing().replace("return train, test", "return train[::-1], test"): "not in order",
            dividing().replace("return train, test", "return {*train}, {*test}"): "one of them is a set",
            dividing("!=", "=="): "no picture is tested on",
            dividing().replace("if group", "if i"): "no picture is tested on",
            dividing("not in", "not in"): "each picture must be in one",
            "def divide(groups, held):\n    n = len(groups) - len(held)\n"
            "    return list(range(n)), list(range(n, len(groups)))": "pictures of one group",
            dividing().replace("return train, test", "return train"): "two lists",
        },
    ),
    Exercise(
        id="16.2", name="scatter", check=check_scatter,
        hints=("The lesson does it for 0.9 and 80 areas. What takes the place of the areas?",
               "One walk is right with probability 0.8: it scatters by the root of 0.8 · 0.2. The mean of 12 scatters "
               "by the root of 12 less."),
        solution="scatter = (0.8 * 0.2 / 12) ** 0.5",
        wrong={"scatter = (0.8 * 0.2 / 60) ** 0.5": "count walks", "scatter = (0.8 * 0.2 / 5) ** 0.5": "of one walk",
               "scatter = 0.8 * 0.2 / 12": "the square root", "scatter = (0.8 * 0.2) ** 0.5": "scatters less",
               "scatter = 11.5": "as a share",
               "scatter = (0.8 * 0.2) ** 0.5 / 12": "not by n", "scatter = 0.8 / 12**0.5": "p(1 - p)"},
    ),
    Exercise(
        id="16.3", name="baseline", check=check_baseline,
        hints=("`train.bincount()` counts the pictures of each class, `.argmax()` is the class with the most.",
               "Compare `test` with that class: the mean of the hits is the accuracy."),
        solution=sharing("(test == train.bincount().argmax()).float().mean().item()"),
        wrong={
            sharing("(test == test.bincount().argmax()).float().mean().item()"): "you may not look there",
            sharing("(train == train.bincount().argmax()).float().mean().item()"): "the training labels",
            sharing("1 / len(train.unique())"): "chance among equal classes",
            sharing("(test == train.bincount().argmax()).sum().item()"): "divide by their number",
            sharing("train.bincount().argmax().item()"): "the class itself",
            sharing("train.mode()"): "expected one number",
        },
    ),
    Exercise(
        id="16.4", name="thaw", check=check_thaw,
        hints=("`net.named_children()` gives pairs (name, layer); each layer has `parameters()`.",
               "`weight.requires_grad_(name in names)` for each; add `weight.numel()` where the name is among them."),
        solution=thawing(),
        wrong={
            thawing("True"): "stay as it is",
            thawing("name not in names"): "must",
            thawing(count="weight.numel()"): "all parameters",
            thawing(count="name in names"): "those are the tensors",
            thawing("weight.requires_grad and name in names"): "must learn",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "16.p1", [0, 0.875],
        [([0, 0.5], "that is one of its three siblings: how likely is it that at least one of them is there?"),
         ([0, 87.5], "as a share: between 0 and 1."),
         ([0, 0.125], "that is how likely it is that none of them is there."),
         ([0.5, 0.875], "an area goes as a whole: where are the siblings of its tiles?")],
        "By area all four go together. By coin, one sibling of three is enough.",
    ),
    prediction(
        "16.p2", [650, 12_810],
        [([640, 12_800], "each class has a bias as well."),
         ([650, 1_281_000], "that is the head for 1,000 classes, which is taken off."),
         ([12_810, 650], "turn both round: the small net ends in 64 means.")],
        "A dense layer: a weight for each number it reads and each class, a bias for each class.",
    ),
    prediction(
        "16.p3", [0, 1],
        [([1, 1], "the first program has learned the shapes of its example, batch included."),
         ([0, 0], "in the second, the number of pictures was declared to be free."),
         ([1, 0], "turn both round: which one was told that the number of pictures may change?")],
        "0 or 1 for each program. What was each of them told about its input?",
    ),
]  # fmt: skip
