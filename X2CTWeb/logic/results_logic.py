"""The finished reconstruction: measured, brought into the scene, and shown on the page."""

import asyncio
from pathlib import Path

import numpy as np
from trame_server.utils.typed_state import TypedState

from X2CTLib.anatomy import Measurement
from X2CTLib.examination import read_examination
from X2CTLib.geometry import View
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request
from X2CTReconstructionLib.provenance import anonymous_notes
from X2CTReconstructionLib.slices import uncertainty_colours
from X2CTReconstructionLib.study import add_study
from X2CTWeb.logic.display_logic import DisplayLogic
from X2CTWeb.logic.keep_logic import KeepLogic
from X2CTWeb.logic.measure_logic import MeasureLogic
from X2CTWeb.logic.pictures import difference_url, grey_url
from X2CTWeb.state import AppState, ResultState


class ResultsLogic:
    """Holds one result at a time."""

    def __init__(
        self,
        typed_state: TypedState[AppState],
        scene,
        display: DisplayLogic,
        measure: MeasureLogic,
        keep: KeepLogic,
    ) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._scene = scene
        self._display = display
        self._measure = measure
        self._keep = keep

    async def take(self, folder: Path, request: Request) -> None:
        """Show the reconstruction in a folder; if that fails, what was on show stays.

        Args:
            folder: Of the reconstruction.
            request: What led to it.

        Raises:
            X2CTError: The folder does not hold a reconstruction.
        """
        await self._tell("Reading the result")
        loop = asyncio.get_running_loop()
        reconstruction, labels, measurements = await loop.run_in_executor(None, _load, folder)
        await self._tell("Showing the volume")
        study = add_study(self._scene, reconstruction, labels, measurements)
        self._display.show(study)
        self._keep.offer(request)
        self._show_views(reconstruction)
        trust = reconstruction.trust
        self._data.result = ResultState(
            shown=True,
            notes=anonymous_notes(reconstruction),
            low=trust.low,
            words=trust.words,
            uncertainty_colours=_css(uncertainty_colours(study)) if study.uncertainty else [],
        )
        self._measure.follow(study)
        self._data.steps = ["trust", "measure"]

    def outdate(self) -> None:
        """Radiographs or settings were changed: what is on show was made before that."""
        self._data.result.outdated = self._data.result.shown

    def clear(self) -> None:
        """The radiographs are others now: what was made from the last ones goes."""
        self._measure.stop()
        self._display.clear()
        self._data.result = ResultState()
        self._data.steps = ["radiographs", "reconstruct"]

    def _show_views(self, reconstruction: Reconstruction) -> None:
        """What the network saw, and what the volume would show, beside the radiographs."""
        trust = reconstruction.trust
        for view, pixels in reconstruction.views.items():
            shown = self._data.input.pa if view is View.PA else self._data.input.lateral
            projection = reconstruction.projections[view]
            size = f"{projection.columns} × {projection.rows} pixels"
            shown.seen_details = f"Framed, {size} of {projection.pixel_mm / projection.magnification:.3g} mm"
            shown.seen = grey_url(pixels)
            shown.unstyled = grey_url(reconstruction.unstyled[view]) if reconstruction.unstyled else ""
            shown.reprojected = grey_url(trust.reprojections[view])
            shown.difference = difference_url(pixels, trust.reprojections[view])
            shown.correlation = f"{trust.reprojection_correlations[view]:.2f}"

    async def _tell(self, message: str) -> None:
        self._data.job.message = message
        self._state.flush()
        await asyncio.sleep(0.05)  # the page hears of it before what follows holds the event loop


def _css(colours: list[tuple[float, float, float]]) -> list[str]:
    return ["rgb({:.0%} {:.0%} {:.0%})".format(*colour) for colour in colours]


def _load(folder: Path) -> tuple[Reconstruction, np.ndarray, list[Measurement]]:
    return Reconstruction.load(folder), *read_examination(folder)
