"""The net that has learned photos, and the photos: from their packages, or without them said in a line."""

import pytest
import torch

from helpers.inside import photo_net, photos
from helpers.inside.photos import WEIGHTS
from helpers.place import package_file

needs_weights = pytest.mark.skipif(package_file(WEIGHTS, "models/*.pth") is None, reason=f"{WEIGHTS} is not installed")
needs_photos = pytest.mark.skipif(package_file("skimage", "data/*.png") is None, reason="scikit-image is not installed")
SEEN = {"cat": {"Egyptian cat", "tiger cat", "tabby"}, "coffee": {"espresso", "cup"}, "camera": {"tripod"},
        "rocket": {"missile", "projectile"}, "flower": {"daisy"}, "china": {"palace", "bell cote"}}  # fmt: skip


@needs_weights
def test_the_net_names_what_the_photos_show(capsys):
    net, names = photo_net()
    assert capsys.readouterr().out == "EfficientNet-Lite0 with its ImageNet weights\n"
    assert len(names) == 1000 and not net.training
    for name, photo in photos(224).items():
        with torch.no_grad():
            assert names[net(photo[None]).argmax()] in SEEN[name], name


@needs_photos
def test_six_photos_in_colour():
    found = photos(96)
    assert list(found) == ["flower", "china", "cat", "coffee", "rocket", "camera"]
    for photo in found.values():
        assert photo.shape == (3, 96, 96) and photo.dtype == torch.float32 and 0 <= photo.min() < photo.max() <= 1
    red, _, blue = found["coffee"].mean(dim=(1, 2))
    assert red > blue and torch.equal(found["camera"][0], found["camera"][2])


def test_without_the_packages_two_photos_and_random_weights_said_in_short_lines(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert list(photos(32)) == ["flower", "china"]
    before = torch.get_rng_state()
    net, names = photo_net()
    said = capsys.readouterr().out
    assert "random weights" in said and "pip install" in said and all(len(line) <= 80 for line in said.splitlines())
    assert torch.equal(torch.get_rng_state(), before) and names[985] == "daisy"
    again, _ = photo_net(trained=False)
    assert not capsys.readouterr().out and torch.equal(net.stem[1].weight, again.stem[1].weight)
