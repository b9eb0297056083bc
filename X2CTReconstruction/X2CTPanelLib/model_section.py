"""Step 2: which model reconstructs, what it is worth, and where it runs."""

from X2CTLib import cards
from X2CTPanelLib.card_page import cardPage
from X2CTPanelLib.section import Section, fill


class ModelSection(Section):
    """The catalogue of models, their cards, the styler."""

    def __init__(self, panel):
        super().__init__(panel)
        self._models = []
        self.ui.modelComboBox.connect("activated(int)", self.onChooseModel)

    def enter(self):
        """See which models there are: X2CT Training may have published one."""
        self.listModels()

    def parametersChanged(self):
        """Show the chosen model."""
        names = [path.name for path in self._models]
        if self.parameters.model in names:
            self.ui.modelComboBox.currentIndex = names.index(self.parameters.model)
        elif self._models:
            self.ui.modelComboBox.currentIndex = 0
        self.ui.cardTextBrowser.html = cardPage(cards.load_card(self.model())) if self._models else ""

    def model(self):
        """The chosen weights file."""
        return self._models[self.ui.modelComboBox.currentIndex] if self._models else None

    def listModels(self):
        """Offer the extension's models and the user's own; the chosen one stays if it is still there."""
        models = cards.reconstruction_models()
        self._models = list(models)
        fill(self.ui.modelComboBox, models.values())
        self.parametersChanged()

    def onChooseModel(self, index):
        """Remember the choice."""
        self.parameters.model = self._models[index].name
