"""The radiographs: where their files are, what is said of them, whether they can be reconstructed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError, X2CTError
from X2CTLib.geometry import View
from X2CTLib.pairing import Pair, find_pairs
from X2CTLib.radiograph import Radiograph, find_objections, find_warnings, overridden, read_radiograph
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.pictures import grey_url, reduced
from X2CTWeb.logic.uploads import keep
from X2CTWeb.state import AppState, ChoiceState, CorrectionState, RadiographState

T = TypeVar("T")
_OTHER = {View.PA: View.LATERAL, View.LATERAL: View.PA}


@dataclass(frozen=True)
class _Given:
    """A radiograph that was given.

    Attributes:
        path: Its file.
        radiograph: As it was read.
        picture: The same as the page shows it.
    """

    path: Path
    radiograph: Radiograph
    picture: Float[np.ndarray, "r c"]


class RadiographsLogic:
    """Reads what the user chooses, and sets it right as the user wants.

    A radiograph that cannot be read changes nothing. `changed` is emitted when the radiographs have become others,
    `corrected` when they are the same but are used in another way.

    Args:
        typed_state: The page's.
        folder: For what is uploaded.
        sample: Files of the sample case.
    """

    changed = Signal()
    corrected = Signal()

    def __init__(self, typed_state: TypedState[AppState], folder: SessionFolder, sample: dict[View, Path]) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._folder = folder
        self._sample = Pair("sample", {view.name: path for view, path in sample.items()})
        self._needed: list[View] = []
        self._pairs: list[Pair] = []
        self._pair = 0
        self._given: dict[View, _Given] = {}
        self._corrections: dict[View, Correction] = {}
        self._one_at_a_time = asyncio.Lock()
        names = typed_state.name.input
        for view, name in ((View.PA, names.pa), (View.LATERAL, names.lateral)):
            typed_state.bind_changes({name.correction: lambda _, view=view: self._on_correction(view)})

    @property
    def files(self) -> dict[View, Path]:
        """The files on the page."""
        return {view: given.path for view, given in self._given.items()}

    @property
    def corrections(self) -> dict[View, Correction]:
        """What the user has set right."""
        return {view: correction for view, correction in self._corrections.items() if correction != Correction()}

    def need(self, views: Iterable[View]) -> None:
        """Tell what the model reads."""
        self._needed = list(views)
        self._data.input.wanted = f"Choose the {' and the '.join(view.label for view in self._needed)} radiograph"
        self._show()

    async def load_sample(self) -> None:
        """Take the sample case."""
        await self.take_pair(self._sample)

    async def take_pair(self, pair: Pair) -> None:
        """Take a pair that is on this computer already."""
        async with self._telling():
            await self._take_pairs([pair])

    async def take(self, files: list[dict], paths: list[str]) -> None:
        """Take what the browser sends, files and folders, and find the pairs in it; see `uploads.keep`."""
        async with self._telling():
            chosen = keep(self._folder, files, paths)
            await self._take_pairs(await _aside(find_pairs, chosen))

    async def choose_pair(self, index: int) -> None:
        """Take another one of the pairs that were found."""
        async with self._telling():
            await self._take_pairs(self._pairs, index)

    async def take_pa(self, files: list[dict], paths: list[str]) -> None:
        """Take a file that the browser sends for the PA radiograph."""
        await self._take_one(View.PA, files, paths)

    async def take_lateral(self, files: list[dict], paths: list[str]) -> None:
        """The same for the lateral radiograph."""
        await self._take_one(View.LATERAL, files, paths)

    async def swap(self) -> None:
        """The lateral is the PA and the other way round; what was set right in them goes along."""
        async with self._telling():
            corrections = {_OTHER[view]: correction for view, correction in self._corrections.items()}
            self._given = await self._read({_OTHER[view]: path for view, path in self.files.items()})
            self._corrections = corrections

    def override(self) -> None:
        """Go on, whatever speaks against the radiographs."""
        self._data.input.overridden = True
        self._show_pair()

    async def _take_pairs(self, pairs: list[Pair], index: int = 0) -> None:
        files = pairs[index].files
        self._given = await self._read({view: files[view.name] for view in View if view.name in files})
        self._corrections = {}
        self._pairs, self._pair = pairs, index

    async def _take_one(self, view: View, files: list[dict], paths: list[str]) -> None:
        async with self._telling():
            read = await self._read({view: keep(self._folder, files, paths)[0]})
            # The sample is another patient: what is left of it goes when the user's own first radiograph comes.
            own = {} if self._pairs == [self._sample] else self._given
            self._given = {**own, **read}
            self._corrections = {v: correction for v, correction in self._corrections.items() if v in own}
            self._corrections.pop(view, None)
            self._pairs, self._pair = [], 0

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        """Say that files are being read, and then what has come of it."""
        async with self._one_at_a_time:
            self._data.input.reading = True
            self._state.flush()
            before = self._given
            try:
                yield
                self._data.error = ""
            except X2CTError as error:
                self._data.error = str(error)
            finally:
                self._data.input.reading = False
            if self._given is not before:
                self._data.input.overridden = False
                self._data.input.shown = "taken"
                self._show()
                self.changed()

    async def _read(self, paths: dict[View, Path]) -> dict[View, _Given]:
        return {view: await _aside(_read, path, view) for view, path in paths.items()}

    def _on_correction(self, view: View) -> None:
        shown = self._shown(view).correction
        try:
            wanted = _correction(shown)
        except InputError as error:
            self._data.error = str(error)
            return
        if view in self._given and wanted != self._corrections.get(view, Correction()):
            self._corrections[view] = wanted
            self._show_radiograph(view)
            self.corrected()

    def _shown(self, view: View) -> RadiographState:
        return self._data.input.pa if view is View.PA else self._data.input.lateral

    def _show(self) -> None:
        for view in View:
            self._show_radiograph(view)
        self._show_pair()

    def _show_radiograph(self, view: View) -> None:
        shown, given = self._shown(view), self._given.get(view)
        correction = self._corrections.get(view, Correction())
        described = _described(given, correction) if given else RadiographState()
        if given and view not in self._needed:
            described.notes.insert(0, "Not used: the model reads the other view only.")
        described.adjusting = shown.adjusting and given is not None
        TypedState.from_dataclass(shown, described)

    def _show_pair(self) -> None:
        shown = self._data.input
        several = len(self._pairs) > 1
        shown.pairs = (
            [ChoiceState(str(number), pair.name) for number, pair in enumerate(self._pairs)] if several else []
        )
        shown.pair = str(self._pair)
        radiographs = {view: given.radiograph for view, given in self._given.items()}
        objections = find_objections(radiographs)
        shown.problem = objections[0] if objections else ""
        of_pair = self._pairs[self._pair].notes if self._pairs else []
        shown.notes = [*of_pair, *overridden(objections), *find_warnings(radiographs)]
        shown.ready = self._given.keys() >= set(self._needed) and (shown.overridden or not shown.problem)


def _read(path: Path, view: View) -> _Given:
    radiograph = read_radiograph(path, view)
    return _Given(path, radiograph, reduced(radiograph.pixels))


async def _aside(function: Callable[..., T], *arguments) -> T:
    """Call a function in a thread, so that the page goes on."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


def _correction(shown: CorrectionState) -> Correction:
    """What the controls say.

    Raises:
        InputError: It makes no sense.
    """
    (left, right), (top, bottom) = shown.columns, shown.rows
    try:
        pixel_mm = float(shown.pixel_mm) if shown.pixel_mm else None
    except ValueError as error:
        raise InputError(f"The pixel size, {shown.pixel_mm}, is no number.") from error
    return Correction(
        quarter_turns=shown.quarter_turns % 4,
        mirrored=shown.mirrored,
        inverted=shown.inverted,
        crop=(left / 100, top / 100, 1 - right / 100, 1 - bottom / 100),
        pixel_mm=pixel_mm,
    )


def _controls(correction: Correction) -> CorrectionState:
    """The reverse."""
    left, top, right, bottom = (round(100 * part) for part in correction.crop)
    return CorrectionState(
        quarter_turns=correction.quarter_turns,
        mirrored=correction.mirrored,
        inverted=correction.inverted,
        columns=[left, 100 - right],
        rows=[top, 100 - bottom],
        pixel_mm=f"{correction.pixel_mm:g}" if correction.pixel_mm else "",
    )


def _described(given: _Given, correction: Correction) -> RadiographState:
    """A radiograph for the page; what is cropped away is darkened."""
    radiograph = given.radiograph.corrected(correction)
    rows, columns = radiograph.pixels.shape
    size = f", {radiograph.pixel_mm:.3g} mm" if radiograph.pixel_mm else ""
    return RadiographState(
        name=given.path.name,
        details=f"{columns} × {rows} pixels{size}",
        notes=[_without_name(note, given.path.name) for note in radiograph.notes],
        oriented=radiograph.oriented,
        taken=grey_url(replace(correction, crop=Correction.crop).apply(given.picture), correction.crop),
        correction=_controls(correction),
    )


def _without_name(note: str, name: str) -> str:
    """A note as it stands below the file's name."""
    note = note.removeprefix(f"{name}: ")
    return note[:1].upper() + note[1:]
