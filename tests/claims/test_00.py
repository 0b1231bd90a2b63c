"""What notebook 00 says but does not show."""

import torch

from helpers import check, corr2d, load_data_fashion_mnist, profile, progress
from helpers.course import course_index
from helpers.data import load_photo
from helpers.drawing import svg
from helpers.exercises import find
from helpers.widgets import KernelExplorer
from helpers.widgets.kit.kernel_editor import KERNELS

X, K = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)


def test_the_small_example():
    explorer = KernelExplorer(picture_name="0…8")
    assert explorer.result["output"].flatten().tolist() == corr2d(X, K).flatten().tolist() == [19, 25, 37, 43]


def test_sobel_x_subtracts_left_from_right_and_finds_upright_edges_alone():
    sobel = torch.tensor(KERNELS["Sobel x"])
    assert sobel[:, 2].tolist() == (-sobel[:, 0]).tolist() and sobel[:, 2].min() > 0 and not sobel[:, 1].any()
    brighter = torch.arange(8.0).repeat(8, 1)  # from left to right
    assert (corr2d(brighter, sobel) > 0).all() and (corr2d(-brighter, sobel) < 0).all()
    assert not corr2d(brighter.t(), sobel).any() and not corr2d(torch.ones(8, 8), sobel).any()


def test_clamping_throws_the_negative_half_away():
    signed, clamped = (KernelExplorer(clamp=clamp).result["output"] for clamp in (False, True))
    assert 0.4 < (signed < 0).double().mean() < 0.6 and torch.equal(clamped, signed.clamp(min=0))


def test_the_mean_kernel_gives_the_photo_a_little_blurred():
    photo = load_photo("flower")
    blurred = KernelExplorer(preset="mean").result["output"]
    inside = photo[1:-1, 1:-1]
    assert torch.corrcoef(torch.stack([blurred.flatten(), inside.flatten()]))[0, 1] > 0.95
    assert blurred.diff(dim=1).abs().mean() < inside.diff(dim=1).abs().mean()


def test_a_widget_is_asked_for_the_numbers_that_it_shows():
    explorer = KernelExplorer(row=120, column=30)
    products, total = explorer.result["products"], explorer.result["sum"]
    assert products.shape == (3, 3) and abs(products.sum().item() - total) < 1e-5
    assert f"add up to {svg.number(total)}" in explorer.describe(explorer.result)


def test_the_three_verdicts():
    assert repr(check("00.1", 43)).startswith("✓") and repr(check("00.1", 24)).startswith("✗")
    assert "not attempted yet" in repr(check("00.1", ...))


def test_predictions_are_counted_apart_from_exercises(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    check("00.1", 43)
    exec(find("02.p1").solution, names := {})
    check("02.p1", names["guess"])
    assert progress()[0].exercises == "1 of 4" and progress()[2].exercises.startswith("0 of")
    assert progress()[2].predictions.startswith("1 of")
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"], "one small file"


def test_the_index_has_the_claims_and_questions_of_the_course():
    index = course_index()
    assert len(index.of_kind("claim")) >= 30 and len(index.of_kind("question")) >= 8


def test_the_variable_overrides_the_profile(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_PROFILE", raising=False)
    assert profile() == ("gpu" if torch.cuda.is_available() else "cpu")
    for name in ("gpu", "cpu", "quick"):
        monkeypatch.setenv("CNN_COURSE_PROFILE", name)
        assert profile() == name


def test_digits_stand_in(monkeypatch, tmp_path):
    monkeypatch.setenv("CNN_COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("CNN_COURSE_OFFLINE", "1")
    train_iter, test_iter = load_data_fashion_mnist(100, num_train=None, num_test=None, device="cpu")
    assert len(train_iter.labels) + len(test_iter.labels) == 1_797 and len(train_iter.classes) == 10
