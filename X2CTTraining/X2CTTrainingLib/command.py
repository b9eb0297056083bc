"""`x2ct train`: an experiment and data to a model that `x2ct reconstruct --model` takes."""

import argparse
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from X2CTLib.cli import terminal_progress
from X2CTLib.errors import Cancelled
from X2CTLib.geometry import View
from X2CTLib.progress import CancelToken, Progress, both, silent
from X2CTTrainingLib.checkpoints import check_same_experiment
from X2CTTrainingLib.datasets import CACHE, SOURCES_HELP, find_sources, gather
from X2CTTrainingLib.experiment import PAPER_SCALE, Experiment, experiment_names, scale_names
from X2CTTrainingLib.radiograph_datasets import gather_radiographs, record_radiographs
from X2CTTrainingLib.run_folder import CHECKPOINT, EXPERIMENT, MODEL, Inputs, recorded_inputs, tell
from X2CTTrainingLib.runs import begin_run
from X2CTTrainingLib.simulation import mean_views
from X2CTTrainingLib.splits import split_cases
from X2CTTrainingLib.systems import Preparation, build_system, read_experiment
from X2CTTrainingLib.trainer import Trainer, make_fabric


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("experiment", help=f"a .toml file, or one of: {', '.join(experiment_names())}")
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=SOURCES_HELP)
    parser.add_argument(
        "--radiographs",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="files and folders of radiographs, for the styler",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the run; a run that it holds goes on")
    parser.add_argument(
        "--scale", default=PAPER_SCALE, help=f"how large: a .toml file, or one of: {', '.join(scale_names())}"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for the prepared cubes")


def run(arguments: argparse.Namespace) -> None:
    """Train, or go on training, and export the model to the run's folder."""
    folder, experiment = arguments.output, read_experiment(arguments.experiment, arguments.scale)
    inputs = Inputs(arguments.data, arguments.cache, arguments.device, arguments.radiographs)
    if os.environ.get("RANK", "0") != "0":  # of the processes under torchrun, one speaks
        with stopped_by_signals() as cancel:
            train(experiment, inputs, folder, cancel=cancel)
        return
    find_sources(inputs.sources)  # before anything is written
    if (folder / CHECKPOINT).exists() and (folder / EXPERIMENT).exists():
        check_same_experiment(folder, read_experiment(str(folder / EXPERIMENT)).to_dict(), experiment)
    begin_run(folder, experiment.to_tables(), inputs)
    with stopped_by_signals() as cancel, terminal_progress() as progress:
        skipped = train_run(folder, progress, cancel)
    print_skipped(skipped)
    print(f"Wrote {folder / MODEL} and its card")


def print_skipped(skipped: Sequence[str]) -> None:
    """Name the CTs and radiographs that could not be used, and count them."""
    print(*skipped, *([f"{len(skipped)} skipped."] if skipped else []), sep="\n", end="\n" if skipped else "")


def train_run(folder: Path, progress: Progress = silent, cancel: CancelToken | None = None) -> list[str]:
    """Do what `runs.begin_run` has written down, as `train` does, and tell in the run's folder how it goes."""

    def work(told: Progress) -> list[str]:
        experiment = read_experiment(str(folder / EXPERIMENT))
        return train(experiment, recorded_inputs(folder), folder, both(progress, told), cancel)

    return tell(folder, work)


def train(
    experiment: Experiment,
    inputs: Inputs,
    folder: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> list[str]:
    """Train an experiment on data to its end; a run that the folder holds goes on.

    Args:
        experiment: What is trained.
        inputs: The data.
        folder: Of the run.
        progress: Told after every case and step.
        cancel: Looked at as often.

    Returns:
        A sentence about each CT and radiograph that cannot be used.

    Raises:
        InputError: Experiment, data and folder do not go together, or one of them cannot be used.
        TrainingError: The training cannot go on.
        Cancelled: As asked; the same call goes on.
    """
    cases, skipped = gather(inputs.sources, inputs.cache, progress, cancel)
    split = split_cases(cases, experiment.data, experiment.run.seed)
    images, unread = [], []
    if inputs.radiographs:
        templates = mean_views(split.train, tuple(View))
        images, unread = gather_radiographs(inputs.radiographs, templates, inputs.cache, progress, cancel)
    fabric = make_fabric(experiment, inputs.device)
    folder.mkdir(parents=True, exist_ok=True)
    if fabric.is_global_zero:
        split.record(folder)
        record_radiographs(folder, images)
    system = build_system(experiment, split, fabric, Preparation(images, inputs.cache, progress, cancel))
    Trainer(system, folder, fabric).run(progress, cancel)
    return skipped + unread


@contextmanager
def stopped_by_signals() -> Iterator[CancelToken]:
    """A token that Ctrl+C, or who ends the process, raises: the training stops after its step, and is saved."""
    cancel = CancelToken()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: cancel.cancel())
    try:
        yield cancel
    except Cancelled:
        print("Stopped and saved; the same command goes on.")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
