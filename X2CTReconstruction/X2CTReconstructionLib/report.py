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
from X2CTReconstructionLib.pictures import PICTURES
from X2CTReconstructionLib.png import picture_uri
from X2CTReconstructionLib.provenance import VIEW_NAMES, anonymous_notes

TEMPLATE = Path(__file__).resolve().parent.parent / "Resources" / "Report" / "x2ct_report.html.j2"
# Of the longer side of the radiographs as given: few, because there may be names burned into them.
_INPUT_PIXELS = 100
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
        shape=" × ".join(map(str, reversed(reconstruction.geometry.shape))),
        spacing=" × ".join(dict.fromkeys(f"{mm:g}" for mm in reconstruction.geometry.spacing)),
        measurements=measurements,
        notes=anonymous_notes(reconstruction),
        model=card.get("name", "unnamed model"),
        sha256=card.get("sha256", ""),
        card={key: card[key] for key in _CARD_ENTRIES if card.get(key)},
    )


def _reduced(image: Float[np.ndarray, "r c"]) -> Float[np.ndarray, "r2 c2"]:
    factor = math.ceil(max(image.shape) / _INPUT_PIXELS)
    return sitk.GetArrayFromImage(sitk.BinShrink(sitk.GetImageFromArray(image), [factor, factor]))


def _file_uri(path: Path) -> str:
    return png_uri(Path(path).read_bytes())
