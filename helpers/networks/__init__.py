"""The networks of the course and the blocks they are built of: `from helpers.networks import lenet, Residual`."""

from .batch_norm import BatchNorm
from .blocks import Paths, Residual, conv, inception, nin_block, vgg_block
from .inception_v3 import inception_v3_blocks
from .lite0 import lite0
from .nets import INCEPTIONS, VGG11, alexnet, bn_lenet, googlenet, lenet, nin, resnet18, vgg

__all__ = ["INCEPTIONS", "VGG11", "BatchNorm", "Paths", "Residual", "alexnet", "bn_lenet", "conv",
           "googlenet", "inception", "inception_v3_blocks", "lenet", "lite0", "nin", "nin_block", "resnet18", "vgg",
           "vgg_block"]  # fmt: skip
