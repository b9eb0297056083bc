"""Files that may hold a radiograph, by the ends of their names; DICOM is told by content."""

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Files that know nothing of the patient."""
SLICES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
"""Files that know size and direction."""
