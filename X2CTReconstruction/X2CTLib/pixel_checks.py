"""What the pixels of a radiograph say against it: few, blank, clipped, framed, lettered, or those of another one."""

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from X2CTLib.errors import InputError

_NO_PIXELS, _LEAST_PIXELS, _FEW_PIXELS = 8, 64, 256
_LEAST_GREYS = 16
_GREYS = 4096
_WHITE, _WHITE_PART, _WIDEST_FRAME = 0.97, 0.9, 0.15
_BLACKEST, _WHITEST = 0.005, 0.995
# Real radiographs have up to 5 % of pure white, and 40 % of pure black beside the body.
_BURNT_OUT, _MOST_WHITE, _MOST_BLACK = 0.1, 0.5, 0.8
_SAME_PICTURE = 0.93
_THUMBNAIL = 48


def scaled(pixels: Float[np.ndarray, "r c"], name: str) -> Float[np.ndarray, "r c"]:
    """The pixels as float32 in [0, 1]; what is not finite is 0.

    Raises:
        InputError: There is no picture at all.
    """
    rows, columns = pixels.shape
    if min(rows, columns) < _NO_PIXELS:
        raise InputError(f"{name} has {columns}x{rows} pixels, which show nothing. Choose another picture.")
    with np.errstate(invalid="ignore"):  # some undefined numbers complain when they are cast
        pixels = pixels.astype(np.float64)
    finite = np.isfinite(pixels)
    low, high = (end(pixels, where=finite, initial=start) for end, start in ((np.min, np.inf), (np.max, -np.inf)))
    if not high > low:
        raise InputError(f"{name} is blank. Choose another picture.")
    return ((np.where(finite, pixels, low) - low) / (high - low)).astype(np.float32)


def objections_to(pixels: Float[np.ndarray, "r c"]) -> list[str]:
    """What makes a picture useless, in words that follow its name.

    Args:
        pixels: In [0, 1].
    """
    rows, columns = pixels.shape
    objections = []
    if min(rows, columns) < _LEAST_PIXELS:
        objections.append(
            f"has {columns}x{rows} pixels; at least {_LEAST_PIXELS} each way are needed. "
            "Export the radiograph at its own resolution."
        )
    middle = pixels[rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)]
    greys = np.bincount((middle * (_GREYS - 1)).astype(np.int32).ravel(), minlength=_GREYS)
    if np.count_nonzero(greys) < _LEAST_GREYS:
        objections.append("is blank, or nearly so. Choose another picture.")
    for part, most, colour in (
        ((pixels > _WHITEST).mean(), _MOST_WHITE, "white"),
        ((pixels < _BLACKEST).mean(), _MOST_BLACK, "black"),
    ):
        if part > most:
            objections.append(f"is clipped: {part:.0%} of it is pure {colour}. Export it with another display window.")
    return objections


def oddities(pixels: Float[np.ndarray, "r c"]) -> list[str]:
    """What may disturb in a picture that can be used, in words.

    Args:
        pixels: In [0, 1].
    """
    rows, columns = pixels.shape
    found = {
        f"only {columns}x{rows} pixels; fine detail is lost.": min(rows, columns) < _FEW_PIXELS,
        "a large part is pure white; what lies there cannot be seen.": (pixels > _WHITEST).mean() > _BURNT_OUT,
        "there are letters or markers near the border; they may leave traces.": _has_marks(pixels),
    }
    return [words for words, so in found.items() if so]


def blank_white_frame(pixels: Float[np.ndarray, "r c"]) -> bool:
    """Set rows and columns at the border that are white from end to end to 0, in place; whether there were any."""
    found = False
    for side in (pixels, pixels[::-1], pixels.T, pixels.T[::-1]):
        white = (side[: round(len(side) * _WIDEST_FRAME)] > _WHITE).mean(axis=1) > _WHITE_PART
        if white.any():
            # Up to the innermost: a thin dark line may lie outside of a frame.
            side[: np.flatnonzero(white)[-1] + 1] = 0
            found = True
    return found


def same_picture(one: Float[np.ndarray, "r c"], other: Float[np.ndarray, "r c"]) -> bool:
    """Whether two pictures show the same, also when resized, mirrored, turned, inverted or re-windowed."""
    first, second = _thumbnail(one), _thumbnail(other)
    turned = [np.rot90(mirrored, turns) for mirrored in (second, second[:, ::-1]) for turns in range(4)]
    return max(abs(float((first * candidate).mean())) for candidate in turned) > _SAME_PICTURE


def _has_marks(pixels: Float[np.ndarray, "r c"]) -> bool:
    """Whether small things near the border stand out as letters do."""
    image = _resized(pixels, 256 / max(pixels.shape))
    bright = sitk.WhiteTopHat(image, [4, 4])
    marks = sitk.GetArrayFromImage(bright) > 0.45
    height, width = (side // 6 for side in marks.shape)
    marks[height:-height, width:-width] = False
    return marks.sum() > 12


def _thumbnail(pixels: Float[np.ndarray, "r c"]) -> Float[np.ndarray, "n n"]:
    """A small square copy without its coarse brightness, of mean 0 and variance 1."""
    image = _resized(pixels, _THUMBNAIL / pixels.shape[0], _THUMBNAIL / pixels.shape[1])
    fine = sitk.GetArrayFromImage(image - sitk.SmoothingRecursiveGaussian(image, _THUMBNAIL / 8))
    return (fine - fine.mean()) / (fine.std() + 1e-9)


def _resized(pixels: Float[np.ndarray, "r c"], rows_by: float, columns_by: float | None = None) -> sitk.Image:
    """A copy with other numbers of rows and columns, smoothed first; its spacing is 1."""
    factors = [columns_by or rows_by, rows_by]
    # Means of a quarter of the wanted width each: what follows is then quick for pictures of any size.
    image = sitk.BinShrink(sitk.GetImageFromArray(pixels), [max(1, int(0.25 / factor)) for factor in factors])
    smooth = [max(0.5 / factor, 1e-3) for factor in factors]
    size = [round(count * factor) for count, factor in zip(pixels.shape[::-1], factors, strict=True)]
    origin = [0.5 / factor - 0.5 for factor in factors]
    spacing = [1 / factor for factor in factors]
    small = sitk.Resample(
        sitk.SmoothingRecursiveGaussian(image, smooth), size, sitk.Transform(), sitk.sitkLinear, origin, spacing
    )
    return sitk.GetImageFromArray(sitk.GetArrayFromImage(small))
