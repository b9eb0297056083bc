"""The first step to radiographs: choose the CT."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTWeb.state import AppState
from X2CTWeb.ui.files import FileField
from X2CTWeb.ui.section import JobProgress, Section

FORMATS = "NRRD, NIfTI, MetaImage, or the slices of a DICOM series; zipped or not"


class CtSection(Section):
    """Emits what the user does; files as `FileField` has them."""

    files_chosen = Signal(list, list)
    sample_clicked = Signal()
    cancel_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        drr = typed_state.name.drr
        reading = f"({drr.job.running} && {drr.reading})"
        super().__init__(1, "ct", "CT", drr.ct)
        trigger = self.server.trigger_name(self.files_chosen.async_emit)
        with self.body:
            with html.Div(classes="x2ct-row"):
                with v.VBtn("Files", prepend_icon="mdi-file-upload-outline", title="Or drop them anywhere on the page"):
                    FileField("ct-files", trigger, multiple=True)
                with v.VBtn("Folder", prepend_icon="mdi-folder-upload-outline", title="With the slices of a series"):
                    FileField("ct-folder", trigger, folder=True)
                v.VBtn("Sample", id="sample-ct", click=self.sample_clicked, title="A CT to try it with")
            JobProgress(drr.job, self.cancel_clicked, "cancel-reading", v_if=(reading,))
            with html.Div(v_else=True):
                html.Div(f"{{{{ {drr.ct} || 'No CT yet' }}}}", id="ct-name", classes="x2ct-file", title=(drr.ct,))
                html.Div(f"{{{{ {drr.details} || '{FORMATS}' }}}}", classes="x2ct-detail")
