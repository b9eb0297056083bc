"""Puts the stand-ins where the Slicer desktop has the real things, and takes them away again."""

import contextlib
import importlib.metadata
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import SimpleITK as sitk
import slicer

from . import parameters, scripted
from .api import widget_api
from .dicom import DicomDatabase
from .ui import load_ui
from .widgets import Signal, Widget

ROOT = Path(__file__).resolve().parents[2]
MODULES = {name: ROOT / name / f"{name}.py" for name in ("X2CTReconstruction", "X2CTTraining")}
"""The scripted modules' files."""


class Timer:
    """QTimer; it fires when the test turns the event loop. QTimer is no widget and not in the listing."""

    all: list["Timer"]

    def __init__(self) -> None:
        self.timeout = Signal({"timeout()"})
        self.active = False
        Timer.all.append(self)

    @staticmethod
    def singleShot(milliseconds: int, slot: Callable) -> None:
        timer = Timer()

        def fire() -> None:
            timer.stop()
            slot()

        timer.connect("timeout()", fire)
        timer.start()

    def setInterval(self, milliseconds: int) -> None:
        if not isinstance(milliseconds, int):
            raise TypeError("QTimer.setInterval takes an int")

    def connect(self, signature: str, slot: Callable) -> None:
        if signature != "timeout()":
            raise AttributeError(f"QTimer has no signal {signature}")
        self.timeout.connect(slot)

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        self.active = False


class Event:
    """QEvent and what is dragged with it; drag and drop events have files."""

    DragEnter, DragMove, Drop, MouseMove = 60, 61, 63, 5

    def __init__(self, kind: int, *paths: str) -> None:
        self._kind, self._paths = kind, paths
        self.accepted = False

    def type(self) -> int:
        return self._kind

    def mimeData(self) -> "Event":
        return self

    def urls(self) -> list:
        return [SimpleNamespace(isLocalFile=lambda: True, toLocalFile=lambda path=path: path) for path in self._paths]

    def acceptProposedAction(self) -> None:
        self.accepted = True


class Application:
    """`slicer.app`, without a main window and in testing mode, in which Slicer logs instead of opening dialogs."""

    applicationName = "Slicer"

    def __init__(self, temporary_path: Path, volumes_logic) -> None:
        self.temporaryPath = str(temporary_path)
        self._volumes_logic = volumes_logic
        self._startup = Signal({"startupCompleted()"})

    def connect(self, signature: str, slot: Callable) -> None:
        if signature != "startupCompleted()":
            raise AttributeError(f"qSlicerApplication has no signal {signature}")
        self._startup.connect(slot)

    def startup(self) -> None:
        """What happens when Slicer has started."""
        self._startup.emit()

    def testingEnabled(self) -> bool:
        return True

    def layoutManager(self) -> None:
        return None

    def processEvents(self) -> None: ...

    def setOverrideCursor(self, cursor) -> None: ...

    def restoreOverrideCursor(self) -> None: ...

    def coreIOManager(self) -> "Application":
        return self

    def loadNodes(self, file_type: str, properties: dict, collection, messages) -> bool:
        """Slicer's volume reader. The one of slicer-core reads no pictures, which the desktop's does."""
        path = Path(properties["fileName"])
        readable = path
        try:
            if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".tif", ".tiff"):
                readable = Path(self.temporaryPath) / f"{path.stem}.nrrd"
                sitk.WriteImage(sitk.ReadImage(str(path)), str(readable))
            elif path.suffix != ".nrrd":
                sitk.ReadImage(str(path))  # VTK's readers are loud about what they cannot read
        except RuntimeError:
            return False
        options = 4 if properties.get("singleFile") else 0
        node = self._volumes_logic.AddArchetypeVolume(str(readable), properties.get("name", path.stem), options)
        if node is None:
            return False
        node.GetStorageNode().SetFileName(str(path))
        collection.AddItem(node)
        return True


class Desktop:
    """What a test holds in its hands: it answers dialogs, and turns the event loop."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.chosen_files: list[str] = []
        self.entered: list[str] = []
        self.required: list[str] = []
        self.loaded: list[Widget] = []
        self.qt: ModuleType | None = None

    def turn(self, until: Callable[[], bool], seconds: float = 300.0) -> None:
        """Let timers fire until something holds.

        Raises:
            AssertionError: It takes longer.
        """
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"still waiting after {seconds} s"
            for timer in [timer for timer in Timer.all if timer.active]:
                timer.timeout.emit()
            time.sleep(0.02)


def _qt(desktop: Desktop) -> ModuleType:
    class File:
        """QFile."""

        ReadOnly = 1

        def __init__(self, path: str) -> None:
            self.path = Path(path)

        def exists(self) -> bool:
            return self.path.is_file()

        def open(self, mode: int) -> bool:
            return self.exists()

    class UiLoader:
        """QUiLoader."""

        def load(self, file: File) -> Widget:
            desktop.loaded.append(load_ui(file.path))
            return desktop.loaded[-1]

    class FileDialog:
        """QFileDialog, which the test answers."""

        @staticmethod
        def getOpenFileNames(parent, caption: str, directory: str, filters: str) -> tuple[str, ...]:
            assert "getOpenFileNames" in widget_api("QFileDialog").names
            return tuple(desktop.chosen_files)

        @staticmethod
        def getOpenFileName(parent, caption: str, directory: str, filters: str) -> str:
            assert "getOpenFileName" in widget_api("QFileDialog").names
            return "".join(desktop.chosen_files)

        @staticmethod
        def getExistingDirectory(parent, caption: str, directory: str) -> str:
            assert "getExistingDirectory" in widget_api("QFileDialog").names
            return "".join(desktop.chosen_files)

    class InputDialog:
        """QInputDialog, whose static methods return what the user enters, empty if that is nothing."""

        @staticmethod
        def getText(parent, title: str, label: str) -> str:
            return desktop.entered.pop(0)

        @staticmethod
        def getItem(parent, title: str, label: str, items: list[str], current: int, editable: bool) -> str:
            entered = desktop.entered.pop(0)
            assert entered in ["", *items]
            return entered

    class Object:
        """QObject."""

    members = {"QTimer": Timer, "QFile": File, "QUiLoader": UiLoader, "QFileDialog": FileDialog}
    members |= {"QInputDialog": InputDialog, "QObject": Object, "QEvent": Event}
    return _module("qt", QMessageBox=SimpleNamespace(Ok=1, Critical=3), Qt=SimpleNamespace(WaitCursor=3), **members)


def _module(name: str, **members) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    return module


def _packaging(desktop: Desktop) -> ModuleType:
    """`slicer.packaging`; this Python has everything, so that ensuring is only noted."""

    def load_requirements(path):
        from packaging.requirements import Requirement

        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
        return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]

    def pip_ensure(
        requirements,
        constraints=None,
        skip_packages=None,
        prompt_install=True,
        prompt_restart=True,
        requester=None,
        skip_in_testing=True,
        show_progress=True,
    ):
        desktop.required += [requirement.name for requirement in requirements]
        for requirement in requirements:
            installed = importlib.metadata.version(requirement.name)
            assert requirement.specifier.contains(installed), f"the tests' Python has {requirement.name} {installed}"

    return _module("slicer.packaging", load_requirements=load_requirements, pip_ensure=pip_ensure)


def _modules(scene, paths: dict[str, Path]) -> SimpleNamespace:
    """`slicer.modules`: the loadable modules with the real logics, which register their nodes in the scene."""
    logics = {
        "volumes": slicer.vtkSlicerVolumesLogic(),
        "volumerendering": slicer.vtkSlicerVolumeRenderingLogic(),
        "segmentations": slicer.vtkSlicerSegmentationsModuleLogic(),
        "subjecthierarchy": slicer.vtkSlicerSubjectHierarchyModuleLogic(),
        "tables": slicer.vtkSlicerTablesLogic(),
        "markups": slicer.vtkSlicerMarkupsLogic(),
        "models": slicer.vtkSlicerModelsLogic(),
        "plots": slicer.vtkSlicerPlotsLogic(),
    }
    presets = Path(importlib.util.find_spec("trame_slicer").origin).parent / "resources"
    logics["volumerendering"].SetModuleShareDirectory(str(presets))
    for logic in logics.values():
        logic.SetMRMLScene(scene)
    modules = {name: SimpleNamespace(logic=lambda logic=logic: logic) for name, logic in logics.items()}
    return SimpleNamespace(**modules, **{name: SimpleNamespace(path=str(path)) for name, path in paths.items()})


@contextlib.contextmanager
def slicer_desktop(temporary_path: Path) -> Iterator[Desktop]:
    """Make this Python look like that of the Slicer desktop, with an empty scene and PythonSlicer on the PATH.

    Args:
        temporary_path: What `slicer.app.temporaryPath` is.
    """
    scene = slicer.vtkMRMLScene()
    modules = _modules(scene, {name.lower(): path for name, path in MODULES.items()})
    desktop = Desktop(Application(temporary_path, modules.volumes.logic()))
    packaging = _packaging(desktop)
    translation = _module("slicer.i18n", tr=lambda text: text, translate=lambda context, text: text)
    Timer.all = []
    scripted.SampleDataLogic.registered.clear()
    desktop.qt = _qt(desktop)
    imported = {
        "qt": desktop.qt,
        "ctk": _module("ctk"),
        "slicer.i18n": translation,
        "slicer.packaging": packaging,
        "slicer.ScriptedLoadableModule": scripted,
        "slicer.parameterNodeWrapper": parameters,
        "SampleData": _module("SampleData", SampleDataLogic=scripted.SampleDataLogic),
    }
    attributes = {"app": desktop.app, "mrmlScene": scene, "modules": modules, "packaging": packaging}
    attributes["dicomDatabase"] = DicomDatabase()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in imported.items():
            patch.setitem(sys.modules, name, module)
        for name, value in attributes.items():
            patch.setattr(slicer, name, value, raising=False)
        patch.setattr(slicer.util, "mainWindow", lambda: None)
        patch.setenv("X2CT_MODELS", str(temporary_path / "models"))
        patch.setenv("PATH", str(_launcher(temporary_path / "bin")), prepend=os.pathsep)
        yield desktop
        for widget in desktop.loaded:
            widget.setMRMLScene(None)
        scene.Clear(True)


def _launcher(folder: Path) -> Path:
    """A folder with PythonSlicer, which runs this Python."""
    folder.mkdir()
    launcher = folder / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return folder


def load_module(name: str) -> ModuleType:
    """A scripted module, as Slicer loads it; its panel is loaded anew, with this desktop's widgets."""
    for imported in [imported for imported in sys.modules if "PanelLib" in imported]:
        del sys.modules[imported]
    spec = importlib.util.spec_from_file_location(name, MODULES[name])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_parent() -> scripted.Parent:
    """What Slicer gives to a module's widget."""
    return scripted.Parent()
