"""What the module has done in a process: `X2CTLib.worker.Worker(python, server=__name__)` is its client.

Requests are those of `TASKS`, by their "task"; each writes into its folder "output".
"""

from pathlib import Path

import numpy as np

from X2CTLib.errors import InputError
from X2CTLib.progress import Progress
from X2CTLib.worker import Task, answering, main


def check(request: dict, progress: Progress) -> None:
    """What is in the data: checks.csv.

    Request: "sources" and "cache" (of `datasets.gather`); "experiment" and "scale" (of `systems.read_experiment`).
    """
    from X2CTTrainingLib.checks import check_sources, write_checks
    from X2CTTrainingLib.systems import read_experiment

    experiment = read_experiment(request["experiment"], request["scale"])
    checks = check_sources(request["sources"], Path(request["cache"]), progress)
    write_checks(Path(request["output"]), checks, experiment)


def evaluate(request: dict, progress: Progress) -> None:
    """Scores of runs and models: the files of `Evaluation.write`.

    Request: "answers" (folders of runs, weights files); "data" and "training_data" (sources, or null for the held-out
    and the training cases of the runs); "cache"; "device".
    """
    from X2CTTrainingLib.evaluate_command import evaluate_paths

    evaluation = evaluate_paths(_answers(request), *_cases(request, progress), request["device"], progress)
    evaluation.write(Path(request["output"]))


def show(request: dict, progress: Progress) -> None:
    """One case and what runs and models make of it: true.npy, and 0.npy, 1.npy, ... in the order of the answers.

    Request: as `evaluate`, and "case".
    """
    from X2CTLib.files import whole_folder
    from X2CTTrainingLib.evaluate_command import answer_of

    cases = [case for case in _cases(request, progress)[0] if case.name == request["case"]]
    if not cases:
        raise InputError(f"There is no case {request['case']} among those that were scored.")
    with whole_folder(Path(request["output"])) as scratch:
        np.save(scratch / "true.npy", cases[0].hu)
        for number, path in enumerate(_answers(request)):
            progress(number / len(request["answers"]), f"Reconstructing with {path.name}")
            np.save(scratch / f"{number}.npy", answer_of(path, cases, request["device"])(cases[0]))


def _answers(request: dict) -> list[Path]:
    return [Path(path) for path in request["answers"]]


def _cases(request: dict, progress: Progress) -> tuple[list, list]:
    from X2CTTrainingLib.evaluate_command import find_cases

    return find_cases(_answers(request), request["data"], request["training_data"], Path(request["cache"]), progress)


TASKS: dict[str, Task] = {"check": check, "evaluate": evaluate, "show": show}

if __name__ == "__main__":
    main(answering(TASKS))
