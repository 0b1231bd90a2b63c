"""Small nets and pictures that the tests of several folders run."""

import torch
from torch import nn
from torch.nn import functional as F

from helpers import networks
from helpers.data import ImageBatches

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def pictures(count, *, standardize=True, shuffle=False, batch_size=20, side=28, seed=0):
    """A stand-in for Fashion-MNIST: one bright bar per class at its own height, and noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    images = torch.randint(0, 60, (count, 1, side, side), generator=generator)
    for image, label in zip(images, labels, strict=True):
        image[0, 2 * label + 4 : 2 * label + 7, 3 : side - 3] += 180
    return ImageBatches(images.to(torch.uint8), labels, batch_size, classes=CLASSES, mean=0.2, std=0.3,
                        standardize=standardize, shuffle=shuffle, seed=seed)  # fmt: skip


def bars(count, side, batch_size=20, **options):
    """Batches of pictures without noise: one bright bar per class at its own height."""
    labels = torch.arange(count) % 10
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        image[0, 2 * label + 4 : 2 * label + 7] = 255
    return ImageBatches(images, labels, batch_size, classes=list("abcdefghij"), mean=0.1, std=0.3, resize=side,
                        source="bars", **options)  # fmt: skip


def lenet_like():
    """Layers that behave differently in the two modes, in training mode."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 10),
    ).train()  # fmt: skip


COURSE = {
    "lenet": (networks.lenet, {"activation": nn.ReLU}, 28),
    "bn_lenet": (networks.bn_lenet, {}, 28),
    "alexnet": (networks.alexnet, {"width": 0.06, "image_size": 64, "stem_stride": 2, "hidden": 16}, 64),
    "vgg": (networks.vgg, {"width": 0.06, "image_size": 32, "hidden": 16}, 32),
    "nin": (networks.nin, {"width": 0.06, "stem_stride": 2, "last_relu": False}, 48),
    "googlenet": (networks.googlenet, {"width": 0.25}, 48),
    "resnet18": (networks.resnet18, {"width": 0.06, "stem": "3x3"}, 32),
}


class Shared(nn.Module):
    """One ReLU in place that runs three times, a sum, and an inner layer that returns a tuple."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.relu, self.pair, self.head = nn.ReLU(inplace=True), Pair(), nn.Linear(4, 5)

    def forward(self, X):
        A = self.relu(self.first(X))
        B = self.relu(self.second(A))
        B += A
        maps, _ = self.pair(self.relu(B))
        return self.head(maps.mean((2, 3)))


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, X):
        Y = self.conv(X)
        return 2 * Y, {"half": Y / 2}


class Functional(nn.Module):
    """No module but the convolutions: what lies between cannot be followed, only measured."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3, dilation=2)

    def forward(self, X):
        X = F.max_pool2d(F.gelu(self.a(X)), 2)
        return F.layer_norm(self.b(X), (1,)) if X.shape[0] < 0 else self.b(X).tanh()


def made(name):
    build, options, side = COURSE[name]
    torch.manual_seed(1)
    return build(**options), side
