"""The radiograph of a CT: a preview, or what was made."""

from trame.widgets import html
from trame_server.utils.typed_state import TypedState

from X2CTLib.geometry import View
from X2CTWeb.state import AppState
from X2CTWeb.ui.panes import Pane
from X2CTWeb.ui.radiographs_section import sides


class DrrPane(Pane):
    """One view."""

    def __init__(self, view: View, title: str, typed_state: TypedState[AppState]) -> None:
        super().__init__(view.name.lower(), title, typed_state)
        drr = typed_state.name.drr
        picture = getattr(drr, view.name.lower())
        with self.content:
            html.Img(src=(picture,), v_if=(picture,), alt=title, classes="x2ct-radiograph")
            html.Div(f"{{{{ {drr.problem} || 'Choose or drop a CT' }}}}", v_else=True, classes="x2ct-empty")
            html.Div(
                f"{{{{ {drr.made} ? 'Computed from the CT' : 'Preview' }}}}", v_if=(picture,), classes="x2ct-corner"
            )
        self.add_letters(sides(view))
