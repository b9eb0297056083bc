"""What is learned from: volumes of the scene, folders and lists, phantoms."""

import slicer
from slicer.i18n import tr as _

from X2CTPanelLib.section import Section, columnTexts, fill


class DataSection(Section):
    """Sources, and what is in them."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.checkButton.connect("clicked(bool)", self.onCheck)
        self.ui.showCaseButton.connect("clicked(bool)", self.onShowCase)
        self.ui.dataVolumesSelector.connect("checkedNodesChanged()", panel.updatePanel)
        self.ui.dataPathLineEdit.connect("currentPathChanged(QString)", panel.updatePanel)

    def update(self, ready):
        """What can be checked and shown."""
        self.ui.checkButton.enabled = ready and anyData(self)
        fill(self.ui.caseComboBox, columnTexts(self.parameters.cases, "case") if self.parameters else [])
        self.ui.showCaseButton.enabled = ready and self.ui.caseComboBox.count > 0

    def onCheck(self):
        """A table of all cases."""
        volumes = self.ui.dataVolumesSelector.checkedNodes()
        sources = self.logic.sources([], None, self.ui.dataPathLineEdit.currentPath, self.parameters.phantoms)
        self.panel.start(lambda: self.logic.checkJob(sources, volumes), self._showTable)

    def onShowCase(self):
        """The chosen case as it is trained on."""
        with slicer.util.tryWithErrorDisplay(_("The case could not be shown."), waitCursor=True):
            nodes = self.logic.showCase(self.parameters.cases, self.ui.caseComboBox.currentText)
            slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)

    def _showTable(self, table):
        self.logic.getParameterNode().cases = table
        self.ui.casesTableView.resizeColumnsToContents()


def anyData(section):
    """Whether the data section names anything."""
    ui, parameters = section.ui, section.parameters
    return bool(ui.dataVolumesSelector.checkedNodes() or ui.dataPathLineEdit.currentPath or parameters.phantoms)
