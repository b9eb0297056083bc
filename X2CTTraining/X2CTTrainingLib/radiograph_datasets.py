"""Unpaired radiographs as standard views, for the styler: found in folders, told apart, framed once and cached."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from X2CTLib.errors import InputError
from X2CTLib.framing import TRUSTED_SIMILARITY, find_framing, shown, standard_view
from X2CTLib.geometry import View, clinical_projection
from X2CTLib.pairing import view_in_words, without_view_words
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.radiograph import read_radiograph
from X2CTTrainingLib.datasets import cached
from X2CTTrainingLib.splits import keep_record
from X2CTTrainingLib.style_images import StyleImage, held_out

_CACHE_VERSION = 2
"""Raise when the preparation of a radiograph changes."""
_PARTS = ("train", "test")


def gather_radiographs(
    sources: Sequence[Path],
    templates: dict[View, Float[np.ndarray, "r c"]],
    cache: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[list[StyleImage], list[str]]:
    """Bring radiographs to the standard view, or find them in the cache.

    Args:
        sources: Files and folders, which are searched with what lies below.
        templates: Mean DRRs of each view, by which radiographs are framed and, where neither file name, folder nor
            DICOM tag says it, frontals and laterals are told apart.
        cache: Folder for the prepared views; made if missing.
        progress: Told after every radiograph.
        cancel: Looked at before every radiograph.

    Returns:
        The views, and why files were skipped, in words.

    Raises:
        InputError: A source does not exist, or there is no usable radiograph.
    """
    files = list(_files(sources))
    images, skipped = [], []
    for index, file in enumerate(files):
        if cancel:
            cancel.check()
        try:
            images.append(_prepare(file, templates, cache))
        except InputError as error:
            skipped.append(str(error))
        progress((index + 1) / len(files), f"Prepared {file.name}")
    if not images:
        raise InputError(f"There is no usable radiograph in {', '.join(map(str, sources))}. {' '.join(skipped[:3])}")
    return images, skipped


def record_radiographs(folder: Path, images: Sequence[StyleImage]) -> None:
    """Write radiographs.json, or check that it is the one that is there: who is trained with, and who is held out.

    Raises:
        InputError: The folder holds a run on other radiographs.
    """
    if images:
        parts = {part: sorted(i.name for i in images if held_out(i.patient) == (part == "test")) for part in _PARTS}
        keep_record(folder / "radiographs.json", parts)


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in map(Path, sources):
        if not source.exists():
            raise InputError(f"There is no file or folder {source}. Check its name.")
        yield from sorted(file for file in source.rglob("*") if file.is_file()) if source.is_dir() else [source]


def _prepare(file: Path, templates: dict[View, Float[np.ndarray, "r c"]], cache: Path) -> StyleImage:
    """The standard view of one file.

    Raises:
        InputError: It is no radiograph of a chest.
    """
    digest = hashlib.sha256(file.read_bytes())
    digest.update(f"{_CACHE_VERSION} {named_view(file)}".encode())
    for view in View:
        digest.update(np.ascontiguousarray(templates[view]))
    stored = cached(Path(cache) / digest.hexdigest()[:24], lambda: _framed(file, templates))
    if stored["similarity"] < TRUSTED_SIMILARITY:
        raise InputError(f"{file.name} does not look like a chest (similarity {stored['similarity']:.2f}).")
    patient = str(stored["patient"]) or without_view_words(file.stem)
    return StyleImage(file.stem, patient, View[str(stored["view"])], stored["pixels"], stored["shown"])


def _framed(file: Path, templates: dict[View, Float[np.ndarray, "r c"]]) -> dict[str, np.ndarray]:
    """What the cache holds of a radiograph: the entries of a `StyleImage` that cost time, and the similarity."""
    radiograph = read_radiograph(file)
    said = radiograph.view or named_view(file)
    candidates = [replace(radiograph, view=view) for view in ([said] if said else View)]
    framings = [find_framing(candidate, templates[candidate.view]) for candidate in candidates]
    best, framing = max(zip(candidates, framings, strict=True), key=lambda pair: pair[1].similarity)
    return {
        "view": np.array(best.view.name),
        "patient": np.array(radiograph.patient or ""),
        "similarity": np.array(framing.similarity),
        "pixels": standard_view(best, framing, clinical_projection(best.view)),
        "shown": shown(best, framing, clinical_projection(best.view)),
    }


def named_view(file: Path) -> View | None:
    """The view that a file's name tells, or else its folder's: x_lateral.png, lateral/x.png."""
    name = view_in_words(file.stem) or view_in_words(file.parent.name)
    return View[name] if name else None
