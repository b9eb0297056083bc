"""What the commands that reconstruct have in common: how a reconstruction is asked for on the command line."""

import argparse
from pathlib import Path

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do with radiographs; `request_options` reads it."""
    parser.add_argument("--model", type=Path, help="weights file; the shipped model if none is named")
    parser.add_argument(
        "--styler", type=Path, help="weights file of a styler; without one, the radiographs stay as they are"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--precision", default="auto", help="auto, float32, bfloat16")
    parser.add_argument(
        "--uncertainty",
        type=int,
        default=0,
        metavar="N",
        help="further reconstructions from slightly moved radiographs, whose spread is the uncertainty; 8 are enough",
    )
    parser.add_argument(
        "--override", action="store_true", help="go on where something speaks against the radiographs, and note it"
    )


def request_options(arguments: argparse.Namespace) -> dict:
    """The attributes of `request.Request` that `add_request_arguments` has declared."""
    options = {name: getattr(arguments, name) for name in ("model", "styler", "device", "precision", "override")}
    return {**options, "uncertainty_passes": arguments.uncertainty}


def correction(text: str) -> Correction:
    """Read a correction, such as "turn=1,mirror,invert,crop=0.1/0/0.1/0,pixel=0.2", each part of which may be left out.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    readers = {
        "turn": ("quarter_turns", int),
        "mirror": ("mirrored", _switch),
        "invert": ("inverted", _switch),
        "crop": ("crop", _four),
        "pixel": ("pixel_mm", float),
    }
    entries = [entry.strip().partition("=") for entry in text.split(",")]
    try:
        values = {name: read(value) for key, _, value in entries for name, read in [readers[key]]}
        return Correction(**values)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    except (KeyError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no correction; one has turn=QUARTERS, mirror, invert, crop=LEFT/TOP/RIGHT/BOTTOM, pixel=MM, "
            "with commas between"
        ) from error


def _switch(value: str) -> bool:
    if value:
        raise ValueError("A switch takes no value.")
    return True


def _four(value: str) -> tuple[float, float, float, float]:
    left, top, right, bottom = map(float, value.split("/"))
    return left, top, right, bottom
