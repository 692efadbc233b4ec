"""A model of ``transformers`` from a folder or the hub: its configuration and its weights, never its code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sgl_rec.encoders.text.hub import model_folder
from sgl_rec.encoders.text.module import TextModule
from sgl_rec.encoders.text.tokens import Pooling
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.extras import needed
from sgl_rec.rng import scope

WHERE = "transformers_folder"
CONFIG = "config.json"
SAFE = (".safetensors", ".bin")
"""Of weights. Those of ``.bin`` are unpickled as tensors alone."""


def transformers_folder(
    vocabulary_size: int,
    padding_id: int,
    *,
    folder: str,
    pooling: Pooling = "mean",
    generator: torch.Generator,
) -> TextModule:
    """The model that ``save_pretrained`` wrote to a folder. No code of it is run; the hub is asked if named.

    A layer over the first token ("pooler") stays as it is: no row comes from it.

    Args:
        vocabulary_size, padding_id: of the folder's own tokenizer (``make_tokenizer(folder, ...)``).
        folder: one with ``config.json`` and ``model.safetensors`` or ``pytorch_model.bin``, whole or in parts;
            or ``hub:OWNER/MODEL@REVISION`` (``hub.model_folder``).
        pooling: ``mean`` over the tokens, or ``cls``: the first one.
        generator: where the library draws, though all weights come from the folder.

    Raises: UserError for a folder without a model of the library, one whose weights are damaged or not all there,
        and a vocabulary that it does not have; MissingDependencyError without the library.
    """
    path = model_folder(folder, where=WHERE)
    if not (path / CONFIG).is_file():
        raise must_be(WHERE, "folder", f"one with a {CONFIG}", repr(folder), "check the path")
    if not any(file.suffix in SAFE for file in path.iterdir()):
        raise must_be(WHERE, "folder", f"one with weights ({' or '.join(SAFE)})", repr(folder), "check the path")
    with scope(generator):
        model = _loaded(path)
    known = int(getattr(model.config, "vocab_size", vocabulary_size))
    if vocabulary_size > known:
        advice = "use the tokenizer of its own folder"
        raise must_be(WHERE, "vocabulary_size", f"at most the model's {known}", vocabulary_size, advice)
    return TextModule(_Masked(model, padding_id), vocabulary_size, padding_id, pooling=pooling)


class _Masked(nn.Module):
    """A model of the library, told which tokens are padding."""

    def __init__(self, model: nn.Module, padding_id: int) -> None:
        super().__init__()
        self.model, self.padding_id = model, padding_id

    def forward(self, tokens: Tensor) -> Tensor:
        config: Any = self.model.config
        longest = getattr(config, "max_position_embeddings", tokens.shape[1])
        if tokens.shape[1] > longest:
            raise must_be(WHERE, "tokens of a text", f"at most {longest}", tokens.shape[1], "lower length")
        states: Tensor = self.model(tokens, attention_mask=(tokens != self.padding_id).long()).last_hidden_state
        return states


def _loaded(path: Path) -> Any:
    auto = needed(WHERE, "transformers.models.auto", extra="text")
    try:
        with _quiet():
            model, found = auto.AutoModel.from_pretrained(
                path,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                dtype=torch.float32,
                # By name, since a configuration may ask for a kernel from a hub.
                attn_implementation="eager",
                output_loading_info=True,
            )
    except Exception as error:  # what a folder may not hold is known to the library alone
        got = f"{type(error).__name__}: {one_line(error)[:300]}"
        raise UserError(f"{WHERE}: {path} must be a model of transformers, got {got}; check its files") from error
    pooler = getattr(model, "pooler", None)
    absent = sorted(name for name in found["missing_keys"] if not name.startswith("pooler."))
    if absent:
        rule = f"all those of its {CONFIG}"
        raise must_be(str(path), "weights", rule, f"none for {absent[0]} ({len(absent)} are missing)")
    if pooler is not None:
        pooler.requires_grad_(False)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and reports of the library: what matters of them is an error here."""
    logging = needed(WHERE, "transformers.utils.logging", extra="text")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
