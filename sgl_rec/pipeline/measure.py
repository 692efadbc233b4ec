"""A scorer and a split -> the figures of ``metrics.json``, popularity beside them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sgl_rec.baselines.placed_items import PlacedItems
from sgl_rec.baselines.popularity import Popularity
from sgl_rec.errors import UserError
from sgl_rec.evaluation.cold import evaluate_cold
from sgl_rec.evaluation.evaluate import Evaluation, evaluate
from sgl_rec.evaluation.intervals import bootstrap_interval
from sgl_rec.ranking import MEMORY_BUDGET
from sgl_rec.types import Interactions, PairIndex, RankedLists, Scorer, Split, concatenate

log = logging.getLogger("sgl_rec")

WITH_INTERVAL = ("recall@", "ndcg@")
"""The metrics whose interval is worth its time."""
BOTH = ("train", "valid")
"""The parts whose items leave the ranking at test where no published protocol says otherwise."""


def validation(split: Split, *, ks: Sequence[int]) -> Callable[[Scorer], Mapping[str, float]]:
    """``validate(scorer)`` for the loop: the validation items ranked without those the protocol removes."""
    relevant, allowed = PairIndex.build([measured(split, "valid")]), ranked(split)
    seen = seen_pairs(split, split.remove_at_valid, trained_on=("train",))
    popularity = degree(split, ("train",))

    def validate(scorer: Scorer) -> Mapping[str, float]:
        return evaluate(
            scorer, relevant=relevant, seen=seen, allowed=allowed, ks=ks, popularity=popularity
        ).metrics

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
    check_unseen(trained_on)
    return evaluate(
        scorer,
        relevant=PairIndex.build([measured(split, "test")]),
        seen=seen_pairs(split, split.remove_at_test, trained_on=trained_on),
        allowed=ranked(split),
        ks=ks,
        popularity=degree(split, ("train",)),
        memory_budget=memory_budget,
        on_block=on_block,
    )


def check_unseen(trained_on: Sequence[str]) -> None:
    """Raises: UserError for a model that was trained on the test part."""
    if "test" in trained_on:
        raise UserError(
            "evaluate: the model must not have seen the test part, got one trained on all interactions "
            "(--refit all); its figures were measured before and stand in metrics.json"
        )


def figures(
    scorer: Scorer,
    split: Split,
    *,
    trained_on: tuple[str, ...],
    ks: Sequence[int],
    memory_budget: int = MEMORY_BUDGET,
    on_block: Callable[[RankedLists], None] | None = None,
    on_measured: Callable[[Evaluation], None] | None = None,
    neighbours: Scorer | None = None,
) -> dict[str, Any]:
    """The test figures with 95 % bootstrap intervals over users, popularity's, and how they were made.

    Where the protocol leaves validation items in the ranking, ``test_both_removed`` has the figures without them.
    After the split ``cold-items``, ``cold`` has those of cold and warm items apart (``evaluation.cold``).
    ``on_measured`` is handed the figures of every user. ``neighbours`` by content stand beside the cold
    figures, and so does a scorer without the places that content has given to cold items.
    """
    protocol: dict[str, Any] = {
        "split": split.name,
        "split_sha256": split.sha256,
        "split_seed": None,
        **split.facts,
        "remove_at_valid": list(split.remove_at_valid),
        "remove_at_test": sorted({*split.remove_at_test, *trained_on}),
        "trained_on": list(trained_on),
    }
    result: dict[str, Any] = {"test": {}, "interval": {}, "baselines": {"popularity": {}}, "protocol": protocol}
    if not len(split.test):
        log.warning("no test interactions: nothing is measured")
        return result
    measured = measure_test(
        scorer, split, trained_on=trained_on, ks=ks, memory_budget=memory_budget, on_block=on_block
    )
    baseline = popularity_baseline(split, trained_on)
    beside = measure_test(baseline, split, trained_on=trained_on, ks=ks, memory_budget=memory_budget)
    result["test"] = dict(measured.metrics)
    result["interval"] = {
        name: bootstrap_interval(values)
        for name, values in measured.per_user.items()
        if name.startswith(WITH_INTERVAL)
    }
    result["baselines"]["popularity"] = dict(beside.metrics)
    if not set(BOTH) <= {*split.remove_at_test, *trained_on}:
        usual = replace(split, remove_at_test=BOTH)
        without = measure_test(scorer, usual, trained_on=trained_on, ks=ks, memory_budget=memory_budget)
        result["test_both_removed"] = dict(without.metrics)
    if "cold_items" in split.facts:
        others = {} if neighbours is None else {"content_knn": neighbours}
        if isinstance(scorer, PlacedItems):
            others["without_content"] = scorer.first
        result["cold"] = _cold_figures(
            scorer, split, others, trained_on=trained_on, ks=ks, memory_budget=memory_budget
        )
    if on_measured is not None:
        on_measured(measured)
    protocol |= {"users_measured": len(measured.users), "users_left_out": measured.num_left_out}
    return result


def _cold_figures(
    scorer: Scorer,
    split: Split,
    others: Mapping[str, Scorer],
    *,
    trained_on: tuple[str, ...],
    ks: Sequence[int],
    memory_budget: int,
) -> dict[str, Any]:
    """The test figures of items that the scorer was not trained on, and of the others.

    ``beside`` has those of other scorers, and the interval of what the scorer has more than they, user by user.
    """
    known = degree(split, trained_on) > 0
    asked: dict[str, Any] = {
        "cold": ~known & (degree(split, ("test",)) > 0),
        "relevant": PairIndex.build([measured(split, "test")]),
        "seen": seen_pairs(split, split.remove_at_test, trained_on=trained_on),
        "ks": ks,
        "memory_budget": memory_budget,
    }
    found = evaluate_cold(scorer, **asked)
    beside = {label: evaluate_cold(other, **asked) for label, other in others.items()}
    return {
        name: {
            "test": {key: measured.metrics[key] for key in random},
            "interval": {key: bootstrap_interval(measured.per_user[key]) for key in random},
            "random": dict(random),
            "users_measured": len(measured.users),
            "beside": {
                label: {
                    "test": {key: other[name].measured.metrics[key] for key in random},
                    "less": {
                        key: bootstrap_interval(measured.per_user[key] - other[name].measured.per_user[key])
                        for key in random
                    },
                }
                for label, other in beside.items()
                if label != "without_content" or name == "warm_among_all"
            },
        }
        for name, (measured, random) in found.items()
    }


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


def measured(split: Split, name: str) -> Interactions:
    """The interactions of that part that are to be hit when it is measured."""
    pairs = split.parts()[name]
    if not split.known_only:
        return pairs
    user, item = split.train.user_degree() > 0, split.train.item_degree() > 0
    return pairs.take(user[pairs.user] & item[pairs.item])


def ranked(split: Split) -> Tensor | None:
    """Which items are ranked when a part is measured, as a mask; None stands for all."""
    return torch.from_numpy(split.train.item_degree() > 0) if split.known_only else None


def degree(split: Split, names: Sequence[str]) -> Tensor:
    """Interactions per item in the named parts."""
    return torch.from_numpy(joined(split, names).item_degree())
