"""Short training runs laid over each other: what learning rate, batch size, activation and pooling do."""

import ipywidgets as W
from torch import nn

from helpers.drawing import svg
from helpers.networks import lenet

from ..kit.layout import side_by_side
from ..kit.parameters import choice, parameter
from ..kit.run_picture import HEIGHT, WIDTH, draw_runs
from ..kit.trainer import Trainer
from ..kit.values import OneOf

RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9, 2.0, 5.0, 10.0)
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "ReLU": nn.ReLU}
POOLINGS = {"avg": nn.AvgPool2d, "max": nn.MaxPool2d}


class LearningRateLab(Trainer):
    """How do learning rate, batch size, activation and pooling change the course of training?

    Each run trains a new LeNet for the same number of pictures, from the same first weights and in the same order
    of pictures (`seed`), in a thread of its own; the curves of the last six runs stay. `result` holds "runs" (a
    list of `Run`), "running", "progress", "settings" of the next run and its "slot". `wait()` returns after a run.
    """

    lr = parameter(
        OneOf(RATES, 0.9),
        lambda: W.SelectionSlider(options=[(svg.number(rate), rate) for rate in RATES], value=0.9),
        "learning rate", [RATES[0], RATES[4], RATES[-1]], help="by factors of about 2",
    )  # fmt: skip
    batch_size = choice(64, [16, 64, 256], "batch size")
    activation = choice("sigmoid", list(ACTIVATIONS), "activation")
    pooling = choice("avg", list(POOLINGS), "pooling")

    def arrange(self):
        """The learning rate and the buttons above, the rest below."""
        rate, *others = self.controls.values()
        for control in others:
            control.layout.width, control.layout.margin = "max-content", "2px 28px 2px 2px"
        return W.VBox([side_by_side([rate, *self.button.values()]), side_by_side(others, "flex-end")])

    def build(self, settings, num_classes):
        """A LeNet with the chosen activation and pooling."""
        activation, pooling = ACTIVATIONS[settings["activation"]], POOLINGS[settings["pooling"]]
        return lenet(num_classes=num_classes, activation=activation, pooling=pooling)

    def says(self, settings):
        """A run's settings in words."""
        return (
            f"lr {svg.number(settings['lr'])}, batch {settings['batch_size']}, {settings['activation']}, "
            f"{settings['pooling']} pooling"
        )

    def compute(self, **settings):
        """Gather what is to be drawn."""
        return self.state()

    def describe(self, result):
        """Say what goes on and how each run stands."""
        return self.tell(result)

    def draw(self, result):
        """Draw the curves and the table of runs."""
        return svg.picture(WIDTH, HEIGHT, draw_runs(result, self.says), label=self.describe(result))
