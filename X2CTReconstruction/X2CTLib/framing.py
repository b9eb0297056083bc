"""Bringing a radiograph to the standard view: 320 mm at the isocentre, centred where the CT cube is centred.

The picture is slid over the mean DRR of its view, at each size and facing that it may have, and the placing with the
highest correlation is kept. Both are compared by local contrast, which exposure and display window do not change.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from X2CTLib.corrections import Correction
from X2CTLib.geometry import CUBE_MM, ProjectionGeometry, View, clinical_projection
from X2CTLib.intensity import normalise, normalise_shown
from X2CTLib.matching import correlate, cut, local_contrast, middle, one_thread, resized, vertex
from X2CTLib.radiograph import Radiograph

TRUSTED_SIMILARITY = 0.4
"""Chest radiographs reach 0.45 to 0.85; below this the picture hardly shows a chest in this view."""

_GRID_MM = 5.0
_CONTRAST_SIGMA_MM = 60.0
_SEARCH_PIXELS = 256  # the longest side of the picture while it is being searched
_BLACK = 0.02
_USUAL_FIELD_MM = 350.0  # longest side of a chest radiograph at the isocentre, after its lungs are scaled to the mean
_SIZES = np.geomspace(0.62, 1.62, 19)
_LIKELY_SIZES = np.geomspace(0.8, 1.25, 9)
_FINER_SIZES = np.geomspace(0.97, 1.03, 5)
# How much correlation an e-fold of the size from the expected one must bring, squared.
_LOOSE, _STIFF = 0.5, 4.0
_LEAST_OVERLAP = 0.6
_CLEARLY, _BARELY = 0.05, 0.03


@dataclass(frozen=True)
class Framing:
    """Where the standard view lies in a radiograph.

    Attributes:
        mm_per_pixel: Size of the radiograph's pixels at the isocentre.
        centre: (row, column) of the isocentre in `Radiograph.pixels`, before any mirroring.
        mirrored: Whether the columns run the wrong way.
        similarity: Correlation with the mean DRR, in [-1, 1].
        looks_mirrored: Whether left and right of a frontal view differ the other way round than in other chests.
        notes: What was assumed and what to check, in words.
    """

    mm_per_pixel: float
    centre: tuple[float, float]
    mirrored: bool
    similarity: float
    looks_mirrored: bool = False
    notes: tuple[str, ...] = ()


def frame_radiographs(
    radiographs: Mapping[View, Radiograph], templates: Mapping[View, Float[np.ndarray, "r c"]]
) -> dict[View, Framing]:
    """Frame one radiograph, or two of one patient.

    Where sizes are unknown, both pictures are expected to come from detectors of one size, so that each view vouches
    for the size of the other: the framings whose similarities together are highest are kept.

    Args:
        radiographs: By what each is meant to be.
        templates: Mean standard DRR of each of these views, in [0, 1]; a view is taken for the other one only if both
            are there.
    """
    radiographs = {view: replace(radiograph, view=view) for view, radiograph in radiographs.items()}
    known = [view for view, radiograph in radiographs.items() if radiograph.pixel_mm is not None]
    choices = []
    for first in known[:1] or radiographs:
        framings = {first: find_framing(radiographs[first], templates[first])}
        field_mm = framings[first].mm_per_pixel * _longest_side(radiographs[first])
        for second in radiographs.keys() - {first}:
            framings[second] = find_framing(radiographs[second], templates[second], field_mm)
        choices.append(framings)
    best = max(choices, key=lambda choice: sum(_merit(radiographs[view], framing) for view, framing in choice.items()))
    return {
        view: _sides_checked(radiograph, _view_checked(radiograph, best[view], templates), templates[view])
        for view, radiograph in radiographs.items()
    }


def _sides_checked(radiograph: Radiograph, framing: Framing, template: Float[np.ndarray, "r c"]) -> Framing:
    """The framing of a frontal view, with a note if its mirror image differs from left to right as chests do.

    Both are framed for themselves: a mirrored heart draws its frame aside until it looks less wrong.
    """
    if radiograph.view is not View.PA or radiograph.oriented:
        return framing
    mirrored = radiograph.corrected(Correction(mirrored=True))
    reframed = find_framing(mirrored, template, framing.mm_per_pixel * _longest_side(radiograph))
    if _sidedness(radiograph, framing, template) >= _sidedness(mirrored, reframed, template):
        return framing
    note = (
        f"{radiograph.source}: looks mirrored; left and right differ the other way round than in other chests. Check "
        "the side marker, and mirror the picture unless the patient is so."
    )
    return replace(framing, looks_mirrored=True, notes=(*framing.notes, note))


def _sidedness(radiograph: Radiograph, framing: Framing, template: Float[np.ndarray, "r c"]) -> float:
    """Correlation of what differs between left and right with what does in the template."""
    view, inside = _cut(radiograph, framing, clinical_projection(View.PA, len(template)))
    both = inside & inside.flip(1)
    own, usual = ((image - image.flip(1))[both] for image in (normalise_shown(view, inside), _tensor(template)))
    return float(torch.nn.functional.cosine_similarity(own, usual, dim=0))


def _view_checked(
    radiograph: Radiograph, framing: Framing, templates: Mapping[View, Float[np.ndarray, "r c"]]
) -> Framing:
    """The framing, with a note if the picture is more like the other view."""
    (other,) = set(View) - {radiograph.view}
    if other not in templates:
        return framing
    field_mm = framing.mm_per_pixel * _longest_side(radiograph)
    rival = find_framing(replace(radiograph, view=other, oriented=False), templates[other], field_mm)
    if rival.similarity < framing.similarity + _CLEARLY:
        return framing
    note = f"{radiograph.source}: looks more like the {other.label} view. Check that the views are not swapped."
    return replace(framing, notes=(*framing.notes, note))


def _merit(radiograph: Radiograph, framing: Framing) -> float:
    """Similarity, less what an unusual size costs."""
    size = framing.mm_per_pixel * _longest_side(radiograph) / _USUAL_FIELD_MM
    return framing.similarity - _LOOSE * math.log(size) ** 2


def _field(pixels: Float[np.ndarray, "r c"]) -> tuple[slice, slice]:
    """Rows and columns of a picture without its black border, which says nothing of the detector's size."""
    ends = (np.flatnonzero((pixels > _BLACK).any(axis=axis))[[0, -1]] for axis in (1, 0))
    return tuple(slice(first, last + 1) for first, last in ends)


def _longest_side(radiograph: Radiograph) -> int:
    return max(radiograph.pixels[_field(radiograph.pixels)].shape)


@one_thread()
def find_framing(radiograph: Radiograph, template: Float[np.ndarray, "r c"], field_mm: float | None = None) -> Framing:
    """Find the standard view in a radiograph.

    A known pixel size is kept; an unknown one is estimated by bringing the lungs to the size that they have in the
    template. A lateral may face either way, unless its file says which; a frontal view is never mirrored. A known
    isocentre is kept, too.

    Args:
        radiograph: In canonical orientation.
        template: Mean standard DRR of its view, in [0, 1], 320 mm wide.
        field_mm: Length at the isocentre expected of the longest side without black borders, where it is known from the
            other view.
    """
    search = _Search.of(radiograph, template, field_mm)
    either_way = radiograph.view is View.LATERAL and not radiograph.oriented
    if radiograph.pixel_mm is not None:
        sizes = finer = [1.0]
    else:
        sizes, finer = (_LIKELY_SIZES if field_mm else _SIZES), _FINER_SIZES
    placings = [
        search.place(size, mirrored) for mirrored in ((False, True) if either_way else (False,)) for size in sizes
    ]
    rough = max(placings, key=attrgetter("score"))
    best = max((search.place(rough.size * size, rough.mirrored) for size in finer), key=attrgetter("score"))
    framing = search.framing(best, _notes(radiograph, best, placings))
    return replace(framing, centre=radiograph.isocentre) if radiograph.isocentre else framing


def standard_view(radiograph: Radiograph, framing: Framing, projection: ProjectionGeometry) -> Float[np.ndarray, "r c"]:
    """Cut the standard view out of a radiograph.

    Args:
        radiograph: In canonical orientation.
        framing: Where the view lies in it.
        projection: Whose pixels and field of view it is to have.

    Returns:
        float32 in [0, 1]; 0 where the radiograph shows nothing.
    """
    return normalise_shown(*_cut(radiograph, framing, projection)).numpy()


def shown(radiograph: Radiograph, framing: Framing, projection: ProjectionGeometry) -> Bool[np.ndarray, "r c"]:
    """The pixels of the standard view that lie on the radiograph; the arguments are those of `standard_view`."""
    return _cut(radiograph, framing, projection)[1].numpy()


def chest_crop(radiograph: Radiograph, framing: Framing) -> tuple[float, float, float, float]:
    """The parts of a radiograph to cut off at the left, top, right and bottom so that the standard view is left."""
    row, column = framing.centre
    half = CUBE_MM / 2 / framing.mm_per_pixel
    rows, columns = radiograph.pixels.shape
    sides = (column + 0.5 - half, row + 0.5 - half, columns - column - 0.5 - half, rows - row - 0.5 - half)
    return tuple(max(0.0, side / length) for side, length in zip(sides, (columns, rows) * 2, strict=True))


def _cut(
    radiograph: Radiograph, framing: Framing, projection: ProjectionGeometry
) -> tuple[Float[Tensor, "r c"], Bool[Tensor, "r c"]]:
    step = projection.pixel_mm / projection.magnification / framing.mm_per_pixel
    size = projection.rows, projection.columns
    return cut(_tensor(radiograph.pixels), framing.centre, step, size, framing.mirrored)


def _tensor(image: Float[np.ndarray, "r c"]) -> Float[Tensor, "r c"]:
    return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))


@dataclass(frozen=True)
class _Placing:
    """The best position of the standard view for one size and facing of the picture."""

    size: float
    mirrored: bool
    offset_mm: tuple[float, float]  # from the picture's middle to the view's, (down, right) as the view is displayed
    similarity: float
    score: float
    negative: float  # the highest correlation with black and white exchanged


@dataclass(frozen=True)
class _Search:
    """A radiograph, made small, and the pattern that is looked for in it.

    Attributes:
        picture: The radiograph without its black border, in [0, 1].
        middle: (row, column) of its middle in the radiograph.
        reduction: Pixels of the radiograph to one of the picture.
        pixel_mm: Expected size of the picture's pixels.
        stiffness: How much score an e-fold from that size costs.
        contrast: Local contrast of the template.
        weight: How much each of its pixels counts.
    """

    picture: Float[Tensor, "r c"]
    middle: tuple[float, float]
    reduction: float
    pixel_mm: float
    stiffness: float
    contrast: Float[Tensor, "h w"]
    weight: Float[Tensor, "h w"]

    @classmethod
    def of(cls, radiograph: Radiograph, template: Float[np.ndarray, "h w"], field_mm: float | None):
        """Prepare both sides of the comparison."""
        rows, columns = _field(radiograph.pixels)
        pixels = radiograph.pixels[rows, columns]
        longest = max(pixels.shape)
        reduction = max(1.0, longest / _SEARCH_PIXELS)
        pattern = resized(_tensor(template), _GRID_MM * len(template) / CUBE_MM)
        return cls(
            picture=normalise(resized(_tensor(pixels), reduction)),
            middle=tuple(side.start + place for side, place in zip((rows, columns), middle(pixels.shape), strict=True)),
            reduction=reduction,
            pixel_mm=reduction * (radiograph.pixel_mm or (field_mm or _USUAL_FIELD_MM) / longest),
            stiffness=_STIFF if field_mm else _LOOSE,
            contrast=local_contrast(pattern, _CONTRAST_SIGMA_MM / _GRID_MM),
            # The air beside the body says little: tables, arms and collimators lie there.
            weight=(pattern / 0.5).clamp(0.02, 1.0),
        )

    def place(self, size: float, mirrored: bool) -> _Placing:
        """Find the best position for pixels of `size` times the expected size."""
        image = resized(self.picture.flip(1) if mirrored else self.picture, _GRID_MM / (self.pixel_mm * size))
        contrast = local_contrast(image, _CONTRAST_SIGMA_MM / _GRID_MM)
        correlation, overlap = correlate(contrast, self.contrast, self.weight)
        score = correlation + 0.5 * (overlap.sqrt() - 1)
        enough = overlap >= _LEAST_OVERLAP * overlap.max()
        score[~enough] = -2
        row, column = divmod(int(score.argmax()), score.shape[1])
        first = (vertex(score[:, column], row), vertex(score[row], column))
        offset = (
            (index - (length if index > side - 0.5 else 0) + (view - side) / 2) * _GRID_MM
            for index, length, side, view in zip(first, score.shape, image.shape, self.contrast.shape, strict=True)
        )
        return _Placing(
            size=size,
            mirrored=mirrored,
            offset_mm=tuple(offset),
            similarity=float(correlation[row, column]),
            score=float(score[row, column]) - self.stiffness * math.log(size) ** 2,
            negative=-float(correlation[enough].min()),
        )

    def framing(self, placing: _Placing, notes: Sequence[str]) -> Framing:
        """A placing in the pixels of the radiograph."""
        mm_per_pixel = float(self.pixel_mm * placing.size / self.reduction)
        down, right = placing.offset_mm
        row, column = self.middle
        centre = (row + down / mm_per_pixel, column + (-right if placing.mirrored else right) / mm_per_pixel)
        return Framing(mm_per_pixel, centre, placing.mirrored, placing.similarity, notes=tuple(notes))


def _notes(radiograph: Radiograph, best: _Placing, placings: Sequence[_Placing]) -> list[str]:
    """What was assumed, and what a person should look at."""
    name = radiograph.source
    notes = []
    if best.similarity < TRUSTED_SIMILARITY:
        notes.append(
            f"{name}: hardly looks like a chest in this view (similarity {best.similarity:.2f}, below "
            f"{TRUSTED_SIMILARITY}). Check that it is the right picture, and its framing."
        )
    if radiograph.pixel_mm is None:
        notes.append(f"{name}: size estimated from the lungs; lengths and volumes may be off by a quarter.")
    if best.mirrored:
        notes.append(f"{name}: mirrored, so that the spine is to the right.")
    other_way = [placing.score for placing in placings if placing.mirrored != best.mirrored]
    if other_way and best.score - max(other_way) < _BARELY:
        notes.append(f"{name}: it is not certain which way the patient faces. Check that the spine is to the right.")
    if max(placing.negative for placing in placings) > best.similarity + _CLEARLY:
        notes.append(f"{name}: looks like a negative. Check that bone is bright, and invert the picture if not.")
    return notes
