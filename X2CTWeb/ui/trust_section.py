"""The fifth step: how far to trust the volume."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTReconstructionLib.nodes import UNCERTAINTY_SHOWN
from X2CTWeb.state import AppState, InputState, RadiographState
from X2CTWeb.ui.section import Picture, Section, Slide


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
                self._uncertainty(typed_state)
                self._view("PA", pair, pair.pa)
                self._view("Lateral", pair, pair.lateral)

    def _uncertainty(self, typed_state: TypedState[AppState]) -> None:
        """Over the slices, as opaque as the user likes, with the scale of its colours."""
        opacity, colours = typed_state.name.display.uncertainty, typed_state.name.result.uncertainty_colours
        low, high = UNCERTAINTY_SHOWN
        with html.Div(v_if=(f"{colours}.length",), classes="x2ct-fields"):
            html.Label("Uncertainty", classes="x2ct-label", title="Standard deviation, over the slices")
            Slide(opacity, 0, 100, 5, f"{opacity} + ' %'", id="overlay")
            with html.Div(classes="x2ct-scale"):
                html.Span(f"{low:g} HU")
                html.Div(style=(f"{{ background: `linear-gradient(to right, ${{{colours}}})` }}",))
                html.Span(f"{high:g} HU")
        html.Div("The uncertainty was not estimated; step 3 does, if asked.", v_else=True, classes="x2ct-detail")

    def _view(self, title: str, pair: InputState, name: RadiographState) -> None:
        with v.Template(v_if=(name.reprojected,)):
            with html.Div(classes="x2ct-card-head"):
                html.Span(title)
                html.Span(f"correlation {{{{ {name.correlation} }}}}", classes="x2ct-detail")
            with html.Div(classes="x2ct-pictures"):
                Picture("Input", name.seen, f"{pair.shown} = 'seen'")
                Picture("Reprojected", name.reprojected, f"{pair.shown} = 'reprojected'")
                Picture("Difference", name.difference, f"{pair.shown} = 'difference'")
