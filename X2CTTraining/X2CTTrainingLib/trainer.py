"""The training of a generator, resumable at every checkpoint.

Three stages: reconstruction loss at half the resolution, an eighth of the work; reconstruction and projection loss at
the full one; then all three losses of the paper with the discriminator.
"""

import csv
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from X2CTLib.errors import InputError
from X2CTLib.geometry import HU_RANGE
from X2CTLib.networks.generator import Generator
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTTrainingLib.augmentation import sample, uniform
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.discriminator import Discriminator
from X2CTTrainingLib.losses import (
    ADVERSARIAL_WEIGHT,
    PROJECTION_WEIGHT,
    RECONSTRUCTION_WEIGHT,
    least_squares_loss,
    projection_loss,
    reconstruction_loss,
)

_BETAS = (0.5, 0.99)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        width: Of the networks, relative to the paper's.
        coarse_steps: With the reconstruction loss at 64 voxels.
        fine_steps: With reconstruction and projection loss at 128.
        adversarial_steps: With all losses.
        learning_rate: Of Adam in the coarse stage and for the discriminator; falls to a tenth over the fine stage.
        real_share: Of the steps that take a CT rather than a phantom.
        average: Decay of the moving average of the weights, which is what gets exported.
        seed: Of the initial weights and of every step's randomness.
        checkpoint_every: Steps between checkpoints.
    """

    width: float = 0.375
    coarse_steps: int = 3000
    fine_steps: int = 300
    adversarial_steps: int = 60
    learning_rate: float = 4e-4
    real_share: float = 0.7
    average: float = 0.998
    seed: int = 0
    checkpoint_every: int = 50

    def __post_init__(self) -> None:
        if not 0 < self.width <= 4:
            raise InputError(f"The width of the networks must lie between 0 and 4, not be {self.width:g}.")
        if min(self.coarse_steps, self.fine_steps, self.adversarial_steps) < 0 or self.steps == 0:
            raise InputError("A training needs at least one step, and no stage has fewer than none.")

    @property
    def steps(self) -> int:
        """All of them."""
        return self.coarse_steps + self.fine_steps + self.adversarial_steps

    def stage(self, step: int) -> str:
        """What a step belongs to."""
        if step < self.coarse_steps:
            return "coarse"
        return "fine" if step < self.coarse_steps + self.fine_steps else "adversarial"

    def rate(self, step: int) -> float:
        """The generator's learning rate."""
        fine = (step - self.coarse_steps) / max(1, self.fine_steps)
        return self.learning_rate * (1 - 0.9 * min(max(fine, 0), 1))


def scaled_hu(hu: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Hounsfield units to what the networks work on."""
    low, high = HU_RANGE
    return ((hu - low) / (high - low)).clamp(0, 1)


class Trainer:
    """A training and where it stands; `folder` holds checkpoint and log, and continues if it holds them already.

    Raises:
        InputError: The folder holds a training of another width, or a damaged one.
    """

    def __init__(self, cases: Sequence[Case], schedule: Schedule, folder: Path, device: str = "cpu") -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.folder, self.device = schedule, Path(folder), torch.device(device)
        self.real = [case for case in cases if case.real]
        self.phantoms = [case for case in cases if not case.real]
        self.generator = Generator(width=schedule.width).to(self.device)
        self.averaged = Generator(width=schedule.width).to(self.device).requires_grad_(False)
        self.averaged.load_state_dict(self.generator.state_dict())
        self.discriminator = Discriminator(schedule.width).to(self.device)
        self.optimiser = torch.optim.Adam(self.generator.parameters(), schedule.learning_rate, _BETAS)
        self.critic_optimiser = torch.optim.Adam(self.discriminator.parameters(), schedule.learning_rate, _BETAS)
        self.step = 0
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.exists():
            self._resume()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _parts(self) -> dict:
        names = ("generator", "averaged", "discriminator", "optimiser", "critic_optimiser")
        return {name: getattr(self, name) for name in names}

    def save(self) -> None:
        """Replace the checkpoint, whole or not at all."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        partial = self._checkpoint.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save({**state, "step": self.step, "schedule": asdict(self.schedule)}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._checkpoint)

    def _resume(self) -> None:
        try:
            state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        except Exception as error:  # what a damaged file makes torch raise is anything
            raise InputError(f"{self._checkpoint} is damaged. Remove it to begin anew.") from error
        if state["schedule"]["width"] != self.schedule.width:
            raise InputError(
                f"{self.folder} holds a training of width {state['schedule']['width']}; "
                f"choose another output folder for width {self.schedule.width}."
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step = state["step"]

    def run(self, progress: Progress = silent, cancel: CancelToken | None = None) -> None:
        """Train to the end of the schedule, from where the folder stands.

        Raises:
            Cancelled: Asked to stop; a checkpoint has been written.
        """
        try:
            while self.step < self.schedule.steps:
                if cancel:
                    cancel.check()
                losses = self._train_step()
                self.step += 1
                self._log(losses)
                progress(self.step / self.schedule.steps, f"{self.schedule.stage(self.step)} {losses}")
                if self.step % self.schedule.checkpoint_every == 0:
                    self.save()
        finally:
            self.save()

    def _train_step(self) -> dict[str, float]:
        # The step's own seed makes a resumed training see what an uninterrupted one would have seen.
        rng = torch.Generator().manual_seed(self.schedule.seed * 1_000_003 + self.step)
        torch.manual_seed(self.schedule.seed * 1_000_003 + self.step)
        stage = self.schedule.stage(self.step)
        images, body = sample(self._draw(rng), rng)
        images, truth = images[None].to(self.device), scaled_hu(body)[None].to(self.device)
        if stage == "coarse":
            truth = F.avg_pool3d(truth, 2)
        with torch.autocast(self.device.type, torch.bfloat16):
            output = self.generator(images, coarse=stage == "coarse")
        output = output.float()
        terms = {"reconstruction": RECONSTRUCTION_WEIGHT * reconstruction_loss(output, truth)}
        if stage != "coarse":
            terms["projection"] = PROJECTION_WEIGHT * projection_loss(output, truth)
        if stage == "adversarial":
            terms["discriminator"] = self._train_discriminator(output.detach(), truth, images)
            terms["adversarial"] = ADVERSARIAL_WEIGHT * least_squares_loss(self._scores(output, images), 1.0)
        loss = sum(term for name, term in terms.items() if name != "discriminator")
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self._average()
        return {name: round(term.item(), 5) for name, term in terms.items()}

    def _draw(self, rng: torch.Generator) -> Tensor:
        real = self.real and (not self.phantoms or uniform(rng, 0, 1) < self.schedule.real_share)
        cases = self.real if real else self.phantoms
        return torch.from_numpy(cases[torch.randint(len(cases), (), generator=rng).item()].hu)

    def _scores(self, volume: Tensor, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.discriminator(volume, images).float()

    def _train_discriminator(self, fake: Tensor, truth: Tensor, images: Tensor) -> Tensor:
        real, false = self._scores(truth, images), self._scores(fake, images)
        loss = (least_squares_loss(real, 1.0) + least_squares_loss(false, 0.0)) / 2
        self.critic_optimiser.zero_grad()
        loss.backward()
        self.critic_optimiser.step()
        return loss

    def _average(self) -> None:
        # Each stage's average starts anew, over a tenth of the stage so far: the fine levels begin as noise.
        fine = self.step - self.schedule.coarse_steps
        count = fine if fine >= 0 else self.step
        decay = min(self.schedule.average, (count + 1) / (count + 10))
        for average, current in zip(self.averaged.parameters(), self.generator.parameters(), strict=True):
            average.lerp_(current.detach(), 1 - decay)

    def steps_by_stage(self) -> dict[str, int]:
        """How many steps each stage has had, by the log."""
        with (self.folder / "log.csv").open(newline="") as file:
            stages = {int(row["step"]): row["stage"] for row in csv.DictReader(file)}
        return dict(Counter(stage for step, stage in stages.items() if step <= self.step))

    def _log(self, losses: dict[str, float]) -> None:
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            columns = ["step", "stage", "reconstruction", "projection", "discriminator", "adversarial"]
            writer = csv.DictWriter(file, columns)
            if fresh:
                writer.writeheader()
            writer.writerow({"step": self.step, "stage": self.schedule.stage(self.step - 1), **losses})
