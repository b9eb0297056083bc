"""Lungs outlined by hand on radiographs, whose areas give the lungs' volume by planimetry.

A list has the columns picture (a file's name), part (right lung and left lung on a PA, lungs on a lateral radiograph)
and outline (the corners of a polygon as column:row, in pixels of the picture as it is stored).
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from X2CTLib.anatomy import LungAreas, planimetry_lung_volume
from X2CTLib.errors import InputError

_PARTS = {"right lung": "PA", "left lung": "PA", "lungs": "LATERAL"}

Areas = dict[tuple[str, str], float]
"""Square pixels, by the name of the picture and the part."""


def read_outlines(path: Path) -> Areas:
    """The outlined areas of a list.

    Raises:
        InputError: It cannot be read, or is no such list.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return {(row["picture"], row["part"]): _area(row["outline"]) for row in csv.DictReader(file)}
    except OSError as error:
        raise InputError(f"The list of outlines {path} cannot be read: {error.strerror}.") from error
    except (KeyError, ValueError, AttributeError) as error:
        raise InputError(
            f"{Path(path).name} is no list of outlines: it needs the columns picture, part and outline, "
            "in which a corner is column:row."
        ) from error


def outlined_lung_volume(areas: Areas, pictures: Mapping[str, str], mm_per_pixel: Mapping[str, float]) -> float | None:
    """Planimetry's volume in mL of lungs that were outlined on both radiographs; None where one part was not.

    Args:
        areas: From `read_outlines`.
        pictures: Names of the radiographs' files by that of their view.
        mm_per_pixel: Size of their pixels at the isocentre.
    """
    found = [
        areas[pictures[view], part] * mm_per_pixel[view] ** 2 / 100
        for part, view in _PARTS.items()
        if (pictures.get(view), part) in areas
    ]
    return planimetry_lung_volume(LungAreas(*found)).value if len(found) == len(_PARTS) else None


def _area(outline: str) -> float:
    """Of a polygon, by the shoelace formula."""
    x, y = np.array([[float(number) for number in corner.split(":")] for corner in outline.split()]).T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)
