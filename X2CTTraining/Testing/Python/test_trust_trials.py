"""Trials of trust: what is done to radiographs, how shares are counted, and that wrong pairs are told apart."""

import csv

import numpy as np
import pytest

from X2CTLib.cli import main
from X2CTLib.errors import InputError
from X2CTLib.geometry import View
from X2CTLib.radiograph import Radiograph
from X2CTLib.trust import UNEXPLAINED, VERY_UNLIKE, Trust
from X2CTLib.weights import load_model
from X2CTTrainingLib import trust_command
from X2CTTrainingLib.datasets import Source, prepare
from X2CTTrainingLib.trust_command import CTS, OTHERS, REAL, plan, real_pairs, shares
from X2CTTrainingLib.trust_trials import (
    ALTERATIONS,
    AS_GIVEN,
    ErrorMatch,
    Trial,
    as_pictures,
    attempt,
    case_radiographs,
    match_errors,
)


@pytest.fixture(scope="module")
def a_case(tmp_path_factory):
    return prepare(Source("p", "p", phantom=3), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def a_pair(a_case):
    return as_pictures(case_radiographs(a_case))


def test_alterations_change_pixels_and_nothing_that_a_file_says(a_pair):
    pa, lateral = (a_pair[view].pixels for view in View)
    altered = {name: alter(a_pair) for name, alter in ALTERATIONS.items()}
    assert np.array_equal(altered[AS_GIVEN][View.PA].pixels, pa)
    assert np.array_equal(altered["views swapped"][View.PA].pixels, lateral)
    assert np.allclose(altered["negatives"][View.LATERAL].pixels, 1 - lateral, atol=1e-6)
    assert np.array_equal(altered["upside down"][View.PA].pixels, pa[::-1, ::-1])
    assert np.array_equal(altered["mirrored"][View.PA].pixels, pa[:, ::-1])
    assert np.array_equal(np.rot90(altered["turned by 90 degrees"][View.PA].pixels, -1), pa)
    assert not any(radiograph.oriented or radiograph.view for pair in altered.values() for radiograph in pair.values())


def test_a_wrong_pair_is_doubted_and_a_right_one_is_not(a_pair):
    model = load_model()
    right, wrong = (attempt(CTS, "p", name, ALTERATIONS[name](a_pair), model) for name in (AS_GIVEN, "views swapped"))
    assert not right.trust.low and not right.trust.doubts and not right.refused
    assert wrong.trust.low and VERY_UNLIKE in wrong.trust.doubts
    assert (right.row["low trust"], wrong.row["low trust"]) == (0, 1)


def test_every_pair_is_altered_and_every_other_picture_put_in_each_place(a_pair):
    hand = Radiograph(np.eye(80, dtype=np.float32), source="hand.png")
    planned = list(plan({CTS: {"p": a_pair, "q": a_pair}, REAL: {}}, [hand]))
    assert [entry[:3] for entry in planned[: len(ALTERATIONS)]] == [(CTS, "p", name) for name in ALTERATIONS]
    assert len(planned) == 2 * len(ALTERATIONS) + 2
    for (source, _, _, pair), view in zip(planned[-2:], View, strict=True):
        (other,) = set(View) - {view}
        assert source == OTHERS and pair[view].source == "hand.png" and pair[other] is a_pair[other]
    with pytest.raises(InputError, match="no pair"):
        list(plan({REAL: real_pairs([])[REAL]}, [hand]))


def test_shares_are_counted_by_source_and_alteration():
    def trial(alteration, *doubts):
        return Trial(CTS, "p", alteration, bool(doubts), Trust({}, {}, doubts=[*doubts]))

    trials = [trial("a", UNEXPLAINED), trial("a"), trial("b"), trial("a", UNEXPLAINED, VERY_UNLIKE), trial("a")]
    first, second = shares(trials)
    assert (first["pairs"], first["low trust (%)"], first["refused (%)"]) == (4, 50, 50)
    assert (first["unexplained (%)"], first["very unlike (%)"], first["field (%)"]) == (50, 25, 0)
    assert (second["alteration"], second["pairs"], second["low trust (%)"]) == ("b", 1, 0)


def test_uncertainty_is_held_beside_the_error():
    rng = np.random.default_rng(0)
    error = rng.random(1000)
    assert ErrorMatch.of("c", 3 * error, error).pearson == pytest.approx(1)
    curved = ErrorMatch.of("c", np.exp(9 * error), error)
    assert curved.spearman == pytest.approx(1) and curved.pearson < 0.9
    assert abs(ErrorMatch.of("c", rng.random(1000), error).spearman) < 0.1
    nothing = ErrorMatch.of("c", error, np.zeros(1000))
    assert (nothing.pearson, nothing.spearman, nothing.error_hu) == (0, 0, 0), "an identical prediction"


def test_the_uncertainty_of_a_case_is_compared_within_its_body(a_case):
    match = match_errors(a_case, load_model(), passes=1)
    assert -1 < match.pearson < 1 and 0 < match.uncertainty_hu < match.error_hu


def test_the_command_writes_what_it_counts(a_pair, tmp_path, monkeypatch, capsys):
    def attempted(source, name, alteration, radiographs, model, styler):
        doubts = [] if alteration == AS_GIVEN else [VERY_UNLIKE]
        correlations = {View.PA: 0.9}
        return Trial(source, name, alteration, False, Trust({}, correlations, doubts=doubts))

    monkeypatch.setattr(trust_command, "attempt", attempted)
    words = ["trust", "--data", "phantoms:1", "--uncertainty", "0", "--cache", tmp_path, "--output", tmp_path / "out"]
    assert main([*map(str, words)]) == 0
    with (tmp_path / "out" / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["alteration"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(ALTERATIONS) and rows["mirrored"]["doubts"] == "very-unlike"
    assert rows[AS_GIVEN]["low trust"] == "0" and rows[AS_GIVEN]["reprojection correlation PA"] == "0.9"
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1 + len(ALTERATIONS) and said[1].split()[-5:] == ["0"] * 5 and "low trust (%)" in said[0]
