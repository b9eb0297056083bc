"""The drawer's second part: start, follow, cancel."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Section


class ReconstructSection(Section):
    """Emits `reconstruct_clicked` and `cancel_clicked`."""

    reconstruct_clicked = Signal()
    cancel_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        super().__init__("2 · Reconstruct")
        job, pair, notes = typed_state.name.job, typed_state.name.input, typed_state.name.result.notes
        with self:
            v.VBtn(
                "Reconstruct",
                id="reconstruct",
                v_if=(f"!{job.running}",),
                color="primary",
                variant="flat",
                size="large",
                block=True,
                prepend_icon="mdi-cube-scan",
                click=self.reconstruct_clicked,
                disabled=(f"!{pair.ready} || {pair.reading}",),
            )
            with html.Div(v_else=True, classes="x2ct-job"):
                with html.Div(classes="x2ct-job-text"):
                    html.Div(f"{{{{ {job.message} }}}}", id="job-message")
                    html.Div(f"{{{{ {job.percent} }}}} %")
                v.VProgressLinear(model_value=(job.percent,), color="primary", height=6, rounded=True)
                v.VBtn("Cancel", id="cancel", block=True, click=self.cancel_clicked)
            with html.Details(v_if=(f"{notes}.length",), classes="x2ct-details"):
                html.Summary(f"Assumptions and warnings ({{{{ {notes}.length }}}})")
                with html.Ul(classes="x2ct-notes"):
                    html.Li("{{ note }}", v_for=f"note in {notes}", key="note")
