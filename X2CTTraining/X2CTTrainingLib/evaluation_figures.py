"""The pictures of an evaluation, as PNG files in memory; each carries the mark."""

import io

import numpy as np
from jaxtyping import Int16
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from X2CTLib.geometry import CHEST_WINDOW, CUBE_MM
from X2CTLib.mark import MARK
from X2CTTrainingLib.evaluation import TRUE_VOLUME, Evaluation
from X2CTTrainingLib.sections import PLANES

DIFFERENCE_HU = 500
"""Where the colours of the difference pictures end."""

_WINDOW = Normalize(CHEST_WINDOW[1] - CHEST_WINDOW[0] / 2, CHEST_WINDOW[1] + CHEST_WINDOW[0] / 2)
_DIFFERENCE, _COLOURS = Normalize(-DIFFERENCE_HU, DIFFERENCE_HU), "RdBu_r"
_EDGES = (
    (0.02, 0.5, "left", "center"),
    (0.98, 0.5, "right", "center"),
    (0.5, 0.98, "center", "top"),
    (0.5, 0.02, "center", "bottom"),
)
_DOTS_PER_INCH = 110
_PANEL = 1.75  # edge of a slice in inches
_LETTERS = 22  # of the name of an answer, along such an edge


def case_figure(name: str, shown: dict[str, dict[str, Int16[np.ndarray, "r c"]]]) -> bytes:
    """The truth of a case and every answer in three slices, and beside each answer its difference from the truth.

    Args:
        name: Of the case.
        shown: Slices by answer and plane, see `Evaluation.sections`.
    """
    figure, grid = _black_grid(len(shown))
    for axes, (answer, slices) in zip(grid, shown.items(), strict=True):
        axes[0].set_ylabel(_short(answer), color="white", fontsize=9)
        for plane, left, right in zip(PLANES, axes[:3], axes[3:], strict=True):
            left.imshow(slices[plane], cmap="gray", norm=_WINDOW)
            right.imshow(slices[plane] - shown[TRUE_VOLUME][plane].astype(float), cmap=_COLOURS, norm=_DIFFERENCE)
            _frame(left, plane)
            _frame(right, plane)
            right.set_visible(answer != TRUE_VOLUME)
    for axes, plane in zip(grid[0], PLANES, strict=False):
        axes.set_title(plane.capitalize(), color="white", fontsize=9, pad=3)
    _scale_bar(grid[0][0], len(shown[TRUE_VOLUME]["axial"]))
    _legend(figure, grid[0][3:])
    text = f"{name}  ·  below the first row: {MARK}"
    figure.text(0.5, 0.005, text, color="#ffcc4d", fontsize=9, ha="center", va="bottom")
    return _png(figure)


def scores_figure(evaluation: Evaluation, scores: tuple[str, ...]) -> bytes:
    """A panel for each score: a dot for each case, joined over the answers, and the mean with its 95 % interval."""
    summary = evaluation.summary()
    present = [name for name in scores if name in evaluation.scores]
    columns = 3
    lines = -(-len(present) // columns)
    figure = Figure(figsize=(10.5, 3.1 * lines + 0.3), dpi=_DOTS_PER_INCH, layout="constrained")
    panels = np.ravel(figure.subplots(lines, columns, squeeze=False))
    for axes, name in zip(panels, present, strict=False):
        _score_panel(axes, evaluation, summary, name)
    for axes in panels[len(present) :]:
        axes.set_visible(False)
    figure.supxlabel(MARK, fontsize=8, color="#806000")
    return _png(figure)


def _black_grid(rows: int) -> tuple[Figure, np.ndarray]:
    """Room for so many rows of six slices, their titles above and the mark below."""
    height = rows + 0.45
    figure = Figure(figsize=(6.4 * _PANEL, height * _PANEL), dpi=_DOTS_PER_INCH, facecolor="black")
    grid = figure.subplots(rows, 6, squeeze=False)
    figure.subplots_adjust(0.03, 0.2 / height, 0.97, 1 - 0.25 / height, wspace=0.03, hspace=0.03)
    return figure, grid


def _score_panel(axes: Axes, evaluation: Evaluation, summary: dict, name: str) -> None:
    answers = [answer for answer in evaluation.answers if name in summary[answer]]
    places = {answer: place for place, answer in enumerate(answers)}
    cases: dict[str, list[tuple[int, float]]] = {}
    for row in evaluation.rows:
        if name in row:
            cases.setdefault(row["case"], []).append((places[row["answer"]], row[name]))
    for points in cases.values():
        axes.plot(*zip(*points, strict=True), "o-", color="#7d97ad", markersize=3.5, linewidth=0.6, alpha=0.8)
    for answer, place in places.items():
        estimate = summary[answer][name]
        axes.errorbar(place, estimate.mean, estimate.margin or 0, fmt="D", color="#1f5f8b", markersize=5, capsize=6)
    axes.set_title(name, fontsize=9)
    axes.set_xticks(
        range(len(answers)), [*map(_short, answers)], rotation=20 if len(answers) < 5 else 60, ha="right", fontsize=8
    )
    axes.tick_params(axis="y", labelsize=8)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)


def _short(answer: str) -> str:
    """The end of a long name, which tells paths apart."""
    return answer if len(answer) <= _LETTERS else "…" + answer[1 - _LETTERS :]


def _frame(axes: Axes, plane: str) -> None:
    """No ticks, and the letters of the patient's directions."""
    axes.set(xticks=[], yticks=[])
    axes.set_facecolor("black")
    axes.spines[:].set_visible(False)
    style = {"color": "white", "fontsize": 8, "path_effects": [withStroke(linewidth=1.5, foreground="black")]}
    for letter, (x, y, horizontal, vertical) in zip(PLANES[plane], _EDGES, strict=True):
        axes.text(x, y, letter, ha=horizontal, va=vertical, transform=axes.transAxes, **style)


def _scale_bar(axes: Axes, voxels: int) -> None:
    """5 cm at the lower edge of a slice."""
    length, end, row = 50 * voxels / CUBE_MM, 0.97 * voxels, 0.96 * voxels
    axes.plot([end - length, end], [row, row], color="white", linewidth=1.5)
    axes.text(end - length / 2, row - 1, "5 cm", color="white", fontsize=7, ha="center", va="bottom")


def _legend(figure: Figure, empty: np.ndarray) -> None:
    """Where the truth would have its difference: what the windows are."""
    left, right = empty[0].get_position(), empty[-1].get_position()
    middle = (left.y0 + left.y1) / 2
    bar = figure.add_axes((left.x0 + 0.05, middle, right.x1 - left.x0 - 0.1, 0.08 * left.height))
    scale = figure.colorbar(ScalarMappable(_DIFFERENCE, _COLOURS), cax=bar, orientation="horizontal")
    scale.set_label("Answer less truth, HU", color="white", fontsize=9)
    scale.ax.tick_params(colors="white", labelsize=8)
    window = "Slices: W {:g}  L {:g} HU".format(*CHEST_WINDOW)
    figure.text((left.x0 + right.x1) / 2, middle + 0.2 * left.height, window, color="white", fontsize=9, ha="center")


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Description": MARK}, facecolor=figure.get_facecolor())
    return file.getvalue()
