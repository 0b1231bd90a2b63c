"""What a trained network looks at: `from helpers.inside import activations, grad_cam, occlusion_map`."""

from .fields import measured_field
from .methods import (
    TopImages,
    Windows,
    activations,
    ascend,
    features,
    grad_cam,
    image_windows,
    occlusion_map,
    top_images,
)
from .photos import photo_net, photos

__all__ = ["TopImages", "Windows", "activations", "ascend", "features", "grad_cam", "image_windows", "measured_field",
           "occlusion_map", "photo_net", "photos", "top_images"]  # fmt: skip
