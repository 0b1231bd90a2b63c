"""Pictures in batches, and where they come from: `from helpers.data import load_data_fashion_mnist, load_photo`."""

from .batches import PHOTOS, ImageBatches, load_data_fashion_mnist, load_photo
from .device import try_gpu
from .folder import load_data_folder
from .pictures import open_picture
from .sample import sample_folder
from .sources import digits, find_images

__all__ = ["PHOTOS", "ImageBatches", "digits", "find_images", "load_data_fashion_mnist", "load_data_folder",
           "load_photo", "open_picture", "sample_folder", "try_gpu"]  # fmt: skip
