"""Training triples: every interaction once an epoch in a random order, each with a negative of its user."""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.sample import sample_negatives
from sgl_rec.rng import draw_key, stream
from sgl_rec.types import Batch, Interactions, PairIndex

log = logging.getLogger("sgl_rec")


def check_trainable(train: Interactions) -> None:
    """Raises: UserError where there is nothing to learn: no pair, or no user with an untouched item."""
    if not len(train):
        raise must_be("training", "number of training interactions", "at least 1", 0)
    if (train.user_degree() == train.num_items)[train.user].all():
        rule = "with an item they have not touched"
        raise must_be("training", "some users", rule, "none", "there is nothing to rank for them")


class Batches:
    """The batches of every epoch. Stateless: the same (epoch, step) gives the same batch, in any order.

    A negative is drawn uniformly from the items its user has not touched in ``train``; validation and test are
    unknown here. Users who have touched every item have no negative: they are left out and counted.

    Args:
        train: the training interactions.
        batch_size: rows of a batch (the last one of an epoch may be shorter).
        seed: of the streams "batches/<epoch>" and "negatives/<epoch>/<step>".
        device: where the batches are made.

    Example:
        >>> import numpy as np
        >>> train = Interactions(np.array([0, 0, 1]), np.array([0, 1, 2]), 2, 3)
        >>> batch = Batches(train, batch_size=3, seed=0).epoch(0).batch(0)
        >>> batch.negative[batch.user == 0].tolist()
        [2, 2]
    """

    def __init__(
        self, train: Interactions, *, batch_size: int, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        check_trainable(train)
        self.touched = PairIndex.build([train]).to(device)
        self.batch_size, self.seed, self.device = batch_size, seed, torch.device(device)
        full = train.user_degree() == train.num_items
        self.num_full_users = int(full.sum())
        if self.num_full_users:
            log.warning("%d users have touched every item and are left out of the loss", self.num_full_users)
        keep = ~full[train.user]
        self.user = torch.from_numpy(train.user[keep]).to(device)
        self.item = torch.from_numpy(train.item[keep]).to(device)

    @property
    def num_steps(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.user) // self.batch_size)

    def epoch(self, number: int) -> EpochBatches:
        """The batches of one epoch, counted from 0."""
        order = torch.randperm(len(self.user), generator=stream(self.seed, f"batches/{number}"))
        return EpochBatches(self, number, order.to(self.device))


class EpochBatches:
    """One epoch's batches by step."""

    def __init__(self, source: Batches, number: int, order: Tensor) -> None:
        self._source, self._number, self._order = source, number, order

    def batch(self, step: int) -> Batch:
        """Batch ``step`` of this epoch, counted from 0."""
        source = self._source
        rows = self._order[step * source.batch_size : (step + 1) * source.batch_size]
        user = source.user[rows]
        key = draw_key(stream(source.seed, f"negatives/{self._number}/{step}"))
        negative = sample_negatives(user, touched=source.touched, key=key, num_items=source.touched.num_items)
        return Batch(user, source.item[rows], negative)
