"""Many small graphs: a TU folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sgl_rec.data.tu import read_tu
from sgl_rec.encoders import GRAPH_ENCODERS
from sgl_rec.pipeline.pretrain.modality import Modality, Samples
from sgl_rec.views.graph_level import GRAPH_LEVEL_VIEWS


def read(source: Path, *, max_degree: int = 100, kept: str = "") -> Samples:
    """The graphs of a TU folder, and their classes.

    Args:
        max_degree: see ``data.tu.read_tu``.
    """
    known = json.loads(kept) if kept else {"node_labels": None, "most_degree": None}
    graphs = read_tu(
        source, max_degree=max_degree, known=known["node_labels"] or None, most_degree=known["most_degree"]
    )
    digest = hashlib.sha256()
    for tensor in (graphs.x, graphs.edge_index, graphs.node_start):
        digest.update(tensor.contiguous().numpy().tobytes())
    return Samples(
        take=graphs.batch,
        shape=(graphs.num_features,),
        names=tuple(f"{graphs.name}-{number}" for number in range(len(graphs))),
        sha256=digest.hexdigest(),
        label=graphs.label,
        classes=tuple(map(str, graphs.classes)),
        kept=json.dumps({"node_labels": graphs.node_labels, "most_degree": graphs.most_degree}),
    )


GRAPH = Modality(read, GRAPH_ENCODERS, GRAPH_LEVEL_VIEWS, method="graphcl")
