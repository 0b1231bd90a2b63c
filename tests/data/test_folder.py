"""helpers.data.folder and sample: a folder of pictures becomes batches in colour, files never divided, faults named."""

import errno
import os
import pathlib

import pytest
import torch
from PIL import Image

from helpers.data import load_data_folder, sample_folder

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(path, color=RED, size=(40, 30), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path, **options)


@pytest.fixture
def mine(tmp_path):
    """Eight red cats, four blue dogs, and what systems put there."""
    for number in range(8):
        picture(tmp_path / f"mine/cat/{number}.jpg")
    for number in range(4):
        picture(tmp_path / f"mine/dog/{number}.png", BLUE, (30, 50))
    (tmp_path / "mine/.DS_Store").touch()
    (tmp_path / "mine/cat/.DS_Store").touch()
    (tmp_path / "mine/notes.txt").touch()
    return tmp_path / "mine"


def load(folder, batch_size=4, size=16, **options):
    return load_data_folder(folder, batch_size, size, device="cpu", **options)


def test_classes_are_the_folders_and_each_gives_its_share_to_the_test(mine, capsys):
    train_iter, test_iter = load(mine)
    assert capsys.readouterr().out.splitlines()[0] == "mine: 2 classes (cat, dog), train 9, test 3"
    assert train_iter.classes == test_iter.classes == ["cat", "dog"] and train_iter.source == "mine"
    assert train_iter.labels.bincount().tolist() == [6, 3] and test_iter.labels.bincount().tolist() == [2, 1]
    assert train_iter.shuffle and not test_iter.shuffle and len(train_iter) == 3
    assert "9 images of mine in 3 batches of 4, each (3, 16, 16)" in repr(train_iter)
    assert "3 images of mine in 1 batch of 4, each" in repr(test_iter)
    X, y = next(iter(test_iter))
    assert X.shape == (3, 3, 16, 16) and X.dtype == torch.float32 and y.dtype == torch.int64
    assert train_iter.dataset[0][0].shape == (3, 16, 16)


def test_colours_stay_and_pixels_are_standardised_over_the_training_set(mine):
    train_iter, test_iter = load(mine, 100)
    [(X, y)] = train_iter
    assert abs(X.mean()) < 1e-5 and abs(X.std() - 1) < 1e-3
    pixels = test_iter.to_pixels(test_iter.batch([0, 2])[0]).mean(dim=(2, 3))
    torch.testing.assert_close(pixels, torch.tensor([[254 / 255, 0, 0], [0, 0, 1]]), atol=0.01, rtol=0)
    [(raw, _)] = load(mine, 100, standardize=False)[1]
    assert raw.min() >= 0 and raw.max() <= 1 and raw.max() > 0.9


def test_grey_transparent_and_palette_pictures_come_in_three_colours(tmp_path):
    for name, image in {
        "grey": Image.new("L", (9, 9), 51),
        "deep": Image.new("I;16", (9, 9), 13107),
        "glass": Image.new("RGBA", (9, 9), (0, 0, 0, 0)),
        "few": Image.new("P", (9, 9)),
    }.items():
        for number in (1, 2):
            (tmp_path / name).mkdir(exist_ok=True)
            image.save(tmp_path / name / f"{number}.png")
    train_iter, _ = load(tmp_path, standardize=False)
    shades = dict(zip(train_iter.classes, train_iter.images[:, :, 0, 0].tolist(), strict=True))
    assert shades["grey"] == shades["deep"] == [51] * 3 and shades["glass"] == [255] * 3 and shades["few"] == [0] * 3


def test_the_split_follows_the_seed_and_no_picture_is_in_both_parts(tmp_path):
    for label in "ab":
        for number in range(20):
            picture(tmp_path / label / f"{number:02}.png", (number, 0, 0))
    reds = {}
    for seed in (0, 0, 1):
        parts = [part.images[part.labels == 0][:, 0, 0, 0].tolist() for part in load(tmp_path, seed=seed, test=0.3)]
        assert sorted(parts[0] + parts[1]) == list(range(20)) and len(parts[1]) == 6
        assert reds.setdefault(seed, parts) == parts
    assert sorted(reds[0][1]) != sorted(reds[1][1])


@pytest.mark.parametrize("seed", range(5))
def test_a_folder_inside_a_class_is_never_divided(tmp_path, seed):
    for label in "ab":
        for photo in range(4):
            for tile in range(3):
                picture(tmp_path / label / f"photo {photo}" / f"{tile}.png", (10 * photo, 0, 0))
    train_iter, test_iter = load(tmp_path, seed=seed)
    trained, tested = ({*part.images[part.labels == 1][:, 0, 0, 0].tolist()} for part in (train_iter, test_iter))
    assert len(trained) == 3 and len(tested) == 1 and not trained & tested
    assert (train_iter.num_images, test_iter.num_images) == (18, 6)


def test_what_is_no_picture_is_left_out_and_named(mine, capsys):
    (mine / "cat/poem.txt").write_text("no picture")
    (mine / "cat/9.jpg").write_bytes((mine / "cat/1.jpg").read_bytes()[:200])
    picture(mine / "dog/dot.png", size=(3, 3))
    load(mine)
    said = capsys.readouterr().out
    assert "train 9, test 3" in said and all(len(line) <= 80 for line in said.splitlines())
    said = " ".join(said.split())
    assert "Left out: cat/poem.txt is not a picture that can be read here: choose a PNG" in said
    assert "Left out: cat/9.jpg is damaged" in said and "Left out: dog/dot.png has only 3 × 3 pixels" in said
    for number, more in enumerate(("1 more file.", "2 more files.")):
        (mine / f"cat/more {number}.txt").touch()
        load(mine)
        assert f"Left out as well: {more}" in " ".join(capsys.readouterr().out.split())


def test_one_picture_stays_to_train_on_however_large_the_test(mine):
    assert load(mine, test=0.99)[0].labels.tolist() == [0, 1]


@pytest.mark.parametrize("prepare, words", [
    (lambda folder: folder / "none", "none is no folder: name one that holds a sub-folder for each class"),
    (lambda folder: folder / "notes.txt", "is no folder"),
    (lambda folder: folder / "dog", "no sub-folder: make one for each class"),
    (lambda folder: (folder / "dog").rename(folder.parent / "dog") and folder, "only one sub-folder, cat: make one"),
    (lambda folder: (folder / "bird").mkdir() or folder, "class bird has no pictures that can be read: give it at"),
    (lambda folder: picture(folder / "bird/1.png") or folder, "class bird has 1 picture that can be read: give"),
])  # fmt: skip
def test_a_folder_that_cannot_be_used_is_answered_by_one_sentence(mine, prepare, words):
    with pytest.raises(ValueError, match=words) as caught:
        load(prepare(mine))
    assert "\n" not in str(caught.value)


def test_a_class_of_broken_files_says_why(mine):
    (mine / "bird").mkdir()
    (mine / "bird/1.png").touch()
    with pytest.raises(ValueError, match=r"class bird has no pictures that can be read \(bird/1.png is empty"):
        load(mine)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"size": 0}, {"size": 2.5}, {"test": 0}, {"test": 1.0}])
def test_numbers_out_of_range(mine, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        load(mine, **wrong)


def test_a_small_set_for_one_class_pair(mine):
    few = load(mine)[0].only([1, 0], each=2)
    assert few.classes == ["dog", "cat"] and few.batch([0])[0].shape == (1, 3, 16, 16)


def test_the_users_home_and_a_folder_that_may_not_be_read(mine, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(mine.parent))
    assert load("~/mine")[0].classes == ["cat", "dog"]

    def iterdir(self):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(pathlib.Path, "iterdir", iterdir)
    with pytest.raises(ValueError, match=r"mine cannot be read \(.*\): change its rights, or take it away"):
        load(mine)


# ---- the sample ----------------------------------------------------------------------------------------------


def test_the_sample_has_a_class_a_photo_and_areas_that_share_no_pixel(tmp_path, capsys):
    pytest.importorskip("skimage")
    train_iter, test_iter = load_data_folder(sample_folder(tmp_path / "tiles"), 32, 64, device="cpu")
    assert "10 classes" in capsys.readouterr().out and {"brick", "china", "grass"} <= set(train_iter.classes)
    assert train_iter.labels.bincount().tolist() == [48] * 10 and test_iter.labels.bincount().tolist() == [16] * 10
    covered = {}
    for area in (tmp_path / "tiles/brick").iterdir():
        corners = [tuple(map(int, tile.stem.split("_")[1:])) for tile in area.iterdir()]
        assert len(corners) == 4
        covered[area.name] = {(row // 96, column // 96) for top, left in corners for row in (top, top + 63)
                              for column in (left, left + 63)}  # fmt: skip
    assert all(len(squares) == 1 for squares in covered.values()), "a tile leaves its area"
    assert len(set.union(*covered.values())) == 16


def test_without_scikit_image_two_photos_said_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    sample_folder(tmp_path)
    assert capsys.readouterr().out.count("\n") == 1 and {path.name for path in tmp_path.iterdir()} == {
        "china",
        "flower",
    }
