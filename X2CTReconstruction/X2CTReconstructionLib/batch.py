"""Many pairs of radiographs, one after the other: a folder for each case, one table and one page for all."""

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from X2CTLib.cards import DEFAULT_MODEL, load_card
from X2CTLib.errors import Cancelled, X2CTError
from X2CTLib.files import replace_file
from X2CTLib.outlines import Areas, outlined_lung_volume
from X2CTLib.page import write_page
from X2CTLib.pairing import Pair
from X2CTLib.progress import CancelToken, Progress, part, silent
from X2CTLib.request import Request
from X2CTReconstructionLib.command import write_results
from X2CTReconstructionLib.sheet import write_sheet

TABLE, PAGE, SHEET = "batch.csv", "index.html", "sheet.jpg"
TEMPLATE = Path(__file__).resolve().parent.parent / "Resources" / "Report" / "x2ct_batch.html.j2"
# What was given, what the network saw, and what it made of it.
_PICTURES = (
    *(f"{view}{ending}.png" for ending in ("_unstyled", "") for view in ("pa", "lateral")),
    *(f"renderings/{name}.png" for name in ("coronal", "sagittal", "axial", "pa")),
)
LUNGS = "Lungs volume (mL)"
OUTLINED = "Lungs volume by planimetry on the radiographs (mL)"
AGAINST_OUTLINED = "Lungs volume against planimetry on the radiographs (%)"
"""Columns of the table."""
_IN_SHORT = {LUNGS: "lungs {:.0f} mL", OUTLINED: "by planimetry {:.0f} mL"}
_SUMMED_UP = "reprojection", "familiarity", "Lungs volume"


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
    outlines: Areas | None = None,
) -> list[Case]:
    """Reconstruct pairs into folders of `output`, as `command.write_results` does.

    Beside the folders, batch.csv has the numbers of all cases, index.html and sheet.jpg their pictures.

    A case that fails does not stop the others. What another run has finished is not done again, if it was made of
    files of these names with the same model, and with a styler if there is to be one; a case's folder is whole or not
    there.

    Args:
        pairs: From `pairing.find_pairs`.
        defaults: What to do with each; its files are not used.
        output: Made if missing.
        progress: Told after every step.
        cancel: Looked at as often; the cases that are done stay, and are in the table.
        outlines: Of lungs on the radiographs, from `outlines.read_outlines`; their volumes are in the table, too.

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
        if not _finished(folder, pair, sha256, styled=defaults.styler is not None):
            problem = _reconstruct(replace(defaults, files=pair.files), folder, own, cancel)
        cases.append(Case(pair.name, problem, {} if problem else _numbers(folder, outlines or {}), pair.notes))
        _write_table(output / TABLE, cases)
        _write_page(output / PAGE, cases)
    write_sheet(output / SHEET, [(_in_short(case), _pictures(output / case.name)) for case in cases])
    return cases


def summary(cases: Sequence[Case]) -> list[str]:
    """Trust, familiarity and lungs of all cases that are done, a line each: mean, least and most."""
    numbers = [case.numbers for case in cases if not case.problem]
    lines = [f"low trust: {sum(of.get('low trust') == 'yes' for of in numbers)} of {len(numbers)}"]
    for name in dict.fromkeys(name for of in numbers for name in of if name.startswith(_SUMMED_UP)):
        values = [of[name] for of in numbers if name in of]
        lines.append(f"{name}: {fmean(values):.4g} ({min(values):.4g} to {max(values):.4g})")
    return lines


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


def _finished(folder: Path, pair: Pair, sha256: str | None, styled: bool) -> bool:
    """Whether a folder holds the results of these files and this model, with or without a styler."""
    if any(folder.glob("*_unstyled.png")) != styled:
        return False
    record = _record(folder)
    made_of = record.get("sources"), record.get("card", {}).get("sha256")
    sources = {view: path.name for view, path in pair.files.items()}
    return made_of == (sources, sha256) and (folder / "report.html").is_file()


def _record(folder: Path) -> dict:
    try:
        return json.loads((folder / "reconstruction.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _numbers(folder: Path, outlines: Areas) -> dict[str, str | float]:
    """What a case's files say of trust and measurements, and outlines of its radiographs."""
    record = _record(folder)
    trust = record.get("trust") or {}
    numbers: dict[str, str | float] = {"low trust": "yes" if trust.get("low") else "no"} if trust else {}
    for kind, words in (("reprojection_correlations", "reprojection correlation"), ("familiarity", "familiarity")):
        numbers |= {f"{words} {view}": round(value, 3) for view, value in trust.get(kind, {}).items()}
    with (folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            unit = f" ({row['unit']})" if row["unit"] else ""
            numbers[row["name"] + unit] = float(row["value"])
    if outlined := outlined_lung_volume(outlines, record["sources"], record["mm_per_pixel"]):
        numbers[OUTLINED] = round(outlined, 1)
        if LUNGS in numbers:
            numbers[AGAINST_OUTLINED] = round(100 * (numbers[LUNGS] / outlined - 1), 1)
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
        (case, quote(case.name), [quote(file.relative_to(path.parent / case.name).as_posix()) for file in files])
        for case in cases
        for files in [_pictures(path.parent / case.name)]
    ]
    write_page(path, TEMPLATE, cases=shown, failed=sum(bool(case.problem) for case in cases), sheet=SHEET)


def _pictures(folder: Path) -> list[Path]:
    """The pictures of a case; none of one that failed."""
    return [folder / name for name in _PICTURES if (folder / name).is_file()]


def _in_short(case: Case) -> str:
    """A case in a line: why it failed, or how far to trust it and how large the lungs are."""
    if case.problem:
        return f"{case.name}: {case.problem}"
    told = [
        "low trust" if case.numbers.get("low trust") == "yes" else "",
        *(f"{name} {value:.2f}" for name, value in case.numbers.items() if name.startswith("reprojection")),
        *(words.format(case.numbers[name]) for name, words in _IN_SHORT.items() if name in case.numbers),
    ]
    return f"{case.name}: {', '.join(filter(None, told))}"
