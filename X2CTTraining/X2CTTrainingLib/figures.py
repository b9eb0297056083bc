"""The paper's figures 6, 7 and 8 with our volumes: grids of pictures; what is synthetic carries the mark."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Int16
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from X2CTLib.geometry import CHEST_WINDOW, View
from X2CTLib.mark import MARK
from X2CTLib.reconstruction import Reconstruction
from X2CTTrainingLib.scene import render
from X2CTTrainingLib.sections import sections

SURFACES, INSIDE = None, "CT-Lung"
"""Presets of the volume renderings."""

_PANEL = 2.2  # inches
_TRUTH = "CT"


def figure_6(path: Path, truth: Int16[np.ndarray, "k j i"], answers: Mapping[str, Int16[np.ndarray, "k j i"]]) -> None:
    """The CT and what each method made of its radiographs: the middle axial slice, renderings from front and left."""
    columns = {_TRUTH: truth, **answers}
    with _grid(path, ("axial", "pa", "lateral"), list(columns)) as grid, TemporaryDirectory() as scratch:
        for (name, hu), (axial, pa, lateral) in zip(columns.items(), grid.T, strict=True):
            _show(axial, sections(hu, _middle(hu))["axial"])
            files = render(hu, Path(scratch) / name, mark="" if name == _TRUTH else MARK)
            pa.imshow(imread(files["pa"]))
            lateral.imshow(imread(files["lateral"]))


def figure_7(path: Path, reconstructions: Mapping[str, Reconstruction]) -> None:
    """Real radiographs, as they are and as a styler made them where there was one, and renderings of what came of them.

    Args:
        path: Of the picture.
        reconstructions: By the name of the pair.
    """
    columns = [view.label for view in View]
    if any(reconstruction.unstyled for reconstruction in reconstructions.values()):
        columns += [f"{label}, styled" for label in columns]
    with _grid(path, list(reconstructions), [*columns, "inside", "surface"]) as grid, TemporaryDirectory() as scratch:
        for row, (name, reconstruction) in zip(grid, reconstructions.items(), strict=True):
            images = [*reconstruction.unstyled.values(), *reconstruction.views.values()]
            for axes, image in zip(row[:-2], images, strict=True):
                axes.imshow(image, cmap="gray")
            for axes, preset in zip(row[-2:], (INSIDE, SURFACES), strict=True):
                axes.imshow(imread(render(reconstruction.hu, Path(scratch) / f"{name}-{preset}", preset)["pa"]))


def figure_8(path: Path, cases: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Slices of CTs and of what was made of their radiographs.

    Args:
        path: Of the picture.
        cases: CT and answer by the name of the case.
    """
    heights = (35, 50, 65)
    columns = [*(f"axial {percent} %" for percent in heights), "coronal", "sagittal"]
    rows = [f"{name}, {what}" for name in cases for what in (_TRUTH, "reconstructed")]
    with _grid(path, rows, columns) as grid:
        for row, hu in zip(grid, (hu for pair in cases.values() for hu in pair), strict=True):
            middle = sections(hu, _middle(hu))
            axials = [hu[len(hu) * percent // 100] for percent in heights]
            for axes, pixels in zip(row, [*axials, middle["coronal"], middle["sagittal"]], strict=True):
                _show(axes, pixels)


def _middle(hu: np.ndarray) -> tuple[int, int, int]:
    return tuple(size // 2 for size in hu.shape)


def _show(axes: Axes, pixels: Int16[np.ndarray, "r c"]) -> None:
    """Draw a slice in the chest window."""
    width, level = CHEST_WINDOW
    axes.imshow(pixels, cmap="gray", vmin=level - width / 2, vmax=level + width / 2)


@contextmanager
def _grid(path: Path, rows: Sequence[str], columns: Sequence[str]):
    """Axes in rows and columns with their names, written to a file when the block ends."""
    figure = Figure((_PANEL * len(columns) + 0.4, _PANEL * len(rows) + 0.6), layout="constrained", facecolor="black")
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[], facecolor="black")
        axes.spines[:].set_visible(False)
    for axes, name in zip(grid[0], columns, strict=True):
        axes.set_title(name, color="white", fontsize=10)
    for axes, name in zip(grid[:, 0], rows, strict=True):
        axes.set_ylabel(name, color="white", fontsize=10)
    yield grid
    figure.supxlabel(f"All but {_TRUTH} and radiographs: {MARK}", color="#ffcc4d", fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Description": MARK})
