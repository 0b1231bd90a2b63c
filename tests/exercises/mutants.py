"""A generator of wrong answers: a solution whose source, arguments or result is changed in one place."""

import ast
import copy

import numpy as np
import torch

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
             ast.Pow: ast.Mult, ast.Mod: ast.FloorDiv}  # fmt: skip
QUESTIONS = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
             ast.NotIn: ast.In, ast.In: ast.NotIn}  # fmt: skip
WORDS = {"max": "min", "min": "max", "amax": "amin", "mean": "sum", "sum": "mean", "train": "eval", "eval": "train",
         "zeros": "ones", "ones": "zeros", "all": "any", "any": "all", "max_pool2d": "avg_pool2d", "exp": "exp2",
         "MaxPool2d": "AvgPool2d", "ReLU": "Tanh", "ceil": "floor", "shape": "shape[::-1]"}  # fmt: skip


def changes(node):
    """Yield each node that may stand in this one's place in a wrong answer."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        if isinstance(node.op, ast.FloorDiv):  # rounds up
            yield ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), node.left), node.op, node.right))
        yield from (node.left, node.right)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in QUESTIONS:
        yield ast.Compare(node.left, [QUESTIONS[type(node.ops[0])](), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (ast.Constant(value) for value in (node.value + 1, node.value - 1, -node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, (ast.UnaryOp, ast.Starred)):
        yield node.operand if isinstance(node, ast.UnaryOp) else node.value
    elif isinstance(node, ast.Attribute) and node.attr in WORDS:
        yield ast.Attribute(node.value, WORDS[node.attr], node.ctx)
    elif isinstance(node, ast.Call):
        yield from called(node)
    elif isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        yield type(node)([node.elts[1], node.elts[0], *node.elts[2:]], node.ctx)
    elif isinstance(node, (ast.If, ast.IfExp)):
        yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, (ast.Expr, ast.AugAssign)):
        yield ast.Pass()
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], 0)


def called(node):
    """Yield what a wrong answer may write for a call: without it, an argument, or with two arguments exchanged."""
    if isinstance(node.func, ast.Attribute):
        yield node.func.value
    if node.keywords:
        yield ast.Call(node.func, node.args, node.keywords[:-1])
    if len(node.args) > 1:
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    if len(node.args) == 1 and not isinstance(node.args[0], ast.GeneratorExp):
        yield node.args[0]


def sources(source):
    """Yield (where, source) for each change of one node of a solution."""
    tree = ast.parse(source)
    for i, node in enumerate(list(ast.walk(tree))):
        for new in changes(node):
            other = copy.deepcopy(tree)
            place = list(ast.walk(other))[i]
            for parent in ast.walk(other):
                for name, value in ast.iter_fields(parent):
                    if value is place:
                        setattr(parent, name, new)
                    elif isinstance(value, list) and any(part is place for part in value):
                        value[[part is place for part in value].index(True)] = new
            try:
                yield "source", ast.unparse(ast.fix_missing_locations(other))
            except (AttributeError, ValueError):
                continue


def shifted(value, by=1, axis=-1):
    return np.roll(value, by, axis) if isinstance(value, np.ndarray) else value.roll(by, axis)


ONE = {  # of a number or a tensor; what cannot be done to a number is an error, and no answer
    "off by one": lambda v: v + 1, "one less": lambda v: v - 1, "negated": lambda v: -v, "abs": abs,
    "doubled": lambda v: 2 * v, "scaled": lambda v: 1.1 * v, "halved": lambda v: v / 2, "rounded": lambda v: v // 1,
    "rounded up": lambda v: -(-v // 1), "a square": lambda v: v * v, "nothing": lambda v: 0 * v,
    "complex": lambda v: v + 1j, "transposed": lambda v: v.swapaxes(-1, -2), "turned": lambda v: v[::-1] + 0
    if isinstance(v, np.ndarray) else v.flip(0), "shifted": shifted, "shifted back": lambda v: shifted(v, -1),
    "shifted down": lambda v: shifted(v, 1, 0), "first only": lambda v: 0 * v + v[:1], "last only": lambda v: 0 * v
    + v[-1:], "first column": lambda v: 0 * v + v[..., :1], "one row": lambda v: v[:1], "an axis more":
    lambda v: v[None], "an axis less": lambda v: v[0], "no negative": lambda v: v * (v > 0), "sorted": lambda v:
    np.sort(v) if isinstance(v, np.ndarray) else v.sort().values, "the mean": lambda v: 0 * v + v.mean(),
}  # fmt: skip


MANY = {"reversed": lambda v: v[::-1], "shorter": lambda v: v[:-1], "longer": lambda v: v + v[-1:],
        "first for all": lambda v: v[:1] * len(v), "last for all": lambda v: v[-1:] * len(v)}  # fmt: skip


def values(value):
    """Yield (how, value) for each wrong value near this one: a number, a tensor, an array, or a sequence of them."""
    sequence = isinstance(value, (list, tuple))
    for how, change in (MANY if sequence else ONE).items():
        try:
            yield how, change(value)
        except Exception:  # what cannot be changed so is no answer
            continue
    for i, part in enumerate(value if sequence else ()):
        kind = type(value)
        yield from ((f"{how} at {i}", kind([*value[:i], new, *value[i + 1:]])) for how, new in values(part))


def results(function):
    """Yield (how, function) for each way to change what a function returns; a constant too."""

    def changed(change):
        return lambda *args: change(function(*args))

    def at(i, change):
        def call(*args):
            value = function(*args)
            return type(value)([*value[:i], change(value[i]), *value[i + 1:]])

        return call

    first = []

    def constant(*args):
        first.append(function(*args))
        return first[0]

    yield "constant", constant
    yield from ((how, changed(change)) for how, change in [*ONE.items(), *MANY.items()])
    yield from ((f"{how} at {i}", at(i, change)) for how, change in ONE.items() for i in (0, 1, -1))


ARGUMENT = {"one more": lambda v: v + 1, "one less": lambda v: v - 1, "without sign": abs, "negated": lambda v: -v,
            "transposed": lambda v: v.swapaxes(-1, -2), "no negative": lambda v: v * (v > 0),
            "first of the batch": lambda v: 0 * v + v[:1], "turned": lambda v: v.flip(-1),
            "reversed": lambda v: v[::-1], "shorter": lambda v: v[:-1]}  # fmt: skip


def arguments(function, count):
    """Yield (how, function) for each argument that is changed, exchanged with its neighbour, or held at its first."""

    def changed(i, change):
        def call(*args):
            return function(*args[:i], change(args[i]), *args[i + 1:])

        return call

    def held(i):
        first = []

        def hold(value):
            first.append(value)
            return first[0]

        return changed(i, hold)

    def exchanged(i):
        return lambda *args: function(*args[:i], *args[i:i + 2][::-1], *args[i + 2:])

    for i in range(count):
        yield f"argument {i} held", held(i)
        yield from ((f"argument {i} {how}", changed(i, change)) for how, change in ARGUMENT.items())
    yield from ((f"arguments {i} and {i + 1} exchanged", exchanged(i)) for i in range(count - 1))


def alike(a, b, rtol=1e-3):
    """Return whether two results are the same, to a tolerance ten times that of the checks."""
    if isinstance(a, (str, type(None))) or isinstance(b, (str, type(None))):
        return type(a) is type(b) and a == b
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(alike(x, y, rtol) for x, y in zip(a, b, strict=True))
    try:
        a, b = (torch.as_tensor(value).detach() for value in (a, b))
        a, b = (value.to(torch.complex128) for value in (a, b))
    except (TypeError, ValueError, RuntimeError):
        return False
    return a.shape == b.shape and torch.allclose(a, b, atol=rtol / 10, rtol=rtol, equal_nan=True)
