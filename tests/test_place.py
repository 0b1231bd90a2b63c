"""helpers/place.py: the course is found from a clone and from a package installed apart from it."""

import pathlib

import pytest

from helpers.place import course_folder, package_file

ROOT = pathlib.Path(__file__).parents[1]


def test_in_a_clone_it_is_the_clone_whatever_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert course_folder() == ROOT.resolve()


@pytest.mark.parametrize("inside, found", [("course/notebooks", "course"), ("elsewhere", "elsewhere")])
def test_installed_apart_it_is_found_from_the_notebook_that_runs(monkeypatch, tmp_path, inside, found):
    (tmp_path / inside).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / inside)
    assert course_folder(tmp_path / "site-packages" / "helpers") == tmp_path / found


def test_a_file_of_a_package_is_found_without_importing_it():
    assert package_file("helpers", "widgets/kit/*.css").name == "stage.css"
    assert package_file("helpers", "widgets/kit/*.none") is None and package_file("no_such_package", "*") is None
