"""Small steps that bring a stored picture to the form in which radiographs are worked with."""

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float, Num

from X2CTLib.geometry import View

_PLAUSIBLE_FIELD_MM = (150.0, 700.0)
_COLOUR, _COLOURED_PART = 0.1, 0.02


def to_canonical(
    pixels: Float[np.ndarray, "r c"], columns_to: str, rows_to: str
) -> tuple[Float[np.ndarray, "h w"], View] | None:
    """Turn and flip a picture so that row 0 is superior and columns grow to the patient's left, or to posterior.

    Args:
        pixels: As stored.
        columns_to: Side of the patient to which columns grow, as in Patient Orientation (0020,0020): L, R, A, P, H, F.
        rows_to: The same for rows.

    Returns:
        The picture and its view; None where these are not the sides of a chest radiograph.
    """
    if columns_to in ("H", "F"):
        pixels, columns_to, rows_to = pixels.T, rows_to, columns_to
    if rows_to not in ("H", "F") or columns_to not in ("L", "R", "A", "P"):
        return None
    if rows_to == "H":
        pixels = pixels[::-1]
    if columns_to in ("R", "A"):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels), View.PA if columns_to in ("L", "R") else View.LATERAL


def square_pixels(pixels: Float[np.ndarray, "r c"], row_mm: float, column_mm: float) -> Float[np.ndarray, "h w"]:
    """Resample a picture whose rows are `row_mm` and columns `column_mm` apart to the smaller of the two."""
    if abs(row_mm / column_mm - 1) < 0.005:
        return pixels
    image = sitk.GetImageFromArray(np.ascontiguousarray(pixels))
    image.SetSpacing([column_mm, row_mm])
    image = sitk.ZeroFluxNeumannPad(image, [1, 1], [1, 1])
    target = min(row_mm, column_mm)
    size = [round(pixels.shape[1] * column_mm / target), round(pixels.shape[0] * row_mm / target)]
    # The first pixels share their outer edges; index 0 before the padding is the origin.
    origin = [(target - column_mm) / 2, (target - row_mm) / 2]
    resampled = sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, origin, [target, target])
    return sitk.GetArrayFromImage(resampled)


def grey(channels: Num[np.ndarray, "r c rgb"]) -> tuple[Float[np.ndarray, "r c"], bool]:
    """The grey picture in red, green and blue, and whether it was in colour."""
    channels = channels.astype(np.float32)
    spread = channels.max(axis=-1) - channels.min(axis=-1)
    coloured = (spread > _COLOUR * channels.max()).mean() > _COLOURED_PART
    return channels.mean(axis=-1), bool(coloured)


def plausible_size(pixel_mm: float, pixels: np.ndarray) -> bool:
    """Whether pixels of this size make a picture of about the size of a chest."""
    low, high = _PLAUSIBLE_FIELD_MM
    return bool(low <= pixel_mm * max(pixels.shape) <= high)
