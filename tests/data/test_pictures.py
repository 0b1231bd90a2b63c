"""helpers/data/pictures.py: a picture file is read, or answered by one sentence that names it."""

import io
import os
import struct
import threading
import time

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image

from helpers.data import open_picture


def file_of(image, kind="PNG", **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def ramp(width=300, height=240):
    return Image.fromarray(np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1)))


def tiff(values):
    return file_of(Image.fromarray(values), "TIFF")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF"])
def test_every_listed_format_is_read(folder, kind):
    if kind not in Image.registered_extensions().values():
        pytest.skip(f"this Pillow has no {kind}")
    (folder / "mine").write_bytes(file_of(ramp(), kind))
    X = open_picture("mine", side=50)
    assert X.shape == (50, 50) and X.dtype == torch.float32
    wanted = torch.linspace(30 / 299, 269 / 299, 50)  # the middle 240 of 300 columns
    assert (X.mean(0) - wanted).abs().max() < 0.03


def refused(content, words, name="mine.tif"):
    with pytest.raises(ValueError, match=words) as caught:
        open_picture(io.BytesIO(content), name)
    assert str(caught.value).startswith(name) and "\n" not in str(caught.value)


def test_numbers_that_are_no_brightness():
    values = np.full((20, 20), 0.5, np.float32)
    for wrong in (np.nan, np.inf, -np.inf):
        refused(tiff(np.where(np.eye(20) > 0, wrong, values).astype(np.float32)), "nan or infinite numbers")
    refused(tiff(np.where(np.eye(20) > 0, -2, values).astype(np.float32)), "numbers from -2 to 0.5.*add 2 to all")
    refused(tiff(np.where(np.eye(20) > 0, -7, 9).astype(np.int32)), "numbers from -7 to 9")
    X = open_picture(io.BytesIO(tiff(values)), "grey.tif", 20)
    assert torch.all(X == 1), "the largest number is white"


def test_colours_that_have_no_grey_here():
    refused(file_of(Image.new("LAB", (20, 20)), "TIFF"), "has its colours as LAB, which is not read here")


def test_postscript_starts_no_program(monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *args, **options: pytest.fail("Ghostscript"))
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n%%EOF\n"
    assert Image.open(io.BytesIO(content)).format == "EPS", "Pillow would"
    refused(content, "is not a picture that can be read here", "drawing.eps")


@pytest.mark.parametrize("error", [KeyError("x"), struct.error("unpack"), OverflowError("big"), RuntimeError("avif"),
                                   ZeroDivisionError(), NotImplementedError(), OSError("broken data stream")])
def test_whatever_pillow_raises_names_the_file(monkeypatch, error):
    def load(self):
        raise error

    content = file_of(ramp())
    monkeypatch.setattr(Image.Image, "load", load)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    refused(content, "mine.png is damaged or cut off", "mine.png")


def test_a_damaged_header_of_a_tiff_names_the_file():
    content = tiff(np.full((20, 20), 0.5, np.float32))
    start = struct.unpack("<I", content[4:8])[0]
    random = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(content)
        for place in random.integers(start, len(content), 3):
            damaged[place] = random.integers(0, 256)
        try:
            assert open_picture(io.BytesIO(bytes(damaged)), "mine.tif").isfinite().all()
        except ValueError as error:
            assert str(error).startswith("mine.tif ")


def test_a_missing_file_is_missing(folder):
    with pytest.raises(ValueError, match=rf"^photo.png does not exist in {folder}: look at its spelling"):
        open_picture("photo.png")
    with pytest.raises(ValueError, match=r"photo.png does not exist: look"):
        open_picture(folder / "photo.png")
    with pytest.raises(ValueError, match="is a folder: name a picture file in it"):
        open_picture(folder)
    (folder / "empty.png").touch()
    with pytest.raises(ValueError, match="empty.png is empty"):
        open_picture("empty.png")


def test_paths_of_every_kind(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    (folder / "mine.png").write_bytes(file_of(ramp()))
    wanted = open_picture("mine.png", side=20)
    for file in (b"mine.png", folder / "mine.png", "~/mine.png", io.BytesIO(file_of(ramp())), open("mine.png", "rb")):
        assert torch.equal(open_picture(file, side=20), wanted)
    for missing in (b"photo.png", "~/photo.png", "file:///photo.png"):
        with pytest.raises(ValueError, match=rf"^{os.fsdecode(missing)} does not exist"):
            open_picture(missing)


@pytest.mark.parametrize("file", [None, 5, ["mine.png"], io.StringIO("text")])
def test_what_is_no_file_is_said(file):
    with pytest.raises(TypeError, match="must be a path or a file that is open in binary mode"):
        open_picture(file)


def test_a_closed_file_and_a_name_of_two_lines(folder):
    file = io.BytesIO(file_of(ramp()))
    file.close()
    with pytest.raises(ValueError, match="is closed: open it anew"):
        open_picture(file)
    with pytest.raises(ValueError, match=r"^a\?b.png does not exist"):
        open_picture("a\nb.png")
    refused(b"nothing", r"a\?b.png is not a picture", "a?b.png")


@pytest.mark.parametrize("side", [0, -3, 2.5, True, "200", None])
def test_a_side_that_is_none_is_not_put_down_to_the_file(side):
    with pytest.raises(ValueError, match="side must be a whole number above 0"):
        open_picture(io.BytesIO(file_of(ramp())), side=side)


def test_a_negative_number_does_not_vanish_in_the_mean_of_its_block():
    values = np.full((1700, 1700), 0.5, np.float32)
    values[800, 900] = -0.25
    refused(tiff(values), "numbers from -0.25 to 0.5")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(folder):
    os.mkfifo("pipe.png")
    os.symlink("nowhere", "link.png")
    said = []

    def ask():
        for name in ("pipe.png", "link.png"):
            try:
                open_picture(name)
            except ValueError as error:
                said.append(str(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(20)
    assert len(said) == 2 and all("no file with an end, or a link to nothing" in sentence for sentence in said)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(folder):
    (folder / "mine.png").write_bytes(file_of(ramp()))
    os.chmod("mine.png", 0)
    with pytest.raises(ValueError, match="mine.png cannot be read .*change its rights"):
        open_picture("mine.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_picture_of_48_million_pixels(folder, mode):
    large = Image.new("L", (8000, 6000))
    large.paste(255, (4000, 0, 8000, 6000))
    (folder / "large.png").write_bytes(file_of(large.convert(mode), compress_level=1))
    start = time.monotonic()
    X = open_picture("large.png")
    assert time.monotonic() - start < 20
    assert torch.all(X[:, :98] == 0) and torch.all(X[:, 102:] == 1) and X.shape == (200, 200)
    refused(file_of(Image.new("1", (8000, 8000))), "8000 × 8000 pixels, more than 50 million", "huge.png")


def test_blocks_of_a_large_picture_have_the_mean_of_its_pixels(folder):
    random = np.random.default_rng(0).integers(0, 256, (2400, 2400), dtype=np.uint8)
    X = open_picture(io.BytesIO(file_of(Image.fromarray(random))), "noise.png", 100)
    means = torch.from_numpy(random / 255).reshape(100, 24, 100, 24).mean((1, 3))
    assert abs(float(X.mean()) - random.mean() / 255) < 0.002
    assert float(((X - means) ** 2).mean()) < 0.001
