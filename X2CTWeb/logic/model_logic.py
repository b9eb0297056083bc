"""What reconstructs: the installed models with what their cards say, stylers, device and precision."""

from pathlib import Path

import torch
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.card_facts import facts
from X2CTLib.cards import (
    DEFAULT_MODEL,
    add_model,
    is_own,
    load_card,
    reconstruction_models,
    remove_model,
    styler_models,
)
from X2CTLib.device import PRECISIONS
from X2CTLib.errors import InputError, X2CTError
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.uploads import keep
from X2CTWeb.state import AppState, ChoiceState, FactState

_SCORES = {
    "PSNR volume, peak 2500 (dB)": "PSNR {:.0f} dB",
    "mean absolute error (HU)": "error {:.0f} HU",
    "absolute lung volume error (%)": "lung volume off by {:.0f} %",
}
"""How some of the scores on a card are told."""


class ModelLogic:
    """Offers models and stylers; `changed` is emitted when what is chosen has become something else.

    Args:
        typed_state: The page's.
        folder: For what is uploaded.
        model: Weights file that is offered beside the installed ones, and chosen; None for the shipped one.

    Raises:
        ModelError: That model has no card that says what it reads.
    """

    changed = Signal()

    def __init__(self, typed_state: TypedState[AppState], folder: SessionFolder, model: Path | None) -> None:
        self._data = typed_state.data
        self._folder = folder
        self._extra = model
        names = typed_state.name.model
        self._data.model.devices = ["auto", "cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        self._data.model.precisions = ["auto", *PRECISIONS]
        self._list(model or DEFAULT_MODEL)
        self._chosen = self._choice()
        choices = (names.model, names.styler, names.device, names.precision)
        typed_state.bind_changes(dict.fromkeys(choices, self._on_choice))

    @property
    def model(self) -> Path:
        """Weights of the model that is chosen."""
        return Path(self._data.model.model)

    @property
    def styler(self) -> Path | None:
        """Weights of the styler that is chosen."""
        return Path(self._data.model.styler) if self._data.model.styler else None

    async def add(self, files: list[dict], paths: list[str]) -> None:
        """Install a model that the browser sends, weights and card; see `uploads.keep`."""
        self._data.error = ""
        try:
            added = _add(keep(self._folder, files, paths))
        except X2CTError as error:
            self._data.error = str(error)
            return
        if added in styler_models():
            self._data.model.styler = str(added)
        self._list(added if added in reconstruction_models() else self.model)

    def delete(self) -> None:
        """Delete the model that is chosen, which is the user's own."""
        try:
            remove_model(self.model)
        except X2CTError as error:
            self._data.error = str(error)
        self._list(DEFAULT_MODEL)

    def _list(self, chosen: Path) -> None:
        models = reconstruction_models()
        if self._extra and self._extra not in models:
            models[self._extra] = load_card(self._extra)["name"]
        shown = self._data.model
        shown.models = [ChoiceState(str(path), name) for path, name in models.items()]
        shown.stylers = [
            ChoiceState("", "None"),
            *(ChoiceState(str(path), name) for path, name in styler_models().items()),
        ]
        shown.model = str(chosen)
        self._describe()

    def _describe(self) -> None:
        self._data.model.own = is_own(self.model)
        card = load_card(self.model)
        told = facts(card) | _told_scores(card)
        if self.styler:
            told["Styler"] = load_card(self.styler).get("limits", "")
        self._data.model.facts = [FactState(name, text) for name, text in told.items() if text]

    def _choice(self) -> tuple[str, ...]:
        shown = self._data.model
        return shown.model, shown.styler, shown.device, shown.precision

    def _on_choice(self, _) -> None:
        if self._choice() != self._chosen:
            self._chosen = self._choice()
            self._describe()
            self.changed()


def _add(chosen: list[Path]) -> Path:
    weights = [path for path in chosen if path.suffix == ".safetensors"]
    if len(weights) != 1:
        raise InputError("A model is two files, weights (.safetensors) and card (.json). Choose both at once.")
    return add_model(weights[0])


def _told_scores(card: dict) -> dict[str, str]:
    scores = card.get("scores")
    return {f"On {what}": _scores(score) for what, score in scores.items()} if isinstance(scores, dict) else {}


def _scores(score: dict | float) -> str:
    """The scores that a reader knows, each with that of the mean volume, which knows nothing of the patient."""
    if not isinstance(score, dict):
        return str(score)
    model, mean = score.get("model", score), score.get("mean volume", {})
    lines = [
        words.format(model[key]) + (f" (mean volume {mean[key]:.0f})" if key in mean else "")
        for key, words in _SCORES.items()
        if key in model
    ]
    return ", ".join(lines)
