"""Draws the modules' panels with Qt 6, without Slicer: plain widgets stand where Slicer's own would be.

    python Testing/render_panels.py FOLDER

writes a PNG file for each panel, and says what is cut, empty or on top of something else. It needs PySide6.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QFile
from PySide6.QtGui import QFont
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QTableView,
    QToolButton,
    QWidget,
)

ROOT = Path(__file__).resolve().parents[1]
PANELS = {path.stem: path for path in sorted(ROOT.glob("*/Resources/UI/*.ui"))}
WIDTH = 520
"""Of Slicer's module panel on a common screen."""


class Collapsible(QGroupBox):
    """ctkCollapsibleButton and ctkCollapsibleGroupBox, open."""


class Slider(QWidget):
    """ctkSliderWidget."""

    def __init__(self, parent=None):
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        slider, box = QSlider(), QDoubleSpinBox()
        slider.setOrientation(slider.orientation().Horizontal)
        layout.addWidget(slider)
        layout.addWidget(box)


_REPLACEMENTS = {
    "ctkCollapsibleButton": Collapsible,
    "ctkCollapsibleGroupBox": Collapsible,
    "ctkDirectoryButton": QPushButton,
    "ctkPathLineEdit": QComboBox,
    "ctkSliderWidget": Slider,
    "qMRMLCheckableNodeComboBox": QComboBox,
    "qMRMLNodeComboBox": QComboBox,
    "qMRMLTableView": QTableView,
    "qMRMLWidget": QFrame,
}


class _Loader(QUiLoader):
    """Puts the replacements in the places of Slicer's widgets."""

    def createWidget(self, class_name, parent=None, name=""):
        if class_name not in _REPLACEMENTS:
            return super().createWidget(class_name, parent, name)
        widget = _REPLACEMENTS[class_name](parent)
        widget.setObjectName(name)
        return widget


def load_panel(path: Path) -> QWidget:
    """The panel of a .ui file, as wide as Slicer's, and as high as it needs to be."""
    file = QFile(str(path))
    file.open(QFile.OpenModeFlag.ReadOnly)
    panel = _Loader().load(file)
    for combo in panel.findChildren(QComboBox):
        combo.addItem("An item")
    for box in panel.findChildren(Collapsible):
        box.setTitle(box.property("text") or box.title())
    panel.show()
    panel.resize(WIDTH, max(panel.heightForWidth(WIDTH), panel.sizeHint().height()))
    QApplication.processEvents()
    return panel


def faults(panel: QWidget) -> list[str]:
    """What a user would see is wrong with the layout of a panel, in words."""
    named = [child for child in panel.findChildren(QWidget) if child.objectName() and child.isVisible()]
    shown = [child for child in named if not child.objectName().startswith("qt_")]
    found = [f"{child.objectName()} has no size" for child in shown if not child.width() or not child.height()]
    found += [f"{panel.objectName()} is wider than {WIDTH} pixels"] if panel.minimumSizeHint().width() > WIDTH else []
    found += [f"the text of {child.objectName()} is cut" for child in shown if _is_cut(child)]
    for parent in {child.parentWidget() for child in shown}:
        children = [child for child in shown if child.parentWidget() is parent]
        found += [
            f"{one.objectName()} and {other.objectName()} overlap"
            for index, one in enumerate(children)
            for other in children[index + 1 :]
            if one.geometry().intersects(other.geometry())
        ]
    return found


def _is_cut(widget: QWidget) -> bool:
    """Whether a text does not fit into its label or button."""
    if isinstance(widget, QLabel) and widget.wordWrap():
        return widget.height() < widget.heightForWidth(widget.width())
    if isinstance(widget, QLabel | QPushButton | QCheckBox | QToolButton):
        return widget.width() < widget.minimumSizeHint().width()
    return False


def application() -> QApplication:
    """Qt, with one font for all machines."""
    app = QApplication.instance() or QApplication([])
    app.setStyle("Fusion")
    app.setFont(QFont("DejaVu Sans", 9))
    return app


def main(folder: Path) -> int:
    """Write a picture of each panel; returns how many faults there are."""
    application()
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, path in PANELS.items():
        panel = load_panel(path)
        panel.grab().save(str(folder / f"{name}.png"))
        for fault in faults(panel):
            print(f"{name}: {fault}")
            count += 1
    return count


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1])), 1))
