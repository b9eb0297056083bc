"""Contenders that are measured in turn, each in a process of its own, so that all meet the same noise."""

import multiprocessing
import os
import resource
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLOCKS = ("wall", "processor")


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        repeats: Measured turns of each contender, after one that warms it up.
        threads: Of each contender.
        clock: One of `CLOCKS`; the processor's leaves out what other programs take from a busy machine.
        scale: Of the networks' width and the volumes' edges; below 1 it is quick and proves nothing.
        ct: A CT to project; a phantom if there is none.
    """

    repeats: int = 3
    threads: int = 2
    clock: str = "wall"
    scale: float = 1.0
    ct: Path | None = None


@dataclass(frozen=True)
class Contender:
    """Something to measure.

    Attributes:
        prepare: Gets ready, in the contender's own process, and returns what is measured; a function of a module.
        arguments: Of `prepare`.
        environment: Variables of its process.
    """

    prepare: Callable[..., Callable[[], Any]]
    arguments: tuple = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of a contender.

    Attributes:
        seconds: Of each turn.
        peak_mib: The most memory that its process has held, Python and libraries included.
        answer: What its last turn returned.
    """

    seconds: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    answer: Any = None

    @property
    def best(self) -> float:
        """Seconds of the best turn: noise only ever adds."""
        return min(self.seconds)


def race(contenders: Mapping[str, Contender], settings: Settings) -> dict[str, Outcome]:
    """Measure contenders in turn.

    Raises:
        RuntimeError: One of them failed.
    """
    lanes = {name: _Lane(contender, settings) for name, contender in contenders.items()}
    try:
        outcomes = {name: Outcome() for name in lanes}
        for turn in range(settings.repeats + 1):
            for name, lane in lanes.items():
                seconds, outcomes[name].peak_mib, outcomes[name].answer = lane.turn()
                if turn:
                    outcomes[name].seconds.append(seconds)
        return outcomes
    finally:
        for lane in lanes.values():
            lane.close()


class _Lane:
    """A contender's process."""

    def __init__(self, contender: Contender, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, contender, settings.clock), daemon=True)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), str(settings.threads))
        before = dict(os.environ)
        os.environ.update({**threads, **contender.environment})
        try:
            self._process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        theirs.close()

    def turn(self) -> tuple[float, float, Any]:
        """Seconds, peak memory and answer."""
        self._connection.send("go")
        answer = self._connection.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.join()


def _serve(connection, contender: Contender, clock: str) -> None:
    """Run the contender whenever it is asked for, until nobody is there to ask."""
    now = time.perf_counter if clock == "wall" else _processor_seconds
    run = None
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        try:
            run = run or contender.prepare(*contender.arguments)
            began = now()
            answer = run()
            connection.send((now() - began, _peak_mib(), answer))
        except Exception:
            connection.send(traceback.format_exc())


def _processor_seconds() -> float:
    """Of this process and of those that it has started and that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_mib() -> float:
    """From Linux's own record: what getrusage tells begins with the memory of the process that started this one."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
