"""Slides of a lesson: python -m helpers.course.slides 05 [FILE] [--reveal ADDRESS]

Made from the stored notebook, by nbconvert, without running it. A slide shows a heading and a paragraph, or a
picture, widget or guess with the paragraph before it; other prose goes into the speaker's notes (key S). Exercises,
summary and folded answers stay out. The page takes reveal.js from the network, or from the address of a copy.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

from .lessons import LESSONS
from .map import NOTEBOOKS

OUTSIDE = ("Summary", "Questions learners ask", "Exercises")  # sections that are not shown
LONGEST = 4  # lines of code that a picture's slide shows above it
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)


def mark(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy of a notebook whose cells say how they are shown: slide, subslide, fragment, notes or -."""
    cells, shown = [], True
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cells += _of_code(cell, cells) if shown and cell.outputs else []
            continue
        for part in re.split(r"(?m)^(?=###? )", FOLDED.sub("", cell.source)):
            heading = re.match(r"(#+) (.*)", part)
            shown = heading[2] not in OUTSIDE if heading and len(heading[1]) < 3 else shown
            cells += _of_text(part.strip(), heading) if shown else []
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def _of_text(text, heading):
    """A slide of the heading and the first paragraph below it; the other paragraphs as notes, a cell each."""
    paragraphs = [part for part in text.split("\n\n") if part.strip() and "00_start_here.ipynb#" not in part]
    if not heading:
        return [_text(part, "notes") for part in paragraphs]
    kind = "subslide" if len(heading[1]) > 2 else "slide"
    return [_text("\n\n".join(paragraphs[:2]), kind), *(_text(part, "notes") for part in paragraphs[2:])]


def _of_code(cell, before):
    """A picture, widget or guess opens a slide below, under the paragraph that leads to it; other output goes on."""
    copy = nbformat.from_dict(cell)
    picture = any("image/png" in output.get("data", {}) for output in cell.outputs)
    kind = "subslide" if picture or "check(" in cell.source else "fragment"
    if kind == "subslide" and before and _kind(before[-1]) == "notes":
        before[-1].metadata.slideshow.slide_type, kind = kind, "-"
    hidden = ["no-input"] if picture and len(cell.source.splitlines()) > LONGEST else []
    copy.metadata = {"tags": hidden, "slideshow": {"slide_type": kind}}
    return [copy]


def _kind(cell):
    return cell.metadata.slideshow.slide_type


def _text(source, kind):
    return nbformat.v4.new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


def slides(path: str | Path, reveal: str | None = None) -> str:
    """Return the slides of a notebook file as one HTML page; `reveal` is the address of a copy of reveal.js."""
    from nbconvert import SlidesExporter  # slow to import, and needed here alone
    from traitlets.config import Config

    settings = {"SlidesExporter": {"reveal_scroll": True, **({"reveal_url_prefix": reveal} if reveal else {})},
                "TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"no-input"}}}  # fmt: skip
    return SlidesExporter(config=Config(settings)).from_notebook_node(mark(nbformat.read(path, as_version=4)))[0]


def main(words: list[str]) -> int:
    """Write the slides of a lesson; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lesson", choices=[lesson.number for lesson in LESSONS], metavar="NUMBER")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--reveal", metavar="ADDRESS", help="a copy of reveal.js")
    options = parser.parse_args(words)
    lesson = next(lesson for lesson in LESSONS if lesson.number == options.lesson)
    file = options.file or Path(f"{lesson.stem}.slides.html")
    file.write_text(slides(NOTEBOOKS / f"{lesson.stem}.ipynb", options.reveal), encoding="utf-8")
    print(f"The slides of {lesson.number} {lesson.title} are in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
