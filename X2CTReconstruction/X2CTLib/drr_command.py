"""`x2ct drr`: radiographs of CTs, the standard two or in any geometry."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from X2CTLib.cli import terminal_progress
from X2CTLib.ct import FINE_VOXELS, read_ct, standard_cube
from X2CTLib.drr_files import FORMATS, write_drrs
from X2CTLib.drr_settings import DrrSettings
from X2CTLib.errors import InputError
from X2CTLib.geometry import PROJECTIONS, View
from X2CTLib.progress import part


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("ct", type=Path, nargs="+", help="CT file (NIfTI, NRRD, MHA) or folder of a DICOM series")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the radiographs; of several CTs, one each"
    )
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=FORMATS, help="default: all of them")
    views = [view.name.lower() for view in View]
    group = parser.add_argument_group("geometry", "Lengths in mm, angles in degrees.")
    group.add_argument("--view", nargs="+", choices=views, default=views, help="default: both")
    group.add_argument("--geometry", choices=PROJECTIONS, default="clinical", help="where the others start from")
    group.add_argument("--sid", type=float, help="from the source to the detector")
    group.add_argument("--sad", type=float, help="from the source to the isocentre")
    group.add_argument("--detector-mm", type=float, nargs=2, metavar=("WIDTH", "HEIGHT"), help="size of the detector")
    group.add_argument("--pixels", type=int, default=512, help="detector pixels along the longer edge")
    group.add_argument("--angle", type=float, default=0.0, help="turn of the gantry, towards the patient's left")
    group.add_argument("--cranial", type=float, default=0.0, help="tilt of the detector, towards the head")
    group.add_argument(
        "--isocentre", type=float, nargs=3, metavar=("L", "P", "S"), help="in LPS; default: the middle of the lungs"
    )
    group = parser.add_argument_group("exposure", "Without these: the line integrals of attenuation at 70 keV.")
    group.add_argument("--kvp", type=float, help="tube voltage, for a polychromatic beam")
    group.add_argument("--scatter", type=float, default=0.0, help="scatter-to-primary ratio; about 1 with a grid")
    group.add_argument("--photons", type=float, help="photons per pixel without a patient, for noise")
    group.add_argument("--blur", type=float, default=0.0, help="standard deviation of the detector's blur in mm")
    group.add_argument("--seed", type=int, default=0, help="of the noise")


def run(arguments: argparse.Namespace) -> None:
    """Write a folder for each CT, or say which of them cannot be used once the others are done."""
    settings = _settings(arguments)
    projections, exposure = settings.projections((0.0, 0.0, 0.0)), settings.exposure
    isocentre = tuple(arguments.isocentre) if arguments.isocentre else None
    folders = _folders(arguments.ct, arguments.output)
    refused = []
    with terminal_progress() as progress:
        for number, (folder, ct) in enumerate(folders.items()):
            of_ct = part(progress, number / len(folders), (number + 1) / len(folders), f"{ct.name}: ")
            try:
                hu, geometry = standard_cube(*read_ct(ct), FINE_VOXELS, part(of_ct, 0.0, 0.5))
                centre = isocentre or tuple(geometry.centre_lps.tolist())
                placed = [replace(projection, isocentre_lps=centre) for projection in projections]
                rest = part(of_ct, 0.5, 1.0)
                write_drrs(hu, geometry, folder, placed, _case_name(ct), exposure, arguments.format, rest)
            except InputError as error:
                refused.append(str(error))
    if refused:
        done = f"{len(folders) - len(refused)} of {len(folders)} CTs were projected. " if len(folders) > 1 else ""
        raise InputError(done + " ".join(refused))
    print(f"Wrote {' and '.join(arguments.view)} to {arguments.output}")


def _case_name(ct: Path) -> str:
    """What a CT is called: its file's or folder's name up to the first dot."""
    return ct.resolve().name.split(".")[0]


def _settings(arguments: argparse.Namespace) -> DrrSettings:
    return DrrSettings(
        views=tuple(name.upper() for name in dict.fromkeys(arguments.view)),
        geometry=arguments.geometry,
        sid_mm=arguments.sid,
        sad_mm=arguments.sad,
        detector_mm=arguments.detector_mm and tuple(arguments.detector_mm),
        pixels=arguments.pixels,
        gantry_deg=arguments.angle,
        cranial_deg=arguments.cranial,
        kvp=arguments.kvp,
        scatter=arguments.scatter,
        photons=arguments.photons,
        blur_mm=arguments.blur,
        seed=arguments.seed,
    )


def _folders(cts: Sequence[Path], output: Path) -> dict[Path, Path]:
    """Where the radiographs of each CT go.

    Raises:
        InputError: Two CTs have the same name.
    """
    if len(cts) == 1:
        return {output: cts[0]}
    folders = {}
    for ct in cts:
        folder = output / _case_name(ct)
        if folder in folders:
            raise InputError(f"{folders[folder]} and {ct} would both go to {folder}. Project them one by one.")
        folders[folder] = ct
    return folders
