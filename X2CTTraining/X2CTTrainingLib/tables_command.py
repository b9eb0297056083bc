"""`x2ct tables`: trains and evaluates every row of the paper's tables, and draws its figures."""

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from X2CTLib.cli import terminal_progress
from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import View
from X2CTLib.inference import reconstruct
from X2CTLib.progress import Progress, part, silent
from X2CTLib.radiograph import read_radiograph
from X2CTLib.sample import sample_case
from X2CTLib.styler import Styler, load_styler
from X2CTLib.weights import Model, load_model
from X2CTTrainingLib.command import print_skipped, stopped_by_signals, train
from X2CTTrainingLib.datasets import CACHE, SOURCES_HELP
from X2CTTrainingLib.evaluation import Evaluation, evaluate_answers
from X2CTTrainingLib.experiment import PAPER_SCALE, experiment_names, read_tables, scale_names
from X2CTTrainingLib.figures import figure_6, figure_7, figure_8
from X2CTTrainingLib.reconstruction_system import ReconstructionExperiment
from X2CTTrainingLib.run_folder import Inputs
from X2CTTrainingLib.simulation import reconstruct_case
from X2CTTrainingLib.splits import Split
from X2CTTrainingLib.systems import read_experiment
from X2CTTrainingLib.tables import lines_of_tables, markdown, write_csv

METHOD = "x2ct-gan-biplanar"
"""The paper's own: what figures 7 and 8 show."""

_CASES_SHOWN = 3
_TRAINING_SHARE = 0.85  # of the time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=SOURCES_HELP)
    parser.add_argument("--output", type=Path, required=True, help="folder; trainings that it holds go on")
    parser.add_argument(
        "--scale", default=PAPER_SCALE, help=f"how large: a .toml file, or one of: {', '.join(scale_names())}"
    )
    parser.add_argument(
        "--radiographs",
        type=Path,
        help="folder with NAME_pa.* and NAME_lateral.* for figure 7; the sample case if not given",
    )
    parser.add_argument("--styler", type=Path, help="weights of a styler for figure 7; without one, it shows none")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for the prepared cubes")


def run(arguments: argparse.Namespace) -> None:
    """Train, evaluate, and write tables.md, table_1.csv to table_3.csv, the figures and the evaluation."""
    pairs = find_pairs(arguments.radiographs) if arguments.radiographs else {"sample": sample_case()}
    styler = load_styler(arguments.styler) if arguments.styler else None
    experiments = paper_experiments(arguments.scale)
    runs = {name: arguments.output / "runs" / name for name in experiments}
    inputs = Inputs(arguments.data, arguments.cache, arguments.device)
    with stopped_by_signals() as cancel, terminal_progress() as progress:
        for index, (name, folder) in enumerate(runs.items()):
            share = _TRAINING_SHARE / len(runs)
            done = part(progress, share * index, share * (index + 1), f"{name} ")
            skipped = train(experiments[name], inputs, folder, done, cancel)
        split = Split.load(folder, arguments.cache)
        models = {name: load_model(folder / "model.safetensors") for name, folder in runs.items()}
        answers = {name: partial(reconstruct_case, model, device=arguments.device) for name, model in models.items()}
        done = part(progress, _TRAINING_SHARE, 0.95)
        evaluation = evaluate_answers(split.test, split.train, answers, done, cancel)
        with whole_folder(arguments.output) as scratch:
            evaluation.write(scratch / "evaluation")
            text = write_tables(scratch, experiments, evaluation, setting(split, arguments.scale, models))
            draw_figures(scratch, experiments, split, models, pairs, styler, part(progress, 0.95, 1.0))
    print_skipped(skipped)
    print(text)
    print(f"Wrote tables, figures and evaluation to {arguments.output}")


def paper_experiments(scale: str) -> dict[str, ReconstructionExperiment]:
    """The experiments that are rows of the paper's tables, in the order of the tables."""
    reconstructions = [name for name in experiment_names() if read_tables(name)["system"] == "reconstruction"]
    experiments = {name: read_experiment(name, scale) for name in reconstructions}
    in_tables = {name: experiment for name, experiment in experiments.items() if experiment.rows}
    return dict(sorted(in_tables.items(), key=lambda item: (item[1].rows[0].table, item[1].rows[0].row)))


def find_pairs(folder: Path) -> dict[str, dict[View, Path]]:
    """The pairs NAME_pa.* and NAME_lateral.* of a folder, by their name.

    Raises:
        InputError: There is none.
    """
    files = {path.stem: path for path in sorted(folder.glob("*"))}
    names = [stem.removesuffix("_pa") for stem in files if stem.endswith("_pa")]
    pairs = {
        name: {view: files[f"{name}_{view.name.lower()}"] for view in View}
        for name in names
        if f"{name}_lateral" in files
    }
    if not pairs:
        raise InputError(f"{folder} holds no pair of radiographs: two files NAME_pa.* and NAME_lateral.*")
    return pairs


def setting(split: Split, scale: str, models: Mapping[str, Model]) -> str:
    """On what and how large, in sentences."""
    parts = []
    for what, cases in (("Trained", split.train), ("scored", split.test)):
        real = sum(case.real for case in cases)
        parts.append(f"{what} on {real} CTs and {len(cases) - real} phantoms")
    card = models[METHOD].card
    parts[-1] += (
        f", at scale *{scale}*: width {card['architecture']['width']:g}, {card['training']['steps']} steps each."
    )
    return "; ".join(parts)


def write_tables(
    folder: Path, experiments: Mapping[str, ReconstructionExperiment], evaluation: Evaluation, setting: str
) -> str:
    """Write tables.md and a CSV file for each table; the text of the former."""
    summary = evaluation.summary()
    lines = lines_of_tables(experiments, summary)
    for table, own in lines.items():
        write_csv(folder / f"table_{table}.csv", own)
    text = markdown(lines, summary, setting)
    (folder / "tables.md").write_text(text, encoding="utf-8")
    return text


def draw_figures(
    folder: Path,
    experiments: Mapping[str, ReconstructionExperiment],
    split: Split,
    models: Mapping[str, Model],
    pairs: Mapping[str, Mapping[View, Path]],
    styler: Styler | None,
    progress: Progress = silent,
) -> None:
    """Write figure_6.png (methods of table 1), figure_7.png (real radiographs) and figure_8.png (slices)."""
    progress(0.0, "Drawing figure 6")
    first = split.test[0]
    compared = [name for name, experiment in experiments.items() if any(row.table == 1 for row in experiment.rows)]
    answers = {experiments[name].name: reconstruct_case(models[name], first) for name in compared}
    figure_6(folder / "figure_6.png", first.hu, answers)
    progress(0.4, "Drawing figure 7")
    radiographs = {
        name: {view: read_radiograph(path, view) for view, path in files.items()} for name, files in pairs.items()
    }
    shown = {name: reconstruct(pair, models[METHOD], styler=styler) for name, pair in radiographs.items()}
    figure_7(folder / "figure_7.png", shown)
    progress(0.8, "Drawing figure 8")
    cases = split.test[:_CASES_SHOWN]
    figure_8(folder / "figure_8.png", {case.name: (case.hu, reconstruct_case(models[METHOD], case)) for case in cases})
    progress(1.0, "Figures drawn")
