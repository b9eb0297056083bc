"""Sampling pictures without aliasing, and finding one in another: the arithmetic behind framing.

In numpy, because its images are so small that threads would cost more than they bring.
"""

import numpy as np
from jaxtyping import Bool, Float


def middle(shape: tuple[int, ...]) -> tuple[float, float]:
    """(row, column) of a picture's middle."""
    return (shape[0] - 1) / 2, (shape[1] - 1) / 2


def resized(image: Float[np.ndarray, "r c"], step: float) -> Float[np.ndarray, "h w"]:
    """Sample a whole picture every `step` pixels, about its middle."""
    shape = tuple(max(1, round(side / step)) for side in image.shape)
    return cut(image, middle(image.shape), step, shape)[0]


def cut(
    image: Float[np.ndarray, "r c"],
    centre: tuple[float, float],
    step: float,
    shape: tuple[int, int],
    mirrored: bool = False,
) -> tuple[Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Sample a part of a picture.

    Args:
        image: The picture.
        centre: (row, column) of its pixel that comes to the middle.
        step: Pixels from one sample to the next.
        shape: Rows and columns of samples.
        mirrored: Whether to take the columns from right to left.

    Returns:
        The samples, 0 outside the picture, and a mask of those inside.
    """
    rows, inside_rows = _weights(image.shape[0], centre[0], step, shape[0])
    columns, inside_columns = _weights(image.shape[1], centre[1], -step if mirrored else step, shape[1])
    return rows @ image @ columns.T, inside_rows[:, None] & inside_columns


def _weights(
    count: int, centre: float, step: float, size: int
) -> tuple[Float[np.ndarray, "size count"], Bool[np.ndarray, " size"]]:
    """How `count` pixels make up `size` samples: by a triangle as wide as pixels and steps ask for."""
    positions = centre + step * (np.arange(size) - (size - 1) / 2)
    distance = np.abs(positions[:, None] - np.arange(count)) / max(1.0, abs(step))
    weights = np.clip(1 - distance, 0, None).astype(np.float32)
    inside = (positions > -0.5) & (positions < count - 0.5)
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6) * inside[:, None], inside


def local_contrast(image: Float[np.ndarray, "r c"], sigma: float) -> Float[np.ndarray, "r c"]:
    """Subtract the mean of a Gaussian neighbourhood and divide by its standard deviation; `image` is in [0, 1]."""
    rows, columns = (_gaussian(side, sigma) for side in image.shape)
    difference = image - rows @ image @ columns.T
    # The constant keeps what is almost flat from being blown up.
    return difference / (np.sqrt(rows @ difference**2 @ columns.T) + 0.05)


def _gaussian(size: int, sigma: float) -> Float[np.ndarray, "n n"]:
    """A matrix that smooths a line; at the ends it takes the mean over what there is."""
    index = np.arange(size, dtype=np.float32)
    kernel = np.exp(-((index[:, None] - index) ** 2) / (2 * sigma**2))
    return kernel / kernel.sum(axis=1, keepdims=True)


def correlate(
    image: Float[np.ndarray, "r c"], pattern: Float[np.ndarray, "h w"], importance: Float[np.ndarray, "h w"]
) -> tuple[Float[np.ndarray, "u v"], Float[np.ndarray, "u v"]]:
    """Weighted normalised cross-correlation for every offset of a pattern (Padfield, IEEE TIP 2012).

    Returns:
        The correlation, and the part of the pattern's importance that lies on the image, for every index of the image
        at which the pattern's first pixel may lie; indices below 0 count from the end.
    """
    # Multiples of 16 are quick to transform.
    size = [-(-(a + b - 1) // 16) * 16 for a, b in zip(image.shape, pattern.shape, strict=True)]
    images = np.fft.rfft2([np.ones_like(image), image, image**2], size)
    patterns = np.fft.rfft2([importance, importance * pattern, importance * pattern**2], size).conj()
    pairs = ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2), (1, 1))
    weight, i, ii, p, pp, ip = np.fft.irfft2([images[a] * patterns[b] for a, b in pairs], size)
    weight = np.maximum(weight, 1e-3)
    variances = np.maximum(ii - i * i / weight, 1e-4) * np.maximum(pp - p * p / weight, 1e-4)
    return (ip - i * p / weight) / np.sqrt(variances), np.clip(weight / importance.sum(), 0, 1)


def vertex(line: Float[np.ndarray, " n"], index: int) -> float:
    """Where the parabola through a maximum and its neighbours is highest; `line` is circular."""
    before, top, after = (float(line[(index + step) % len(line)]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    return index if bend >= 0 else index + max(-0.5, min(0.5, (before - after) / (2 * bend)))
