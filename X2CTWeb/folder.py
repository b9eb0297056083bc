"""The session's private folder: what is uploaded and reconstructed lives there, and goes with it."""

import tempfile
from pathlib import Path


class SessionFolder:
    """A folder that nobody else can read, deleted by `close` or, at the latest, when Python ends."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="x2ct-app-", ignore_cleanup_errors=True)

    def new(self, purpose: str) -> Path:
        """A new, empty folder in it."""
        return Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=self._folder.name))

    def close(self) -> None:
        """Delete all of it."""
        self._folder.cleanup()
