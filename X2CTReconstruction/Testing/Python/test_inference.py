import dataclasses

import numpy as np
import pytest
import torch

from X2CTLib.device import choose_device, choose_precision
from X2CTLib.errors import Cancelled, InputError, ModelError
from X2CTLib.geometry import HU_RANGE, View, VolumeGeometry, clinical_projection
from X2CTLib.inference import reconstruct
from X2CTLib.networks.catalogue import build_network
from X2CTLib.networks.generator import Generator
from X2CTLib.networks.style import StyleGenerator
from X2CTLib.progress import CancelToken
from X2CTLib.radiograph import Radiograph
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.styler import Styler
from X2CTLib.trust import Trust
from X2CTLib.weights import Model


def a_card(name: str, pixels: int = 128) -> dict:
    return {"name": name, "projections": {view.name: clinical_projection(view, pixels).to_dict() for view in View}}


@pytest.fixture
def a_model():
    torch.manual_seed(0)
    rows, columns = np.mgrid[-1:1:128j, -1:1:128j]
    body = np.exp(-((rows / 0.8) ** 4) - (columns / 0.7) ** 4)
    lungs = np.exp(-(((abs(columns) - 0.35) / 0.2) ** 2) - (rows / 0.5) ** 2)
    spine = np.exp(-(((columns - 0.4) / 0.1) ** 2))
    templates = {View.PA: body - 0.6 * lungs, View.LATERAL: body * (0.6 + 0.4 * spine + 0.2 * np.sin(4 * rows))}
    templates = {view: image.astype(np.float32).clip(0, 1) for view, image in templates.items()}
    return Model(Generator(width=0.1).eval(), a_card("tiny"), templates)


@pytest.fixture
def a_pair(a_model):
    noise = np.random.default_rng(0).normal(0, 0.02, (2, 128, 128)).astype(np.float32)
    return {
        view: Radiograph((image + grain).clip(0, 1), view, pixel_mm=2.5, source=f"{view.name}.png", oriented=True)
        for (view, image), grain in zip(a_model.templates.items(), noise, strict=True)
    }


def single_view(model: Model, view: View, kind: str) -> Model:
    """A model that reads one view only, with the template of another."""
    torch.manual_seed(0)
    network = build_network({"kind": kind, "views": [view.name], "width": 0.1}).eval()
    return Model(network, a_card("half blind", network.pixels), {view: model.templates[view]})


def test_the_result_is_a_cube_in_hounsfield_units(a_model, a_pair):
    reported = []
    result = reconstruct(a_pair, a_model, progress=lambda fraction, message: reported.append(fraction))
    assert result.hu.shape == (128, 128, 128) and result.hu.dtype == np.int16
    assert HU_RANGE[0] <= result.hu.min() <= result.hu.max() <= HU_RANGE[1]
    assert np.allclose(result.geometry.centre_lps, 0)
    assert result.trust.reprojections.keys() == result.trust.reprojection_correlations.keys() == set(View)
    assert result.projections[View.PA] == clinical_projection(View.PA)
    assert reported == sorted(reported) and reported[-1] == pytest.approx(1)


def test_the_uncertainty_is_there_if_it_is_asked_for(a_model, a_pair, tmp_path):
    reported = []
    plain = reconstruct(a_pair, a_model)
    result = reconstruct(
        a_pair, a_model, uncertainty_passes=2, progress=lambda fraction, message: reported.append(fraction)
    )
    assert plain.trust.uncertainty is None
    assert np.array_equal(result.hu, plain.hu), "the passes do not change the reconstruction"
    assert result.trust.uncertainty.shape == result.hu.shape and result.trust.uncertainty.max() > 0
    assert reported == sorted(reported) and reported[-1] == pytest.approx(1)
    result.save(tmp_path)
    assert np.allclose(Reconstruction.load(tmp_path).trust.uncertainty, result.trust.uncertainty)


@pytest.mark.parametrize(
    ("kind", "view", "other", "pixels"),
    [("x2ct", View.LATERAL, View.PA, 128), ("2dcnn", View.PA, View.LATERAL, 256)],
)
def test_a_model_of_one_view_needs_only_that_one(kind, view, other, pixels, a_model, a_pair, tmp_path):
    model, reported = single_view(a_model, view, kind), []
    alone = reconstruct({view: a_pair[view]}, model, progress=lambda fraction, message: reported.append(fraction))
    assert alone.hu.shape == (128, 128, 128)
    assert alone.views.keys() == alone.projections.keys() == {view}
    assert alone.views[view].shape == (pixels, pixels)
    assert alone.projections[view] == clinical_projection(view, pixels)
    assert reported == sorted(reported) and len(reported) > 4

    both = reconstruct(a_pair, model)
    assert np.array_equal(both.hu, alone.hu)
    unused = f"The model half blind reads the {view.label} view only; the {other.label} is not used."
    assert both.notes == [unused, *alone.notes]
    with pytest.raises(InputError, match=f"half blind needs the {view.label} radiograph"):
        reconstruct({other: a_pair[other]}, model)

    both.save(tmp_path / "out")
    assert not (tmp_path / "out" / f"{other.name.lower()}.png").exists()
    assert Reconstruction.load(tmp_path / "out").views.keys() == {view}


def test_a_card_without_standard_views_is_said(a_model, a_pair):
    with pytest.raises(ModelError, match="does not tell its standard views"):
        reconstruct(a_pair, dataclasses.replace(a_model, card={"name": "mute"}))


def test_cancel_stops_inside_the_network(a_model, a_pair):
    token, reported = CancelToken(), []

    def progress(fraction, message):
        reported.append(fraction)
        if fraction > 0.3:
            token.cancel()

    with pytest.raises(Cancelled):
        reconstruct(a_pair, a_model, progress=progress, cancel=token)
    assert max(reported) < 0.9
    assert not any(module._forward_hooks for module in a_model.generator.modules())


def test_a_device_that_is_not_there_is_said():
    for name in ("cuda:99", "meta", "toaster"):
        with pytest.raises(InputError, match="'auto'"):
            choose_device(name)
    assert choose_device("cpu").type == "cpu"
    assert choose_precision("auto", torch.device("cpu")) in (torch.float32, torch.bfloat16)


def test_a_reconstruction_survives_the_disk(tmp_path):
    rng = np.random.default_rng(0)
    saved = Reconstruction(
        hu=rng.integers(-1024, 1400, (16, 16, 16)).astype(np.int16),
        geometry=VolumeGeometry.cube(16),
        views={view: rng.random((8, 8)).astype(np.float32) for view in View},
        projections={view: clinical_projection(view) for view in View},
        card=a_card("tiny"),
        notes=["assumed"],
        sources={view: f"{view.name}.png" for view in View},
        mm_per_pixel={View.PA: 0.7, View.LATERAL: 0.8},
        trust=Trust(
            reprojections={view: rng.random((8, 8)).astype(np.float32) for view in View},
            reprojection_correlations={View.PA: 0.9, View.LATERAL: 0.8},
            familiarity={View.PA: 0.5, View.LATERAL: 0.0},
            uncertainty=rng.random((16, 16, 16)).astype(np.float32),
            words=["doubtful"],
            doubts=["unexplained"],
        ),
    )
    saved.save(tmp_path / "out")
    loaded = Reconstruction.load(tmp_path / "out")
    assert np.array_equal(loaded.hu, saved.hu)
    assert np.allclose(loaded.geometry.ijk_to_lps, saved.geometry.ijk_to_lps)
    assert all(np.abs(loaded.views[view] - saved.views[view]).max() < 1e-4 for view in View)
    for name in ("projections", "card", "notes", "sources", "mm_per_pixel"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert loaded.trust.to_dict() == saved.trust.to_dict()
    assert np.array_equal(loaded.trust.uncertainty, saved.trust.uncertainty)
    for view in View:
        assert np.abs(loaded.trust.reprojections[view] - saved.trust.reprojections[view]).max() < 1e-4

    dataclasses.replace(saved, trust=dataclasses.replace(saved.trust, uncertainty=None)).save(tmp_path / "out")
    assert Reconstruction.load(tmp_path / "out").trust.uncertainty is None, "not that of the last one"


def test_a_volume_without_a_body_is_the_models_fault():
    air = np.full((32, 32, 32), -1000, np.int16)
    with pytest.raises(ModelError, match="no chest"):
        Reconstruction(air, VolumeGeometry.cube(32), {}, {}, {}, [], {}).examine()


def test_another_folder_is_not_a_reconstruction(tmp_path):
    with pytest.raises(InputError, match="does not hold a reconstruction"):
        Reconstruction.load(tmp_path)


def test_a_styler_changes_what_the_network_sees_and_what_it_was_is_kept(a_model, a_pair, tmp_path):
    torch.manual_seed(0)
    network = StyleGenerator(0.1)
    torch.nn.init.normal_(network.head.weight)
    plain, styled = (reconstruct(a_pair, a_model, styler=s) for s in (None, Styler(network.eval(), {"name": "mine"})))
    assert not plain.unstyled and any("styler mine" in note for note in styled.notes)
    for view in View:
        assert np.array_equal(styled.unstyled[view], plain.views[view])
        assert not np.allclose(styled.views[view], plain.views[view], atol=0.01)
    styled.save(tmp_path)
    loaded = Reconstruction.load(tmp_path)
    for view in View:
        assert np.allclose(loaded.views[view], styled.views[view], atol=1e-4)
        assert np.allclose(loaded.unstyled[view], styled.unstyled[view], atol=1e-4)


def test_a_styler_of_another_size_is_refused(a_model, a_pair):
    model = single_view(a_model, View.PA, "2dcnn")
    with pytest.raises(ModelError, match="not 256"):
        reconstruct(a_pair, model, styler=Styler(StyleGenerator(0.1).eval(), {"name": "mine"}))
