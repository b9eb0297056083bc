"""The third step, which is always in view: what is in the way, start, follow, cancel."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import JobProgress, MainButton, Section, Switch, notes


class ReconstructSection(Section):
    """Emits `override_clicked`, `reconstruct_clicked` and `cancel_clicked`."""

    override_clicked = Signal()
    reconstruct_clicked = Signal()
    cancel_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        job, pair, result = typed_state.name.job, typed_state.name.input, typed_state.name.result
        every_note = f"[...{pair.notes}, ...{pair.pa.notes}, ...{pair.lateral.notes}]"
        to_check = f"{every_note}.filter((note) => /Check/.test(note)).length"
        status = (
            f"{job.running} ? {job.percent} + ' %' : {result.outdated} ? 'changed since' : {result.shown} ? 'done' : "
            f"{to_check} ? {to_check} + ' to check above' : ''"
        )
        amber = f"({result.outdated} || !{result.shown} && {to_check}) && 'x2ct-amber'"
        super().__init__(3, "reconstruct", "Reconstruct", status, amber)
        with self.body:
            html.Div(
                "Radiographs or settings were changed. What is shown is of before.",
                v_if=(f"{result.outdated} && !{job.running}",),
                classes="x2ct-amber x2ct-note",
            )
            with html.Div(v_if=(f"{pair.problem} && !{pair.overridden}",), id="problem", classes="x2ct-problem"):
                html.Span(f"{{{{ {pair.problem} }}}}")
                v.VBtn("Go on anyway", id="override", title="The results will say so", click=self.override_clicked)
            Switch(
                typed_state.name.uncertainty,
                "Estimate the uncertainty (takes longer)",
                id="uncertainty",
                disabled=(job.running,),
            )
            MainButton(
                "Reconstruct",
                id="reconstruct",
                v_if=(f"!{job.running}",),
                prepend_icon="mdi-cube-scan",
                click=self.reconstruct_clicked,
                disabled=(f"!{pair.ready} || {pair.reading}",),
            )
            JobProgress(job, self.cancel_clicked, "cancel", v_else=True)
            with html.Details(v_if=(f"{result.notes}.length",), classes="x2ct-details"):
                html.Summary(f"Assumptions and warnings ({{{{ {result.notes}.length }}}})")
                notes(result.notes)
