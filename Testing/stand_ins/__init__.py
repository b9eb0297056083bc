"""Stand-ins for the parts of the Slicer desktop that the Python package slicer-core lacks: Qt widgets and their loader,
`slicer.app`, `slicer.modules`, the scripted module classes, the parameter node wrapper, Sample Data.

MRML, its logics and `slicer.util` are the real ones. A stand-in knows the names that `slicer-5.13.json`, read from a
running Slicer, lists, and refuses every other; a name that Slicer has but no test has needed yet is refused, too.
"""
