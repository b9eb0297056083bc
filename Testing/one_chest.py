"""A small single-view model that has learned one chest by heart, in seconds: that of the sample CT."""

from pathlib import Path

import SimpleITK as sitk
import torch
import torch.nn.functional as F

from X2CTLib.drr import radiographs
from X2CTLib.geometry import HU_RANGE, View, VolumeGeometry, clinical_projection
from X2CTLib.intensity import normalise
from X2CTLib.networks.catalogue import build_network
from X2CTLib.sample import sample_ct
from X2CTLib.weights import Model, save_model

ARCHITECTURE = {"kind": "2dcnn", "views": ["PA"], "width": 0.1}
STEPS = 60


def save_one_chest_model(path: Path) -> Path:
    """Train a 2DCNN on the PA DRR of the sample CT, and save it."""
    torch.manual_seed(0)
    hu = torch.from_numpy(sitk.GetArrayFromImage(sitk.ReadImage(sample_ct())))[None]
    low, high = HU_RANGE
    truth = F.avg_pool3d(((hu - low) / (high - low)).clamp(0, 1), 2)
    image, template = (
        normalise(radiographs(hu, VolumeGeometry.cube(), clinical_projection(View.PA, pixels))[0])
        for pixels in (256, 128)
    )
    network = build_network(ARCHITECTURE)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(STEPS):
        loss = F.mse_loss(network(image[None, None], coarse=True), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    card = {
        "name": "one chest",
        "architecture": ARCHITECTURE,
        "projections": {"PA": clinical_projection(View.PA, network.pixels).to_dict()},
    }
    save_model(path, Model(network, card, {View.PA: template.numpy()}))
    return path
