"""Step 2: which model reconstructs, what it is worth, and where it runs."""

import qt
import slicer
from slicer.i18n import tr as _

from X2CTLib import cards
from X2CTLib.downloads import read_manifest
from X2CTLib.page import png_uri
from X2CTPanelLib.card_page import cardPage
from X2CTPanelLib.section import Section, fill

MODEL_FILES = "(*.safetensors)"


class ModelSection(Section):
    """The catalogue of models, their cards, the styler."""

    def __init__(self, panel):
        super().__init__(panel)
        self._models = []
        self._stylers = []
        self._shown = None
        self.ui.modelComboBox.connect("activated(int)", self.onChooseModel)
        self.ui.stylerComboBox.connect("activated(int)", self.onChooseStyler)
        self.ui.addModelButton.connect("clicked(bool)", self.onAdd)
        self.ui.downloadModelButton.connect("clicked(bool)", self.onDownload)
        self.ui.deleteModelButton.connect("clicked(bool)", lambda: self.onDelete("model", self.model()))
        self.ui.deleteStylerButton.connect("clicked(bool)", lambda: self.onDelete("styler", self.styler()))

    def enter(self):
        """See which models there are: X2CT Training may have published one."""
        self.listModels()

    def parametersChanged(self):
        """Show the chosen model and styler."""
        _choose(self.ui.modelComboBox, [path.name for path in self._models], self.parameters.model)
        _choose(self.ui.stylerComboBox, ["", *(path.name for path in self._stylers)], self.parameters.styler)
        if self.model() != self._shown:
            self._shown = self.model()
            self.ui.cardTextBrowser.html = cardPage(cards.load_card(self._shown)) if self._shown else ""

    def update(self, ready):
        """Only the user's own models can be deleted."""
        for button, weights in ((self.ui.deleteModelButton, self.model()), (self.ui.deleteStylerButton, self.styler())):
            button.enabled = ready and weights is not None and cards.is_own(weights)
        self.ui.addModelButton.enabled = self.ui.downloadModelButton.enabled = ready

    def model(self):
        """The chosen weights file."""
        index = self.ui.modelComboBox.currentIndex
        return self._models[index] if 0 <= index < len(self._models) else None

    def styler(self):
        """The weights file of the chosen styler, or None."""
        index = self.ui.stylerComboBox.currentIndex
        return self._stylers[index - 1] if 0 < index <= len(self._stylers) else None

    def listModels(self):
        """Offer the extension's models and the user's own; the chosen one stays if it is still there."""
        models, stylers = cards.reconstruction_models(), cards.styler_models()
        self._models, self._stylers = list(models), list(stylers)
        fill(self.ui.modelComboBox, models.values())
        fill(self.ui.stylerComboBox, [_("None"), *stylers.values()])
        self.parametersChanged()

    def onChooseModel(self, index):
        """Remember the choice."""
        self.parameters.model = self._models[index].name

    def onChooseStyler(self, index):
        """Remember the choice; the pictures were another's."""
        self.ui.stylerPicturesLabel.visible = False
        self.parameters.styler = self._stylers[index - 1].name if index else ""

    def onAdd(self):
        """Copy a model from a file that the user chooses to the user's models."""
        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Model"), "", MODEL_FILES)
        if path:
            with slicer.util.tryWithErrorDisplay(_("The model could not be added.")):
                self._showNew(cards.add_model(path))

    def onDownload(self):
        """Download a model that a manifest offers."""
        window, title = slicer.util.mainWindow(), _("Download a model")
        address = qt.QInputDialog.getText(window, title, _("Manifest of models (https address or file):"))
        if not address:
            return
        with slicer.util.tryWithErrorDisplay(_("The manifest cannot be used.")):
            offers = {offer.name: offer for offer in read_manifest(address.strip())}
            # The first item is what Qt returns if the user presses Cancel.
            name = qt.QInputDialog.getItem(window, title, _("Model:"), ["", *offers], 0, False)
            if name:
                self.panel.start(lambda: self.logic.downloadJob(address.strip(), name), self._showNew)

    def onDelete(self, role, weights):
        """Delete a file, if the user says so again; its role is model or styler."""
        question = _("Delete {name} and its card from this computer?").format(name=weights.name)
        if slicer.util.confirmYesNoDisplay(question):
            with slicer.util.tryWithErrorDisplay(_("The model could not be deleted.")):
                cards.remove_model(weights)
                setattr(self.parameters, role, "")
                self.listModels()

    def showStyled(self, preview):
        """The standard views before and after the styler."""
        styled = [seen for seen in preview.views.values() if seen.styled]
        self.ui.stylerPicturesLabel.visible = bool(styled)
        pictures = [picture for seen in styled for picture in (seen.seen, seen.styled)]
        cells = "".join(f"<td><img src='{png_uri(picture.read_bytes())}' width='80'></td>" for picture in pictures)
        titles = "".join(f"<td align='center'>{title}</td>" for title in (_("before"), _("after")))
        self.ui.stylerPicturesLabel.text = f"<table><tr>{cells}</tr><tr>{titles * len(styled)}</tr></table>"

    def _showNew(self, weights):
        role = "styler" if weights in cards.styler_models() else "model"
        setattr(self.logic.getParameterNode(), role, weights.name)
        if self.parameters:
            self.listModels()
        name = cards.load_card(weights)["name"]
        self.panel.showStatus(1, _("Added {name} to your models").format(name=name))


def _choose(comboBox, names, name):
    """Show the item of a file name; the first one if it is not there."""
    if comboBox.count:
        comboBox.currentIndex = names.index(name) if name in names else 0
