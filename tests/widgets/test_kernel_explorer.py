"""The kernel explorer: what it shows is what PyTorch computes, its controls agree, every upload gets an answer."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from helpers import corr2d
from helpers.data import load_photo, open_picture
from helpers.widgets import KernelExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.kit.kernel_editor import KERNELS, KernelEditor, name_of, resized
from helpers.widgets.kit.pictures import as_upload

from .looks import smallest_font

SOBEL = torch.tensor(KERNELS["Sobel x"], dtype=torch.float32)


@pytest.fixture(autouse=True)
def _strict(monkeypatch):
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")


@pytest.fixture(scope="module")
def explorer():
    return KernelExplorer()


def file_of(image, kind="PNG", **options):
    """Return the bytes of an image file."""
    store = io.BytesIO()
    image.save(store, kind, **options)
    return store.getvalue()


def reference(X, K):
    return F.conv2d(X[None, None], K[None, None])[0, 0]


def test_every_control_works():
    explorer = KernelExplorer()
    assert drive(explorer) > 40 and not explorer.errors


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("picture", ["flower", "china", "digit"])
def test_output_is_pytorchs(explorer, name, picture):
    explorer.update(picture_name=picture, preset=name, operation="cross-correlation", clamp=False)
    result, K = explorer.result, torch.tensor(KERNELS[name], dtype=torch.float32)
    assert torch.equal(result["K"], K)
    torch.testing.assert_close(result["output"], reference(result["X"], K), atol=1e-4, rtol=1e-5)
    assert result["sum"] == pytest.approx(result["output"][result["row"], result["column"]].item())
    assert result["products"].sum().item() == pytest.approx(result["sum"], abs=1e-4)


def test_photo_is_the_courses(explorer):
    explorer.update(picture_name="china", preset="identity")
    assert torch.equal(explorer.result["X"], load_photo("china", 200))
    assert torch.equal(explorer.result["output"], load_photo("china", 200)[1:-1, 1:-1])


def test_running_example():
    explorer = KernelExplorer(picture_name="0…8", row=0, column=0)
    assert explorer.result["output"].tolist() == [[19, 25], [37, 43]]
    sums = {}
    for row in (0, 1):
        for column in (0, 1):
            explorer.update(row=row, column=column)
            sums[row, column] = explorer.result["sum"]
            assert f"row {row}, column {column} the 4 products add up to {sums[row, column]:g}" in explorer.picture
    assert sums == {(0, 0): 19, (0, 1): 25, (1, 0): 37, (1, 1): 43}
    assert all(f">{number}</text>" in explorer.picture for number in (*range(9), 19, 25, 37, 43))


def test_convolution_turns_the_kernel(explorer):
    explorer.update(picture_name="flower", preset="emboss", operation="convolution", clamp=False)
    X, K = explorer.result["X"], torch.tensor(KERNELS["emboss"], dtype=torch.float32)
    torch.testing.assert_close(explorer.result["output"], corr2d(X, K.flip(0, 1)))
    assert torch.equal(explorer.result["K"], K.flip(0, 1)) and "turned by 180°" in explorer.picture


def test_clamping_hides_the_negative_half(explorer):
    explorer.update(picture_name="flower", preset="Sobel x", operation="cross-correlation", clamp=False)
    signed = explorer.result["output"]
    share = (signed < 0).float().mean().item()
    explorer.clamp = True
    assert torch.equal(explorer.result["output"], signed.clamp(min=0))
    assert explorer.result["negative"] == pytest.approx(share) and 0.3 < share < 0.7


@pytest.mark.parametrize("picture", ["flower", "china", "digit", "0…8", "your own"])
@pytest.mark.parametrize("operation", ["cross-correlation", "convolution"])
def test_the_code_shown_makes_the_result(explorer, picture, operation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = file_of(Image.radial_gradient("L").crop((0, 0, 90, 256)), "JPEG")
    (tmp_path / "it's mine.jpg").write_bytes(content)
    explorer.upload = as_upload("it's mine.jpg", content)
    for preset, clamp in (("mean", True), ("emboss", False), ("[1, −1]", True)):
        explorer.update(picture_name=picture, preset=preset, operation=operation, clamp=clamp)
        if explorer.result["problem"]:
            explorer.update(preset="[0…3]")
        names = {}
        exec(explorer.result["code"], names)
        torch.testing.assert_close(names["Y"], explorer.result["output"], atol=1e-3, rtol=1e-4)
        assert KernelExplorer.__name__ not in explorer.result["code"]


def test_the_code_stands_under_the_picture(explorer):
    explorer.update(picture_name="flower", weights=[[0.25, -1], [2, 0]])
    below = explorer.picture.split("</svg>")[1]
    assert "F.conv2d" in below and "K = torch.tensor([[0.25, -1.0]," in below


def test_preset_size_centre_and_boxes_say_the_same(explorer):
    editor = explorer.controls["weights"]
    explorer.update(picture_name="flower", preset="Laplacian")
    assert editor.value == KERNELS["Laplacian"] and explorer.centre == -4 and explorer.size == "3×3"
    explorer.controls["centre"].value = 5.0
    assert explorer.preset == "own" and explorer.weights[1] == (1, 5, 1)
    editor._boxes[0][1].value, editor._boxes[1][0].value = -1, -1
    editor._boxes[1][2].value, editor._boxes[2][1].value = -1, -1
    assert explorer.preset == "sharpen" and torch.equal(explorer.result["K"], torch.tensor(KERNELS["sharpen"]).float())
    explorer.size = "5×5"
    assert explorer.preset == "own" and explorer.weights[2] == (0, -1, 5, -1, 0)
    explorer.preset = "Gaussian"
    assert len(explorer.weights) == 5 and sum(map(sum, explorer.weights)) == pytest.approx(1)
    explorer.size = "3×3"
    assert explorer.preset == "Gaussian" and explorer.weights == KERNELS["Gaussian"]
    explorer.preset = "[1, −1]"
    assert explorer.size == "1×2" and explorer.centre == -1


def test_the_slider_says_which_weight_it_is(explorer):
    for size, name in (("1×2", "last"), ("2×2", "last"), ("3×3", "centre"), ("5×5", "centre")):
        explorer.size = size
        assert explorer.controls["centre"].description == f"{name} weight"
        explorer.centre = 3.0
        assert explorer.weights[len(explorer.weights) // 2][len(explorer.weights[0]) // 2] == 3


def test_one_redraw_for_a_move_of_the_slider(explorer, monkeypatch):
    explorer.update(picture_name="flower", preset="Sobel x")
    drawn = []
    monkeypatch.setattr(explorer, "draw", lambda result: drawn.append(result) or "<svg/>")
    explorer.controls["centre"].value = 2.0
    assert len(drawn) == 1 and drawn[0]["K"][1, 1] == 2


@pytest.mark.parametrize("weight", [0.07, 1 / 9, -3.333])
def test_a_weight_between_the_steps_of_the_slider_stays(explorer, weight):
    explorer.update(picture_name="flower", preset="identity")
    explorer.weights = [[0, 0, 0], [0, weight, 0], [0, 0, 0]]
    slider = explorer.controls["centre"]
    slider.value = slider.min + round((slider.value - slider.min) / slider.step) * slider.step  # as a browser does
    assert explorer.weights[1][1] == weight
    assert abs(explorer.centre - weight) <= 0.026


def test_no_colour_jumps_while_the_centre_is_dragged(explorer):
    explorer.update(picture_name="flower", preset="Laplacian")
    limits = []
    for step in range(-200, 201):
        explorer.centre = step / 20
        limits.append(explorer.result["limit"])
    jumps = np.abs(np.diff(limits))
    assert min(limits) > 0 and jumps.max() <= 0.05 + 1e-6


@pytest.mark.parametrize(
    ("picture", "kernel", "limit"),
    [("flower", "mean", 1), ("flower", "identity", 1), ("china", "Laplacian", 8 / 12), ("flower", "[0…3]", 6),
     ("digit", "Sobel x", 16 * 4), ("0…8", "[0…3]", 8 * 6), ("0…8", "[1, −1]", 8)],
)  # fmt: skip
def test_the_colours_reach_as_far_as_an_even_area_or_a_share_of_the_most(explorer, picture, kernel, limit):
    explorer.update(picture_name=picture, preset=kernel, operation="cross-correlation", clamp=False)
    assert explorer.result["limit"] == pytest.approx(limit)
    assert explorer.result["output"].abs().max() <= limit or picture in ("flower", "china")


def test_the_picture_keeps_its_size(explorer):
    sizes = set()
    for picture in ("flower", "digit", "0…8", "your own"):
        for preset in ("mean", "[1, −1]"):
            explorer.update(picture_name=picture, preset=preset)
            sizes.add(explorer.picture.split("viewBox")[1].split('"')[1])
    assert len(sizes) == 1 and ";height:" in explorer.picture.split("</svg>")[1]


@pytest.mark.parametrize("preset", [name for name in KERNELS if name != "[0…3]"])
@pytest.mark.parametrize("size", ["3×3", "5×5"])
def test_its_numbers_are_readable(explorer, preset, size):
    explorer.update(picture_name="flower", preset=preset)
    explorer.size = size
    assert smallest_font(explorer.picture) >= 11


def test_weights_from_tensor_and_list(explorer):
    explorer.update(picture_name="flower", weights=SOBEL)
    assert explorer.preset == "Sobel x"
    for wrong in ([[1, 2, 3, 4]], [[1, 2], [3]], [[11.0, 0]], [[float("nan"), 0]], "kernel", 3, []):
        with pytest.raises(Exception, match="rows of numbers"):
            explorer.weights = wrong
    assert explorer.preset == "Sobel x"


def test_a_kernel_too_large_is_said(explorer):
    explorer.update(picture_name="0…8", weights=[[1.0] * 5] * 5)
    assert "5×5 kernel does not fit into a 3×3 picture" in explorer.picture
    assert explorer.result["output"] is None and not explorer.errors


def test_resized_keeps_the_centre():
    kernel = ((1, 2, 3), (4, 5, 6), (7, 8, 9))
    large = resized(kernel, "5×5")
    assert large[2] == (0, 4, 5, 6, 0) and large[0] == (0,) * 5 and resized(large, "3×3") == kernel
    assert resized(kernel, "1×2") == ((4, 5),) and resized(kernel, "2×2") == ((1, 2), (4, 5))
    assert name_of(kernel) == "own" and all(name_of(weights) == name for name, weights in KERNELS.items())


def test_editor_hides_what_is_outside_and_keeps_its_place():
    editor = KernelEditor(KERNELS["[0…3]"])
    shown = [box.layout.visibility != "hidden" for row in editor._boxes for box in row]
    assert sum(shown) == 4 and len(shown) == 25
    editor._boxes[1][0].value = 7
    assert editor.value == ((0, 1), (7, 3))


def gradient():
    return Image.fromarray(np.tile(np.linspace(0, 255, 300, dtype=np.uint8), (240, 1)))


GOOD = {
    "grey.png": file_of(gradient()),
    "colour.jpg": file_of(gradient().convert("RGB"), "JPEG", quality=95),
    "cmyk.jpg": file_of(gradient().convert("CMYK"), "JPEG", quality=95),
    "palette.gif": file_of(gradient().convert("P"), "GIF"),
    "alpha.png": file_of(gradient().convert("RGBA")),
    "grey alpha.png": file_of(gradient().convert("LA")),
    "picture.webp": file_of(gradient().convert("RGB"), "WEBP", lossless=True),
    "picture.bmp": file_of(gradient(), "BMP"),
    "16 bits.png": file_of(Image.fromarray(np.asarray(gradient()).astype(np.uint16) * 257)),
    "floats.tif": file_of(Image.fromarray(np.asarray(gradient(), dtype=np.float32) / 255), "TIFF"),
    "bits.png": file_of(gradient().convert("1")),
}


@pytest.mark.parametrize("name", GOOD)
def test_uploads_of_every_kind(explorer, name):
    explorer.upload = as_upload(name, GOOD[name])
    X = explorer.result["X"]
    assert explorer.picture_name == "your own" and X.shape == (200, 200) and X.dtype == torch.float32
    ramp = torch.linspace(30 / 299, 269 / 299, 200)  # the middle 240 of 300 columns
    assert (X.mean(0) - ramp).abs().mean() < 0.03 and 0 <= X.min() and X.max() <= 1


def test_a_picture_of_8000_by_6000_pixels_is_shown(explorer):
    explorer.upload = as_upload("large.png", file_of(Image.new("1", (8000, 6000), 1)))
    assert explorer.result["X"].shape == (200, 200) and torch.all(explorer.result["X"] == 1) and not explorer.errors


def test_transparent_parts_are_white_and_the_camera_is_heeded():
    clear = open_picture(io.BytesIO(file_of(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))), "clear.png")
    assert torch.all(clear == 1)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = open_picture(io.BytesIO(file_of(gradient(), "JPEG", exif=exif)), "turned.jpg")
    assert turned[:, :20].mean() > turned[:, -20:].mean()


BAD = {
    "empty.png": (b"", "empty.png is empty"),
    "notes.txt": (b"dear diary", "notes.txt is not a picture"),
    "renamed.png": (b"%PDF-1.4 ...", "renamed.png is not a picture"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg is not a picture"),
    "cut.png": (GOOD["grey.png"][:-40], "cut.png is damaged or cut off"),
    "cut.jpg": (GOOD["colour.jpg"][:900], "cut.jpg is damaged or cut off"),
    "head.png": (GOOD["grey.png"][:30], "head.png is"),
    "dot.png": (file_of(Image.new("L", (1, 1))), "dot.png has only 1 × 1 pixels"),
    "line.png": (file_of(Image.new("L", (5000, 2))), "line.png has only 5000 × 2 pixels"),
    "large.png": (file_of(Image.new("1", (8000, 8000))), "more than 50 million"),
    "bomb.png": (file_of(Image.new("1", (20000, 20000))), "more than 50 million"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_upload_is_answered_by_a_sentence(explorer, name):
    content, sentence = BAD[name]
    explorer.upload = as_upload(name, content)
    assert sentence in explorer.describe(explorer.result) and explorer.result["output"] is None
    assert sentence.split()[0] in explorer.picture and not explorer.errors
    explorer.upload = as_upload("grey.png", GOOD["grey.png"])
    assert explorer.result["output"] is not None


def test_damaged_bytes_never_raise(explorer):
    """Pictures with random bytes changed either load or are answered; nothing escapes."""
    random = np.random.default_rng(0)
    for name in ("grey.png", "colour.jpg", "palette.gif", "picture.webp", "floats.tif"):
        for _ in range(30):
            content = bytearray(GOOD[name])
            for place in random.integers(0, len(content), 5):
                content[place] = random.integers(0, 256)
            explorer.upload = as_upload(name, bytes(content))
            assert explorer.result["problem"] or explorer.result["output"].isfinite().all()


def test_own_picture_without_a_file_asks_for_one(explorer):
    explorer.upload = ()
    explorer.picture_name = "your own"
    assert "Choose a picture file" in explorer.picture


def test_names_of_files_are_escaped(explorer):
    explorer.upload = as_upload("<b>&'\".png", b"")
    assert "<b>" not in explorer.picture and "&lt;b&gt;" in explorer.picture


def test_still_for_readers_without_a_kernel():
    bundle = KernelExplorer(picture_name="0…8", row=0, column=0)._repr_mimebundle_()[0]
    assert bundle["text/plain"].startswith("KernelExplorer: cross-correlation of 0…8 (3×3) with a 2×2 kernel")
    assert bundle["image/png"].startswith("iVBOR")
