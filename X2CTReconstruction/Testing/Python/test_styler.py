import json

import numpy as np
import pytest
import torch

from X2CTLib.errors import ModelError
from X2CTLib.geometry import View
from X2CTLib.model_files import card_path
from X2CTLib.networks.style import StyleGenerator
from X2CTLib.styler import Styler, load_styler, save_styler, style

CARD = {"name": "tiny styler", "architecture": {"width": 0.1}}


@pytest.fixture
def a_styler() -> Styler:
    """One that changes its input, as a trained one does."""
    torch.manual_seed(0)
    generator = StyleGenerator(0.1)
    torch.nn.init.normal_(generator.head.weight, std=0.5)
    return Styler(generator.eval(), CARD)


@pytest.fixture
def some_views() -> dict[View, np.ndarray]:
    rng = np.random.default_rng(0)
    return {view: rng.random((128, 128), np.float32) for view in View}


def test_an_untrained_styler_changes_nothing(some_views):
    styled = style(some_views, Styler(StyleGenerator(0.1).eval(), CARD))
    assert all(np.array_equal(styled[view], some_views[view]) for view in View)


def test_styled_views_are_images_of_the_same_size(a_styler, some_views):
    styled = style(some_views, a_styler)
    for view in View:
        assert styled[view].shape == (128, 128) and styled[view].dtype == np.float32
        assert styled[view].min() >= 0 and styled[view].max() <= 1
        assert not np.array_equal(styled[view], some_views[view])


def test_each_view_is_styled_by_itself(a_styler, some_views):
    alone = style({View.PA: some_views[View.PA]}, a_styler)
    assert np.allclose(alone[View.PA], style(some_views, a_styler)[View.PA], atol=1e-5)


def test_a_styler_survives_the_disk(a_styler, some_views, tmp_path):
    save_styler(tmp_path / "styler.safetensors", a_styler)
    loaded = load_styler(tmp_path / "styler.safetensors")
    assert loaded.card["name"] == "tiny styler" and not loaded.generator.training
    again = style(some_views, loaded)
    assert all(np.allclose(again[view], image, atol=0.02) for view, image in style(some_views, a_styler).items())


def test_views_of_another_size_are_refused(a_styler):
    with pytest.raises(ModelError, match="128 pixels, not 256"):
        style({View.PA: np.zeros((256, 256), np.float32)}, a_styler)


def test_a_card_for_another_width_is_refused(a_styler, tmp_path):
    path = tmp_path / "styler.safetensors"
    save_styler(path, a_styler)
    card = json.loads(card_path(path).read_text(encoding="utf-8"))
    card_path(path).write_text(json.dumps({**card, "architecture": {"width": 0.5}}), encoding="utf-8")
    with pytest.raises(ModelError, match="do not fit"):
        load_styler(path)


def test_no_pixel_of_the_output_is_favoured():
    """A checkerboard would show where a flat image meets random weights."""
    torch.manual_seed(0)
    generator = StyleGenerator(0.1)
    torch.nn.init.normal_(generator.head.weight)
    ramp = torch.linspace(0.4, 0.6, 64).expand(1, 1, 64, 64)
    inner = generator(ramp)[0, 0, 16:-16, 16:-16]
    phases = [inner[row::2, column::2].mean().item() for row in (0, 1) for column in (0, 1)]
    assert max(phases) - min(phases) < 0.02
