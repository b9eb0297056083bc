"""A reconstructed volume, with all that a reader needs to judge it, in memory and on disk."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float, Int16, UInt8

from X2CTLib.anatomy import Measurement, measure, segment
from X2CTLib.errors import InputError, ModelError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry
from X2CTLib.mark import MARK

_UNSTYLED = "_unstyled"


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
        unstyled: The views before a styler, where one was used.
    """

    hu: Int16[np.ndarray, "k j i"]
    geometry: VolumeGeometry
    views: dict[View, Float[np.ndarray, "r c"]]
    projections: dict[View, ProjectionGeometry]
    card: dict
    notes: list[str]
    sources: dict[View, str]
    unstyled: dict[View, Float[np.ndarray, "r c"]] = field(default_factory=dict)

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

        Where a styler was used, what it was given are pa_unstyled.png and lateral_unstyled.png.
        """
        with whole_folder(folder) as scratch:
            image = self.geometry.to_image(self.hu)
            image.SetMetaData("mark", MARK)
            sitk.WriteImage(image, scratch / "volume.nrrd", useCompression=True)
            for views, ending in ((self.views, ""), (self.unstyled, _UNSTYLED)):
                for view, pixels in views.items():
                    gray = np.round(pixels * 65535).astype(np.uint16)
                    sitk.WriteImage(sitk.GetImageFromArray(gray), scratch / f"{view.name.lower()}{ending}.png")
            record = {
                "mark": MARK,
                "projections": {view.name: projection.to_dict() for view, projection in self.projections.items()},
                "card": self.card,
                "notes": self.notes,
                "sources": {view.name: source for view, source in self.sources.items()},
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
            return cls(
                hu=sitk.GetArrayFromImage(image),
                geometry=VolumeGeometry.from_image(image),
                views={view: _read_view(folder / f"{view.name.lower()}.png") for view in projections},
                unstyled={v: _read_view(folder / f"{v.name.lower()}{_UNSTYLED}.png") for v in projections if styled},
                projections=projections,
                card=record["card"],
                notes=record["notes"],
                sources={View[name]: source for name, source in record["sources"].items()},
            )
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"{folder} does not hold a reconstruction.") from error


def _read_view(path: Path) -> Float[np.ndarray, "r c"]:
    return sitk.GetArrayFromImage(sitk.ReadImage(path)).astype(np.float32) / 65535
