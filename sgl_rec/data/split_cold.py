"""The split in which some items have no interaction to learn from, as a shop's newest have none."""

from __future__ import annotations

import numpy as np

from sgl_rec.data.split_random import random_parts
from sgl_rec.errors import UserError
from sgl_rec.rng import numpy_stream
from sgl_rec.types import Dataset, Split

NAME = "cold-items"
COLD_SHARE = 0.05
"""Of the items with interactions: that many are cold at validation, and as many others at test."""


def cold_split(dataset: Dataset, *, seed: int = 0, valid_share: float = 0.1, test_share: float = 0.1) -> Split:
    r"""All interactions of 5 % of the items are in the test part, those of another 5 % in validation.

    .. math:: n_{cold} = \max(1, \lfloor 0.05 \, I \rfloor)

    of the I items that have interactions, drawn alike. The others' interactions are split as ``random`` does it,
    per user, so that both parts hold warm items too.

    Args:
        seed: of the items and of the warm interactions.
        valid_share, test_share: of each user's interactions with warm items, in (0, 1), together below 1.

    Raises: UserError for data with fewer than three items.

    Example:
        >>> from sgl_rec.data.load import load_dataset
        >>> split = cold_split(load_dataset("demo"))
        >>> learnt, asked = split.train.item_degree() > 0, split.test.item_degree() > 0
        >>> int((asked & ~learnt).sum()), split.facts["cold_items"]
        (50, 50)
    """
    pairs = dataset.interactions
    items = np.flatnonzero(pairs.item_degree())
    if len(items) < 3:
        raise UserError(
            f"{dataset.name}: split {NAME!r} must have at least 3 items, got {len(items)}; use another split"
        )
    number = max(1, int(len(items) * COLD_SHARE))
    drawn = numpy_stream(seed, "split/cold").permutation(items)
    place = np.zeros(pairs.num_items, np.int8)
    place[drawn[:number]], place[drawn[number : 2 * number]] = 2, 1
    cold = place[pairs.item]
    warm = np.flatnonzero(cold == 0)
    is_valid, is_test = cold == 1, cold == 2
    is_valid[warm], is_test[warm] = random_parts(
        pairs.take(warm), seed=seed, valid_share=valid_share, test_share=test_share
    )
    return Split(
        NAME,
        pairs.take(~(is_test | is_valid)),
        pairs.take(is_valid),
        pairs.take(is_test),
        dataset.dropped,
        facts={
            "split_seed": seed,
            "valid_share": valid_share,
            "test_share": test_share,
            "cold_items": number,
        },
    )
