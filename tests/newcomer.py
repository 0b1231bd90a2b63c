"""What a newcomer does, from nothing: python3 tests/newcomer.py [NUMBER ...] [--here] [--jobs N] [--data digits]

Clones the repository into an empty folder, opens JupyterLab by the README's command (which makes the environment),
and runs every notebook in a fresh kernel: without any data, so on the embedded digits, and then with Fashion-MNIST
where CNN_COURSE_DATA names it. Prints a table of seconds; fails where a notebook does. All but the installation runs
without a network. --here takes this checkout and its environment; NUMBERs, as in 07 12, take some notebooks only;
--data takes one of the two data sets, or `none` of them: then only JupyterLab is opened.
The profile is that of CNN_COURSE_PROFILE, else what a newcomer gets.
"""
# Standard library only: it runs before there is an environment.

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAB = ["python3", "helpers/start.py", "lab", "--no-browser"]
INSTALLING = 30 * 60  # seconds at most until JupyterLab answers
# Nothing but this machine answers: whoever asks the network fails at once.
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
NO_NETWORK |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
os.environ["CNN_COURSE_PROGRESS"] = ""  # nobody's answers are noted here


def clone(folder: Path) -> Path:
    """Clone what is committed here into the folder; return the clone."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    return folder


def open_lab(repository: Path, *words: str) -> float:
    """Start JupyterLab by the README's command, wait until its first page answers, stop it; return the seconds.

    Raises RuntimeError with its last lines where it ends or does not answer.
    """
    start, lines = time.monotonic(), []
    server = subprocess.Popen([*LAB, *words], cwd=repository, text=True, errors="replace", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
    try:
        for line in server.stdout:
            lines.append(line)
            address = re.search(r"http://(?:localhost|127\.0\.0\.1):\d+/lab\S*", line)
            if address:
                wait_for_page(address[0])
                return time.monotonic() - start
            if time.monotonic() - start > INSTALLING:
                break
        raise RuntimeError("JupyterLab did not answer:\n" + "".join(lines[-30:]))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def wait_for_page(address: str) -> None:
    """Return once JupyterLab's page comes; the server tells its address a moment before it listens there."""
    for attempt in range(60):
        try:
            with urllib.request.urlopen(address, timeout=60) as page:
                assert page.status == 200 and b"jupyter" in page.read().lower()
            return
        except urllib.error.URLError:
            if attempt == 59:
                raise
            time.sleep(1)


def run_notebooks(repository: Path, paths: list[Path], settings: dict, jobs: int):
    """Run notebooks in fresh kernels, `jobs` at a time; yield (path, seconds, why it failed or "") as each ends.

    Raises RuntimeError, with what was said last, where the process that runs them ends before all of them have.
    """
    told = []
    environment = Path(os.environ.get("CNN_COURSE_VENV") or repository / ".venv")
    command = [environment / "bin" / "python", ROOT / "tests" / "run_notebooks.py", str(jobs), *map(str, paths)]
    with subprocess.Popen(command, cwd=repository, env={**os.environ, **NO_NETWORK, **settings}, text=True,
                          errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as running:  # fmt: skip
        for line in running.stdout:
            if line.startswith('["'):
                path, seconds, why = json.loads(line)
                yield Path(path), seconds, why
            else:  # a kernel's own words
                told.append(line)
    if running.returncode:
        raise RuntimeError("the notebooks were not run to their end:\n" + "".join(told[-30:]))


def data_sets() -> dict[str, dict]:
    """Return the settings under which the notebooks run, by the name of the data."""
    found = {"digits": {"CNN_COURSE_DATA": str(ROOT / "nothing"), "CNN_COURSE_OFFLINE": "1"}}
    if os.environ.get("CNN_COURSE_DATA"):
        found["Fashion-MNIST"] = {"CNN_COURSE_OFFLINE": "1"}
    return found


def check(repository: Path, numbers: list[str], jobs: int, only: str | None = None) -> int:
    """Do it all in the repository, on all data sets or `only` one; print the table, return how many runs failed."""
    print(f"`{' '.join(LAB)}`: JupyterLab answers after {open_lab(repository):.0f} s", flush=True)
    paths = [path for path in sorted((repository / "notebooks").glob("*.ipynb"))
             if not numbers or path.name[:2] in numbers]  # fmt: skip
    table = {path: [] for path in paths}
    chosen = {name: settings for name, settings in data_sets().items() if only in (None, name)}
    failures = 0
    for settings in chosen.values():
        # The clone has no data folder, so nothing but CNN_COURSE_DATA decides what a notebook trains on.
        for path, seconds, why in run_notebooks(repository, paths, settings, jobs):
            table[path].append(f"{seconds:.0f}" + (" failed" if why else ""))
            failures += bool(why)
            if why:
                print(f"{path.name} failed:\n{why[-3000:]}", flush=True)
    if not chosen:
        return failures
    profile = os.environ.get("CNN_COURSE_PROFILE", "default")
    print(f"\nSeconds per notebook, start of the kernel included; profile {profile}, {jobs} at a time:\n")
    print("| notebook |", " | ".join(chosen), "|\n|---|" + "---:|" * len(chosen))
    for path, seconds in table.items():
        print(f"| {path.stem} |", " | ".join(seconds), "|")
    return failures


def main() -> int:
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", metavar="NUMBER")
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time (1)")
    parser.add_argument("--data", choices=["digits", "Fashion-MNIST", "none"], help="one data set (all there are)")
    options = parser.parse_args()
    if options.here:
        failures = check(ROOT, options.numbers, options.jobs, options.data)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            failures = check(clone(Path(scratch, "course")), options.numbers, options.jobs, options.data)
    print(f"\n{failures} of the runs failed" if failures else "\nEvery notebook ran to its end.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
