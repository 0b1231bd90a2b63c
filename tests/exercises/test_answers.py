"""Right answers in every form pass; wrong answers that once passed, or drew a misleading advice, draw their own."""

import numpy as np
import pytest
import torch

from helpers import check
from helpers.exercises import find

from .test_exercises import IDS, evaluate

SHAPES = {"00.2": (256, 1, 28, 28), "02.1": (24, 18), "03.1": (55, 39), "03.2": (2, 6), "05.1": (8, 64, 56, 56),
          "06.1": (5120, 75), "09.1": (19, 512, 5, 5), "11.1": (480, 388_736), "12.1": (128, 128),
          "12.2": (18.0, 0.5)}  # fmt: skip
FORMS = {"list": list, "array": np.array, "tensor": torch.tensor, "floats": lambda v: tuple(map(float, v)),
         "NumPy integers": lambda v: tuple(np.float64(x) for x in v), "0-d tensors": lambda v: [*torch.tensor(v)],
         "float tensor": lambda v: torch.tensor(v).double()}  # fmt: skip
PAIRS = ("01.2", "03.3", "03.6", "04.2", "07.1", "07.7", "13.2", "14.5")  # functions that return a few numbers
NUMBERS = ("00.1", "07.2", "08.2", "10.1", "10.2", "15.2")


def solved(id):
    return evaluate(find(id).solution, find(id).name)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("id", SHAPES)
def test_a_right_shape_passes_in_every_form(id, form):
    assert check(id, FORMS[form](SHAPES[id])).passed, check(id, FORMS[form](SHAPES[id]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("id", PAIRS)
def test_a_right_function_passes_in_every_form(id, form):
    function = solved(id)
    verdict = check(id, lambda *args: FORMS[form](function(*args)))
    assert verdict.passed, verdict


@pytest.mark.parametrize("form", [float, np.float64, torch.tensor, np.array, lambda v: torch.tensor(float(v)).double()])
@pytest.mark.parametrize("id", NUMBERS)
def test_a_right_number_passes_in_every_form(id, form):
    assert check(id, form(solved(id))).passed, check(id, form(solved(id)))


def test_three_shapes_pass_in_every_form():
    weight, bias, output = (32, 16, 3, 5), (32,), (8, 32, 18, 26)
    for form in (list, np.array, torch.tensor, torch.Size):
        assert check("04.1", [form(weight), form(bias), form(output)]).passed
        assert check("04.1", (form(weight), 32, form(output))).passed


PRE = """
class PreActivation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        {first}
        {second}
        self.one, self.two = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, X):
        return X + self.conv2(self.{norm}(self.conv1(self.one(X).relu())).relu())
"""
CONV = "self.conv{} = nn.Conv2d(channels, channels, 3, padding=1)"


def test_the_order_in_which_layers_are_defined_does_not_matter():
    source = PRE.format(first=CONV.format(2), second=CONV.format(1), norm="two")
    verdict = check("13.5", evaluate(source, "PreActivation"))
    assert verdict.passed, verdict


def changed(id, *changes):
    """Return an exercise's solution with some words exchanged, each of which must be there."""
    source = find(id).solution
    for old, new in changes:
        assert old in source, f"{id}: {old}"
        source = source.replace(old, new)
    return source


SOFTMAX = """
def softmax(logits, temperature):
    s = logits / temperature
    p = (s - {}).exp()
    return p / p.sum(1, keepdim=True)
"""
ERASE = changed("08.5", ("    Y = X", "    torch.manual_seed(0)\n    Y = X"))
WRONG = [
    ("01.1", "def training_gigabytes(i, h, copies=3):\n    return 36e6 * 100 * 4 * copies / 1e9", "but should be"),
    ("01.1", "def training_gigabytes(i, h, copies=3):\n    return 43.2", "whatever the arguments say"),
    ("01.2", "def free_numbers(n, delta):\n    return 5**4, 9**2, 5**2", "free_numbers(6, 1)"),
    ("01.2", "def free_numbers(n, delta):\n    return n**4, (2 * n - 1)**2, (2 * 2 + 1)**2", "differs at (2,)"),
    ("01.4", "def sum_of_dice(p, q):\n    return p * q", "sum_of_dice(p, q), with p of shape (3,) and q of shape (4,), "
     "stops with RuntimeError: The size of tensor a (3) must match the size of tensor b (4)"),
    ("01.5", changed("01.5", ("steps, -1", "2, -1")), "use `steps`"),
    ("01.5", changed("01.5", (".max()", ".mean()")), "the largest is asked for"),
    ("01.6", changed("01.6", ("linear.weight.reshape(layer.weight.shape)", "linear.weight.reshape(-1, height, "
     "width, channels).permute(0, 3, 1, 2)")), "in another order"),
    ("01.6", changed("01.6", ("(height, width))", "(height, width), bias=False)"),
                     ("        layer.bias.copy_(linear.bias)\n", "")), "the bias is missing"),
    ("01.6", changed("01.6", ("    with torch.no_grad():\n        layer.weight", "    layer.weight"),
                     ("        layer.bias", "    layer.bias")), "inside `with torch.no_grad():`"),
    ("02.5", "def corr2d_taps(X, K):\n    return F.conv2d(X[None, None], K[None, None])[0, 0]", "conv2d does the work"),
    ("02.5", "def corr2d_taps(X, K):\n    return corr2d(X, K)", "corr2d does the work"),
    ("02.6", changed("02.6", ("K.clone().requires_grad_()", "K.requires_grad_()"), ("(K - lr * K.grad).detach()",
     "(K - lr * K.grad).detach()")), "switches on the gradient of K itself"),
    ("03.3", "def same_padding(k, d):\n    return -1, d * (k - 1) + 1", "negative number of columns"),
    ("04.4", "def mix(X, W):\n    return (X.permute(0, 2, 3, 1) @ W.T).permute(0, 3, 1, 2).abs()", "differs at"),
    ("04.4", "def mix(X, W):\n    return torch.einsum('oi, nihw -> nohw', W[:6], X.reshape(2, 3, 4, 5))", "stops with"),
    ("04.4", "def mix(X, W):\n    return nn.Conv2d(3, 6, 1)(X)", "without a convolution function"),
    ("04.4", "def mix(X, W):\n    return torch.stack([corr2d_multi_in_out(x, W[:, :, None, None]) for x in X])",
     "without a convolution function"),
    ("04.4", "def mix(X, W):\n    return X @ W.T", "mix(X, W), with X of shape (2, 3, 4, 5) and W of shape (6, 3), "
     "stops with RuntimeError: mat1 and mat2 shapes cannot be multiplied (24x5 and 3x6). In A @ B the last axis of A"),
    ("05.3", changed("05.3", ("-np.inf", "-1e10")), "padding has won a maximum"),
    ("05.3", changed("05.3", ("(axis=(-2, -1))", "(axis=(-2, -1)).clip(0)")), "differs at"),
    ("05.5", changed("05.5", ('self.register_buffer("weight", weight)', "self.kept = [weight]"),
                     ("self.weight", "self.kept[0]"), ("len(self.kept[0])", "len(self.kept[0])")), "register_buffer"),
    ("05.5", changed("05.5", ("F.conv2d(F", "(w := (torch.tensor([1., 2, 1]).outer(torch.tensor([1., 2, 1])) / 16)"
     ".repeat(X.shape[1], 1, 1, 1).to(X.dtype)) is None or F.conv2d(F"), ("self.weight, ", "w, "),
     ("len(self.weight)", "len(w)")), "register_buffer"),
    ("06.3", "def put_back(col, shape, k, stride=1, pad=0):\n    def fold(col):\n        col = torch.tensor(col)"
     ".reshape(shape[0], -1, col.shape[1]).mT\n        return F.fold(col, shape[2:], k, stride=stride, padding=pad)\n"
     "    return fold(col) / fold(np.ones_like(col)).clamp(min=1)", "average the copies"),
    ("06.3", changed("06.3", ("] += col[:, :, a, b]", "] = np.maximum(col[:, :, a, b], 0)")), "differs at"),
    ("06.5", "def average_backward(dout, k):\n    N, C, H, W = dout.shape\n    dx = np.zeros((N, C, k * H, k * W))\n"
     "    dx[:, :, ::k, ::k] = dout\n    return dx", "one pixel gets all"),
    ("06.6", changed("06.6", ("np.ndindex(x.shape)", "np.ndindex(x.shape[0], x.shape[1])")), "stops with IndexError"),
    ("06.6", changed("06.6", ("    numerical = np", "    h = 1e-5\n    numerical = np")), "the step that is given"),
    ("06.6", "def gradient_error(f, x, gradient, h=1e-5):\n    return 0.0", "but should be"),
    ("07.1", "def sides(n):\n    h = round(n / 2)\n    return n, h, h - 4, round((h - 4) / 2)", "goes up or down"),
    ("07.1", "def sides(n):\n    h = -(-n // 2)\n    return n, h, h - 4, -(-(h - 4) // 2)", "round down"),
    ("07.1", "def sides(n):\n    return n", "a tuple of four numbers"),
    ("07.3", "def top_k_accuracy(logits, y, k):\n    return 0.25", "but should be"),
    ("07.3", "def top_k_accuracy(logits, y, k):\n    return 1.0", "but should be"),
    ("07.5", SOFTMAX.format("s.max()"), "away from that row"),
    ("07.5", SOFTMAX.format("s.min(1, keepdim=True).values"), "away from that row"),
    ("07.5", SOFTMAX.format("s.mean(1, keepdim=True)"), "away from that row"),
    ("07.7", changed("07.7", ("(a.mean() - b.mean())", "(a.mean() - b.mean()).abs()")), "keep its sign"),
    ("08.1", "def first_dense(n):\n    return 123.0", "Follow the side"),
    ("08.1", "def first_dense(n):\n    return 26_214_400", "whatever n is"),
    ("08.3", "def channel_dropout(X, p):\n    torch.manual_seed(0)\n    kept = torch.rand(X.shape[:2]) >= p\n"
     "    return X * kept[:, :, None, None] / (1 - p)", "set no seed inside"),
    ("08.3", "def channel_dropout(X, p):\n    return X / (1 - p)", "nothing is dropped"),
    ("08.3", "def channel_dropout(X, p):\n    return 0 * X", "100% of the channels"),
    ("08.5", ERASE, "set no seed inside"),
    ("08.5", changed("08.5", (":, top:top + size, left:left + size", ":, top:top + size + 1, left:left + size")),
     "are lost"),
    ("09.2", changed("09.2", ("side // 2", "side / 2")), "vgg_params"),
    ("09.3", changed("09.3", ("nn.MaxPool2d(2)", "nn.MaxPool2d(2, ceil_mode=True)")), "rounds up"),
    ("09.5", "def to_grey(conv):\n    out = conv.out_channels\n"
     "    grey = nn.Conv2d(1, out, conv.kernel_size, conv.stride, conv.padding)\n"
     "    with torch.no_grad():\n        grey.weight.copy_(conv.weight.sum(1, keepdim=True))\n"
     "        grey.bias.copy_(conv.bias if conv.bias is not None else torch.zeros(out))\n    return grey",
     "bias=False"),
    ("09.5", changed("09.5", ("conv.bias is not None\n", "False\n"), ("    return grey", "    conv.bias = None\n    "
     "return grey")), "has changed `conv`"),
    ("10.5", "def dead_classes(logits):\n    return (logits.amax(0) == 0).sum()", "look at those below 0"),
    ("10.5", "def dead_classes(logits):\n    return (logits.median(0).values == 0).sum()", "you count 9"),
    ("10.5", "def dead_classes(logits):\n    return (logits.abs().amax(0) < 1e-4).sum()", "is not 0"),
    ("10.5", "def dead_classes(logits):\n    return (logits[0] == 0).logical_and(logits[-1] == 0).sum()", "you count"),
    ("11.4", changed("11.4", ("self.conv(X).relu()", "self.conv(X).abs()")), "lost their sign"),
    ("11.4", changed("11.4", ("channels, 3,", "channels, 3, dilation=1,"), ("self.conv(X).relu()",
     "self.pool(X).mean(1, keepdim=True).relu().repeat(1, 7, 1, 1)")), "of the convolution's channels"),
    ("11.4", changed("11.4", ("self.conv(X).relu()", "self.conv(X).sigmoid()")), "differs at"),
    ("11.4", changed("11.4", ("channels, 3,", "channels, 5, padding=1,")), "one 3×3 convolution"),
    ("11.4", changed("11.4", ("channels, 3,", "channels, 1,"), ("self.conv(X).relu()",
     "self.conv(X)[:, :, :4, :5].relu()")), "one 3×3 convolution"),
    ("12.3", "def catch_up(momentum):\n    return 3", "the running mean is 0.271"),
    ("12.3", "def catch_up(momentum):\n    return math.ceil(math.log(0.9) / math.log(1 - momentum))", "not to 0.9"),
    ("12.4", changed("12.4", ("var + eps", "var + 1e-5")), "always a tiny one"),
    ("13.1", "def depth(blocks, convolutions):\n    return convolutions * sum(blocks) + 5 + (convolutions == 3)",
     "do not count"),
    ("13.1", "def depth(blocks, convolutions):\n    return 16", "but should be"),
    ("13.1", "def depth(blocks, convolutions):\n    return '18'", "should be a number, but is text"),
    ("13.5", PRE.format(first=CONV.format(1), second=CONV.format(2), norm="one").replace(
     "self.one, self.two = nn.BatchNorm2d(channels), ", "self.one = "),
     "one batch norm stands in two places"),
    ("13.6", "def new_head(net, num_classes):\n    for m in net.modules():\n        if hasattr(m, 'running_mean'):\n"
     "            m.reset_running_stats()\n    net.requires_grad_(False)\n"
     "    net[-1] = nn.Linear(net[-1].in_features, num_classes)\n    return net", "running statistics"),
    ("14.4", changed("14.4", ("centred @ Vh[:2].T", "(centred @ Vh[:2].T).abs()")), "lost their sign"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "source", "words"), WRONG, ids=[f"{id}-{words}" for id, _, words in WRONG])
def test_a_wrong_answer_that_once_passed_draws_its_advice(id, source, words):
    verdict = check(id, evaluate(source, find(id).name))
    assert verdict.passed is False and words in verdict.advice, f"{verdict}\n{source}"


def test_a_frozen_parameter_moves_with_its_layer_and_has_nothing_to_learn():
    kept = ('self.register_buffer("weight", weight)', "self.weight = nn.Parameter(weight, requires_grad=False)")
    verdict = check("05.5", evaluate(changed("05.5", kept), "MaxBlurPool"))
    assert verdict.passed, verdict


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("id", [id for id in IDS if ".p" in id])
def test_a_right_guess_passes_in_every_form(id, form):
    assert check(id, FORMS[form](solved(id))).passed, check(id, FORMS[form](solved(id)))


@pytest.mark.parametrize(("id", "guess"), [("11.p2", [2.704, 7.508]), ("07.p3", 2.30), ("01.p1", [[3.6, 43.2]]),
                                           ("06.p2", 27), ("14.p3", np.array(2))])  # fmt: skip
def test_a_guess_may_be_rounded_or_not_and_one_number_needs_no_brackets(id, guess):
    assert check(id, guess).passed, check(id, guess)


def test_a_direction_may_be_turned():
    right = solved("14.4")
    for signs in ([-1, 1], [1, -1], [-1, -1]):
        assert check("14.4", lambda rows, signs=signs: right(rows) * torch.tensor(signs)).passed
