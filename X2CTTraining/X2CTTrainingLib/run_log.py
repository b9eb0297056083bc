"""What a run has logged: a CSV file, events for TensorBoard, and pictures."""

import csv
from pathlib import Path

from PIL import Image

from X2CTLib.files import replace_file
from X2CTTrainingLib.previews import PREVIEWS, Review, write_volumes

FILE = "log.csv"


class RunLog:
    """The log of a run that stands before a step; what was logged of later steps is taken back.

    Args:
        folder: Of the run.
        step: Where the run goes on.
        columns: What is logged beside the step.
    """

    def __init__(self, folder: Path, step: int, columns: list[str]) -> None:
        from tensorboardX import SummaryWriter

        self.folder, self.columns = folder, ["step", *columns]
        kept = [row for row in read_log(folder) if row["step"] < step]
        with replace_file(folder / FILE) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
        self._events = SummaryWriter(str(folder / "tensorboard"), purge_step=step, flush_secs=30)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Add the values of a step."""
        with (self.folder / FILE).open("a", newline="", encoding="utf-8") as file:
            row = {name: f"{value:.6g}" for name, value in values.items()}
            csv.DictWriter(file, self.columns).writerow({"step": step, **row})
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def review(self, step: int, review: Review) -> None:
        """Keep what is seen at a look: every picture, and the newest volumes."""
        if review.picture is not None:
            with replace_file(self.folder / PREVIEWS / f"step_{step:06d}.png") as partial:
                Image.fromarray(review.picture).save(partial, "png")
            self._events.add_image("preview", review.picture, step, dataformats="HW")
        if review.volumes:
            write_volumes(self.folder, step, review.volumes)

    def close(self) -> None:
        """Write what is waiting to be written."""
        self._events.close()


def read_log(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's log, without empty cells and a last line that was cut off; none if there is no log."""
    path = Path(folder) / FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = csv.DictReader(line for line in lines if line.endswith("\n"))
    return [{name: float(value) for name, value in row.items() if value} | {"step": int(row["step"])} for row in rows]
