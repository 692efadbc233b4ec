"""The nearest items of an item."""

from __future__ import annotations

from pathlib import Path

import pytest

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.pipeline.similar import similar_run


def test_lists_of_several_items(tiny_run: Path) -> None:
    frame = sgl_rec.load_run(tiny_run).similar([5, "17"], k=3)
    assert list(frame.columns)[:4] == ["query_id", "item_id", "score", "rank"]
    assert frame["query_id"].tolist() == [5] * 3 + [17] * 3
    assert (frame["query_id"] != frame["item_id"]).all()
    assert frame["score"].between(-1 - 1e-6, 1 + 1e-6).all()


@pytest.mark.parametrize("item", ["x", 99999, None, 17.5, "017"])
def test_an_unknown_item_is_named(tiny_run: Path, item: object) -> None:
    with pytest.raises(UserError, match="item must be known to the run"):
        similar_run(RunFolder.open(tiny_run), [5, item])


def test_a_wrong_k(tiny_run: Path) -> None:
    with pytest.raises(UserError, match="k must be at least 1"):
        similar_run(RunFolder.open(tiny_run), [5], k=0)


def test_a_list_is_no_longer_than_the_catalogue(tiny_run: Path) -> None:
    folder = RunFolder.open(tiny_run)
    assert similar_run(folder, [5], k=2**70).item.shape == (1, len(folder.data.items))
