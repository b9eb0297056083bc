"""What the user takes away: the study as it is now, in files."""

import shutil
from pathlib import Path

from trame_server import Server
from trame_server.utils.typed_state import TypedState

from X2CTLib.request import Request
from X2CTReconstructionLib.export import KINDS
from X2CTReconstructionLib.study import save_scene
from X2CTWeb.export_process import export
from X2CTWeb.folder import SessionFolder
from X2CTWeb.state import AppState

EVERYTHING = "everything.zip"
FILES = {
    **{f"{name}.zip" if kind == "dicom" else name: [kind] for kind, name in KINDS.items()},
    EVERYTHING: list(KINDS),
}
"""The kinds of `X2CTReconstructionLib.export.KINDS` that are in each file that the page offers."""


class KeepLogic:
    """Writes the files of one study when they are wanted.

    Args:
        server: Hands them over.
        typed_state: The page's.
        folder: For what is on its way.
        scene: Holds the study, and no other; a CT that was projected may lie there, too.
    """

    def __init__(self, server: Server, typed_state: TypedState[AppState], folder: SessionFolder, scene) -> None:
        self._server = server
        self._data = typed_state.data
        self._folder = folder
        self._scene = scene
        self._request: Request | None = None

    def offer(self, request: Request) -> None:
        """Another study is in the scene; this led to it."""
        self._request = request

    async def file(self, name: str):
        """One of `FILES` as an attachment; None if it cannot be written."""
        self._data.result.writing = name
        self._server.state.flush()
        folder = self._folder.new("keep")
        try:
            save_scene(self._scene, folder / "app.mrb")
            problem = await export(folder / "app.mrb", folder / "files", self._request, FILES[name])
            if problem:
                self._data.error = f"{name} could not be written. {problem}"
                return None
            return self._server.protocol.addAttachment(_content(folder, name))
        finally:
            self._data.result.writing = ""
            shutil.rmtree(folder)


def _content(folder: Path, name: str) -> bytes:
    files = folder / "files"
    if not name.endswith(".zip"):
        return (files / name).read_bytes()
    whole = files if name == EVERYTHING else files / name.removesuffix(".zip")
    return Path(shutil.make_archive(str(folder / "archive"), "zip", whole)).read_bytes()
