"""The command line: `x2ct COMMAND ...`, which `./run` calls.

A command is a module with `add_arguments(parser)` and `run(arguments)`, which returns the exit code or None for 0; only
the one that is asked for is imported.
"""

import argparse
import importlib
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from X2CTLib.errors import X2CTError
from X2CTLib.progress import Progress

COMMANDS = {
    "app": ("X2CTWeb.app", "open the app in a browser (what ./run does when nothing is said)"),
    "reconstruct": (
        "X2CTReconstructionLib.command",
        "radiographs to a volume, pictures, measurements and a report",
    ),
    "batch": (
        "X2CTReconstructionLib.batch_command",
        "the same for every pair of radiographs in folders, with one table for all",
    ),
    "models": ("X2CTLib.models_command", "which models there are; add, remove and download some"),
    "drr": ("X2CTLib.drr_command", "CTs to radiographs: the PA and lateral view, or any other"),
    "train": ("X2CTTrainingLib.command", "train an experiment: any network of the paper, or your own variant"),
    "evaluate": (
        "X2CTTrainingLib.evaluate_command",
        "score runs, models and predicted volumes on CTs they have not seen",
    ),
    "familiarity": (
        "X2CTTrainingLib.familiarity_command",
        "sum up the DRRs of training CTs, by which the trust in reconstructions is judged",
    ),
    "trust": (
        "X2CTTrainingLib.trust_command",
        "how often the trust in reconstructions is right: of radiographs, wrong ones, and the voxels that err",
    ),
    "tables": ("X2CTTrainingLib.tables_command", "the paper's tables and figures, trained and evaluated anew"),
    "benchmark": ("Benchmarks.command", "how fast all of this is, beside the plain way and other programs"),
}
DEFAULT_COMMAND = "app"


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """A progress bar on the terminal's error stream."""
    from tqdm import tqdm  # not in Slicer, where what the commands do is used without a terminal

    with tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}", disable=None) as bar:

        def progress(fraction: float, message: str) -> None:
            bar.set_postfix_str(message, refresh=False)
            bar.update(100 * fraction - bar.n)

        yield progress


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all went well, 1 if part of it failed, 2 for a mistake of the user's, said in one line."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="x2ct",
        description="CT-like volumes from two chest radiographs. Research use only.",
        epilog="'x2ct COMMAND --help' says more of a command.",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    chosen = next((word for word in argv if not word.startswith("-")), None)
    if chosen is None and not {"-h", "--help"} & set(argv):
        argv, chosen = [DEFAULT_COMMAND, *argv], DEFAULT_COMMAND
    for name, (module, summary) in COMMANDS.items():
        command = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == chosen:
            importlib.import_module(module).add_arguments(command)
    arguments = parser.parse_args(argv)
    # Who ends the process leaves no scratch folder behind, as who presses Ctrl+C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return importlib.import_module(COMMANDS[arguments.command][0]).run(arguments) or 0
    except X2CTError as error:
        print(f"x2ct: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"x2ct: {error.filename or 'A file'}: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("x2ct: stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
