"""A photo beside random variants of it: what data augmentation does to a training picture."""

import functools

import ipywidgets as W
import torch
from torch.overrides import TorchFunctionMode
from torchvision.transforms import v2

from helpers.data import PHOTOS, load_photo
from helpers.drawing import svg

from ..kit.base import Explorer, choice, slider
from ..kit.layout import side_by_side

VARIANTS, COLUMNS = 6, 3
SIDE = 112  # pixels of a picture
SHOWN, GAP = 184, 8  # px: side of a picture on the page, between two
LEFT, TOP = 236, 26
WIDTH, HEIGHT = LEFT + COLUMNS * (SHOWN + GAP) + 4, TOP + (VARIANTS // COLUMNS) * (SHOWN + GAP)
SEEDS = 100
GEOMETRY = ("flip", "crop", "shift", "scale", "rotation")
COLOR = ("brightness", "contrast", "saturation", "hue")
DRAWS = {torch.rand, torch.randint, torch.randperm, torch.Tensor.uniform_}
CODE = """import torch
from torchvision.transforms import v2
from helpers.data import load_photo

X = load_photo({name!r}, {side}, color=True)
augment = v2.Compose([
    v2.RandomHorizontalFlip({flip:g}),
    v2.RandomAffine({rotation}, translate=({shift:g}, {shift:g}), scale=({smallest:g}, {largest:g}),
                    interpolation=v2.InterpolationMode.BILINEAR),
    v2.RandomResizedCrop({side}, scale=({crop:g}, 1.0), ratio=(1.0, 1.0)),
    v2.ColorJitter({brightness:g}, {contrast:g}, {saturation:g}, {hue:g}),
])
variants = []
for i in range({variants}):
    torch.manual_seed({first} + i)
    variants.append(augment(X))"""

photo = functools.lru_cache(functools.partial(load_photo, size=SIDE, color=True))


class OwnRandomNumbers(TorchFunctionMode):
    """While it is open, torch's functions draw from `generator`, in this thread; the global state stays untouched."""

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.generator = generator

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = {**(kwargs or {}), "generator": self.generator} if func in DRAWS else kwargs or {}
        return func(*args, **kwargs)


def pipeline(flip, crop, shift, scale, rotation, brightness, contrast, saturation, hue) -> v2.Compose:
    """Return the transforms of torchvision for (3, SIDE, SIDE) -> (3, SIDE, SIDE), each strength one number."""
    return v2.Compose([
        v2.RandomHorizontalFlip(flip),
        v2.RandomAffine(rotation, translate=(shift, shift), scale=(1 - scale, 1 + scale),
                        interpolation=v2.InterpolationMode.BILINEAR),
        v2.RandomResizedCrop(SIDE, scale=(crop, 1.0), ratio=(1.0, 1.0)),
        v2.ColorJitter(brightness, contrast, saturation, hue),
    ])  # fmt: skip


class AugmentationExplorer(Explorer):
    """Which pictures does a net see in the place of one? Six random variants of a photo, each with its own seed.

    A slider sets how strong a change can be, not how strong it is: each variant draws its own. As each also keeps its
    seed, a slider changes the strength and leaves the luck. `result` holds X (3, H, W) and variants (6, 3, H, W) from
    0 to 1, `differences` (6,), the mean over pixels and channels of |variant − X|, and the `code` that makes them.
    """

    picture_name = choice("china", PHOTOS, "", help="the temple shows what is mirrored; the flower hardly does")
    flip = slider(0.5, 0.0, 1.0, "flip: chance", step=0.1, help="how often left and right change places")
    crop = slider(0.6, 0.1, 1.0, "smallest crop", step=0.05, help="share of the area; the crop is enlarged again")
    shift = slider(0.0, 0.0, 0.5, "shift up to", step=0.05, help="share of the side, to each of the four sides")
    scale = slider(0.0, 0.0, 0.5, "scale by up to", step=0.05, help="0.2: from 0.8 to 1.2 times the size")
    rotation = slider(0, 0, 180, "rotate up to", step=5, help="degrees, to both sides")
    brightness = slider(0.2, 0.0, 1.0, "brightness ±", step=0.05)
    contrast = slider(0.2, 0.0, 1.0, "contrast ±", step=0.05)
    saturation = slider(0.2, 0.0, 1.0, "saturation ±", step=0.05)
    hue = slider(0.0, 0.0, 0.5, "hue ±", step=0.05, help="0.5 is half way round the circle of colours")
    seed = slider(0, 0, SEEDS - 1, "seed", help="another seed, other random numbers")

    def buttons(self):
        """The next seed."""
        return {"another random draw": self.draw_again}

    def draw_again(self):
        """Go to the next seed; after the last, to the first."""
        self.update(seed=(self.seed + 1) % SEEDS)

    def arrange(self):
        """Where the pixels are on the left, what colour they have on the right."""
        c = self.controls
        for name in (*GEOMETRY, *COLOR, "seed"):
            c[name].layout.width = "320px"
            c[name].style.description_width = "104px"
        left, right = (W.VBox([c[name] for name in names]) for names in (GEOMETRY, (*COLOR, "seed")))
        again = self.button["another random draw"]
        again.layout.width = "190px"
        first = side_by_side([c["picture_name"], again], "flex-end")
        return W.VBox([first, side_by_side([left, right], "flex-start")])

    def compute(self, picture_name, seed, **strengths):
        """Make the variants."""
        strengths = {name: round(value, 3) for name, value in strengths.items()}
        X, augment, generator, variants = photo(picture_name), pipeline(**strengths), torch.Generator(), []
        with OwnRandomNumbers(generator):
            for i in range(VARIANTS):
                generator.manual_seed(VARIANTS * seed + i)
                variants.append(augment(X))
        variants = torch.stack(variants)
        smallest, largest = (round(1 + sign * strengths["scale"], 3) for sign in (-1, 1))
        return {
            "name": picture_name, "X": X, "variants": variants, "seed": seed, "strengths": strengths,
            "differences": (variants - X).abs().mean(dim=(1, 2, 3)),
            "code": CODE.format(name=picture_name, side=SIDE, variants=VARIANTS, first=VARIANTS * seed,
                                smallest=smallest, largest=largest, **strengths),
        }  # fmt: skip

    def describe(self, result):
        """Say the strengths, and how far the variants are from the photo."""
        strengths = ", ".join(f"{name} {value:g}" for name, value in result["strengths"].items())
        least, most = result["differences"].min(), result["differences"].max()
        return (
            f"{VARIANTS} random variants of {result['name']}, seed {result['seed']}: {strengths}. They differ from "
            f"the photo by {least:.3f} to {most:.3f} on average over pixels, on a scale from 0 to 1."
        )

    def draw(self, result):
        """Draw the photo, the variants, and below them the code."""
        parts = [
            svg.text(4, TOP - 9, "the photo", anchor="start"), _tile(result["X"], 4, TOP),
            svg.arrow(4 + SHOWN + 12, TOP + SHOWN / 2, LEFT - 12, TOP + SHOWN / 2),
            svg.text(LEFT, TOP - 9, "what a net may see instead", anchor="start"),
        ]  # fmt: skip
        for i, variant in enumerate(result["variants"]):
            parts.append(_tile(variant, LEFT + i % COLUMNS * (SHOWN + GAP), TOP + i // COLUMNS * (SHOWN + GAP)))
        whole = svg.picture(WIDTH, HEIGHT, *parts, label=self.describe(result))
        return whole + svg.listing(result["code"], CODE.count("\n") + 1)


def _tile(image, x, y):
    return svg.tile(image.permute(1, 2, 0).numpy(), x, y, SHOWN, SHOWN)
