"""One reconstruction in the scene: all its nodes under one patient of the subject hierarchy."""

import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from X2CTLib.anatomy import Measurement, cardiothoracic_lines
from X2CTLib.errors import InputError
from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTLib.reconstruction import Reconstruction
from X2CTReconstructionLib.nodes import (
    add_line,
    add_measurements,
    add_radiograph,
    add_reconstruction,
    add_segmentation,
    add_uncertainty,
)
from X2CTReconstructionLib.provenance import VIEW_NAMES, anonymous_notes

_CARD, _ROLE, _HIDDEN = "X2CT.Card", "X2CT.", "X2CT.Hidden"


@dataclass(frozen=True)
class Study:
    """A reconstruction's nodes, which hang on its volume by references: so a saved scene brings them back.

    What the user has deleted is None, or left out.

    Attributes:
        volume: The synthetic CT, a `vtkMRMLScalarVolumeNode`.
    """

    volume: object

    @property
    def radiographs(self) -> dict[View, object]:
        """What the network saw, a `vtkMRMLScalarVolumeNode` a view."""
        return self._by_view("Radiograph")

    @property
    def unstyled(self) -> dict[View, object]:
        """What a styler was given, where one was used, a `vtkMRMLScalarVolumeNode` a view."""
        return self._by_view("Unstyled")

    @property
    def reprojections(self) -> dict[View, object]:
        """The radiographs that the volume would give, a `vtkMRMLScalarVolumeNode` a view."""
        return self._by_view("Reprojection")

    @property
    def detectors(self) -> dict[View, object]:
        """The radiographs as they stand in 3D, a `vtkMRMLModelNode` a view, once that was asked for."""
        return self._by_view("Detector")

    @property
    def segmentation(self):
        """The organs, a `vtkMRMLSegmentationNode`."""
        return self._node("Segmentation")

    @property
    def measurements(self):
        """A `vtkMRMLTableNode`."""
        return self._node("Measurements")

    @property
    def uncertainty(self):
        """Standard deviation in HU, a `vtkMRMLScalarVolumeNode`; None if it was not asked for."""
        return self._node("Uncertainty")

    @property
    def cardiothoracic_lines(self) -> list:
        """Across the heart and across the inner thorax, a `vtkMRMLMarkupsLineNode` each."""
        return [line for role in ("HeartWidth", "ThoracicWidth") if (line := self._node(role))]

    @property
    def notes(self) -> list[str]:
        """What was assumed about the radiographs, without file names."""
        return json.loads(self.volume.GetAttribute("X2CT.Notes"))

    @property
    def trust(self) -> dict | None:
        """What `Trust.to_dict` gave, if anything."""
        record = self.volume.GetAttribute("X2CT.Trust")
        return json.loads(record) if record else None

    @property
    def nodes(self) -> list:
        """All of them."""
        return [self.volume, *self.parts.values()]

    @property
    def parts(self) -> dict[str, object]:
        """What hangs on the volume, by its role as `attach` takes it, with the view's name where there is one."""
        roles = (self.volume.GetNthNodeReferenceRole(n) for n in range(self.volume.GetNumberOfNodeReferenceRoles()))
        ours = [role for role in roles if role.startswith(_ROLE)]
        return {role.removeprefix(_ROLE): node for role in ours if (node := self.volume.GetNodeReference(role))}

    @property
    def patient_item(self) -> int:
        """The patient's item in the subject hierarchy; 0 if there is none."""
        hierarchy = self.volume.GetScene().GetSubjectHierarchyNode()
        return hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(self.volume), "Patient")

    def attach(self, role: str, node, view: View | None = None) -> None:
        """Make a node of the scene a part of the study, and file it beside the volume."""
        self.volume.SetNodeReferenceID(_role(role, view), node.GetID())
        hierarchy = self.volume.GetScene().GetSubjectHierarchyNode()
        _file(hierarchy, node, hierarchy.GetItemParent(hierarchy.GetItemByDataNode(self.volume)))

    def _node(self, role: str, view: View | None = None):
        return self.volume.GetNodeReference(_role(role, view))

    def _by_view(self, role: str) -> dict[View, object]:
        return {view: node for view in View if (node := self._node(role, view))}


def find_studies(scene) -> list[Study]:
    """The studies of a scene, in the order in which they came, whether they were made here or loaded."""
    volumes = (
        scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
    )
    return [Study(volume) for volume in volumes if volume.GetAttribute(_CARD)]


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
    geometry, trust = reconstruction.geometry, reconstruction.trust
    volume = add_reconstruction(scene, reconstruction.hu, geometry, "CT (synthetic)")
    volume.SetAttribute(_CARD, json.dumps(reconstruction.card))
    volume.SetAttribute("X2CT.Notes", json.dumps(anonymous_notes(reconstruction)))
    study = new_study(scene, volume)
    for view, image in reconstruction.views.items():
        radiograph = add_radiograph(scene, image, reconstruction.projections[view], VIEW_NAMES[view])
        study.attach("Radiograph", radiograph, view)
    for view, image in reconstruction.unstyled.items():
        name = f"{VIEW_NAMES[view]} before the styler"
        study.attach("Unstyled", add_radiograph(scene, image, reconstruction.projections[view], name), view)
    study.attach("Segmentation", add_segmentation(scene, labels, geometry, volume))
    study.attach("Measurements", add_measurements(scene, measurements, f"{volume.GetName()} measurements"))
    if lines := cardiothoracic_lines(labels, geometry):
        # Labels at opposite ends, so that they do not cover each other.
        heart = add_line(scene, lines.heart, "Heart width", (255, 120, 90), ("", "Heart"))
        thorax = add_line(scene, lines.thorax, "Inner thoracic width", (90, 190, 255), ("Thorax", ""))
        study.attach("HeartWidth", heart)
        study.attach("ThoracicWidth", thorax)
    if trust:
        _add_trust(scene, study, reconstruction)
    given = [*study.radiographs.values(), *study.unstyled.values()]
    for node in study.nodes:
        if node not in given:
            node.SetDescription(MARK)
            node.SetAttribute("X2CT.Mark", MARK)
    return study


def new_study(scene, volume, patient: str = "") -> Study:
    """A volume alone, under a new patient and study of the scene's own subject hierarchy; nobody's name by default."""
    hierarchy = scene.GetSubjectHierarchyNode()
    name = patient or scene.GenerateUniqueName("X2CT patient")
    item = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), name)
    _file(hierarchy, volume, hierarchy.CreateStudyItem(item, "Chest radiographs and synthetic CT"))
    return Study(volume)


def remove_study(scene, study: Study) -> None:
    """Take a study out of the scene again, with its display, storage and volume rendering nodes."""
    if not scene.IsNodePresent(study.volume):
        return
    patient_item = study.patient_item
    companions = [companion for node in study.nodes for companion in _companions(node)]
    for node in [*study.nodes, *companions]:
        if scene.IsNodePresent(node):
            scene.RemoveNode(node)
    # Without the nodes: outside of the desktop the hierarchy waits for ever for items to vanish with them.
    scene.GetSubjectHierarchyNode().RemoveItem(patient_item, False, True)


def show_study(study: Study, visible: bool) -> None:
    """Hide all that views show of a study, or show again what was hidden so."""
    displays = [d for node in study.nodes for d in _companions(node) if d.IsA("vtkMRMLDisplayNode")]
    for display in displays:
        if visible and display.GetAttribute(_HIDDEN):
            display.RemoveAttribute(_HIDDEN)
            display.SetVisibility(True)
        elif not visible and display.GetVisibility():
            display.SetAttribute(_HIDDEN, "true")
            display.SetVisibility(False)


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
            # Slicer's own archiver tells the console every file that it adds.
            bundle = Path(folder, "bundle", path.stem)
            bundle.mkdir(parents=True)
            if not scene.SaveSceneToSlicerDataBundleDirectory(str(bundle)):
                raise OSError("Slicer could not write the scene")
            os.replace(shutil.make_archive(str(Path(folder, "whole")), "zip", bundle.parent, bundle.name), path)
    except OSError as error:
        raise InputError(f"The scene could not be saved as {path.name}: {error}.") from error


def load_scene(scene, path: Path) -> None:
    """Add what `save_scene` has saved to a scene, also where no application reads its bundles.

    Raises:
        InputError: It cannot be read.
    """
    try:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as bundle:
            bundle.extractall(folder)
            (description,) = Path(folder).glob("*/*.mrml")
            scene.SetURL(str(description))
            if not scene.Import():
                raise OSError("Slicer could not read the scene")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"The scene {path.name} could not be loaded: {error}.") from error


def _role(role: str, view: View | None) -> str:
    """The name of a reference of the volume; a saved scene keeps it."""
    return f"{_ROLE}{role}.{view.name}" if view else f"{_ROLE}{role}"


def _add_trust(scene, study: Study, reconstruction: Reconstruction) -> None:
    """What speaks for the volume and against it; the words and numbers are an attribute of the volume."""
    study.volume.SetAttribute("X2CT.Trust", json.dumps(reconstruction.trust.to_dict()))
    for view, image in reconstruction.trust.reprojections.items():
        name = f"{VIEW_NAMES[view]} of {study.volume.GetName()}"
        node, like = add_radiograph(scene, image, reconstruction.projections[view], name), study.radiographs[view]
        node.GetDisplayNode().SetWindowLevel(like.GetDisplayNode().GetWindow(), like.GetDisplayNode().GetLevel())
        study.attach("Reprojection", node, view)
    spread = reconstruction.trust.uncertainty
    if spread is not None:
        name = f"{study.volume.GetName()} uncertainty"
        study.attach("Uncertainty", add_uncertainty(scene, spread, reconstruction.geometry, name))


def _file(hierarchy, node, parent_item: int) -> None:
    # The desktop has filed a new node under the scene already; elsewhere nobody has.
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(parent_item, node)
    hierarchy.SetItemParent(item, parent_item)


def _companions(node) -> list:
    """The nodes that exist only for `node`: storage, displays, and what volume rendering has added."""
    found = [node.GetStorageNode()]
    for index in range(node.GetNumberOfNodeReferences("display")):
        display = node.GetNthNodeReference("display", index)
        found.append(display)
        if display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
            box = display.GetROINode()
            found += [display.GetVolumePropertyNode(), box, *(_companions(box) if box else [])]
    return [companion for companion in found if companion]
