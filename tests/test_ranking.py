"""Blocks of ranked lists: what is listed, and how much is held."""

from __future__ import annotations

import itertools
import weakref

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sgl_rec.errors import UserError
from sgl_rec.kernels.backend import using
from sgl_rec.ranking import parse_memory, rank
from sgl_rec.types import Embeddings, Interactions, PairIndex, RankedLists

NUM_USERS, NUM_ITEMS = 23, 40


class Table:
    """A Scorer that hands out its own rows, and must find them unchanged."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    @property
    def num_users(self) -> int:
        return len(self.table)

    @property
    def num_items(self) -> int:
        return self.table.shape[1]

    def scores(self, users: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()  # nobody differentiates a list, and a graph would hold memory
        first, last = int(users[0]), int(users[-1])
        return self.table[first : last + 1]


class Peak(TorchDispatchMode):
    """The most bytes that tensors made under it held at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self.held: dict[int, tuple[weakref.ref[Tensor], int]] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = function(*args, **(kwargs or {}))
        self.held = {place: made for place, made in self.held.items() if made[0]() is not None}
        for made in result if isinstance(result, tuple | list) else (result,):
            if isinstance(made, Tensor):
                storage = made.untyped_storage()
                self.held.setdefault(storage.data_ptr(), (weakref.ref(made), storage.nbytes()))
        self.most = max(self.most, sum(size for _, size in self.held.values()))
        return result


def integer_embeddings() -> Embeddings:
    """Integer-valued, so that a score is exact however its sum is ordered, and ties are many."""
    generator = torch.Generator().manual_seed(3)
    user = torch.randint(-2, 3, (NUM_USERS, 4), generator=generator).float()
    return Embeddings(user, torch.randint(-2, 3, (NUM_ITEMS, 4), generator=generator).float())


def some_pairs() -> PairIndex:
    generator = np.random.default_rng(4)
    user, item = generator.integers(NUM_USERS, size=200), generator.integers(NUM_ITEMS, size=200)
    return PairIndex.build([Interactions(user, item, NUM_USERS, NUM_ITEMS)])


def joined(blocks: list[RankedLists]) -> list[list[list[float]]]:
    return [torch.cat([getattr(block, name) for block in blocks]).tolist() for name in ("user", "item", "score")]


def one_by_one(taste: Embeddings, seen: PairIndex, allowed: set[int], k: int) -> list[list[int]]:
    """Each user's list by a loop and Python's sort."""
    lists = []
    for user in range(taste.num_users):
        touched = set(seen.item[seen.start[user] : seen.start[user + 1]].tolist())
        scored = []
        for item in sorted(allowed - touched):
            scored.append((-float(taste.user[user].dot(taste.item[item])), item))
        ranked = [item for _, item in sorted(scored)[:k]]
        lists.append(ranked + [-1] * (k - len(ranked)))
    return lists


@pytest.mark.parametrize("memory_budget", [1, 2_000, 50_000, 2**30])
@pytest.mark.parametrize("k", [1, 7, NUM_ITEMS + 5])
@pytest.mark.parametrize("some_allowed", [False, True])
def test_lists_equal_a_loop_whatever_the_budget(memory_budget: int, k: int, some_allowed: bool) -> None:
    taste, seen = integer_embeddings(), some_pairs()
    allowed = torch.arange(NUM_ITEMS) % 3 == 0 if some_allowed else None
    names = set(range(0, NUM_ITEMS, 3)) if some_allowed else set(range(NUM_ITEMS))
    expected = one_by_one(taste, seen, names, k)
    slow = Table(taste.user @ taste.item.T)
    before = slow.table.clone()
    for scorer in (taste, slow):
        blocks = list(rank(scorer, k=k, seen=seen, allowed=allowed, memory_budget=memory_budget))
        users, items, scores = joined(blocks)
        assert users == list(range(NUM_USERS))
        assert items == expected
        for user, row, values in zip(users, items, scores, strict=True):
            for item, value in zip(row, values, strict=True):
                assert value == (-torch.inf if item < 0 else before[user, item])
    assert torch.equal(slow.table, before)


def test_users_come_in_the_order_asked_and_may_repeat() -> None:
    taste = integer_embeddings()
    everybody = joined(list(rank(taste, k=3)))[1]
    asked = [5, 2, 5, 22]
    for users in (torch.tensor(asked), torch.tensor(asked, dtype=torch.int32)):
        blocks = list(rank(taste, users=users, k=3, memory_budget=1))
        assert joined(blocks)[0] == asked
        assert joined(blocks)[1] == [everybody[user] for user in asked]
    assert list(rank(taste, users=torch.empty(0, dtype=torch.int64), k=3)) == []


def test_one_user_is_always_a_block() -> None:
    assert [len(block.user) for block in rank(integer_embeddings(), k=2, memory_budget=1)] == [1] * NUM_USERS


@pytest.mark.parametrize("memory_budget", [100_000, 1_000_000])
def test_blocks_hold_no_more_than_the_budget_and_use_it(memory_budget: int) -> None:
    num_users, num_items, k = 800, 500, 10
    generator = np.random.default_rng(0)
    pairs = [Interactions(generator.integers(num_users, size=2400), generator.integers(num_items, size=2400),
                          num_users, num_items)]  # fmt: skip
    seen = PairIndex.build(pairs)
    taste = Embeddings(torch.ones(num_users, 2), torch.ones(num_items, 2))
    slow = Table(torch.zeros(1, num_items).expand(num_users, -1))
    for scorer, copies in ((taste, 1), (slow, 2)):
        sizes = [len(b.user) for b in rank(scorer, k=k, seen=seen, memory_budget=memory_budget)]
        assert sum(sizes) == num_users
        assert max(sizes) * num_items * 4 * copies <= memory_budget
        assert max(sizes) * num_items * 4 * copies >= memory_budget / 3  # the rest is left to mask and selection
        assert len(set(sizes[:-1])) == 1


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("k", "pairs"), [(10, 4_000), (300, 4_000), (10, 200_000)])
def test_what_ranking_holds_fits_the_budget(tied: bool, k: int, pairs: int) -> None:
    num_users, num_items, budget = 400, 500, 500_000
    generator = np.random.default_rng(0)
    user, item = generator.integers(num_users, size=pairs), generator.integers(num_items, size=pairs)
    seen = PairIndex.build([Interactions(user, item, num_users, num_items)])
    taste = Embeddings(torch.ones(num_users, 1), torch.ones(num_items, 1))
    if not tied:
        taste.item.copy_(torch.arange(num_items)[:, None])
    with Peak() as peak:
        for _ in rank(taste, k=k, seen=seen, memory_budget=budget):
            pass
    assert budget / 3 < peak.most <= budget


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_a_very_large_catalogue_of_users_is_never_scored_at_once(backend: str) -> None:
    num_items = 5000
    taste = Embeddings(torch.ones(2000, 1), torch.ones(num_items, 1))
    with using(backend), Peak() as peak:
        next(rank(taste, k=1))
    assert peak.most <= 24 * 2**20  # of 40 MB of scores
    slow = Table(torch.zeros(1, num_items).expand(2000, -1))
    assert len(next(rank(slow, k=1)).user) * num_items * 4 <= 8 * 2**20


def test_lists_and_scores_are_the_same_bits_whatever_the_budget_and_the_company() -> None:
    generator = torch.Generator().manual_seed(5)
    user, item = torch.randn(70, 33, generator=generator), torch.randn(900, 33, generator=generator)
    taste = Embeddings(user, item)
    expected = joined(list(rank(taste, k=9)))
    for memory_budget in (1, 50_000, 300_000, 10**6):
        assert joined(list(rank(taste, k=9, memory_budget=memory_budget))) == expected
    asked = [60, 2, 33]
    few = joined(list(rank(taste, users=torch.tensor(asked), k=9)))
    assert few == [asked, *[[column[user] for user in asked] for column in expected[1:]]]


def test_gradients_stay_as_they_are_between_blocks() -> None:
    taste = integer_embeddings()
    taste = Embeddings(taste.user.requires_grad_(), taste.item.requires_grad_())
    for block in rank(taste, k=1, memory_budget=1):
        assert torch.is_grad_enabled()
        assert not block.score.requires_grad


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be at least 1"),
        ({"memory_budget": 0}, "memory_budget must be at least 1 byte"),
        ({"users": torch.tensor([0, 23])}, r"users must be indices in \[0, 23\), got 0 to 23"),
        ({"users": torch.tensor([-1])}, "users must be indices"),
        ({"allowed": torch.ones(39, dtype=torch.bool)}, "allowed must be a bool for each of the 40 items"),
        ({"allowed": torch.ones(40)}, "allowed must be a bool"),
        ({"seen": PairIndex(torch.zeros(3, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 40)}, "seen"),
    ],
)
def test_what_is_out_of_range_is_refused_at_the_call(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"rank: {message}"):
        rank(integer_embeddings(), **({"k": 2} | options))  # type: ignore[arg-type]


def test_a_diverged_model_is_refused() -> None:
    taste = integer_embeddings()
    taste.item[3] = torch.nan
    with pytest.raises(UserError, match="the model has diverged"):
        list(rank(taste, k=2))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512 * 1000**2),
        ("2GB", 2 * 1000**3),
        ("512MiB", 512 * 1024**2),
        (" 1.5 gib ", 3 * 1024**3 // 2),
        ("300 kB", 300 * 1000),
        ("64B", 64),
        ("1TB", 1000**4),
    ],
)
def test_parse_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "512", "MB", "-1MB", "1XB", "1 M B", "0MB", "0.1B", "1e9B", "nanGB", "1,5GB", "１MB", "9" * 400 + "GB"],
)
def test_parse_memory_refuses(text: str) -> None:
    with pytest.raises(UserError, match=r"size must be a number with a unit, got .*; write for example 512MB"):
        parse_memory(text)


def test_all_sizes_of_prefixes_agree() -> None:
    for (_, ten), (_, two) in itertools.pairwise(zip("kmgt", (1, 2, 3, 4), strict=True)):
        assert parse_memory(f"1{'kmgt'[two - 1]}b") == 1000 * parse_memory(f"1{'kmgt'[ten - 1]}b")
        assert parse_memory(f"1{'kmgt'[two - 1]}ib") == 1024 * parse_memory(f"1{'kmgt'[ten - 1]}ib")
