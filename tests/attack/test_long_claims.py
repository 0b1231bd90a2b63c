"""What lessons say of runs that take minutes: each drawn anew, as the lesson's own cells would."""

import io

import pytest
import torch
from torch import nn

from helpers import load_data_fashion_mnist, networks, recipe, train_ch6
from helpers.networks import lenet
from helpers.training import Cosine

from ..claims import definitions_of, names_of


@pytest.fixture(autouse=True)
def published():
    """Claims of accuracy are about the published pictures."""
    if load_data_fashion_mnist(64, num_train=10, num_test=10)[0].source != "Fashion-MNIST":
        pytest.skip("the digits are here in place of Fashion-MNIST")


@pytest.mark.timeout(7200)
def test_07_with_all_pictures_and_three_epochs_max_leads_by_less_than_two_points():
    fresh = definitions_of("07_lenet")["fresh"]
    fresh.__globals__.update(device=torch.device("cpu"), lenet=lenet)
    pictures, gains = load_data_fashion_mnist(64, device="cpu"), []
    for seed in range(5):
        ends = [train_ch6(fresh(seed, activation=nn.ReLU, pooling=pooling), *pictures, 3, 0.1, "cpu", seed=seed,
                          init=False, live=False).test_acc[-1] for pooling in (nn.AvgPool2d, nn.MaxPool2d)]  # fmt: skip
        gains.append(ends[1] - ends[0])
        print(seed, ends, flush=True)
    assert -0.005 < sum(gains) / len(gains) < 0.02


@pytest.mark.timeout(7200)
def test_08_dropout_wins_two_points_in_the_street_and_none_in_the_catalogue(monkeypatch):
    """Over fifteen seeds, five times as many as in the lesson."""
    monkeypatch.setenv("CNN_COURSE_PROFILE", "cpu")
    learn = names_of("08_alexnet", until="learn")["learn"]
    gains = torch.tensor([learn(seed, dropout=0.5) for seed in range(15)]) - torch.tensor([learn(s) for s in range(15)])
    _, catalogue, street, _ = gains.mean(dim=0).tolist()
    print(catalogue, street, flush=True)
    assert abs(catalogue) < 0.01 and 0.01 < street < 0.03


@pytest.mark.timeout(7200)
def test_13_a_ready_net_is_a_better_start_and_the_head_alone_is_not():
    """Five ready nets, five draws of fifteen pictures each: by how much they beat nets from scratch."""
    lesson, (many, unseen) = definitions_of("13_resnet"), recipe("resnet18", "cpu").load()
    old, new, gains = [0, 2, 4, 6, 8], [1, 3, 5, 7, 9], torch.zeros(5, 2)
    lesson["new_net"].__globals__.update(new=new, device=torch.device("cpu"))
    test = unseen.only(new, 200)
    for draw in range(5):
        teacher, stored = networks.resnet18(num_classes=5, width=0.25, blocks=1), io.BytesIO()
        train_ch6(teacher, many.only(old, 4_000), unseen.only(old, 200), 2, Cosine(0.1), "cpu", seed=draw, live=False)
        torch.save(teacher.state_dict(), stored)
        for seed in range(5 * draw, 5 * draw + 5):
            X, y = many.only(new, each=3, seed=seed).batch(slice(None))
            frozen = lesson["new_net"](seed, stored)
            frozen[:-1].requires_grad_(False)
            nets = (lesson["learn"](lesson["new_net"](seed), X, y, 0.05, keep_norms=False),
                    lesson["learn"](lesson["new_net"](seed, stored), X, y, 0.05, keep_norms=True),
                    lesson["learn"](frozen, X, y, 0.2, keep_norms=True))  # fmt: skip
            scratch, ready, head = (lesson["evaluate_accuracy"](net, test) for net in nets)
            gains[draw] += torch.tensor([ready - scratch, head - scratch]) / 5
        print(gains[draw].tolist(), flush=True)
    ready, head = gains.mean(dim=0).tolist()
    assert ready > 0.03 and ready > head + 0.03 and head < 0.02, gains
