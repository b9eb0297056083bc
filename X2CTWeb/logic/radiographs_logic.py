"""The radiographs: where their files are, what is said of them, whether they can be reconstructed."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trame.app.file_upload import ClientFile
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.errors import InputError, X2CTError
from X2CTLib.geometry import View
from X2CTLib.radiograph import Radiograph, check_views, read_radiograph
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.pictures import data_url
from X2CTWeb.state import LARGEST_UPLOAD, AppState, RadiographState


class RadiographsLogic:
    """Reads what the user chooses.

    A radiograph that cannot be read changes nothing. `changed` is emitted when the pair has become another one.

    Args:
        typed_state: The page's.
        folder: For what is uploaded.
        sample: Files of the sample case.
        needed: The views that the model reads.
    """

    changed = Signal()

    def __init__(
        self,
        typed_state: TypedState[AppState],
        folder: SessionFolder,
        sample: dict[View, Path],
        needed: Sequence[View],
    ) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._folder = folder
        self._sample = sample
        self._needed = needed
        self._data.input.wanted = f"Choose the {' and the '.join(view.label for view in needed)} radiograph"
        self._pair: dict[View, tuple[Path, Radiograph]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def files(self) -> dict[View, Path]:
        """The files on the page."""
        return {view: path for view, (path, _) in self._pair.items()}

    async def load_sample(self) -> None:
        """Take the sample case."""
        async with self._one_at_a_time:
            with self._telling():
                self._pair = await self._read(self._sample)

    async def swap(self) -> None:
        """The lateral is the PA and the other way round."""
        async with self._one_at_a_time:
            with self._telling():
                files = self.files
                self._pair = await self._read({View.PA: files[View.LATERAL], View.LATERAL: files[View.PA]})

    async def upload_pa(self, file: dict) -> None:
        """Take a file that the browser sends, as trame's client describes it, for the PA radiograph."""
        await self._upload(View.PA, file)

    async def upload_lateral(self, file: dict) -> None:
        """The same for the lateral radiograph."""
        await self._upload(View.LATERAL, file)

    async def _upload(self, view: View, file: dict) -> None:
        async with self._one_at_a_time:
            with self._telling():
                read = await self._read({view: self._keep(ClientFile(file))})
                # The sample is another patient: what is left of it goes when the user's own first radiograph comes.
                own = {v: pair for v, pair in self._pair.items() if pair[0] not in self._sample.values()}
                self._pair = {**own, **read}

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say that files are being read, and then what has come of it."""
        self._data.input.reading = True
        self._state.flush()
        before = self._pair
        try:
            yield
        except X2CTError as error:
            self._data.error = str(error)
        else:
            self._data.error = ""
        finally:
            self._data.input.reading = False
        if self._pair is not before:
            self._show()
            self.changed()

    def _keep(self, upload: ClientFile) -> Path:
        if upload.size > LARGEST_UPLOAD or len(upload.content or b"") > LARGEST_UPLOAD:
            raise InputError(f"{upload.name} is larger than {LARGEST_UPLOAD >> 20} MB. Choose a single radiograph.")
        if not upload.content:
            raise InputError(f"{upload.name} is empty. Choose another file.")
        path = self._folder.new("upload") / Path(upload.name).name
        path.write_bytes(upload.content)
        return path

    async def _read(self, paths: dict[View, Path]) -> dict[View, tuple[Path, Radiograph]]:
        loop = asyncio.get_running_loop()
        return {v: (path, await loop.run_in_executor(None, read_radiograph, path, v)) for v, path in paths.items()}

    def _show(self) -> None:
        shown = self._data.input
        shown.pa = self._described(View.PA)
        shown.lateral = self._described(View.LATERAL)
        shown.shown = "taken"
        shown.notes, shown.problem = [], ""
        try:
            shown.notes = check_views({view: radiograph for view, (_, radiograph) in self._pair.items()})
        except InputError as error:
            shown.problem = str(error)
        shown.ready = self._pair.keys() >= set(self._needed) and not shown.problem

    def _described(self, view: View) -> RadiographState:
        if view not in self._pair:
            return RadiographState()
        path, radiograph = self._pair[view]
        rows, columns = radiograph.pixels.shape
        details = f"{columns} × {rows} pixels"
        if radiograph.pixel_mm:
            details += f", {radiograph.pixel_mm:.3g} mm"
        unused = [] if view in self._needed else ["Not used: the model reads the other view only."]
        return RadiographState(
            name=path.name,
            details=details,
            notes=[*unused, *(_without_name(note, path.name) for note in radiograph.notes)],
            picture=data_url(radiograph.pixels),
            oriented=radiograph.oriented,
        )


def _without_name(note: str, name: str) -> str:
    """A note as it stands below the file's name."""
    note = note.removeprefix(f"{name}: ")
    return note[:1].upper() + note[1:]
