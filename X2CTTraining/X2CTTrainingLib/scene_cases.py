"""Cases of a data set in a MRML scene, and what models make of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import slicer
from jaxtyping import Float, Int16

from X2CTLib.errors import InputError
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.mark import MARK
from X2CTReconstructionLib.nodes import add_radiograph, add_reconstruction
from X2CTReconstructionLib.provenance import VIEW_NAMES
from X2CTTrainingLib.checks import COLUMNS
from X2CTTrainingLib.previews import volumes_file
from X2CTTrainingLib.simulation import standard_drr

_DIFFERENCE_WINDOW = (1000.0, 0.0)
_STEP = "X2CT.Step"


def add_case(scene, table, name: str, cache: Path) -> list:
    """Add a case as it is trained on: its standard cube, and its DRR from each side.

    Args:
        scene: The `vtkMRMLScene`.
        table: A `vtkMRMLTableNode` of checks.csv.
        name: Of the case.
        cache: Where the cubes are.

    Returns:
        Three `vtkMRMLScalarVolumeNode`s.

    Raises:
        InputError: The case cannot be used.
    """
    texts = table.GetTable()
    columns = [texts.GetColumnByName(title) for title in (COLUMNS[0], COLUMNS[-1])]
    names, keys = ([column.GetValue(row) for row in range(texts.GetNumberOfRows())] for column in columns)
    key = dict(zip(names, keys, strict=True)).get(name)
    if not key:
        raise InputError(f"{name} cannot be used; the table says why.")
    hu = np.load(cache / key / "hu.npy")
    nodes = [add_reconstruction(scene, hu, VolumeGeometry.cube(len(hu)), f"{name} standard cube")]
    for view in View:
        projection = clinical_projection(view)
        image = standard_drr(hu, projection).numpy()
        nodes.append(add_radiograph(scene, image, projection, f"{name} {VIEW_NAMES[view]} DRR"))
    return nodes


def add_answers(
    scene, case: str, true: Int16[np.ndarray, "k j i"], answers: Mapping[str, Float[np.ndarray, "k j i"]]
) -> list:
    """Add a case as it is and, for each answer to it, the reconstruction and its difference from the case.

    Returns:
        `vtkMRMLScalarVolumeNode`s.
    """
    geometry = VolumeGeometry.cube(len(true))
    nodes = [add_reconstruction(scene, true, geometry, case)]
    for name, answer in answers.items():
        hu = np.round(answer).astype(np.int16)
        made = add_reconstruction(scene, hu, geometry, f"{case} by {name} (synthetic)")
        difference = add_reconstruction(scene, hu - true, geometry, f"{case} by {name}, difference (synthetic)")
        difference.GetDisplayNode().SetWindowLevel(*_DIFFERENCE_WINDOW)
        nodes += [_marked(node) for node in (made, difference)]
    return nodes


def show_preview(scene, folder: Path, name: str) -> tuple:
    """Show a validation case as a run's network makes it now; later calls bring the same nodes up to date.

    Args:
        scene: The `vtkMRMLScene`.
        folder: Of the run.
        name: Of the run.

    Returns:
        Two `vtkMRMLScalarVolumeNode`s: what is made, and the case as it is.

    Raises:
        InputError: The training has not looked at a validation case yet.
    """
    file = volumes_file(folder)
    if not file.is_file():
        raise InputError(
            f"The run {name} has not looked at a validation case yet. It does so every few hundred steps and at its "
            "end, if at least three patients or phantoms are given."
        )
    names = f"{name} preview (synthetic)", f"{name} preview, true"
    nodes = [scene.GetFirstNode(each, "vtkMRMLScalarVolumeNode") for each in names]
    with np.load(file) as stored:
        step = str(stored["step"])
        if all(node and node.GetAttribute(_STEP) == step for node in nodes):
            return tuple(nodes)
        volumes = stored["made"], stored["true"]
    for place, (node, hu) in enumerate(zip(nodes, volumes, strict=True)):
        if node is None:
            nodes[place] = add_reconstruction(scene, hu, VolumeGeometry.cube(len(hu)), names[place])
        else:
            slicer.util.updateVolumeFromArray(node, hu)
        nodes[place].SetAttribute(_STEP, step)
    _marked(nodes[0])
    return tuple(nodes)


def _marked(node):
    """A node that says of itself that it is synthetic."""
    node.SetDescription(MARK)
    node.SetAttribute("X2CT.Mark", MARK)
    return node
