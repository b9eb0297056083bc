"""The sample case in Slicer's Sample Data module."""

from pathlib import Path

RESOURCES = Path(__file__).resolve().parent.parent / "Resources"
SAMPLE = "x2ct_lidc_0001"
"""Files of the sample case in Resources/SampleData: radiographs computed from a CT of the LIDC-IDRI collection."""


def sampleFiles():
    """The PA and the lateral radiograph."""
    return [RESOURCES / "SampleData" / f"{SAMPLE}_{view}.png" for view in ("pa", "lateral")]


def registerSampleData():
    """Offer the sample case in the Sample Data module, where there is one."""
    try:
        from SampleData import SampleDataLogic
    except ImportError:
        return
    # Each radiograph comes with its sidecar, which the reader finds beside it.
    files = [file.with_suffix(kind) for file in sampleFiles() for kind in (".json", ".png")]
    SampleDataLogic.registerCustomSampleDataSource(
        category="X2CTGAN",
        sampleName="X2CTChestPair",
        thumbnailFileName=str(RESOURCES / "Icons" / "X2CTReconstruction.png"),
        uris=[file.as_uri() for file in files],
        fileNames=[file.name for file in files],
        nodeNames=[None, "PA radiograph", None, "Lateral radiograph"],
        loadFileProperties={"singleFile": True},
    )
