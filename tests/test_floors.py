"""Who stands on whom in helpers/: imports run down the floors only, and in no circle inside a folder."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# From the ground up. A folder may import what stands on a lower floor, and its own files; a floor's folders not each
# other. The widgets are three: the kit under the two that use it.
FLOORS = (
    ("lazy", "place"),
    ("ops", "data", "drawing", "scratch"),
    ("networks",),
    ("training",),
    ("anatomy", "scaling", "exercises"),
    ("course", "inside"),
    ("widgets.kit",),
    ("widgets.layers", "widgets.nets"),
    ("widgets",),
    ("benchmark", "site"),
)
FLOOR = {f"helpers.{name}": number for number, floor in enumerate(FLOORS) for name in floor}
# The packages from outside that these may import, no other.
PACKAGES = {"lazy": set(), "place": set(), "start": set(), "update": set(), "hosted": set(), "ops": {"torch"},
            "scratch": {"numpy"},
            "networks": {"torch"}, **{f"anatomy.{name}": {"torch"} for name in ("copies", "counts", "reach", "work")},
            "training.advice": {"torch"}, "drawing.tables": set(),
            "drawing.words": set()}  # fmt: skip
# The public face knows all; three scripts run before anything is installed.
OUTSIDE = {"helpers", "helpers.start", "helpers.update", "helpers.hosted"}


def module_name(path, root):
    """The dotted name of a source file: helpers.data.batches, and helpers.data for its __init__."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def house_of(module):
    """The longest name of FLOOR that the module lies in: helpers.widgets.kit for helpers.widgets.kit.base."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((name for name in names if name in FLOOR), None)


def imports(path, root=ROOT):
    """Return (line, module) for each import of helpers in a source file, those inside functions too."""
    module, found = module_name(path, root), []
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:  # `from package import module` imports the module
                below = root.joinpath(*source.split("."), alias.name)
                is_module = below.with_suffix(".py").exists() or (below / "__init__.py").exists()
                found.append((node.lineno, f"{source}.{alias.name}" if is_module else source))
    return [(line, name) for line, name in found if name.split(".")[0] == "helpers"]


def packages(path):
    """Return the names of the packages from outside that a source file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"helpers"}


def broken_rules(root=ROOT):
    """Return a sentence for each import that does not run down, with its file and line."""
    found = []
    for path in sorted((root / "helpers").rglob("*.py")):
        module = module_name(path, root)
        if module in OUTSIDE:
            continue
        mine = house_of(module)
        for line, name in imports(path, root):
            place = f"{path.relative_to(root)}:{line}"
            other = house_of(name)
            if other is None:
                found.append(f"{place} imports {name}, which stands on no floor")
            elif other != mine and FLOOR[other] >= FLOOR[mine]:
                found.append(f"{place} imports {name}, which is not below {mine}")
    return found


def circles(root=ROOT):
    """Return each circle of modules that import each other, as a list of their names."""
    graph = {}
    for path in (root / "helpers").rglob("*.py"):
        module = module_name(path, root)
        if path.name != "__init__.py":
            graph[module] = {name for _, name in imports(path, root)}
    found, done = [], set()

    def walk(module, way):
        if module in way:
            found.append(way[way.index(module):])
        elif module not in done:
            for name in graph.get(module, ()):
                walk(name, [*way, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    return found


def test_imports_run_down():
    assert not broken_rules()


def test_no_module_stands_on_itself():
    assert not circles()


@pytest.mark.parametrize("name, allowed", PACKAGES.items())
def test_what_stays_light_imports_little_from_outside(name, allowed):
    place = ROOT.joinpath("helpers", *name.split("."))
    paths = list(place.rglob("*.py")) or [place.with_suffix(".py")]
    assert set().union(*map(packages, paths)) <= allowed


def test_every_folder_has_its_floor():
    for path in (ROOT / "helpers").rglob("*.py"):
        module = module_name(path, ROOT)
        assert module in OUTSIDE or house_of(module), f"{module}: give it a floor in FLOORS"


@pytest.mark.parametrize("file, line, told", [
    ("data/batches.py", "from helpers.training import profile", "data/batches.py:1 imports helpers.training, which"),
    ("ops.py", "def f():\n    import helpers.data", "ops.py:2 imports helpers.data, which is not below helpers.ops"),
    ("widgets/layers/a.py", "from ..nets import b", "a.py:1 imports helpers.widgets.nets"),
    ("training/loop.py", "from .. import inside", "loop.py:1 imports helpers.inside, which is not below"),
    ("anatomy/counts.py", "from helpers import course", "counts.py:1 imports helpers.course"),
    ("training/loop.py", "from helpers import train_ch6", "loop.py:1 imports helpers, which stands on no floor"),
])  # fmt: skip
def test_the_line_that_breaks_the_rule_is_named(tmp_path, file, line, told):
    for floor in FLOORS:
        for name in floor:
            folder = tmp_path.joinpath("helpers", *name.split("."))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").touch()
    (tmp_path / "helpers" / file).write_text(line)
    assert any(told in sentence for sentence in broken_rules(tmp_path)), broken_rules(tmp_path)


def test_a_circle_is_found(tmp_path):
    folder = tmp_path / "helpers/data"
    folder.mkdir(parents=True)
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (folder / f"{name}.py").write_text(f"def f():\n    from .{other} import g")
    assert [sorted(circle) for circle in circles(tmp_path)] == [[f"helpers.data.{name}" for name in "abc"]]


@pytest.mark.parametrize("name", ["triton", "torch.distributed.elastic", "sklearn", "torchvision", "pandas", "d2l"])
def test_import_helpers_loads_nothing_that_few_notebooks_use(name):
    question = f"import sys, helpers, helpers.scaling, helpers.widgets; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", question], cwd=ROOT).returncode == 0
