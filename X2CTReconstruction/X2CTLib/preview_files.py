"""Reads, corrects and frames the radiographs of a request, and writes what to look at before reconstructing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float

from X2CTLib.corrections import Correction
from X2CTLib.errors import X2CTError
from X2CTLib.files import whole_folder
from X2CTLib.framing import chest_crop, frame_radiographs, standard_view
from X2CTLib.geometry import View
from X2CTLib.inference import check_needs
from X2CTLib.matching import resized
from X2CTLib.pipeline import read_corrected, request_model, request_styler
from X2CTLib.preview import RECORD, Preview, ViewPreview
from X2CTLib.radiograph import Radiograph, find_objections, find_warnings, overridden
from X2CTLib.request import Request
from X2CTLib.styler import style
from X2CTLib.weights import Model

_LONGEST = 512  # pixels of a picture's longer side


def write_preview(request: Request, folder: Path) -> Preview:
    """Write preview.json and the PNG files that it names; `preview.Preview` says what they are.

    What is wrong with one radiograph does not hide the other, and nothing that is wrong is raised.

    Raises:
        InputError: The folder cannot be written to.
    """
    radiographs, views, problems = _read(request)
    with whole_folder(folder) as scratch:
        try:
            model = request_model(request)
            views |= _seen(request, model, radiographs, views, scratch)
            check_needs(model, radiographs)
        except X2CTError as error:
            problems.append(str(error))
        for view, radiograph in radiographs.items():
            views[view.name] = replace(views[view.name], picture=_write(scratch, view, "picture", _small(radiograph)))
        preview = _judged(request, radiographs, views, problems)
        record = asdict(preview)
        (scratch / RECORD).write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")
    return preview


def _read(request: Request) -> tuple[dict[View, Radiograph], dict[str, ViewPreview], list[str]]:
    """The radiographs that can be read, a preview of each that was given, and why others cannot be read."""
    radiographs, views, problems = {}, {}, []
    for name in request.files:
        try:
            radiograph = radiographs[View[name]] = read_corrected(request, name)
            views[name] = ViewPreview(
                words=_words(radiograph, radiograph.pixel_mm),
                notes=(*radiograph.objections, *radiograph.notes),
                oriented=radiograph.oriented,
            )
        except X2CTError as error:
            problems.append(str(error))
            views[name] = ViewPreview(notes=(str(error),))
    return radiographs, views, problems


def _seen(
    request: Request,
    model: Model,
    radiographs: Mapping[View, Radiograph],
    views: Mapping[str, ViewPreview],
    folder: Path,
) -> dict[str, ViewPreview]:
    """The previews of the views that the model reads, completed by what it sees of them."""
    used = {view: radiographs[view] for view in model.generator.views if view in radiographs}
    if not used:
        return {}
    framings = frame_radiographs(used, model.templates)
    seen = {view: standard_view(used[view], framings[view], model.projections[view]) for view in used}
    styled = style(seen, request_styler(request)) if request.styler else {}
    return {
        view.name: replace(
            views[view.name],
            seen=_write(folder, view, "seen", seen[view]),
            styled=_write(folder, view, "styled", styled[view]) if styled else None,
            words=_words(used[view], framing.mm_per_pixel),
            mirrored=framing.mirrored,
            notes=(*views[view.name].notes, *framing.notes),
            chest_crop=request.corrections.get(view.name, Correction()).further_crop(chest_crop(used[view], framing)),
        )
        for view, framing in framings.items()
    }


def _judged(
    request: Request,
    radiographs: Mapping[View, Radiograph],
    views: dict[str, ViewPreview],
    problems: list[str],
) -> Preview:
    """The preview with what would stop the reconstruction; what cannot be overridden comes first."""
    objections, notes = find_objections(radiographs), find_warnings(radiographs)
    if request.override:
        notes = overridden(objections) + notes
    else:
        problems = problems + objections
    overridable = bool(problems) and problems[0] in objections
    return Preview(views, tuple(notes), problems[0] if problems else None, overridable)


def _small(radiograph: Radiograph) -> Float[np.ndarray, "r c"]:
    pixels = torch.from_numpy(np.ascontiguousarray(radiograph.pixels))
    return resized(pixels, max(1.0, max(pixels.shape) / _LONGEST)).numpy()


def _write(folder: Path, view: View, kind: str, image: Float[np.ndarray, "r c"]) -> Path:
    """Write a picture in [0, 1]; returns its name."""
    name = Path(f"{view.name.lower()}_{kind}.png")
    sitk.WriteImage(sitk.GetImageFromArray(np.round(255 * image.clip(0, 1)).astype(np.uint8)), folder / name)
    return name


def _words(radiograph: Radiograph, mm: float | None) -> str:
    rows, columns = radiograph.pixels.shape
    if mm is None:
        return f"{columns} × {rows} pixels of unknown size"
    estimated = "" if radiograph.pixel_mm else ", estimated"
    return f"{columns} × {rows} pixels of {mm:.2g} mm: {columns * mm:.0f} × {rows * mm:.0f} mm{estimated}"
