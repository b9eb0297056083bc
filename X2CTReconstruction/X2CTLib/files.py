"""Results that are written whole or not at all, and the checksum that says so."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from X2CTLib.errors import InputError

_PATIENCE_S = 0.5


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A scratch folder beside `folder`, whose files move there when the block ends well and vanish when it does not.

    Raises:
        InputError: The folder cannot be written to.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"Cannot write to {folder.parent}: {error.strerror}. Choose another output folder.") from error
    try:
        yield scratch
        scratch.chmod(0o755)
        files = {file: folder / file.relative_to(scratch) for file in sorted(scratch.rglob("*"))}
        for file, target in files.items():
            # Before the first one moves, so that all of them do.
            if target.exists() and target.is_dir() != file.is_dir():
                raise InputError(f"{target} is in the way. Choose another output folder.")
        for file, target in files.items():
            if file.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}. Choose another output folder.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A scratch file beside `path` to write to, which takes its place when the block ends well.

    A reader finds the old file or the new one, and a machine that stops at any moment leaves one of both.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        _replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _replace(partial: Path, path: Path) -> None:
    """Move a file to the place of another. Windows refuses while somebody reads that one, which does not take long."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            os.replace(partial, path)
            return
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def sha256(path: Path) -> str:
    """The checksum of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
