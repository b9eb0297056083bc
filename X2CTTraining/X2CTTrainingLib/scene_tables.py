"""Tables and curves in a MRML scene: lists of runs, scores, logs."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import slicer

from X2CTReconstructionLib.nodes import add_table, fill_table
from X2CTTrainingLib.runs import Run

_COLOURS = ((0.12, 0.47, 0.71), (1.0, 0.5, 0.05), (0.17, 0.63, 0.17), (0.84, 0.15, 0.16), (0.58, 0.4, 0.74))
_NO_CURVES = {"step", "seconds", "learning rate"}
_MOST_POINTS = 2000


def add_csv(scene, path: Path, name: str):
    """Add a CSV file as a `vtkMRMLTableNode`; columns of numbers become numbers, empty cells of these NaN."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        titles, *rows = csv.reader(file)
    columns = {title: _numbers([row[number] for row in rows]) for number, title in enumerate(titles)}
    return add_table(scene, columns, name)


def table_named(scene, name: str):
    """The `vtkMRMLTableNode` of a name, added if it is not there."""
    return scene.GetFirstNode(name, "vtkMRMLTableNode") or add_table(scene, {}, name)


def fill_runs(table, runs: Mapping[str, Run]) -> None:
    """Show runs, by their names, and how they stand in a `vtkMRMLTableNode`."""
    columns = {
        "Run": list(runs),
        "State": [run.state for run in runs.values()],
        "Done": [f"{100 * run.fraction:.0f} %" for run in runs.values()],
        "Remaining": ["" if run.remaining_s is None else duration(run.remaining_s) for run in runs.values()],
        "Message": [run.message for run in runs.values()],
    }
    fill_table(table, columns)


def duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {left:02d} s"


def fill_log(table, rows: Sequence[dict[str, float]]) -> None:
    """Show a run's log in a `vtkMRMLTableNode`, so many rows of it as a plot can show; what was not logged is NaN."""
    kept = rows[:: max(1, len(rows) // _MOST_POINTS)]
    titles = list(dict.fromkeys(name for row in kept for name in row))
    fill_table(table, {title: [row.get(title, np.nan) for row in kept] for title in titles})


def show_curves(scene, table):
    """Plot what a log's table holds, over the steps: losses as lines, scores of the held-out cases as points.

    Args:
        scene: The `vtkMRMLScene`.
        table: From `fill_log`.

    Returns:
        A `vtkMRMLPlotChartNode`, the same for the same table.
    """
    name = f"{table.GetName()} curves"
    chart = scene.GetFirstNode(name, "vtkMRMLPlotChartNode") or scene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetTitle(table.GetName())
    chart.SetXAxisTitle("step")
    columns = [table.GetColumnName(number) for number in range(table.GetNumberOfColumns())]
    for number, column in enumerate(column for column in columns if column not in _NO_CURVES):
        own = f"{table.GetName()} {column}"
        if scene.GetFirstNode(own, "vtkMRMLPlotSeriesNode") is None:
            chart.AddAndObservePlotSeriesNodeID(_series(scene, own, table, column, number).GetID())
    return chart


def _series(scene, name: str, table, column: str, number: int):
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("step")
    series.SetYColumnName(column)
    series.SetPlotType(series.PlotTypeScatter)
    sparse = np.isnan(slicer.util.arrayFromTableColumn(table, column)).any()
    series.SetMarkerStyle(series.MarkerStyleCircle if sparse else series.MarkerStyleNone)
    series.SetLineStyle(series.LineStyleSolid)
    series.SetColor(_COLOURS[number % len(_COLOURS)])
    return series


def _numbers(cells: Sequence[str]) -> list[float] | list[str]:
    try:
        numbers = [float(cell) if cell else np.nan for cell in cells]
    except ValueError:
        return list(cells)
    return list(cells) if np.isnan(numbers).all() else numbers
