"""The widgets of the course: `from helpers.widgets import KernelExplorer`."""

from helpers.lazy import lazy

# Loaded on first use: a notebook pays only for its own widgets.
_MODULES = {
    "AugmentationExplorer": "nets.augmentation_explorer",
    "BatchNormExplorer": "nets.batch_norm_explorer",
    "ChannelMixer": "layers.channel_mixer",
    "ChannelWalk": "layers.channel_walk",
    "ClassMaps": "nets.class_maps",
    "ConvolutionIntegral": "layers.convolution_integral",
    "CostCalculator": "layers.cost_calculator",
    "DenseCost": "layers.dense_cost",
    "DepthLab": "nets.depth_lab",
    "FeatureMaps": "nets.feature_maps",
    "Im2colExplorer": "layers.im2col_explorer",
    "InceptionExplorer": "nets.inception_explorer",
    "KernelExplorer": "layers.kernel_explorer",
    "KernelLearner": "layers.kernel_learner",
    "LearningRateLab": "nets.learning_rate_lab",
    "LookInside": "nets.look_inside",
    "PaddingExplorer": "layers.padding_explorer",
    "PictureLab": "nets.picture_lab",
    "PoolingExplorer": "layers.pooling_explorer",
    "ReceptiveFieldBuilder": "layers.receptive_field_builder",
    "RooflineExplorer": "nets.roofline_explorer",
    "VGGBuilder": "nets.vgg_builder",
}
__all__ = sorted(_MODULES)
__getattr__ = lazy(__name__, _MODULES)
