"""Exercises of notebook 09, VGG. Their checks are in `checks_09.py`."""

from .checks_09 import check_batch, check_block, check_grey, check_params, check_shape
from .core import Exercise, prediction


def params(rest="c * (9 * c + 1) * (n - 1)", pixels="side * side", bias="1", second="hidden * (hidden + 1)",
           first="in_channels", out="num_classes"):  # fmt: skip
    """Return the source of a vgg_params that counts its parts in this way."""
    return f"""
def vgg_params(architecture, in_channels, num_classes, image_size, hidden):
    total, before, side = 0, {first}, image_size
    for n, c in architecture:
        total += c * (9 * before + {bias}) + {rest}
        before, side = c, side // 2
    total += hidden * (before * {pixels} + {bias}) + {second}
    return total + {out} * (hidden + {bias})
"""


def block(layers="nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()", last="[nn.MaxPool2d(2)]", then="o"):
    """Return the source of a vgg_block_bn with these layers."""
    return f"""
def vgg_block_bn(num_convs, in_channels, out_channels):
    layers, i, o = [], in_channels, out_channels
    for _ in range(num_convs):
        layers += [{layers}]
        i = {then}
    return nn.Sequential(*layers, *{last})
"""


def to_grey(weight="conv.weight.sum(1, keepdim=True)", bias="conv.bias", stride="conv.stride", pad="conv.padding"):
    """Return the source of a to_grey that makes its weight and bias in this way."""
    return f"""
def to_grey(conv):
    bias = conv.bias is not None
    grey = nn.Conv2d(1, conv.out_channels, conv.kernel_size, {stride}, {pad}, bias=bias)
    with torch.no_grad():
        grey.weight.copy_({weight})
        if bias:
            grey.bias.copy_({bias})
    return grey
"""


def batch(formula):
    """Return the source of a largest_batch that computes this formula, but no less than 0."""
    return f"def largest_batch(params, activation_bytes, memory):\n    return max(0, {formula})"


EXERCISES = [
    Exercise(
        id="09.1", name="answer", check=check_shape,
        hints=("Weights are in convolutions and dense layers; pooling, ReLU and dropout have none.",
               "2 + 2 + 4 + 4 + 4 + 3 layers; five halvings of 160: 80, 40, 20, …"),
        solution="answer = (19, 512, 5, 5)",
        wrong={
            "answer = (16, 512, 5, 5)": "three dense layers", "answer = (24, 512, 5, 5)": "poolings",
            "answer = (19, 512, 7, 7)": "224 pixels", "answer = (19, 512, 10, 10)": "five blocks",
            "answer = (8, 512, 5, 5)": "weights of its own", "answer = (19, 64, 5, 5)": "512 channels"},
    ),
    Exercise(
        id="09.2", name="vgg_params", check=check_params,
        hints=("A convolution has c_o·(9·c_i + 1) parameters, a dense layer m·(n + 1). Walk through the blocks, and "
               "keep the channels and the side that reach the next one.",
               "Within a block the first convolution reads the channels before it, the others read its own; the first "
               "dense layer reads channels · side · side numbers."),
        solution=params(),
        wrong={
            params("c * 9 * c * (n - 1)", bias="0", second="hidden * hidden"): "without biases",
            params("0"): "after the first are missing", params(pixels="1"): "every pixel",
            params(second="0"): "second dense layer", params("c * (9 * before + 1) * (n - 1)"): "what came before",
            params(pixels="image_size**2"): "each block halves", params(pixels="49"): "another number",
            params(first="1"): "reads in_channels", params(out="10"): "what came before",
            params().replace("side // 2", "side / 2"): "no half pixel",
            params(out="0"): "the output layer", params(pixels="image_size"): "what came before",
        },
    ),
    Exercise(
        id="09.3", name="vgg_block_bn", check=check_block,
        hints=("Take `vgg_block` and put one more layer into its list.",
               "`nn.BatchNorm2d` wants the number of channels that come out of the convolution."),
        solution=block(),
        wrong={
            block("nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(o)"): "behind the ReLU",
            block("nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(i), nn.ReLU()"): "as its convolution out_channels",
            block(last="[]"): "pooling at the end",
            block("nn.Conv2d(i, o, 3), nn.BatchNorm2d(o), nn.ReLU()"): "keeps the size",
            block("nn.Conv2d(i, o, 3, 1, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)", "[]"): "a block has one",
            block(then="i"): "out_channels of the first", block(last="[nn.MaxPool2d(3, 2, 1)]"): "of 2×2",
            block("nn.Conv2d(i, o, 5, padding=2), nn.BatchNorm2d(o), nn.ReLU()"): "are 3×3",
            block().replace("range(num_convs)", "range(2)"): "ten layers",
            block(last="[nn.AvgPool2d(2)]"): "then one MaxPool2d",
        },
    ),
    Exercise(
        id="09.4", name="largest_batch", check=check_batch,
        hints=("Take away from the memory what is there once; the rest is divided among the pictures.",
               "`//` rounds down, also below 0: take the maximum with 0."),
        solution=batch("(memory - 8 * params) // activation_bytes"),
        wrong={
            batch("(memory - 4 * params) // activation_bytes"): "gradients",
            batch("(memory - 2 * params) // activation_bytes"): "four bytes",
            batch("memory // activation_bytes"): "take memory, too",
            batch("round((memory - 8 * params) / activation_bytes)"): "round down",
            batch("memory // (activation_bytes + 8 * params)"): "once per picture",
            batch("(memory - 8 * params) // activation_bytes").replace("max(0, ", "("): "is 0",
            batch("(memory - 8 * params) / activation_bytes"): "round down",
            batch("-((8 * params - memory) // activation_bytes)"): "round down",
            batch("(memory - 8 * params - 1) // activation_bytes"): "last byte",
            batch("(memory - 8 * params) // (4 * activation_bytes)"): "What is there once takes 400 bytes",
            batch("(memory - 16 * params) // activation_bytes"): "nothing is counted for an optimiser",
            batch("memory - 8 * params // activation_bytes"): "in brackets",
            batch("memory // activation_bytes - 8 * params"): "first subtract",
            batch("(memory - 8 * params) // activation_bytes + 1"): "one picture too many",
        },
    ),
    Exercise(
        id="09.5", name="to_grey", check=check_grey,
        hints=("In all three channels stands the same X: w_1·X + w_2·X + w_3·X = (w_1 + w_2 + w_3)·X.",
               "Make an nn.Conv2d with the same kernel_size, stride, padding and bias; in `torch.no_grad()` copy "
               "`conv.weight.sum(dim=1, keepdim=True)` and the bias."),
        solution=to_grey(),
        wrong={
            to_grey("conv.weight.mean(dim=1, keepdim=True)"): "their products add up",
            to_grey("conv.weight[:, :1]"): "differs at", to_grey(bias="0 * conv.bias"): "all but the bias",
            to_grey(bias="3 * conv.bias"): "as it is, once", to_grey(stride="1"): "stride and padding",
            to_grey(pad="0"): "stride and padding", to_grey().replace("if bias", "if True"): "its `bias` is None",
            to_grey().replace("bias=bias", "bias=True"): "none, bias=False",
            "def to_grey(conv):\n    return conv": "in_channels=1",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "09.p1", [448, 2320],
        [([448, 448], "the second convolution reads what the first has written: 16 channels, not 3."),
         ([432, 2304], "those are the weights: each of the 16 output channels has a bias as well."),
         ([448, 464], "the second convolution reads 16 channels: each of its 16 kernels has a slice for every one."),
         ([48, 256], "each kernel has 3×3 weights for every channel that it reads.")],
        "A convolution has c_o kernels of c_i·3·3 weights, and one bias for each kernel.",
    ),
    prediction(
        "09.p2", [4, 1],
        [([2, 1], "a convolution from c to c channels has 9c² weights: both ends double."),
         ([4, 2], "each weight is used once at each place, and there are a quarter of the places."),
         ([4, 4], "four times the weights, but a quarter of the places at which they are used."),
         ([2, 0.5], "a convolution from c to c channels has 9c² weights: both ends double."),
         ([1, 1], "a kernel has a slice for each channel it reads, and each channel it writes has a kernel.")],
        "9·c·c weights, each used at m·m places: put 2c for c, and m/2 for m.",
    ),
    prediction(
        "09.p3", [112, 56, 28, 14, 7],
        [([224, 112, 56, 28, 14], "the pooling at the end of the first block halves, too."),
         ([111, 54, 26, 12, 5], "the convolutions have padding 1 and keep the size: only the poolings change it."),
         ([64, 128, 256, 512, 512], "those are the channels; the sides of the maps are asked for.")],
        "Inside a block nothing changes the size; its pooling halves it.",
    ),
    prediction(
        "09.p4", [0, 1],
        [([1, 1], "the eight layers are small beside the first dense one: that is where most parameters are."),
         ([1, 0], "turn both round: where are the parameters, and where is the work?"),
         ([0, 0], "each further convolution works at every place of its maps.")],
        "1 for yes, 0 for no. The eight new layers are convolutions.",
    ),
    prediction(
        "09.p5", [6, 1],
        [([5, 1], "block 5 has 512 channels, but one dense layer behind it reads all of its 25,088 numbers."),
         ([6, 6], "a dense layer hands on 4,096 numbers; how many are 64 maps of 224×224?"),
         ([6, 5], "512 maps of 14×14 are fewer numbers than 64 maps of 224×224."),
         ([1, 6], "turn both round: early maps are large, late kernels are many.")],
        "Each doubling of the channels gives four times the weights and half the numbers in the maps.",
    ),
    prediction(
        "09.p6", [27, 49],
        [([9, 49], "that is one of the three layers."),
         ([27, 21], "the kernel has 7 weights in each of 7 rows."),
         ([18, 25], "that is a pair of 3×3 and one 5×5."),
         ([729, 49], "the layers stand one behind the other: their weights add up.")],
        "A k×k convolution from c to c channels has k²·c² weights.",
    ),
]  # fmt: skip
