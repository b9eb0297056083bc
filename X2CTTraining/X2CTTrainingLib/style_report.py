"""The styler's report: scores of both views, and held-out radiographs before and after beside DRRs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from X2CTLib.geometry import View
from X2CTLib.page import png_uri, write_page
from X2CTTrainingLib.style_images import StyleImage
from X2CTTrainingLib.style_scores import ViewScores

TEMPLATE = Path(__file__).resolve().parent.parent / "Resources" / "Report" / "x2ct_styler.html.j2"
_MOST = 8
"""Cases of each view that are shown."""
_ENLARGED = 2


@dataclass(frozen=True)
class Rows:
    """The held-out images of one view: radiographs, the same after the styler, and DRRs of other people."""

    before: Sequence[StyleImage]
    after: Sequence[StyleImage]
    drrs: Sequence[StyleImage]


def style_sheet(rows: dict[View, Rows]) -> UInt8[np.ndarray, "r c"]:
    """A row of pictures for each case, and its columns: radiograph, styled, their difference, and some DRR."""
    lines = []
    for shown in rows.values():
        count = min(_MOST, len(shown.before))
        for index in range(count):
            before, after = (images[index * len(images) // count].pixels for images in (shown.before, shown.after))
            drr = shown.drrs[index * len(shown.drrs) // count].pixels
            lines.append(np.hstack([before, after, (after - before + 1) / 2, drr]))
    return np.round(255 * np.clip(np.vstack(lines), 0, 1)).astype(np.uint8)


def write_style_report(path: Path, card: dict, scores: Sequence[ViewScores], rows: dict[View, Rows]) -> None:
    """Write a page that needs no other file.

    Args:
        path: The `.html` file.
        card: Of the styler.
        scores: Of the views that have held-out images.
        rows: Their pictures.
    """
    pictures = [(view.name, _png(style_sheet({view: shown}))) for view, shown in rows.items()]
    write_page(
        path, TEMPLATE, card=card, scores={score.view.name: score.to_dict() for score in scores}, pictures=pictures
    )


def _png(pixels: UInt8[np.ndarray, "r c"]) -> str:
    height, width = pixels.shape
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((_ENLARGED * width, _ENLARGED * height), Image.Resampling.BICUBIC).save(
        stream, "PNG"
    )
    return png_uri(stream.getvalue())
