"""What is learned from: volumes of the scene, series of the DICOM database, folders and lists, phantoms."""

import slicer
from slicer.i18n import tr as _

from X2CTLib.errors import X2CTError
from X2CTPanelLib.section import Section, columnTexts, fill


class DataSection(Section):
    """Sources, and what is in them."""

    def __init__(self, panel):
        super().__init__(panel)
        self._series = []
        self.ui.checkButton.connect("clicked(bool)", self.onCheck)
        self.ui.showCaseButton.connect("clicked(bool)", self.onShowCase)
        self.ui.dataVolumesSelector.connect("checkedNodesChanged()", panel.updatePanel)
        self.ui.dataPathLineEdit.connect("currentPathChanged(QString)", panel.updatePanel)
        self.ui.dicomSeriesList.connect("itemSelectionChanged()", panel.updatePanel)

    def enter(self):
        """See which CTs the DICOM database has by now; if it has none, say why in their place."""
        before = self._series
        try:
            self._series, without = self.logic.dicomSeries(), _("The DICOM database holds no CT.")
        except X2CTError as error:
            self._series, without = [], str(error)
        if self._series and self._series == before:
            return
        self.ui.dicomSeriesList.clear()
        self.ui.dicomSeriesList.addItems([self._seriesText(series) for series in self._series] or [without])
        self.ui.dicomSeriesList.enabled = bool(self._series)

    def chosen(self):
        """What is learned from, as the logic's `startTraining` takes it."""
        path, phantoms, list_ = self.ui.dataPathLineEdit.currentPath, self.parameters.phantoms, self.ui.dicomSeriesList
        return {
            "sources": [*([path] if path else []), *([f"phantoms:{phantoms}"] if phantoms else [])],
            "volumeNodes": self.ui.dataVolumesSelector.checkedNodes(),
            "dicomSeries": [self._series[list_.row(item)] for item in list_.selectedItems()],
        }

    def cases(self):
        """How many cases that is, as far as known: those that were checked, or those that can be counted."""
        chosen, table = self.chosen(), self.parameters.cases
        counted = self.parameters.phantoms + len(chosen["volumeNodes"]) + len(chosen["dicomSeries"])
        return max(counted, table.GetNumberOfRows() if table else 0)

    def update(self, ready):
        """What can be checked and shown."""
        self.ui.checkButton.enabled = ready and any(self.chosen().values())
        fill(self.ui.caseComboBox, columnTexts(self.parameters.cases, "case") if self.parameters else [])
        self.ui.showCaseButton.enabled = ready and self.ui.caseComboBox.count > 0

    def onCheck(self):
        """A table of all cases."""
        asked = {**self.chosen(), **self.panel.experiment()}
        self.panel.start(lambda: self.logic.checkJob(**asked), self._showTable)

    def onShowCase(self):
        """The chosen case as it is trained on."""
        with slicer.util.tryWithErrorDisplay(_("The case could not be shown."), waitCursor=True):
            nodes = self.logic.showCase(self.parameters.cases, self.ui.caseComboBox.currentText)
            slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)

    def _showTable(self, table):
        self.logic.getParameterNode().cases = table
        self.ui.casesTableView.resizeColumnsToContents()

    def _seriesText(self, series):
        return _("{patient}, {date}: {description}").format(
            patient=series.patient_name or series.patient_id, date=series.study_date, description=series.description
        )
