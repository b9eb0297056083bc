"""Many cases on one picture: for each a line of words, and its pictures side by side."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import vtk
from jaxtyping import UInt8
from vtk.util.numpy_support import vtk_to_numpy

from X2CTLib.files import replace_file
from X2CTLib.mark import MARK

TILE = 200
"""Edge of a picture on the sheet."""
_QUALITY = 85
_LETTERS, _LETTER_WIDTH, _MARGIN = 14, 7, 6  # size, usual width, and room around the words, in pixels
_LEAST_TILES = 6
_WHITE, _AMBER = (1.0, 1.0, 1.0), (1.0, 0.8, 0.3)


def write_sheet(path: Path, rows: Sequence[tuple[str, Sequence[Path]]]) -> None:
    """Write a JPEG file, which carries the mark.

    Args:
        path: The file, written whole or not at all.
        rows: Words, and the picture files that they are about; none where there is nothing to show.
    """
    width = TILE * max([_LEAST_TILES, *(len(pictures) for _, pictures in rows)])
    strips = [_words(MARK, width, _AMBER)]
    for words, pictures in rows:
        strips.append(_words(words, width))
        if pictures:
            strips.append(_filled(np.hstack([_tile(picture) for picture in pictures]), width))
    image = sitk.GetImageFromArray(np.vstack(strips), isVector=True)
    with replace_file(path) as partial:
        sitk.WriteImage(image, partial, imageIO="JPEGImageIO", compressionLevel=_QUALITY)


def _tile(path: Path) -> UInt8[np.ndarray, "t t 3"]:
    """A square picture, grey with 8 or 16 bits or in colour, in the size of the sheet's."""
    image = sitk.ReadImage(path)
    scale = 255 / np.iinfo(sitk.GetArrayViewFromImage(image).dtype).max
    image = sitk.BinShrink(image, [max(1, side // TILE) for side in image.GetSize()])
    step = image.GetWidth() / TILE
    image.SetSpacing([1.0, 1.0])
    image.SetOrigin([0.0, 0.0])
    middle = (step - 1) / 2
    fitted = sitk.Resample(image, [TILE] * 2, sitk.Transform(), sitk.sitkLinear, [middle] * 2, [step] * 2)
    pixels = np.round(sitk.GetArrayFromImage(fitted) * scale).astype(np.uint8)
    return pixels[..., :3] if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _words(text: str, width: int, colour: tuple[float, float, float] = _WHITE) -> UInt8[np.ndarray, "h w 3"]:
    """A strip with words on black, in as many lines as they need."""
    style = vtk.vtkTextProperty()
    style.SetFontSize(_LETTERS)
    style.SetColor(*colour)
    drawn, size = vtk.vtkImageData(), [0, 0]
    lines = "\n".join(textwrap.wrap(text, (width - 2 * _MARGIN) // _LETTER_WIDTH))
    vtk.vtkTextRenderer.GetInstance().RenderString(style, lines, drawn, size, 72)
    columns, rows, _ = drawn.GetDimensions()
    rgba = vtk_to_numpy(drawn.GetPointData().GetScalars()).reshape(rows, columns, 4)[: size[1], : size[0]][::-1]
    rgb = np.round(rgba[..., :3] * (rgba[..., 3:] / 255)).astype(np.uint8)
    return _filled(np.pad(rgb, ((_MARGIN, _MARGIN), (_MARGIN, 0), (0, 0))), width)


def _filled(strip: UInt8[np.ndarray, "h w 3"], width: int) -> UInt8[np.ndarray, "h w2 3"]:
    """A strip with black at its right, up to a width."""
    return np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0)))
