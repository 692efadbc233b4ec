"""The generated shop: a data set that needs no download, whose tastes are tied to what the items look like."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from sgl_rec.rng import numpy_stream

COLOURS = ("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "brown")
PATTERNS = ("plain", "striped", "dotted", "checked", "zigzag")
MATERIALS = ("cotton", "linen", "wool", "silk", "denim", "leather")
KINDS = (
    *("shirt", "jumper", "jacket", "dress", "skirt", "trousers"),
    *("shorts", "hat", "scarf", "bag", "shoe", "sock"),
)
ATTRIBUTES = {"colour": COLOURS, "pattern": PATTERNS, "material": MATERIALS, "kind": KINDS}

NUM_USERS, NUM_ITEMS, NUM_INTERACTIONS = 2_000, 1_000, 60_000
FEWEST, MOST = 8, 150  # interactions of one user
FIRST_DAY, DAY = 1_704_067_200, 86_400  # 2024-01-01 UTC in unix seconds
DIM = 12  # of the latent taste


def demo_dataset_tables(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Interactions (``user_id``, ``item_id``, ``timestamp`` in unix seconds) and items of a made-up shop.

    Every value of an attribute (blue, striped, wool, ...) has a latent vector. An item's vector is the sum of
    its values' plus a little of its own; a user's is drawn around a few favourite values. A user chooses without
    replacement with odds ``exp(affinity + popularity)`` (Gumbel top-n), so content predicts taste, and so do the
    neighbours. The same for a given seed.

    Returns: interactions, and items with ``item_id``, ``title`` and one column for each attribute.

    Example:
        >>> interactions, items = demo_dataset_tables()
        >>> len(interactions), items["title"][0]
        (60000, 'Black checked wool jacket')
    """
    rng = numpy_stream(seed, "demo")
    items, values = _draw_items(rng)
    item_vectors = _item_vectors(rng, values)
    user_vectors = _user_vectors(rng, item_vectors)
    popularity = rng.permutation(-0.6 * np.log(np.arange(1, NUM_ITEMS + 1) / 30.0))
    scores = user_vectors @ item_vectors.T + popularity + rng.gumbel(size=(NUM_USERS, NUM_ITEMS))
    degree = _degrees(rng)
    order = np.argsort(-scores, axis=1)
    chosen = np.concatenate([order[user, :count] for user, count in enumerate(degree)])
    user = np.repeat(np.arange(NUM_USERS), degree)
    interactions = pd.DataFrame({"user_id": user + 1, "item_id": chosen + 1, "timestamp": _timestamps(rng, user)})
    interactions = interactions.sort_values(["user_id", "timestamp", "item_id"], ignore_index=True)
    return interactions, items


def demo_new_items(number: int = 12) -> pd.DataFrame:
    """Items that the shop does not have yet: other combinations of the same attributes, ids behind its own.

    Example:
        >>> demo_new_items(2)["item_id"].tolist()
        [1001, 1002]
    """
    sizes = [len(names) for names in ATTRIBUTES.values()]
    picked = numpy_stream(0, "demo").permutation(int(np.prod(sizes)))[NUM_ITEMS : NUM_ITEMS + number]
    return _described(np.stack(np.unravel_index(picked, sizes), axis=1), first=NUM_ITEMS + 1)


def demo_sha256(interactions: pd.DataFrame) -> str:
    """Of the three columns as little-endian int64, one after the other."""
    columns = [interactions[name].to_numpy().astype("<i8").tobytes() for name in interactions]
    return hashlib.sha256(b"".join(columns)).hexdigest()


def _draw_items(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Distinct combinations of attribute values, and their codes, shape (I, 4)."""
    sizes = [len(names) for names in ATTRIBUTES.values()]
    picked = rng.permutation(int(np.prod(sizes)))[:NUM_ITEMS]
    codes = np.stack(np.unravel_index(picked, sizes), axis=1)
    return _described(codes, first=1), codes


def _described(codes: np.ndarray, *, first: int) -> pd.DataFrame:
    """Items with these attribute values, their ids counted from ``first``."""
    columns = {
        name: [names[code] for code in codes[:, place]] for place, (name, names) in enumerate(ATTRIBUTES.items())
    }
    words = zip(columns["colour"], columns["pattern"], columns["material"], columns["kind"], strict=True)
    titles = [" ".join(group).capitalize() for group in words]
    return pd.DataFrame({"item_id": np.arange(first, first + len(codes)), "title": titles, **columns})


def _item_vectors(rng: np.random.Generator, codes: np.ndarray) -> np.ndarray:
    total = 0.3 * rng.normal(size=(NUM_ITEMS, DIM))
    for place, (names, weight) in enumerate(zip(ATTRIBUTES.values(), (1.0, 0.6, 0.6, 1.2), strict=True)):
        total += weight * rng.normal(size=(len(names), DIM))[codes[:, place]]
    return _unit(total)


def _user_vectors(rng: np.random.Generator, items: np.ndarray) -> np.ndarray:
    """Around three items that a user would love, with a strength that differs from user to user."""
    loved = items[rng.integers(len(items), size=(NUM_USERS, 3))].mean(axis=1)
    vectors = loved + 0.1 * rng.normal(size=(NUM_USERS, DIM))
    strength = rng.uniform(6.0, 10.0, size=(NUM_USERS, 1))
    scaled: np.ndarray = strength * _unit(vectors)
    return scaled


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return unit


def _degrees(rng: np.random.Generator) -> np.ndarray:
    """Interactions per user: skewed, between FEWEST and MOST, and NUM_INTERACTIONS in all."""
    drawn = np.exp(0.7 * rng.normal(size=NUM_USERS))
    degree: np.ndarray = np.clip(drawn / drawn.mean() * NUM_INTERACTIONS / NUM_USERS, FEWEST, MOST).astype(
        np.int64
    )
    while gap := NUM_INTERACTIONS - int(degree.sum()):
        room = np.flatnonzero(degree < MOST) if gap > 0 else np.flatnonzero(degree > FEWEST)
        some = rng.permutation(room)[: abs(gap)]
        degree[some] += np.sign(gap)
    return degree


def _timestamps(rng: np.random.Generator, user: np.ndarray) -> np.ndarray:
    """A user joins on some day of the first 300 and is active for up to two months."""
    joined = rng.integers(300, size=NUM_USERS)[user]
    times: np.ndarray = FIRST_DAY + joined * DAY + rng.integers(60 * DAY, size=len(user))
    return times
