"""DRRs as DICOM: Digital X-Ray Image Storage - For Presentation (PS3.3, A.26), marked as computed."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid
from pydicom.valuerep import DSfloat

from X2CTLib.dicom_derived import derived_image, set_pixels
from X2CTLib.files import replace_file
from X2CTLib.geometry import ProjectionGeometry, View
from X2CTLib.intensity import display_range

_CHEST = Code("51185008", "SCT", "Chest")
_VIEWS = {
    View.PA: Code("272479007", "SCT", "postero-anterior"),
    View.LATERAL: Code("399173006", "SCT", "left lateral"),
}
_WHITE = 65535


def write_dicom(
    path: Path,
    image: Float[np.ndarray, "r c"],
    projection: ProjectionGeometry,
    patient: str,
    study_uid: str,
    kvp: float | None = None,
) -> None:
    """Write a DRR as a digital X-ray image for presentation.

    Args:
        path: The file.
        image: Line integrals, or -log(I/I0); bright is dense. All of their range is kept, in 16 bit, and the display
            window spans what `intensity.normalise` does.
        projection: The geometry that it was computed in.
        patient: Patient ID (0010,0020), which ties the views of a CT to each other.
        study_uid: Study Instance UID (0020,000D), the same for all views.
        kvp: Peak tube voltage (0018,0060), if there is one.
    """
    derivation = "Computed from a CT by line integrals."
    sop_class = DigitalXRayImageStorageForPresentation
    dataset = derived_image(sop_class, "DX", derivation, patient, study_uid, generate_uid())
    _identify(dataset, projection)
    _place(dataset, projection)
    _fill(dataset, image)
    if kvp is not None:
        dataset.KVP = DSfloat(kvp, auto_format=True)
    with replace_file(path) as partial:
        dataset.save_as(partial, enforce_file_format=True)


def _identify(dataset: Dataset, projection: ProjectionGeometry) -> None:
    """What it shows, and that it is computed."""
    dataset.StudyID = "DRR"
    dataset.SeriesNumber, dataset.InstanceNumber = list(View).index(projection.view) + 1, 1
    dataset.SeriesDescription = f"DRR {projection.view.name}"
    dataset.ManufacturerModelName = "Digitally reconstructed radiograph"
    dataset.PresentationIntentType, dataset.ImageType = "FOR PRESENTATION", ["DERIVED", "SECONDARY"]
    dataset.AnatomicRegionSequence = [_item(_CHEST)]
    dataset.ImageLaterality = "U"  # the chest is no paired organ
    dataset.AcquisitionContextSequence = []


def _place(dataset: Dataset, projection: ProjectionGeometry) -> None:
    """Source, detector and patient; an oblique projection has positioner angles, and no named view."""
    _, right, down = projection.axes_lps
    dataset.PatientOrientation = [_side(right), _side(down)]
    dataset.PositionerType = "NONE"
    primary, secondary = projection.positioner_deg
    dataset.PositionerPrimaryAngle = DSfloat(primary, auto_format=True)
    dataset.PositionerSecondaryAngle = DSfloat(secondary, auto_format=True)
    if projection.gantry_deg == projection.cranial_deg == 0:
        dataset.ViewPosition = projection.view.value
        dataset.ViewCodeSequence = [_item(_VIEWS[projection.view])]
        dataset.ViewCodeSequence[0].ViewModifierCodeSequence = []
    if not projection.parallel:
        dataset.DistanceSourceToDetector = DSfloat(projection.sid_mm, auto_format=True)
        dataset.DistanceSourceToPatient = DSfloat(projection.sad_mm, auto_format=True)
    dataset.DetectorType = ""
    dataset.EstimatedRadiographicMagnificationFactor = DSfloat(projection.magnification, auto_format=True)
    dataset.ImagerPixelSpacing = [DSfloat(projection.pixel_mm, auto_format=True)] * 2
    dataset.PixelSpacing = [DSfloat(projection.pixel_mm / projection.magnification, auto_format=True)] * 2
    dataset.PixelSpacingCalibrationType = "GEOMETRY"
    dataset.PixelSpacingCalibrationDescription = "At the isocentre"
    # In detector elements from its top left corner.
    dataset.PositionOfIsocenterProjection = [projection.columns / 2, projection.rows / 2]


def _fill(dataset: Dataset, image: Float[np.ndarray, "r c"]) -> None:
    """Grey values."""
    darkest, step = float(image.min()), max(float(np.ptp(image)), 1e-6) / _WHITE
    values = np.round((image - darkest) / step).astype(np.uint16)
    low, high = (round((value - darkest) / step) for value in display_range(image))
    set_pixels(dataset, values)
    # Higher values stand for less radiation, in logarithmic steps.
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", -1
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "US"
    dataset.PresentationLUTShape = "IDENTITY"
    # The linear window of PS3.3, C.11.2.1.2.1, from low to high.
    dataset.WindowCenter, dataset.WindowWidth = (low + high + 1) / 2, max(high - low, 1) + 1


def _side(direction: Float[np.ndarray, "3"]) -> str:
    """The sides of the patient that a direction points to, the foremost first, as in Patient Orientation."""
    sides = [(abs(length), pair[int(length > 0)]) for length, pair in zip(direction, ("RL", "AP", "FH"), strict=True)]
    return "".join(side for length, side in sorted(sides, reverse=True) if length > 1e-3)


def _item(code: Code) -> Dataset:
    """An item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
