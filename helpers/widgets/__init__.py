"""The widgets of the course: `from helpers.widgets import KernelExplorer`."""

import importlib

# Loaded on first use: a notebook pays only for its own widgets, and helpers.training can use the drawing functions.
_MODULES = {
    "AugmentationExplorer": "augmentation_explorer",
    "BatchNormExplorer": "batch_norm_explorer",
    "ChannelMixer": "channel_mixer",
    "ChannelWalk": "channel_walk",
    "ClassMaps": "class_maps",
    "ConvolutionIntegral": "convolution_integral",
    "CostCalculator": "cost_calculator",
    "DenseCost": "dense_cost",
    "DepthLab": "depth_lab",
    "FeatureMaps": "feature_maps",
    "Im2colExplorer": "im2col_explorer",
    "InceptionExplorer": "inception_explorer",
    "KernelExplorer": "kernel_explorer",
    "KernelLearner": "kernel_learner",
    "LearningRateLab": "learning_rate_lab",
    "LookInside": "look_inside",
    "PaddingExplorer": "padding_explorer",
    "PictureLab": "picture_lab",
    "PoolingExplorer": "pooling_explorer",
    "ReceptiveFieldBuilder": "receptive_field_builder",
    "RooflineExplorer": "roofline_explorer",
    "VGGBuilder": "vgg_builder",
}
__all__ = sorted(_MODULES)


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"helpers.widgets has no {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
