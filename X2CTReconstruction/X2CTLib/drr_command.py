"""`x2ct drr`: the PA and the lateral radiograph of a CT."""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.drr import radiographs
from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import PROJECTIONS, View, write_sidecar
from X2CTLib.intensity import normalise

MOST_PIXELS = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("ct", type=Path, help="CT file (NIfTI, NRRD, MHA) or folder of a DICOM series")
    parser.add_argument("--output", type=Path, required=True, help="folder for the radiographs and their sidecars")
    parser.add_argument("--geometry", choices=PROJECTIONS, default="clinical", help="source, detector and distances")
    parser.add_argument("--pixels", type=int, default=512, help="detector pixels along an edge")


def run(arguments: argparse.Namespace) -> None:
    """Write pa.png and lateral.png (16 bit), the line integrals as .nrrd, and the geometries as .json."""
    write_drrs(arguments.ct, arguments.output, arguments.geometry, arguments.pixels)
    print(f"Wrote the PA and lateral radiographs to {arguments.output}")


def write_drrs(ct: Path, folder: Path, preset: str = "clinical", pixels: int = 512) -> None:
    """Project a CT, without its table, around the centre of its lungs.

    Raises:
        InputError: The CT cannot be used, or there are no pixels, or too many.
    """
    if not 1 <= pixels <= MOST_PIXELS:
        raise InputError(f"A detector has 1 to {MOST_PIXELS} pixels along an edge, not {pixels}.")
    hu, geometry = standard_cube(*read_ct(ct), voxels=320)
    with whole_folder(folder) as scratch:
        for view in View:
            projection = PROJECTIONS[preset](view).resized(pixels)
            projection = dataclasses.replace(projection, isocentre_lps=tuple(geometry.centre_lps.tolist()))
            name = view.name.lower()
            integrals = radiographs(torch.from_numpy(hu)[None], geometry, projection)[0]
            gray = (normalise(integrals) * 65535).round().numpy().astype(np.uint16)
            for pixel_values, suffix in ((gray, "png"), (integrals.numpy(), "nrrd")):
                image = sitk.GetImageFromArray(pixel_values)
                image.SetSpacing([projection.pixel_mm, projection.pixel_mm])
                sitk.WriteImage(image, scratch / f"{name}.{suffix}")
            write_sidecar(scratch / f"{name}.json", projection)
