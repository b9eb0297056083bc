"""Step 1: the radiographs of a patient, and what is set right in them by hand."""

from dataclasses import replace

import qt
import slicer
from slicer.i18n import tr as _

from X2CTLib.corrections import Correction
from X2CTLib.errors import X2CTError
from X2CTPanelLib.drop_area import DropArea
from X2CTPanelLib.model_section import ModelSection
from X2CTPanelLib.reconstruct_section import ReconstructSection
from X2CTPanelLib.section import Section, fill
from X2CTPanelLib.thumbnails import LETTERS, lettered, thumbnail
from X2CTReconstructionLib.inputs import correction_of, set_correction

VIEWS = {"PA": "paVolume", "LATERAL": "lateralVolume"}
"""The parameter that has the radiograph of a view."""
CHECK_DELAY_MS = 500
"""How long what is chosen and set right must rest before it is checked."""
SIDES = ("Left", "Top", "Right", "Bottom")


class RadiographsSection(Section):
    """Files in, views, corrections, objections."""

    def __init__(self, panel):
        super().__init__(panel)
        ui = self.ui
        self._pairs = []
        self._found = None
        self._inputs = None
        self._timer = qt.QTimer()
        self._timer.setInterval(CHECK_DELAY_MS)
        self._timer.connect("timeout()", self.onRest)
        self._showing = False
        self._views = {view: _ViewControls(ui, view) for view in VIEWS}
        self._dropArea = DropArea(ui.dropLabel, self.open)
        ui.openFilesButton.connect("clicked(bool)", self.onOpenFiles)
        ui.openFolderButton.connect("clicked(bool)", self.onOpenFolder)
        ui.sampleButton.connect("clicked(bool)", self.onLoadSampleCase)
        ui.pairComboBox.connect("activated(int)", self.onChoosePair)
        ui.swapButton.connect("clicked(bool)", self.onSwap)
        ui.checkButton.connect("clicked(bool)", self.onCheck)
        ui.cropToChestButton.connect("clicked(bool)", self.onCropToChest)
        ui.resetButton.connect("clicked(bool)", self.onReset)
        ui.reconstructButton.connect("clicked(bool)", self.onReconstruct)
        for controls in self._views.values():
            controls.connect(self.onCorrect)

    def enter(self):
        """Show what the scene has; what is said of a volume in it stays."""
        self._show()
        self._inputs = None

    def leave(self):
        """Check nothing for nobody."""
        self._timer.stop()

    def parametersChanged(self):
        """Show the chosen radiographs, on the panel and in the views."""
        if self._show() and any(self._chosen()):
            self.logic.showInputs(*self._chosen())

    def update(self, ready):
        """What can be changed; whatever has changed is checked, once it rests."""
        chosen = self._chosen()
        for widget in (self.ui.openFilesButton, self.ui.openFolderButton, self.ui.sampleButton, self.ui.dropLabel):
            widget.enabled = ready
        self.ui.checkButton.enabled = self.ui.cropToChestButton.enabled = ready and any(chosen)
        self.ui.swapButton.enabled = self.ui.resetButton.enabled = ready and any(chosen)
        for view, controls in self._views.items():
            controls.enable(ready and bool(self._volume(view)))
        if self.parameters and self._wanted() != self._inputs:
            entered, self._inputs = self._inputs is None, self._wanted()
            if any(chosen) and not (entered and self.parameters.resultVolume):
                self._timer.start()
            else:
                self._timer.stop()

    def onReconstruct(self):
        """What comes of it says what a check would."""
        self._timer.stop()

    def onRest(self):
        """Check the radiographs without having been asked, unless something else is being done."""
        if self.panel.busy:
            return
        self._timer.stop()
        if not self.logic.isReady():
            self._say([_("What speaks against them can be said once the Python packages are installed; press Check.")])
            return
        try:
            self._preview(lambda preview: None, quiet=True)
        except X2CTError as error:
            self._say([str(error)])

    def onOpenFiles(self):
        """Load radiographs from files that the user chooses."""
        filters = _("Radiographs ({patterns});;All files (*)").format(
            patterns="*.dcm *.png *.jpg *.jpeg *.tif *.tiff *.nrrd *.nhdr *.nii *.nii.gz *.mha"
        )
        self.open(qt.QFileDialog.getOpenFileNames(slicer.util.mainWindow(), _("Radiographs"), "", filters))

    def onOpenFolder(self):
        """Load radiographs from a folder that the user chooses."""
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Radiographs"), "")
        self.open([folder] if folder else [])

    def open(self, paths):
        """Find the radiographs in files and folders; of several patients, the first is shown."""
        if not paths:
            return
        with slicer.util.tryWithErrorDisplay(_("The radiographs could not be loaded."), waitCursor=True):
            free = [view for view in VIEWS if not self._volume(view)]
            self._pairs = self.logic.findPairs(paths, free or list(VIEWS))
            fill(self.ui.pairComboBox, [pair.name for pair in self._pairs])
            self.ui.pairComboBox.visible = len(self._pairs) > 1
            self._load(self._pairs[0])

    def onChoosePair(self, index):
        """Show another patient of those that were found."""
        with slicer.util.tryWithErrorDisplay(_("The radiographs could not be loaded."), waitCursor=True):
            self._load(self._pairs[index])

    def onLoadSampleCase(self):
        """Load the sample radiographs and choose them."""
        with slicer.util.tryWithErrorDisplay(_("The sample case could not be loaded."), waitCursor=True):
            self._choose(dict(zip(VIEWS, self.logic.loadSampleCase(), strict=True)))

    def onSwap(self):
        """Exchange the radiographs."""
        self._choose(dict(zip(VIEWS, reversed(self._chosen()), strict=True)))

    def onCheck(self):
        """Read the radiographs as the reconstruction will."""
        self._preview(lambda preview: None)

    def onCropToChest(self):
        """Cut off what is not the chest, where it is found."""
        self._preview(self._crop)

    def onReset(self):
        """Take back all corrections."""
        for volume in filter(None, map(self._volume, VIEWS)):
            set_correction(volume, Correction())
        self._corrected()

    def onCorrect(self, view, turns=0):
        """Keep what the controls of a view say, and show it."""
        if self._showing or not self._volume(view):
            return
        volume = self._volume(view)
        turns = (correction_of(volume).quarter_turns + turns) % 4
        try:
            with slicer.util.tryWithErrorDisplay(_("This cannot be set.")):
                set_correction(volume, replace(self._views[view].correction(), quarter_turns=turns))
        finally:
            self._corrected()

    def _corrected(self):
        self.parametersChanged()
        self.panel.updatePanel()

    def _preview(self, then, quiet=False):
        self._timer.stop()
        p, options, inputs = self.parameters, self.panel.sections[ReconstructSection].options(), self._inputs

        def show(preview):
            if self._inputs is inputs or not quiet:  # else others have been chosen, and are checked next
                self.showPreview(preview)
                then(preview)

        self.panel.start(lambda: self.logic.previewJob(p.paVolume, p.lateralVolume, **options), show, quiet)

    def _crop(self, preview):
        parameters = self.logic.getParameterNode()
        for view, seen in preview.views.items():
            if seen.chest_crop:
                volume = getattr(parameters, VIEWS[view])
                set_correction(volume, replace(correction_of(volume), crop=seen.chest_crop))
        if self.parameters:
            self._corrected()

    def showPreview(self, preview):
        """The radiographs as they were read, what was assumed, and what speaks against them."""
        lines = [preview.problem] if preview.problem else []
        if preview.overridable:
            lines.append(_("Check 'Use them in spite of objections' to go on all the same; the result will say so."))
        notes = [*preview.notes, *(note for seen in preview.views.values() for note in seen.notes)]
        titles = {"PA": _("PA: {words}"), "LATERAL": _("Lateral: {words}")}
        lines += [titles[view].format(words=seen.words) for view, seen in preview.views.items() if seen.words]
        self._say(lines + notes)
        for view, seen in preview.views.items():
            self._views[view].showRead(seen)
        self.panel.sections[ModelSection].showStyled(preview)
        good = _("They can be used; see the notes.") if notes else _("Nothing speaks against these radiographs.")
        self.panel.showStatus(1, preview.problem or good)

    def _load(self, pair):
        volumes = {view: self.logic.loadRadiograph(file) for view, file in pair.files.items()}
        notes = list(pair.notes)
        others = [volume.GetName() for view in VIEWS if view not in volumes and (volume := self._volume(view))]
        if others:
            notes.append(_("{name} stays. Check that both are of one patient.").format(name=others[0]))
        elif len(volumes) == 1:
            notes.append(_("There is one view only, which is enough for a model that reads no other."))
        self._choose(volumes)
        self._found = self._chosen(), notes
        self._say([])

    def _choose(self, volumes):
        with slicer.util.NodeModify(self.parameters.parameterNode):  # both are shown at once
            for view, volume in volumes.items():
                setattr(self.parameters, VIEWS[view], volume)

    def _say(self, lines):
        """In the box of notes, after what was noted when the chosen radiographs were found."""
        found = self._found[1] if self._found and self._found[0] == self._chosen() else []
        self.ui.notesTextEdit.plainText = "\n".join(dict.fromkeys(filter(None, [*found, *lines])))

    def _show(self):
        """Show the chosen radiographs on the panel; returns whether one is shown in another way than before."""
        self._showing = True
        changed = [controls.show(self._volume(view)) for view, controls in self._views.items()]
        self._showing = False
        return any(changed)

    def _chosen(self):
        return [self._volume(view) for view in VIEWS]

    def _wanted(self):
        """All that a check depends on."""
        chosen, models = self._chosen(), self.panel.sections[ModelSection]
        corrections = [correction_of(volume) for volume in chosen if volume]
        return chosen, corrections, models.model(), models.styler(), self.parameters.override

    def _volume(self, view):
        return getattr(self.parameters, VIEWS[view]) if self.parameters else None


class _ViewControls:
    """The widgets of one view; their names on the panel begin with the view's."""

    def __init__(self, ui, view):
        self._view, prefix = view, view.lower()
        self._turn, self._mirror, self._invert = (
            getattr(ui, f"{prefix}{what}Button") for what in ("Turn", "Mirror", "Invert")
        )
        self._crop = [getattr(ui, f"{prefix}{side}SpinBox") for side in SIDES]
        self._pixel = getattr(ui, f"{prefix}PixelSpinBox")
        self._thumbnail = getattr(ui, f"{prefix}ThumbnailLabel")
        self._nothing = self._thumbnail.text
        self._shown = None

    def connect(self, onCorrect):
        """Call with the view, and the quarter turns to add, when the user changes something."""
        self._turn.connect("clicked(bool)", lambda: onCorrect(self._view, turns=1))
        for button in (self._mirror, self._invert):
            button.connect("clicked(bool)", lambda: onCorrect(self._view))
        for box in self._crop:
            box.connect("valueChanged(int)", lambda: onCorrect(self._view))
        self._pixel.connect("valueChanged(double)", lambda: onCorrect(self._view))

    def correction(self):
        """What they say, without turns."""
        return Correction(
            mirrored=self._mirror.checked,
            inverted=self._invert.checked,
            crop=tuple(box.value / 100 for box in self._crop),
            pixel_mm=self._pixel.value or None,
        )

    def show(self, volume):
        """Show a radiograph and its correction, or that there is none; returns whether that is another picture."""
        correction = correction_of(volume) if volume else Correction()
        self._mirror.checked, self._invert.checked = correction.mirrored, correction.inverted
        for box, part in zip(self._crop, correction.crop, strict=True):
            box.value = round(100 * part)
        self._pixel.value = correction.pixel_mm or 0.0
        image = volume.GetImageData() if volume else None
        shown = (image, image and image.GetMTime(), correction)
        changed = shown != self._shown
        if changed:
            self._shown = shown
            self._thumbnail.text = thumbnail(volume, self._view) if volume else self._nothing
        return changed

    def showRead(self, seen):
        """Show the radiograph as it was read, in the canonical orientation, until something is changed."""
        if seen.picture:
            letters = LETTERS[self._view][:: -1 if seen.mirrored else 1]
            self._thumbnail.text = lettered(seen.picture.read_bytes(), letters, assumed=not seen.oriented)

    def enable(self, enabled):
        """Whether something can be changed."""
        for widget in (self._turn, self._mirror, self._invert, self._pixel, *self._crop):
            widget.enabled = enabled
