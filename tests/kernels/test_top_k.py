"""Top-K selection against NumPy's stable sort."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sgl_rec.errors import UserError
from sgl_rec.kernels import top_k_torch
from sgl_rec.kernels.top_k import Catalogue, top_k, top_k_embeddings, top_k_masked

NONE = torch.empty(0, dtype=torch.int64)
BACKENDS = ("cpu", "torch")


def by_sorting(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole row sorted, -inf taken out, cut at k, padded."""
    order = np.argsort(-scores, axis=1, kind="stable")
    best = np.take_along_axis(scores, order, axis=1)
    order[best == -np.inf] = -1
    missing = max(0, k - scores.shape[1])
    pad = ((0, 0), (0, missing))
    return (
        np.pad(order, pad, constant_values=-1)[:, :k],
        np.pad(best, pad, constant_values=-np.inf)[:, :k],
    )


few_values = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, 2.0, np.inf])
any_values = st.floats(width=32, allow_nan=False)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=200, deadline=None)
@given(
    scores=st.sampled_from([few_values, any_values]).flatmap(
        lambda elements: hnp.arrays(
            np.float32,
            hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
            elements=elements,
        )
    ),
    k=st.integers(1, 15),
)
def test_equals_a_stable_sort(backend: str, scores: np.ndarray, k: int) -> None:
    items, best = top_k(torch.from_numpy(scores), k, backend=backend)
    expected_items, expected_best = by_sorting(scores, k)
    np.testing.assert_array_equal(items.numpy(), expected_items)
    np.testing.assert_array_equal(best.numpy(), expected_best)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("num_values", [1, 3, 50])
def test_wide_tied_rows_mended_in_several_chunks(
    backend: str, dtype: torch.dtype, num_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top_k_torch, "MEND_PARTS", 6)  # three rows at a time
    scores = torch.randint(num_values, (20, 997), generator=torch.Generator().manual_seed(0)).to(dtype)
    items, best = top_k(scores, 17, backend=backend)
    expected_items, expected_best = by_sorting(scores.double().numpy(), 17)
    np.testing.assert_array_equal(items.numpy(), expected_items)
    np.testing.assert_array_equal(best.double().numpy(), expected_best)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_rows_and_no_items(backend: str) -> None:
    assert top_k(torch.empty(0, 4), 3, backend=backend)[0].shape == (0, 3)
    assert top_k(torch.empty(2, 0), 3, backend=backend)[0].tolist() == [[-1, -1, -1]] * 2
    for users, items in ((0, 4), (2, 0)):
        found, _ = top_k_embeddings(
            torch.ones(users, 2), torch.ones(items, 2), k=3, seen_row=NONE, seen_item=NONE, backend=backend
        )
        assert found.tolist() == [[-1, -1, -1]] * users


@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_are_left_alone_and_need_not_be_contiguous(backend: str) -> None:
    scores = torch.tensor([[1.0, 1.0, 0.0], [2.0, 4.0, 3.0]], requires_grad=True)
    top_k(scores, 1, backend=backend)
    assert scores.tolist() == [[1.0, 1.0, 0.0], [2.0, 4.0, 3.0]]
    assert top_k(scores.T, 2, backend=backend)[0].tolist() == [[1, 0], [1, 0], [1, 0]]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("nan", [float("nan"), -float("nan")])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_nan_is_an_error_wherever_it_stands(k: int, nan: float, backend: str) -> None:
    for place in (1, 70):
        scores = torch.arange(160.0).view(2, 80)
        scores[1, place] = nan
        with pytest.raises(UserError, match="scores must be numbers, got nan"):
            top_k(scores, k, backend=backend)
        hidden = top_k_masked(
            scores, k=1, seen_row=torch.tensor([1]), seen_item=torch.tensor([place]), backend=backend
        )
        assert hidden[0].tolist() == [[79], [79]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_infinities_are_the_highest_and_no_candidates(backend: str) -> None:
    scores = torch.full((1, 200), -torch.inf)
    scores[0, [3, 77, 150]] = torch.tensor([1.0, torch.inf, torch.inf])
    items, best = top_k(scores, 4, backend=backend)
    assert items.tolist() == [[77, 150, 3, -1]]
    assert best.tolist() == [[torch.inf, torch.inf, 1.0, -torch.inf]]


def test_k_below_one_is_an_error() -> None:
    with pytest.raises(UserError, match="k must be at least 1, got 0"):
        top_k(torch.zeros(1, 2), 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_masks_what_is_seen_and_what_is_not_allowed(backend: str) -> None:
    scores = torch.tensor([[9.0, 8.0, 7.0, 6.0], [1.0, 2.0, 3.0, 4.0]])
    items, best = top_k_masked(
        scores,
        k=3,
        seen_row=torch.tensor([0, 0, 0]),
        seen_item=torch.tensor([0, 2, 2]),
        allowed=torch.tensor([True, True, True, False]),
        backend=backend,
    )
    assert items.tolist() == [[1, -1, -1], [2, 1, 0]]
    assert best.tolist() == [[8.0, -torch.inf, -torch.inf], [3.0, 2.0, 1.0]]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("memory", [None, 1, 3_000])
@pytest.mark.parametrize("k", [1, 7, 40, 300])
def test_embeddings_are_scored_by_dot_product(backend: str, memory: int | None, k: int) -> None:
    generator = torch.Generator().manual_seed(1)
    user = torch.randint(-3, 4, (30, 5), generator=generator).float()
    item = torch.randint(-3, 4, (200, 5), generator=generator).float()
    seen_row = torch.randint(30, (400,), generator=generator)  # in no order, and with repeats
    seen_item = torch.randint(200, (400,), generator=generator)
    allowed = torch.rand(200, generator=generator) < 0.7
    scores = user.double().numpy() @ item.double().numpy().T
    expected = by_sorting(scores, k)
    catalogue = Catalogue(item, memory=memory, backend=backend)
    for _ in range(2):
        items, best = catalogue.top_k(user, k=k, seen_row=NONE, seen_item=NONE)
        np.testing.assert_array_equal(items.numpy(), expected[0])
        np.testing.assert_array_equal(best.numpy(), expected[1])
    scores[seen_row, seen_item] = -np.inf
    expected = by_sorting(scores, k)
    items, _ = catalogue.top_k(user, k=k, seen_row=seen_row, seen_item=seen_item)
    np.testing.assert_array_equal(items.numpy(), expected[0])
    scores[:, ~allowed.numpy()] = -np.inf
    expected = by_sorting(scores, k)
    items, best = catalogue.top_k(user, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed)
    np.testing.assert_array_equal(items.numpy(), expected[0])
    np.testing.assert_array_equal(best.numpy(), expected[1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_backends_agree_on_random_embeddings(backend: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(2)
    user = torch.randn(50, 24, generator=generator, dtype=dtype)
    item = torch.randn(1000, 24, generator=generator, dtype=dtype)
    items, best = top_k_embeddings(user, item, k=10, seen_row=NONE, seen_item=NONE, backend=backend)
    expected = by_sorting(user.double().numpy() @ item.double().numpy().T, 10)
    np.testing.assert_array_equal(items.numpy(), expected[0])  # no two of these scores are nearly equal
    np.testing.assert_allclose(best.numpy(), expected[1], rtol=1e-5)
    assert best.dtype == dtype


@pytest.mark.parametrize("backend", BACKENDS)
def test_embeddings_that_need_gradients_can_be_ranked(backend: str) -> None:
    user, item = torch.ones(1, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    items, best = top_k_embeddings(user, item, k=1, seen_row=NONE, seen_item=NONE, backend=backend)
    assert items.tolist() == [[0]]
    assert not best.requires_grad


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_embeddings_without_a_float32_score_are_refused(backend: str, value: float) -> None:
    user, item = torch.ones(4, 2), torch.ones(100, 2)
    item[50] = torch.tensor([value, -value])
    with pytest.raises(UserError, match="the model has diverged"):
        top_k_embeddings(user, item, k=1, seen_row=NONE, seen_item=NONE, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_may_overflow_to_infinity(backend: str) -> None:
    item = torch.ones(100, 1)
    item[[70, 30]] = 3e38
    items, best = top_k_embeddings(
        torch.tensor([[2.0]]), item, k=3, seen_row=NONE, seen_item=NONE, backend=backend
    )
    assert items.tolist() == [[30, 70, 0]]
    assert best.tolist() == [[torch.inf, torch.inf, 2.0]]


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(UserError, match="backend must be one of"):
        top_k_embeddings(torch.ones(1, 1), torch.ones(1, 1), k=1, seen_row=NONE, seen_item=NONE, backend="abacus")
