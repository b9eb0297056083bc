"""The radiographs that a case would give: what templates are the mean of, and what models are scored on."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int16
from torch import Tensor

from X2CTLib.drr import radiographs
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry, clinical_projection
from X2CTLib.inference import run_model
from X2CTLib.intensity import normalise
from X2CTLib.templates import mean_view
from X2CTLib.weights import Model
from X2CTTrainingLib.datasets import Case


def standard_drr(hu: Int16[np.ndarray, "k j i"], projection: ProjectionGeometry) -> Float[Tensor, "r c"]:
    """A standard cube as a radiograph in [0, 1]."""
    geometry = VolumeGeometry.cube(hu.shape[0])
    return normalise(radiographs(torch.from_numpy(np.array(hu))[None], geometry, projection)[0])


def reconstruct_case(model: Model, case: Case, device: str = "auto") -> Int16[np.ndarray, "k j i"]:
    """A case's cube to its DRRs, in the geometry that the model expects, and back."""
    images = torch.stack([standard_drr(case.hu, projection) for projection in model.projections.values()])
    return np.round(run_model(model, images, device)).astype(np.int16)


def mean_views(cases: Sequence[Case], views: Sequence[View]) -> dict[View, Float[np.ndarray, "r c"]]:
    """The mean standard views of the patients, or of the phantoms where there is no patient."""
    chosen = [case for case in cases if case.real] or cases
    return {
        view: mean_view([standard_drr(case.hu, clinical_projection(view)).numpy() for case in chosen]) for view in views
    }
