"""Stand-in for Slicer's parameter node wrapper: typed attributes in a real MRML node, bound to widgets.

It knows the types and the widgets that Slicer's serializers and connectors know, as far as this project uses them.
"""

import enum
import typing
from pathlib import Path

import slicer
import vtk

from .widgets import Signal, Widget


class Choice:
    """Annotation: one of these values."""

    def __init__(self, choices):
        self.choices = choices


class WithinRange:
    """Annotation: not less and not more."""

    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum


# By type: how a value is read from its text, and what shows it: widget class, property and signal.
_PLAIN = {
    bool: (lambda text: text == "True", {"QCheckBox": ("checked", "stateChanged")}),
    int: (int, {"QSpinBox": ("value", "valueChanged")}),
    float: (float, dict.fromkeys(("QDoubleSpinBox", "ctkSliderWidget"), ("value", "valueChanged"))),
    str: (str, {"QLineEdit": ("text", "textChanged")}),
    Path: (Path, {"ctkDirectoryButton": ("directory", "directoryChanged")}),
}


class Parameter:
    """A descriptor for one attribute: a node reference, or a plain value, of a choice or in a range."""

    def __init__(self, name: str, hint, default) -> None:
        self.name, self.default = name, default
        self.kind = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
        annotations = getattr(hint, "__metadata__", ())
        choice = next((part for part in annotations if isinstance(part, Choice)), None)
        self.choices = list(choice.choices) if choice else None
        self.range = next((part for part in annotations if isinstance(part, WithinRange)), None)
        self.is_node = issubclass(self.kind, slicer.vtkMRMLNode)
        self.is_enum = issubclass(self.kind, enum.Enum)
        if self.is_enum:
            self.choices = list(self.kind)
        plain = self.is_enum or self.kind in _PLAIN
        if not (self.is_node or (plain and isinstance(default, self.kind))):
            raise NotImplementedError(f"the stand-in does not keep a {hint} that is {default!r} at first")
        if not self.is_node:
            self._check(default)

    def _check(self, value) -> None:
        if not isinstance(value, self.kind) and not (self.is_node and value is None):
            raise ValueError(f"{self.name} is a {self.kind.__name__}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} is one of {self.choices}, not {value!r}")
        if self.range and not self.range.minimum <= value <= self.range.maximum:
            raise ValueError(f"{self.name} is between {self.range.minimum} and {self.range.maximum}, not {value!r}")

    def __get__(self, wrapper, owner=None):
        if wrapper is None:
            return self
        node = wrapper.parameterNode
        if self.is_node:
            return node.GetNodeReference(self.name)
        read = self.kind.__getitem__ if self.is_enum else _PLAIN[self.kind][0]
        return read(node.GetParameter(self.name)) if node.HasParameter(self.name) else self.default

    def __set__(self, wrapper, value) -> None:
        self._check(value)
        if self.is_node:
            wrapper.parameterNode.SetNodeReferenceID(self.name, value.GetID() if value else None)
        else:
            wrapper.parameterNode.SetParameter(self.name, value.name if self.is_enum else str(value))

    def prepare(self, widget: Widget) -> None:
        """Fill a widget as Slicer's connector for this type does.

        Raises:
            RuntimeError: Slicer has no such connector.
        """
        classes = {"qMRMLNodeComboBox"} if self.is_node else {"QComboBox"} if self.choices else _PLAIN[self.kind][1]
        if widget.className() not in classes:
            raise RuntimeError(f"no connector from {self.kind} to {widget.className()}")
        if self.is_node:
            widget.nodeTypes = [self.kind.__name__]
        elif self.choices:
            widget.clear()
            for choice in self.choices:
                widget.addItem(choice.label() if self.is_enum else choice)
        elif self.range:
            widget.minimum, widget.maximum = self.range.minimum, self.range.maximum

    def write(self, widget: Widget, value) -> None:
        """Show the value."""
        if self.is_node:
            widget.setCurrentNode(value)
        elif self.choices:
            widget.currentIndex = self.choices.index(value)
        else:
            setattr(widget, self._shown_by(widget)[0], str(value) if self.kind is Path else value)

    def read(self, widget: Widget):
        """What the widget shows."""
        if self.is_node:
            return widget.currentNode()
        if self.choices:
            return self.choices[widget.currentIndex]
        return self.kind(getattr(widget, self._shown_by(widget)[0]))

    def signal(self, widget: Widget) -> Signal:
        """What the widget emits when the user changes it."""
        if self.is_node:
            return widget.currentNodeChanged
        return widget.currentIndexChanged if self.choices else getattr(widget, self._shown_by(widget)[1])

    def _shown_by(self, widget: Widget) -> tuple[str, str]:
        return _PLAIN[self.kind][1][widget.className()]


class _ParameterNode:
    """What the decorator adds to a class."""

    allParameters: typing.ClassVar[dict[str, Parameter]] = {}

    def __init__(self, parameterNode):
        self.parameterNode = parameterNode
        self._guis = []

    def connectGui(self, gui):
        """Bind the widgets whose SlicerParameterName is a parameter; returns a tag."""
        connections = []
        for widget in vars(gui).values():
            name = widget.property("SlicerParameterName")
            if name is None:
                continue
            if name not in self.allParameters:
                raise ValueError(f"Cannot find a param with the given name: {name}")
            parameter = self.allParameters[name]
            parameter.prepare(widget)
            parameter.write(widget, getattr(self, name))
            changed = self._setter(parameter, widget)
            parameter.signal(widget).connect(changed)
            connections.append((parameter, widget, changed))
        tag = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._update(connections))
        self._guis.append((tag, connections))
        return len(self._guis) - 1

    def disconnectGui(self, guiTag):
        """Undo `connectGui`."""
        tag, connections = self._guis[guiTag]
        self.RemoveObserver(tag)
        for parameter, widget, changed in connections:
            parameter.signal(widget).disconnect(changed)

    def AddObserver(self, event, callback, priority=0.0):
        """Observe the node."""
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        """Do not observe it any more."""
        self.parameterNode.RemoveObserver(tag)

    def _setter(self, parameter: Parameter, widget: Widget):
        def changed():
            value = parameter.read(widget)
            if value != getattr(self, parameter.name):
                setattr(self, parameter.name, value)

        return changed

    def _update(self, connections) -> None:
        for parameter, widget, _ in connections:
            parameter.write(widget, getattr(self, parameter.name))


def parameterNodeWrapper(classtype=None):
    """Class decorator; the attributes' types and defaults are those of the class."""
    hints = typing.get_type_hints(classtype, include_extras=True)
    parameters = {name: Parameter(name, hint, getattr(classtype, name, None)) for name, hint in hints.items()}
    members = {"__doc__": classtype.__doc__, "__module__": classtype.__module__, "allParameters": parameters}
    return type(classtype.__name__, (_ParameterNode,), members | parameters)
