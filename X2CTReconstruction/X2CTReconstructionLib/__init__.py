"""Scene work of the Reconstruction module: nodes, display, pictures, report. MRML, yes; Qt, no."""
