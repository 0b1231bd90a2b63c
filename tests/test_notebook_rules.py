"""Rules that every notebook keeps: stored executed and clean, built alike, short cells, pictures with alt text."""

import ast
import copy
import json
import pathlib
import re

import nbformat
import pytest

from helpers.course import LESSONS, address
from helpers.course.times import reading_time

ROOT = pathlib.Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NUMBERED = [path for path in PATHS if path.name[:2].isdigit()]  # all but the glossary and the page for lecturers
TAUGHT = NUMBERED[1:]


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def of_kind(path, kind):
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def prose(path):
    return "\n\n".join(cell.source for cell in of_kind(path, "markdown"))


def code_of(path):
    return "\n".join(cell.source for cell in of_kind(path, "code"))


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


# As many words and cells at most. A lesson without claims of its own is longer still, and waits to be rewritten.
SITTING, LONG = (2500, 60), (3200, 80)
MEASURE = {path.name[:2]: LONG if path.name[:2] in ("00", "06", "07", "14", "15") else SITTING for path in NUMBERED}
CLAIMS = {path.stem.removeprefix("test_") for path in (ROOT / "tests/claims").glob("test_*.py")}


def words(path):
    """How many words the text cells have, markup and formulas included."""
    return reading_time(path)[0]


every = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
every_lesson = pytest.mark.parametrize("path", TAUGHT, ids=lambda path: path.stem)


def test_there_are_notebooks_and_nothing_else():
    names = [path.name for path in (ROOT / "notebooks").iterdir() if not path.name.startswith(".")]
    assert PATHS and all(re.fullmatch(r"(\d\d_[a-z_]+|glossary|for_lecturers)\.ipynb", name) for name in names), names


@every
def test_stored_executed_in_order(path):
    counts = [cell.execution_count for cell in of_kind(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@every
def test_the_first_code_cell_fetches_the_course_where_it_is_missing(path):
    """`python -m helpers.course.address` writes it."""
    notebook = read(path)
    expected = copy.deepcopy(notebook)
    address.put_cell(expected, address.stated(ROOT), address.version(ROOT))
    assert notebook == expected
    fetching = [cell for cell in notebook.cells if address.is_fetching(cell)]
    assert len(fetching) == bool(of_kind(path, "code")) and not any(cell.outputs for cell in fetching)


@every
def test_stored_without_errors_and_stderr(path):
    for cell in of_kind(path, "code"):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", output["text"]


@every
def test_no_widget_state_and_a_still_for_each_widget(path):
    notebook = read(path)
    text = path.read_text(encoding="utf-8")
    assert "widgets" not in notebook.metadata and "application/vnd.jupyter.widget" not in text
    assert "widgets" in notebook.metadata["cnn_course"], "metadata must declare how many widgets there are"


@every
def test_pictures_are_stored_as_every_viewer_shows_them(path):
    """A viewer that does not trust the notebook takes raw SVG out of HTML and leaves its words in a row."""
    for cell in of_kind(path, "code"):
        for output in cell.outputs:
            assert "<svg" not in output.get("data", {}).get("text/html", ""), cell.source


@every
def test_no_path_of_a_machine(path):
    outputs = json.dumps([cell.outputs for cell in of_kind(path, "code")])
    text = re.sub(r'"image/png": "[^"]*"|base64,[A-Za-z0-9+/=]+', "", outputs)
    assert not re.search(r"(/home/|/root|/tmp/|/opt/|/Users/|/work/|[A-Z]:\\\\)", text)


@every
def test_small_enough(path):
    assert path.stat().st_size <= 1_500_000


@every
def test_ignored_outputs_are_the_exception(path):
    known = {"nbval-ignore-output", "raises-exception", address.FETCHES}
    code = of_kind(path, "code")
    tags = [tag for cell in code for tag in cell.metadata.get("tags", [])]
    assert set(tags) <= known
    assert tags.count("nbval-ignore-output") <= len(code) / 2, "half of the cells or more are not compared"


@every
def test_cells_are_short_and_take_turns_with_prose(path):
    row = 0
    for cell in read(path).cells:
        if address.is_fetching(cell):
            continue
        if cell.cell_type == "code":
            row += 1
            whole = re.match(r"(?:@.*\n)?(class|def) |for |.*\bfor .* in .*:$", cell.source, re.MULTILINE)
            assert len(lines(cell)) <= (25 if whole else 15), cell.source
            assert row <= 3, f"{row} code cells in a row before:\n{cell.source}"
        else:
            row = 0


@every
def test_pictures_have_a_text_alternative(path):
    assert not re.search(r"!\[\s*\]", prose(path))
    assert all(re.search(r'alt="[^"]{10,}"', tag) for tag in re.findall(r"<img[^>]*>", prose(path)))


@every
def test_stored_pictures_say_what_they_show_and_how_wide_they_are(path):
    for cell in of_kind(path, "code"):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                told = output.get("metadata", {}).get("image/png", {})
                assert len(told.get("alt", "")) > 5 and told.get("width", 0) > 20, cell.source
                is_figure = output.data["text/plain"].startswith("<Figure")
                assert not (is_figure and re.search(r"(^|[\s(\[])-\d", told["alt"])), f"a hyphen for a minus: {told}"


@every
def test_words_that_belittle_are_missing(path):
    found = re.findall(r"\b(?:simply|just|obviously|trivially)\b", prose(path), re.IGNORECASE)
    assert not found, found


@every
def test_linked_notebooks_exist(path):
    for name in re.findall(r"\]\(([^)#]+\.ipynb)[^)]*\)", prose(path)):
        if not (path.parent / name).exists():
            raise AssertionError(f"{name} does not exist")


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_the_way_back_and_on_and_to_the_map(path):
    number = int(path.name[:2])
    before, after = LESSONS[max(0, number - 1) : number], LESSONS[number + 1 : number + 2]
    links = [*(f"← [{lesson.number} {lesson.title}]({lesson.stem}.ipynb)" for lesson in before),
             "[map](00_start_here.ipynb#The-map-of-the-course)",
             *(f"[{lesson.number} {lesson.title}]({lesson.stem}.ipynb) →" for lesson in after)]  # fmt: skip
    first, last = of_kind(path, "markdown")[0].source, read(path).cells[-1].source
    assert first.split("\n\n")[1] == " · ".join(links)
    assert all(f"]({lesson.stem}.ipynb)" in last for lesson in after), "the last cell says what comes next"


@every_lesson
def test_parts_of_a_lesson(path):
    text = prose(path)
    assert text.startswith("# ")
    assert "you will be able to" in text.lower() and re.search(r"\bassumes?\b", text) and "minutes" in text
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert heads[-3:] == ["Summary", "Questions learners ask", "Exercises"] and 3 <= len(heads[:-3]) <= 6, heads
    assert len(text.split()) >= 1200
    assert re.search(r"[\u4e00-\u9fff]", text), "terms carry their Chinese name"


@every_lesson
def test_checked_exercises(path):
    checked = re.findall(r'check\("(\d\d\.\d+)"', code_of(path))
    assert len(set(checked)) >= 4 and all(id[:2] == path.name[:2] for id in checked)
    imported = {name.name for name in ast.walk(ast.parse(code_of(path))) if isinstance(name, ast.alias)}
    assert {"check", "hint", "solution"} <= imported  # the text before the exercises calls all three


MEASURED = [path for path in NUMBERED if path.name[:2] in CLAIMS]
measured = pytest.mark.parametrize("path", MEASURED, ids=lambda path: path.stem)


@measured
def test_one_sitting(path):
    most_words, most_cells = MEASURE[path.name[:2]]
    cells = [cell for cell in read(path).cells if not address.is_fetching(cell)]
    assert words(path) <= most_words and len(cells) <= most_cells


@measured
def test_the_time_it_says_is_the_time_it_takes(path):
    """180 words a minute and half a minute a code cell; the exercises come on top."""
    said = int(re.search(r"about (\d+) minutes to read", prose(path))[1])
    assert abs(said - reading_time(path)[2]) <= 3


@measured
def test_no_cell_is_silent(path):
    """A code cell shows something, or it defines or imports something."""
    for cell in of_kind(path, "code"):
        assert cell.outputs or re.search(r"^(def|class|import|from) ", cell.source, re.MULTILINE), cell.source


@measured
def test_no_assert_gives_a_prediction_away(path):
    """Proofs stand in tests/claims; a cell asserts only where it measures the machine."""
    for cell in of_kind(path, "code"):
        assert "assert" not in cell.source or "nbval-ignore-output" in cell.metadata.get("tags", []), cell.source


@measured
def test_what_is_said_and_not_shown_is_proved(path):
    claims = f"tests/claims/test_{path.name[:2]}.py"
    said = "" if path.name.startswith("00") else " proves what this lesson says but does not show."
    assert (ROOT / claims).is_file() and f"[{claims}](../{claims}){said}" in prose(path)
