"""The finished reconstruction: measured, brought into the scene, and handed over as files."""

import asyncio
from collections.abc import Callable
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
from X2CTWeb.logic.pictures import data_url
from X2CTWeb.logic.viewer_logic import ViewerLogic
from X2CTWeb.report_process import MEASUREMENTS, REPORT, VOLUME, draw_report
from X2CTWeb.state import AppState, MeasurementState, ResultState


class ResultsLogic:
    """Holds one result at a time."""

    def __init__(
        self,
        server: Server,
        typed_state: TypedState[AppState],
        viewer: ViewerLogic,
        request: Callable[[], Request],
    ) -> None:
        self._server = server
        self._data = typed_state.data
        self._viewer = viewer
        self._request = request
        self._folder: Path | None = None

    async def take(self, folder: Path) -> None:
        """Measure the reconstruction in a folder and show it; if that fails, what was on show stays.

        Raises:
            X2CTError: The folder does not hold a reconstruction, or there is nothing to measure in it.
        """
        await self._tell("Measuring")
        loop = asyncio.get_running_loop()
        reconstruction, labels, measurements = await loop.run_in_executor(None, _load_and_measure, folder)
        await self._tell("Showing the volume")
        self._viewer.show(add_study(self._viewer.scene, reconstruction, labels, measurements))
        self._folder = folder
        shown = {View.PA: self._data.input.pa, View.LATERAL: self._data.input.lateral}
        for view, pixels in reconstruction.views.items():
            projection = reconstruction.projections[view]
            size = f"{projection.columns} × {projection.rows} pixels"
            shown[view].seen = data_url(pixels)
            shown[view].seen_details = f"Framed, {size} of {projection.pixel_mm / projection.magnification:.3g} mm"
        rows = [_row(measurement) for measurement in measurements]
        self._data.result = ResultState(True, rows, anonymous_notes(reconstruction))

    def clear(self) -> None:
        """The radiographs are others now: what was made from the last ones goes."""
        self._viewer.clear()
        self._folder = None
        self._data.result = ResultState()

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
            self._data.result.report_busy = True
            self._server.state.flush()
            problem = await draw_report(folder, self._request())
            self._data.result.report_busy = False
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


def _row(measurement: Measurement) -> MeasurementState:
    """A measurement in words, with the digits that mean something."""
    digits = 0 if abs(measurement.value) >= 100 else 1 if abs(measurement.value) >= 1 else 2
    return MeasurementState(measurement.name, f"{measurement.value:,.{digits}f}", measurement.unit, measurement.note)
