"""A network of VGG blocks, put together by hand, counted and trained."""

import ipywidgets as W
import traitlets as T

from helpers.drawing import svg
from helpers.networks import vgg

from ..kit.layout import side_by_side
from ..kit.parameters import parameter, slider, switch
from ..kit.short_run import count_steps
from ..kit.trainer import Trainer
from ..kit.values import OneOf
from .vgg_picture import HEIGHT, WIDTH, draw_net, stages

BLOCKS = 1, 2, 3, 4, 5
HIDDEN = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
LR, BATCH_SIZE = 0.05, 64
THIN = "\u2009"  # a narrow space: with it the longest name of a run fits its column


def convolutions(number, default):
    """Declare how many convolutions a block has."""
    return slider(default, 0, 3, f"block {number}: convolutions", help="0 leaves the block out, with its pooling")


def size(default, options, label, tip):
    """Declare a number from a rising list."""
    return parameter(
        OneOf(options, default), lambda: W.SelectionSlider(options=options, value=default), label,
        [options[0], options[2], options[-1]], help=tip,
    )  # fmt: skip


def channels(full):
    """Declare how many channels a block gives: at most VGG's, an eighth of that to begin with."""
    options = [full // share for share in (16, 8, 4, 2, 1)]
    return size(full // 8, options, "channels", "of every convolution in this block")


class VGGBuilder(Trainer):
    """What do a net's blocks cost, where, and how does the net train? Click the numbers in the rows.

    Five blocks of so many 3×3 convolutions and channels, then two dense layers of `hidden` units and the output: the
    net is `vgg(in_channels, num_classes, blocks=result["blocks"], image_size=…, hidden=…, dropout=0, batch_norm=…)` for
    the pictures of `train_iter`. It starts as VGG-11 at an eighth of its width. `result` holds "stages" (a list of
    `Stage`), "blocks", "code", and the runs of a `Trainer`. All runs train at one rate and batch size.
    """

    convs1, channels1 = convolutions(1, 1), channels(64)
    convs2, channels2 = convolutions(2, 1), channels(128)
    convs3, channels3 = convolutions(3, 2), channels(256)
    convs4, channels4 = convolutions(4, 2), channels(512)
    convs5, channels5 = convolutions(5, 2), channels(512)
    hidden = size(128, HIDDEN, "dense layers", "units of each of the two")
    batch_norm = switch(True, "batch norm", help="behind each convolution")

    def arrange(self):
        """One line: batch norm and the buttons; the rest is chosen in the rows of the picture."""
        self.controls["batch_norm"].layout.width = "auto"
        return side_by_side([self.controls["batch_norm"], *self.button.values()])

    def settings(self):
        """Return what is chosen, and the rate and batch size of every run."""
        return {**self.values, "lr": LR, "batch_size": BATCH_SIZE}

    def build(self, settings, num_classes):
        """The net as it is drawn."""
        in_channels, side = self._input()
        return vgg(
            in_channels, num_classes, blocks=_blocks(settings), image_size=side, hidden=settings["hidden"], dropout=0.0,
            batch_norm=settings["batch_norm"],
        )  # fmt: skip

    def says(self, settings):
        """The blocks as convolutions × channels, then the dense layers' units."""
        blocks = " ".join(f"{n}×{c}" for n, c in _blocks(settings)) or "no block"
        return f"{blocks} →{settings['hidden']}{' BN' if settings['batch_norm'] else ''}"

    def compute(self, **values):
        """Count every stage of the net, and gather the runs."""
        in_channels, side = self._input()
        layers = [(values[f"convs{i}"], values[f"channels{i}"]) for i in BLOCKS]
        hidden, batch_norm = values["hidden"], values["batch_norm"]
        return {
            **self.state(), "input": (in_channels, side, side), "blocks": _blocks(values),
            "stages": stages(layers, in_channels, side, hidden, len(self.train_iter.classes), batch_norm),
            "code": f"vgg({in_channels}, {len(self.train_iter.classes)}, blocks={_blocks(values)}, image_size={side}, "
                    f"hidden={hidden}, dropout=0, batch_norm={batch_norm})",
        }  # fmt: skip

    def describe(self, result):
        """Say the net, its counts, and how the runs stand."""
        params, multiply_adds, memory = (sum(column) for column in list(zip(*result["stages"], strict=True))[-3:])
        shape = " × ".join(map(str, result["input"]))
        return (
            f"{self.says(result['settings'])}, for pictures {shape}: {params:,} parameters, {multiply_adds:,} "
            f"multiply-adds, {memory:,} bytes of activations for one picture. "
            f"{self.effort(result) + '. ' if result['running'] else ''}{self.tell(result)}"
        )

    def effort(self, result):
        """Say what a run costs, or which step the one that is going has reached."""
        steps = count_steps(result["settings"], result["budget"])
        if result["running"]:
            step = round(result["progress"] * steps)  # that many are done
            return f"Step {step + 1} of {steps}" if step else f"Making the net, then step 1 of {steps}"
        work = 3 * sum(stage.multiply_adds for stage in result["stages"]) * steps * BATCH_SIZE / 1e9
        return f"A run: {steps} steps of {BATCH_SIZE} pictures, {work:,.0f} billion multiply-adds forward and backward"

    def draw(self, result):
        """Draw the net, stage by stage, and below it the runs."""
        named = lambda settings: self.says(settings).replace(" ", THIN)  # noqa: E731
        options = {name: self._options(name) for name in self.controls if name != "batch_norm"}
        drawn = draw_net(result, named, self.effort(result), options)
        return svg.picture(WIDTH, HEIGHT, drawn, label=self.describe(result))

    def _options(self, name):
        """The values that a parameter can take."""
        trait = self.traits()[name]
        return list(trait.values) if isinstance(trait, T.Enum) else list(range(trait.min, trait.max + 1))

    def _input(self):
        """Channels and side of a picture; ValueError if five blocks cannot halve it."""
        _, in_channels, *size = self.train_iter.images.shape  # no batch: `build` runs where tensors hold nothing
        resize = self.train_iter.resize or size
        height, width = (resize, resize) if isinstance(resize, int) else resize
        if height != width or height < 2 ** len(BLOCKS):
            raise ValueError(
                f"the pictures have {height} × {width} pixels, and five blocks halve them five times: load them with "
                f"resize={2 ** len(BLOCKS)} or more"
            )
        return in_channels, height


def _blocks(values):
    """The blocks that have a convolution: ((convolutions, channels), …)."""
    return tuple((values[f"convs{i}"], values[f"channels{i}"]) for i in BLOCKS if values[f"convs{i}"])
