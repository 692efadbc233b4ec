"""The popularity baseline."""

from __future__ import annotations

import numpy as np
import torch

from sgl_rec.baselines.popularity import Popularity
from sgl_rec.ranking import rank
from sgl_rec.types import Interactions, PairIndex


def interactions() -> Interactions:
    return Interactions(np.array([0, 0, 1, 1, 2]), np.array([2, 1, 2, 3, 2]), num_users=4, num_items=5)


def test_scores_are_training_degrees_for_every_user() -> None:
    scorer = Popularity(interactions())
    assert (scorer.num_users, scorer.num_items) == (4, 5)
    assert scorer.scores(torch.tensor([3, 0])).tolist() == [[0, 1, 3, 1, 0]] * 2


def test_a_block_of_scores_is_the_callers_to_change() -> None:
    scorer = Popularity(interactions())
    scorer.scores(torch.tensor([0, 1]))[0].fill_(-1)
    assert scorer.scores(torch.tensor([0])).tolist() == [[0, 1, 3, 1, 0]]


def test_lists_leave_out_what_is_seen_and_break_ties_by_index() -> None:
    train = interactions()
    (block,) = rank(Popularity(train), k=3, seen=PairIndex.build([train]))
    assert block.item.tolist() == [[3, 0, 4], [1, 0, 4], [1, 3, 0], [2, 1, 3]]
