"""What the scripts of chapter 7 of Saitoh's repository call, in our own words, on `helpers.scratch`."""

import pickle

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from helpers.scratch import Affine, Convolution, Pooling, ReLU, Relu, SimpleConvNet

CONV = {"filter_num": 4, "filter_size": 3, "pad": 0, "stride": 1}


class Adam:
    """Updates the arrays of `params` in place (Kingma, Ba 2014)."""

    def __init__(self, lr):
        self.lr, self.step, self.mean, self.square = lr, 0, {}, {}

    def update(self, params, grads):
        self.step += 1
        for name, g in grads.items():
            self.mean[name] = 0.9 * self.mean.get(name, 0) + 0.1 * g
            self.square[name] = 0.999 * self.square.get(name, 0) + 0.001 * g * g
            mean, square = self.mean[name] / (1 - 0.9**self.step), self.square[name] / (1 - 0.999**self.step)
            params[name] -= self.lr * mean / (np.sqrt(square) + 1e-7)


def test_gradient_check():
    net = SimpleConvNet((1, 10, 10), CONV, hidden_size=10, output_size=10, weight_init_std=0.01, seed=0)
    x, t = np.random.default_rng(0).random(100).reshape(1, 1, 10, 10), np.array([1]).reshape(1, 1)
    assert x.dtype == np.float64 and net.params["W1"].dtype == np.float32
    before = {name: array.copy() for name, array in net.params.items()}
    numerical, exact = net.numerical_gradient(x, t), net.gradient(x, t)
    assert list(numerical) == list(exact) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    for name, array in exact.items():
        assert numerical[name].shape == array.shape and np.abs(numerical[name] - array).mean() < 1e-7
        assert np.array_equal(net.params[name], before[name])
    assert np.abs(exact["W3"]).max() > 1e-3


def test_train_convnet(tmp_path):
    """A bar in the upper or the lower half: a few steps of Adam tell them apart; the parameters go to a file."""
    rng = np.random.default_rng(1)
    t = np.arange(60) % 2
    x = 0.3 * rng.random((60, 1, 12, 12))
    for picture, label in zip(x, t, strict=True):
        picture[0, 2 + 6 * label : 4 + 6 * label] += 1
    net, optimizer = SimpleConvNet((1, 12, 12), CONV, 20, 2, weight_init_std=0.01, seed=0), Adam(0.01)
    for _ in range(30):
        rows = rng.choice(60, 20)
        optimizer.update(net.params, net.gradient(x[rows], t[rows]))
    assert net.accuracy(x, t) == 1 and net.loss(x, t) < 0.1
    net.save_params(tmp_path / "params.pkl")
    other = SimpleConvNet((1, 12, 12), CONV, 20, 2, seed=5)
    other.load_params(str(tmp_path / "params.pkl"))
    assert np.array_equal(other.predict(x), net.predict(x)) and other.layers["Conv1"].W is other.params["W1"]


def test_apply_filter():
    net, picture = SimpleConvNet(seed=0), np.random.default_rng(0).random((1, 1, 32, 40))
    for w in net.params["W1"][:3]:
        out = Convolution(w.reshape(1, *w.shape), 0).forward(picture)
        wanted = F.conv2d(torch.tensor(picture).float(), torch.tensor(w)[None])
        assert out.shape == (1, 1, 28, 36) and np.allclose(out, wanted.numpy(), atol=1e-5)


def test_a_number_as_bias_is_that_of_every_output():
    W, x = np.ones((3, 2)), np.ones((4, 3))
    assert (Affine(W, 0.5).forward(x) == 3.5).all()
    layer = Convolution(np.ones((2, 1, 2, 2)), np.float64(0.25))
    assert (layer.forward(np.ones((1, 1, 3, 3))) == 4.25).all()
    layer.backward(np.ones((1, 2, 2, 2)))
    assert layer.db.tolist() == [4, 4]
    with pytest.raises(TypeError):
        Affine(W, True)


def test_names_labels_and_strides():
    assert Relu is ReLU
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    assert Pooling(2, 2).forward(x).shape == (1, 1, 3, 3) and Pooling(2, 2, 2).forward(x).shape == (1, 1, 2, 2)
    assert "stride is 1 unless given" in " ".join(Pooling.__doc__.split())
    net, x = SimpleConvNet((1, 8, 8), CONV, 5, 3, seed=0), np.random.default_rng(0).random((4, 1, 8, 8))
    labels = np.array([0, 2, 1, 2])
    assert net.loss(x, labels) == net.loss(x, labels[:, None]) == net.loss(x, np.eye(3)[labels])
    assert net.predict(x).dtype == np.float32 and np.array_equal(net.predict(x), net.predict(x.astype(np.float32)))


class Harm:
    """A pickled object that would write a file as it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_file_that_is_no_parameters_is_refused_and_runs_nothing(tmp_path):
    net, path = SimpleConvNet((1, 8, 8), CONV, 5, 3, seed=0), tmp_path / "params.pkl"
    before = {name: array.copy() for name, array in net.params.items()}
    wrong = [pickle.dumps({"W1": Harm(tmp_path / "written")}), b"", b"no pickle", pickle.dumps([1, 2]),
             pickle.dumps({"W1": np.ones(3)}), pickle.dumps(net.params | {"W4": np.ones(1)}),
             pickle.dumps(net.params | {"b1": np.array([Harm(tmp_path / "written")] * 4)})]  # fmt: skip
    for content in wrong:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="params.pkl holds"):
            net.load_params(path)
    assert not (tmp_path / "written").exists()
    assert all(np.array_equal(net.params[name], array) for name, array in before.items())
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps({name: array.astype(np.float64) + 1 for name, array in before.items()}, protocol))
        net.load_params(path)
        assert all(np.allclose(net.params[name], array + 1) for name, array in before.items())
        assert net.params["W2"].dtype == np.float32
    with pytest.raises(FileNotFoundError):
        net.load_params(tmp_path / "nothing.pkl")
