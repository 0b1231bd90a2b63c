"""helpers.data.folder with what lies in folders of photos: each file gives its picture, or one sentence on it."""

import pytest
import torch
from PIL import Image

from helpers.data.folder import read_groups

from .test_folder import BLUE, RED, load, picture

WHITE = (255, 255, 255)


def halves(mode="RGB", size=(60, 60)):
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image.convert(mode)


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: its left is the top
    return {"format": "JPEG", "exif": exif}


def glass():
    image = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    image.paste((*BLUE, 255), (30, 0, 60, 60))
    return image


def see_through():
    image = Image.new("P", (60, 60), 1)
    image.putpalette([0, 0, 255, 9, 9, 9])
    image.paste(0, (30, 0, 60, 60))
    return image


# Name, picture, how it is saved, what its left and right (or top and bottom) are.
READ = [
    ("plain.png", halves(), {}, (RED, BLUE)),
    ("upper case.JPG", halves(), {"format": "JPEG"}, (RED, BLUE)),
    ("turned.jpg", halves(), turned(), (RED, BLUE)),
    ("cmyk.jpg", halves("CMYK"), {}, (RED, BLUE)),
    ("grey.jpg", halves("L"), {}, ((76,) * 3, (29,) * 3)),
    ("transparent.png", glass(), {}, (WHITE, BLUE)),
    ("palette.gif", halves("P"), {}, (RED, BLUE)),
    ("transparent.gif", see_through(), {"transparency": 1}, (WHITE, BLUE)),
    ("moving.gif", halves("P"), {"save_all": True, "append_images": [Image.new("P", (60, 60))]}, (RED, BLUE)),
    ("one bit.png", halves("L").point(lambda value: 255 * (value > 50)).convert("1"), {}, (WHITE, (0,) * 3)),
    ("16 bits.png", Image.new("I;16", (60, 60), 25700), {}, ((100,) * 3, (100,) * 3)),
    ("wide.png", halves(size=(600, 10)), {}, (RED, BLUE)),
    ("tall.tif", halves(size=(10, 600)), {}, (RED, BLUE)),
    ("large.jpg", halves(size=(3000, 2000)), {}, (RED, BLUE)),
    ("large and turned.jpg", halves(size=(3000, 2000)), turned(), (RED, BLUE)),
    ("a name without ending", halves(), {"format": "WEBP", "lossless": True}, (RED, BLUE)),
    ("猫 在 花园.png", halves(), {}, (RED, BLUE)),
    ("$5 & co.png", halves(), {}, (RED, BLUE)),
    ("8 pixels.bmp", halves(size=(8, 8)), {}, (RED, BLUE)),
]


@pytest.mark.parametrize("name, image, options, wanted", READ, ids=[case[0] for case in READ])
def test_pictures_of_every_kind_come_with_their_colours_and_upright(tmp_path, name, image, options, wanted):
    where = tmp_path / "mine/猫"
    where.mkdir(parents=True)
    image.save(where / name, **options)
    [[pixels]] = read_groups(where, 32, problems := [])
    assert not problems and pixels.shape == (3, 32, 32) and pixels.dtype == torch.uint8
    pixels = pixels.mT if "turned" in name else pixels
    for column, color in zip((4, 27), wanted, strict=True):
        assert (pixels[:, 4:28, column].float() - torch.tensor(color).float()[:, None]).abs().max() < 6


def huge(path):
    Image.new("1", (8000, 8000)).save(path)


REFUSED = {
    "poem.jpg": (lambda path: path.write_text("no picture"), "is not a picture that can be read here"),
    "film.mov": (lambda path: path.write_bytes(b"\0\0\0\x14ftypqt  \0\0"), "is not a picture that can be read here"),
    "empty.png": (lambda path: path.touch(), "is empty"),
    "phone.heic": (lambda path: path.write_bytes(b"\0\0\0\x24ftypheic\0\0\0\0mif1heic"), "is a HEIC photo"),
    "one pixel.png": (lambda path: picture(path, size=(1, 1)), "has only 1 × 1 pixels"),
    "line.png": (lambda path: picture(path, size=(500, 2)), "has only 500 × 2 pixels"),
    "huge.png": (huge, "8000 × 8000 pixels, more than 50 million"),
    "cut off.jpg": (lambda path: path.write_bytes(_jpeg(path)[:300]), "is damaged or cut off"),
    "nowhere.jpg": (lambda path: path.symlink_to("gone.jpg"), "or a link to nothing"),
    "itself.jpg": (lambda path: path.symlink_to(path.name), "or a link to nothing"),
    "up": (lambda path: path.symlink_to("../.."), "is a link to a folder that is read already"),
    "round": (lambda path: path.symlink_to("."), "is a link to a folder that is read already"),
    "garden again": (lambda path: path.symlink_to("garden"), "is a link to a folder that is read already"),
}


def _jpeg(path):
    halves().save(path, "JPEG")
    return path.read_bytes()


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("inside", ["", "garden/"])
def test_what_gives_no_picture_gives_one_sentence_that_names_it(tmp_path, name, inside):
    where = tmp_path / "mine/cat"
    picture(where / "garden/1.png")
    if (inside, name) == ("garden/", "garden again"):
        pytest.skip("this one is next to it")
    make, words = REFUSED[name]
    try:
        make(where / inside / name)
    except OSError:
        pytest.skip("no links here")
    groups = read_groups(where, 16, problems := [])
    assert [len(group) for group in groups if group] == [1]
    [problem] = problems
    assert f"{inside}{name}" in problem and words in problem and "\n" not in problem


def test_links_are_followed_once(tmp_path):
    album = tmp_path / "album"
    picture(album / "deep/down/1.png"), picture(album / "2.png", BLUE)
    picture(tmp_path / "mine/cat/.cache/3.png"), picture(tmp_path / "mine/cat/garden/.thumbs/4.png")
    try:
        (tmp_path / "mine/cat/linked").symlink_to(album, target_is_directory=True)
        (tmp_path / "mine/cat/photo.png").symlink_to(album / "2.png")
    except OSError:
        pytest.skip("no links here")
    groups = read_groups(tmp_path / "mine/cat", 16, problems := [])
    assert sorted(len(group) for group in groups if group) == [1, 2] and not problems


def test_copies_of_a_photo_in_both_parts_are_a_leak_and_said(tmp_path, capsys):
    for label, blue in (("a", 0), ("b", 255)):
        for number in range(6):
            picture(tmp_path / label / f"{number}.png", (40 * number, 0, blue))
    load(tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == 1
    for number in range(6):
        picture(tmp_path / "a" / f"{number} (1).png", (40 * number, 0, 0))
    train, test = load(tmp_path, test=0.5)
    twice = sum(any(torch.equal(one, other) for other in train.images) for one in test.images)
    words = f"{twice} pictures of the test are in the training as well: keep one copy of each."
    assert twice > 1 and capsys.readouterr().out.splitlines()[1] == words
