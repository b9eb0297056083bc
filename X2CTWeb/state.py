"""What the page shows: the typed state that joins `logic` and `ui`, which know nothing of each other."""

from dataclasses import dataclass, field

from X2CTReconstructionLib.nodes import SEGMENTS
from X2CTReconstructionLib.presets import PRESETS, WINDOWS

RECONSTRUCT, PROJECT = "reconstruct", "project"
"""The ways of using the page: radiographs to a CT, and a CT to radiographs."""
LARGEST_UPLOAD = 256 * 2**20
"""Bytes that are sent at once: a folder of radiographs, a CT, or a model."""
ALL_DRRS = "radiographs.zip"
"""All files of the radiographs that are made of a CT."""


@dataclass
class CorrectionState:
    """The controls by which the user sets a radiograph right, see `X2CTLib.corrections.Correction`.

    Attributes:
        quarter_turns: Counter-clockwise turns by 90 degrees.
        mirrored: Left and right exchanged.
        inverted: Black and white exchanged.
        columns: What is kept, from the left edge, in percent.
        rows: The same from the top.
        pixel_mm: Millimetres of patient a pixel; empty leaves what the file says.
    """

    quarter_turns: int = 0
    mirrored: bool = False
    inverted: bool = False
    columns: list[float] = field(default_factory=lambda: [0, 100])
    rows: list[float] = field(default_factory=lambda: [0, 100])
    pixel_mm: str = ""


@dataclass
class RadiographState:
    """One of the two radiographs; pictures are data URLs, empty where there are none.

    Attributes:
        name: File name; empty where there is no radiograph.
        details: Size in pixels and, where known, in millimetres.
        notes: Assumptions and warnings, in words.
        oriented: Whether the file or the user says which way the patient faces.
        mirrored: Whether it is used the other way round, since that is how the patient faces.
        taken: The radiograph.
        unstyled: What the styler was given, where one was used.
        seen: What the network saw.
        reprojected: The same of the reconstruction.
        difference: The last two, subtracted.
        seen_details: Size of what the network saw.
        correlation: Of what the network saw with the reprojection, as it is written.
        correction: What the user sets right.
        adjusting: Whether the controls for that are unfolded.
    """

    name: str = ""
    details: str = ""
    notes: list[str] = field(default_factory=list)
    oriented: bool = False
    mirrored: bool = False
    taken: str = ""
    unstyled: str = ""
    seen: str = ""
    reprojected: str = ""
    difference: str = ""
    seen_details: str = ""
    correlation: str = ""
    correction: CorrectionState = field(default_factory=CorrectionState)
    adjusting: bool = False


@dataclass
class ChoiceState:
    """An entry of a choice list."""

    value: str
    title: str


@dataclass
class InputState:
    """The radiographs.

    Attributes:
        pairs: The pairs among the files that the user gave, if there are several.
        pair: Which of them is on the page.
        pa: The frontal one.
        lateral: The lateral one.
        notes: What is to be said of the pair.
        problem: What speaks against them; empty if nothing does.
        overridden: Whether the user goes on nevertheless.
        wanted: What is in the way of a reconstruction, in words.
        ready: Whether they can be reconstructed.
        reading: Whether files are being read.
        shown: What the panes show: a picture's name in `RadiographState`.
    """

    pairs: list[ChoiceState] = field(default_factory=list)
    pair: str = "0"
    pa: RadiographState = field(default_factory=RadiographState)
    lateral: RadiographState = field(default_factory=RadiographState)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    overridden: bool = False
    wanted: str = ""
    ready: bool = False
    reading: bool = False
    shown: str = "taken"


@dataclass
class FactState:
    """A line of a model's card."""

    name: str
    text: str


@dataclass
class ModelState:
    """What reconstructs.

    Attributes:
        models: The installed ones, by the path of their weights.
        model: The one that is chosen.
        facts: What its card says.
        own: Whether the user added it, and may delete it.
        stylers: The installed stylers, by the path of their weights, after none.
        styler: The one that is chosen; empty for none.
        devices: Where networks can run.
        device: Where they shall.
        precisions: The precisions that there are.
        precision: The one in which they shall.
    """

    models: list[ChoiceState] = field(default_factory=list)
    model: str = ""
    facts: list[FactState] = field(default_factory=list)
    own: bool = False
    stylers: list[ChoiceState] = field(default_factory=list)
    styler: str = ""
    devices: list[str] = field(default_factory=list)
    device: str = "auto"
    precisions: list[str] = field(default_factory=list)
    precision: str = "auto"


@dataclass
class JobState:
    """The reconstruction that is running.

    Attributes:
        running: Whether there is one.
        percent: How much of it is done.
        message: What is being done now.
        left: How long it will take, in words; empty until that can be told.
    """

    running: bool = False
    percent: int = 0
    message: str = ""
    left: str = ""


@dataclass
class DrrState:
    """Radiographs that are made of a CT; lengths in mm, angles in degrees, see `X2CTLib.drr_settings.DrrSettings`.

    Attributes:
        ct: Name of the CT; empty where there is none.
        details: Its size.
        geometry: Preset that the lengths were set from.
        sid_mm: From the source to the detector.
        sad_mm: From the source to the isocentre.
        width_mm: Of the detector.
        height_mm: The same.
        pixels: Along its longer edge.
        gantry_deg: Turn about the patient's long axis.
        cranial_deg: Tilt towards the head.
        tube: Whether the radiographs are exposed; they are line integrals otherwise.
        kvp: Tube voltage.
        scatter: Scatter-to-primary ratio.
        log_photons: Of the photons a pixel gets without a patient, the decimal logarithm.
        blur_mm: Of the detector.
        pa: The frontal radiograph as a data URL: a preview, or what was made.
        lateral: The lateral one.
        problem: Why there can be none; empty if there can.
        made: Whether they have been made, as the controls say.
        reading: Whether the job reads a CT.
        job: What is being read, or made.
        steps: The steps that are unfolded.
    """

    ct: str = ""
    details: str = ""
    geometry: str = "clinical"
    sid_mm: float = 1800
    sad_mm: float = 1620
    width_mm: float = 355.6
    height_mm: float = 355.6
    pixels: int = 512
    gantry_deg: float = 0
    cranial_deg: float = 0
    tube: bool = False
    kvp: float = 120
    scatter: float = 1
    log_photons: float = 5
    blur_mm: float = 0.2
    pa: str = ""
    lateral: str = ""
    problem: str = ""
    made: bool = False
    reading: bool = False
    job: JobState = field(default_factory=JobState)
    steps: list[str] = field(default_factory=lambda: ["ct", "geometry", "exposure", "drrs"])


@dataclass
class MeasurementState:
    """A row of the table, as it is written there."""

    name: str
    value: str
    unit: str
    note: str


@dataclass
class ResultState:
    """What there is of the reconstruction on show.

    Attributes:
        shown: Whether there is one.
        outdated: Whether radiographs or settings have been changed since.
        measurements: Rows of the table.
        notes: What the reconstruction assumed about its input.
        low: Whether something speaks against it.
        words: How far to trust it.
        uncertainty_colours: Of the uncertainty's scale, in CSS; empty where it was not estimated.
        writing: The file that is being made for the user; empty if none is.
    """

    shown: bool = False
    outdated: bool = False
    measurements: list[MeasurementState] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    low: bool = False
    words: list[str] = field(default_factory=list)
    uncertainty_colours: list[str] = field(default_factory=list)
    writing: str = ""


@dataclass
class DisplayState:
    """How it is shown.

    Attributes:
        preset: Volume rendering preset; empty for no rendering.
        shift: Of its opacities, in HU.
        crop: Whether a box cuts the rendering.
        detectors: Whether the radiographs stand at their detectors in 3D.
        window: Name of the window of the slices.
        uncertainty: Opacity of the uncertainty over the slices, in percent.
        lines: Whether the lines of the cardiothoracic ratio are shown.
        organs: The organs that are shown.
        organs_in: Where they are: any of "slices" and "3d".
        enlarged: The pane that fills the main area; empty for all six.
    """

    preset: str = next(iter(PRESETS))
    shift: float = 0
    crop: bool = False
    detectors: bool = False
    window: str = next(iter(WINDOWS))
    uncertainty: int = 0
    lines: bool = True
    organs: list[str] = field(default_factory=lambda: list(SEGMENTS))
    organs_in: list[str] = field(default_factory=list)
    enlarged: str = ""


@dataclass
class AppState:
    """All of it.

    Attributes:
        mode: What the page is used for: `RECONSTRUCT` or `PROJECT`.
        input: The radiographs.
        model: What reconstructs.
        uncertainty: Whether the next reconstruction shall tell its uncertainty.
        job: The running reconstruction.
        result: The finished one.
        display: How it is shown.
        drr: Radiographs that are made of a CT.
        steps: The steps that are unfolded.
        error: What went wrong, until the user closes the alert.
    """

    mode: str = RECONSTRUCT
    input: InputState = field(default_factory=InputState)
    model: ModelState = field(default_factory=ModelState)
    uncertainty: bool = False
    job: JobState = field(default_factory=JobState)
    result: ResultState = field(default_factory=ResultState)
    display: DisplayState = field(default_factory=DisplayState)
    drr: DrrState = field(default_factory=DrrState)
    steps: list[str] = field(default_factory=lambda: ["radiographs", "reconstruct"])
    error: str = ""
