"""What notebook 00 shows of the machine: versions, processor, device, profile, data set."""

import platform
import re
from xml.etree import ElementTree

import pytest
import torch

from helpers.course import describe_environment, environment
from helpers.data import digits


@pytest.fixture
def no_data(monkeypatch, tmp_path):
    """A machine without Fashion-MNIST."""
    monkeypatch.setenv("CNN_COURSE_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr("helpers.data.sources.DATA", tmp_path / "nowhere")


def test_the_table_tells_what_is_here(no_data, monkeypatch):
    monkeypatch.setenv("CNN_COURSE_PROFILE", "quick")
    facts = describe_environment(download=False)
    assert facts["Python"] == platform.python_version()
    assert facts["PyTorch"].split("+")[0] == torch.__version__.split("+")[0]
    assert facts["profile"] == "quick (from CNN_COURSE_PROFILE)"
    assert facts["data set"] == "digits: 1,437 training and 360 test images"
    assert facts["it came from"] == digits().place
    assert "the folder in CNN_COURSE_DATA" in facts["no Fashion-MNIST"]
    assert facts[0] == ("Python", platform.python_version())


def test_the_table_names_no_path_of_the_machine(no_data, tmp_path):
    facts = describe_environment(download=False)
    assert str(tmp_path) not in repr(facts) + facts._repr_html_()
    assert all(fact.here.strip() for fact in facts)


def test_the_table_is_text_and_html(no_data):
    facts = describe_environment(download=False)
    for what, here in facts:
        assert re.search(rf"^{re.escape(what)} +{re.escape(here)}$", repr(facts), re.MULTILINE)
    table = ElementTree.fromstring(facts._repr_html_())
    assert [tuple(cell.text for cell in row) for row in table][1:] == list(facts)


def test_without_the_variable_the_profile_says_no_source(no_data, monkeypatch):
    monkeypatch.delenv("CNN_COURSE_PROFILE", raising=False)
    assert describe_environment(download=False)["profile"] in ("cpu", "gpu")


def test_a_package_that_is_missing_is_said_to_be():
    assert environment.version("a-package-that-nobody-wrote") == "not installed"


def test_without_the_book_the_table_says_what_is_left_out(no_data, monkeypatch):
    real = environment.version
    monkeypatch.setattr(environment, "version", lambda package: real("nothing" if package == "d2l" else package))
    assert describe_environment(download=False)["d2l"].startswith("not installed: what compares with the book's own")


def test_the_processor_has_a_name_on_every_system(monkeypatch):
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr(environment.sys, "platform", system)
        assert environment.processor_name()


def test_a_gpu_is_named_with_its_memory(monkeypatch):
    class Card:
        name, total_memory = "Some GPU", 80e9

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Card)
    assert environment.device_name(torch.device("cuda:0")) == "cuda:0: Some GPU, 80 GB"
    assert re.fullmatch(r"cpu: (1 thread|\d+ threads)", environment.device_name(torch.device("cpu")))
    assert environment.device_name(torch.device("mps")).startswith("mps: ")
