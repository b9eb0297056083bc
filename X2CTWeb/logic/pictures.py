"""Radiographs as a browser shows them."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from X2CTLib.page import png_uri

LARGEST = 1024
"""Longest side of a picture on the page, in pixels."""
_CROPPED_AWAY = 0.3


def reduced(pixels: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "r c"]:
    """An image of any size and scale as the page shows it: small, and in [0, 1]."""
    low, high = np.percentile(pixels, (0.5, 99.5))
    picture = Image.fromarray(np.clip((pixels - low) / max(high - low, 1e-6), 0, 1).astype(np.float32))
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(picture).clip(0, 1)


def grey_url(pixels: Float[np.ndarray, "r c"], crop: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)) -> str:
    """An image in [0, 1] as the URL of an `img` element.

    Args:
        pixels: Bright is bright.
        crop: Parts at the left, top, right and bottom that are darkened.
    """
    rows, columns = pixels.shape
    left, top, right, bottom = crop
    kept = np.zeros(pixels.shape, dtype=bool)
    kept[round(top * rows) : rows - round(bottom * rows), round(left * columns) : columns - round(right * columns)] = 1
    return _url(np.round(255 * np.where(kept, pixels, _CROPPED_AWAY * pixels)).astype(np.uint8))


def difference_url(one: Float[np.ndarray, "r c"], other: Float[np.ndarray, "r c"]) -> str:
    """Where the first of two images in [0, 1] is brighter, in orange, and where the other is, in blue."""
    more = np.clip(2 * (one - other), -1, 1)[..., np.newaxis]
    orange, blue = np.array([255, 150, 40]), np.array([70, 150, 255])
    return _url((np.clip(more, 0, 1) * orange + np.clip(-more, 0, 1) * blue).astype(np.uint8))


def _url(picture: UInt8[np.ndarray, "r c *rgb"]) -> str:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return png_uri(stream.getvalue())
