"""The radiographs: where their files are, what is said of them, whether they can be reconstructed."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from trame_server.utils.asynchronous import create_task
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.cards import models_for
from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError, X2CTError
from X2CTLib.framing import TRUSTED_SIMILARITY, Framing, chest_crop, frame_radiographs
from X2CTLib.geometry import View
from X2CTLib.pairing import Pair, find_pairs
from X2CTLib.radiograph import find_objections, find_warnings, overridden
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.given import Given, correction_by
from X2CTWeb.logic.uploads import keep
from X2CTWeb.state import AppState, ChoiceState, RadiographState

REST_SECONDS = 0.15
"""How long a control must rest before what it says is done: it costs time with large radiographs."""
T = TypeVar("T")
_OTHER = {View.PA: View.LATERAL, View.LATERAL: View.PA}
_THREAD = ThreadPoolExecutor(max_workers=1)
"""One, so that nothing is read or framed twice at a time."""


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
        self._templates: Mapping[View, Float[np.ndarray, "r c"]] = {}
        self._pairs: list[Pair] = []
        self._pair = 0
        self._given: dict[View, Given] = {}
        self._framings: dict[View, Framing] = {}
        self._settling: asyncio.Task | None = None
        self._one_at_a_time = asyncio.Lock()
        names = typed_state.name.input
        for name in (names.pa, names.lateral):
            typed_state.bind_changes({name.correction: self._on_correction})

    @property
    def files(self) -> dict[View, Path]:
        """The files on the page."""
        return {view: given.path for view, given in self._given.items()}

    @property
    def corrections(self) -> dict[View, Correction]:
        """What the user has set right, down to the last moment.

        Raises:
            InputError: It makes no sense.
        """
        wanted = {view: correction_by(self._shown(view).correction) for view in self._given}
        return {view: correction for view, correction in wanted.items() if correction != Correction()}

    def need(self, templates: Mapping[View, Float[np.ndarray, "r c"]]) -> None:
        """Tell what the model reads, by the mean standard views that it knows."""
        self._templates = templates
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
            free = [view.name for view in View if view not in self._own]
            pairs = await _aside(find_pairs, chosen, free or [view.name for view in View])
            if len(pairs) == len(pairs[0].files) == 1:
                await self._add(pairs[0])
            else:
                await self._take_pairs(pairs)

    async def choose_pair(self, index: int) -> None:
        """Take another one of the pairs that were found."""
        async with self._telling():
            self._given, self._pair = await self._read(self._pairs[index]), index

    async def take_pa(self, files: list[dict], paths: list[str]) -> None:
        """Take a file that the browser sends for the PA radiograph."""
        await self._take_one(View.PA, files, paths)

    async def take_lateral(self, files: list[dict], paths: list[str]) -> None:
        """The same for the lateral radiograph."""
        await self._take_one(View.LATERAL, files, paths)

    async def swap(self) -> None:
        """The lateral is the PA and the other way round; what was set right in them goes along."""
        async with self._telling():
            self._given = {_OTHER[view]: given for view, given in self._given.items()}

    async def crop_to_chest(self) -> None:
        """Cut off what is not the chest, where it is found."""
        async with self._telling():
            framings = self._framings or await self._find_chest()
            found = {view: framing for view, framing in framings.items() if framing.similarity >= TRUSTED_SIMILARITY}
            for view, framing in found.items():
                given = self._given[view]
                crop = given.correction.further_crop(chest_crop(given.corrected, framing))
                # The controls know whole percents.
                crop = tuple(math.floor(100 * part) / 100 for part in crop)
                self._given[view] = await _aside(given.with_correction, replace(given.correction, crop=crop))
            self._show()
            self.corrected()

    def override(self) -> None:
        """Go on, whatever speaks against the radiographs."""
        self._data.input.overridden = True
        self._show_pair()

    @property
    def _own(self) -> dict[View, Given]:
        """The user's own: the sample is another patient, and goes when the first of them comes."""
        return {} if self._pairs == [self._sample] else self._given

    async def _take_pairs(self, pairs: list[Pair]) -> None:
        """Take the first that can be read, and offer it and those after it; its notes name those before it."""
        unreadable = {}
        for number, pair in enumerate(pairs):
            try:
                self._given = await self._read(pair)
            except InputError as error:
                unreadable[pair.name] = str(error)
                continue
            notes = [f"Check the pair {name}, which is left out: {error}" for name, error in unreadable.items()]
            self._pairs, self._pair = [replace(pair, notes=[*notes, *pair.notes]), *pairs[number + 1 :]], 0
            return
        raise InputError(" ".join(unreadable.values()))

    async def _take_one(self, view: View, files: list[dict], paths: list[str]) -> None:
        async with self._telling():
            await self._add(Pair("", {view.name: keep(self._folder, files, paths)[0]}))

    async def _add(self, pair: Pair) -> None:
        """Take a single radiograph; one of the other view stays."""
        read = await self._read(pair)
        stay = {view: given for view, given in self._own.items() if view not in read}
        # Where both name their patients, these have been compared.
        unchecked = None in {given.radiograph.patient for given in (*read.values(), *stay.values())}
        notes = [
            f"{given.path.name} stays. Check that both are of one patient." for given in stay.values() if unchecked
        ]
        self._given = {**stay, **read}
        self._pairs, self._pair = [replace(pair, notes=[*pair.notes, *notes])], 0

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
                self._data.input.pair = str(self._pair)
            finally:
                self._data.input.reading = False
            if self._given is not before:
                self._data.input.overridden = False
                self._data.input.shown = "taken"
                for view in View:
                    TypedState.from_dataclass(self._shown(view), RadiographState())
                self._show()
                self.changed()

    async def _read(self, pair: Pair) -> dict[View, Given]:
        return {view: await _aside(Given.read, pair.files[view.name]) for view in View if view.name in pair.files}

    def _on_correction(self, _) -> None:
        if self._settling:
            self._settling.cancel()
        self._settling = create_task(self._settle())

    async def _settle(self) -> None:
        """Do what the controls say, and say what is to be said of where the chest lies."""
        await asyncio.sleep(REST_SECONDS)
        try:
            for view in [*self._given]:
                await self._correct(view)
        except InputError as error:
            self._data.error = str(error)
        self._framings = await self._find_chest()
        for view in self._framings:
            self._show_radiograph(view)
        self._state.flush()

    async def _correct(self, view: View) -> None:
        given, wanted = self._given[view], correction_by(self._shown(view).correction)
        if wanted != given.correction:
            self._given[view] = await _aside(given.with_correction, wanted)
            self._framings = {}
            self._show_radiograph(view)
            self._show_pair()
            self.corrected()
            self._state.flush()

    async def _find_chest(self) -> dict[View, Framing]:
        used = {view: given.corrected for view, given in self._given.items() if view in self._templates}
        return await _aside(frame_radiographs, used, self._templates) if used else {}

    def _shown(self, view: View) -> RadiographState:
        return self._data.input.pa if view is View.PA else self._data.input.lateral

    def _show(self) -> None:
        self._framings = {}
        for view in View:
            self._show_radiograph(view)
        self._show_pair()
        self._on_correction(None)

    def _show_radiograph(self, view: View) -> None:
        shown, given = self._shown(view), self._given.get(view)
        if not given:
            TypedState.from_dataclass(shown, RadiographState())
            return
        given.show(shown, self._framings.get(view))
        if view not in self._templates:
            shown.notes = ["Not used: the model reads the other view only.", *shown.notes]

    def _show_pair(self) -> None:
        shown = self._data.input
        several = len(self._pairs) > 1
        shown.pairs = (
            [ChoiceState(str(number), pair.name) for number, pair in enumerate(self._pairs)] if several else []
        )
        shown.pair = str(self._pair)
        radiographs = {view: given.corrected for view, given in self._given.items()}
        objections = find_objections(radiographs)
        shown.problem = " ".join(objections)
        of_pair = self._pairs[self._pair].notes if self._pairs else []
        accepted = overridden(objections) if shown.overridden else []
        shown.notes = [*of_pair, *accepted, *find_warnings(radiographs)]
        missing = [view.label for view in self._templates if view not in self._given]
        shown.wanted = self._what_to_choose(missing) if missing else "Something speaks against the radiographs"
        shown.ready = not missing and (shown.overridden or not objections)

    def _what_to_choose(self, missing: list[str]) -> str:
        others = models_for([view.name for view in self._given])
        choice = f", or the model {others[0]}, which does without" if others else ""
        return f"Choose the {' and the '.join(missing)} radiograph{choice}"


async def _aside(function: Callable[..., T], *arguments) -> T:
    """Call a function in a thread, so that the page goes on."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, function, *arguments)
