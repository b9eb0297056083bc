"""What of this package needs a MRML scene: pictures of volumes."""

from pathlib import Path

import numpy as np
from jaxtyping import Int16

from X2CTLib.geometry import VolumeGeometry
from X2CTLib.mark import MARK


def render(
    hu: Int16[np.ndarray, "k j i"], folder: Path, preset: str | None = None, mark: str = MARK
) -> dict[str, Path]:
    """Pictures of a standard cube, see `X2CTReconstructionLib.pictures.PICTURES`.

    Args:
        hu: The cube.
        folder: Where they are written.
        preset: Of the volume rendering; the body's surface if none is named.
        mark: What they say of the volume; empty for a CT that was acquired.
    """
    from X2CTReconstructionLib.headless import HeadlessScene
    from X2CTReconstructionLib.nodes import add_reconstruction
    from X2CTReconstructionLib.presets import BODY
    from X2CTReconstructionLib.rendering import render_pictures

    headless = HeadlessScene()
    node = add_reconstruction(headless.scene, hu, VolumeGeometry.cube(hu.shape[0]), folder.name)
    return render_pictures(node, folder, preset or BODY, mark=mark)
