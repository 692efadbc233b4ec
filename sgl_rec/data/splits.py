"""A data set in three parts: drawn per user, or as it was published."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from sgl_rec.data.ids import pair_keys
from sgl_rec.data.readers import find_reader, parquet
from sgl_rec.errors import UserError, must_be, nearest
from sgl_rec.files import sha256
from sgl_rec.rng import numpy_stream
from sgl_rec.types import Dataset, Interactions, Split, concatenate

logger = logging.getLogger("sgl_rec")

PARTS = ("train", "valid", "test")
SMALLEST = 3  # interactions of a user that can give one to validation and one to test


def make_split(dataset: Dataset, *, name: str, seed: int = 0) -> Split:
    """The split of that name: "random", or a fixed one that is there with the data.

    Raises: UserError for an unknown name, listing those that are there.
    """
    return random_split(dataset, seed=seed) if name == "random" else fixed_split(dataset, name=name, seed=seed)


def random_split(dataset: Dataset, *, seed: int = 0) -> Split:
    r"""80 / 10 / 10 per user at random.

    .. math:: n_{valid} = n_{test} = \max(1, \lfloor n / 10 \rfloor)

    of a user's n interactions; a user with fewer than 3 goes to train whole. The draw depends on the seed and
    the pairs, not on the order of the rows. Train and validation items leave the ranking at test.

    Example:
        >>> from sgl_rec.data.assemble import dataset_from_frame
        >>> frame = pd.DataFrame({"user_id": [1] * 10 + [2] * 2, "item_id": [*range(10), 0, 1]})
        >>> split = random_split(dataset_from_frame(frame))
        >>> len(split.train), len(split.valid), len(split.test)
        (10, 1, 1)
    """
    pairs = dataset.interactions
    rank, degree = _random_ranks(pairs, seed=seed)
    share = np.where(degree < SMALLEST, 0, np.maximum(1, degree // 10))[pairs.user]
    is_test, is_valid = rank < share, (share <= rank) & (rank < 2 * share)
    return Split(
        "random",
        pairs.take(~(is_test | is_valid)),
        pairs.take(is_valid),
        pairs.take(is_test),
        dataset.dropped,
    )


def fixed_split(dataset: Dataset, *, name: str, seed: int = 0) -> Split:
    """The published split ``name``: each interaction in the part its file says.

    Interactions that are in no part join ``dropped``. Where no validation part was published, a tenth of each
    user's train interactions (by the rule of ``random_split``) is held out for it, and the split is not
    ``fixed``: it may be trained again on train and validation together. Which parts' items leave the ranking at
    test is the catalogue's word, train and validation items by default.

    Raises: UserError for a name that is not there (listing those that are), and for a file that is damaged,
        has other parts than train, valid and test, no train or test part, or a pair the data does not have.
    """
    if name not in dataset.split_files:
        there = ", ".join(["random", *dataset.split_files])
        hint = nearest(name, ["random", *dataset.split_files])
        hint = f"; {hint}" if hint.startswith("did") else ""
        raise must_be(dataset.name, "split", f"one that is there ({there})", f"{name!r}{hint}")
    path = dataset.split_files[name]
    part = _part_of_each(dataset, _read_parts(path), where=str(path))
    pairs = dataset.interactions
    published = bool((part == PARTS.index("valid")).any())
    if not published:
        part = _hold_out(pairs, part, seed=seed)
    train, valid, test = (pairs.take(part == code) for code in range(3))
    return Split(
        name,
        train,
        valid,
        test,
        concatenate([dataset.dropped, pairs.take(part < 0)]),
        remove_at_test=dataset.protocols.get(name, ("train", "valid")),
        fixed=published,
        sha256=sha256(path) if path.is_file() else dataset.sha256,
    )


def _random_ranks(pairs: Interactions, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each interaction's place in a random order of its user's, and the users' degrees."""
    draw = np.empty(len(pairs))
    draw[np.argsort(pair_keys(pairs), kind="stable")] = numpy_stream(seed, "split").random(len(pairs))
    degree = pairs.user_degree()
    order = np.lexsort((draw, pairs.user))
    rank = np.empty(len(pairs), np.int64)
    rank[order] = np.arange(len(pairs)) - np.repeat(np.cumsum(degree) - degree, degree)
    return rank, degree


def _hold_out(pairs: Interactions, part: np.ndarray, *, seed: int) -> np.ndarray:
    rows = np.flatnonzero(part == PARTS.index("train"))
    rank, degree = _random_ranks(pairs.take(rows), seed=seed)
    share = np.where(degree < SMALLEST, 0, np.maximum(1, degree // 10))[pairs.user[rows]]
    held = rows[rank < share]
    logger.info("no validation part was published: %d train interactions are held out for it", len(held))
    part = part.copy()
    part[held] = PARTS.index("valid")
    return part


def _read_parts(path: Path) -> pd.DataFrame:
    """``user_id``, ``item_id``, ``part`` from a split's Parquet file, or from text with one file a part."""
    if path.is_dir():
        found = find_reader(path)
        frame = found[0].read(found[1]) if found else pd.DataFrame()
        if "part" not in frame:
            raise UserError(f"{path}: the folder must hold train.txt and test.txt, they are no longer there")
        return frame
    names = parquet.column_names(path)
    wanted = ["user_id", "item_id", "part"]
    if missing := [column for column in wanted if column not in names]:
        raise must_be(str(path), "columns", ", ".join(wanted), f"no {missing[0]}")
    frame = parquet.read_columns(path, wanted)
    known = frame["part"].isin(PARTS)
    if not known.all():
        raise must_be(str(path), "part", "train, valid or test", repr(frame["part"][~known].iloc[0]))
    return frame


def _part_of_each(dataset: Dataset, frame: pd.DataFrame, *, where: str) -> np.ndarray:
    """The code of every interaction's part (index into ``PARTS``), -1 for those in none."""
    user, item = dataset.users.index_of(frame["user_id"]), dataset.items.index_of(frame["item_id"])
    keys = pair_keys(dataset.interactions)
    order = np.argsort(keys)
    asked = user * len(dataset.items) + item
    place = order[np.minimum(np.searchsorted(keys, asked, sorter=order), len(keys) - 1)]
    unknown = (user < 0) | (item < 0) | (keys[place] != asked)
    if unknown.any():
        row = frame.iloc[int(np.flatnonzero(unknown)[0])]
        pair = f"user {row['user_id']}, item {row['item_id']}"
        raise must_be(where, "every pair", "an interaction of the data", f"{pair} ({unknown.sum()} are not)")
    code = pd.Categorical(frame["part"].astype(str), categories=list(PARTS)).codes
    part = np.full(len(keys), -1)
    for current in (2, 1, 0):  # a pair in several parts counts for the earliest: train before valid before test
        part[place[code == current]] = current
    if repeated := len(frame) - int((part >= 0).sum()):
        logger.warning("%s: %d rows repeat a pair; each counts for its earliest part", where, repeated)
    for needed in (0, 2):
        if not (part == needed).any():
            raise must_be(where, f"the {PARTS[needed]} part", "at least one pair", "none")
    return part
