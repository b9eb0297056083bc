"""A reconstructed volume, with all that a reader needs to judge it, in memory and on disk."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float, Int16, Real, UInt8

from X2CTLib.anatomy import Measurement, measure, segment
from X2CTLib.errors import InputError, ModelError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry
from X2CTLib.mark import MARK
from X2CTLib.trust import Trust

_UNSTYLED, _REPROJECTION = "_unstyled", "_reprojection"


@dataclass(frozen=True)
class Reconstruction:
    """A reconstructed volume and what led to it.

    Attributes:
        hu: The CT cube in Hounsfield units.
        geometry: Where it lies; the isocentre of the radiographs is the origin of the patient.
        views: What the network saw, in [0, 1]: one view or two.
        projections: The geometry of these standard views.
        card: Of the model.
        notes: Assumptions made and warnings, in words.
        sources: File names of the radiographs that were given.
        mm_per_pixel: Size at the isocentre of the radiographs' own pixels, as they were framed.
        unstyled: The views before a styler, where one was used.
        trust: How far to trust it; `inference.reconstruct` always says.
    """

    hu: Int16[np.ndarray, "k j i"]
    geometry: VolumeGeometry
    views: dict[View, Float[np.ndarray, "r c"]]
    projections: dict[View, ProjectionGeometry]
    card: dict
    notes: list[str]
    sources: dict[View, str]
    mm_per_pixel: dict[View, float] = field(default_factory=dict)
    unstyled: dict[View, Float[np.ndarray, "r c"]] = field(default_factory=dict)
    trust: Trust | None = None

    def examine(self) -> tuple[UInt8[np.ndarray, "k j i"], list[Measurement]]:
        """Its organs, as `anatomy.LABELS`, and what they measure.

        Raises:
            ModelError: The model has made no body.
        """
        try:
            labels = segment(self.hu, self.geometry)
        except InputError as error:
            raise ModelError("The model finds no chest in these radiographs. Check them, or choose another.") from error
        return labels, measure(self.hu, labels, self.geometry)

    def save(self, folder: Path) -> None:
        """Write volume.nrrd, pa.png and lateral.png (16 bit, what the network saw of each) and reconstruction.json.

        Where a styler was used, what it was given are pa_unstyled.png and lateral_unstyled.png. With its trust, the
        radiographs that it would give are pa_reprojection.png and lateral_reprojection.png, and its uncertainty, if
        that was asked for, is uncertainty.nrrd.
        """
        with whole_folder(folder) as scratch:
            write_image(scratch / "volume.nrrd", self.hu, self.geometry)
            _write_views(scratch, self.views)
            _write_views(scratch, self.unstyled, _UNSTYLED)
            if self.trust:
                _write_views(scratch, self.trust.reprojections, _REPROJECTION)
                if self.trust.uncertainty is not None:
                    write_image(scratch / "uncertainty.nrrd", self.trust.uncertainty, self.geometry)
            record = {
                "mark": MARK,
                "projections": {view.name: projection.to_dict() for view, projection in self.projections.items()},
                "card": self.card,
                "notes": self.notes,
                "sources": {view.name: source for view, source in self.sources.items()},
                "mm_per_pixel": {view.name: size for view, size in self.mm_per_pixel.items()},
                "trust": self.trust.to_dict() if self.trust else None,
            }
            (scratch / "reconstruction.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path):
        """Read what `save` wrote.

        Raises:
            InputError: The folder does not hold a reconstruction.
        """
        folder = Path(folder)
        try:
            record = json.loads((folder / "reconstruction.json").read_text(encoding="utf-8"))
            image = sitk.ReadImage(folder / "volume.nrrd")
            projections = {View[n]: ProjectionGeometry.from_dict(p) for n, p in record["projections"].items()}
            styled = any(folder.glob(f"*{_UNSTYLED}.png"))
            trust = record.get("trust")
            return cls(
                hu=sitk.GetArrayFromImage(image),
                geometry=VolumeGeometry.from_image(image),
                views=_read_views(folder, projections),
                unstyled=_read_views(folder, projections, _UNSTYLED) if styled else {},
                projections=projections,
                card=record["card"],
                notes=record["notes"],
                sources={View[name]: source for name, source in record["sources"].items()},
                mm_per_pixel={View[name]: size for name, size in record["mm_per_pixel"].items()},
                trust=_read_trust(folder, projections, trust) if trust else None,
            )
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"{folder} does not hold a reconstruction.") from error


def write_image(path: Path, values: Real[np.ndarray, "k j i"], geometry: VolumeGeometry) -> None:
    """Write a volume as .nrrd or .nii.gz, with the mark in its header."""
    image = geometry.to_image(values)
    image.SetMetaData("mark" if path.suffix == ".nrrd" else "ITK_FileNotes", MARK)
    sitk.WriteImage(image, path, useCompression=True)


def _write_views(folder: Path, views: Mapping[View, Float[np.ndarray, "r c"]], ending: str = "") -> None:
    for view, pixels in views.items():
        grey = np.round(pixels * 65535).astype(np.uint16)
        sitk.WriteImage(sitk.GetImageFromArray(grey), _picture(folder, view, ending))


def _read_views(folder: Path, views: Iterable[View], ending: str = "") -> dict[View, Float[np.ndarray, "r c"]]:
    images = {view: sitk.ReadImage(_picture(folder, view, ending)) for view in views}
    return {view: sitk.GetArrayFromImage(image).astype(np.float32) / 65535 for view, image in images.items()}


def _picture(folder: Path, view: View, ending: str) -> Path:
    return folder / f"{view.name.lower()}{ending}.png"


def _read_trust(folder: Path, views: Iterable[View], record: dict) -> Trust:
    spread = sitk.GetArrayFromImage(sitk.ReadImage(folder / "uncertainty.nrrd")) if record["uncertainty"] else None
    return Trust.from_dict(record, reprojections=_read_views(folder, views, _REPROJECTION), uncertainty=spread)
