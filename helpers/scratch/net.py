"""A convolutional network in NumPy alone: the layers of `scratch.layers`, a small net, a gradient to check by.

After K. Saitoh, *Deep Learning from Scratch*, chapters 4 to 7, with its names. Axes are N, C, H, W. Bad input raises
TypeError (no array of floating-point numbers) or ValueError (shapes that do not fit), with the numbers that clash.
"""

import copy
import math
import os
from collections.abc import Callable

import numpy as np

from .checks import class_numbers, conv_recipe, floats, positions, sizes, weight_scale, whole, with_axes
from .files import read_params, write_params
from .layers import Affine, Convolution, Pooling, ReLU, Relu, SoftmaxWithLoss, col2im, im2col

__all__ = ["Affine", "Convolution", "Pooling", "ReLU", "Relu", "SimpleConvNet", "SoftmaxWithLoss", "col2im", "im2col",
           "numerical_gradient"]

CONV_PARAM = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}


class SimpleConvNet:
    """conv - relu - pool 2x2 - affine - relu - affine - softmax. Saitoh, 7.5.

    `params` holds W1, b1 (convolution), W2, b2, W3, b3 (dense), the very arrays that the layers in `layers` use;
    `last_layer` is the loss.
    """

    def __init__(self, input_dim: tuple[int, int, int] = (1, 28, 28), conv_param: dict | None = None,
                 hidden_size: int = 100, output_size: int = 10, weight_init_std: str | float = "he",
                 seed: int | None = None, dtype=np.float32):
        """Draw the weights from a generator of its own, biases are 0.

        conv_param is {'filter_num': 30, 'filter_size': 5, 'pad': 0, 'stride': 1} where it says nothing else. Weights
        are normal with standard deviation √(2 / fan_in) for 'he', else `weight_init_std` in every layer. The
        textbook takes 0.01 and Adam; with plain gradient descent the net then learns, but some epochs later.
        """
        conv, classes = conv_recipe(conv_param, CONV_PARAM), whole(output_size, "output_size", 1)
        channels, height, width = sizes(input_dim, "input_dim", "(C, H, W)")
        hidden_size = whole(hidden_size, "hidden_size", 1)
        weight_scale(weight_init_std)
        filters, size, steps = conv["filter_num"], conv["filter_size"], (conv["stride"], conv["pad"])
        oh, ow = positions(positions((height, width), size, size, *steps), 2, 2, 2, 0)
        shapes = {"1": (filters, channels, size, size), "2": (filters * oh * ow, hidden_size),
                  "3": (hidden_size, classes)}
        rng, self.params = np.random.default_rng(seed), {}
        for name, shape in shapes.items():
            fan_in = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
            std = math.sqrt(2 / fan_in) if weight_init_std == "he" else weight_init_std
            self.params["W" + name] = rng.normal(0, std, shape).astype(dtype)
            self.params["b" + name] = np.zeros(shape[0] if len(shape) == 4 else shape[1], dtype)
        W1, b1, W2, b2, W3, b3 = self.params.values()
        self.layers = {"Conv1": Convolution(W1, b1, *steps), "Relu1": ReLU(), "Pool1": Pooling(2, 2, stride=2),
                       "Affine1": Affine(W2, b2), "Relu2": ReLU(), "Affine2": Affine(W3, b3)}
        self.weighted = dict(zip("123", (self.layers[name] for name in ("Conv1", "Affine1", "Affine2")), strict=True))
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The scores (N, output_size) of pictures x (N, C, H, W)."""
        for number, layer in self.weighted.items():  # an entry of params may be another array by now
            layer.W, layer.b = self.params["W" + number], self.params["b" + number]
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    forward = predict

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """The mean cross entropy for labels t, (N,) or one-hot."""
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x: np.ndarray, t: np.ndarray, batch_size: int = 100) -> float:
        """The share of pictures whose highest score is that of their label, the last, smaller batch included."""
        with_axes(x, "x", "(N, C, H, W)")
        batches = [slice(i, i + batch_size) for i in range(0, len(x), whole(batch_size, "batch_size", 1))]
        scores = np.concatenate([self.predict(x[rows]) for rows in batches])
        return float((scores.argmax(axis=1) == class_numbers(t, *scores.shape)).mean())

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """From the gradient by the scores, (N, output_size), set those of all layers and return dx (N, C, H, W)."""
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        return dout

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """The gradients of the loss by `params`, under the same names."""
        self.loss(x, t)
        self.backward(self.last_layer.backward())
        return {kind + number: getattr(layer, "d" + kind) for number, layer in self.weighted.items() for kind in "Wb"}

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """What `gradient` should say, by differences in float64: two losses for each single weight. Saitoh, 7.5."""
        twin = copy.deepcopy(self)
        twin.params = {name: array.astype(np.float64) for name, array in self.params.items()}
        return {name: numerical_gradient(lambda _: twin.loss(x, t), array) for name, array in twin.params.items()}

    def save_params(self, file_name: str | os.PathLike = "params.pkl") -> None:
        """Write `params` to a file, in the textbook's form."""
        write_params(self.params, file_name)

    def load_params(self, file_name: str | os.PathLike = "params.pkl") -> None:
        """Take over the numbers of a file that `save_params`, or the textbook's, wrote; ValueError for any other."""
        for name, array in read_params(file_name, self.params).items():
            self.params[name][...] = array


def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, eps: float | None = None) -> np.ndarray:
    """The gradient of f(x) by each number of x, of any shape: central differences over ± eps. Saitoh, 4.4.

    Each number is changed in place and put back, so f may also ignore its argument and use the array elsewhere,
    as in `numerical_gradient(lambda _: net.loss(X, t), net.params["b3"])`. eps is the cube root of the dtype's
    precision unless given, 6e-6 in float64, where about ten digits are right; in float32 it is three or so.
    """
    eps = float(np.finfo(floats(x, "x", "(...)").dtype).eps) ** (1 / 3) if eps is None else eps
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        try:
            x[index] = kept + eps
            above = float(f(x))
            x[index] = kept - eps
            gradient[index] = (above - float(f(x))) / (2 * eps)
        finally:
            x[index] = kept
    return gradient
