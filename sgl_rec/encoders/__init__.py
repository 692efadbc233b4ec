"""Encoders: a graph in, raw embeddings out."""

from __future__ import annotations

from sgl_rec.registry import Registry

ENCODERS = Registry(
    "encoder",
    {
        "lightgcn": "sgl_rec.encoders.lightgcn:LightGCN",
        "lightgcnpp": "sgl_rec.encoders.lightgcnpp:LightGCNpp",
        "egcf": "sgl_rec.encoders.egcf:EGCF",
    },
    "sgl_rec.encoders",
)

HEADS = Registry(
    "head",
    {
        "identity": "sgl_rec.encoders.heads:IdentityHead",
        "linear": "sgl_rec.encoders.heads:LinearHead",
        "mlp": "sgl_rec.encoders.heads:MlpHead",
    },
    "sgl_rec.heads",
)
