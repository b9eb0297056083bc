"""How near a reconstruction is to the CT, in the paper's protocol and in plainer ones.

All metrics clip Hounsfield units to [-1024, 1476], the span that the networks see. The published numbers are taken
slice by slice, with a peak of 4095 for data that span 2500, which is worth 4.29 dB; `psnr_volume` has none of that.
"""

import numpy as np
from jaxtyping import Float

from X2CTLib.geometry import HU_RANGE

PAPER_PEAK = 4095.0
"""Peak of the published PSNR."""
SPAN = HU_RANGE[1] - HU_RANGE[0]
"""Peak of `psnr_volume` and data range of `ssim_slices`."""


def psnr_slices(prediction: Float[np.ndarray, "k j i"], truth: Float[np.ndarray, "k j i"]) -> float:
    """Peak signal to noise ratio in dB as published: of each slice, averaged over slices and the three axes.

    Slices without any error have none and are left out; inf if that is all of them.
    """
    squared = (_clip(prediction) - _clip(truth)) ** 2
    return float(np.mean([_slice_psnr(squared, axis) for axis in range(3)]))


def psnr_volume(prediction: Float[np.ndarray, "k j i"], truth: Float[np.ndarray, "k j i"]) -> float:
    """Peak signal to noise ratio in dB of the whole volume with the span of the data, 2500 HU, as the peak."""
    error = np.mean((_clip(prediction) - _clip(truth)) ** 2)
    return float(_decibel(SPAN, error))


def ssim_slices(prediction: Float[np.ndarray, "k j i"], truth: Float[np.ndarray, "k j i"]) -> float:
    """Structural similarity in 2D, averaged over slices and the three axes (Gaussian window of 11 pixels)."""
    import torch
    from monai.metrics.regression import compute_ssim_and_cs

    volumes = [torch.from_numpy(_clip(volume) - HU_RANGE[0]).float() for volume in (prediction, truth)]
    means = []
    for axis in range(3):
        # Slices as channels rather than as a batch: one depthwise convolution, ten times faster on a CPU.
        slices = [volume.movedim(axis, 0)[None].contiguous() for volume in volumes]
        similarity, _ = compute_ssim_and_cs(
            *slices, spatial_dims=2, kernel_size=(11, 11), kernel_sigma=(1.5, 1.5), data_range=SPAN
        )
        means.append(similarity.mean().item())
    return float(np.mean(means))


def evaluate(prediction: Float[np.ndarray, "k j i"], truth: Float[np.ndarray, "k j i"]) -> dict[str, float]:
    """All of the above, named after what they are.

    Args:
        prediction: Hounsfield units of a reconstruction.
        truth: Hounsfield units of the CT, of the same shape.

    Raises:
        ValueError: The shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"a reconstruction of shape {prediction.shape} cannot be compared with a CT of {truth.shape}")
    return {
        "PSNR slice-wise, peak 4095 (dB)": psnr_slices(prediction, truth),
        "SSIM slice-wise": ssim_slices(prediction, truth),
        "PSNR volume, peak 2500 (dB)": psnr_volume(prediction, truth),
        "mean absolute error (HU)": float(np.mean(abs(_clip(prediction) - _clip(truth)))),
    }


def _clip(hu: np.ndarray) -> Float[np.ndarray, "k j i"]:
    """Hounsfield units as the networks see them, in double precision."""
    return np.clip(np.asarray(hu, dtype=np.float64), *HU_RANGE)


def _decibel(peak: float, squared_error: np.ndarray) -> np.ndarray:
    """PSNR of mean squared errors."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(peak**2 / squared_error)


def _slice_psnr(squared: Float[np.ndarray, "k j i"], axis: int) -> float:
    """Mean PSNR over the slices across an axis."""
    errors = np.mean(squared, axis=tuple(a for a in range(3) if a != axis))
    errors = errors[errors > 0]
    return float(np.mean(_decibel(PAPER_PEAK, errors))) if len(errors) else float("inf")
