"""The training loop: any system of networks, on the processor, a graphics card, or many of either under torchrun.

Every sample has a number and its own seed, so neither a stop in between nor the number of processes changes what is
learned. A checkpoint is only ever written between two steps.
"""

import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from X2CTLib.device import choose_device, choose_precision
from X2CTLib.errors import Cancelled, InputError, TrainingError
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTTrainingLib.checkpoints import load_checkpoint, save_checkpoint
from X2CTTrainingLib.experiment import Experiment, Moment, Schedule
from X2CTTrainingLib.previews import Review
from X2CTTrainingLib.run_log import RunLog


class System(Protocol):
    """Networks that are trained together, and how.

    Attributes:
        experiment: Its declaration.
        epoch_samples: How many samples an epoch has.
        losses: Names of the losses that `train_step` returns.
        scores: Names of the scores that `review` returns.
    """

    experiment: Experiment
    epoch_samples: int
    losses: tuple[str, ...]
    scores: tuple[str, ...]

    def parts(self) -> dict:
        """All that a checkpoint holds, by name: networks, optimisers and whatever else has a `state_dict`."""

    def train_step(self, moment: Moment) -> dict[str, float]:
        """One step of every optimiser, on this process's share of the samples; the losses, those that it has."""

    def review(self, moment: Moment) -> Review:
        """How things stand on cases that are not trained on."""

    def export(self, folder: Path, steps: int) -> None:
        """Write what was learned, as weights and card."""


def make_fabric(experiment: Experiment, device: str = "auto") -> Fabric:
    """Device, precision and processes of a training; `torchrun` says how many of the last there are.

    Raises:
        InputError: The device does not exist, or the samples of a step cannot be shared out evenly.
    """
    chosen = choose_device(device)
    processes = int(os.environ.get("WORLD_SIZE", 1))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if experiment.optimiser.batch % processes:
        raise InputError(
            f"{processes} processes cannot share the {experiment.optimiser.batch} samples of a step evenly. "
            "Set optimiser.batch to a multiple of their number."
        )
    precision = experiment.run.precision
    if precision == "auto":
        precision = "32-true" if choose_precision("auto", chosen) == torch.float32 else "bf16-mixed"
    torch.manual_seed(experiment.run.seed)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator=chosen.type,
        devices=here if processes > 1 or chosen.index is None else [chosen.index],
        num_nodes=processes // here,
        # A stage at half the resolution leaves the last level out.
        strategy=DDPStrategy(find_unused_parameters=True) if processes > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric


class Trainer:
    """A training and where it stands; a run that `folder` holds goes on.

    Raises:
        InputError: The folder holds another run, or a damaged one.
    """

    def __init__(self, system: System, folder: Path, fabric: Fabric) -> None:
        self.system, self.folder, self.fabric = system, Path(folder), fabric
        self.schedule = Schedule(system.experiment, system.epoch_samples)
        self.step = 0
        state = load_checkpoint(self.folder, system.experiment, fabric.device)
        if state:
            for name, part in system.parts().items():
                part.load_state_dict(state[name])
            self.step = state["step"]

    def save(self) -> None:
        """Replace the checkpoint."""
        if self.fabric.is_global_zero:
            parts = {name: part.state_dict() for name, part in self.system.parts().items()}
            save_checkpoint(self.folder, {**parts, "step": self.step, "experiment": self.system.experiment.to_dict()})

    def run(self, progress: Progress = silent, cancel: CancelToken | None = None) -> None:
        """Train to the end of the schedule, from where the folder stands, and export.

        Raises:
            Cancelled: Asked to stop; the same call goes on from here.
            TrainingError: The losses are no numbers any more, or memory is short; the last checkpoint is kept.
        """
        run, begun, steps = self.system.experiment.run, self.step, self.schedule.steps
        with self._logging() as log:
            while self.step < steps:
                if self._mean(float(cancel is not None and cancel.raised)) > 0:
                    self.save()
                    raise Cancelled
                moment = self.schedule.at(self.step)
                began = time.perf_counter()
                with self._explained():
                    values = self.system.train_step(moment)
                values = {name: self._mean(value) for name, value in values.items()}
                values |= {"learning rate": moment.learning_rate, "seconds": time.perf_counter() - began}
                self.step += 1
                last = self.step == steps
                if log and (last or self.step % run.preview_every == 0):
                    review = self.system.review(moment)
                    values |= review.scores
                    log.review(moment.step, review)
                if log:
                    log.write(moment.step, values)
                if last or self.step % run.checkpoint_every == 0:
                    self.save()
                where = f"step {self.step} of {steps}, epoch {moment.epoch} of {self.schedule.epochs}"
                progress(self.step / steps, f"{where}, {_short(values, self.system.losses)}")
        exported = self.step == begun and any(self.folder.glob("*.safetensors"))
        if self.fabric.is_global_zero and not exported:
            self.system.export(self.folder, self.step)

    @contextmanager
    def _logging(self) -> Iterator[RunLog | None]:
        """The log, for the process that keeps it."""
        if not self.fabric.is_global_zero:
            yield None
            return
        columns = [*self.system.losses, "learning rate", "seconds", *self.system.scores]
        log = RunLog(self.folder, self.step, columns)
        try:
            yield log
        finally:
            log.close()

    def _mean(self, here: float) -> float:
        """The mean of a value over the processes."""
        if self.fabric.world_size == 1:
            return here
        return self.fabric.all_reduce(torch.tensor(here, device=self.fabric.device)).item()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What makes a step fail, in words."""
        try:
            yield
        except NotFinite as error:
            raise TrainingError(
                f"In step {self.step} {error}. The last good state is kept in {self.folder}. "
                "Lower the learning rates of the stages, or train in 32-true precision, in another folder."
            ) from error
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise
            raise TrainingError(
                f"Not enough memory for step {self.step}. Lower optimiser.at_once, network.width, or the voxels of the "
                "stage; on a graphics card, close what else uses it."
            ) from error


class NotFinite(ArithmeticError):
    """A loss or a gradient is not a number."""


def check_finite(losses: dict[str, torch.Tensor]) -> dict[str, float]:
    """The values of losses.

    Raises:
        NotFinite: One is none.
    """
    values = {name: loss.item() for name, loss in losses.items()}
    if bad := [name for name, value in values.items() if not np.isfinite(value)]:
        raise NotFinite(f"the {bad[0]} loss is not a number")
    return values


def descend(optimiser: torch.optim.Optimizer, parameters: Iterable[torch.nn.Parameter], learning_rate: float) -> None:
    """One step along accumulated gradients, which are then forgotten.

    Raises:
        NotFinite: There is no such step; nothing was changed.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
        raise NotFinite("the gradient is not a number")
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    optimiser.step()
    optimiser.zero_grad()


def _short(values: dict[str, float], names: Iterable[str]) -> str:
    return ", ".join(f"{name} {values[name]:.4f}" for name in names if name in values)
