"""Where things are: the CT cube, the radiographs, their X-ray source, and the conversions between frames.

Lengths are millimetres. Patient coordinates are LPS (+x left, +y posterior, +z superior), as in DICOM and
SimpleITK; Slicer's scene is RAS, and the two meet in `lps_to_ras` and `ras_of` only.
Volume arrays are indexed (k, j, i). In the CT cube these axes grow to superior, posterior and left.
"""

import enum
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from X2CTLib.errors import InputError

CUBE_MM = 320.0
"""Edge of the CT cube (paper, section 5.1)."""
CUBE_VOXELS = 128
"""Voxels along an edge of the CT cube (paper, section 5.1)."""
HU_RANGE = (-1024.0, 1476.0)
"""Hounsfield units that the networks see as 0 and 1 (the paper's stored values 0..2500, offset 1024)."""
MOST_PIXELS, MOST_MM = 4096, 2000
"""Of an edge of a detector."""
CHEST_WINDOW = (1600.0, -400.0)
"""Window width and level in HU: a lung window wide enough to tell soft tissue from bone."""


class View(enum.Enum):
    """A standard projection of the chest; the value is DICOM's View Position (0018,5101)."""

    PA = "PA"
    LATERAL = "LL"

    @property
    def label(self) -> str:
        """What it is called in a sentence."""
        return "PA" if self is View.PA else "lateral"


# Unit vectors in LPS: the beam, and the direction in which the image's columns grow; its rows grow to inferior.
# PA is displayed facing the patient; a left lateral has the patient's left at the detector.
_FRAMES = {
    View.PA: ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0)),
    View.LATERAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
}
_UP = np.array([0.0, 0.0, 1.0])


def lps_to_ras(matrix: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """Turn a matrix that maps to LPS into one that maps to RAS; it is its own inverse."""
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def ras_of(vectors_lps: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points or directions in RAS; its own inverse, too."""
    return np.asarray(vectors_lps) * (-1, -1, 1)


@dataclass(frozen=True, eq=False)
class VolumeGeometry:
    """Where the voxels of an array lie in the patient.

    Attributes:
        shape: Array shape (k, j, i).
        ijk_to_lps: 4x4 matrix from voxel indices (i, j, k) to LPS; any orientation, spacing and handedness.
    """

    shape: tuple[int, int, int]
    ijk_to_lps: Float[np.ndarray, "4 4"]

    @classmethod
    def cube(cls, voxels: int = CUBE_VOXELS, centre_lps: tuple[float, float, float] = (0.0, 0.0, 0.0)):
        """The 320 mm CT cube around a point of the patient, `voxels` along an edge."""
        spacing = CUBE_MM / voxels
        matrix = np.diag([spacing, spacing, spacing, 1.0])
        matrix[:3, 3] = np.asarray(centre_lps) - spacing * (voxels - 1) / 2
        return cls((voxels,) * 3, matrix)

    @classmethod
    def from_image(cls, image: sitk.Image):
        """The geometry of a SimpleITK volume."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
        matrix[:3, 3] = image.GetOrigin()
        return cls(tuple(reversed(image.GetSize())), matrix)

    @property
    def ijk_to_ras(self) -> Float[np.ndarray, "4 4"]:
        """The same as Slicer wants it."""
        return lps_to_ras(self.ijk_to_lps)

    @property
    def spacing(self) -> Float[np.ndarray, "3"]:
        """Voxel size along i, j and k in mm."""
        return np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0)

    @property
    def centre_lps(self) -> Float[np.ndarray, "3"]:
        """The middle of the volume."""
        last = np.array([*reversed(self.shape)], dtype=float) - 1
        return (self.ijk_to_lps @ [*(last / 2), 1.0])[:3]

    @property
    def corners_lps(self) -> Float[np.ndarray, "8 3"]:
        """The centres of the voxels at the corners."""
        i, j, k = np.meshgrid(*([0, n - 1] for n in reversed(self.shape)), indexing="ij")
        return np.stack([i, j, k, np.ones_like(i)], axis=-1).reshape(8, 4) @ self.ijk_to_lps[:3].T

    def to_image(self, array: np.ndarray) -> sitk.Image:
        """A SimpleITK volume of `array` (k, j, i) lying here."""
        if array.shape != self.shape:
            raise ValueError(f"array of shape {array.shape} does not fit a geometry of shape {self.shape}")
        image = sitk.GetImageFromArray(array)
        spacing = self.spacing
        image.SetSpacing(spacing.tolist())
        image.SetDirection((self.ijk_to_lps[:3, :3] / spacing).ravel().tolist())
        image.SetOrigin(self.ijk_to_lps[:3, 3].tolist())
        return image


@dataclass(frozen=True)
class ProjectionGeometry:
    """How a radiograph was, or is to be, taken: point source, flat detector, central ray through the isocentre.

    Source and detector turn about the isocentre from where they are in the standard view. The angles grow as DICOM's
    positioner angles do, which are 0 for PA and 90 degrees for a left lateral view.

    Attributes:
        view: Which side of the patient faces the source when both angles are zero.
        rows: Detector pixels from top to bottom.
        columns: Detector pixels from left to right.
        pixel_mm: Pitch of the square pixels on the detector (Imager Pixel Spacing (0018,1164)).
        sid_mm: Source to image distance (0018,1110); None for parallel rays.
        sad_mm: Source to isocentre distance (0018,1111); None for parallel rays.
        isocentre_lps: The point of the patient that the central ray passes, projected on the detector's middle.
        gantry_deg: Turn about the patient's long axis; positive moves the detector from anterior to the patient's
            left and on to posterior, as from RAO to LAO (0018,1510).
        cranial_deg: Tilt after that; positive moves the detector to cranial (0018,1511).
    """

    view: View
    rows: int
    columns: int
    pixel_mm: float
    sid_mm: float | None = None
    sad_mm: float | None = None
    isocentre_lps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gantry_deg: float = 0.0
    cranial_deg: float = 0.0

    def __post_init__(self) -> None:
        if (self.sid_mm is None) != (self.sad_mm is None):
            raise InputError("Give both the source-to-image and the source-to-isocentre distance, or neither.")
        if self.sid_mm is not None and not 0 < self.sad_mm < self.sid_mm:
            raise InputError(
                f"The isocentre must lie between source and detector, but SAD is {self.sad_mm:g} mm "
                f"and SID {self.sid_mm:g} mm."
            )
        if min(self.rows, self.columns) < 1 or not (math.isfinite(self.pixel_mm) and self.pixel_mm > 0):
            raise InputError("A detector needs at least one pixel, of a positive size.")
        if not (abs(self.gantry_deg) <= 180 and abs(self.cranial_deg) <= 90):
            raise InputError(
                "The gantry turns by 180 degrees at most to either side, and tilts by 90, "
                f"not by {self.gantry_deg:g} and {self.cranial_deg:g}."
            )

    @property
    def parallel(self) -> bool:
        """Whether the source is infinitely far away."""
        return self.sid_mm is None

    @property
    def magnification(self) -> float:
        """Size on the detector of a thing of unit size at the isocentre (0018,1114)."""
        return 1.0 if self.parallel else self.sid_mm / self.sad_mm

    @property
    def axes_lps(self) -> Float[np.ndarray, "3 3"]:
        """Unit vectors of the central ray, and of the directions in which the image's columns and rows grow."""
        ahead, right = np.array(_FRAMES[self.view])
        gantry, cranial = math.radians(self.gantry_deg), math.radians(self.cranial_deg)
        level = math.cos(gantry) * ahead + math.sin(gantry) * right
        beam = math.cos(cranial) * level + math.sin(cranial) * _UP
        down = math.sin(cranial) * level - math.cos(cranial) * _UP
        return np.stack([beam, math.cos(gantry) * right - math.sin(gantry) * ahead, down])

    @property
    def beam_lps(self) -> Float[np.ndarray, "3"]:
        """Unit vector of the central ray."""
        return self.axes_lps[0]

    @property
    def positioner_deg(self) -> tuple[float, float]:
        """DICOM's Positioner Primary and Secondary Angle (0018,1510/1511), the first in (-180, 180]."""
        standard = {View.PA: 0.0, View.LATERAL: 90.0}[self.view]
        return 180 - (180 - standard - self.gantry_deg) % 360, self.cranial_deg

    @property
    def source_lps(self) -> Float[np.ndarray, "3"] | None:
        """The focal spot, or None for parallel rays."""
        return None if self.parallel else np.array(self.isocentre_lps) - self.sad_mm * self.beam_lps

    @property
    def pixel_to_lps(self) -> Float[np.ndarray, "4 4"]:
        """Matrix from (column, row, distance in mm towards the source) to LPS; (0, 0, 0) is the first pixel's centre.

        Parallel rays leave the detector's distance open; it is put at the far face of the CT cube.
        """
        beam, right, down = self.axes_lps
        distance = CUBE_MM / 2 if self.parallel else self.sid_mm - self.sad_mm
        matrix = np.eye(4)
        matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = right * self.pixel_mm, down * self.pixel_mm, -beam
        centre = np.array(self.isocentre_lps) + distance * beam
        matrix[:3, 3] = centre - matrix[:3, 0] * (self.columns - 1) / 2 - matrix[:3, 1] * (self.rows - 1) / 2
        return matrix

    def project(self, points_lps: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
        """The (row, column) at which points of the patient appear; pixel centres are whole numbers."""
        relative = np.asarray(points_lps, dtype=float) - np.array(self.isocentre_lps)
        beam, right, down = self.axes_lps
        scale = 1.0 if self.parallel else self.sid_mm / (self.sad_mm + relative @ beam)
        middle = np.array([self.rows - 1, self.columns - 1]) / 2
        offsets = np.stack([relative @ down, relative @ right], axis=-1)
        return middle + offsets * np.expand_dims(scale, -1) / self.pixel_mm

    def resized(self, pixels: int):
        """The same field on so many pixels along an edge of a square detector."""
        return replace(self, rows=pixels, columns=pixels, pixel_mm=self.pixel_mm * self.rows / pixels)

    def with_detector(self, width_mm: float, height_mm: float, pixels: int):
        """Another detector in the same place, of so many pixels along its longer edge.

        Raises:
            InputError: It is no detector.
        """
        if not 1 <= pixels <= MOST_PIXELS:
            raise InputError(f"A detector has 1 to {MOST_PIXELS} pixels along an edge, not {pixels}.")
        if not (1 <= width_mm <= MOST_MM and 1 <= height_mm <= MOST_MM):
            raise InputError(f"A detector is 1 to {MOST_MM} mm wide and high, not {width_mm:g} and {height_mm:g}.")
        pixel_mm = max(width_mm, height_mm) / pixels
        rows, columns = round(height_mm / pixel_mm), round(width_mm / pixel_mm)
        return replace(self, rows=rows, columns=columns, pixel_mm=pixel_mm)

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        return {**asdict(self), "view": self.view.value, "isocentre_lps": list(self.isocentre_lps)}

    @classmethod
    def from_dict(cls, values: dict):
        """The inverse of `to_dict`.

        Raises:
            InputError: A value is missing, unknown or impossible.
        """
        try:
            return cls(
                **{
                    **values,
                    "view": View(values["view"]),
                    "isocentre_lps": tuple(float(x) for x in values["isocentre_lps"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"This is not a projection geometry: {error}.") from error


def paper_projection(view: View) -> ProjectionGeometry:
    """The DRRs of the paper: it magnifies 1.75 times and sees 285 mm at the isocentre, so it truncates the cube."""
    return ProjectionGeometry(view, rows=320, columns=320, pixel_mm=500 / 320, sid_mm=949.0, sad_mm=541.0)


def clinical_projection(view: View, pixels: int = CUBE_VOXELS) -> ProjectionGeometry:
    """A chest stand at 1.8 m with a 14 inch square detector, which sees 320 mm at the isocentre.

    This is the standard view of the shipped models: at the isocentre a pixel is as large as a voxel of the cube.
    """
    sid, sad = 1800.0, 1620.0
    return ProjectionGeometry(view, pixels, pixels, CUBE_MM * sid / sad / pixels, sid, sad)


def parallel_projection(view: View, pixels: int = CUBE_VOXELS) -> ProjectionGeometry:
    """Parallel rays over the whole cube."""
    return ProjectionGeometry(view, pixels, pixels, CUBE_MM / pixels)


PROJECTIONS = {"clinical": clinical_projection, "paper": paper_projection, "parallel": parallel_projection}
"""The presets by name; each makes the geometry of a view."""


def write_sidecar(path: Path, projection: ProjectionGeometry) -> None:
    """Write the geometry of a radiograph beside it, as JSON."""
    Path(path).write_text(json.dumps(projection.to_dict(), indent=2) + "\n", encoding="utf-8")


def read_sidecar(path: Path) -> ProjectionGeometry:
    """Read what `write_sidecar` wrote.

    Raises:
        InputError: The file is not such a sidecar.
    """
    try:
        return ProjectionGeometry.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{Path(path).name} does not hold a projection geometry: {error}.") from error
