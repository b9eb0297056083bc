"""Many pairs of radiographs, one after the other: a folder for each case, one table and one page for all."""

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from X2CTLib.cards import DEFAULT_MODEL, load_card
from X2CTLib.errors import Cancelled, X2CTError
from X2CTLib.files import replace_file
from X2CTLib.page import write_page
from X2CTLib.pairing import Pair
from X2CTLib.progress import CancelToken, Progress, part, silent
from X2CTLib.request import Request
from X2CTReconstructionLib.command import write_results

TABLE, PAGE = "batch.csv", "index.html"
TEMPLATE = Path(__file__).resolve().parent.parent / "Resources" / "Report" / "x2ct_batch.html.j2"
_PICTURES = ("pa.png", "lateral.png", "renderings/pa.png", "renderings/coronal.png")


@dataclass(frozen=True)
class Case:
    """What became of a pair.

    Attributes:
        name: Of the pair, and of the folder of its results.
        problem: Why there are none, in words; empty if there are.
        numbers: Measurements, with their units, and trust, by their names.
        notes: Of the pairing.
    """

    name: str
    problem: str = ""
    numbers: dict[str, str | float] = field(default_factory=dict)
    notes: Sequence[str] = ()


def run_batch(
    pairs: Sequence[Pair],
    defaults: Request,
    output: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> list[Case]:
    """Reconstruct pairs into folders of `output`, as `command.write_results` does, with batch.csv and index.html.

    A case that fails does not stop the others. What another run has finished is not done again, if it was made of
    files of these names with the same model; a case's folder is whole or not there.

    Args:
        pairs: From `pairing.find_pairs`.
        defaults: What to do with each; its files are not used.
        output: Made if missing.
        progress: Told after every step.
        cancel: Looked at as often; the cases that are done stay, and are in the table.

    Raises:
        ModelError: The model has no card.
        OSError: The folder cannot be written to.
        Cancelled: `cancel` was raised.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    sha256 = load_card(defaults.model or DEFAULT_MODEL).get("sha256")
    cases: list[Case] = []
    for number, pair in enumerate(pairs):
        own = part(progress, number / len(pairs), (number + 1) / len(pairs), f"{number + 1}/{len(pairs)} {pair.name}: ")
        folder = output / pair.name
        problem = ""
        if not _finished(folder, pair, sha256):
            problem = _reconstruct(replace(defaults, files=pair.files), folder, own, cancel)
        cases.append(Case(pair.name, problem, {} if problem else _numbers(folder), pair.notes))
        _write_table(output / TABLE, cases)
        _write_page(output / PAGE, cases)
    return cases


def _reconstruct(request: Request, folder: Path, progress: Progress, cancel: CancelToken | None) -> str:
    """Why it failed; empty if it did not."""
    try:
        write_results(request, folder, progress, cancel)
    except Cancelled:
        raise
    except X2CTError as error:
        return str(error)
    except Exception as error:  # what nobody has thought of must not cost the cases that are still to come
        logging.exception("The case %s failed.", folder.name)
        return f"{type(error).__name__}: {error}"
    return ""


def _finished(folder: Path, pair: Pair, sha256: str | None) -> bool:
    """Whether a folder holds the results of these files and this model."""
    record = _record(folder)
    made_of = record.get("sources"), record.get("card", {}).get("sha256")
    sources = {view: path.name for view, path in pair.files.items()}
    return made_of == (sources, sha256) and (folder / "report.html").is_file()


def _record(folder: Path) -> dict:
    try:
        return json.loads((folder / "reconstruction.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _numbers(folder: Path) -> dict[str, str | float]:
    """What a case's files say of trust and measurements."""
    trust = _record(folder).get("trust") or {}
    numbers: dict[str, str | float] = {"low trust": "yes" if trust.get("low") else "no"} if trust else {}
    for kind, words in (("reprojection_correlations", "reprojection correlation"), ("familiarity", "familiarity")):
        numbers |= {f"{words} {view}": round(value, 3) for view, value in trust.get(kind, {}).items()}
    with (folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            unit = f" ({row['unit']})" if row["unit"] else ""
            numbers[row["name"] + unit] = float(row["value"])
    return numbers


def _write_table(path: Path, cases: Sequence[Case]) -> None:
    columns = dict.fromkeys(name for case in cases for name in case.numbers)
    with replace_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["case", "status", "problem", "notes", *columns])
        writer.writeheader()
        for case in cases:
            status = "failed" if case.problem else "done"
            words = {"case": case.name, "status": status, "problem": case.problem, "notes": " ".join(case.notes)}
            writer.writerow(words | case.numbers)


def _write_page(path: Path, cases: Sequence[Case]) -> None:
    """A contact sheet, which shows the pictures in the folders of the cases."""
    shown = [
        (case, quote(case.name), [quote(name) for name in _PICTURES if (path.parent / case.name / name).is_file()])
        for case in cases
    ]
    write_page(path, TEMPLATE, cases=shown, failed=sum(bool(case.problem) for case in cases))
