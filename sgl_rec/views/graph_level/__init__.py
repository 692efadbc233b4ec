"""Random views of many small graphs at once: a torch_geometric Batch in, a Batch of as many graphs out."""

from __future__ import annotations

from sgl_rec.registry import Registry

GRAPH_LEVEL_VIEWS = Registry(
    "graph-level view",
    {
        "drop_nodes": "sgl_rec.views.graph_level.drop_nodes:drop_nodes",
        "perturb_edges": "sgl_rec.views.graph_level.perturb_edges:perturb_edges",
        "mask_attributes": "sgl_rec.views.graph_level.mask_attributes:mask_attributes",
        "walk_subgraph": "sgl_rec.views.graph_level.walk_subgraph:walk_subgraph",
    },
    "sgl_rec.graph_level_views",
)
