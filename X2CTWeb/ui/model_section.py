"""The second step: which model reconstructs, and what it is worth."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTWeb.state import AppState, InputState
from X2CTWeb.ui.files import FileField
from X2CTWeb.ui.section import Choice, Picture, Section


class ModelSection(Section):
    """Emits `model_added` with weights and card, as `FileField` has them, and `delete_clicked`."""

    model_added = Signal(list, list)
    delete_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        names = typed_state.name.model
        chosen = f"({names.models}.find(({{value}}) => value === {names.model}) || {{}}).title"
        super().__init__(2, "model", "Model", f"{chosen} + ({names.styler} ? ' + styler' : '')")
        with self.body:
            Choice(names.model, names.models, id="model")
            with html.Div(v_if=(f"{names.stylers}.length > 1",), classes="x2ct-fields"):
                html.Label("Styler", classes="x2ct-label", title="Makes radiographs look like those of the training")
                Choice(names.styler, names.stylers, id="styler")
            self._styled(typed_state.name.input)
            with html.Dl(id="facts", classes="x2ct-facts"), v.Template(v_for=f"fact in {names.facts}", key="fact.name"):
                html.Dt("{{ fact.name }}")
                html.Dd("{{ fact.text }}")
            with html.Div(classes="x2ct-row"):
                with v.VBtn("Add from files", prepend_icon="mdi-plus", title="Weights (.safetensors) and card (.json)"):
                    FileField("model-files", self.server.trigger_name(self.model_added.async_emit), multiple=True)
                v.VBtn("Delete", id="delete-model", v_if=(names.own,), click=self.delete_clicked)
            with html.Details(classes="x2ct-details"):
                html.Summary("Advanced")
                with html.Div(classes="x2ct-fields"):
                    html.Label("Device", classes="x2ct-label")
                    Choice(names.device, names.devices, id="device")
                    html.Label("Precision", classes="x2ct-label")
                    Choice(names.precision, names.precisions, id="precision")

    def _styled(self, pair: InputState) -> None:
        """Before and after the styler."""
        for title, name in (("PA", pair.pa), ("Lateral", pair.lateral)):
            with html.Div(v_if=(name.unstyled,), classes="x2ct-pictures"):
                Picture(f"{title} before the styler", name.unstyled, f"{pair.shown} = 'unstyled'")
                Picture(f"{title} after it", name.seen, f"{pair.shown} = 'seen'")
