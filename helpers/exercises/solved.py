"""What a learner has solved: one small JSON file in the learner's own folder. Nothing of it leaves the machine."""

import datetime
import json
import os
from pathlib import Path

from helpers.place import written_whole

FORMAT = 1  # of the file: {"cnn-course progress": 1, "solved": {exercise: the moment when it was first right}}
HEAD = "cnn-course progress"


def progress_file() -> Path | None:
    """Return the file's place, which may not exist yet: CNN_COURSE_PROGRESS, or the user's data folder.

    None where CNN_COURSE_PROGRESS is set and empty: then nothing is noted. ValueError where it names no user of this
    machine.
    """
    named = os.environ.get("CNN_COURSE_PROGRESS")
    if named is None:
        import platformdirs  # a GPU's machine may lack it, and asks for no file

        return platformdirs.user_data_path("cnn-course", appauthor=False) / "progress.json"
    path = os.path.expanduser(named)
    if path.startswith("~"):
        raise ValueError(f"CNN_COURSE_PROGRESS begins with {named.split(os.sep)[0]}, and there is no such user here")
    return Path(path) if path else None


def read_solved(path: str | Path | None = None) -> dict[str, str]:
    """Return {exercise: moment} from a progress file, by default one's own; {} where there is none.

    Raises ValueError, with a sentence, where the file cannot be read or is no progress file.
    """
    path = progress_file() if path is None else Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig") if path else None  # an editor may have put a mark at its beginning
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    return {} if text is None else _solved_in(text, path)


def _solved_in(text, path):
    try:
        content = json.loads(text)
        version, solved = content[HEAD], content["solved"]
        if not all(isinstance(part, str) for entry in solved.items() for part in entry):
            raise ValueError
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is no progress file of the course: move it away, and a new one is begun") from error
    if version != FORMAT:
        raise ValueError(f"{path} was written by another version of the course: bring this one up to date")
    return solved


def note_solved(id: str) -> str:
    """Note that an exercise was solved now; return why it could not be noted, "" where it was or had been."""
    try:
        path = progress_file()
        solved = read_solved(path) if path else {}
        if path and id not in solved:
            now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
            content = {HEAD: FORMAT, "solved": dict(sorted({**solved, id: now}.items()))}
            with written_whole(path) as part:
                part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    except (ValueError, OSError) as error:
        reason = f"{path} cannot be written ({error.strerror})" if isinstance(error, OSError) else error
        return f"This was not noted for progress(): {reason}."
    return ""
