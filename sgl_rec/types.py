"""The frozen records that flow through the program, the letters of their shapes, and the Protocols of its parts.

Shape letters, used in every signature: ``U`` users, ``I`` items, ``N = U + I`` nodes, ``E`` distinct
interactions, ``B`` rows of a batch, ``C`` candidates, ``D`` embedding width, ``L`` layers, ``K`` cut-off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, Int32, Int64
from torch import Tensor

from sgl_rec.errors import must_be

Precision: TypeAlias = Literal["float32", "bfloat16"]
"""What the hot products read: whole rows, or rows rounded to bfloat16. Sums are float32 either way."""


@dataclass(frozen=True, eq=False)
class Ids:
    """The caller's ids of users or items; the position is the 0-based index used inside.

    Args:
        values: distinct int64 or str ids.
    """

    values: pd.Index[Any]

    def __post_init__(self) -> None:
        if self.values.has_duplicates:
            raise must_be("Ids", "values", "distinct", self.values[self.values.duplicated()][0])

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_integer(self) -> bool:
        """Whether the ids are integers (else strings)."""
        return pd.api.types.is_integer_dtype(self.values.dtype)

    def index_of(self, ids: Sequence[object] | np.ndarray | pd.Series) -> np.ndarray:
        """The index of each id, -1 where it is unknown.

        Text stands for an integer id in its one canonical spelling: ``"17"`` finds 17, ``"017"`` and ``"17.0"``
        do not.

        Example:
            >>> Ids(pd.Index([30, 10, 20])).index_of(["10", "010", "99"]).tolist()
            [1, -1, -1]
        """
        asked = pd.Series(ids)
        if not self.is_integer:
            return self.values.get_indexer(pd.Index(asked.astype(str)))
        if pd.api.types.is_float_dtype(asked.dtype) and (asked % 1 == 0).all():
            asked = asked.astype("int64")
        if pd.api.types.is_integer_dtype(asked.dtype):
            return self.values.get_indexer(pd.Index(asked))
        # Spellings are compared, not numbers: each id has one, of any length.
        spelt: pd.Index[Any] = pd.Index(self.values.astype(str))
        return spelt.get_indexer(pd.Index(asked.astype(str)))


@dataclass(frozen=True, eq=False)
class Interactions:
    """E distinct (user, item) pairs, as 0-based int64 indices into the id maps.

    Args:
        user, item: shape (E,), ``0 <= user < num_users`` and ``0 <= item < num_items``.
        timestamp: shape (E,), optional int64, in the unit the data set states.
    """

    user: np.ndarray
    item: np.ndarray
    num_users: int
    num_items: int
    timestamp: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.user.shape != self.item.shape or self.user.ndim != 1:
            raise must_be("Interactions", "user and item", "of one length", (self.user.shape, self.item.shape))
        for name, index, size in (("user", self.user, self.num_users), ("item", self.item, self.num_items)):
            if len(index) and not (index.min() >= 0 and index.max() < size):
                raise must_be("Interactions", name, f"in [0, {size})", (int(index.min()), int(index.max())))

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: np.ndarray) -> Interactions:
        """The interactions at ``rows`` (positions or a mask), with the same users and items."""
        timestamp = None if self.timestamp is None else self.timestamp[rows]
        return Interactions(self.user[rows], self.item[rows], self.num_users, self.num_items, timestamp)

    def user_degree(self) -> np.ndarray:
        """Interactions per user, shape (U,)."""
        return np.bincount(self.user, minlength=self.num_users)

    def item_degree(self) -> np.ndarray:
        """Interactions per item, shape (I,)."""
        return np.bincount(self.item, minlength=self.num_items)


def concatenate(parts: Sequence[Interactions]) -> Interactions:
    """All pairs of ``parts`` (over the same users and items), in order; timestamps are left out."""
    user, item = np.concatenate([part.user for part in parts]), np.concatenate([part.item for part in parts])
    return Interactions(user, item, parts[0].num_users, parts[0].num_items)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What the data room hands on: interactions, the caller's ids, and where it all came from.

    Args:
        dropped: other pairs (a rating below the threshold) of these users and items, not to be recommended.
        sha256: of the interactions file (of every file that was read, joined, where there are several).
        titles: one text per item (or None where the data has none); ``texts``: what was asked of its description.
        split_files: fixed splits that are there, by name: the file that holds each.
        part: shape (E,), int8: 0 train, 1 valid, 2 test (-1 none), where the files read say which.
        protocols: split name -> the parts whose items leave the ranking at test, where the catalogue says so.
        rows: ``read``, the number dropped by each reason, ``kept`` (the interactions); they add up.
    """

    name: str
    version: str
    interactions: Interactions
    users: Ids
    items: Ids
    dropped: Interactions
    source: str
    sha256: str
    titles: np.ndarray | None = None
    texts: np.ndarray | None = None
    text_columns: tuple[str, ...] = ()
    timestamp_unit: str | None = None
    split_files: Mapping[str, Path] = field(default_factory=dict)
    part: np.ndarray | None = None
    protocols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Split:
    """A data set's interactions in three parts, and which parts' items leave the ranking when one is measured.

    Args:
        remove_at_valid, remove_at_test: names of the parts ("train", "valid") whose items are not ranked.
        dropped: pairs in no part that a recommendation must leave out all the same.
        fixed: whether the validation part was published with the data (then there is no ``--refit``).
        sha256: of the file that says which pair is in which part; None where the parts were drawn.
        known_only: whether only items of train are ranked, and only pairs of its users and items measured.
        facts: how the parts were made, for ``metrics.json``: seed, shares, moments, who was left out.
    """

    name: str
    train: Interactions
    valid: Interactions
    test: Interactions
    dropped: Interactions
    remove_at_valid: tuple[str, ...] = ("train",)
    remove_at_test: tuple[str, ...] = ("train", "valid")
    fixed: bool = False
    sha256: str | None = None
    known_only: bool = False
    facts: Mapping[str, str | int | float | None] = field(default_factory=dict)

    def parts(self) -> dict[str, Interactions]:
        """Every part by name, ``dropped`` last."""
        return {"train": self.train, "valid": self.valid, "test": self.test, "dropped": self.dropped}


@dataclass(frozen=True, eq=False)
class PairIndex:
    """(user, item) pairs as a CSR over users, items ascending within a user: who has touched what.

    Args:
        start: shape (U + 1,), int64; the items of user u are ``item[start[u]:start[u + 1]]``.
    """

    start: Int64[Tensor, " U1"]
    item: Int64[Tensor, " E"]
    num_items: int

    @classmethod
    def build(cls, parts: Sequence[Interactions]) -> PairIndex:
        """The union of ``parts``; a pair that stands in several is kept once."""
        joined = concatenate(parts)
        # Sorted in place: np.unique hashes first, which takes a hundred times as long on ten million pairs.
        shift = joined.num_items.bit_length()
        keys = np.left_shift(joined.user, shift, dtype=np.int64)
        keys |= joined.item
        keys.sort()
        keys = np.delete(keys, np.flatnonzero(keys[1:] == keys[:-1]))
        start = np.searchsorted(keys, np.arange(joined.num_users + 1, dtype=np.int64) << shift)
        keys &= (1 << shift) - 1
        return cls(torch.from_numpy(start), torch.from_numpy(keys), joined.num_items)

    @property
    def num_users(self) -> int:
        return len(self.start) - 1

    def degree(self) -> Int64[Tensor, " U"]:
        """Items per user."""
        return self.start.diff()

    def rows(self, users: Int64[Tensor, " B"]) -> tuple[Int64[Tensor, " P"], Int64[Tensor, " P"]]:
        """(position in ``users``, item) of every pair of these users.

        Example:
            >>> pairs = PairIndex(torch.tensor([0, 2, 2, 3]), torch.tensor([4, 7, 5]), 8)
            >>> [part.tolist() for part in pairs.rows(torch.tensor([2, 0]))]
            [[0, 1, 1], [5, 4, 7]]
        """
        count = self.start[users + 1] - self.start[users]
        row = torch.repeat_interleave(torch.arange(len(users), device=users.device), count)
        offset = torch.arange(len(row), device=users.device) - (count.cumsum(0) - count)[row]
        return row, self.item[self.start[users][row] + offset]

    def to(self, device: torch.device | str) -> PairIndex:
        return PairIndex(self.start.to(device), self.item.to(device), self.num_items)


@dataclass(frozen=True, eq=False)
class Adjacency:
    """One normalised adjacency matrix, ``A[r, c] = left[r] * right[c]`` where an edge joins r and c, else 0.

    The pattern is symmetric (each interaction stands in both directions over the joint nodes, users first),
    so the transpose is the same CSR with the two scales swapped; columns ascend within a row.
    """

    row_start: Int32[Tensor, " N1"]
    column: Int32[Tensor, " E2"]
    left: Float[Tensor, " N"]
    right: Float[Tensor, " N"]

    @property
    def num_nodes(self) -> int:
        return len(self.left)

    @cached_property
    def ones(self) -> Float[Tensor, " E2"]:
        """The values of the bare pattern, for backends whose CSR product needs an array of values."""
        return torch.ones(len(self.column), dtype=self.left.dtype, device=self.left.device)

    @cached_property
    def row(self) -> Int64[Tensor, " E2"]:
        """The row of every entry (the COO form of ``row_start``)."""
        degree = self.row_start.diff()
        return torch.repeat_interleave(torch.arange(self.num_nodes, device=degree.device), degree)

    def transpose(self) -> Adjacency:
        """A^T: the scales swapped."""
        return self if self.left is self.right else Adjacency(self.row_start, self.column, self.right, self.left)


@dataclass(frozen=True)
class Noise:
    """A random step of length ``magnitude`` away from every propagated layer, into the orthant of each row.

    The same ``key`` makes the same noise again.
    """

    magnitude: float
    key: int


@dataclass(frozen=True, eq=False)
class Graph:
    """The bipartite user-item graph over joint nodes: users are 0 .. U-1, items U .. U+I-1.

    Args:
        layers: one Adjacency used at every layer, or one for each layer (SGL's RW).
        exponents: (row, column) powers of the degrees, ``A[r, c] = deg(r)^-row * deg(c)^-column``;
            (0.5, 0.5) is the symmetric normalisation.
        noise: what an encoder adds to every layer it propagates on this graph.
    """

    num_users: int
    num_items: int
    layers: tuple[Adjacency, ...]
    exponents: tuple[float, float] = (0.5, 0.5)
    noise: Noise | None = None

    @property
    def num_nodes(self) -> int:
        return self.num_users + self.num_items

    @property
    def num_edges(self) -> int:
        """Distinct interactions of the first layer's adjacency (each stands in it twice)."""
        return len(self.layers[0].column) // 2

    def layer(self, index: int) -> Adjacency:
        """The adjacency of hop ``index``, counted from 0."""
        return self.layers[0] if len(self.layers) == 1 else self.layers[index]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector per user and per item; as a Scorer, ``score(u, i) = <user[u], item[i]>``."""

    user: Float[Tensor, "U D"]
    item: Float[Tensor, "I D"]

    @property
    def num_users(self) -> int:
        return len(self.user)

    @property
    def num_items(self) -> int:
        return len(self.item)

    def scores(self, users: Int64[Tensor, " B"]) -> Float[Tensor, "B I"]:
        """The scores of all items for a block of users, a new tensor."""
        return self.user[users] @ self.item.T

    def detach(self) -> Embeddings:
        return Embeddings(self.user.detach(), self.item.detach())

    def to(self, device: torch.device | str) -> Embeddings:
        return Embeddings(self.user.to(device), self.item.to(device))


@dataclass(frozen=True, eq=False)
class Batch:
    """B training triples: a user, an item it has touched, and one it has not."""

    user: Int64[Tensor, " B"]
    positive: Int64[Tensor, " B"]
    negative: Int64[Tensor, " B"]


@dataclass(frozen=True, eq=False)
class Step:
    """All that an objective may look at: the batch and the embeddings computed for it.

    Args:
        embeddings: of the training graph.
        initial: the layer-0 table (what l2 falls on).
        views: one Embeddings for each augmented view.
    """

    batch: Batch
    embeddings: Embeddings
    initial: Embeddings
    views: tuple[Embeddings, ...] = ()


@dataclass(frozen=True, eq=False)
class RankedLists:
    """Top-K lists of a block of users; -1 (score -inf) where a user has fewer than K candidates left."""

    user: Int64[Tensor, " B"]
    item: Int64[Tensor, "B K"]
    score: Float[Tensor, "B K"]


@dataclass(frozen=True)
class Terms:
    """Named scalar terms of one step; ``total`` is what is minimised, ``values`` are logged."""

    total: Float[Tensor, ""]
    values: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)


@runtime_checkable
class View(Protocol):
    """A random thinning of a graph. Closed (Graph in, Graph out), so views compose."""

    def __call__(self, graph: Graph, *, generator: torch.Generator) -> Graph: ...


@runtime_checkable
class Encoder(Protocol):
    """A graph in, raw embeddings out; no loss, no top-K inside. May have ``passes``: see ``training.learner``."""

    def __call__(self, graph: Graph) -> Embeddings: ...

    def initial(self) -> Embeddings:
        """The layer-0 table."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Anything that can score all items for a block of users."""

    @property
    def num_users(self) -> int: ...

    @property
    def num_items(self) -> int: ...

    def scores(self, users: Int[Tensor, " B"]) -> Float[Tensor, "B I"]: ...
