"""Files dropped onto a widget.

In Slicer, Python cannot override a widget's dropEvent; an event filter can take the event before the widget does.
"""

import qt


class DropArea(qt.QObject):
    """Makes a widget, whose property acceptDrops is set, take files and folders.

    Args:
        widget: They are dropped here.
        onDropped: Called with their paths, once the drop is over: dialogs would keep the other application waiting.
    """

    def __init__(self, widget, onDropped):
        qt.QObject.__init__(self)
        self._onDropped = onDropped
        widget.installEventFilter(self)

    def eventFilter(self, widget, event):
        """Take what has local files."""
        if event.type() not in (qt.QEvent.DragEnter, qt.QEvent.DragMove, qt.QEvent.Drop):
            return False
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            return False
        event.acceptProposedAction()
        if event.type() == qt.QEvent.Drop:
            qt.QTimer.singleShot(0, lambda: self._onDropped(paths))
        return True
