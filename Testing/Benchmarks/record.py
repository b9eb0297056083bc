"""The files that a benchmark leaves: its table as Markdown, CSV and JSON, with the machine's name, and plots."""

import csv
import datetime
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import psutil
import torch
from matplotlib.figure import Figure

from Benchmarks.racing import Settings
from Benchmarks.results import COLUMNS, Result, table


def machine() -> dict[str, str | int | float]:
    """What it was measured on."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    return {
        "processor": models[0] if models else "unknown",
        "cores": len(os.sched_getaffinity(0)),
        "instruction sets": ", ".join(
            sorted(name for name, there in torch.cpu.get_capabilities().items() if there is True)
        ),
        "memory (GiB)": round(psutil.virtual_memory().total / 2**30),
        "graphics card": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "torch": torch.__version__,
        "load when it began": round(os.getloadavg()[0], 1),
    }


def write(folder: Path, results: Sequence[Result], settings: Settings, computer: dict) -> None:
    """Write benchmark.md, .csv and .json, targets.png and, if something was measured over sizes, scaling.png."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {**computer, **asdict(settings), "ct": str(settings.ct or "phantom"), "date": str(datetime.date.today())}
    lines = "\n".join(f"- {name}: {value}" for name, value in about.items())
    (folder / "benchmark.md").write_text(f"{table(results)}\n\n{lines}\n", encoding="utf-8")
    with (folder / "benchmark.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(result.row() for result in results)
    record = {"measured": about, "results": [asdict(result) for result in results]}
    (folder / "benchmark.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    _plot_targets(folder / "targets.png", [result for result in results if result.share is not None])
    _plot_scaling(folder / "scaling.png", [result for result in results if result.voxels])


def _plot_targets(path: Path, results: Sequence[Result]) -> None:
    """How far each figure with a target is on the way to it."""
    if not results:
        return
    figure = Figure(figsize=(9, 1 + 0.35 * len(results)), layout="constrained")
    axes = figure.subplots()
    names = [f"{result.benchmark}: {result.figure}" for result in results]
    colours = ["tab:green" if result.share >= 1 else "tab:orange" for result in results]
    axes.barh(names, [result.share for result in results], color=colours)
    axes.axvline(1, color="black")
    axes.set_xscale("log")
    axes.set_xlabel("on the way to the target; 1 reaches it")
    axes.invert_yaxis()
    figure.savefig(path, dpi=120)


def _plot_scaling(path: Path, results: Sequence[Result]) -> None:
    """Cost and memory against the number of voxels."""
    if not results:
        return
    units = list(dict.fromkeys(result.unit for result in results))
    figure = Figure(figsize=(5 * len(units), 4), layout="constrained")
    for axes, unit in zip(figure.subplots(1, len(units), squeeze=False)[0], units, strict=True):
        curve = [result for result in results if result.unit == unit]
        axes.loglog([result.voxels for result in curve], [result.value for result in curve], "o-", base=2)
        axes.set_xlabel("voxels along an edge")
        axes.set_ylabel(unit)
    figure.savefig(path, dpi=120)
