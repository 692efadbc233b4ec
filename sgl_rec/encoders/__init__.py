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

GRAPH_ENCODERS = Registry("graph encoder", {"gin": "sgl_rec.encoders.gin:GIN"}, "sgl_rec.graph_encoders")
"""Encoders of many small graphs: a ``torch_geometric`` batch in, a row for each graph out."""
