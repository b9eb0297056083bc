"""`x2ct reconstruct`: radiographs to a volume, pictures, measurements and a report, without a window."""

import argparse
from collections.abc import Collection
from pathlib import Path

from X2CTLib.cli import terminal_progress
from X2CTLib.files import whole_folder
from X2CTLib.geometry import View
from X2CTLib.pipeline import read_radiographs, reconstruct_radiographs
from X2CTLib.progress import CancelToken, Progress, part, silent
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request
from X2CTLib.sample import sample_case
from X2CTReconstructionLib.export import VOLUMES, write_measurements, write_volume
from X2CTReconstructionLib.headless import HeadlessScene
from X2CTReconstructionLib.nodes import add_reconstruction
from X2CTReconstructionLib.rendering import render_pictures
from X2CTReconstructionLib.report import write_report
from X2CTReconstructionLib.request_arguments import add_request_arguments, correction, request_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--pa", type=Path, help="PA radiograph: DICOM, PNG, JPEG, TIFF, NRRD or NIfTI")
    parser.add_argument(
        "--lateral", type=Path, help="lateral radiograph of the same patient; a model may read one view only"
    )
    for view in View:
        parser.add_argument(
            f"--{view.name.lower()}-correct",
            type=correction,
            metavar="CORRECTION",
            help=f"what to set right in the {view.label} radiograph: any of turn=QUARTERS (counter-clockwise), mirror, "
            "invert, crop=LEFT/TOP/RIGHT/BOTTOM (parts of the picture), pixel=MM, with commas between",
        )
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--formats", nargs="+", choices=VOLUMES, default=["nrrd"], help="of the volume; NRRD is always there"
    )
    add_request_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Reconstruct; without radiographs, the sample case.

    Raises:
        InputError: A radiograph cannot be used, or the model needs another one.
    """
    given = {View.PA: arguments.pa, View.LATERAL: arguments.lateral}
    files = {view: path for view, path in given.items() if path} or sample_case()
    request = Request(
        files={view.name: path for view, path in files.items()},
        corrections={view.name: value for view in View if (value := vars(arguments)[f"{view.name.lower()}_correct"])},
        **request_options(arguments),
    )
    with terminal_progress() as progress:
        reconstruction = write_results(request, arguments.output, progress, formats=arguments.formats)
    for note in reconstruction.notes:
        print(f"Note: {note}")
    for words in reconstruction.trust.words:
        print(f"Trust: {words}")
    print(f"Wrote {arguments.output / 'report.html'} and what it shows")


def write_results(
    request: Request,
    folder: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    formats: Collection[str] = ("nrrd",),
) -> Reconstruction:
    """Everything that a reconstruction gives, in a folder; all of it or nothing.

    Writes what `Reconstruction.save` does, renderings/*.png, measurements.csv and report.html.

    Args:
        request: The radiographs, and what to do with them.
        folder: Made if missing.
        progress: Told after every step.
        cancel: Looked at as often.
        formats: Of the volume, see `export.VOLUMES`; NRRD is always there.

    Returns:
        What the folder holds, for its notes and its trust.
    """
    progress(0.0, "Reading the radiographs")
    radiographs = read_radiographs(request)
    reconstruction = reconstruct_radiographs(request, radiographs, part(progress, 0.0, 0.6), cancel)
    _, measurements = reconstruction.examine()
    with whole_folder(folder) as scratch:
        reconstruction.save(scratch)
        for kind in {*formats} - {"nrrd"}:
            write_volume(reconstruction, scratch, kind, cancel=cancel)
        volume = add_reconstruction(HeadlessScene().scene, reconstruction.hu, reconstruction.geometry, "CT")
        pictures = render_pictures(volume, scratch / "renderings", progress=part(progress, 0.6, 1.0), cancel=cancel)
        write_measurements(scratch / "measurements.csv", measurements)
        write_report(scratch / "report.html", reconstruction, radiographs, measurements, pictures)
    return reconstruction
