"""Where the pictures come from, and all that can go wrong on the way.

No test reaches the network: mirrors are small servers on the loopback device.
"""
import gzip
import io
import os
import socket
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torchvision.datasets import FashionMNIST

from helpers.data import download, sources
from helpers.data.batches import origin
from helpers.data.sources import FILES, SourceError, find_images, idx_bytes, parse_idx

from .fake_data import data_missing, load, network_off, small_set, two_mirrors, write_set  # noqa: F401  (fixtures)

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


def told(capsys):
    """What was printed, as one line without the line of progress that is drawn over."""
    return " ".join(capsys.readouterr().out.rsplit("\r", 1)[-1].split())


# ---- folders -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("packed", [False, True])
def test_folder_is_read_as_torchvision_reads_it(no_data, tmp_path, packed, capsys):
    raw = write_set(tmp_path / "mine", packed)
    train_iter, test_iter = load(folder=str(tmp_path / "mine"))
    write_set(tmp_path / "mine")
    for loop, train in ((train_iter, True), (test_iter, False)):
        wanted = FashionMNIST(str(tmp_path / "mine"), train=train)
        assert torch.equal(loop.images[:, 0], wanted.data) and torch.equal(loop.labels, wanted.targets)
    pixels = small_set()[TRAIN_IMAGES] / 255
    assert train_iter.mean == pytest.approx(pixels.mean()) and train_iter.std == pytest.approx(pixels.std())
    assert train_iter.classes[9] == "ankle boot" and raw.is_dir()
    assert capsys.readouterr().out.startswith("Fashion-MNIST (given folder): train 20, test 10\n")


def test_kaggle_mounts_it_and_no_download_is_asked_for(no_data, tmp_path, monkeypatch, capsys):
    raw = write_set(tmp_path / "kaggle")
    (tmp_path / "kaggle/other").mkdir()
    (tmp_path / "kaggle/other" / TRAIN_IMAGES).write_bytes(b"damaged, and passed over")
    monkeypatch.setattr(sources, "KAGGLE", raw.parents[1])
    found, problems = find_images(allow_download=False)
    assert (found.place, len(found.train_images), problems) == ("Kaggle's input", 20, [])
    write_set(no_data)
    assert find_images(allow_download=False)[0].place == "data/"


def test_order_of_the_folders(no_data, tmp_path, monkeypatch, capsys):
    """Argument before CNN_COURSE_DATA before data/; a later one steps in with a word about the earlier."""
    monkeypatch.setenv("CNN_COURSE_DATA", str(tmp_path / "named"))
    for folder, line in ((no_data, "own files (data/): train 21, test 10 Not the published files of "
                                   f"Fashion-MNIST: other content in {TRAIN_IMAGES}, {TRAIN_LABELS}, {TEST_IMAGES}, "
                                   f"{TEST_LABELS}. Passed over: the given folder does not exist: there is no 'given' "
                                   "in the folder above; the folder in CNN_COURSE_DATA does not exist: there is no "
                                   "'named'"),
                         (tmp_path / "named", f"{TEST_LABELS}. Passed over: the given folder does not exist"),
                         (tmp_path / "given", "own files (given folder): train 21, test 10 Not the")):
        write_set(folder, n_train=21)
        assert load(folder=tmp_path / "given")[0].num_images == 21
        out = " ".join(capsys.readouterr().out.split())
        assert line in out and str(tmp_path) not in out


def test_data_lies_beside_the_package_whatever_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert sources.DATA.is_absolute() and (sources.DATA.parent / "helpers" / "start.py").is_file()


def test_second_reading_takes_the_first_ones_bytes(no_data, tmp_path, monkeypatch):
    write_set(no_data)
    first = find_images()[0]
    monkeypatch.setattr(sources, "read_file", None)
    assert find_images()[0].train_images is first.train_images
    monkeypatch.undo()


FAULTS = {
    "truncated": (TRAIN_IMAGES, lambda content: content[:1000], "truncated: 1,000 of 15,696 bytes"),
    "cut in the header": (TEST_LABELS, lambda content: content[:5], "no idx file"),
    "empty": (TRAIN_IMAGES, lambda content: b"", "no idx file"),
    "too long": (TEST_LABELS, lambda content: content + b"!", "too long: 19 of 18 bytes"),
    "of floats": (TEST_IMAGES, lambda content: b"\0\0\x0d" + content[3:], "no idx file of bytes with 3 axes"),
    "a web page": (TRAIN_LABELS, lambda content: b"<html>not found</html>", "no idx file of bytes with 1 axes"),
    "wrong label": (TEST_LABELS, lambda content: content[:-1] + b"\x0a", "a label 10 where 0 to 9"),
    "another count": (TRAIN_LABELS, lambda content: idx_bytes(np.zeros(3, np.uint8)), "holds 3 labels for images"),
    "another size": (TEST_IMAGES, lambda content: idx_bytes(np.zeros((10, 8, 8), np.uint8)), r"\(10, 8, 8\)"),
    "nothing in it": (TEST_IMAGES, lambda content: idx_bytes(np.zeros((0, 28, 28), np.uint8)), r"\(0, 28, 28\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_file_ends_in_a_sentence_and_the_next_try_works(fault, no_data, tmp_path, capsys):
    name, damage, words = FAULTS[fault]
    raw = write_set(tmp_path / "mine")
    whole = (raw / name).read_bytes()
    (raw / name).write_bytes(damage(whole))
    with pytest.raises(SourceError, match=words):
        sources.read_folder(tmp_path / "mine")
    assert load(folder=tmp_path / "mine")[0].source == "digits"
    out = told(capsys)
    assert "the given folder h" in out and "To get Fashion-MNIST" in out and str(tmp_path) not in out
    (raw / name).write_bytes(whole)
    assert load(folder=tmp_path / "mine")[0].source == "Fashion-MNIST"


@pytest.mark.parametrize("damage", [lambda c: c[:200], lambda c: c[:-6] + b"\0" + c[-5:], lambda c: b"text"])
def test_damaged_gz(no_data, tmp_path, damage, capsys):
    raw = write_set(tmp_path / "mine", packed=True)
    packed = raw / f"{TRAIN_IMAGES}.gz"
    packed.write_bytes(damage(packed.read_bytes()))
    assert load(folder=tmp_path / "mine")[0].source == "digits"
    assert f"has a {TRAIN_IMAGES}.gz that cannot be read" in told(capsys)


def test_whole_gz_serves_where_unpacking_was_interrupted(no_data, tmp_path):
    raw = write_set(tmp_path / "mine", packed=True)
    (raw / TRAIN_IMAGES).write_bytes(b"\0\0\x08\x03half")
    assert load(folder=tmp_path / "mine")[0].num_images == 20


def test_missing_and_unreadable_files(no_data, tmp_path, capsys):
    raw = write_set(tmp_path / "mine")
    (raw / TEST_LABELS).unlink()
    load(folder=tmp_path / "mine")
    assert f"the given folder lacks the file {TEST_LABELS}" in told(capsys)
    write_set(tmp_path / "mine")
    (raw / TEST_IMAGES).unlink()
    (raw / TEST_IMAGES).symlink_to(tmp_path)  # a folder where a file should be
    assert load(folder=tmp_path / "mine")[0].source == "digits"
    assert load(folder=raw / TRAIN_LABELS)[0].source == "digits"  # a file where a folder should be


@pytest.mark.parametrize("shape", [(3, 28, 28), (7, 2, 5), (4,)])
def test_idx_there_and_back(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    name = TRAIN_IMAGES if len(shape) == 3 else TRAIN_LABELS
    back = parse_idx(idx_bytes(array), name)
    assert back.dtype == np.uint8 and np.array_equal(back, array)


def test_digits(no_data):
    """scikit-learn's digits, enlarged: same classes in the same shares, recognisably the same pictures."""
    train_iter, test_iter = load(32)
    assert train_iter.classes == list("0123456789") and train_iter.source == test_iter.source == "digits"
    assert train_iter.images.shape == (1437, 1, 28, 28) and test_iter.images.shape == (360, 1, 28, 28)
    assert len(train_iter) == 45 and train_iter.images.max() == 255
    whole = load_digits()
    assert (torch.bincount(test_iter.labels) - torch.bincount(torch.tensor(whole.target)) * 0.2).abs().max() < 1
    pixels, labels = (torch.cat([getattr(loop, name) for loop in (train_iter, test_iter)])
                      for name in ("images", "labels"))
    large = np.stack([Image.fromarray(image.astype(np.float32)).resize((28, 28), Image.Resampling.BILINEAR)
                      for image in whole.images]) / 16
    for digit in range(10):  # the split shuffles, so the mean picture of each class is compared
        mean = pixels[labels == digit].double().mean(0)[0].numpy() / 255
        assert np.abs(mean - large[whole.target == digit].mean(0)).max() < 1 / 255


def test_line_names_the_subset(capsys, no_data):
    load(num_train=50)
    assert "digits (scikit-learn): train 50 of 1,437, test 360" in capsys.readouterr().out


PUBLISHED = {  # the packed files as their authors list them; unpacked, the course's own sums
    TRAIN_IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d", TRAIN_LABELS: "25c81989df183df01b3e8a0aad5dffbe",
    TEST_IMAGES: "bef4ecab320f06d8554ea6380940ec79", TEST_LABELS: "bb300cfdad3c16e7a12a480ee83cd310",
}  # fmt: skip


def test_the_published_files_are_known_by_their_content():
    """Where they are at hand: their own sums, sizes and classes. The download compares the packed ones."""
    assert {name.removesuffix(".gz"): md5 for name, md5 in FashionMNIST.resources} == PUBLISHED
    assert sources.SHA256.keys() == PUBLISHED.keys() and all(len(sum) == 64 for sum in sources.SHA256.values())
    found, _ = find_images(allow_download=False)
    if found.source == "digits":
        pytest.skip("no Fashion-MNIST at hand")
    assert found.source == "Fashion-MNIST" and not found.altered, found.altered
    assert found.train_labels.bincount().tolist() == [6000] * 10
    assert found.test_labels.bincount().tolist() == [1000] * 10


@pytest.mark.parametrize("name", FILES)
def test_other_files_of_the_right_shape_are_used_and_named(no_data, tmp_path, name, capsys):
    raw = write_set(tmp_path / "mine")
    assert load(folder=tmp_path / "mine")[0].source == "Fashion-MNIST"
    assert capsys.readouterr().out == "Fashion-MNIST (given folder): train 20, test 10\n"
    content = bytearray((raw / name).read_bytes())
    content[-1] ^= 1  # one label, or one pixel by one
    (raw / name).write_bytes(content)
    train_iter, _ = load(folder=tmp_path / "mine")
    assert train_iter.source == "own files" and train_iter.classes[0] == "t-shirt" and train_iter.num_images == 20
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "own files (given folder): train 20, test 10"
    assert " ".join(said[1:]) == f"Not the published files of Fashion-MNIST: other content in {name}."


def test_what_is_printed_fits_a_notebook_s_line(mirrors, no_data, tmp_path, monkeypatch, capsys):
    """The longest line of each kind: no word of it is broken."""
    monkeypatch.setenv("CNN_COURSE_DATA", str(tmp_path / "named"))
    write_set(tmp_path / "named", n_train=21, n_test=11)
    load(num_train=12, num_test=7)
    printed = capsys.readouterr().out.splitlines()
    for mirror in mirrors:
        mirror.faults = dict.fromkeys(mirror.files, "missing")
    monkeypatch.setenv("CNN_COURSE_DATA", str(tmp_path / "nothing"))
    load(folder=tmp_path / "nowhere")
    monkeypatch.setattr(sources, "digits", sources.digits.__wrapped__)
    whole = replace(sources.digits(), source="Fashion-MNIST", place="CNN_COURSE_DATA",
                    train_labels=torch.zeros(60_000), test_labels=torch.zeros(10_000))  # fmt: skip
    longest = origin(whole, [], 30_000, 2_000)
    assert longest == "Fashion-MNIST (CNN_COURSE_DATA): train 30,000 of 60,000, test 2,000 of 10,000"
    printed += [*capsys.readouterr().out.rsplit("\r", 1)[-1].splitlines(), longest]
    assert len(printed) > 8 and all(len(line) <= 80 for line in printed), printed


def why(monkeypatch, capsys, value):
    """What is said of this value of CNN_COURSE_DATA."""
    monkeypatch.setenv("CNN_COURSE_DATA", str(value))
    assert load()[0].source == "digits"
    return told(capsys).partition("the folder in CNN_COURSE_DATA ")[2].partition("; downloading")[0]


def test_what_is_wrong_with_the_folder_is_said_and_relative_to_what(no_data, tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    raw = write_set(tmp_path / "fashion")
    (tmp_path / "file").touch()
    for value, said in {
        tmp_path / "nothing": "does not exist: there is no 'nothing' in the folder above",
        tmp_path / "file": "is a file and not a folder: name the folder that holds FashionMNIST/raw",
        tmp_path / "notebooks": "holds no FashionMNIST/raw with its four files",
        raw: "holds no FashionMNIST/raw with its four files: name the folder that FashionMNIST lies in",
        raw.parent: "holds no FashionMNIST/raw with its four files: name the folder that FashionMNIST lies in",
        "fashion": "does not exist: the relative path 'fashion' counts from the folder that Python runs in, which is "
                   "'notebooks' now; in a notebook take an absolute one",
        "~nosuchuser/fashion": "begins with ~nosuchuser, and there is no such user here",
        f'"{tmp_path}/fashion"': "does not exist, its name stands in quotation marks: take them away",
        f"{tmp_path}/fashion ": "does not exist, its name begins or ends with a space: take the space away",
        "x" * 5000: "cannot be reached (File name too long)",
    }.items():
        assert why(monkeypatch, capsys, value) == said
    monkeypatch.setenv("CNN_COURSE_DATA", "../fashion")
    assert load()[0].source == "Fashion-MNIST"
    assert load(folder="no\0name")[0].source == "Fashion-MNIST" and "path 'no\\x00name' counts" in told(capsys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", [TRAIN_IMAGES, f"{TEST_LABELS}.gz"])
def test_a_pipe_does_not_hang(no_data, tmp_path, monkeypatch, capsys, name):
    raw = write_set(tmp_path / "fashion")
    (raw / name.removesuffix(".gz")).unlink()
    os.mkfifo(raw / name)
    said = []
    thread = threading.Thread(target=lambda: said.append(why(monkeypatch, capsys, tmp_path / "fashion")), daemon=True)
    thread.start()
    thread.join(20)
    assert said == [f"has a {name} that is no ordinary file"]


def test_a_file_without_a_reasonable_end(no_data, tmp_path, monkeypatch, capsys):
    raw = write_set(tmp_path / "fashion")
    with open(raw / TRAIN_IMAGES, "wb") as file:
        file.truncate(10**12)  # takes no place on the disk
    assert why(monkeypatch, capsys, tmp_path / "fashion") == f"has a {TRAIN_IMAGES} that is too long: more than 256 MB"
    (raw / TRAIN_IMAGES).unlink()
    (raw / f"{TRAIN_IMAGES}.gz").write_bytes(gzip.compress(bytes(3_000_000)))
    monkeypatch.setattr(sources, "MOST_BYTES", 2_000_000)
    assert why(monkeypatch, capsys, tmp_path / "fashion") == f"has a {TRAIN_IMAGES}.gz that is too long: more than 2 MB"


def test_a_console_that_knows_few_letters_is_told_all_the_same(no_data, tmp_path, monkeypatch):
    try:
        os.fsencode("donnães")
    except UnicodeEncodeError:
        pytest.skip("no name here has such a letter")
    for encoding, shown in (("gbk", "\\xe3"), ("ascii", "\\xe3"), ("utf-8", "ã")):
        console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", console)
        monkeypatch.setenv("CNN_COURSE_DATA", "donnães")
        assert load()[0].source == "digits"
        console.flush()
        assert f"donn{shown}es" in console.buffer.getvalue().decode(encoding)


# ---- download ------------------------------------------------------------------------------------------------

def stored(data):
    """The names of the files below data/."""
    return sorted(path.name for path in data.rglob("*") if path.is_file())




def test_download_is_stored_and_found_again(mirrors, no_data, capsys):
    assert load()[0].num_images == 20
    assert told(capsys).startswith("Fashion-MNIST (download): train 20, test 10")
    assert stored(no_data) == sorted(FILES) and len(FashionMNIST(str(no_data))) == 20
    assert load()[0].num_images == 20
    assert told(capsys).startswith("Fashion-MNIST (data/): train 20, test 10")
    assert len(mirrors[0].asked) == 4 and not mirrors[1].asked


def test_switched_off(mirrors, no_data, monkeypatch, capsys):
    assert load(download=False)[0].source == "digits"
    monkeypatch.setenv("CNN_COURSE_OFFLINE", "1")
    assert load()[0].source == "digits"
    assert "downloading is switched off" in told(capsys) and not mirrors[0].asked
    assert load(download=True)[0].source == "Fashion-MNIST"
    monkeypatch.setenv("CNN_COURSE_OFFLINE", "0")
    assert find_images()[0].source == "Fashion-MNIST"


def test_no_network_at_all(mirrors, no_data, monkeypatch, capsys):
    class Blocked:
        def __init__(self, *args, **kwargs):
            raise OSError("network is unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", Blocked)
        assert load()[0].source == "digits"
    out = told(capsys)
    assert "the download of train-images-idx3-ubyte.gz failed" in out and out.count("unreachable") == 2
    assert not stored(no_data) and load()[0].source == "Fashion-MNIST"


WORDS = {"half": "the connection ended after", "wrong": "wrong checksum", "missing": "Not Found",
         "silent": "silent for 1 s", "silent after half": "silent for 1 s"}


@pytest.mark.parametrize("fault", WORDS)
def test_mirror_that_fails_gives_way_to_the_next(fault, mirrors, no_data):
    first, second = mirrors
    first.faults = dict.fromkeys(first.files, fault)
    assert load()[0].source == "Fashion-MNIST" and stored(no_data) == sorted(FILES)
    assert first.asked == [f"{TRAIN_IMAGES}.gz"], "a mirror that failed is not asked first again"
    assert len(second.asked) == 4


@pytest.mark.parametrize("fault", WORDS)
def test_download_that_fails_everywhere_and_the_next_try(fault, mirrors, no_data, capsys):
    for mirror in mirrors:
        mirror.faults = {f"{TEST_IMAGES}.gz": fault}
    assert load()[0].source == "digits"
    out = told(capsys)
    assert out.count(WORDS[fault]) == 2 and f"the download of {TEST_IMAGES}.gz failed" in out
    assert stored(no_data) == sorted([TRAIN_IMAGES, TRAIN_LABELS]), "no half file, under no name"
    for mirror in mirrors:
        mirror.faults, mirror.asked = {}, []
    assert load()[0].num_images == 20
    assert sorted(mirrors[0].asked + mirrors[1].asked) == sorted([f"{TEST_IMAGES}.gz", f"{TEST_LABELS}.gz"])


def test_mirror_without_content_length(mirrors):
    mirrors[0].faults = dict.fromkeys(mirrors[0].files, "no length")
    assert load()[0].source == "Fashion-MNIST" and not mirrors[1].asked


def test_name_server_that_never_answers(mirrors, monkeypatch, capsys):
    end = threading.Event()
    monkeypatch.setattr(download, "SILENCE", 0.2)
    monkeypatch.setattr(download, "urlopen", lambda *args, **kwargs: end.wait(20))
    assert load()[0].source == "digits"
    assert told(capsys).count("silent for 0.2 s") == 2
    end.set()


def test_damaged_file_in_data_is_replaced_and_whole_ones_are_kept(mirrors, no_data):
    raw = write_set(no_data)
    (raw / TRAIN_IMAGES).write_bytes(b"half")
    assert load()[0].num_images == 20 and mirrors[0].asked == [f"{TRAIN_IMAGES}.gz"]
    assert find_images()[0].place == "data/"


def test_whole_files_of_two_data_sets_are_all_replaced(mirrors, no_data):
    raw = write_set(no_data)
    (raw / TRAIN_LABELS).write_bytes(idx_bytes(np.zeros(3, np.uint8)))
    assert load()[0].num_images == 20 and len(mirrors[0].asked) == 4
    assert find_images()[0].place == "data/"


def test_folder_that_cannot_be_written(mirrors, no_data, capsys):
    no_data.write_text("a file where the folder should be")
    for _ in range(2):
        assert load()[0].num_images == 20
        assert "(download, kept in memory as data/ cannot be written: " in told(capsys)
    assert len(mirrors[0].asked) == 4, "the second call finds the first one's bytes"


def test_full_disk_leaves_no_half_file(mirrors, no_data, monkeypatch, capsys):
    def replace(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    assert load()[0].num_images == 20 and not stored(no_data)
    assert "written: No space left on device)" in told(capsys)


def test_stopping_the_kernel_while_a_file_is_written(mirrors, no_data, monkeypatch):
    def replace(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            load()
    assert not stored(no_data) and load()[0].num_images == 20 and stored(no_data) == sorted(FILES)


def test_progress_is_one_line(mirrors, monkeypatch, capsys):
    monkeypatch.setattr(download.time, "monotonic", iter(range(10**6)).__next__)
    load()
    out = capsys.readouterr().out
    assert f"\r{TRAIN_IMAGES}.gz" in out and "#" in out and out.isascii() and out.count("\n") == 1


def test_checksums_are_those_of_the_data_sets_authors():
    """Names from torchvision; the sums as published at github.com/zalandoresearch/fashion-mnist."""
    assert dict(FashionMNIST.resources) == {
        f"{TRAIN_IMAGES}.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        f"{TRAIN_LABELS}.gz": "25c81989df183df01b3e8a0aad5dffbe",
        f"{TEST_IMAGES}.gz": "bef4ecab320f06d8554ea6380940ec79",
        f"{TEST_LABELS}.gz": "bb300cfdad3c16e7a12a480ee83cd310"}
    assert all(mirror.endswith("/") for mirror in [*FashionMNIST.mirrors, download.SPARE_MIRROR])


def test_a_console_of_another_encoding_does_not_end_a_download(mirrors, monkeypatch):
    monkeypatch.setattr(download.time, "monotonic", iter(range(10**6)).__next__)
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    assert load()[0].source == "Fashion-MNIST"
    console.flush()
    assert b"#" in console.buffer.getvalue() and b"failed" not in console.buffer.getvalue()


def test_a_mirror_that_sends_too_much_gives_way_to_the_next(mirrors, no_data, monkeypatch, capsys):
    monkeypatch.setattr(download, "MOST_BYTES", 10)
    for fault in ("no length", None):
        for mirror in mirrors:
            mirror.faults = dict.fromkeys(mirror.files, fault)
        assert load()[0].source == "digits" and told(capsys).count("sent more than 0 MB") == 2
    assert not stored(no_data)


@pytest.mark.parametrize(("length", "size"), [("12", 12), ("", 0), (None, 0), ("-5", 0), ("many", 0), ("²", 0)])
def test_a_length_that_is_no_number_is_none(length, size):
    assert download.announced({"Content-Length": length}) == size
