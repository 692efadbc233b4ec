"""Top-K selection against NumPy's stable sort."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sgl_rec.errors import UserError
from sgl_rec.kernels import top_k as module
from sgl_rec.kernels.top_k import top_k, top_k_embeddings, top_k_masked

NONE = torch.empty(0, dtype=torch.int64)


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


@settings(max_examples=300, deadline=None)
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
def test_equals_a_stable_sort(scores: np.ndarray, k: int) -> None:
    items, best = top_k(torch.from_numpy(scores), k)
    expected_items, expected_best = by_sorting(scores, k)
    np.testing.assert_array_equal(items.numpy(), expected_items)
    np.testing.assert_array_equal(best.numpy(), expected_best)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("num_values", [1, 3, 50])
def test_wide_tied_rows_mended_in_several_chunks(
    dtype: torch.dtype, num_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MEND_PARTS", 6)  # three rows at a time
    scores = torch.randint(num_values, (20, 997), generator=torch.Generator().manual_seed(0)).to(dtype)
    items, best = top_k(scores, 17)
    expected_items, expected_best = by_sorting(scores.double().numpy(), 17)
    np.testing.assert_array_equal(items.numpy(), expected_items)
    np.testing.assert_array_equal(best.double().numpy(), expected_best)


def test_no_rows_and_no_items() -> None:
    assert top_k(torch.empty(0, 4), 3)[0].shape == (0, 3)
    assert top_k(torch.empty(2, 0), 3)[0].tolist() == [[-1, -1, -1]] * 2


def test_scores_are_left_alone() -> None:
    scores = torch.tensor([[1.0, 1.0, 0.0]])
    top_k(scores, 1)
    assert scores.tolist() == [[1.0, 1.0, 0.0]]


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_nan_is_an_error_wherever_it_stands(k: int) -> None:
    with pytest.raises(UserError, match="scores must be numbers, got nan"):
        top_k(torch.tensor([[1.0, 2.0, 3.0], [1.0, float("nan"), 9.0]]), k)


def test_k_below_one_is_an_error() -> None:
    with pytest.raises(UserError, match="k must be at least 1, got 0"):
        top_k(torch.zeros(1, 2), 0)


def test_masks_what_is_seen_and_what_is_not_allowed() -> None:
    scores = torch.tensor([[9.0, 8.0, 7.0, 6.0], [1.0, 2.0, 3.0, 4.0]])
    items, best = top_k_masked(
        scores,
        k=3,
        seen_row=torch.tensor([0, 0, 0]),
        seen_item=torch.tensor([0, 2, 2]),
        allowed=torch.tensor([True, True, True, False]),
    )
    assert items.tolist() == [[1, -1, -1], [2, 1, 0]]
    assert best.tolist() == [[8.0, -torch.inf, -torch.inf], [3.0, 2.0, 1.0]]


def test_embeddings_are_scored_by_dot_product() -> None:
    generator = torch.Generator().manual_seed(1)
    user = torch.randint(-3, 4, (6, 5), generator=generator).float()
    item = torch.randint(-3, 4, (40, 5), generator=generator).float()
    expected = by_sorting(user.numpy() @ item.numpy().T, 7)
    for buffer in (None, torch.full((8, 40), 99.0)):
        items, best = top_k_embeddings(user, item, k=7, seen_row=NONE, seen_item=NONE, buffer=buffer)
        np.testing.assert_array_equal(items.numpy(), expected[0])
        np.testing.assert_array_equal(best.numpy(), expected[1])


def test_embeddings_that_need_gradients_can_be_ranked() -> None:
    user, item = torch.ones(1, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    items, best = top_k_embeddings(user, item, k=1, seen_row=NONE, seen_item=NONE)
    assert items.tolist() == [[0]]
    assert not best.requires_grad


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(UserError, match="backend must be one of"):
        top_k_embeddings(torch.ones(1, 1), torch.ones(1, 1), k=1, seen_row=NONE, seen_item=NONE, backend="abacus")
