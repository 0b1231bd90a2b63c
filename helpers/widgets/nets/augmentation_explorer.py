"""A picture beside random variants of it: what data augmentation does, and what a net says of each."""

import functools

import ipywidgets as W
import torch
from torch.overrides import TorchFunctionMode
from torchvision.transforms import v2

from helpers.data import PHOTOS, load_photo
from helpers.drawing import svg, touch

from ..kit.base import Explorer
from ..kit.layers import check_arguments, quiet_copy, run
from ..kit.layout import RANGE, side_by_side
from ..kit.parameters import choice, slider, span
from ..kit.thumbnails import HEIGHT as PAGE
from ..kit.thumbnails import Thumbnails

VARIANTS, COLUMNS = 8, 4
SIDE = 112  # pixels of a photo
SHOWN, GAP = 184, 8  # px: side of a picture on the page, between two
ANSWER = 20  # px for a line under a picture
LEFT, TOP = 236, 26
WIDTH = LEFT + COLUMNS * (SHOWN + GAP)
SEEDS = 100
GEOMETRY = ("flip", "crop", "shift", "scale", "rotation")
COLOR = ("brightness", "contrast", "saturation", "hue")
DRAWS = {torch.rand, torch.randint, torch.randperm, torch.Tensor.uniform_}
PHOTO = """import torch
from torchvision.transforms import v2
from helpers.data import load_photo

X = load_photo({name!r}, {side}, color=True)
"""
TEST_PICTURE = """import torch
from torchvision.transforms import v2

X = test_iter.to_pixels(test_iter.batch([{index}])[0])[0].cpu().clamp(0, 1)
"""
CODE = """augment = v2.Compose([
    v2.RandomHorizontalFlip({flip:g}),
    v2.RandomAffine({rotation}, translate=({shift:g}, {shift:g}), scale={scale},
                    interpolation=v2.InterpolationMode.BILINEAR),
    v2.RandomResizedCrop({size}, scale={crop}, ratio=(1.0, 1.0)),
    v2.ColorJitter({brightness}, {contrast}, {saturation}, {hue}),
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


def pipeline(
    flip, crop, shift, scale, rotation, brightness, contrast, saturation, hue, size=(SIDE, SIDE)
) -> v2.Compose:
    """Return the transforms of torchvision for (C, *size) -> (C, *size); all but `flip` and `shift` are ranges."""
    return v2.Compose([
        v2.RandomHorizontalFlip(flip),
        v2.RandomAffine(rotation, translate=(shift, shift), scale=scale, interpolation=v2.InterpolationMode.BILINEAR),
        v2.RandomResizedCrop(size, scale=crop, ratio=(1.0, 1.0)),
        v2.ColorJitter(brightness, contrast, saturation, hue),
    ])  # fmt: skip


class AugmentationExplorer(Explorer):
    """Which pictures does a net see in the place of one? Random variants of a picture, each with its own seed.

    The two ends of a slider set between what a change lies: each variant draws its own. As each also keeps its seed, a
    slider changes the strength and leaves the luck. A click on the variants draws anew. Without arguments the picture
    is a photo in colour. With `net` and `test_iter`, grey batches as of `load_data_fashion_mnist`, it is a test
    picture, and under each variant stands the net's answer; what runs is a copy in eval mode that shares the weights.

    `result` holds X (C, H, W) and variants (8, C, H, W) from 0 to 1, `differences` (8,), the mean over pixels and
    channels of |variant − X|, the `code` that makes them and, with a net, `answers`, the (class, probability) of X and
    of each variant, and the class `true`. Raises TypeError or ValueError where net and pictures do not fit.
    """

    picture_name = choice("china", PHOTOS, "", help="the temple shows what is mirrored; the flower hardly does")
    index = slider(0, 0, 99_999, "picture", help="number of the test picture")
    flip = slider(0.5, 0.0, 1.0, "flip: chance", step=0.1, help="how often left and right change places")
    shift = slider(0.0, 0.0, 0.5, "shift up to", step=0.05, help="share of the side, to each of the four sides")
    crop = span((0.6, 1.0), 0.1, 1.0, "crop", step=0.05, help="share of the area; the crop is enlarged again")
    scale = span((1.0, 1.0), 0.5, 1.5, "scale", step=0.05, help="1 is the size that it has")
    rotation = span((0.0, 0.0), -180.0, 180.0, "rotate", step=5.0, help="degrees, clockwise above 0")
    brightness = span((0.8, 1.2), 0.0, 2.0, "brightness", step=0.05, help="factor; 1 changes nothing")
    contrast = span((0.8, 1.2), 0.0, 2.0, "contrast", step=0.05, help="factor; 1 changes nothing")
    saturation = span((0.8, 1.2), 0.0, 2.0, "saturation", step=0.05, help="factor; 0 is grey")
    hue = span((0.0, 0.0), -0.5, 0.5, "hue", step=0.05, help="0.5 is half way round the circle of colours")
    seed = slider(0, 0, SEEDS - 1, "seed", help="another seed, other random numbers")

    def __init__(self, net=None, test_iter=None, **values):
        self.net, self.test_iter, self.thumbnails = net, test_iter, None
        if net is not None or test_iter is not None:
            check_arguments(net, test_iter)
            self.thumbnails = Thumbnails(test_iter.num_images, self._test_picture)
        super().__init__(**values)

    def limits(self, **_):
        """The test pictures that there are."""
        return {"index": (0, self.test_iter.num_images - 1 if self.thumbnails else 0)}

    def following(self):
        """None is hung anew: the picture is chosen by hand."""
        return []

    def buttons(self):
        """The next seed."""
        return {"another random draw": self.draw_again}

    def draw_again(self):
        """Go to the next seed; after the last, to the first."""
        self.update(seed=(self.seed + 1) % SEEDS)

    def arrange(self):
        """Where the pixels are on the left, what colour they have on the right."""
        c, colors = self.controls, COLOR[:2] if self.thumbnails else COLOR
        for name in (*GEOMETRY, *COLOR, "seed"):
            c[name].layout.width = "380px"
            c[name].style.description_width = "104px"
            c[name].add_class(RANGE)
        for name in ("picture_name", *COLOR[2:]):
            c[name].disabled = self.thumbnails is not None  # a grey picture has no such thing
        left, right = (W.VBox([c[name] for name in names]) for names in (GEOMETRY, (*colors, "seed")))
        again = self.button["another random draw"]
        again.layout.width = "190px"
        first = [again] if self.thumbnails else [c["picture_name"], again]
        return W.VBox([side_by_side(first), side_by_side([left, right], "flex-start")])

    def compute(self, picture_name, index, seed, **strengths):
        """Make the variants, and ask the net."""
        X = self._test_picture(index) if self.thumbnails else photo(picture_name)
        size, generator, variants = tuple(X.shape[1:]), torch.Generator(), []
        strengths = {name: _plain(value) for name, value in strengths.items()}
        augment = pipeline(**strengths, size=size)
        with OwnRandomNumbers(generator):
            for i in range(VARIANTS):
                generator.manual_seed(VARIANTS * seed + i)
                variants.append(augment(X))
        variants = torch.stack(variants)
        code = (TEST_PICTURE if self.thumbnails else PHOTO) + CODE
        return {
            "name": f"test picture {index}" if self.thumbnails else picture_name, "index": index,
            "X": X, "variants": variants, "seed": seed, "strengths": strengths,
            "differences": (variants - X).abs().mean(dim=(1, 2, 3)),
            "code": code.format(name=picture_name, index=index, side=SIDE, size=size, variants=VARIANTS,
                                first=VARIANTS * seed, **strengths),
            **(self._asked(index, torch.cat([X[None], variants])) if self.thumbnails else {}),
        }  # fmt: skip

    def describe(self, result):
        """Say the strengths, how far the variants are from the picture, and what the net answers."""
        strengths = ", ".join(f"{name} {_written(value)}" for name, value in result["strengths"].items())
        least, most = result["differences"].min(), result["differences"].max()
        said = (
            f"{VARIANTS} random variants of {result['name']}, seed {result['seed']}: {strengths}. They differ from "
            f"the picture by {least:.3f} to {most:.3f} on average over pixels, on a scale from 0 to 1."
        )
        if "answers" in result:
            right = sum(answer == result["true"] for answer, _ in result["answers"][1:])
            said += f" It is {self._named(result['true'])}; of the variants the net gets {right} of {VARIANTS} right."
        return said

    def draw(self, result):
        """Draw the picture, the variants with the net's answers, the test pictures, and below them the code."""
        down = SHOWN + GAP + (ANSWER if "answers" in result else 0)
        area = (VARIANTS // COLUMNS) * down  # px down
        height = TOP + area
        title = f"the picture: {self._named(result['true'])}" if "answers" in result else "the photo"
        parts = [
            svg.text(4, TOP - 9, title, anchor="start"), *self._tile(result, 0, result["X"], 4, TOP),
            svg.arrow(4 + SHOWN + 12, TOP + SHOWN / 2, LEFT - 12, TOP + SHOWN / 2),
            svg.text(LEFT, TOP - 9, "what a net may see instead · click for another draw", anchor="start"),
        ]  # fmt: skip
        for i, variant in enumerate(result["variants"]):
            x, y = LEFT + i % COLUMNS * (SHOWN + GAP), TOP + i // COLUMNS * down
            parts += self._tile(result, i + 1, variant, x, y)
        parts.append(touch.button(LEFT, TOP, WIDTH - LEFT - GAP, area - GAP, label="another random draw",
                                  seed=(result["seed"] + 1) % SEEDS))  # fmt: skip
        if self.thumbnails:
            parts.append(svg.moved(0, height, self.thumbnails.draw(result["index"], WIDTH, "test pictures")))
            height += PAGE
        whole = svg.picture(WIDTH, height, *parts, label=self.describe(result))
        return whole + svg.listing(result["code"], result["code"].count("\n") + 1)

    def _tile(self, result, number, image, x, y):
        """One picture and, with a net, its answer; ✗ and colour where it is wrong."""
        pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
        yield svg.tile(pixels.numpy(), x, y, SHOWN, SHOWN, limit=1.0)
        if "answers" in result:
            answer, probability = result["answers"][number]
            right = answer == result["true"]
            told = f"{'✓' if right else '✗'} {self._named(answer)} {probability:.2f}"
            color = "currentColor" if right else svg.ORANGE
            yield svg.text(x, y + SHOWN + 14, told, anchor="start", bold=not right, color=color)

    def _asked(self, index, pixels):
        """The net's answers for pictures (N, 1, H, W) from 0 to 1, and the class of the test picture."""
        data = self.test_iter
        X = data.from_pixels(pixels).to(data.images.device)
        likely = run(quiet_copy(self.net), X).softmax(1).cpu().max(1)
        return {"answers": list(zip(likely.indices.tolist(), likely.values.tolist(), strict=True)),
                "true": int(data.labels[index])}  # fmt: skip

    def _named(self, label):
        return self.test_iter.classes[label] if label < len(self.test_iter.classes) else f"class {label}"

    def _test_picture(self, index):
        """A test picture (1, H, W) from 0 to 1."""
        return self.test_iter.to_pixels(self.test_iter.batch([index])[0])[0].cpu().clamp(0, 1)


def _plain(value):
    """A number, or a range of numbers, in few digits."""
    return tuple(map(_plain, value)) if isinstance(value, tuple) else round(value, 3)


def _written(value):
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"
