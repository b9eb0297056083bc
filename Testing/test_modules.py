"""What holds for each module of the Slicer desktop: it starts quickly, and asks Slicer only for what Slicer has.

The stand-ins know what a running Slicer 5.13 has (Testing/stand_ins) and refuse everything else.
"""

import ast
import inspect
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import slicer

sys.path.append(str(Path(__file__).resolve().parent))

from stand_ins import parameters, scripted
from stand_ins.api import slicer_api, widget_api
from stand_ins.desktop import MODULES, load_module, make_parent, slicer_desktop
from stand_ins.ui import load_ui
from stand_ins.widgets import make_widget

HEAVY = {"torch", "monai", "pydicom", "jaxtyping", "safetensors", "lightning_fabric", "msgspec", "psutil", "tomli_w"}
UI = {name: path.parent / "Resources" / "UI" / f"{name}.ui" for name, path in MODULES.items()}
OURS = {path.name for module in MODULES.values() for path in module.parent.glob("*Lib")}

each_module = pytest.mark.parametrize("name", MODULES)
each_panel = pytest.mark.parametrize("ui", UI.values(), ids=UI)


@pytest.fixture
def desktop(tmp_path):
    """Slicer without our modules yet."""
    with slicer_desktop(tmp_path) as desktop:
        yield desktop


def own_sources(name: str) -> list[Path]:
    """The module file and the code that knows Slicer."""
    folder = MODULES[name].parent
    knowing = [*folder.glob("*/scene*.py"), *folder.glob("X2CTReconstructionLib/*.py"), *folder.glob("*PanelLib/*.py")]
    return [MODULES[name], *knowing]


@each_module
def test_loading_needs_nothing_that_slicer_does_not_bring(desktop, monkeypatch, name):
    """Slicer starts without the engine's packages: they are installed later, and importing them would take long."""

    class Refuse:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in HEAVY:
                raise ImportError(f"{name} was imported at start-up")

    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] in OURS | HEAVY]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Refuse(), *sys.meta_path])
    load_module(name)
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] in OURS]:
        del sys.modules[loaded]  # for good: those from before come back with monkeypatch, and must not meet these


@each_module
def test_the_ui_file_and_the_widget_agree(desktop, monkeypatch, tmp_path, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    module = load_module(name)
    panel = getattr(module, f"{name}Widget")(make_parent())
    panel.setup()
    bound = {widget.property("SlicerParameterName") for widget in vars(panel.ui).values()} - {None}
    parameters = set(getattr(module, f"{name}ParameterNode").allParameters)
    assert bound <= parameters
    attributes = [
        node
        for source in own_sources(name)
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    ]
    assert {node.attr for node in attributes if ast.unparse(node.value) in ("self.ui", "ui")} <= vars(panel.ui).keys()
    assert parameters - bound <= {node.attr for node in attributes}, "what no widget is bound to, the code follows"
    panel.cleanup()


@each_panel
def test_every_mrml_widget_gets_the_scene(ui):
    """The desktop's own contract: mrmlSceneChanged of the root is connected to each setMRMLScene."""
    document = ElementTree.parse(ui).getroot()
    root = document.find("widget")
    assert root.get("class") == "qMRMLWidget"
    connected = {
        connection.findtext("receiver")
        for connection in document.iterfind("connections/connection")
        if connection.findtext("sender") == root.get("name")
        and connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    mrml = {widget.get("name") for widget in root.iter("widget") if widget.get("class").startswith("qMRML")}
    assert connected == mrml - {root.get("name")}
    custom = {entry.findtext("class") for entry in document.iterfind("customwidgets/customwidget")}
    assert custom == {
        widget.get("class") for widget in root.iter("widget") if not widget.get("class").startswith("Q")
    } | {"qMRMLWidget"}


@each_panel
def test_every_text_on_the_panel_can_be_translated(ui):
    for widget in ElementTree.parse(ui).getroot().iter("widget"):
        for name in ("text", "toolTip", "placeholderText", "noneDisplay", "suffix", "specialValueText"):
            for text in widget.iterfind(f"property[@name='{name}']/string"):
                assert text.get("notr") is None, f"{widget.get('name')}.{name}"


@each_module
def test_slicers_functions_are_called_by_names_that_it_has(name):
    for library in ("util", "packaging"):
        used = {
            node.attr
            for source in own_sources(name)
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == f"slicer.{library}"
        }
        assert used <= slicer_api()[library].keys() | {"NodeModify", "VTKObservationMixin"}  # classes are not listed


def test_the_stand_ins_have_slicers_signatures(desktop):
    listed = slicer_api()
    for class_name, methods in listed["ScriptedLoadableModule"].items():
        for name, signature in methods.items():
            if method := vars(getattr(scripted, class_name)).get(name):
                assert str(inspect.signature(method)) == signature, f"{class_name}.{name}"
    for name in ("pip_ensure", "load_requirements"):
        ours = inspect.signature(getattr(slicer.packaging, name)).parameters
        theirs = [
            part.split(":")[0].strip() for part in listed["packaging"][name].split("(")[1].split(")")[0].split(",")
        ]
        assert list(ours) == theirs
    used = {"Choice", "WithinRange", "parameterNodeWrapper"}
    assert used <= set(listed["parameterNodeWrapper"]) & vars(parameters).keys()


def test_the_stand_ins_refuse_what_slicer_lacks(tmp_path):
    button = make_widget("QPushButton")
    with pytest.raises(AttributeError, match="QPushButton has no property caption"):
        button.caption = "Go"
    with pytest.raises(AttributeError, match="has no signal clicked"):
        button.connect("clicked(int)", print)
    with pytest.raises(AttributeError, match="press"):
        button.press()
    with pytest.raises(TypeError, match="text is a QString"):
        button.text = 3
    with pytest.raises(AttributeError, match="no widget class"):
        widget_api("QMagicBox")
    broken = tmp_path / "broken.ui"
    broken.write_text(
        UI["X2CTReconstruction"].read_text(encoding="utf-8").replace('name="readOnly"', 'name="readonly"'),
        encoding="utf-8",
    )
    with pytest.raises(AttributeError, match="readonly"):
        load_ui(broken)


def test_slicer_is_told_to_run_the_tests_of_both_modules(tmp_path):
    """With a Slicer that fails the second one."""
    calls, slicer_stub = tmp_path / "calls", tmp_path / "Slicer"
    slicer_stub.write_text(
        f'#!/bin/sh\necho "$@" >> {calls}\ncase "$*" in *"\'X2CTTraining\')"*) exit 1;; esac\n', encoding="utf-8"
    )
    slicer_stub.chmod(0o755)
    command = [sys.executable, str(Path(__file__).with_name("run_in_slicer.py")), "--slicer", str(slicer_stub)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 1 and "Failed: X2CTTraining" in result.stdout
    first, second = calls.read_text(encoding="utf-8").splitlines()
    assert "runUnitTest" in first and "'X2CTReconstruction')" in first and "'X2CTTraining')" in second
