"""The report of a reconstruction: one HTML file that holds everything it shows and nothing that names the patient."""

import math
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from X2CTLib.anatomy import Measurement
from X2CTLib.geometry import View
from X2CTLib.page import png_uri, write_page
from X2CTLib.radiograph import Radiograph
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.trust import Trust
from X2CTReconstructionLib.pictures import PICTURES
from X2CTReconstructionLib.png import comparison_uris, picture_uri
from X2CTReconstructionLib.provenance import VIEW_NAMES, anonymous_notes

TEMPLATE = Path(__file__).resolve().parent.parent / "Resources" / "Report" / "x2ct_report.html.j2"
# Of the longer side of the radiographs as given: few, because there may be names burned into them.
_INPUT_PIXELS = 100
_COMPARED = "What the network saw", "The volume, projected again", "Difference: bright where the volume is denser"
_CARD_ENTRIES = ("data", "training", "scores", "limits", "licence")


def write_report(
    path: Path,
    reconstruction: Reconstruction,
    radiographs: dict[View, Radiograph],
    measurements: list[Measurement],
    pictures: dict[str, Path],
) -> None:
    """Write a self-contained report.

    Args:
        path: The `.html` file, written whole or not at all.
        reconstruction: What the engine returned.
        radiographs: What it was made from; shown at low resolution, which blurs text burned into the pixels. May be
            empty, then only what the network saw is shown.
        measurements: From `X2CTLib.anatomy.measure`.
        pictures: Files from `X2CTReconstructionLib.rendering.render_pictures`.
    """
    card = reconstruction.card
    write_page(
        path,
        TEMPLATE,
        inputs=[
            (VIEW_NAMES[view], picture_uri(_reduced(radiograph.pixels))) for view, radiograph in radiographs.items()
        ],
        unstyled=[(VIEW_NAMES[view], picture_uri(image)) for view, image in reconstruction.unstyled.items()],
        views=[(VIEW_NAMES[view], picture_uri(image)) for view, image in reconstruction.views.items()],
        renderings=[(p.title, _file_uri(pictures[p.name])) for p in PICTURES if not p.sliced],
        slices=[(p.title, _file_uri(pictures[p.name])) for p in PICTURES if p.sliced],
        trust=reconstruction.trust,
        comparisons=_comparisons(reconstruction),
        uncertainty=_uncertainty_slices(reconstruction.trust),
        shape=" × ".join(map(str, reversed(reconstruction.geometry.shape))),
        spacing=" × ".join(dict.fromkeys(f"{mm:g}" for mm in reconstruction.geometry.spacing)),
        measurements=measurements,
        notes=anonymous_notes(reconstruction),
        model=card.get("name", "unnamed model"),
        sha256=card.get("sha256", ""),
        card={key: card[key] for key in _CARD_ENTRIES if card.get(key)},
    )


def _comparisons(reconstruction: Reconstruction) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each view its numbers in words, and what the network saw, what the volume would show, and the difference."""
    trust = reconstruction.trust
    return [
        (
            _numbers(trust, view),
            list(zip(_COMPARED, comparison_uris(seen, projected), strict=True)),
        )
        for view, projected in (trust.reprojections.items() if trust else ())
        if (seen := reconstruction.views.get(view)) is not None
    ]


def _numbers(trust: Trust, view: View) -> str:
    words = f"{VIEW_NAMES[view]}: correlation {trust.reprojection_correlations[view]:.2f}"
    return f"{words}, familiarity {trust.familiarity[view]:.2f}" if view in trust.familiarity else words


def _uncertainty_slices(trust: Trust | None) -> list[tuple[str, str]]:
    """The spread in the middle of the volume, oriented as its slices are."""
    if trust is None or trust.uncertainty is None:
        return []
    spread = trust.uncertainty
    k, j, i = (side // 2 for side in spread.shape)
    upright = spread[::-1]
    window = 0.0, float(np.percentile(spread, 99.5))
    slices = {"axial": spread[k], "coronal": upright[:, j], "sagittal": upright[:, :, i]}
    return [
        (f"Uncertainty, {name}, 0 to {window[1]:.0f} HU", picture_uri(values, window))
        for name, values in slices.items()
    ]


def _reduced(image: Float[np.ndarray, "r c"]) -> Float[np.ndarray, "r2 c2"]:
    factor = math.ceil(max(image.shape) / _INPUT_PIXELS)
    return sitk.GetArrayFromImage(sitk.BinShrink(sitk.GetImageFromArray(image), [factor, factor]))


def _file_uri(path: Path) -> str:
    return png_uri(Path(path).read_bytes())
