"""Somebody else's lists against the test part of a run: our metrics, the same users in the mean."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sgl_rec.data.lists import read_lists
from sgl_rec.evaluation.evaluate import Evaluation, evaluate_lists, measurable
from sgl_rec.pipeline.measure import measured, ranked, seen_pairs
from sgl_rec.pipeline.run_folder import StoredData
from sgl_rec.types import PairIndex, RankedLists

log = logging.getLogger("sgl_rec")

_BLOCK = 4096
"""Users whose lists are measured at once."""


@dataclass(frozen=True, eq=False)
class ScoredLists:
    """The figures of one file of lists, and what a reader of them must know."""

    evaluation: Evaluation
    notes: tuple[str, ...]


def score_lists(path: Path, stored: StoredData, *, trained_on: tuple[str, ...], ks: Sequence[int]) -> ScoredLists:
    """Measure the lists of a file as a model's are measured.

    An item that the protocol removes for that user, that is not ranked, or that the data does not have is a miss
    where it stands; a user without a list has missed everything. All of them are counted in the notes.

    Args:
        trained_on: the parts the models beside were trained on: their items leave the ranking.

    Raises: UserError for a file that holds no lists of these users.
    """
    k, split = max(ks), stored.split
    relevant = PairIndex.build([measured(split, "test")])
    users = measurable(relevant)
    given = read_lists(path, users=stored.users, items=stored.items, k=k)
    item = torch.from_numpy(given.item)[users]
    removed = _removed(item, users, seen_pairs(split, split.remove_at_test, trained_on=trained_on))
    if (allowed := ranked(split)) is not None:
        removed |= ~allowed[item.clamp(min=0)] & (item >= 0)
    item = item.masked_fill(removed, -1)
    nothing = torch.zeros(1, 1).expand(len(users), k)
    blocks = (
        RankedLists(users[rows], item[rows], nothing[rows])
        for rows in torch.split(torch.arange(len(users)), _BLOCK)
    )
    evaluation = evaluate_lists(blocks, relevant=relevant, ks=ks)
    length = given.length[users.numpy()]
    counted = {
        "items that the data does not have": given.num_unknown,
        "items that leave the ranking": int(removed.sum()),
        "users without a list": int((length == 0).sum()),
        f"lists shorter than {k}": int(((length > 0) & (length < k)).sum()),
        "lists of users who are not measured": int(np.delete(given.length > 0, users.numpy()).sum()),
    }
    notes = tuple(f"{path.name}: {number:,} {what}" for what, number in counted.items() if number)
    if evaluation.metrics[f"hit_rate@{k}"] == 0:
        notes += (
            f"{path.name}: not one test item is in its lists; lists for use leave out all that was touched, "
            "so take those that were scored (evaluate --output)",
        )
    for note in notes:
        log.warning("--lists: %s", note)
    return ScoredLists(evaluation, notes)


def _removed(item: torch.Tensor, users: torch.Tensor, seen: PairIndex) -> torch.Tensor:
    """Which places hold an item that this user has seen."""
    found = torch.zeros_like(item, dtype=torch.bool)
    for rows in torch.split(torch.arange(len(users)), _BLOCK):
        row, seen_item = seen.rows(users[rows])
        keys = row * seen.num_items + seen_item
        asked = torch.arange(len(rows))[:, None] * seen.num_items + item[rows]
        found[rows] = torch.isin(asked, keys) & (item[rows] >= 0)
    return found
