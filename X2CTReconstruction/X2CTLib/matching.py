"""Sampling pictures without aliasing, and finding one in another: the arithmetic behind framing."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to the calling thread.

    Threads bring nothing to images this small, and cost ten times the work where the cores are busy already.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def middle(shape: tuple[int, ...]) -> tuple[float, float]:
    """(row, column) of a picture's middle."""
    return (shape[0] - 1) / 2, (shape[1] - 1) / 2


def resized(image: Float[Tensor, "r c"], step: float) -> Float[Tensor, "h w"]:
    """Sample a whole picture every `step` pixels, about its middle."""
    shape = tuple(max(1, round(side / step)) for side in image.shape)
    return cut(image, middle(image.shape), step, shape)[0]


def cut(
    image: Float[Tensor, "r c"],
    centre: tuple[float, float],
    step: float,
    shape: tuple[int, int],
    mirrored: bool = False,
) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
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
) -> tuple[Float[Tensor, "size count"], Bool[Tensor, " size"]]:
    """How `count` pixels make up `size` samples: by a triangle as wide as pixels and steps ask for."""
    positions = centre + step * (torch.arange(size) - (size - 1) / 2)
    distance = (positions[:, None] - torch.arange(count)).abs() / max(1.0, abs(step))
    weights = (1 - distance).clamp_min(0)
    inside = (positions > -0.5) & (positions < count - 0.5)
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-6) * inside[:, None], inside


def local_contrast(image: Float[Tensor, "r c"], sigma: float) -> Float[Tensor, "r c"]:
    """Subtract the mean of a Gaussian neighbourhood and divide by its standard deviation; `image` is in [0, 1]."""
    rows, columns = (_gaussian(side, sigma) for side in image.shape)
    difference = image - rows @ image @ columns.T
    # The constant keeps what is almost flat from being blown up.
    return difference / ((rows @ difference**2 @ columns.T).sqrt() + 0.05)


def _gaussian(size: int, sigma: float) -> Float[Tensor, "n n"]:
    """A matrix that smooths a line; at the ends it takes the mean over what there is."""
    index = torch.arange(size)
    kernel = torch.exp(-((index[:, None] - index) ** 2) / (2 * sigma**2))
    return kernel / kernel.sum(dim=1, keepdim=True)


def correlate(
    image: Float[Tensor, "r c"], pattern: Float[Tensor, "h w"], importance: Float[Tensor, "h w"]
) -> tuple[Float[Tensor, "u v"], Float[Tensor, "u v"]]:
    """Weighted normalised cross-correlation for every offset of a pattern (Padfield, IEEE TIP 2012).

    Returns:
        The correlation, and the part of the pattern's importance that lies on the image, for every index of the image
        at which the pattern's first pixel may lie; indices below 0 count from the end.
    """
    # Multiples of 16 are quick to transform.
    size = [-(-(a + b - 1) // 16) * 16 for a, b in zip(image.shape, pattern.shape, strict=True)]
    images = torch.fft.rfft2(torch.stack([torch.ones_like(image), image, image**2]), size)
    patterns = torch.fft.rfft2(torch.stack([importance, importance * pattern, importance * pattern**2]), size).conj()
    pairs = ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2), (1, 1))
    weight, i, ii, p, pp, ip = torch.fft.irfft2(torch.stack([images[a] * patterns[b] for a, b in pairs]), size)
    weight = weight.clamp_min(1e-3)
    variances = (ii - i * i / weight).clamp_min(1e-4) * (pp - p * p / weight).clamp_min(1e-4)
    return (ip - i * p / weight) / variances.sqrt(), (weight / importance.sum()).clamp(0, 1)


def vertex(line: Float[Tensor, " n"], index: int) -> float:
    """Where the parabola through a maximum and its neighbours is highest; `line` is circular."""
    before, top, after = (float(line[(index + step) % len(line)]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    return index if bend >= 0 else index + max(-0.5, min(0.5, (before - after) / (2 * bend)))
