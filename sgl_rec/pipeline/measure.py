"""Embeddings and a split -> the figures of ``metrics.json``, popularity beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from sgl_rec.baselines.popularity import Popularity
from sgl_rec.errors import UserError
from sgl_rec.evaluation.evaluate import Evaluation, evaluate
from sgl_rec.ranking import MEMORY_BUDGET
from sgl_rec.types import Embeddings, Interactions, PairIndex, RankedLists, Scorer, Split, concatenate


def validation(split: Split, *, ks: Sequence[int]) -> Callable[[Embeddings], Mapping[str, float]]:
    """``validate(embeddings)`` for the loop: the validation items ranked without those the protocol removes."""
    relevant = PairIndex.build([split.valid])
    seen = seen_pairs(split, split.remove_at_valid, trained_on=("train",))
    popularity = degree(split, ("train",))

    def validate(embeddings: Embeddings) -> Mapping[str, float]:
        return evaluate(embeddings, relevant=relevant, seen=seen, ks=ks, popularity=popularity).metrics

    return validate


def measure_test(
    scorer: Scorer,
    split: Split,
    *,
    trained_on: tuple[str, ...],
    ks: Sequence[int],
    memory_budget: int = MEMORY_BUDGET,
    on_block: Callable[[RankedLists], None] | None = None,
) -> Evaluation:
    """The test items ranked without those the protocol removes, and never with one the scorer was trained on.

    Raises: UserError for a model that was trained on the test part.
    """
    if "test" in trained_on:
        raise UserError(
            "evaluate: the model must not have seen the test part, got one trained on all interactions "
            "(--refit all); its figures were measured before and stand in metrics.json"
        )
    return evaluate(
        scorer,
        relevant=PairIndex.build([split.test]),
        seen=seen_pairs(split, split.remove_at_test, trained_on=trained_on),
        ks=ks,
        popularity=degree(split, ("train",)),
        memory_budget=memory_budget,
        on_block=on_block,
    )


def popularity_baseline(split: Split, trained_on: tuple[str, ...]) -> Popularity:
    """The baseline with the interactions the model was given too."""
    return Popularity(joined(split, trained_on))


def joined(split: Split, names: Sequence[str]) -> Interactions:
    """The named parts as one."""
    parts = split.parts()
    return concatenate([parts[name] for name in names])


def seen_pairs(split: Split, removed: Sequence[str], *, trained_on: Sequence[str]) -> PairIndex:
    """The pairs that leave the ranking: what the protocol removes and what the model was trained on."""
    return PairIndex.build([joined(split, sorted({*removed, *trained_on}))])


def degree(split: Split, names: Sequence[str]) -> Tensor:
    """Interactions per item in the named parts."""
    return torch.from_numpy(joined(split, names).item_degree())
