"""A convolutional network in NumPy alone: `from helpers.scratch import Convolution, SimpleConvNet`."""

from .layers import Affine, Convolution, Pooling, ReLU, Relu, SoftmaxWithLoss, col2im, im2col
from .net import SimpleConvNet, numerical_gradient

__all__ = ["Affine", "Convolution", "Pooling", "ReLU", "Relu", "SimpleConvNet", "SoftmaxWithLoss", "col2im",
           "im2col", "numerical_gradient"]  # fmt: skip
