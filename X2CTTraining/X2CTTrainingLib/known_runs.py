"""Which folders hold runs, wherever they are: a small file in the user's home for each run that was begun.

So the module lists what the command line trains. Several processes may add to it at once.
"""

import contextlib
import hashlib
from pathlib import Path

from X2CTLib.files import replace_file
from X2CTTrainingLib.run_folder import is_run


def known_runs_folder() -> Path:
    """Where the files are."""
    return Path.home() / "X2CTGAN" / "known_runs"


def remember(folder: Path) -> None:
    """Let the folder of a run be found; a home that cannot be written to keeps nobody from training."""
    path = str(folder.absolute())
    with contextlib.suppress(OSError), replace_file(_file(path)) as partial:
        partial.write_text(path, encoding="utf-8")


def known_runs() -> list[Path]:
    """The folders of all runs that are still there; the others are forgotten."""
    folders = []
    for file in sorted(known_runs_folder().glob("*.txt")):
        folder = Path(file.read_text(encoding="utf-8"))
        if is_run(folder):
            folders.append(folder)
        else:
            file.unlink(missing_ok=True)
    return folders


def _file(path: str) -> Path:
    return known_runs_folder() / f"{hashlib.sha256(path.encode()).hexdigest()[:16]}.txt"
