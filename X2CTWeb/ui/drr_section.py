"""The last step to radiographs: make them, take them away, or reconstruct from them."""

from collections.abc import Callable

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.geometry import View
from X2CTWeb.state import ALL_DRRS, AppState
from X2CTWeb.ui.section import JobProgress, MainButton, Section

FORMATS = {
    "png": ("PNG", "The picture in 16 bit"),
    "nrrd": ("NRRD", "The values: attenuation along the rays"),
    "dcm": ("DICOM", "A radiograph (DX) for any viewer"),
    "json": ("JSON", "The geometry"),
}
"""What the files of a view are called, and hold, by the ends of their names."""


class DrrSection(Section):
    """Emits `make_clicked`, `cancel_clicked` and `reconstruct_clicked`.

    Args:
        typed_state: The page's.
        file: Gives the content of a file of `X2CTLib.drr_files.write_drrs` by its name, or of `ALL_DRRS`.
    """

    make_clicked = Signal()
    cancel_clicked = Signal()
    reconstruct_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState], file: Callable) -> None:
        drr = typed_state.name.drr
        making = f"({drr.job.running} && !{drr.reading})"
        status = f"{making} ? {drr.job.percent} + ' %' : {drr.made} ? 'made' : {drr.ct} ? 'preview' : ''"
        super().__init__(4, "drrs", "Radiographs", status)
        self._trigger = self.server.trigger_name(file)
        with self.body:
            html.Div(f"{{{{ {drr.problem} }}}}", v_if=(drr.problem,), id="drr-problem", classes="x2ct-problem")
            JobProgress(drr.job, self.cancel_clicked, "cancel-making", v_if=(making,))
            MainButton(
                "Make radiographs",
                id="make",
                v_else=True,
                prepend_icon="mdi-radiology-box-outline",
                click=self.make_clicked,
                disabled=(f"!{drr.ct} || {drr.job.running} || !!{drr.problem}",),
            )
            with v.Template(v_if=(drr.made,)):
                self._files()
                v.VBtn(
                    "Reconstruct from these",
                    id="reconstruct-drrs",
                    color="primary",
                    size="large",
                    block=True,
                    prepend_icon="mdi-cube-scan",
                    title="Makes them the radiographs of the other mode",
                    click=self.reconstruct_clicked.async_emit,
                )

    def _files(self) -> None:
        with html.Div(classes="x2ct-files"):
            for view in View:
                html.Span("PA" if view is View.PA else "Lateral", classes="x2ct-label")
                for ending, (label, title) in FORMATS.items():
                    self._download(label, f"{view.name.lower()}.{ending}", title)
        self._download("All of them (zip)", ALL_DRRS, "Both views in all formats")

    def _download(self, label: str, name: str, title: str) -> None:
        click = f"trigger('{self._trigger}', ['{name}']).then((file) => utils.download('{name}', file))"
        v.VBtn(label, id=name, title=title, click=click)
