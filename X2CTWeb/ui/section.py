"""A step of the drawer, and what several of them are made of."""

from trame.widgets import html
from trame.widgets import vuetify3 as v

from X2CTWeb.state import PROJECT, AppState, JobState


class Section(v.VExpansionPanel):
    """A step that folds; its title stays, with a few words on how it stands.

    Args:
        number: Of the step.
        key: What it is called in `AppState.steps`.
        title: What the user does.
        status: Expression for the words beside the title.
        tone: Expression for their class.

    Attributes:
        body: What is created inside stands below the title.
    """

    def __init__(self, number: int, key: str, title: str, status: str = "''", tone: str = "''") -> None:
        super().__init__(value=key, id=f"step-{key}", classes="x2ct-step")
        with self:
            with v.VExpansionPanelTitle(classes="x2ct-step-title"):
                html.Span(str(number), classes="x2ct-step-number")
                html.Span(title)
                html.Span(f"{{{{ {status} }}}}", classes=(f"['x2ct-step-status', {tone}]",))
            self.body = v.VExpansionPanelText(eager=True)


class Choice(v.VSelect):
    """A choice list."""

    def __init__(self, name: str, items: str, **kwargs) -> None:
        super().__init__(
            v_model=(name,),
            items=(items,),
            classes="x2ct-select",
            density="compact",
            variant="outlined",
            hide_details=True,
            **kwargs,
        )


class Switch(v.VSwitch):
    """Something that is on or off."""

    def __init__(self, name: str, label: str, **kwargs) -> None:
        super().__init__(
            v_model=(name,),
            label=label,
            classes="x2ct-switch",
            density="compact",
            color="primary",
            hide_details=True,
            **kwargs,
        )


class Scale(v.VSlider):
    """A number on a scale."""

    def __init__(self, name: str, lowest: float, highest: float, step: float, **kwargs) -> None:
        super().__init__(
            v_model=(name,),
            min=lowest,
            max=highest,
            step=step,
            density="compact",
            hide_details=True,
            color="grey",
            thumb_size=12,
            track_size=2,
            **kwargs,
        )


class Slide(html.Div):
    """A number on a scale, and beside it the same in words.

    Args:
        name: Of the number.
        lowest: At the left.
        highest: At the right.
        step: Between two values.
        words: Expression for the number in words.
    """

    def __init__(self, name: str, lowest: float, highest: float, step: float, words: str, **kwargs) -> None:
        super().__init__(classes="x2ct-slide")
        with self:
            Scale(name, lowest, highest, step, **kwargs)
            html.Span(f"{{{{ {words} }}}}", classes="x2ct-slide-words")


class Number(html.Input):
    """A number to be typed; what is no number changes nothing."""

    def __init__(self, name: str, **kwargs) -> None:
        super().__init__(
            type="number",
            value=(f"+{name}.toFixed(2)",),
            change=f"{name} = $event.target.value === '' ? {name} : Number($event.target.value)",
            classes="x2ct-number-field",
            **kwargs,
        )


class MainButton(v.VBtn):
    """What a step is there for, as wide as the drawer."""

    def __init__(self, text: str, **kwargs) -> None:
        super().__init__(text, color="primary", variant="flat", size="large", block=True, **kwargs)


class JobProgress(html.Div):
    """How a job stands, and a button that stops it: what that does, and its id."""

    def __init__(self, job: JobState, cancel, key: str, **kwargs) -> None:
        super().__init__(classes="x2ct-job", **kwargs)
        with self:
            with html.Div(classes="x2ct-job-text"):
                html.Div(f"{{{{ {job.message} }}}}")
                html.Div(f"{{{{ {job.left} || {job.percent} + ' %' }}}}")
            v.VProgressLinear(model_value=(job.percent,), color="primary", height=6, rounded=True)
            v.VBtn("Cancel", id=key, block=True, click=cancel)


class Picture(html.Figure):
    """A small picture that the panes show in full when it is clicked."""

    def __init__(self, caption: str, picture: str, click: str) -> None:
        super().__init__(click=click, title="Show it in the main area")
        with self:
            html.Img(src=(picture,), alt=caption)
            html.Figcaption(caption)


def on_show(names: AppState) -> str:
    """Expression for whether the views show a volume."""
    return f"({names.mode} === '{PROJECT}' ? !!{names.drr.ct} : {names.result.shown})"


def number_row(
    key: str, label: str, title: str, name: str, scale: tuple[float, float, float], unit: str, **kwargs
) -> None:
    """A number on a scale, from and to and in steps of, and in a field for others, whose id is `key`."""
    html.Label(label, classes="x2ct-label", title=title)
    Scale(name, *scale, **kwargs)
    Number(name, id=key, step="any", title=title, **kwargs)
    html.Span(unit, classes="x2ct-unit")


def note_classes(*always: str) -> tuple[str]:
    """Classes of an element for `note`: one that asks the user to check something stands out."""
    return (f"{list(always)}.concat(/Check|Overridden/.test(note) ? 'x2ct-amber' : [])",)


def notes(lines: str) -> None:
    """A list of sentences; `lines` is an expression."""
    with html.Ul(classes="x2ct-notes", v_if=(f"{lines}.length",)):
        html.Li("{{ note }}", classes=note_classes(), v_for=f"note in {lines}", key="note")
