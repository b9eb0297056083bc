"""`x2ct batch`: every pair of radiographs in folders to volumes, pictures, measurements and reports."""

import argparse
from pathlib import Path

from X2CTLib.cli import terminal_progress
from X2CTLib.outlines import read_outlines
from X2CTLib.pairing import find_pairs
from X2CTLib.request import Request
from X2CTReconstructionLib.batch import PAGE, run_batch, summary
from X2CTReconstructionLib.request_arguments import add_request_arguments, request_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="FOLDER", help="folders with radiographs, DICOM or pictures; or files"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for the results; a batch that was stopped goes on there"
    )
    parser.add_argument(
        "--outlines",
        type=Path,
        metavar="CSV",
        help="lungs outlined on the radiographs (columns picture, part, outline), for their volume by planimetry",
    )
    add_request_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reconstruct them all; 1 if some could not be.

    Raises:
        InputError: There are no radiographs, or the outlines cannot be read.
    """
    outlines = read_outlines(arguments.outlines) if arguments.outlines else {}
    pairs = find_pairs(arguments.paths)
    for pair in pairs:
        for note in pair.notes:
            print(f"Note on {pair.name}: {note}")
    defaults = Request(files={}, **request_options(arguments))
    with terminal_progress() as progress:
        cases = run_batch(pairs, defaults, arguments.output, progress, outlines=outlines)
    failed = [case for case in cases if case.problem]
    print(*summary(cases), sep="\n")
    for case in failed:
        print(f"Failed: {case.name}: {case.problem}")
    print(f"{len(cases) - len(failed)} of {len(cases)} cases are done; see {arguments.output / PAGE}")
    return 1 if failed else 0
