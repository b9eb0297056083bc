"""The table of measurements, which follows the lines that the user drags."""

from trame_server.utils.typed_state import TypedState
from vtkmodules.vtkCommonCore import vtkCommand

from X2CTLib.anatomy import Measurement
from X2CTReconstructionLib.cardiothoracic import CardiothoracicObserver
from X2CTReconstructionLib.nodes import read_measurements
from X2CTReconstructionLib.study import Study
from X2CTWeb.state import AppState, MeasurementState


class MeasureLogic:
    """Follows one study at a time."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._observer: CardiothoracicObserver | None = None

    def follow(self, study: Study) -> None:
        """Tell what a study measures, now and whenever that changes."""
        self.stop()
        self._observer = CardiothoracicObserver(study)
        study.measurements.AddObserver(vtkCommand.ModifiedEvent, lambda table, _: self._tell(table))
        self._tell(study.measurements)

    def stop(self) -> None:
        """Follow no study any more; its table goes with it."""
        if self._observer:
            self._observer.stop()
            self._observer = None

    def _tell(self, table) -> None:
        self._data.result.measurements = [_row(measurement) for measurement in read_measurements(table)]
        self._state.flush()


def _row(measurement: Measurement) -> MeasurementState:
    """A measurement in words, with the digits that mean something."""
    digits = 0 if abs(measurement.value) >= 100 else 1 if abs(measurement.value) >= 1 else 2
    return MeasurementState(measurement.name, f"{measurement.value:,.{digits}f}", measurement.unit, measurement.note)
