"""torch-geometric's own LightGCN as a contender: message passing over ``edge_index``, BPR, Adam."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sgl_rec.pipeline.prepare import Prepared


def is_same(prepared: Prepared) -> bool:
    """Whether this is what the run trains: LightGCN with its uniform layer weights, BPR and at most l2."""
    config = prepared.config
    terms = {part.name for part in config.loss.values()}
    arguments = config.encoder.arguments
    plain = arguments.get("layer_weights") is None and arguments.get("include_layer_0", False)
    return terms <= {"bpr", "l2"} and config.views is None and config.encoder.name == "lightgcn" and plain


def steps(prepared: Prepared, *, device: str, warmup: int, steps: int) -> dict[str, Any]:
    """What was seen. The batches and negatives are ours, and are not timed."""
    import numpy as np
    import torch
    from torch_geometric.nn.models import LightGCN

    from sgl_rec.data.batches import Batches

    config, data = prepared.config, prepared.split.train
    arguments, settings = config.encoder.arguments, config.training
    pairs = torch.from_numpy(np.stack([data.user, data.item + data.num_users]))
    edge_index = torch.cat([pairs, pairs.flip(0)], dim=1).to(device)
    batches = Batches(data, batch_size=settings.batch_size, seed=settings.seed, device=device)
    nodes = data.num_users + data.num_items
    model = LightGCN(nodes, arguments["embedding_dim"], arguments["num_layers"]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    l2_weight = next((part.weight for part in config.loss.values() if part.name == "l2"), 0.0)
    seconds, losses = [], []
    epoch = batches.epoch(0)
    for step in range(warmup + steps):
        batch = epoch.batch(step)
        items = torch.cat([batch.positive, batch.negative]) + data.num_users
        begin = time.perf_counter()
        optimizer.zero_grad()
        above, below = model(edge_index, torch.stack([batch.user.repeat(2), items])).chunk(2)
        touched = torch.cat([batch.user, items]).unique()
        loss = model.recommendation_loss(above, below, node_id=touched, lambda_reg=l2_weight)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds[warmup:], "losses": losses, "num_steps": batches.num_steps}
