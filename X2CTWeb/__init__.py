"""The browser front end: trame-slicer over the same engine and scene work as the Slicer module."""
