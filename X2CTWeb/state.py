"""What the page shows: the typed state that joins `logic` and `ui`, which know nothing of each other."""

from dataclasses import dataclass, field

from X2CTReconstructionLib.presets import PRESETS, WINDOWS

LARGEST_UPLOAD = 128 * 2**20
"""Bytes; the largest radiographs, uncompressed, have a quarter of it."""


@dataclass
class RadiographState:
    """One of the two radiographs.

    Attributes:
        name: File name; empty where there is no radiograph.
        details: Size in pixels and, where known, in millimetres.
        notes: Assumptions and warnings, in words.
        picture: The radiograph as a data URL.
        seen: What the network saw of it, once it has been reconstructed, as a data URL; empty if it saw nothing.
        seen_details: Size of that.
        oriented: Whether the file says which way the patient faces.
    """

    name: str = ""
    details: str = ""
    notes: list[str] = field(default_factory=list)
    picture: str = ""
    seen: str = ""
    seen_details: str = ""
    oriented: bool = False


@dataclass
class InputState:
    """The radiographs.

    Attributes:
        pa: The frontal one.
        lateral: The lateral one.
        notes: What is to be said of the pair.
        problem: Why they cannot be reconstructed; empty if they can.
        wanted: What the model needs, in words.
        ready: Whether they can be reconstructed.
        reading: Whether files are being read.
        shown: What the panes show: the radiographs as "taken" or as "seen" by the network.
    """

    pa: RadiographState = field(default_factory=RadiographState)
    lateral: RadiographState = field(default_factory=RadiographState)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    wanted: str = ""
    ready: bool = False
    reading: bool = False
    shown: str = "taken"


@dataclass
class JobState:
    """The reconstruction that is running.

    Attributes:
        running: Whether there is one.
        percent: How much of it is done.
        message: What is being done now.
    """

    running: bool = False
    percent: int = 0
    message: str = ""


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
        measurements: Rows of the table.
        notes: What the reconstruction assumed about its input.
        report_busy: Whether the report is being drawn.
    """

    shown: bool = False
    measurements: list[MeasurementState] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    report_busy: bool = False


@dataclass
class DisplayState:
    """How it is shown.

    Attributes:
        preset: Volume rendering preset.
        window: Name of the window of the slices.
        organs: Whether the organs are outlined in the slices.
        enlarged: The pane that fills the main area; empty for all six.
    """

    preset: str = PRESETS[0]
    window: str = next(iter(WINDOWS))
    organs: bool = False
    enlarged: str = ""


@dataclass
class AppState:
    """All of it.

    Attributes:
        input: The radiographs.
        job: The running reconstruction.
        result: The finished one.
        display: How it is shown.
        error: What went wrong, until the user closes the alert.
    """

    input: InputState = field(default_factory=InputState)
    job: JobState = field(default_factory=JobState)
    result: ResultState = field(default_factory=ResultState)
    display: DisplayState = field(default_factory=DisplayState)
    error: str = ""
