"""The radiographs that a reconstruction would give, to hold beside those that it was made from."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Real

from X2CTLib.drr import project_views
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry
from X2CTLib.intensity import normalise_shown


def reproject(
    hu: Real[np.ndarray, "k j i"],
    geometry: VolumeGeometry,
    projections: Mapping[View, ProjectionGeometry],
    shown: Mapping[View, Bool[np.ndarray, "r c"]],
) -> dict[View, Float[np.ndarray, "r c"]]:
    """Standard views of a reconstruction, as `framing.standard_view` cuts them out of radiographs.

    Args:
        hu: Hounsfield units of the reconstruction.
        geometry: Where they lie.
        projections: Of the standard views.
        shown: The pixels of each that lie on the radiograph.

    Returns:
        float32 in [0, 1]; 0 where the radiograph shows nothing.
    """
    images = project_views(hu, geometry, projections)
    return {
        view: normalise_shown(torch.from_numpy(image), torch.from_numpy(shown[view])).numpy()
        for view, image in images.items()
    }
