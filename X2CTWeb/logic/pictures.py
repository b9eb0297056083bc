"""Radiographs as a browser shows them."""

import base64
import io

import numpy as np
from jaxtyping import Float
from PIL import Image

LARGEST = 1024
"""Longest side of a picture on the page, in pixels."""


def data_url(pixels: Float[np.ndarray, "rows columns"]) -> str:
    """An 8-bit picture of an image on any scale, as the URL of an `img` element."""
    low, high = np.percentile(pixels, (0.5, 99.5))
    grey = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1) * 255
    picture = Image.fromarray(grey.astype(np.uint8))
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
