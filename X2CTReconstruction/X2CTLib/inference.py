"""Radiographs to a CT-like volume: checked, framed, and through the network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float

from X2CTLib.cards import models_for
from X2CTLib.device import choose_device, choose_precision
from X2CTLib.errors import InputError
from X2CTLib.familiarity import likenesses
from X2CTLib.framing import frame_radiographs, shown, standard_view
from X2CTLib.geometry import HU_RANGE, View, VolumeGeometry
from X2CTLib.networks.catalogue import ReconstructionNetwork
from X2CTLib.networks.encoder import Encoder
from X2CTLib.networks.generator import DecoderLevel
from X2CTLib.networks.lifting import Lift, ViewNetwork
from X2CTLib.networks.single_image import Hourglass
from X2CTLib.progress import CancelToken, Progress, part, silent
from X2CTLib.radiograph import Radiograph, check_views
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.reprojection import reproject
from X2CTLib.styler import Styler, style
from X2CTLib.trust import assess
from X2CTLib.uncertainty import spread
from X2CTLib.weights import Model

_LARGE = (Encoder, DecoderLevel, ViewNetwork, Lift, Hourglass)
"""The parts of the networks that take their time."""


def reconstruct(
    radiographs: Mapping[View, Radiograph],
    model: Model,
    styler: Styler | None = None,
    device: str = "auto",
    precision: str = "auto",
    override: bool = False,
    uncertainty_passes: int = 0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Reconstruction:
    """Reconstruct the chest that radiographs show.

    Args:
        radiographs: Of one patient, by what each is meant to be.
        model: It reads both views, or one; the other is then checked, too, but not used.
        styler: Brings the radiographs to the style of the DRRs that the model was trained on; None leaves them.
        device: See `device.choose_device`.
        precision: See `device.choose_precision`.
        override: Whether to go on where something speaks against the radiographs, and only warn.
        uncertainty_passes: Further reconstructions from slightly different views; their spread is the uncertainty.
        progress: Told after every part of the network.
        cancel: Looked at as often.

    Raises:
        InputError: A radiograph that the model reads is missing, they do not go together, or the device does not exist.
        ModelError: The styler is made for views of another size.
        Cancelled: `cancel` was raised.
    """
    notes = [*check_views(radiographs, override), *check_needs(model, radiographs)]
    used = {view: radiographs[view] for view in model.generator.views}
    notes += [note for radiograph in used.values() for note in radiograph.notes]
    progress(0.0, "Framing the radiographs")
    framings = frame_radiographs(used, model.templates)
    notes += [note for framing in framings.values() for note in framing.notes]
    projections = model.projections
    given = {view: standard_view(used[view], framing, projections[view]) for view, framing in framings.items()}
    views = _styled(given, styler)
    if styler:
        notes.append(
            f"The styler {styler.card['name']} made the radiographs look like DRRs; what it may have changed shows "
            "beside the views that it was given."
        )
    if cancel:
        cancel.check()

    def run(seen: dict[View, Float[np.ndarray, "r c"]], told: Progress) -> Float[np.ndarray, "k j i"]:
        images = torch.from_numpy(np.stack([*seen.values()]))
        return run_model(model, images, device, precision, told, cancel)

    first = 0.2 + 0.8 / (1 + uncertainty_passes)
    progress(0.2, "Running the network")
    hu = run(views, part(progress, 0.2, first))
    uncertainty = None
    if uncertainty_passes:
        uncertainty = spread(
            hu,
            used,
            framings,
            projections,
            uncertainty_passes,
            run=lambda moved, told: run(_styled(moved, styler), told),
            progress=part(progress, first, 1.0),
        )
    geometry = VolumeGeometry.cube(hu.shape[0])
    masks = {view: shown(used[view], framing, projections[view]) for view, framing in framings.items()}
    return Reconstruction(
        hu=np.round(hu).astype(np.int16),
        geometry=geometry,
        views=views,
        unstyled=given if styler else {},
        projections=projections,
        card=model.card,
        notes=notes,
        sources={view: radiograph.source for view, radiograph in radiographs.items()},
        mm_per_pixel={view: framing.mm_per_pixel for view, framing in framings.items()},
        trust=assess(
            views,
            masks,
            reproject(hu, geometry, projections, masks),
            likenesses(views, masks, projections),
            [view for view, framing in framings.items() if framing.looks_mirrored],
            hu,
            uncertainty,
        ),
    )


def _styled(views: dict[View, Float[np.ndarray, "r c"]], styler: Styler | None) -> dict[View, Float[np.ndarray, "r c"]]:
    """What the network sees of standard views."""
    return style(views, styler) if styler else views


def check_needs(model: Model, radiographs: Mapping[View, Radiograph]) -> list[str]:
    """Which radiographs a model has no use for, in words.

    Raises:
        InputError: One that it reads is missing.
    """
    name, needed = model.card["name"], model.generator.views
    for view in needed:
        if view not in radiographs:
            others = models_for([given.name for given in radiographs])
            choice = f"the model {others[0]}, which does without" if others else "another model"
            raise InputError(f"The model {name} needs the {view.label} radiograph. Give it, or choose {choice}.")
    reads = f"The model {name} reads the {needed[0].label} view only"
    return [f"{reads}; the {view.label} is not used." for view in radiographs if view not in needed]


def run_model(
    model: Model,
    images: Float[torch.Tensor, "view r c"],
    device: str = "auto",
    precision: str = "auto",
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Float[np.ndarray, "k j i"]:
    """Standard views to Hounsfield units, on the best device and in the fastest precision that it has.

    A model whose card asks for it is smoothed: transposed convolutions that have not been trained for long leave a
    grid, which a reader might take for texture.
    """
    chosen = choose_device(device)
    number_format = choose_precision(precision, chosen)
    generator = model.generator.to(chosen)
    autocast = torch.autocast(chosen.type, number_format, enabled=number_format != torch.float32)
    with torch.inference_mode(), autocast, _observed(generator, progress, cancel):
        output = generator(images[None].to(chosen))[0].float().clamp(0, 1)
    low, high = HU_RANGE
    hu = (low + (high - low) * output).cpu().numpy()
    smoothing_mm = model.card.get("smoothing_mm", 0)
    if not smoothing_mm:
        return hu
    smooth = sitk.SmoothingRecursiveGaussian(VolumeGeometry.cube(hu.shape[0]).to_image(hu), smoothing_mm)
    return sitk.GetArrayFromImage(smooth).clip(low, high)


@contextmanager
def _observed(network: ReconstructionNetwork, progress: Progress, cancel: CancelToken | None) -> Iterator[None]:
    """Report, and look at `cancel`, after every large part of a network that runs meanwhile."""
    parts = [module for module in network.modules() if isinstance(module, _LARGE)]
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
