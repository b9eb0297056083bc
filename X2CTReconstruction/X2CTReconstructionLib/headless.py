"""A MRML scene where no Slicer application brings one: the command line and the tests."""

import slicer


class HeadlessScene:
    """A scene with the modules' logics that this package's nodes need.

    Attributes:
        scene: The `vtkMRMLScene`, to be given to the functions of this package.
    """

    def __init__(self) -> None:
        self.scene = slicer.vtkMRMLScene()
        # Each logic registers its module's node classes; that of the segmentations its converters, too.
        self._logics = [
            slicer.vtkMRMLApplicationLogic(),  # its selection node, which the markups ask for
            slicer.vtkSlicerMarkupsLogic(),
            slicer.vtkSlicerVolumesLogic(),
            slicer.vtkSlicerVolumeRenderingLogic(),
            slicer.vtkSlicerSegmentationsModuleLogic(),
            slicer.vtkSlicerSubjectHierarchyModuleLogic(),
            slicer.vtkSlicerTablesLogic(),
        ]
        for logic in self._logics:
            logic.SetMRMLScene(self.scene)
