"""The lessons of the course, in their order."""

from typing import NamedTuple


class Lesson(NamedTuple):
    """One notebook: the stem of its file's name, its title, and what it is about in a few words."""

    stem: str
    title: str
    about: str

    @property
    def number(self) -> str:
        """The two digits that the file's name starts with."""
        return self.stem[:2]


LESSONS = (
    Lesson("00_start_here", "Start here", "widgets, exercises, map, your machine"),
    Lesson("01_from_dense_to_convolution", "Dense to convolution", "why a few weights are enough for a picture"),
    Lesson("02_convolution_layer", "Convolution layer", "edges found, a kernel learned, a kernel shaped"),
    Lesson("03_padding_and_stride", "Padding and stride", "the border, the step, the output size"),
    Lesson("04_channels", "Channels", "colour, 1×1 kernels, what a layer costs"),
    Lesson("05_pooling", "Pooling", "what a shift of one pixel changes"),
    Lesson("06_cnn_from_scratch", "CNN from scratch", "NumPy only: forward, backward, checked"),
    Lesson("07_lenet", "LeNet", "the first whole network, trained and looked at"),
    Lesson("08_alexnet", "AlexNet", "ReLU, dropout, augmentation"),
    Lesson("09_vgg", "VGG", "a network of blocks, small kernels"),
    Lesson("10_nin", "NiN", "no dense layer at the end, 1×1 kernels"),
    Lesson("11_googlenet", "GoogLeNet", "four paths side by side, Inception"),
    Lesson("12_batch_norm", "Batch norm", "deep networks that train fast"),
    Lesson("13_resnet", "ResNet", "learn the difference, go deeper"),
    Lesson("14_seeing_inside", "Seeing inside", "what a layer responds to, and where"),
    Lesson("15_scaling_up", "Scaling up", "GPUs, mixed precision, many processes"),
    Lesson("16_your_own_pictures", "Your own pictures", "a folder becomes a data set, a ready net is adapted"),
)
