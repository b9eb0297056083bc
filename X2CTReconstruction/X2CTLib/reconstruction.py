"""Two radiographs to a CT-like volume: framing, generator, and the result with all that a reader needs to judge it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float, Int16

from X2CTLib.device import choose_device, choose_precision
from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.framing import frame_pair, standard_view
from X2CTLib.geometry import HU_RANGE, ProjectionGeometry, View, VolumeGeometry, clinical_projection
from X2CTLib.mark import MARK
from X2CTLib.networks.encoder import Encoder
from X2CTLib.networks.generator import DecoderLevel, Generator
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.radiograph import Radiograph, check_pair
from X2CTLib.weights import Model


@dataclass(frozen=True)
class Reconstruction:
    """A reconstructed volume and what led to it.

    Attributes:
        hu: The CT cube in Hounsfield units.
        geometry: Where it lies; the isocentre of the radiographs is the origin of the patient.
        views: What the network saw, in [0, 1].
        projections: The geometry of these standard views.
        card: Of the model.
        notes: Assumptions made and warnings, in words.
        sources: File names of the radiographs.
    """

    hu: Int16[np.ndarray, "k j i"]
    geometry: VolumeGeometry
    views: dict[View, Float[np.ndarray, "r c"]]
    projections: dict[View, ProjectionGeometry]
    card: dict
    notes: list[str]
    sources: dict[View, str]

    def save(self, folder: Path) -> None:
        """Write volume.nrrd, pa.png and lateral.png (16 bit, what the network saw) and reconstruction.json."""
        with whole_folder(folder) as scratch:
            image = self.geometry.to_image(self.hu)
            image.SetMetaData("mark", MARK)
            sitk.WriteImage(image, scratch / "volume.nrrd", useCompression=True)
            for view, pixels in self.views.items():
                gray = np.round(pixels * 65535).astype(np.uint16)
                sitk.WriteImage(sitk.GetImageFromArray(gray), scratch / f"{view.name.lower()}.png")
            record = {
                "mark": MARK,
                "projections": {view.name: projection.to_dict() for view, projection in self.projections.items()},
                "card": self.card,
                "notes": self.notes,
                "sources": {view.name: source for view, source in self.sources.items()},
            }
            (scratch / "reconstruction.json").write_text(json.dumps(record, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path):
        """Read what `save` wrote.

        Raises:
            InputError: The folder does not hold a reconstruction.
        """
        folder = Path(folder)
        try:
            record = json.loads((folder / "reconstruction.json").read_text())
            image = sitk.ReadImage(folder / "volume.nrrd")
            views = {View[name]: sitk.ReadImage(folder / f"{name.lower()}.png") for name in record["projections"]}
            return cls(
                hu=sitk.GetArrayFromImage(image),
                geometry=VolumeGeometry.from_image(image),
                views={view: sitk.GetArrayFromImage(png).astype(np.float32) / 65535 for view, png in views.items()},
                projections={View[n]: ProjectionGeometry.from_dict(p) for n, p in record["projections"].items()},
                card=record["card"],
                notes=record["notes"],
                sources={View[name]: source for name, source in record["sources"].items()},
            )
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"{folder} does not hold a reconstruction.") from error


def reconstruct(
    pa: Radiograph,
    lateral: Radiograph,
    model: Model,
    device: str = "auto",
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Reconstruction:
    """Reconstruct the chest that two radiographs show.

    Args:
        pa: Postero-anterior radiograph.
        lateral: Lateral radiograph of the same patient.
        model: Biplanar.
        device: See `device.choose_device`.
        progress: Told after every part of the network.
        cancel: Looked at as often.

    Raises:
        InputError: The radiographs do not make a pair, or the device does not exist.
        Cancelled: `cancel` was raised.
    """
    notes = [*check_pair(pa, lateral), *pa.notes, *lateral.notes]
    radiographs = {View.PA: pa, View.LATERAL: lateral}
    progress(0.0, "Framing the radiographs")
    framings = frame_pair(pa, lateral, model.templates)
    notes += [note for framing in framings.values() for note in framing.notes]
    views = {view: standard_view(radiographs[view], framing) for view, framing in framings.items()}
    if cancel:
        cancel.check()
    progress(0.2, "Running the network")
    images = torch.from_numpy(np.stack([views[view] for view in model.generator.views]))
    hu = run_generator(model.generator, images, device, lambda f, m: progress(0.2 + 0.8 * f, m), cancel)
    return Reconstruction(
        hu=np.round(hu).astype(np.int16),
        geometry=VolumeGeometry.cube(hu.shape[0]),
        views=views,
        projections={view: clinical_projection(view) for view in radiographs},
        card=model.card,
        notes=notes,
        sources={view: radiograph.source for view, radiograph in radiographs.items()},
    )


def run_generator(
    generator: Generator,
    images: Float[torch.Tensor, "view r c"],
    device: str = "auto",
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Float[np.ndarray, "k j i"]:
    """Standard views to Hounsfield units, on the best device and in the fastest precision that it has."""
    chosen = choose_device(device)
    precision = choose_precision(chosen)
    generator = generator.to(chosen)
    autocast = torch.autocast(chosen.type, precision, enabled=precision != torch.float32)
    with torch.inference_mode(), autocast, _observed(generator, progress, cancel):
        output = generator(images[None].to(chosen))[0].float().clamp(0, 1)
    low, high = HU_RANGE
    return (low + (high - low) * output).cpu().numpy()


@contextmanager
def _observed(generator: Generator, progress: Progress, cancel: CancelToken | None) -> Iterator[None]:
    """Report, and look at `cancel`, after every encoder and decoder level of a network that runs meanwhile."""
    parts = [module for module in generator.modules() if isinstance(module, Encoder | DecoderLevel)]
    done = 0

    def after(*_) -> None:
        nonlocal done
        done += 1
        progress(done / len(parts), "Running the network")
        if cancel:
            cancel.check()

    handles = [part.register_forward_hook(after) for part in parts]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
