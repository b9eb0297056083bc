"""What benchmarks found: figures, most of them ratios, and their table."""

from collections.abc import Sequence
from dataclasses import dataclass

from Benchmarks.racing import Outcome

COLUMNS = ("benchmark", "figure", "value", "range", "target", "reached", "how")


@dataclass(frozen=True)
class Result:
    """One figure.

    Attributes:
        benchmark: Which one it is of.
        figure: What it is, in words.
        value: Of the best turns; None if it could not be measured, and `how` says why.
        unit: "×" for ratios.
        low: The least of the turns.
        high: The most.
        target: What it should be; None if nothing is asked.
        at_least: Whether it should be that or more, rather than less.
        how: What it was made from.
        voxels: Along an edge; figures with it are a curve.
    """

    benchmark: str
    figure: str
    value: float | None
    unit: str = "×"
    low: float | None = None
    high: float | None = None
    target: float | None = None
    at_least: bool = True
    how: str = ""
    voxels: int | None = None

    @property
    def share(self) -> float | None:
        """How far on the way to the target it is; 1 and more reaches it."""
        if self.target is None or self.value is None:
            return None
        return self.value / self.target if self.at_least else self.target / max(self.value, 1e-12)

    def row(self) -> dict[str, str]:
        """Its line of the table."""
        asked = "" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.target:g} {self.unit}"
        reached = "" if self.share is None else "yes" if self.share >= 1 else "no"
        spread = "" if self.low is None else f"{self.low:.3g} to {self.high:.3g}"
        value = "" if self.value is None else f"{self.value:.3g} {self.unit}"
        cells = (self.benchmark, self.figure, value, spread, asked, reached, self.how)
        return dict(zip(COLUMNS, cells, strict=True))


def faster(
    benchmark: str, figure: str, ours: Outcome, peer: Outcome, target: float | None = None, name: str = "peer"
) -> Result:
    """How many times as fast as a peer something is: best turn by best turn, and turn by turn for the range."""
    ratios = [theirs / mine for mine, theirs in zip(ours.seconds, peer.seconds, strict=True)]
    how = f"{ours.best:.3g} s, {name} {peer.best:.3g} s"
    return Result(benchmark, figure, peer.best / ours.best, low=min(ratios), high=max(ratios), target=target, how=how)


def missing(benchmark: str, figure: str, target: float | None, why: str) -> Result:
    """A figure that could not be measured here."""
    return Result(benchmark, figure, None, target=target, how=why)


def seconds(benchmark: str, figure: str, ours: Outcome, limit: float | None = None) -> Result:
    """How long something takes, where there is no peer."""
    times = ours.seconds
    return Result(benchmark, figure, ours.best, "s", min(times), max(times), limit, at_least=False)


def table(results: Sequence[Result]) -> str:
    """All of them in Markdown."""
    rows = [dict(zip(COLUMNS, COLUMNS, strict=True)), *(result.row() for result in results)]
    lines = [f"| {' | '.join(row.values())} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(COLUMNS), *lines[1:]])
