"""The last step: files to take away."""

from collections.abc import Callable

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Section

TITLES = {
    "volume.nrrd": "The volume, for 3D Slicer",
    "volume.nii.gz": "The volume as NIfTI",
    "dicom.zip": "The volume as a DICOM series, derived, of nobody",
    "measurements.csv": "The table of the step Measure",
    "report.html": "One page with pictures, measurements, and how far to trust them",
    "scene.mrb": "All of it, for 3D Slicer: opens in its module X2CT Reconstruction",
    "everything.zip": "All of these files",
}


class KeepSection(Section):
    """The files of the result.

    Args:
        typed_state: The page's.
        result_file: Gives the content of a file with such a name, or nothing.
    """

    def __init__(self, typed_state: TypedState[AppState], result_file: Callable) -> None:
        result = typed_state.name.result
        super().__init__(7, "keep", "Keep")
        trigger = self.server.trigger_name(result_file)
        with self.body:
            with html.Div(classes="x2ct-kept"):
                for name, title in TITLES.items():
                    save = f"(file) => file && utils.download('{name}', file)"
                    v.VBtn(
                        name,
                        title=title,
                        loading=(f"{result.writing} === '{name}'",),
                        disabled=(f"!{result.shown} || !!{result.writing}",),
                        click=f"trigger('{trigger}', ['{name}']).then({save})",
                    )
            html.Div("Nothing in them names the patient. Each says that it is synthetic.", classes="x2ct-note")
