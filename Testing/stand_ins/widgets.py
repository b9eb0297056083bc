"""Stand-in widgets with PythonQt's manners: a property is an attribute, a slot is a call, a signal has `connect`."""

import weakref
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from .api import widget_api

_TYPES = {"bool": bool, "int": int, "double": (float, int), "QString": str, "QStringList": (list, tuple)}
_DEFAULTS = {"bool": False, "int": 0, "double": 0.0, "QString": "", "QStringList": ()}


class Signal:
    """A Qt signal of a widget; overloads are told apart by the arguments' types in its signatures."""

    def __init__(self, signatures: set[str]) -> None:
        self.signatures = signatures
        self._slots: list[tuple[str, Callable]] = []

    def connect(self, slot: Callable, signature: str | None = None) -> None:
        """Call `slot` with the signal's arguments, or with as many as it takes."""
        self._slots.append((signature or max(self.signatures, key=len), slot))

    def disconnect(self, slot: Callable) -> None:
        """Forget a slot.

        Raises:
            ValueError: It was never connected.
        """
        remaining = [entry for entry in self._slots if entry[1] != slot]
        if len(remaining) == len(self._slots):
            raise ValueError(f"{slot} is not connected")
        self._slots = remaining

    def emit(self, *arguments) -> None:
        """Call what is connected; a slot connected to a signature without arguments gets none."""
        for signature, slot in list(self._slots):
            slot(*_as_many_as_taken(slot, () if signature.endswith("()") else arguments))


def _as_many_as_taken(slot: Callable, arguments: tuple) -> tuple:
    code = getattr(getattr(slot, "__func__", slot), "__code__", None)
    if code is None or code.co_flags & 0x04:  # built in, or with *args
        return arguments
    taken = code.co_argcount - (1 if hasattr(slot, "__self__") else 0)
    return arguments[:taken]


class Widget:
    """A widget of any class in the listing; what it does beyond keeping its properties is in the subclasses."""

    class_name = "QWidget"
    defaults: ClassVar[dict] = {"enabled": True, "visible": True}

    def __init__(self, class_name: str | None = None) -> None:
        api = widget_api(class_name or self.class_name)
        overloads: dict[str, set[str]] = {}
        for signature in api.signals:
            overloads.setdefault(signature.partition("(")[0], set()).add(signature)
        own = {
            "_api": api,
            "_values": dict(self.defaults),
            "_signals": {name: Signal(signatures) for name, signatures in overloads.items()},
            "_children": [],
            "_dynamic": {},
            "_filters": [],
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str):
        api = self._api
        if name == "name":
            return self.objectName
        if name in api.properties:
            return self._values.get(name, _DEFAULTS.get(api.properties[name][0]))
        if name in self._signals:
            return self._signals[name]
        if name.startswith("set") and (target := name[3:4].lower() + name[4:]) in api.properties and name in api.names:
            return partial(setattr, self, target)
        if name in api.names:
            raise NotImplementedError(f"the stand-in of {api.name} does not do {name} yet")
        raise AttributeError(f"{api.name} has no {name} in Slicer 5.13")

    def __setattr__(self, name: str, value) -> None:
        api = self._api
        if name not in api.properties:
            raise AttributeError(f"{api.name} has no property {name} in Slicer 5.13")
        kind, writable = api.properties[name]
        if not writable:
            raise AttributeError(f"{api.name}.{name} cannot be written")
        if kind in _TYPES and not isinstance(value, _TYPES[kind]):
            raise TypeError(f"{api.name}.{name} is a {kind}, not {value!r}")
        if value != getattr(self, name):
            self._values[name] = value
            self.changed(name, value)

    def changed(self, name: str, value) -> None:
        """A property has a new value: emit what Qt emits."""

    def connect(self, signature: str, slot: Callable) -> None:
        """PythonQt's `connect("signal(type)", slot)`.

        Raises:
            AttributeError: The class has no such signal.
        """
        if signature not in self._api.signals:
            raise AttributeError(f"{self._api.name} has no signal {signature} in Slicer 5.13")
        self._signals[signature.partition("(")[0]].connect(slot, signature)

    def className(self) -> str:
        """The C++ class."""
        return self._api.name

    def isWidgetType(self) -> bool:
        """Every widget is one."""
        return True

    def installEventFilter(self, filter_object) -> None:
        """Show it events before the widget gets them; Qt does not keep the filter alive either."""
        self._filters.append(weakref.ref(filter_object))

    def receive(self, event) -> bool:
        """Give the widget an event, as a test does; returns whether a filter has taken it."""
        return any(reference().eventFilter(self, event) for reference in self._filters if reference())

    def children(self) -> list:
        """Direct children."""
        return list(self._children)

    def property(self, name: str):
        """A property, dynamic ones included; None where there is none."""
        return self._dynamic.get(name, self._values.get(name))

    def setProperty(self, name: str, value) -> None:
        """Set a property; a name that the class does not know makes a dynamic property."""
        if name in self._api.properties:
            setattr(self, name, value)
        else:
            self._dynamic[name] = value


class Button(Widget):
    """QPushButton, QCheckBox, ctkCollapsibleButton: clicks and checked states."""

    def click(self) -> None:
        """As the mouse does: a button that is not enabled does nothing."""
        if not self.enabled:
            return
        if self.checkable:
            self.checked = not self.checked
        self.clicked.emit(self.checked)

    def changed(self, name: str, value) -> None:
        if name == "checked":
            self.toggled.emit(value)
            if "stateChanged" in self._signals:
                self.stateChanged.emit(2 if value else 0)


class CheckBox(Button):
    """QCheckBox."""

    class_name = "QCheckBox"
    defaults: ClassVar[dict] = Widget.defaults | {"checkable": True}


class ComboBox(Widget):
    """QComboBox."""

    class_name = "QComboBox"
    defaults: ClassVar[dict] = Widget.defaults | {"currentIndex": -1}

    def __init__(self, class_name: str | None = None) -> None:
        super().__init__(class_name)
        object.__setattr__(self, "_items", [])

    @property
    def currentText(self) -> str:
        """The chosen item."""
        return self._items[self.currentIndex] if self.currentIndex >= 0 else ""

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemText(self, index: int) -> str:
        """An item."""
        return self._items[index]

    def addItem(self, text: str) -> None:
        """The first item is chosen by itself."""
        self._items.append(text)
        if self.currentIndex < 0:
            self.currentIndex = 0

    def clear(self) -> None:
        """Remove all."""
        self._items.clear()
        self.currentIndex = -1

    def choose(self, index: int) -> None:
        """As the user does: this is not a method of Qt's, but only it emits `activated`."""
        self.currentIndex = index
        self.activated.emit(index)

    def changed(self, name: str, value) -> None:
        if name == "currentIndex":
            self.currentIndexChanged.emit(value)


class ListItem:
    """QListWidgetItem."""

    def __init__(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        """What it shows."""
        return self._text


class ListWidget(Widget):
    """QListWidget."""

    class_name = "QListWidget"

    def __init__(self, class_name: str | None = None) -> None:
        super().__init__(class_name)
        for name in ("_items", "_selected"):
            object.__setattr__(self, name, [])

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def addItems(self, texts: list[str]) -> None:
        """At the end."""
        self._items.extend(ListItem(text) for text in texts)

    def clear(self) -> None:
        """Remove all."""
        self._items.clear()
        if self._selected:
            self._selected.clear()
            self.itemSelectionChanged.emit()

    def item(self, row: int) -> ListItem:
        """The item in a row."""
        return self._items[row]

    def row(self, item: ListItem) -> int:
        """Where an item is."""
        return self._items.index(item)

    def selectedItems(self) -> tuple[ListItem, ...]:
        """In the order in which they were clicked."""
        return tuple(self._selected)

    def click(self, row: int) -> None:
        """As the mouse does in a list of multiple selection; this is not a method of Qt's."""
        if self.enabled:
            item = self._items[row]
            self._selected.remove(item) if item in self._selected else self._selected.append(item)
            self.itemSelectionChanged.emit()


class LineEdit(Widget):
    """QLineEdit."""

    class_name = "QLineEdit"

    def changed(self, name: str, value) -> None:
        if name == "text":
            self.textChanged.emit(value)


class SpinBox(Widget):
    """QSpinBox: takes the nearest value in its range."""

    class_name = "QSpinBox"
    defaults: ClassVar[dict] = Widget.defaults | {"maximum": 99}

    def setRange(self, minimum, maximum) -> None:
        """What it takes."""
        self.minimum, self.maximum = minimum, maximum

    def __setattr__(self, name: str, value) -> None:
        super().__setattr__(name, min(max(value, self.minimum), self.maximum) if name == "value" else value)

    def changed(self, name: str, value) -> None:
        if name == "value":
            self.valueChanged.emit(value)


class DoubleSpinBox(SpinBox):
    """QDoubleSpinBox."""

    class_name = "QDoubleSpinBox"
    defaults: ClassVar[dict] = Widget.defaults | {"maximum": 99.99, "decimals": 2}

    def __setattr__(self, name: str, value) -> None:
        super().__setattr__(name, round(float(value), self.decimals) if name == "value" else value)


class SliderWidget(DoubleSpinBox):
    """ctkSliderWidget."""

    class_name = "ctkSliderWidget"


class PathLineEdit(Widget):
    """ctkPathLineEdit."""

    class_name = "ctkPathLineEdit"

    def changed(self, name: str, value) -> None:
        if name == "currentPath":
            self.currentPathChanged.emit(value)


class DirectoryButton(Widget):
    """ctkDirectoryButton."""

    class_name = "ctkDirectoryButton"

    def changed(self, name: str, value) -> None:
        if name == "directory":
            self.directoryChanged.emit(value)


class ProgressBar(Widget):
    """QProgressBar: a value out of its range is not taken."""

    class_name = "QProgressBar"
    defaults: ClassVar[dict] = Widget.defaults | {"maximum": 100}

    def __setattr__(self, name: str, value) -> None:
        if name != "value" or self.minimum <= value <= self.maximum:
            super().__setattr__(name, value)

    def changed(self, name: str, value) -> None:
        if name == "value":
            self.valueChanged.emit(value)


class NodeComboBox(Widget):
    """qMRMLNodeComboBox over the real scene: takes nodes of its types only, and lets go of removed ones."""

    class_name = "qMRMLNodeComboBox"
    defaults: ClassVar[dict] = Widget.defaults | {"showChildNodeTypes": True}

    def __init__(self, class_name: str | None = None) -> None:
        super().__init__(class_name)
        for name in ("_scene", "_node", "_tag"):
            object.__setattr__(self, name, None)

    def mrmlScene(self):
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene) -> None:
        """Choose among the nodes of this scene."""
        if self._scene is not None:
            self._scene.RemoveObserver(self._tag)
        box = weakref.ref(self)  # the scene may outlive the widget

        def forget(caller, event) -> None:
            if box() is not None:
                box()._forget_removed()

        object.__setattr__(self, "_scene", scene)
        object.__setattr__(self, "_tag", scene.AddObserver(scene.NodeRemovedEvent, forget) if scene else None)

    def currentNode(self):
        """The chosen node, or None."""
        return self._node

    def setCurrentNode(self, node) -> None:
        """Choose a node; one that the box does not list is None."""
        node = node if node is not None and self._lists(node) else None
        if node is not self._node:
            object.__setattr__(self, "_node", node)
            self.currentNodeChanged.emit(node)

    def _lists(self, node) -> bool:
        if self.showChildNodeTypes:
            fits = any(node.IsA(kind) for kind in self.nodeTypes)
            fits = fits and not any(node.IsA(kind) for kind in self.hideChildNodeTypes)
        else:
            fits = node.GetClassName() in self.nodeTypes
        return fits and self._scene is not None and bool(self._scene.IsNodePresent(node))

    def _forget_removed(self) -> None:
        if self._node is not None and not self._scene.IsNodePresent(self._node):
            self.setCurrentNode(None)


class CheckableNodeComboBox(NodeComboBox):
    """qMRMLCheckableNodeComboBox."""

    class_name = "qMRMLCheckableNodeComboBox"

    def __init__(self, class_name: str | None = None) -> None:
        super().__init__(class_name)
        object.__setattr__(self, "_checked", [])

    def check(self, node) -> None:
        """Tick a node that it lists."""
        if self._lists(node) and node not in self._checked:
            self._checked.append(node)
            self.checkedNodesChanged.emit()

    def uncheck(self, node) -> None:
        """Tick it off."""
        if node in self._checked:
            self._checked.remove(node)
            self.checkedNodesChanged.emit()

    def checkedNodes(self) -> list:
        """Those that are ticked."""
        return list(self._checked)

    def _forget_removed(self) -> None:
        for node in self.checkedNodes():
            if not self._scene.IsNodePresent(node):
                self.uncheck(node)


class TableView(Widget):
    """qMRMLTableView."""

    class_name = "qMRMLTableView"

    def __init__(self, class_name: str | None = None) -> None:
        super().__init__(class_name)
        object.__setattr__(self, "_table", None)

    def setMRMLScene(self, scene) -> None:
        """Nothing to do: the table comes by itself."""

    def setMRMLTableNode(self, node) -> None:
        """Show a table."""
        object.__setattr__(self, "_table", node)

    def resizeColumnsToContents(self) -> None:
        """Looks only."""

    def mrmlTableNode(self):
        """The table that is shown."""
        return self._table


class MrmlWidget(Widget):
    """qMRMLWidget: hands its scene on through its signal."""

    class_name = "qMRMLWidget"

    def setMRMLScene(self, scene) -> None:
        """Give a scene to what is connected."""
        self.mrmlSceneChanged.emit(scene)


_CLASSES = {
    cls.class_name: cls
    for cls in (
        CheckBox,
        ComboBox,
        ListWidget,
        LineEdit,
        SpinBox,
        DoubleSpinBox,
        SliderWidget,
        PathLineEdit,
        DirectoryButton,
        ProgressBar,
        NodeComboBox,
        CheckableNodeComboBox,
        TableView,
        MrmlWidget,
    )
}
_CLASSES |= dict.fromkeys(("QPushButton", "QToolButton", "ctkCollapsibleButton", "ctkCollapsibleGroupBox"), Button)


def make_widget(class_name: str) -> Widget:
    """A stand-in of a class in the listing."""
    return _CLASSES.get(class_name, Widget)(class_name)
