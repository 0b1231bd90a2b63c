"""helpers/start.py: the stamp, the repair of a half-made environment, the sentence for each failure, the hand-over."""
import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from .cpu_index import write_index
from .serving import served

SCRIPT = Path(__file__).resolve().parents[1] / "helpers" / "start.py"
UV = shutil.which("uv")
POSIX = pytest.mark.skipif(os.name == "nt", reason="the stand-in for the environment's Python is a shell script")


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start.py loaded by itself, for a small repository in tmp_path that has its own CNN_COURSE_VENV."""
    spec = importlib.util.spec_from_file_location("start_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "course"
    root.mkdir()
    (root / "requirements.txt").write_text("torch>=2.2\n-e .\n")
    (root / "pyproject.toml").write_text("[project]\n")
    (root / module.LOCK).write_text("torch==2.2\n")
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setenv("CNN_COURSE_VENV", str(tmp_path / "env"))
    for name in ("PIP_INDEX_URL", "CNN_COURSE_CPU_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)  # no uv, unless a test says so
    return module


def pretend_version(start, monkeypatch, *version):
    """Let start.py, and nothing else, see another version of Python."""
    seen = SimpleNamespace(version_info=(*version, 0), executable=sys.executable, stderr=sys.stderr)
    monkeypatch.setattr(start, "sys", seen)


class Machine:
    """Stands in for `run`: makes a Python that is only a file, and records what was asked of it."""

    def __init__(self, start):
        self.start, self.done, self.usable, self.imports, self.failure = start, [], True, [True], ""
        self.options, self.asked = [], ""  # what was installed last, what was imported last
        self.steps = []  # all that was installed

    def __call__(self, command):
        words = [str(word) for word in command]
        if words[1:3] == ["-m", "venv"]:
            self.done.append("venv")
            self.usable = True
            folder = Path(words[-1])
            python = self.start.python_in(folder)
            python.parent.mkdir(parents=True, exist_ok=True)
            python.write_text("")
            (folder / "pyvenv.cfg").write_text("")
            return 0, ""
        if words[:3] == ["uv", "pip", "install"]:
            self.done.append("uv")
            self.options = words[3:]
            self.steps.append(self.options)
            return (1, "uv's own words") if self.failure else (0, "")
        if "pip" in words:
            self.done.append("pip")
            self.options = words[words.index("install") :]
            self.steps.append(self.options)
            return (1, self.failure) if self.failure else (0, "")
        if words[-1].startswith("import torch"):
            self.done.append("import")
            self.asked = words[-1]
            return (0 if self.imports.pop(0) else 1), ""
        return (0 if self.usable and Path(words[0]).exists() else 1), ""


@pytest.fixture
def machine(start, monkeypatch):
    """The Machine in the place of every command that start.py would run."""
    machine = Machine(start)
    monkeypatch.setattr(start, "run", machine)
    return machine


def prepare(start, command="lab"):
    """What a start of `command` does to the environment."""
    return start.prepare(start.environment_folder(), command)


def prepare_again(start, machine, command="lab"):
    """What a further start does."""
    machine.done.clear()
    prepare(start, command)
    return machine.done


def test_first_start_makes_everything_and_the_second_nothing(start, machine):
    python = prepare(start)
    assert python == start.python_in(start.environment_folder())
    assert machine.done == ["venv", "pip", "import"]
    assert prepare_again(start, machine) == []


def test_only_the_tests_install_what_only_they_need(start, machine):
    prepare(start)
    assert "[" not in " ".join(machine.options)
    assert "hypothesis" not in machine.asked and "sphinx" not in machine.asked and "d2l" in machine.asked
    machine.imports = [True]
    assert prepare_again(start, machine, "site") == ["pip", "import"]
    assert ".[site]" in machine.options and "myst_nb" in machine.asked and "hypothesis" not in machine.asked
    machine.imports = [True]
    assert prepare_again(start, machine, "test") == ["pip", "import"]
    assert ".[site,test]" in machine.options and {"hypothesis", "sphinx"} <= set(re.findall(r"\w+", machine.asked))
    assert all(prepare_again(start, machine, command) == [] for command in start.EXTRAS)


def test_uv_goes_first_where_it_is_and_takes_pips_mirror(start, machine, monkeypatch):
    monkeypatch.setattr(start.shutil, "which", lambda name: name)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    python = prepare(start)
    assert machine.done == ["venv", "uv", "import"]
    assert machine.options[:4] == ["--python", str(python), "-c", "requirements.lock"]
    assert machine.options[4:] == ["--default-index", "https://mirror.example/simple", "-r", "requirements.txt"]


def test_pip_steps_in_where_uv_fails(start, machine, monkeypatch, capsys):
    monkeypatch.setattr(start.shutil, "which", lambda name: name)
    machine.failure = "ERROR: No matching distribution found for torch>=2.2"
    assert start.main([]) == 1
    assert machine.done == ["venv", "uv", "pip"] and "has no torch>=2.2" in capsys.readouterr().err
    assert start.LOCK not in machine.options, "the ranges may hold where the lock does not"


@pytest.mark.parametrize("uv, way", [(None, ["--index-url"]), ("uv", ["--default-index", "--no-deps"])])
@pytest.mark.parametrize("mirror", [None, "https://mirror.example/cpu"])
def test_cpu_takes_pytorch_from_its_own_index_first(start, machine, monkeypatch, capsys, uv, way, mirror):
    monkeypatch.setattr(start.shutil, "which", lambda name: uv)
    monkeypatch.setattr(start, "hand_over", lambda words: words)
    if mirror:
        monkeypatch.setenv("CNN_COURSE_CPU_INDEX", mirror)
    assert "--cpu" not in start.main(["--cpu"])
    assert "up to 2 GB" in capsys.readouterr().out
    pytorch, rest = machine.steps
    index = mirror or start.CPU_INDEX
    assert pytorch[-len(way) - 3 :] == [way[0], index, *way[1:], "torch", "torchvision"] and index not in rest


@pytest.mark.parametrize("uv", [None, "uv"])
def test_cpu_takes_no_cuda_where_its_index_is_not_reached(start, machine, monkeypatch, capsys, uv):
    monkeypatch.setattr(start.shutil, "which", lambda name: uv)
    machine.failure = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'"
    assert start.main(["--cpu"]) == 1 and "was not reached" in capsys.readouterr().err
    assert machine.steps and all(step[-2:] == start.PYTORCH for step in machine.steps)


@pytest.mark.skipif(UV is None, reason="uv is not installed here")
def test_uv_takes_the_build_for_cpus_under_the_lock(start, monkeypatch, tmp_path):
    """The real uv, an index of stand-ins, no network: what the lock calls 2.14.1 is 2.14.1+cpu there."""
    versions, root = write_index(tmp_path / "index"), SCRIPT.parents[1]
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    monkeypatch.setattr(start, "ROOT", root)
    real, done = start.run, []
    monkeypatch.setattr(start, "run", lambda words: (done.append(words) or real(words)) if not done else (0, ""))
    monkeypatch.setattr(start.shutil, "which", lambda name: UV)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with served(tmp_path / "index") as address:
        monkeypatch.setenv("CNN_COURSE_CPU_INDEX", address)
        start.install(environment, "lab", cpu=True)
    found = {path.name for path in environment.rglob("*.dist-info")}
    assert found == {f"{name}-{version}.dist-info" for name, version in versions.items()}


@pytest.mark.parametrize("system, machine_, musl, sentence", [
    ("Darwin", "x86_64", "", "Intel"), ("Windows", "ARM64", "", "x64 Python"),
    ("Linux", "x86_64", "x86_64-pc-linux-musl", "glibc"), ("Linux", "x86_64", "x86_64-pc-linux-gnu", "for Python"),
])  # fmt: skip
def test_a_machine_without_pytorch_is_told_why(start, machine, monkeypatch, capsys, system, machine_, musl, sentence):
    monkeypatch.setattr(start, "platform", SimpleNamespace(system=lambda: system, machine=lambda: machine_))
    monkeypatch.setattr(start, "sysconfig", SimpleNamespace(get_config_var=lambda name: musl))
    machine.failure = "ERROR: No matching distribution found for torch>=2.2"
    assert start.main([]) == 1 and sentence in capsys.readouterr().err


def test_what_start_py_imports_is_what_the_lists_install(start):
    """Each package of requirements.txt and of the extras is tried after an installation, and no other."""
    names = {"sklearn": "scikit-learn", "PIL": "pillow", "pytest_timeout": "pytest-timeout", "xdist": "pytest-xdist"}
    lists = (SCRIPT.parents[1] / "requirements.txt").read_text(encoding="utf-8")
    installed = set(re.findall(r"^([a-z]\w*(?:-\w+)*)", lists, re.MULTILINE))
    tried = {names.get(name, name) for name in [*start.MODULES, start.BOOK]}
    assert tried <= installed and installed - tried <= {"matplotlib", "nbval"}
    project = (SCRIPT.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    for name, modules in (("test", start.TEST_MODULES), ("site", start.SITE_MODULES)):
        extra = set(re.findall(r'"([a-z-]+)>=', project.partition(f"\n{name} = [")[2].partition("]")[0]))
        tried = {names.get(module, module).replace("_", "-") for module in modules}
        assert tried - {"nbval"} <= extra


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml", "requirements.lock"])
def test_a_changed_list_is_installed_into_the_same_environment(start, machine, name):
    prepare(start)
    (start.ROOT / name).write_text("something else\n")
    machine.imports = [True]
    assert prepare_again(start, machine) == ["pip", "import"]
    assert prepare_again(start, machine) == []


def test_a_moved_repository_is_installed_again(start, machine, monkeypatch):
    prepare(start)
    moved = start.ROOT.rename(start.ROOT.with_name("moved"))
    monkeypatch.setattr(start, "ROOT", moved)
    machine.imports = [True]
    assert prepare_again(start, machine) == ["pip", "import"]


def test_the_stamp_tells_python_versions_apart(start, monkeypatch):
    before = start.fingerprint()
    pretend_version(start, monkeypatch, 3, 99)
    assert start.fingerprint() != before


def test_failed_pip_leaves_no_stamp_and_the_next_start_mends(start, machine):
    machine.failure = "ERROR: something"
    with pytest.raises(start.StartError):
        prepare(start)
    assert not (start.environment_folder() / start.STAMP).exists()
    machine.failure = ""
    assert prepare_again(start, machine) == ["pip", "import"]
    assert start.is_ready(start.environment_folder(), "lab")


def test_an_upgrade_that_fails_takes_the_old_stamp_away(start, machine):
    prepare(start)
    (start.ROOT / "requirements.txt").write_text("torch>=99\n")
    machine.failure = "ERROR: something"
    with pytest.raises(start.StartError):
        prepare(start)
    assert not (start.environment_folder() / start.STAMP).exists()


def test_an_environment_whose_python_does_not_start_is_made_anew(start, machine):
    prepare(start)
    (start.environment_folder() / start.STAMP).unlink()
    machine.usable, machine.imports = False, [True]
    assert prepare_again(start, machine) == ["venv", "pip", "import"]


def test_a_stamp_without_a_python_is_not_trusted(start, machine):
    prepare(start)
    start.python_in(start.environment_folder()).unlink()
    machine.imports = [True]
    assert prepare_again(start, machine) == ["venv", "pip", "import"]


def test_what_does_not_import_after_the_mend_is_made_anew_once(start, machine):
    prepare(start)
    (start.environment_folder() / start.STAMP).unlink()
    machine.imports = [False, True]
    assert prepare_again(start, machine) == ["pip", "import", "venv", "pip", "import"]
    (start.environment_folder() / start.STAMP).unlink()
    machine.imports = [False, False]
    with pytest.raises(start.StartError, match="does not import"):
        prepare_again(start, machine)


def test_an_environment_of_the_first_version_stays_ours_when_its_upgrade_fails(start, machine):
    files(start.environment_folder(), "pyvenv.cfg", "bin/python", start.STAMP)
    machine.failure = "ERROR: something"
    with pytest.raises(start.StartError):
        prepare(start)
    machine.failure = ""
    assert prepare_again(start, machine) == ["pip", "import"]


@pytest.mark.parametrize("name", [".lock", ".DS_Store"])
def test_what_uv_and_the_mac_leave_in_the_environment_is_in_nobodys_way(start, machine, name):
    prepare(start)
    files(start.environment_folder(), name)
    machine.imports = [True]
    assert prepare_again(start, machine, "test") == ["pip", "import"]
    (start.environment_folder() / start.STAMP).unlink()
    machine.usable, machine.imports = False, [True]
    assert prepare_again(start, machine, "test") == ["venv", "pip", "import"]


def files(folder, *names):
    """Write small files with these names below the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("results")


FOREIGN = {  # what lies where the environment should be: what is said of it
    "other files": (["thesis.txt"], "holds files that the course has not made"),
    "an environment": (["pyvenv.cfg", "bin/python", "lib/own.py"], "holds an environment that the course has not made"),
    "files beside ours": (["cnn_course_environment", "pyvenv.cfg", "notes/thesis.txt"], r"holds other files \(notes\)"),
    "files beside a finished one": (["cnn_course_ready", "pyvenv.cfg", "thesis.txt"], r"other files \(thesis.txt\)"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("default", [True, False], ids=["dot venv", "CNN_COURSE_VENV"])
@pytest.mark.parametrize("linked", [True, False], ids=["link", "folder"])
def test_what_is_not_ours_is_left_alone_and_named(start, machine, monkeypatch, tmp_path, kind, default, linked):
    names, sentence = FOREIGN[kind]
    if default:
        monkeypatch.delenv("CNN_COURSE_VENV")
    folder = start.environment_folder()
    real = tmp_path / "elsewhere" if linked else folder
    files(real, *names)
    if linked:
        folder.symlink_to(real, target_is_directory=True)
    before = sorted(real.rglob("*"))
    machine.usable = "python" in str(before)
    with pytest.raises(start.StartError, match="is a link to another place" if linked else sentence):
        prepare(start)
    assert sorted(real.rglob("*")) == before and machine.done == []


def test_a_file_in_the_place_of_the_folder(start, machine):
    start.environment_folder().write_text("results")
    with pytest.raises(start.StartError, match="is a file"):
        prepare(start)
    assert start.environment_folder().read_text() == "results" and machine.done == []


def test_a_start_that_was_interrupted_while_making_the_environment_goes_on(start, machine, monkeypatch):
    def interrupted(command):
        if "venv" in command:
            raise KeyboardInterrupt
        return machine(command)

    with monkeypatch.context() as patch:
        patch.setattr(start, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare(start)
    files(start.environment_folder(), "lib/half")
    machine.usable = False
    assert prepare_again(start, machine) == ["venv", "pip", "import"]
    assert not (start.environment_folder() / "lib/half").exists()


def test_the_default_folder_is_dot_venv_in_the_repository(start, monkeypatch):
    monkeypatch.delenv("CNN_COURSE_VENV")
    assert start.environment_folder() == start.ROOT / ".venv"


@pytest.mark.parametrize("lacking", ["venv", "ensurepip"])
def test_a_python_without_its_venv_module(start, machine, monkeypatch, lacking):
    find = importlib.util.find_spec
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None if name == lacking else find(name))
    with pytest.raises(start.StartError, match="apt install python3-venv"):
        prepare(start)


# The lines are what pip 22 to 26 prints.
FAILURES = {
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": "disk became full",
    "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'": "could not be written",
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\n"
    "ERROR: No matching distribution found for torch>=2.2": "package index was not reached",
    "ERROR: Could not find a version that satisfies the requirement torch>=2.2 (from versions: none)\n"
    "ERROR: No matching distribution found for torch>=2.2": "has no torch>=2.2 for Python",
    "error: metadata-generation-failed": "reason stands above",
    "WARNING: Retrying (Retry(total=4)) after connection broken by 'ProxyError('Cannot connect to proxy.', OSError("
    "'Tunnel connection failed: 407 Proxy Authentication Required'))'": "set HTTPS_PROXY to http://NAME:PASSWORD@HOST:PORT",
    "Could not fetch URL https://pypi.org/simple/torch/: There was a problem confirming the ssl certificate: "
    "HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded (Caused by SSLError(SSLCertVerificationError("
    "1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate')))": "set PIP_CERT to",
    "Traceback (most recent call last):\n  ...\nMemoryError": "for want of memory",
    "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: 'x'\n"
    "HINT: This error might have occurred since this system does not have Windows Long Path support enabled.":
        "too long for Windows",
}


@pytest.mark.parametrize("text, sentence", FAILURES.items())
def test_pip_failures_end_in_one_sentence(start, machine, capsys, text, sentence):
    machine.failure = text
    assert start.main([]) == 1
    printed = capsys.readouterr().err.strip()
    assert sentence in printed and "\n" not in printed


@pytest.mark.parametrize("status", [-9, -15, -11])
def test_a_killed_pip_is_told_from_a_failed_one(start, machine, monkeypatch, capsys, status):
    def run(command):
        return (status, "Collecting torch") if "pip" in command and "install" in command else machine(command)

    monkeypatch.setattr(start, "run", run)
    assert start.main([]) == 1
    printed = capsys.readouterr().err.strip()
    assert printed.startswith("The system ended the program while installing the packages") and "\n" not in printed
    assert not (start.environment_folder() / start.STAMP).exists()


@pytest.mark.parametrize("stamp", [b"\xff\xfe\x00lab", b"", bytes(range(256)), b"lab"])
def test_a_stamp_of_any_bytes_means_that_it_is_not_ready(start, machine, stamp):
    prepare(start)
    (start.environment_folder() / start.STAMP).write_bytes(stamp)
    machine.imports = [True]
    assert prepare_again(start, machine) == ["pip", "import"]
    assert prepare_again(start, machine) == []


@POSIX
@pytest.mark.parametrize("content, right", [(b"\x7fELF garbage", 0o755), (b"\x00" * 64, 0o755), (b"#!/bin/sh", 0o644)])
def test_a_garbage_python_in_a_finished_environment(start, machine, monkeypatch, capfd, content, right):
    prepare(start)
    python = start.python_in(start.environment_folder())
    python.write_bytes(content)
    python.chmod(right)
    monkeypatch.chdir(start.ROOT)
    assert start.main([]) == 1
    printed = capfd.readouterr().err.strip()
    assert re.fullmatch(r"\S+python cannot be started \([A-Z][\w ]+\): delete its environment, .*\.", printed)


def test_a_name_of_nobody_makes_no_folder(start, machine, monkeypatch, capsys):
    monkeypatch.setenv("CNN_COURSE_VENV", "~nosuchuser/env")
    monkeypatch.chdir(start.ROOT)
    assert start.main([]) == 1 and machine.done == []
    assert capsys.readouterr().err.strip() == (
        "CNN_COURSE_VENV begins with ~nosuchuser, and there is no such user here.")
    assert not list(start.ROOT.glob("~*"))


def test_a_file_that_cannot_be_used_is_named_in_a_sentence(start, machine, capsys):
    (start.ROOT / "requirements.txt").unlink()
    assert start.main([]) == 1
    printed = capsys.readouterr().err.strip()
    assert "requirements.txt cannot be used (No such file or directory): see to it" in printed and "\n" not in printed


def test_venv_hides_a_full_disk_so_it_is_asked(start, machine, monkeypatch):
    machine.failure = "Error: Command '[...]' returned non-zero exit status 1."
    monkeypatch.setattr(start.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(start.StartError, match="disk became full"):
        prepare(start)


def test_an_old_python_is_named_before_anything_is_made(start, machine, monkeypatch, capsys):
    pretend_version(start, monkeypatch, 3, 9)
    assert start.main(["test"]) == 1
    assert "needs Python 3.10 or newer; this is 3.9." in capsys.readouterr().err
    assert machine.done == [] and not start.environment_folder().exists()


def test_the_file_is_readable_for_old_pythons():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_it_runs_with_the_standard_library_alone():
    done = subprocess.run([sys.executable, "-I", "-S", str(SCRIPT), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "open the course in JupyterLab" in done.stdout


def test_an_unknown_command(start, machine, capsys):
    assert start.main(["tset"]) == 1
    assert "There is no command tset" in capsys.readouterr().err
    assert machine.done == []


def words_of(start, monkeypatch, *arguments):
    """The words that main hands over for the command line `arguments`."""
    handed = []
    monkeypatch.setattr(start, "hand_over", lambda words: handed.extend(words) or 7)
    assert start.main(list(arguments)) == 7
    return handed


def test_pytest_gets_the_other_arguments_and_nothing_else(start, machine, monkeypatch):
    python = str(start.python_in(start.environment_folder()))
    notebook = start.ROOT / "notebooks" / "05_pooling.ipynb"
    notebook.parent.mkdir()
    notebook.touch()
    assert words_of(start, monkeypatch, "test", "notebooks/05_pooling.ipynb", "-x") == [
        python, "-m", "pytest", "notebooks/05_pooling.ipynb", "-x"]
    machine.imports = [True]
    assert words_of(start, monkeypatch, "test", "-q") == [python, "-m", "pytest", *start.PARALLEL, "-q"]


@pytest.mark.parametrize("arguments", [("lab", "--no-browser"), ("--no-browser",)])
def test_jupyterlab_opens_the_first_notebook(start, machine, monkeypatch, arguments):
    monkeypatch.setattr(start.os, "geteuid", lambda: 1000, raising=False)
    words = words_of(start, monkeypatch, *arguments)
    assert words[1:3] == ["-m", "jupyterlab"] and words[-1] == "--no-browser"
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in words
    assert "--allow-root" not in words
    monkeypatch.setattr(start.os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in words_of(start, monkeypatch, *arguments)


def test_here_uses_this_python_and_installs_nothing(start, machine, monkeypatch):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: True)
    assert words_of(start, monkeypatch, "test", "--here", "-q") == [
        sys.executable, "-m", "pytest", *start.PARALLEL, "-q"]
    assert machine.done == []


def test_here_names_what_is_missing(start, machine, monkeypatch, capsys):
    absent = {"torch", "nbval"}
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None if name in absent else True)
    assert start.main(["test", "--here"]) == 1
    assert "lacks torch, nbval:" in capsys.readouterr().err
    with pytest.raises(start.StartError, match="lacks torch:"):
        start.check_here("lab")


def test_here_runs_without_the_book_and_says_so(start, monkeypatch, capsys):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None if name == "d2l" else True)
    start.check_here("test")
    assert capsys.readouterr().out == "d2l is not installed: what compares with the book's own functions is left out.\n"


def test_processes_side_by_side_take_one_thread_each(start, monkeypatch, tmp_path):
    question = "import os; raise SystemExit(int(os.environ.get('OMP_NUM_THREADS', 9)))"
    monkeypatch.setattr(start, "os", SimpleNamespace(name="nt", chdir=os.chdir, environ=os.environ))
    monkeypatch.chdir(start.ROOT)
    for given, threads in ((None, 1), ("3", 3)):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if given:
            monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert start.hand_over([sys.executable, "-c", question, start.PARALLEL[0]]) == threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert start.hand_over([sys.executable, "-c", question]) == 9


def test_windows_has_its_python_in_scripts(start, monkeypatch):
    folder = start.environment_folder()
    assert start.python_in(folder).parts[-2:] == ("bin", "python") or os.name == "nt"
    monkeypatch.setattr(start, "os", SimpleNamespace(name="nt"))
    assert start.python_in(folder).parts[-2:] == ("Scripts", "python.exe")


def test_without_execv_the_exit_status_passes_through(start, monkeypatch):
    monkeypatch.setattr(start, "os", SimpleNamespace(name="nt", chdir=os.chdir))
    monkeypatch.chdir(start.ROOT)
    assert start.hand_over([sys.executable, "-c", "raise SystemExit(5)"]) == 5


PYTHON = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in
    "-m pip install"*) if [ -e "{log}.full" ]; then echo "[Errno 28] No space left on device" >&2; exit 1; fi ;;
    "-m pytest"*) pwd; exit 5 ;;
esac
"""


@POSIX
def test_the_script_as_a_process(start, tmp_path):
    """The whole way, with a shell script for the environment's Python: repair, arguments, folder, exit status."""
    script = start.ROOT / "helpers" / "start.py"
    script.parent.mkdir()
    script.write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    log, python = tmp_path / "log", tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(log=log))
    python.chmod(0o755)
    start.mark(tmp_path / "env")

    def call():
        return subprocess.run([sys.executable, str(script), "test", "-k", "a b"], capture_output=True, text=True)

    log.with_name("log.full").touch()
    full = call()
    assert full.returncode == 1 and "The disk became full" in full.stderr and "Traceback" not in full.stderr
    log.with_name("log.full").unlink()
    for number in (1, 2):
        done = call()
        assert done.returncode == 5
        assert done.stdout.splitlines()[-1] == str(start.ROOT.resolve())
        assert sum("pip install" in line for line in log.read_text().splitlines()) == 2, f"start {number} installed"
    assert log.read_text().splitlines()[-1] == f"-m pytest {' '.join(start.PARALLEL)} -k a b"


@POSIX
def test_a_python_that_cannot_be_run_is_not_usable(start):
    python = start.python_in(start.environment_folder())
    python.parent.mkdir(parents=True)
    python.write_text("not a program")
    assert not start.is_usable(start.environment_folder())


def test_this_python_without_pip_or_of_another_version_is_not_usable(start, monkeypatch):
    monkeypatch.setattr(start, "python_in", lambda folder: Path(sys.executable))
    assert start.is_usable(start.environment_folder())
    pretend_version(start, monkeypatch, 3, 99)
    assert not start.is_usable(start.environment_folder())
