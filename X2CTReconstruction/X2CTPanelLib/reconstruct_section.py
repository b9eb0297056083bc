"""Step 3: from the radiographs to a volume in the scene."""

from slicer.i18n import tr as _

from X2CTPanelLib.model_section import ModelSection
from X2CTPanelLib.section import Section


class ReconstructSection(Section):
    """Start; the panel has progress and Cancel."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.reconstructButton.connect("clicked(bool)", self.onReconstruct)

    def update(self, ready):
        """Say what is missing."""
        p = self.parameters
        model = self._models.model()
        missing = self.logic.missingViews(p.paVolume, p.lateralVolume, model) if p else []
        self.ui.reconstructButton.enabled = ready and not missing
        self.ui.reconstructButton.toolTip = self._wanted(missing) if missing else _("Reconstruct the volume.")
        self.ui.passesSpinBox.enabled = ready and p.estimateUncertainty

    def _wanted(self, missing):
        """What to choose first: the radiographs that the model needs, or a model that does without."""
        views = _(" and the ").join(missing)
        others = self.logic.modelsFor(self.parameters.paVolume, self.parameters.lateralVolume)
        if not others:
            return _("Choose the {views} radiograph first.").format(views=views)
        return _("Choose the {views} radiograph first, or the model {model}, which does without.").format(
            views=views, model=others[0]
        )

    def onReconstruct(self):
        """Start the process."""
        p, options = self.parameters, self.options()
        self.panel.start(lambda: self.logic.reconstructionJob(p.paVolume, p.lateralVolume, **options), self._show)

    @property
    def _models(self):
        return self.panel.sections[ModelSection]

    def options(self):
        """What the panel says of how to reconstruct."""
        p = self.parameters
        return {
            "model": self._models.model(),
            "styler": self._models.styler(),
            "device": p.device.value,
            "precision": p.precision.value,
            "override": p.override,
            "uncertainty_passes": p.uncertaintyPasses if p.estimateUncertainty else 0,
        }

    def _show(self, study):
        """Choose the new volume and its measurements, and bring it into the views."""
        parameters = self.logic.getParameterNode()
        parameters.measurements = study.measurements
        parameters.resultVolume = study.volume
        self.ui.measurementsTableView.resizeColumnsToContents()
        if self.parameters is None and parameters.showRendering:  # the user is in another module
            self.logic.showRendering(study.volume, True, parameters.preset.value, parameters.opacityShift)
            self.logic.showOrgans(study.volume, parameters.organsInSlices, parameters.organsIn3D)
        self.logic.showStudy(study.volume)
        self.panel.showStatus(1, _("Done: {name}").format(name=study.volume.GetName()))
