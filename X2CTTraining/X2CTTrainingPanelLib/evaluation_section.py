"""What a run, or a model, is worth; and how it gets into X2CT Reconstruction."""

import slicer
from slicer.i18n import tr as _

from X2CTPanelLib.section import Section, columnTexts, fill
from X2CTTrainingPanelLib.data_section import DataSection
from X2CTTrainingPanelLib.parameters import SCORED
from X2CTTrainingPanelLib.training_section import TrainingSection


class EvaluationSection(Section):
    """Scores, volumes, the paper's tables, publishing."""

    def __init__(self, panel):
        super().__init__(panel)
        self._asked = None
        self.ui.evaluateButton.connect("clicked(bool)", self.onEvaluate)
        self.ui.showAnswersButton.connect("clicked(bool)", self.onShowAnswers)
        self.ui.loadTablesButton.connect("clicked(bool)", self.onLoadTables)
        self.ui.publishButton.connect("clicked(bool)", self.onPublish)
        for pathLineEdit in (self.ui.tablesPathLineEdit, self.ui.modelPathLineEdit):
            pathLineEdit.connect("currentPathChanged(QString)", panel.updatePanel)
        self.ui.runComboBox.connect("currentIndexChanged(int)", panel.updatePanel)

    def update(self, ready):
        """What can be scored, shown and published."""
        finished, model = self._finishedRun() is not None, bool(self.ui.modelPathLineEdit.currentPath)
        self.ui.evaluateButton.enabled = ready and (
            (finished or model) and any(self._data.chosen().values()) if self._onDataSet() else finished
        )
        fill(self.ui.scoredCaseComboBox, columnTexts(self.parameters.scores, "case") if self.parameters else [])
        self.ui.showAnswersButton.enabled = ready and bool(self._asked) and self.ui.scoredCaseComboBox.count > 0
        self.ui.loadTablesButton.enabled = ready and bool(self.ui.tablesPathLineEdit.currentPath)
        self.ui.publishButton.enabled = ready and (finished or model)

    def onEvaluate(self):
        """Score the chosen run, if it has finished, and the other model, on what the run or the data set holds out."""
        run, model = self._finishedRun(), self.ui.modelPathLineEdit.currentPath
        asked = {"answers": [*([run.folder] if run else []), *([model] if model else [])]}
        asked |= {"device": self.parameters.device, **(self._data.chosen() if self._onDataSet() else {})}

        def show(tables):
            self._asked = asked
            self.logic.getParameterNode().scores = tables[0]
            self.ui.scoresTableView.resizeColumnsToContents()

        self.panel.start(lambda: self.logic.evaluationJob(**asked), show)

    def onShowAnswers(self):
        """The chosen case as it is, as it is reconstructed, and the difference, side by side."""
        asked = {**self._asked, "case": self.ui.scoredCaseComboBox.currentText}
        self.panel.start(lambda: self.logic.showJob(**asked), self.logic.showSideBySide)

    def onLoadTables(self):
        """The paper's tables."""
        with slicer.util.tryWithErrorDisplay(_("The tables could not be loaded.")):
            self.parameters.scores = self.logic.loadTables(self.ui.tablesPathLineEdit.currentPath)[0]
            self.ui.scoresTableView.resizeColumnsToContents()

    def onPublish(self):
        """Offer the other model, or else the chosen run, in X2CT Reconstruction."""
        with slicer.util.tryWithErrorDisplay(_("The model could not be published.")):
            model = self.ui.modelPathLineEdit.currentPath or self._finishedRun().folder
            copy = self.logic.publish(model, self.ui.publishNameLineEdit.text or self._finishedRun().name)
            self.panel.showStatus(1, _("{name} is offered in X2CT Reconstruction now").format(name=copy.stem))

    @property
    def _data(self):
        return self.panel.sections[DataSection]

    def _onDataSet(self):
        return self.parameters is not None and self.parameters.scored == SCORED[1]

    def _finishedRun(self):
        run = self.panel.sections[TrainingSection].chosenRun()
        return run if run and run.model else None
