"""Make the course's environment and start the course, or its tests, in it.

    python3 helpers/start.py                          open the course in JupyterLab
    python3 helpers/start.py test                     run every test
    python3 helpers/start.py update                   bring the course up to date and keep your answers
    python3 helpers/start.py site                     build the web edition in build/site
    python3 helpers/start.py lab --no-browser         what follows `lab` goes to JupyterLab
    python3 helpers/start.py test tests/test_ops.py   what follows `test` goes to pytest
    python3 helpers/start.py site public              the web edition in another folder

Needs Python 3.10 or newer and nothing else. The environment is .venv in the repository, or the folder named
by CNN_COURSE_VENV; uv fills it where it is there, with the versions of requirements.lock, else pip. With --cpu a
new environment gets PyTorch without CUDA (on Linux 0.2 GB in place of 3), from PyTorch's index for CPUs or the mirror
of it that CNN_COURSE_CPU_INDEX names. With --here it is the Python that runs this file, as it is: nothing is installed.
What only the tests need is installed by `test` alone, what makes the web edition by `site` and by `test`; all tests run
side by side, one process a core and file by file (-n0 after `test`: one after the other).
"""
# Standard library only, and syntax that Python 3.6 reads: an old Python must get as far as the message for it.
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAMP = "cnn_course_ready"  # written last: the installation is finished
MARK = "cnn_course_environment"  # written first: the folder was made by this script, which may clear it
# What the top of an environment holds, with uv's lock and the Mac's list of icons. A folder with anything else in it is
# never cleared.
OWN = {MARK, STAMP, "bin", "etc", "include", "lib", "lib64", "man", "share", "pyvenv.cfg", ".gitignore", "CACHEDIR.TAG",
       "Scripts", "Lib", "Include", "Share", ".lock", ".DS_Store"}  # fmt: skip
MODULES = ["torch", "torchvision", "jupyterlab", "ipywidgets", "anywidget", "sklearn", "PIL", "platformdirs",
           "resvg_py"]
SITE_MODULES = ["sphinx", "myst_nb", "sphinx_book_theme"]
TEST_MODULES = ["nbval", "pytest", "pytest_timeout", "xdist", "hypothesis", "playwright"]
EXTRAS = {"lab": "", "site": "[site]", "test": "[site,test]"}  # each command needs all that those before it need
LOCK = "requirements.lock"  # the versions with which the tests ran, for every system and Python
BOOK = "d2l"  # the book's own functions: where they are missing, what compares with them is left out
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # PyTorch without CUDA, and what it needs
PYTORCH = ["torch", "torchvision"]
PARALLEL = ["--numprocesses=logical", "--maxprocesses=8"]


class StartError(Exception):
    """What went wrong and what to do, in one sentence for the reader."""


def environment_folder() -> Path:
    """The folder of the environment: CNN_COURSE_VENV, or else .venv in the repository."""
    named = os.environ.get("CNN_COURSE_VENV")
    if named and os.path.expanduser(named).startswith("~"):
        raise StartError(f"CNN_COURSE_VENV begins with {named.split(os.sep)[0]}, and there is no such user here.")
    return Path(os.path.abspath(os.path.expanduser(named))) if named else ROOT / ".venv"  # a link is not followed


def python_in(folder: Path) -> Path:
    """The Python of the environment in `folder`."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def fingerprint() -> str:
    """A hash of what decides the environment's content: lists of packages, Python, the repository's place."""
    parts = [(ROOT / name).read_bytes() for name in ("requirements.txt", "pyproject.toml", LOCK)]
    parts += [str(sys.version_info[:2]).encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def modules_for(command: str) -> list:
    """The modules that a command needs: those of the course and its own."""
    return MODULES + {"lab": [], "site": SITE_MODULES, "test": SITE_MODULES + TEST_MODULES}[command]


def is_ready(folder: Path, command: str) -> bool:
    """Whether `folder` holds a finished installation of what `command` needs now."""
    stamp = folder / STAMP
    if not (python_in(folder).exists() and stamp.exists()):
        return False
    made_for, _, print_of_lists = stamp.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    order = list(EXTRAS)
    enough = made_for in order and order.index(made_for) >= order.index(command)
    return enough and print_of_lists == fingerprint()


def run(command: list) -> tuple:
    """Run a command in the repository, showing what it says; return (exit status, its error text)."""
    lines = []
    try:
        process = subprocess.Popen([str(word) for word in command], cwd=str(ROOT), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, universal_newlines=True, errors="replace")
    except OSError as error:
        return 126, str(error)
    for line in process.stderr:
        sys.stderr.write(line)
        lines.append(line)
    return process.wait(), "".join(lines)


def is_usable(folder: Path) -> bool:
    """Whether the environment's Python starts, has pip, and is of the version that runs this file."""
    question = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    return run([python_in(folder), "-I", "-c", question])[0] == 0


def check_ours(folder: Path) -> None:
    """Raise StartError unless the folder is missing, empty, or one that this script has made and nobody added to."""
    todo = "name a new folder in CNN_COURSE_VENV, or leave it as it is and use --here with its Python"
    if folder.is_symlink():
        raise StartError(f"{folder} is a link to another place, where nothing may be changed: {todo}.")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StartError(f"{folder} is a file: {todo}.")
    names = {path.name for path in folder.iterdir()}
    if names and not names & {MARK, STAMP}:
        kind = "an environment" if "pyvenv.cfg" in names else "files"
        raise StartError(f"{folder} holds {kind} that the course has not made: {todo}.")
    if names - OWN:
        raise StartError(f"{folder} holds other files ({', '.join(sorted(names - OWN)[:3])}): move them, or {todo}.")


def mark(folder: Path) -> None:
    """Say in the folder that it is this script's own."""
    (folder / MARK).write_text("helpers/start.py has made this folder and may clear it.\n", encoding="utf-8")


def make_environment(folder: Path) -> None:
    """Make an empty environment in `folder`, in the place of a broken one.

    Raises StartError where venv is incomplete, or where the folder is not this script's own.
    """
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise StartError("This Python lacks its venv module: install it (Debian: sudo apt install python3-venv).")
    check_ours(folder)
    for path in folder.iterdir() if folder.exists() else ():
        if path.name != MARK:
            shutil.rmtree(str(path)) if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    mark(folder)
    status, text = run([getattr(sys, "_base_executable", None) or sys.executable, "-m", "venv", folder])
    if status:
        raise StartError(explain(text, "making the environment", folder, status))


def install(folder: Path, command: str, cpu: bool = False) -> None:
    """Install the course, and what the command needs besides, by uv where it is there and succeeds, else by pip.

    uv takes the versions of the lock; where they cannot be had, pip takes what the ranges allow. With `cpu` PyTorch
    comes first, out of its index for CPUs alone: where that fails, the build with CUDA does not step in. Raises
    StartError where pip fails.
    """
    wanted = ["-r", "requirements.txt"] + (["-e", "." + EXTRAS[command]] if EXTRAS[command] else [])
    uv, index = shutil.which("uv"), os.environ.get("PIP_INDEX_URL")
    cpu_index = os.environ.get("CNN_COURSE_CPU_INDEX") or CPU_INDEX
    if uv:
        begin = [uv, "pip", "install", "--python", python_in(folder), "-c", LOCK]
        steps = [["--default-index", cpu_index, "--no-deps"] + PYTORCH] if cpu else []  # the lock has what they need
        steps.append((["--default-index", index] if index else []) + wanted)
        if all(run(begin + step)[0] == 0 for step in steps):
            return
        print("uv did not succeed; pip tries now.", flush=True)
    begin = [python_in(folder), "-m", "pip", "install", "--disable-pip-version-check"]
    for step in ([["--index-url", cpu_index] + PYTORCH] if cpu else []) + [wanted]:
        status, text = run(begin + step)
        if status:
            raise StartError(explain(text, "installing the packages", folder, status))


def explain(text: str, doing: str, folder: Path, status: int = 1) -> str:
    """The sentence for the reader that goes with the error text and exit status of venv or pip, filling `folder`."""
    full = folder.exists() and shutil.disk_usage(str(folder)).free < 10e6  # venv does not tell
    if full or re.search(r"No space left|Errno 28|WinError 112|quota exceeded", text, re.I):
        return f"The disk became full while {doing}: make room (up to 7 GB) and start again."
    if re.search(r"Permission denied|Errno 13|Read-only file system|WinError 5\b", text, re.I):
        return f"A folder could not be written while {doing}: name another one in CNN_COURSE_VENV."
    if status < 0 or re.search(r"^MemoryError", text, re.M):  # a signal; mostly the system's, for want of memory
        return f"The system ended the program while {doing}, most often for want of memory: close others, start again."
    if re.search(r"\b407\b|Proxy Authentication Required", text):
        return (f"The proxy asked for a name and a password while {doing}: set HTTPS_PROXY to "
                "http://NAME:PASSWORD@HOST:PORT and start again.")
    if re.search(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLCertVerificationError", text):
        return (f"The package index's certificate was not trusted while {doing}: look at the clock, or set PIP_CERT to "
                "the certificate file of your network, and start again.")
    if re.search(r"ConnectionError|Connection broken|Connect ?Timeout|Read ?Timeout|Read timed out|ProxyError|SSLError|"
                 r"Max retries|name resolution|NameResolution|unreachable", text, re.I):
        return f"The package index was not reached while {doing}: check the network and start again."
    if re.search(r"Long Path", text):
        return (f"A path became too long for Windows while {doing}: name a short folder, such as C:\\\\cnn, in "
                "CNN_COURSE_VENV, or switch long paths on.")
    if re.search(r"No matching distribution found for torch", text) and no_torch():
        return no_torch()
    unknown = re.search(r"No matching distribution found for (\S+)", text)
    if unknown:
        return "The package index has no {} for Python {}.{} here: try another one from 3.10 on.".format(
            unknown.group(1), *sys.version_info)
    return f"Something failed while {doing}; the reason stands above."


def no_torch() -> str:
    """Why PyTorch has no packages for this machine, and what to do; "" where it has."""
    system, machine = platform.system(), platform.machine().lower()
    if system == "Darwin" and machine == "x86_64":
        return "PyTorch has no new packages for Macs with an Intel processor: open the course in a hosted kernel."
    if system == "Windows" and machine == "arm64":
        return "PyTorch's packages for Windows are for x64: install the x64 Python, which runs on ARM as well."
    if system == "Linux" and "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""):
        return "PyTorch's packages need glibc, and this system has musl: use Debian or Ubuntu, perhaps in a container."
    return ""


def imports_all(folder: Path, command: str) -> bool:
    """Whether all that a command needs imports in the environment.

    Asked under -I: the repository must be installed, not merely near.
    """
    check = """import {}
import importlib.util
assert importlib.util.find_spec("helpers"), "helpers is not installed"
""".format(", ".join([*modules_for(command), BOOK]))
    return run([python_in(folder), "-I", "-c", check])[0] == 0


def prepare(folder: Path, command: str, cpu: bool = False) -> Path:
    """Bring the environment to what the command needs and return its Python.

    A finished one is taken as it is. Any other is installed over and tried; one that still does not import is
    made anew. The stamp is written last, so that an interrupted start is never taken for a finished one.
    """
    if is_ready(folder, command):
        return python_in(folder)
    check_ours(folder)
    print(f"Preparing the environment in {folder}: once, some minutes and up to {2 if cpu else 7} GB.", flush=True)
    stamp = folder / STAMP
    for anew in [False, True] if is_usable(folder) else [True]:
        if stamp.exists():
            mark(folder)  # an environment of the course's first version has the stamp alone
            stamp.unlink()
        if anew:
            make_environment(folder)
        install(folder, command, cpu)
        if imports_all(folder, command):
            stamp.write_text(f"{command} {fingerprint()}\n", encoding="utf-8")
            return python_in(folder)
    raise StartError(f"All is installed in {folder} but does not import; the reason stands above.")


def check_here(command: str) -> None:
    """Raise StartError, with their names, if the Python running this file lacks modules that the command needs.

    The book's functions may be missing; a line says so.
    """
    missing = [name for name in [*modules_for(command), "helpers"] if importlib.util.find_spec(name) is None]
    if missing:
        raise StartError(f"This Python lacks {', '.join(missing)}: install what is missing or leave out --here.")
    if importlib.util.find_spec(BOOK) is None:
        print(f"{BOOK} is not installed: what compares with the book's own functions is left out.", flush=True)


def command_line(python: Path, command: str, extra: list) -> list:
    """The words that start JupyterLab at the first notebook, pytest or the site's builder, with the caller's own."""
    if command == "test":
        # Files named by the caller run in one process, as a few of them do soonest.
        named = any((ROOT / word.split("::")[0]).exists() for word in extra if not word.startswith("-"))
        return [str(python), "-m", "pytest"] + ([] if named else PARALLEL) + extra
    if command == "site":
        return [str(python), "-m", "helpers.site"] + extra
    words = [str(python), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    words.append("--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # JupyterLab refuses to run as root without a word
        words.append("--allow-root")
    return words + extra


def hand_over(words: list) -> int:
    """Run the command in the repository in this process's place: its exit status becomes ours."""
    os.chdir(str(ROOT))
    if PARALLEL[0] in words:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores
    try:
        if os.name != "nt":
            os.execv(words[0], words)
        process = subprocess.Popen(words)
    except OSError as error:
        raise StartError(f"{words[0]} cannot be started ({error.strerror}): delete its environment, the next start "
                         "makes a new one, or name another folder in CNN_COURSE_VENV.") from error
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the child as well, which decides what it means
            continue


def main(words: list) -> int:
    """Do what the command line asks; return the exit status."""
    here, cpu = "--here" in words, "--cpu" in words
    words = [word for word in words if word not in ("--here", "--cpu")]
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    command = words.pop(0) if words and not words[0].startswith("-") else "lab"
    try:
        if sys.version_info[:2] < (3, 10):  # noqa: UP036 - read by older ones too, see the top
            raise StartError("The course needs Python 3.10 or newer; this is {}.{}.".format(*sys.version_info))
        if command not in [*EXTRAS, "update"]:
            raise StartError(f"There is no command {command}: use {', '.join(EXTRAS)} or update.")
        if command == "update":  # needs no environment
            return hand_over([sys.executable, str(Path(__file__).with_name("update.py"))] + words)
        if here:
            check_here(command)
        python = Path(sys.executable) if here else prepare(environment_folder(), command, cpu)
        return hand_over(command_line(python, command, words))
    except StartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{error.filename or 'A file'} cannot be used ({error.strerror or error}): see to it, or name a new "
              "folder in CNN_COURSE_VENV.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
