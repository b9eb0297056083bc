"""The row of the cardiothoracic ratio, which follows the two lines that the user may drag."""

import math

import numpy as np
import slicer
import vtk

from X2CTLib.anatomy import CARDIOTHORACIC_RATIO, CardiothoracicLines
from X2CTLib.geometry import ras_of
from X2CTReconstructionLib.study import Study

EDITED = "edited by hand"
"""What the note of the row says then."""
_DIFFERENCE = 1e-4  # of the ratio; less is what saving has rounded


class CardiothoracicObserver:
    """Keeps the ratio of a study up to date until `stop` is called; after a scene is loaded, make another.

    Args:
        study: One without lines is left alone.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        events = (
            slicer.vtkMRMLMarkupsNode.PointModifiedEvent,
            slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
            vtk.vtkCommand.ModifiedEvent,  # all that Undo tells
        )
        lines = study.cardiothoracic_lines
        self._tags = [(line, line.AddObserver(event, self._changed)) for line in lines for event in events]

    def stop(self) -> None:
        """Let go of the lines, in the scene or not."""
        for line, tag in self._tags:
            line.RemoveObserver(tag)
        self._tags = []

    def _changed(self, *_) -> None:
        update_cardiothoracic_ratio(self._study)


def update_cardiothoracic_ratio(study: Study) -> None:
    """Measure the lines of a study again; where one of them, an end or the row is missing, nothing changes."""
    lines, table = study.cardiothoracic_lines, study.measurements
    if table is None or len(lines) != 2 or any(line.GetNumberOfDefinedControlPoints() != 2 for line in lines):
        return
    ratio = CardiothoracicLines(*map(_ends_lps, lines)).ratio
    rows = table.GetTable()
    for row in range(rows.GetNumberOfRows()):
        if rows.GetValueByName(row, "Name").ToString() == CARDIOTHORACIC_RATIO:
            _write(rows, row, ratio)


def move_lines(study: Study, lines: CardiothoracicLines | None) -> None:
    """Move the lines of a study, if it has both, to where the ratio was measured; None leaves them where they are."""
    if lines is None or len(study.cardiothoracic_lines) != 2:
        return
    heart, thorax = study.cardiothoracic_lines
    with slicer.util.NodeModify(heart), slicer.util.NodeModify(thorax):  # an observer sees both where they belong
        slicer.util.updateMarkupsControlPointsFromArray(heart, ras_of(lines.heart), world=True)
        slicer.util.updateMarkupsControlPointsFromArray(thorax, ras_of(lines.thorax), world=True)


def _write(rows: vtk.vtkTable, row: int, ratio: float | None) -> None:
    if ratio is None or math.isclose(rows.GetValueByName(row, "Value").ToDouble(), ratio, abs_tol=_DIFFERENCE):
        return
    note = rows.GetValueByName(row, "Note").ToString()
    rows.SetValueByName(row, "Value", vtk.vtkVariant(ratio))
    rows.SetValueByName(row, "Note", vtk.vtkVariant(f"{note.removesuffix(f'; {EDITED}')}; {EDITED}"))
    rows.Modified()


def _ends_lps(line) -> np.ndarray:
    return ras_of(slicer.util.arrayFromMarkupsControlPoints(line, world=True))
