"""The ways in which the user gives files; `files.js` sends them."""

from pathlib import Path

from trame.widgets import client, html

from X2CTWeb.state import LARGEST_UPLOAD


class FileField(html.Input):
    """An invisible field over all of its parent: it opens the file dialog, and takes a file that is dropped on it.

    Args:
        key: Its id.
        trigger: Called with the files, as trame's client describes them, and their paths.
        folder: Whether a folder is chosen rather than files.
    """

    def __init__(self, key: str, trigger: str, folder: bool = False, **kwargs) -> None:
        super().__init__(
            type="file",
            id=key,
            classes="x2ct-file-field",
            change="window.x2ctChosen($event.target)",
            raw_attrs=[f'data-trigger="{trigger}"', *(["webkitdirectory"] if folder else [])],
            **kwargs,
        )


class DropArea(client.Script):
    """The whole page takes files and folders that are dropped on it; its trigger is called as that of a `FileField`."""

    def __init__(self, trigger: str) -> None:
        script = (Path(__file__).parent / "files.js").read_text(encoding="utf-8")
        super().__init__(f"var x2ctLargest = {LARGEST_UPLOAD}, x2ctTrigger = '{trigger}';\n{script}")
