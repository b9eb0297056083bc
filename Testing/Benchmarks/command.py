"""`x2ct benchmark`: speed beside the plain way and other programs, as a table and plots."""

import argparse
import os
from pathlib import Path

from Benchmarks import cold_start, data_path, drr, generator, peers, record, scaling, training
from Benchmarks.racing import CLOCKS, Settings
from Benchmarks.results import table
from X2CTLib.cli import terminal_progress

BENCHMARKS = {
    "generator": generator,
    "training": training,
    "drr": drr,
    "cold-start": cold_start,
    "data-path": data_path,
    "scaling": scaling,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(BENCHMARKS)}; all if none")
    parser.add_argument("--output", type=Path, required=True, help="folder for the table and the plots")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each contender, of which the best counts")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each contender")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="processor: on a machine that does other work, too"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="width of networks and edges of volumes, relatively")
    parser.add_argument("--ct", type=Path, help="a CT to project; a phantom if none is given")
    parser.add_argument("--install-peers", action="store_true", help="install RTK and DiffDRR for this command alone")


def run(arguments: argparse.Namespace) -> int:
    """Measure, and write what was found."""
    if unknown := set(arguments.benchmarks) - BENCHMARKS.keys():
        print(f"There is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(BENCHMARKS)}.")
        return 2
    if arguments.install_peers:
        peers.install()
    peers.make_importable()
    chosen = [name for name in BENCHMARKS if name in (arguments.benchmarks or BENCHMARKS)]
    settings = Settings(arguments.repeats, arguments.threads, arguments.clock, arguments.scale, arguments.ct)
    computer = record.machine()
    found = []
    with terminal_progress() as progress:
        for number, name in enumerate(chosen):
            progress(number / len(chosen), name)
            found += BENCHMARKS[name].measure(settings)
            record.write(arguments.output, found, settings, computer)
        progress(1.0, "done")
    print(table(found))
    return 0
