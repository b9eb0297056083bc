"""The finished reconstruction: measured, brought into the scene, and handed over as files."""

import asyncio
from pathlib import Path

import numpy as np
from trame_server import Server
from trame_server.utils.typed_state import TypedState

from X2CTLib.anatomy import Measurement
from X2CTLib.geometry import View
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request
from X2CTReconstructionLib.export import write_measurements
from X2CTReconstructionLib.provenance import anonymous_notes
from X2CTReconstructionLib.study import add_study
from X2CTWeb.logic.display_logic import DisplayLogic
from X2CTWeb.logic.measure_logic import MeasureLogic
from X2CTWeb.logic.pictures import difference_url, grey_url
from X2CTWeb.report_process import MEASUREMENTS, REPORT, VOLUME, draw_report
from X2CTWeb.state import AppState, ResultState


class ResultsLogic:
    """Holds one result at a time."""

    def __init__(
        self, server: Server, typed_state: TypedState[AppState], scene, display: DisplayLogic, measure: MeasureLogic
    ) -> None:
        self._server = server
        self._data = typed_state.data
        self._scene = scene
        self._display = display
        self._measure = measure
        self._folder: Path | None = None
        self._request: Request | None = None

    async def take(self, folder: Path, request: Request) -> None:
        """Measure the reconstruction in a folder and show it; if that fails, what was on show stays.

        Args:
            folder: Of the reconstruction.
            request: What led to it.

        Raises:
            X2CTError: The folder does not hold a reconstruction, or there is nothing to measure in it.
        """
        await self._tell("Measuring")
        loop = asyncio.get_running_loop()
        reconstruction, labels, measurements = await loop.run_in_executor(None, _load_and_measure, folder)
        await self._tell("Showing the volume")
        study = add_study(self._scene, reconstruction, labels, measurements)
        self._display.show(study)
        self._folder, self._request = folder, request
        self._show_views(reconstruction)
        trust = reconstruction.trust
        self._data.result = ResultState(
            shown=True,
            notes=anonymous_notes(reconstruction),
            low=trust.low,
            words=trust.words,
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
        self._folder = None
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

    async def volume(self):
        """The volume as a file."""
        return self._attachment(VOLUME)

    async def measurements(self):
        """The measurements as a file."""
        return self._attachment(MEASUREMENTS)

    async def report(self):
        """The report as a file; it is drawn when it is first wanted. None if it cannot be."""
        folder = self._folder
        if not (folder / REPORT).exists():
            self._data.result.writing = REPORT
            self._server.state.flush()
            problem = await draw_report(folder, self._request)
            self._data.result.writing = ""
            if problem:
                self._data.error = f"The report could not be drawn. {problem}"
                return None
        return self._attachment(REPORT)

    def _attachment(self, name: str):
        return self._server.protocol.addAttachment((self._folder / name).read_bytes())

    async def _tell(self, message: str) -> None:
        self._data.job.message = message
        self._server.state.flush()
        await asyncio.sleep(0.05)  # the page hears of it before what follows holds the event loop


def _load_and_measure(folder: Path) -> tuple[Reconstruction, np.ndarray, list[Measurement]]:
    reconstruction = Reconstruction.load(folder)
    labels, measurements = reconstruction.examine()
    write_measurements(folder / MEASUREMENTS, measurements)
    return reconstruction, labels, measurements
