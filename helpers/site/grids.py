"""Which states of each widget the web edition holds: the grid that its table spans.

A table is as good as the states it has, and as heavy: the pages of the course stay under 3 MB with all that they load.
What a lesson asks of its picture ("What do you see?") is among them, unless it takes training or weights of one's own.
RooflineExplorer has none: what it shows are the times of one machine, and another one, or the same later, has others.
"""

import itertools
import operator
from collections.abc import Callable
from typing import NamedTuple

from . import trained


class Grid(NamedTuple):
    """The states of a widget: all combinations of each of `products`, the other parameters as they are at the start.

    A parameter of `controls` gets a control in the page; those of `by_hand` are set on the picture alone. `names` are
    the labels of parameters that have none in the notebook, or one that says enough only there; `note` is a sentence on
    what the page cannot do. `settle(widget)` is called when the parameters of a state are set, before its picture is
    taken. `photos` says that its tiles are photos, of which some detail may go.
    """

    controls: tuple[str, ...]
    products: tuple[dict, ...]
    by_hand: tuple[str, ...] = ()
    names: dict = {}
    note: str = ""
    settle: Callable = operator.methodcaller("wait")
    photos: bool = False

    def options(self, start):
        """Return {parameter: the values it has in the products, and at the start}."""
        found = {}
        for product in self.products:
            for name, values in product.items():
                found.setdefault(name, {start[name]}).update(values)
        return found

    def settings(self, start):
        """Yield the parameters of each state; the start's own value is among those of every parameter."""
        for product in self.products:
            values = [dict.fromkeys([*options, start[name]]) for name, options in product.items()]
            for chosen in itertools.product(*values):
                yield dict(zip(product, chosen, strict=True))


TRAINS = "Nets are trained in the notebook alone."
WEIGHTS = "Weights are dragged in the notebook alone."
PLAY = "Play is in the notebook alone."


def apart(**options):
    """Return products of one parameter each: it varies, and the others stay."""
    return tuple({name: values} for name, values in options.items())


def places(*steps):
    """Return the places (row, column) with each row and each column among `steps`."""
    return tuple(itertools.product(steps, repeat=2))


def kernel_explorer(widget):
    """On 0…8, bare: each window. On a photo: kernels × windows, other pictures and the other operation."""
    if widget.picture_name == "0…8":
        return Grid(("row", "column"), ({"row": (0, 1), "column": (0, 1)},), note=WEIGHTS)
    rows, columns = (5, 60, 120, 170), (30, 84, 140)
    kernels = ("identity", "mean", "sharpen", "Sobel x", "Sobel y", "Laplacian")
    return Grid(
        ("picture_name", "preset", "operation", "clamp", "row", "column"),
        ({"preset": kernels, "row": rows, "column": columns},
         {"preset": kernels, "clamp": (False, True)},
         {"operation": ("cross-correlation", "convolution"), "preset": ("Sobel x", "Laplacian", "Gaussian")},
         {"picture_name": ("flower", "digit", "0…8")}),
        names={"operation": "operation"}, note=WEIGHTS,
    )  # fmt: skip


def feature_maps(widget):
    """Each layer of the first picture, those with weights for eight, their channels, places in first and last maps."""
    layers = widget.result["layers"]
    weighty = [i for i, layer in enumerate(layers) if layer.kind in ("Conv2d", "Linear")]
    maps = [i for i in weighty if layers[i].output.ndim == 3]
    places = dict.fromkeys(("down", "across"), (0.1, 0.3, 0.7, 0.9))
    return Grid(
        (),
        ({"layer": range(len(layers))}, {"layer": weighty, "index": range(8)},
         {"layer": maps[:2], "channel": range(16)}, {"layer": (maps[0], maps[-1]), **places}),
        by_hand=("index", "layer", "channel", "down", "across"),
    )  # fmt: skip


def look_inside(widget):
    """All layers, what those behind a ReLU say of pictures and units, places; of a long net, a few and nothing slow."""
    layers = widget.result["layers"]
    relus, long = [i for i, layer in enumerate(layers) if layer.kind.startswith("ReLU")], len(layers) > 40
    some = relus[:: max(1, len(relus) // (3 if long else 5))]
    if long:
        products = {"view": ("maps", "Grad-CAM"), "layer": some[1:]}, {"index": range(6)}, {"unit": range(4)}
    else:
        products = (
            {"layer": range(len(layers))}, {"layer": some[:2], "index": range(4)},
            {"view": ("Grad-CAM",), "layer": some}, {"view": ("Grad-CAM",), "layer": some[-1:], "index": range(4)},
            {"view": ("maps", "top pictures"), "layer": some[:2], "unit": range(4)},
            {"view": ("occlusion",), "index": range(3)},
            {"view": ("maps", "occlusion"), "down": (0.15, 0.5, 0.85), "across": (0.15, 0.5, 0.85)},
        )  # fmt: skip
    by_hand = ("index", "layer", "unit") if long else ("index", "layer", "unit", "down", "across")
    return Grid(("view",), products, by_hand=by_hand, photos=len(widget.result["pixels"]) == 3)


AUGMENTATION = Grid(
    ("picture_name", "flip", "shift", "crop", "scale", "rotation", "brightness", "contrast", "saturation", "hue",
     "seed"),
    ({"picture_name": ("china", "flower"), "seed": (0, 1)}, {"picture_name": ("flower",), "hue": ((-0.5, 0.5),)},
     *apart(flip=(0.0, 1.0), shift=(0.2, 0.5), crop=((0.1, 1.0), (0.2, 0.3), (1.0, 1.0)), scale=((0.5, 1.5),),
            rotation=((-20.0, 20.0), (-180.0, 180.0)), brightness=((0.2, 1.8), (1.0, 1.0)),
            contrast=((0.2, 1.8), (1.0, 1.0)), saturation=((0.0, 0.0), (0.0, 2.0)), hue=((-0.1, 0.1), (-0.5, 0.5)),
            seed=range(6))),
    names={"picture_name": "photo"}, note="Several ranges at once are in the notebook alone.", photos=True,
)  # fmt: skip
BATCH_NORM = Grid(
    ("mode", "seen", "batch_size", "momentum", "shift", "scale", "gamma", "beta"),
    ({"mode": ("train", "eval"), "seen": (0, 1, 2, 5, 10, 22, 44, 60), "batch_size": (1, 2, 4, 64)},
     {"batch_size": (4,), "momentum": (0.0, 1.0), "seen": (1, 2, 5, 60)},
     {"mode": ("eval",), "momentum": (0.5,), "seen": (0, 4, 7)},
     {"mode": ("eval",), "seen": (0,), "shift": (-4.0, 3.0)},
     {"mode": ("train", "eval"), "shift": (-4.0, -2.0, 0.0, 3.0), "scale": (0.25, 1.0, 2.0)},
     {"gamma": (-2.0, -1.0, 0.0, 0.5, 1.0, 2.0), "beta": (-3.0, -1.0, 0.0, 1.0, 3.0)},
     {"momentum": (0.0, 0.05, 0.1, 0.5, 1.0)}),
    names={"mode": "mode"},
)  # fmt: skip
CLASS_MAPS = Grid(
    ("mistakes",),
    ({"index": range(18), "second": (-1,)}, {"second": range(18)}, {"chosen": range(-1, 10), "second": (-1,)},
     {"right": (0, 7, 14, 21, 28), "second_right": (-28, -21, -14, -7, 0)},
     {"right": (-14, -10, -7, -3, 3, 7, 10, 14), "second": (-1,)},
     {"mistakes": (True,), "second": (-1,), "index": range(6), "chosen": (-1,)}),
    by_hand=("index", "second", "chosen", "right", "second_right"),
)  # fmt: skip
CHANNEL_MIXER = Grid(
    ("preset", "row", "column"),
    ({"preset": ("grey (luma)", "red only", "red − green", "swap red, blue", "negative"),
      "row": (20, 72, 120, 170), "column": (30, 84, 150)},),
    note=WEIGHTS,
)  # fmt: skip
CHANNEL_WALK = Grid(
    ("in_channels", "out_channels", "size", "output", "bias", "row", "column"),
    ({"in_channels": (1, 2, 3), "out_channels": (1, 2, 3), "output": (0, 1, 2), "row": (0, 1), "column": (0, 1)},
     {"output": (0, 1, 2), "bias": (-60, -20, 0, 20, 60)},
     {"size": (3, 4), "row": (0, 1, 2), "column": (0, 1, 2), "output": (0, 1, 2)}),
    note=PLAY,
)  # fmt: skip
CONVOLUTION_INTEGRAL = Grid(
    ("f", "g", "x", "t"),
    ({"f": ("one meal", "three meals", "more and more"), "g": ("fades", "shrinks", "stays 3 hours"),
      "x": (0.0, 1.0, 2.0, 3.0, 4.5, 6.0, 9.0, 12.0)},
     {"x": (1.0, 3.0, 6.0, 9.0), "t": (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)}),
    note=PLAY,
)  # fmt: skip
COST_CALCULATOR = Grid(
    ("kind", "in_channels", "out_channels", "kernel_size", "size", "batch"),
    ({"kind": ("plain", "grouped", "depthwise-separable"), "in_channels": (4, 100, 512), "out_channels": (1, 100, 512),
      "kernel_size": (1, 3, 5, 11)},
     {"kind": ("grouped",), "in_channels": (512,), "out_channels": (511,)},
     {"size": (8, 32, 64, 128, 256), "kernel_size": (1, 3, 5, 11)},
     {"batch": (1, 16, 64, 256), "size": (8, 64, 256)}),
)  # fmt: skip
DENSE_COST = Grid(
    ("megapixels", "channels", "hidden", "kernel_size"),
    ({"megapixels": (0.1, 1.0, 3.0, 12.0, 24.0, 50.0), "channels": (1, 3, 16), "hidden": (10, 100, 1000),
      "kernel_size": (1, 3, 11)},
     {"kernel_size": (1, 3, 5, 7, 9, 11)}),
)  # fmt: skip
DEPTH_LAB = Grid(
    ("blocks", "skip", "batch_norm"),
    ({"blocks": (1, 2, 4, 8, 12, 15, 20, 24), "skip": (False, True), "batch_norm": (False, True)},),
    note=TRAINS,
)  # fmt: skip
IM2COL = Grid(
    ("direction", "images", "channels", "size", "kernel_size", "stride", "padding", "window", "pixel"),
    ({"direction": ("im2col", "col2im"), "kernel_size": (1, 2, 3), "stride": (1, 2, 3), "padding": (0, 1)},
     {"direction": ("im2col", "col2im"), "window": (0, 1, 2, 3), "pixel": tuple(range(9))},
     {"images": (1, 2), "channels": (1, 2), "size": (3, 4)}, {"size": (5,), "stride": (2,), "pixel": (24,)}),
    by_hand=("cell", "spot"),
)  # fmt: skip
INCEPTION = Grid(
    ("block", "in_channels", "c1", "reduce3", "out3", "reduce5", "out5", "c4", "size"),
    apart(block=("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"), in_channels=(1, 64, 192, 480, 1024),
          c1=(1, 16, 64, 128, 256, 512), reduce3=(1, 16, 48, 96, 128, 165, 192), out3=(1, 32, 128, 256, 512),
          reduce5=(1, 4, 16, 64, 256), out5=(1, 8, 32, 128, 256), c4=(1, 8, 32, 128, 256),
          size=(1, 7, 14, 28, 56, 112)),
)  # fmt: skip
KERNEL_LEARNER = Grid(
    ("lr", "steps", "seed"),
    ({"lr": (0.005, 0.028, 0.03, 0.033, 0.034, 0.06), "steps": (0, 5, 10, 50)},
     {"seed": (0, 1, 2, 3), "steps": (0, 10, 50)},
     {"first": (-1.0, 0.0, 1.5, 3.0), "second": (-2.0, -1.0, 0.0, 1.0), "steps": (0, 10)}),
    by_hand=("first", "second"),
)  # fmt: skip
LEARNING_RATE = Grid(
    ("lr", "batch_size", "activation", "pooling"),
    ({"lr": (0.01, 0.1, 0.5, 0.9, 2.0, 5.0, 10.0), "activation": ("sigmoid", "ReLU"), "pooling": ("avg", "max")},
     {"lr": (0.1, 0.9), "batch_size": (16, 64, 256), "activation": ("sigmoid", "ReLU")}),
    note="Each setting is shown with its run, trained in advance.", settle=trained.show_its_run,
)  # fmt: skip
PADDING = Grid(
    ("size", "kernel_size", "padding", "stride", "dilation"),
    ({"size": (3, 5), "kernel_size": (2, 3), "padding": (0, 1), "stride": (1, 2), "place": ((0, 0), (1, 1))},
     {"size": (3, 5), "kernel_size": (1, 2, 3), "padding": (0, 1, 2)},
     {"place": places(0, 1, 2, 3)}, {"size": (8,), "kernel_size": (3,), "padding": (0,), "stride": (1, 2, 3, 4)},
     {"size": (5, 8), "dilation": (1, 2, 3)}),
    by_hand=("place",), note="Play, and height and width apart, are in the notebook alone.",
)  # fmt: skip
PICTURE_LAB = Grid(
    ("index", "right", "down", "rotate", "scale"),
    ({"index": range(8), "rotate": (-90, 180)}, {"index": range(5), "right": (-8, -4, -2, 2, 4, 8)},
     {"right": (-8, -4, 4, 8), "down": (-8, -4, 4, 8)}, {"right": range(-12, 13)},
     {"rotate": range(-180, 181, 15)}, {"scale": (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0)}),
    note="Drawing works in the notebook alone.",
)  # fmt: skip
POOLING = Grid(
    ("picture_name", "mode", "pool_size", "stride", "padding", "shift"),
    ({"picture_name": ("0…8", "edge", "stripes", "digit"), "mode": ("max", "avg"), "pool_size": (1, 2, 3),
      "shift": (0, 1, 2)},
     {"mode": ("max", "avg"), "pool_size": (2, 3, 4), "stride": (1, 2, 3), "padding": (0, 1)},
     {"picture_name": ("photo's edges",), "pool_size": (4,), "shift": (3,), "stride": (1, 2, 3, 4)},
     {"picture_name": ("stripes",), "stride": (2,), "shift": (1, 2, 3, 4)},
     {"mode": ("max", "avg"), "place": places(0, 2, 4)}),
    by_hand=("place",), note=PLAY,
)  # fmt: skip
RECEPTIVE_FIELD = Grid(
    ("preset", "count", "layer", "kernel_size", "stride", "dilation"),
    ({"preset": ("three 3×3", "two 5×5", "one 7×7", "LeNet", "AlexNet", "VGG-11, first 8", "dilated 1, 2, 4, 8"),
      "place": ((48, 176),)},
     {"place": places(32, 112, 192)},
     {"count": (1, 2, 3, 4, 5, 6, 7, 8)}, {"preset": ("three 3×3",), "count": (3, 4, 5, 6, 7, 8)},
     {"preset": ("VGG-11, first 8",), "layer": (2,), "stride": (1, 2)},
     {"preset": ("dilated 1, 2, 4, 8",), "layer": (1,), "dilation": (1, 8)},
     {"layer": (1, 2, 3, 4, 5, 6, 7, 8)},
     {"kernel_size": (1, 3, 7, 11), "stride": (1, 2, 4)}, {"dilation": (1, 2, 4)}),
    by_hand=("place",), names={"preset": "stack"},
)  # fmt: skip
VGG = Grid(
    ("batch_norm", "hidden", *(f"{name}{block}" for block in (1, 2, 3, 4, 5) for name in ("convs", "channels"))),
    ({"batch_norm": (False, True), "hidden": (16, 128, 512, 4096)},
     {f"convs{block}": (0,) for block in (1, 2, 3, 4, 5)},
     {"hidden": (4096,), **{f"channels{block}": (full,) for block, full in enumerate((64, 128, 256, 512, 512), 1)}},
     *apart(**{f"convs{block}": (0, 1, 2, 3) for block in (1, 2, 3, 4, 5)}),
     *apart(**{f"channels{block}": tuple(full // share for share in (16, 8, 4, 2, 1))
               for block, full in enumerate((64, 128, 256, 512, 512), 1)})),
    names={f"channels{block}": f"block {block}: channels" for block in (1, 2, 3, 4, 5)}, note=TRAINS,
)  # fmt: skip

GRIDS = {
    "AugmentationExplorer": AUGMENTATION, "BatchNormExplorer": BATCH_NORM, "ChannelMixer": CHANNEL_MIXER,
    "ChannelWalk": CHANNEL_WALK, "ClassMaps": CLASS_MAPS, "ConvolutionIntegral": CONVOLUTION_INTEGRAL,
    "CostCalculator": COST_CALCULATOR, "DenseCost": DENSE_COST, "DepthLab": DEPTH_LAB, "FeatureMaps": feature_maps,
    "Im2colExplorer": IM2COL, "InceptionExplorer": INCEPTION, "KernelExplorer": kernel_explorer,
    "KernelLearner": KERNEL_LEARNER, "LearningRateLab": LEARNING_RATE, "LookInside": look_inside,
    "PaddingExplorer": PADDING, "PictureLab": PICTURE_LAB, "PoolingExplorer": POOLING,
    "ReceptiveFieldBuilder": RECEPTIVE_FIELD, "VGGBuilder": VGG,
}  # fmt: skip


def grid_for(widget):
    """Return the Grid of a widget that has just been made, or None if its class has none."""
    grid = GRIDS.get(type(widget).__name__)
    return grid if grid is None or isinstance(grid, Grid) else grid(widget)
