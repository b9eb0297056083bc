"""The last step: files to take away."""

from collections.abc import Callable

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Section


class KeepSection(Section):
    """The files of the result.

    Args:
        typed_state: The page's.
        downloads: File names, each with the function that gives the content.
    """

    def __init__(self, typed_state: TypedState[AppState], downloads: dict[str, Callable]) -> None:
        result = typed_state.name.result
        super().__init__(7, "keep", "Keep")
        with self.body:
            with html.Div(classes="x2ct-row"):
                for name, content in downloads.items():
                    trigger = self.server.trigger_name(content)
                    v.VBtn(
                        name,
                        loading=(f"{result.writing} === '{name}'",),
                        disabled=(f"!{result.shown} || !!{result.writing}",),
                        click=f"trigger('{trigger}').then((file) => file && utils.download('{name}', file))",
                    )
            html.Div("Nothing in them names the patient. Each says that it is synthetic.", classes="x2ct-note")
