"""Encoders of texts: (B, T) ids of tokens in, one row a text out, ``embedding_dim`` wide."""

from __future__ import annotations

from sgl_rec.registry import Registry

TEXT_ENCODERS = Registry(
    "text encoder",
    {
        "gru": "sgl_rec.encoders.text.gru:GruTower",
        "small_transformer": "sgl_rec.encoders.text.small_transformer:SmallTransformer",
        "transformers": "sgl_rec.encoders.text.transformers_folder:transformers_folder",
        "minilm": "sgl_rec.encoders.text.minilm:minilm",
        "minilm_tokens": "sgl_rec.encoders.text.minilm:minilm_tokens",
    },
    "sgl_rec.text_encoders",
)
