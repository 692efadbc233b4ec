"""Random views of a batch of texts: (B, T) ids of tokens in, the same out."""

from __future__ import annotations

from sgl_rec.registry import Registry

TEXT_VIEWS = Registry(
    "text view",
    {
        "mask_tokens": "sgl_rec.views.tokens.mask_tokens:mask_tokens",
        "delete_tokens": "sgl_rec.views.tokens.delete_tokens:delete_tokens",
        "shuffle_tokens": "sgl_rec.views.tokens.shuffle_tokens:shuffle_tokens",
    },
    "sgl_rec.text_views",
)
