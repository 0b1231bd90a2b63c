"""One file a lesson: what its text says but its cells do not show, one test for each claim or answer."""

import ast
import pathlib
import re

import nbformat

NOTEBOOKS = pathlib.Path(__file__).parents[2] / "notebooks"


def names_of(stem: str, until: str) -> dict:
    """Run a lesson's code cells, but for widgets and checks, up to the one that defines `until`; returns its names."""
    names, cells = {}, nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells
    for cell in cells:
        if cell.cell_type != "code" or re.search(r"^(check\(|[A-Z]\w*(Explorer|Learner)\()", cell.source, re.MULTILINE):
            continue
        exec(compile(cell.source, f"{stem}, {cell.id}", "exec"), names)
        if until in names:
            return names
    raise ValueError(f"{stem} does not define {until}")


def definitions_of(stem: str) -> dict:
    """Run a lesson's imports, functions and classes alone, nothing that computes; returns their names."""
    names, kinds = {}, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for cell in nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            parts = [part for part in ast.parse(cell.source).body if isinstance(part, kinds)]
            exec(compile(ast.Module(parts, []), f"{stem}, {cell.id}", "exec"), names)
    return names
