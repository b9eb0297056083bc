"""What the panel remembers, and what can be chosen on it."""

import tomllib
from pathlib import Path
from typing import Annotated

from slicer import vtkMRMLMarkupsFiducialNode, vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

_EXPERIMENTS = Path(__file__).resolve().parent.parent / "Resources" / "Experiments"
_HOME = Path.home() / "X2CTGAN"

EXPERIMENTS = tuple(
    file.stem
    for file in sorted(_EXPERIMENTS.glob("*.toml"))
    if tomllib.loads(file.read_text(encoding="utf-8"))["system"] == "reconstruction"
)
SCALES = ("paper", *sorted(file.stem for file in (_EXPERIMENTS / "Scales").glob("*.toml")))
VIEWS = {"PA and lateral": ("PA", "LATERAL"), "PA": ("PA",), "lateral": ("LATERAL",)}
"""The radiographs by their names on the panel."""
SCORED = ("what the run holds out", "what the data set holds out")
"""The cases of an evaluation by their names on the panel."""
GEOMETRIES = ("clinical", "paper", "parallel")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "32-true", "bf16-mixed")


@parameterNodeWrapper
class X2CTTrainingParameterNode:
    """What the panel remembers in the scene. Of numbers that an experiment or preset has, too, 0 stands for these.

    Attributes:
        drrVolume: The CT that is projected.
        drrViews: Which radiographs of it; see `VIEWS`.
        drrGeometry: Preset that the lengths were set from.
        sidMm: From the source to the detector.
        sadMm: From the source to the isocentre.
        detectorWidthMm: Of the detector.
        detectorHeightMm: Of the detector.
        detectorPixels: Along its longer edge.
        gantryDeg: Turn about the patient's long axis.
        cranialDeg: Tilt towards the head.
        isocentre: Its first point is what the central rays pass; the volume's middle without it.
        bodyOnly: Whether the table is left out.
        kvp: Tube voltage; 0 for line integrals.
        scatter: Scatter-to-primary ratio.
        photons: Per pixel, without a patient; 0 for no noise.
        blurMm: Of the detector.
        showPreview: Whether the radiographs follow the sliders.
        exportFolder: For DRRs as files.
        phantoms: How many are trained on.
        cases: The table of the data set.
        experiment: What is trained.
        scale: How large.
        lengthFactor: Of all its stages.
        batch: Samples to one step.
        learningRate: The highest of all stages.
        networkWidth: Channels relative to the paper's.
        device: What trains.
        precision: In which it trains.
        runName: Of the run's folder.
        runsFolder: With all runs.
        scored: The cases of the next evaluation; see `SCORED`.
        scores: The table of an evaluation.
    """

    drrVolume: vtkMRMLScalarVolumeNode
    drrViews: Annotated[str, Choice(tuple(VIEWS))] = "PA and lateral"
    drrGeometry: Annotated[str, Choice(GEOMETRIES)] = "clinical"
    sidMm: Annotated[float, WithinRange(300, 3000)] = 1800.0
    sadMm: Annotated[float, WithinRange(200, 2900)] = 1620.0
    detectorWidthMm: Annotated[float, WithinRange(50, 1000)] = 355.6
    detectorHeightMm: Annotated[float, WithinRange(50, 1000)] = 355.6
    detectorPixels: Annotated[int, WithinRange(16, 4096)] = 512
    gantryDeg: Annotated[float, WithinRange(-180, 180)] = 0.0
    cranialDeg: Annotated[float, WithinRange(-90, 90)] = 0.0
    isocentre: vtkMRMLMarkupsFiducialNode
    bodyOnly: bool = True
    kvp: Annotated[float, WithinRange(0, 150)] = 0.0
    scatter: Annotated[float, WithinRange(0, 20)] = 0.0
    photons: Annotated[float, WithinRange(0, 1e9)] = 0.0
    blurMm: Annotated[float, WithinRange(0, 5)] = 0.0
    showPreview: bool = True
    exportFolder: Path = _HOME / "drrs"
    phantoms: Annotated[int, WithinRange(0, 10000)] = 0
    cases: vtkMRMLTableNode
    experiment: Annotated[str, Choice(EXPERIMENTS)] = "x2ct-gan-biplanar"
    scale: Annotated[str, Choice(SCALES)] = "paper"
    lengthFactor: Annotated[float, WithinRange(0.01, 10)] = 1.0
    batch: Annotated[int, WithinRange(0, 256)] = 0
    learningRate: Annotated[float, WithinRange(0, 0.1)] = 0.0
    networkWidth: Annotated[float, WithinRange(0, 4)] = 0.0
    device: Annotated[str, Choice(DEVICES)] = "auto"
    precision: Annotated[str, Choice(PRECISIONS)] = "auto"
    runName: str = "run-1"
    runsFolder: Path = _HOME / "runs"
    scored: Annotated[str, Choice(SCORED)] = SCORED[0]
    scores: vtkMRMLTableNode
