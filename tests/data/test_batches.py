"""helpers.data: the batches, the loader's arguments, the photos."""
import ctypes
import platform

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import Resize
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from helpers.data import find_images
from helpers.data.batches import ImageBatches, keep_freed_memory, load_data_fashion_mnist, load_photo

from .fake_data import load, network_off  # noqa: F401  (a fixture)

# ---- batches -------------------------------------------------------------------------------------------------

def batches(n=10, size=28, **options):
    """n random pictures (n, 1, size, size) labelled 0..n-1, in batches of 4."""
    images = torch.randint(0, 256, (n, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    options = {"mean": 0.3, "std": 0.2, "classes": "ab", "batch_size": 4} | options
    return ImageBatches(images, torch.arange(n), **options)


def order(loop):
    return torch.cat([y for _, y in loop]).tolist()


@pytest.mark.parametrize("resize, shape", [(None, (28, 28)), (28, (28, 28)), (32, (32, 32)), ((14, 40), (14, 40))])
def test_batches_have_the_stated_shapes(resize, shape):
    loop = batches(resize=resize)
    assert len(loop) == 3 and loop.num_images == 10
    assert [tuple(X.shape) for X, _ in loop] == [(4, 1, *shape), (4, 1, *shape), (2, 1, *shape)]
    assert all(X.dtype == torch.float32 and y.dtype == torch.int64 and y.shape == X.shape[:1] for X, y in loop)
    assert (loop.images.shape, loop.images.dtype) == ((10, 1, 28, 28), torch.uint8)
    assert loop.labels.shape == (10,) and loop.classes == ["a", "b"] and loop.resize == resize
    assert str(shape[0]) in repr(loop) and "10 images" in repr(loop)


@pytest.mark.parametrize("n, batch_size, length", [(8, 4, 2), (9, 4, 3), (3, 100, 1), (1, 1, 1)])
def test_length_is_the_number_of_batches(n, batch_size, length):
    loop = batches(n, batch_size=batch_size)
    assert len(loop) == length == sum(1 for _ in loop)
    assert [i for i, _ in enumerate(loop, 1)][-1] == length


def test_raw_pixels_are_the_bytes_over_255():
    loop = batches(standardize=False)
    X = torch.cat([X for X, _ in loop])
    assert torch.equal(X, loop.images.float() / 255) and torch.equal(loop.to_pixels(X), X)
    assert torch.equal(loop.from_pixels(X), X)


def test_standardised_pixels_and_back():
    loop = batches()
    X = torch.cat([X for X, _ in loop])
    torch.testing.assert_close(X, (loop.images.double() / 255 - 0.3).div(0.2).float())
    torch.testing.assert_close(loop.to_pixels(X), loop.images / 255)
    assert loop.to_pixels(X[0, 0]).shape == (28, 28)
    torch.testing.assert_close(loop.from_pixels(loop.to_pixels(X)), X)
    assert loop.images.max() > 1, "a batch must not change the stored bytes"


def test_each_loop_shuffles_anew_and_shows_each_picture_once():
    loop = batches(50, shuffle=True)
    first, second = order(loop), order(loop)
    assert first != second and sorted(first) == sorted(second) == list(range(50))
    X, y = next(iter(loop))
    torch.testing.assert_close(X, loop.batch(y)[0])
    assert order(batches(50)) == list(range(50))


def test_seed_fixes_the_order_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    one, other = batches(50, shuffle=True, seed=3), batches(50, shuffle=True, seed=3)
    first = order(one)
    torch.rand(7)
    assert first == order(other) and order(one) == order(other) != first
    torch.set_rng_state(state)
    order(one)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_seed_the_global_one_counts():
    loop = batches(50, shuffle=True)
    orders = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        orders.append(order(loop))
    assert orders[0] == orders[1] != orders[2]


def test_two_loops_alive_at_once():
    loop = batches(40, shuffle=True)
    outer, inner = [], []
    for _, y in loop:
        outer += y.tolist()
        inner.append(order(loop))
    assert sorted(outer) == list(range(40)) and all(sorted(o) == list(range(40)) for o in inner)
    assert len({tuple(o) for o in inner}) == len(inner) == 10


@pytest.mark.parametrize("rows, wanted", [
    ([3, 0, 3], [3, 0, 3]), (slice(2, 5), [2, 3, 4]), (7, [7]), (-1, [9]), (torch.tensor([1, 2]), [1, 2]),
    (range(2), [0, 1]), (np.array([4, 5]), [4, 5]), (torch.arange(10) > 7, [8, 9]), ([], [])])
def test_batch_of_given_rows(rows, wanted):
    loop = batches(shuffle=True, resize=30)
    X, y = loop.batch(rows)
    assert X.shape == (len(wanted), 1, 30, 30) and y.tolist() == wanted


def test_batch_of_rows_that_are_not_there():
    with pytest.raises(IndexError):
        batches().batch([10])


def test_the_pictures_one_by_one_as_those_of_a_dataloader():
    """The book's loops divide by len(train_iter.dataset)."""
    loop = batches(7, batch_size=3, resize=16, shuffle=True)
    X, y = loop.batch(range(7))
    assert len(loop.dataset) == 7 and len(loop) == 3 and sum(len(y) for _, y in loop) == len(loop.dataset)
    for i, (picture, label) in enumerate(loop.dataset):
        assert picture.shape == (1, 16, 16) and torch.equal(picture, X[i]) and label == y[i]
    assert torch.equal(loop.dataset[-1][0], X[6])
    with pytest.raises(IndexError):
        loop.dataset[7]
    loader = DataLoader(loop.dataset, batch_size=4)
    assert [X.shape for X, _ in loader] == [(4, 1, 16, 16), (3, 1, 16, 16)]


@pytest.mark.parametrize("resize", [8, 14, 20, 27, 32, 64, 96, 224, (20, 40)])
def test_resize_agrees_with_pil(resize):
    found = find_images(allow_download=False)[0]
    loop = ImageBatches(found.test_images[:20], found.test_labels[:20], 20, classes="", resize=resize,
                        standardize=False)
    X, _ = next(iter(loop))
    pil = Resize(resize if isinstance(resize, tuple) else (resize, resize))
    wanted = torch.stack([pil_to_tensor(pil(to_pil_image(image))) for image in loop.images])
    assert (X - wanted / 255).abs().max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize("options, words", [
    ({"batch_size": 0}, "batch_size"), ({"batch_size": 2.5}, "batch_size"), ({"batch_size": True}, "batch_size"),
    ({"batch_size": np.array([2, 3])}, "batch_size"), ({"batch_size": "8"}, "batch_size must be a whole"),
    ({"resize": 0}, "resize"), ({"resize": (28, -1)}, "resize"), ({"resize": (28,)}, r"a side or \(height, width\)"),
    ({"resize": [28, 28, 3]}, r"a side or \(height, width\)"), ({"resize": "28"}, "resize"),
    ({"resize": np.array([28, 28])}, "resize"), ({"resize": (28, None)}, "resize must be a whole")])
def test_bad_sizes(options, words):
    with pytest.raises(ValueError, match=words):
        batches(**options)


def test_bad_pictures():
    images, labels = torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.arange(3)
    with pytest.raises(TypeError, match="uint8"):
        ImageBatches(images.float(), labels, 2, classes="")
    for wrong in (images[0], images.expand(3, 2, 28, 28), images[:2]):
        with pytest.raises(ValueError, match="do not fit"):
            ImageBatches(wrong, labels, 2, classes="")


def test_in_the_place_of_a_dataloader_in_the_books_training(monkeypatch):
    """d2l's train_ch6 ends with the same weights on our batches and on a DataLoader over the same tensors."""
    d2l = pytest.importorskip("d2l.torch")

    monkeypatch.setattr(d2l, "Animator", lambda **kwargs: type("Silent", (), {"add": lambda *args: None})())
    loop = batches(40, mean=0.5)
    loop.labels = loop.labels % 2
    loader = DataLoader(TensorDataset((loop.images.float() / 255 - 0.5) / 0.2, loop.labels), batch_size=4)
    weights = []
    for data in (loop, loader):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 2))
        d2l.train_ch6(net, data, data, 2, 0.1, torch.device("cpu"))
        weights.append(net[1].weight)
    torch.testing.assert_close(*weights)


# ---- the loader ----------------------------------------------------------------------------------------------

def test_the_data_set_that_is_there(capsys):
    """Fashion-MNIST where there is one, otherwise the digits."""
    found, _ = find_images()
    train_iter, test_iter = load(256)
    counts = {"Fashion-MNIST": (60_000, 10_000), "digits": (1437, 360)}[train_iter.source]
    assert (train_iter.num_images, test_iter.num_images) == counts
    assert (len(train_iter), len(test_iter)) == (-(-counts[0] // 256), -(-counts[1] // 256))
    assert f"train {counts[0]:,}, test {counts[1]:,}" in capsys.readouterr().out
    X, y = next(iter(train_iter))
    assert X.shape == (256, 1, 28, 28) and len(train_iter.classes) == 10 and set(y.tolist()) == set(range(10))
    pixels = found.train_images.numpy()
    mean = pixels.mean() / 255
    std = (np.square(pixels, dtype=np.uint16).mean() / 255**2 - mean**2) ** 0.5
    wanted = (0.2860, 0.3530) if found.source == "Fashion-MNIST" else (mean, std)
    for loop in (train_iter, test_iter):
        assert (loop.mean, loop.std) == pytest.approx(wanted, abs=5e-5)


def test_training_set_is_standardised_by_default():
    train_iter, _ = load(1000)
    moments = torch.stack([torch.stack([X.sum(), X.square().sum()]).double() for X, _ in train_iter]).sum(0)
    assert (moments / train_iter.images.numel()).tolist() == pytest.approx([0, 1], abs=1e-4)
    raw, _ = load(1000, standardize=False)
    X, _ = next(iter(raw))
    assert X.min() == 0 and X.max() == 1


def test_only_training_is_shuffled_and_seed_reaches_it():
    train_iter, test_iter = load(seed=4)
    again, _ = load(seed=4)
    assert train_iter.shuffle and not test_iter.shuffle
    assert order(train_iter) == order(again) != order(train_iter)
    assert order(test_iter) == test_iter.labels.tolist()


def test_subsets_are_the_same_each_time_and_nested():
    small, small_test = load(num_train=50, num_test=30, seed=1)
    large, _ = load(num_train=80, seed=2)
    assert (small.num_images, small_test.num_images, large.num_images) == (50, 30, 80)
    assert torch.equal(small.images, large.images[:50]) and torch.equal(small.labels, large.labels[:50])
    whole, _ = load()
    assert small.mean == whole.mean and load(num_train=10**6)[0].num_images == whole.num_images
    assert len(small.labels.unique()) == 10


def test_changing_the_pictures_of_one_loader_leaves_the_next_alone():
    first, _ = load()
    kept = first.images.clone()
    first.images.zero_()
    first.labels.zero_()
    second, _ = load()
    assert torch.equal(second.images, kept) and second.labels.max() == 9


def test_default_device_is_that_of_try_gpu():
    from helpers.training import try_gpu

    train_iter, _ = load_data_fashion_mnist(64, num_train=100)
    X, y = next(iter(train_iter))
    assert X.device.type == y.device.type == train_iter.images.device.type == try_gpu().type


def test_freed_memory_is_kept_where_there_is_glibc(monkeypatch):
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()


@pytest.mark.parametrize("options", [{"num_train": 0}, {"num_test": -1}, {"batch_size": 0}, {"resize": 0}])
def test_bad_arguments(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be a whole number above 0"):
        load(**options)


# ---- some classes alone ---------------------------------------------------------------------------------------

def test_only_takes_the_pictures_of_these_classes_and_counts_their_labels_anew():
    full = batches(12, classes="abc", shuffle=True, standardize=False)
    full.labels = torch.tensor([0, 1, 2] * 4)
    some = full.only([2, 0])
    assert (some.classes, some.num_images, some.batch_size, some.shuffle) == (["c", "a"], 8, 4, True)
    for c, label in ((2, 0), (0, 1)):
        rows = [some.images[some.labels == label], full.images[full.labels == c]]
        assert torch.equal(*(part.flatten(1).float().mean(1).sort().values for part in rows))
    assert torch.equal(some.batch([0])[0], some.images[:1] / 255) and some.mean == full.mean


def test_only_so_many_of_each_class_drawn_by_a_seed():
    full = batches(40, classes="ab")
    full.labels = torch.arange(40) % 2
    draws = [full.only([1], each=3, seed=seed).images for seed in (0, 0, 1)]
    assert len(draws[0]) == 3 and torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert full.only([0, 1], each=99).num_images == 40


def test_only_says_which_classes_there_are():
    with pytest.raises(ValueError, match=r"there is no picture of class 12: choose among \[0, 1, 2\]"):
        batches(3).only([0, 12])


# ---- photos --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["flower", "china"])
def test_photo(name):
    from sklearn.datasets import load_sample_image

    grey, color = load_photo(name, 150), load_photo(name, 150, color=True)
    assert grey.shape == (150, 150) and color.shape == (3, 150, 150) and grey.dtype == color.dtype == torch.float32
    assert 0 <= grey.min() < 0.1 and 0.8 < grey.max() <= 1
    torch.testing.assert_close(grey, 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2])
    height, width, _ = (photo := load_sample_image(f"{name}.jpg")).shape
    left = (width - height) // 2
    pil = Resize((150, 150))(to_pil_image(photo[:, left:left + height]))
    assert (color - pil_to_tensor(pil) / 255).abs().max() < 1.5 / 255


def test_photo_defaults_and_bad_arguments():
    assert load_photo().shape == (200, 200) and load_photo(size=500).shape == (500, 500)
    with pytest.raises(ValueError, match="'dog': choose one of flower, china"):
        load_photo("dog")
    with pytest.raises(ValueError, match="size must be a whole number above 0, not 0"):
        load_photo(size=0)
