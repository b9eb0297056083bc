"""The biplanar generator at the paper's size: seconds, memory and answers of the fast way beside the plain one."""

from dataclasses import replace

import numpy as np
import torch

from Benchmarks import plain
from Benchmarks.racing import Contender, Settings, race
from Benchmarks.results import Result, faster
from X2CTLib.cards import MODELS_FOLDER
from X2CTLib.device import PRECISIONS
from X2CTLib.inference import run_model
from X2CTLib.metrics import psnr_volume
from X2CTLib.networks.generator import Generator
from X2CTLib.phantom import make_phantom
from X2CTLib.weights import load_model
from X2CTTrainingLib.simulation import standard_drr

_SHIPPED = MODELS_FOLDER / "x2ct_gan_biplanar.safetensors"
_PHANTOM = 9301
_SPEED = {"float32": 4.0, "bfloat16": 10.0}  # the latter where the processor has AMX
_ERROR = {"float32": 1e-4, "bfloat16": 1e-2}
_PSNR_CHANGE, _MEMORY = 0.05, 0.5


def measure(settings: Settings) -> list[Result]:
    """Speed and memory at full width with fresh weights, answers with those of the shipped model."""
    contenders = {"plain": Contender(prepare, ("plain", settings.scale), plain.ENVIRONMENT)}
    contenders |= {name: Contender(prepare, (name, settings.scale)) for name in PRECISIONS}
    outcomes = race(contenders, settings)
    results = []
    for name in PRECISIONS:
        ours, peer = outcomes[name], outcomes["plain"]
        asked = _SPEED[name] if name == "float32" or torch.cpu.get_capabilities().get("amx_bf16") else None
        results.append(faster("generator", f"{name}, times as fast as the plain way", ours, peer, asked, "plain"))
        how = f"{ours.peak_mib:.0f} MiB, plain {peer.peak_mib:.0f} MiB"
        share = ours.peak_mib / peer.peak_mib
        results.append(
            Result("generator", f"{name}, share of its peak memory", share, target=_MEMORY, at_least=False, how=how)
        )
    return results + _answers()


def prepare(name: str, width: float):
    """A generator with fresh weights, run in one of `PRECISIONS` or the plain way."""
    torch.manual_seed(0)
    generator = Generator(width=width).eval()
    generator = plain.plain(generator) if name == "plain" else generator
    images = torch.rand(1, 2, generator.pixels, generator.pixels)
    number_format = PRECISIONS.get(name, torch.float32)

    def run() -> None:
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=number_format == torch.bfloat16),
        ):
            generator(images)

    return run


def _answers() -> list[Result]:
    """How far the answers of the shipped model are from those of the plain way, to a phantom's DRRs."""
    shipped, truth = load_model(_SHIPPED), make_phantom(_PHANTOM).hu
    model = replace(shipped, card={**shipped.card, "smoothing_mm": 0})
    images = torch.stack([standard_drr(truth, projection) for projection in model.projections.values()])
    expected = run_model(replace(model, generator=plain.plain(model.generator)), images, "cpu", "float32")
    results = []
    for name in PRECISIONS:
        answer = run_model(model, images, "cpu", name)
        error = np.abs(answer - expected) / 2500
        change = abs(psnr_volume(answer, truth) - psnr_volume(expected, truth))
        how = f"root mean square {np.sqrt(np.mean(error**2)):.2g}"
        results += [
            Result(
                "generator",
                f"{name}, largest error, of the span",
                float(error.max()),
                "",
                target=_ERROR[name],
                at_least=False,
                how=how,
            ),
            Result("generator", f"{name}, change of PSNR-3D", change, "dB", target=_PSNR_CHANGE, at_least=False),
        ]
    return results
