"""The recipes of part II."""


import pytest
import torch

from helpers import networks
from helpers.training import PROFILES, RECIPES, recipe

from ..examples import bars

every = pytest.mark.parametrize("net", RECIPES)


@every
@pytest.mark.parametrize("chosen", PROFILES)
def test_a_recipe_builds_a_net_that_takes_its_pictures(net, chosen):
    settings = recipe(net, chosen)
    with torch.device("meta"):
        made = settings.build()
        logits = made.eval()(torch.empty(settings.input_shape))
    assert logits.shape == (1, 10)


@every
def test_the_gpu_profile_is_the_books_net_and_quick_is_the_cpus(net):
    with torch.device("meta"):
        shapes = {p: [tuple(w.shape) for w in recipe(net, p).build().parameters()] for p in PROFILES}
        book = getattr(networks, net)(width=0.25 if net == "vgg" else 1)
    assert shapes["gpu"] == [tuple(w.shape) for w in book.parameters()]
    assert shapes["quick"] == shapes["cpu"]
    assert recipe(net, "gpu").num_epochs == 10 and recipe(net, "gpu").data["standardize"] is False
    assert recipe(net, "quick").data["num_train"] <= 2_000


def test_changes_reach_their_place():
    settings = recipe("nin", "cpu", lr=0.2, num_epochs=1, num_train=100, width=0.5, dropout=0.1)
    assert (settings.lr, settings.num_epochs, settings.data["num_train"]) == (0.2, 1, 100)
    assert settings.options["width"] == 0.5 and settings.options["dropout"] == 0.1
    assert recipe("nin", "cpu").data["num_train"] != 100, "the recipe itself stays"
    assert sum(w.numel() for w in settings.build(width=1).parameters()) > 1_000_000
    with pytest.raises(ValueError, match="no setting 'momentum'; it has .*batch_size"):
        recipe("nin", "cpu", momentum=0.9)
    with pytest.raises(ValueError, match="no recipe for 'densenet': choose one of lenet"):
        recipe("densenet")
    with pytest.raises(ValueError, match="no recipe for .'lenet'.: choose one of lenet"):
        recipe(["lenet"])
    with pytest.raises(ValueError, match="no profile 'fast': choose one of gpu, cpu, quick"):
        recipe("lenet", "fast")


def test_fewer_pictures_get_as_many_steps():
    settings = recipe("lenet", "cpu", num_train=1_000, batch_size=50, num_epochs=2)  # 40 steps
    assert settings.epochs(bars(1_000, 28, 50)) == 2
    assert settings.epochs(bars(100, 28, 50)) == 20
    assert settings.epochs(bars(2_000, 28, 50)) == 2, "never fewer epochs"


def test_the_profile_in_use_and_its_neighbours_are_shown(monkeypatch):
    monkeypatch.setenv("CNN_COURSE_PROFILE", "cpu")
    shown = recipe("alexnet", lr=0.123)._repr_html_()
    assert "profile in use: <b>cpu</b>" in shown and "0.123" in shown and ">224<" in shown and "60,000" in shown
    assert "'lr': 0.123" in repr(recipe("alexnet", lr=0.123))
