"""Stand-ins for Slicer's scripted module base classes and for Sample Data.

Their call signatures are those of the listing; a test compares them.
"""

import typing
import unittest
from pathlib import Path
from urllib.parse import unquote, urlparse

import slicer

from .widgets import Widget


class ScriptedLoadableModule:
    """Base of the module class."""

    def __init__(self, parent):
        self.parent = parent
        self.moduleName = type(self).__name__

    def resourcePath(self, filename):
        return str(Path(self.parent.path).parent / "Resources" / filename)


class ScriptedLoadableModuleWidget:
    """Base of the widget class; as in Slicer, it does not call `setup` if it has a parent."""

    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.parent = parent
        self.layout = parent.layout()

    def resourcePath(self, filename):
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self):
        pass

    def cleanup(self):
        pass

    def onReload(self):
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    """Base of the logic class."""

    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag(self.moduleName)
            node = slicer.mrmlScene.AddNode(node)
        node.SetAttribute("ModuleName", self.moduleName)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of the test class."""

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        pass


class SampleDataLogic:
    """Keeps what is registered, after looking at it as Slicer will."""

    registered: typing.ClassVar[list[dict]] = []

    @staticmethod
    def registerCustomSampleDataSource(
        category="Custom",
        sampleName=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileTypes=None,
        loadFiles=None,
        loadFileProperties={},  # noqa: B006
        checksums=None,
        loadFileType=None,
    ):
        if not len(uris) == len(fileNames) == len(nodeNames):
            raise ValueError("uris, fileNames and nodeNames differ in length")
        paths = [Path(unquote(urlparse(uri).path)) for uri in uris]
        SampleDataLogic.registered.append({"category": category, "sampleName": sampleName, "paths": paths})


class Parent(Widget):
    """What Slicer gives a module's widget as its parent."""

    def __init__(self):
        super().__init__("qMRMLWidget")
        object.__setattr__(self, "isEntered", True)

    def layout(self):
        return Layout()


class Layout:
    """QVBoxLayout."""

    def addWidget(self, widget):
        pass
