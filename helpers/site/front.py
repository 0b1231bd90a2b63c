"""The pages that are not a lesson: the front page with the map, the glossary, the index of claims and questions."""

import json
import re

from helpers.course.index import KINDS, course_index
from helpers.course.lessons import LESSONS
from helpers.course.map import ROWS, CourseMap

TABLE = "| English | 中文 |"  # the head of each table of the glossary in notebook 00


class LinkedMap(CourseMap):
    """The map of the course, each lesson a link to its page."""

    def draw_box(self, lesson, x, y, color):
        """Return one lesson as a box that leads to it."""
        return f'<a href="{lesson.stem}.html">{super().draw_box(lesson, x, y, color)}</a>'


def front_page(root, figure):
    """Return the Markdown of the first page: what the README says, a live figure, the map, the lessons."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    about = re.sub(r"^!\[.*\n", "", readme.partition("\n## Start")[0], flags=re.M)
    map_svg = LinkedMap(root / "notebooks").svg.replace('role="img"', 'role="group"', 1)
    rows = re.findall(r"^\| !\[(.*?)\]\((.*?)\) \| \[(.*?)\]\(notebooks/(\w+)\.ipynb\) \| (.*?) \|$", readme, re.M)
    cards = "".join(
        f'<li><a href="{stem}.html"><img src="_thumbs/{image.rpartition("/")[2]}" alt="" width="160" loading="lazy">'
        f"<span><b>{title}</b> {about}</span></a></li>"
        for _, image, title, stem, about in rows
    )
    return "\n\n".join([
        about, figure,
        "## The map of the course", f'<div class="cnn-map">{map_svg}</div>',
        "## The lessons", f'<ul class="cnn-lessons">{cards}</ul>', contents(),
    ])  # fmt: skip


def contents():
    """Return the tables of contents, one for each part of the map."""
    parts = {}
    for numbers, name, _ in ROWS:
        name = name or list(parts)[-1]
        lessons = [LESSONS[number] for number in numbers]
        parts.setdefault(name, []).extend(f"{lesson.number} {lesson.title} <{lesson.stem}>" for lesson in lessons)
    parts["To look up"] = ["glossary", "claims"]
    return "\n\n".join(
        "\n".join(["```{toctree}", ":hidden:", f":caption: {name}", "", *stems, "```"]) for name, stems in parts.items()
    )


def glossary(root):
    """Return the glossary of notebook 00 as a page."""
    notebook = json.loads((root / "notebooks" / f"{LESSONS[0].stem}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join(["# Glossary", *(_with_links(cell) for cell in cells if TABLE in cell)])


def _with_links(cell):
    """A table of the glossary with the part's name as a heading, and the number of each lesson as a link."""
    stems = {lesson.number: lesson.stem for lesson in LESSONS}
    cell = re.sub(r"^\*\*(.*)\*\*$", r"## \1", cell, flags=re.M)
    cell = cell[cell.index("## ") :] if "## " in cell else cell
    return re.sub(r"\| (\d\d) \|$", lambda row: f"| [{row[1]}]({stems[row[1]]}.ipynb) |", cell, flags=re.M)


def claims(root):
    """Return the index of claims and questions as a page."""
    index, lines = course_index(root / "notebooks"), ["# Claims and questions"]
    for kind, title in KINDS.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- [{entry.stem[:2]}](<{entry.link}>) {entry.words}" for entry in index.of_kind(kind)]
    return "\n".join(lines)
