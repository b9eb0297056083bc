"""Cases of a data set in a MRML scene, and what models make of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16

from X2CTLib.errors import InputError
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.mark import MARK
from X2CTReconstructionLib.nodes import add_radiograph, add_reconstruction
from X2CTReconstructionLib.provenance import VIEW_NAMES
from X2CTTrainingLib.checks import COLUMNS
from X2CTTrainingLib.simulation import standard_drr

_DIFFERENCE_WINDOW = (1000.0, 0.0)


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
        for node in (made, difference):
            node.SetDescription(MARK)
            node.SetAttribute("X2CT.Mark", MARK)
            nodes.append(node)
    return nodes
