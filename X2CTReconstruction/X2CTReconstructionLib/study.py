"""One reconstruction in the scene: all its nodes under one patient of the subject hierarchy."""

import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from X2CTLib.anatomy import Measurement
from X2CTLib.errors import InputError
from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTLib.reconstruction import Reconstruction
from X2CTReconstructionLib.nodes import (
    add_measurements,
    add_radiograph,
    add_reconstruction,
    add_segmentation,
    add_uncertainty,
)
from X2CTReconstructionLib.provenance import VIEW_NAMES, anonymous_notes


@dataclass(frozen=True)
class Study:
    """What `add_study` has put into a scene.

    Attributes:
        patient_item: The patient's item in the subject hierarchy.
        volume: The synthetic CT, a `vtkMRMLScalarVolumeNode`.
        radiographs: What the network saw, a `vtkMRMLScalarVolumeNode` a view.
        segmentation: The organs, a `vtkMRMLSegmentationNode`.
        measurements: A `vtkMRMLTableNode`.
        reprojections: The radiographs that the synthetic CT would give, a `vtkMRMLScalarVolumeNode` a view.
        uncertainty: Its spread in HU, a `vtkMRMLScalarVolumeNode`, if that was asked for.
    """

    patient_item: int
    volume: object
    radiographs: dict[View, object]
    segmentation: object
    measurements: object
    reprojections: dict[View, object] = field(default_factory=dict)
    uncertainty: object | None = None

    @property
    def nodes(self) -> list:
        """All of the above."""
        pictures = [*self.radiographs.values(), *self.reprojections.values()]
        return [
            node for node in (self.volume, *pictures, self.segmentation, self.measurements, self.uncertainty) if node
        ]


def add_study(
    scene, reconstruction: Reconstruction, labels: UInt8[np.ndarray, "k j i"], measurements: list[Measurement]
) -> Study:
    """Add a reconstruction with all that belongs to it; what is synthetic says so in its name and description.

    Args:
        scene: The `vtkMRMLScene`.
        reconstruction: What the engine returned.
        labels: Its organs, from `X2CTLib.anatomy.segment`.
        measurements: From `X2CTLib.anatomy.measure`.
    """
    radiographs = {
        view: add_radiograph(scene, image, reconstruction.projections[view], VIEW_NAMES[view])
        for view, image in reconstruction.views.items()
    }
    volume = add_reconstruction(scene, reconstruction.hu, reconstruction.geometry, "CT (synthetic)")
    volume.SetAttribute("X2CT.Card", json.dumps(reconstruction.card))
    volume.SetAttribute("X2CT.Notes", json.dumps(anonymous_notes(reconstruction)))
    segmentation = add_segmentation(scene, labels, reconstruction.geometry, volume)
    table = add_measurements(scene, measurements, f"{volume.GetName()} measurements")
    reprojections, uncertainty = _add_trust(scene, reconstruction, volume) if reconstruction.trust else ({}, None)
    for node in (volume, segmentation, table, *reprojections.values(), uncertainty):
        if node:
            node.SetDescription(MARK)
            node.SetAttribute("X2CT.Mark", MARK)
    study = Study(0, volume, radiographs, segmentation, table, reprojections, uncertainty)
    return replace(study, patient_item=_file_under_patient(scene, study.nodes))


def _add_trust(scene, reconstruction: Reconstruction, volume) -> tuple[dict, object | None]:
    """The nodes of what speaks for the volume and against it; the words and numbers are an attribute of the volume."""
    trust = reconstruction.trust
    volume.SetAttribute("X2CT.Trust", json.dumps(trust.to_dict()))
    reprojections = {
        view: add_radiograph(
            scene, image, reconstruction.projections[view], f"{VIEW_NAMES[view]} of {volume.GetName()}"
        )
        for view, image in trust.reprojections.items()
    }
    if trust.uncertainty is None:
        return reprojections, None
    name = f"{volume.GetName()} uncertainty"
    return reprojections, add_uncertainty(scene, trust.uncertainty, reconstruction.geometry, name)


def remove_study(scene, study: Study) -> None:
    """Take a study out of the scene again, with its display, storage and volume rendering nodes."""
    companions = [companion for node in study.nodes for companion in _companions(node)]
    for node in [*study.nodes, *companions]:
        if scene.IsNodePresent(node):
            scene.RemoveNode(node)
    # Without the nodes: outside of the desktop the hierarchy waits for ever for items to vanish with them.
    scene.GetSubjectHierarchyNode().RemoveItem(study.patient_item, False, True)


def save_scene(scene, path: Path) -> None:
    """Save a scene with all its data in one file.

    Args:
        scene: The `vtkMRMLScene`.
        path: A `.mrb` file, written whole or not at all.

    Raises:
        InputError: The name does not end in `.mrb`, or the file cannot be written.
    """
    path = Path(path).absolute()
    if path.suffix.lower() != ".mrb":
        raise InputError(f"A scene is saved as a .mrb file, but the name is {path.name}.")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".x2ct-") as folder:
            # The bundle's inner folder takes the file's name, so the name stays and only the folder is temporary.
            partial = Path(folder, path.name)
            if not scene.WriteToMRB(str(partial)):
                raise OSError("Slicer could not write the scene")
            os.replace(partial, path)
    except OSError as error:
        raise InputError(f"The scene could not be saved as {path.name}: {error}.") from error


def _file_under_patient(scene, nodes: list) -> int:
    """Put nodes under a new patient and study of the scene's own subject hierarchy; return the patient's item."""
    hierarchy = scene.GetSubjectHierarchyNode()
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), scene.GenerateUniqueName("X2CT patient"))
    study = hierarchy.CreateStudyItem(patient, "Chest radiographs and synthetic CT")
    for node in nodes:
        # The desktop has filed a new node under the scene already; elsewhere nobody has.
        item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(study, node)
        hierarchy.SetItemParent(item, study)
    return patient


def _companions(node) -> list:
    """The nodes that exist only for `node`: storage, displays, and what volume rendering has added."""
    found = [node.GetStorageNode()]
    for index in range(node.GetNumberOfNodeReferences("display")):
        display = node.GetNthNodeReference("display", index)
        found.append(display)
        if display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
            found += [display.GetVolumePropertyNode(), display.GetROINode()]
    return [companion for companion in found if companion]
