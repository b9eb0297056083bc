"""What a study's nodes hold: as the engine's `Reconstruction` again, and as a copy in another scene."""

import json

import numpy as np
import slicer
from jaxtyping import Float

from X2CTLib.geometry import View
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.trust import Trust
from X2CTReconstructionLib.nodes import radiograph_projection
from X2CTReconstructionLib.study import Study, new_study
from X2CTReconstructionLib.volumes import volume_geometry


def reconstruction_of(study: Study) -> Reconstruction:
    """What `add_study` was given, without the files' names."""
    return Reconstruction(
        hu=slicer.util.arrayFromVolume(study.volume),
        geometry=volume_geometry(study.volume),
        views=_pictures(study.radiographs),
        unstyled=_pictures(study.unstyled),
        projections={view: radiograph_projection(node) for view, node in study.radiographs.items()},
        card=json.loads(study.volume.GetAttribute("X2CT.Card")),
        notes=study.notes,
        sources={},
        trust=_trust(study),
    )


def copy_study(study: Study, scene, patient: str = "") -> Study:
    """Copy a study, and nothing else, into another scene.

    Args:
        study: In any scene.
        scene: The other `vtkMRMLScene`.
        patient: What the patient is called there; nobody's name by default.
    """
    volume = _copy(study.volume, scene)
    copied = new_study(scene, volume, patient)
    for role, node in study.parts.items():
        copied.attach(role, _copy(node, scene))
    copied.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    return copied


def _pictures(nodes: dict[View, object]) -> dict[View, Float[np.ndarray, "r c"]]:
    return {view: slicer.util.arrayFromVolume(node)[0] for view, node in nodes.items()}


def _trust(study: Study) -> Trust | None:
    if study.trust is None:
        return None
    spread = slicer.util.arrayFromVolume(study.uncertainty) if study.uncertainty else None
    return Trust.from_dict(study.trust, reprojections=_pictures(study.reprojections), uncertainty=spread)


def _copy(node, scene):
    """A node of the same content and look; where it is stored does not go with it."""
    copy = scene.AddNewNodeByClass(node.GetClassName(), node.GetName())
    copy.CopyContent(node)
    if display := node.IsA("vtkMRMLDisplayableNode") and node.GetDisplayNode():
        copy.CreateDefaultDisplayNodes()
        copy.GetDisplayNode().CopyContent(display)
    return copy
