"""What the browser sends, as files in the session's folder."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from trame.app.file_upload import ClientFile

from X2CTLib.errors import InputError
from X2CTWeb.folder import SessionFolder
from X2CTWeb.state import LARGEST_UPLOAD


def keep(folder: SessionFolder, files: Sequence[dict], paths: Sequence[str]) -> list[Path]:
    """Write what the browser has sent into a folder of its own.

    Args:
        folder: The session's.
        files: As trame's client describes them; without content if they were too large to be sent.
        paths: Where each lay below what the user has chosen, "/" between the parts.

    Returns:
        What the user has chosen: files and folders.

    Raises:
        InputError: They are too large, or there is nothing in them.
    """
    uploads = [ClientFile(file) for file in files]
    if sum(upload.size for upload in uploads) > LARGEST_UPLOAD:
        raise InputError(
            f"{_named(uploads)} {'is' if len(uploads) == 1 else 'are'} larger than {LARGEST_UPLOAD >> 20} MB. "
            "Choose less at once."
        )
    if not any(upload.content for upload in uploads):
        raise InputError(f"{_named(uploads)} {'is' if len(uploads) == 1 else 'are'} empty. Choose something else.")
    root = folder.new("upload")
    chosen = {}
    for upload, path in zip(uploads, paths, strict=True):
        parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
        target = root.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(upload.content or b"")
        chosen[root / parts[0]] = None
    return list(chosen)


def _named(uploads: Sequence[ClientFile]) -> str:
    return uploads[0].name if len(uploads) == 1 else "These files together" if uploads else "What you have chosen"
