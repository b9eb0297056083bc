"""The fifth step: how far to trust the volume."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTWeb.state import AppState, InputState, RadiographState
from X2CTWeb.ui.section import Picture, Section


class TrustSection(Section):
    """What speaks for the reconstruction and what against it, in words, numbers and pictures."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        result, pair = typed_state.name.result, typed_state.name.input
        status = f"!{result.shown} ? '' : {result.low} ? 'low' : 'no warning'"
        super().__init__(5, "trust", "Trust", status, f"{result.low} ? 'x2ct-red' : 'x2ct-green'")
        with self.body:
            html.Div("After the reconstruction.", v_if=(f"!{result.shown}",), classes="x2ct-detail")
            with v.Template(v_else=True):
                with html.Div(id="trust", classes=(f"['x2ct-words', {result.low} ? 'x2ct-low' : 'x2ct-fine']",)):
                    html.Div("{{ word }}", v_for=f"word in {result.words}", key="word")
                self._view("PA", pair, pair.pa)
                self._view("Lateral", pair, pair.lateral)

    def _view(self, title: str, pair: InputState, name: RadiographState) -> None:
        with v.Template(v_if=(name.reprojected,)):
            with html.Div(classes="x2ct-card-head"):
                html.Span(title)
                html.Span(f"correlation {{{{ {name.correlation} }}}}", classes="x2ct-detail")
            with html.Div(classes="x2ct-pictures"):
                Picture("Input", name.seen, f"{pair.shown} = 'seen'")
                Picture("Reprojected", name.reprojected, f"{pair.shown} = 'reprojected'")
                Picture("Difference", name.difference, f"{pair.shown} = 'difference'")
