"""requirements.lock: one version of every package, in the range that the lists ask for, on every Python."""

from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SYSTEMS = ({"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
           {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
           {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"})


def requirements(name):
    """Return the requirements in a file of such lines, and none of its options."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def wanted():
    """Return what requirements.txt and the extras ask for; the course itself is not in the lock."""
    tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = requirements("requirements.txt") + [Requirement(line) for extra in extras.values() for line in extra]
    return [requirement for requirement in asked if requirement.name != "cnn-course"]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system["sys_platform"])
@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_has_one_version_in_range(python, system):
    here = system | {"python_version": python, "python_full_version": f"{python}.0"}
    locked = defaultdict(list)
    for requirement in requirements("requirements.lock"):
        if requirement.marker is None or requirement.marker.evaluate(here):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            locked[canonicalize_name(requirement.name)].append(pin.version)
    assert not {name: versions for name, versions in locked.items() if len(versions) != 1}
    for requirement in wanted():
        (version,) = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), (requirement, version)


def test_pytorch_is_the_one_whose_outputs_are_stored():
    stored = (ROOT / "notebooks/00_start_here.ipynb").read_text(encoding="utf-8")
    (locked,) = [r for r in requirements("requirements.lock") if r.name == "torch"]
    assert f"PyTorch       {str(locked.specifier).removeprefix('==')}\\n" in stored
