"""The one exception family of the project: what went wrong, and what to do about it."""


class X2CTError(Exception):
    """Base of every error that is the input's or the user's to mend.

    Its message is shown as it is, in the terminal (exit code 2), in Slicer and in the browser.
    """


class InputError(X2CTError):
    """A radiograph or a CT cannot be used."""


class ModelError(X2CTError):
    """A weights file or its card is missing, damaged, or does not fit."""


class Cancelled(X2CTError):
    """The user asked to stop; nothing has been written."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")


class TrainingError(X2CTError):
    """A training cannot go on; what it had learned is kept."""
