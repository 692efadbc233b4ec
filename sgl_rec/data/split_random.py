"""The split drawn per user, and the draws that do not depend on the order of the rows."""

from __future__ import annotations

import numpy as np

from sgl_rec.data.ids import pair_keys
from sgl_rec.rng import numpy_stream
from sgl_rec.types import Dataset, Interactions, Split

SMALLEST = 3  # interactions of a user that can give one to validation and one to test


def random_split(dataset: Dataset, *, seed: int = 0, valid_share: float = 0.1, test_share: float = 0.1) -> Split:
    r"""By default 80 / 10 / 10 per user at random.

    .. math:: n_{test} = \max(1, \lfloor n \cdot share_{test} \rfloor)

    of a user's n interactions, and so for validation, as long as one is left for train; a user with fewer than
    3 goes to train whole. The draw depends on the seed and the pairs, not on the order of the rows. Train and
    validation items leave the ranking at test.

    Args:
        valid_share, test_share: of each user's interactions, in (0, 1), together below 1.

    Example:
        >>> import pandas as pd
        >>> from sgl_rec.data.assemble import dataset_from_frame
        >>> frame = pd.DataFrame({"user_id": [1] * 10 + [2] * 2, "item_id": [*range(10), 0, 1]})
        >>> split = random_split(dataset_from_frame(frame))
        >>> len(split.train), len(split.valid), len(split.test)
        (10, 1, 1)
    """
    pairs = dataset.interactions
    is_valid, is_test = random_parts(pairs, seed=seed, valid_share=valid_share, test_share=test_share)
    return Split(
        "random",
        pairs.take(~(is_test | is_valid)),
        pairs.take(is_valid),
        pairs.take(is_test),
        dataset.dropped,
        facts={"split_seed": seed, "valid_share": valid_share, "test_share": test_share},
    )


def random_parts(
    pairs: Interactions, *, seed: int, valid_share: float, test_share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which of ``pairs`` are validation and which test, drawn per user; two masks."""
    rank, degree = random_ranks(pairs, seed=seed)
    num_test = _share(degree, test_share, leave=2)
    num_valid = np.minimum(_share(degree, valid_share, leave=2), np.maximum(degree - num_test - 1, 0))
    is_test: np.ndarray = rank < num_test[pairs.user]
    is_valid: np.ndarray = ~is_test & (rank < (num_test + num_valid)[pairs.user])
    return is_valid, is_test


def hold_out(pairs: Interactions, *, share: float, seed: int) -> np.ndarray:
    """Which of ``pairs`` are a random ``share`` of each user's, one at least where the user has 3; a mask."""
    rank, degree = random_ranks(pairs, seed=seed)
    held: np.ndarray = rank < _share(degree, share, leave=2)[pairs.user]
    return held


def random_ranks(pairs: Interactions, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each interaction's place in a random order of its user's, and the users' degrees."""
    degree = pairs.user_degree()
    order = np.lexsort((draws(pairs, seed=seed, stream="split"), pairs.user))
    rank = np.empty(len(pairs), np.int64)
    rank[order] = np.arange(len(pairs)) - np.repeat(np.cumsum(degree) - degree, degree)
    return rank, degree


def draws(pairs: Interactions, *, seed: int, stream: str) -> np.ndarray:
    """A number in [0, 1) for each interaction, which follows the pair when the rows change places."""
    drawn = np.empty(len(pairs))
    drawn[np.argsort(pair_keys(pairs), kind="stable")] = numpy_stream(seed, stream).random(len(pairs))
    return drawn


def _share(degree: np.ndarray, share: float, *, leave: int) -> np.ndarray:
    """That share of each degree, at least 1 and with ``leave`` left; 0 for users with fewer than 3."""
    floor = np.floor(degree * share + 1e-9).astype(np.int64)  # 100 * 0.29 is 28.999...
    return np.where(degree < SMALLEST, 0, np.clip(floor, 1, np.maximum(degree - leave, 1)))
