"""What the sections of the panel have in common."""


class Section:
    """A part of the panel.

    Args:
        panel: The module's widget; its `parameters` are None while the module is not open.
    """

    def __init__(self, panel):
        self.panel = panel
        self.ui = panel.ui
        self.logic = panel.logic

    @property
    def parameters(self):
        """The scene's parameters."""
        return self.panel.parameters

    def enter(self):
        """The module is opened, or the scene is another."""

    def leave(self):
        """The module is left."""

    def parametersChanged(self):
        """A parameter has changed."""

    def update(self, ready):
        """Enable what can be done; `ready` if a scene is there and no job runs."""


def fill(comboBox, texts):
    """Offer texts in a combo box, and keep what is chosen if it is still there."""
    before = comboBox.currentText
    if [comboBox.itemText(index) for index in range(comboBox.count)] == list(texts):
        return
    comboBox.clear()
    for text in texts:
        comboBox.addItem(text)
    if before in texts:
        comboBox.currentIndex = list(texts).index(before)


def columnTexts(table, title):
    """The different texts in a column of a table node, in their order; none if it has no such column."""
    column = table.GetTable().GetColumnByName(title) if table else None
    return list(dict.fromkeys(column.GetValue(row) for row in range(column.GetNumberOfValues()))) if column else []
