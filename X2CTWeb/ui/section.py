"""A titled part of the drawer."""

from trame.widgets import html


class Section(html.Section):
    """A part of the drawer; what is created inside stands below its title."""

    def __init__(self, title: str) -> None:
        super().__init__(classes="x2ct-section")
        with self:
            html.H2(title, classes="x2ct-section-title")
