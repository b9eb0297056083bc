"""Pictures as PNG files in memory; numpy and vtk only, so that a panel can show them before packages are installed."""

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from X2CTLib.page import png_uri


def png(grey: np.ndarray) -> bytes:
    """A picture as a PNG file.

    Args:
        grey: (rows, columns), uint8.
    """
    data = vtk.vtkImageData()
    data.SetDimensions(*reversed(grey.shape), 1)
    data.GetPointData().SetScalars(numpy_to_vtk(grey[::-1].ravel(), deep=True))  # VTK's first row is the lowest
    writer = vtk.vtkPNGWriter()
    writer.SetInputData(data)
    writer.WriteToMemoryOn()
    writer.Write()
    return vtk_to_numpy(writer.GetResult()).tobytes()


def grey_levels(values: np.ndarray, window: tuple[float, float] | None = None) -> np.ndarray:
    """Any values as uint8: from black to white between two of them, or between their percentiles 0.5 and 99.5."""
    low, high = window or np.percentile(values, (0.5, 99.5))
    return np.round(255 * np.clip((values - low) / max(high - low, 1e-6), 0, 1)).astype(np.uint8)


def comparison_uris(seen: np.ndarray, projected: np.ndarray) -> tuple[str, str, str]:
    """What the network saw, what the volume would show, and the difference, bright where the volume is denser.

    Args:
        seen: (rows, columns), in [0, 1].
        projected: The same.
    """
    pictures = ((seen, (0, 1)), (projected, (0, 1)), (projected - seen, (-0.5, 0.5)))
    return tuple(picture_uri(values, window) for values, window in pictures)


def picture_uri(values: np.ndarray, window: tuple[float, float] | None = None) -> str:
    """A picture as an address that a page or a label can show; see `grey_levels`."""
    return png_uri(png(grey_levels(values, window)))
