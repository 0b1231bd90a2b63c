"""helpers/place.py: the course is found from a clone and from a package installed apart; a file is written whole."""

import pathlib

import pytest

from helpers.place import course_folder, package_file, written_whole

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


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "file"
    with written_whole(path) as part:
        part.write_text("one")
        assert not path.exists() and part.parent == path.parent
    with pytest.raises(InterruptedError), written_whole(path) as part:
        part.write_text("half of two")
        raise InterruptedError
    assert path.read_text() == "one" and [other.name for other in path.parent.iterdir()] == ["file"]


def test_two_writers_do_not_meet_and_a_link_stays_one(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    with written_whole(link) as one, written_whole(link) as two:
        one.write_text("one")
        two.write_text("two")
    assert link.is_symlink() and (tmp_path / "file").read_text() == "one"
