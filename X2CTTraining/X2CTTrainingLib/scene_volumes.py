"""Volumes of a MRML scene as cases to learn from."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import VolumeGeometry
from X2CTReconstructionLib.volumes import hounsfield, world_geometry

LIST = "list.csv"
"""The list of a data set, as `datasets.gather` reads it."""


def isocentre(geometry: VolumeGeometry, markups=None) -> tuple[float, float, float]:
    """The first point of a `vtkMRMLMarkupsNode`, in LPS; the volume's middle where there is none."""
    if markups is None or not markups.GetNumberOfControlPoints():
        return tuple(geometry.centre_lps.tolist())
    right, anterior, superior = markups.GetNthControlPointPositionWorld(0)
    return -right, -anterior, superior


def patient(scene, volume) -> str:
    """Whose a volume is: an opaque hash of the patient it is filed under, or else its own name."""
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volume) if hierarchy else 0
    item = item and hierarchy.GetItemAncestorAtLevel(item, "Patient")
    if not item:
        return volume.GetName()
    identity = hierarchy.GetItemUID(item, "DICOM") or hierarchy.GetItemName(item)
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def write_dataset(scene, volumes: Sequence, folder: Path, parts: Mapping[str, str] | None = None) -> Path:
    """Write CT volumes and a list of them, all or nothing.

    Args:
        scene: The `vtkMRMLScene`.
        volumes: `vtkMRMLScalarVolumeNode`s; linear transforms above them are applied.
        folder: Made if missing.
        parts: "train", "validation" or "test" by the name of a volume; where there is none, it is left to chance.

    Returns:
        The list, which is a source for `datasets.gather`.

    Raises:
        InputError: There is no volume, one cannot be used, or two have one name.
    """
    names = [volume.GetName() for volume in volumes]
    if not names:
        raise InputError("Choose at least one CT volume.")
    if unknown := set(parts or {}) - set(names):
        raise InputError(f"There is no volume {', '.join(sorted(unknown))} in the data set.")
    files = [f"{number:03d}_{_file_name(name)}.nrrd" for number, name in enumerate(names)]
    with whole_folder(folder) as scratch:
        rows = [("path", "patient", "part")]
        for volume, name, file in zip(volumes, names, files, strict=True):
            image = world_geometry(volume).to_image(hounsfield(volume).astype(np.int16))
            sitk.WriteImage(image, scratch / file, True)
            rows.append((file, patient(scene, volume), (parts or {}).get(name, "")))
        with (scratch / LIST).open("w", newline="", encoding="utf-8") as list_file:
            csv.writer(list_file).writerows(rows)
    return Path(folder) / LIST


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
