"""README, CONTRIBUTING, CITATION and CHANGELOG name what is there."""

import json
import pathlib
import re
import sys

import pytest

from helpers.benchmark.gpu_table import load_gpu, readme_part
from helpers.benchmark.nets import load_results

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_is_named_exists(name):
    paths = set(re.findall(r"(?<![\w/.-])((?:helpers|tests|notebooks|img|\.ci)/[\w./-]*\w/?)", text(name)))
    paths |= {target for target in re.findall(r"\]\(([^)#:]+)\)", text(name))}
    assert len(paths) > 10 and not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_module_that_is_run_exists(name):
    for module in re.findall(r"-m ((?:helpers|tests)[\w.]*)", text(name)):
        place = ROOT.joinpath(*module.split("."))
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


def test_every_folder_of_helpers_is_in_the_table():
    table = text("CONTRIBUTING.md").partition("## Where is it?")[2].partition("\n## ")[0]
    folders = {path.parent.relative_to(ROOT).as_posix() + "/" for path in (ROOT / "helpers").rglob("__init__.py")}
    folders -= {"helpers/", "helpers/widgets/", "helpers/widgets/nets/look_inside/"}
    assert folders <= set(re.findall(r"`([\w/]+/)`", table))
    mirrored = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    of_helpers = {folder.split("/")[1] for folder in folders}
    assert mirrored - {"attack", "claims"} == of_helpers, "tests/ has the folders of helpers/"


def test_the_names_in_the_four_answers_stand_in_the_files_beside_them():
    answers = text("CONTRIBUTING.md").partition("Four answers")[2].partition("\n## ")[0]
    pairs = re.findall(r"`(\w+)`,?\s+in\s+`([\w/]+\.py)`", answers)
    pairs += re.findall(r"is `(\w+)` in `([\w/]+\.py)`", answers)
    assert {name for name, _ in pairs} >= {"pool2d", "Pooling", "describe", "SPARE_MIRROR", "_repr_mimebundle_"}
    for name, file in pairs:
        assert re.search(rf"^\s*(?:def |class )?{name}\b", text(file), re.MULTILINE), (name, file)


def test_the_table_of_all_networks_is_the_one_that_is_stored():
    results = load_results("cpu")
    rows = {f"| {' | '.join(line)} |" for line in results.lines()}
    assert len(rows) == 8 and rows <= set(text("README.md").splitlines())
    assert f"{results.caption()}." in text("README.md")


def test_the_figures_of_a_gpu_are_those_that_are_stored():
    assert readme_part(load_gpu()) in text("README.md")


def test_what_hosts_read_names_what_is_there():
    settings = json.loads(text(".vscode/settings.json"))
    container = json.loads(text(".devcontainer/devcontainer.json"))
    assert settings["python.defaultInterpreterPath"].endswith("/.venv"), "the folder: Pythons lie elsewhere in it"
    assert container["postCreateCommand"].endswith("-c requirements.lock -r requirements.txt")
    for file in container["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / file).is_file()
    included = re.findall(r"^-[cr] (.+)$", text(".binder/requirements.txt"), re.MULTILINE)
    assert [(ROOT / ".binder" / name).resolve().name for name in included] == ["requirements.lock", "requirements.txt"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_versions_agree():
    import tomllib

    project = tomllib.loads(text("pyproject.toml"))["project"]
    newest = re.findall(r"^## (\S+) \((.+)\)$", text("CHANGELOG.md"), re.MULTILINE)
    assert project["version"].removesuffix(".dev0") == newest[0][0]
    released = next(version for version, date in newest if date != "unreleased")
    assert f"version: {released}\n" in text("CITATION.cff")
    assert project["license-files"] == ["LICENSE"] and "license: MIT" in text("CITATION.cff")
