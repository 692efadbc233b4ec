"""``sgl-rec similar``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sgl_rec


def test_the_nearest_items_by_cosine(call: Any, here: Path) -> None:
    result = call("similar", "runs/demo", "17", "--k", "4")
    assert (result.code, result.err) == (0, "")
    shown = pd.read_csv(io.StringIO(result.out))
    assert list(shown.columns) == ["item_id", "score", "rank", "title"]
    run = sgl_rec.load_run("runs/demo")
    table = run.embeddings().item.double().numpy()
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    own = run.item_ids.get_loc(17)
    cosine = table @ table[own]
    cosine[own] = -2
    best = np.argsort(-cosine)[:4]
    assert shown["item_id"].tolist() == run.item_ids[best].tolist()
    np.testing.assert_allclose(shown["score"], cosine[best], atol=1e-5)
    assert shown["rank"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("runs/demo 99999", "item must be known to the run, got '99999'"),
        ("runs/demo x", "item must be known to the run, got 'x'"),
        ("runs/demo 17.0", "item must be known to the run, got '17.0'"),
        ("runs/demo 17 --k 0", "--k"),
        ("runs/demo", "ITEM_ID"),
        ("runs/none 17", "must be a run folder"),
    ],
)
def test_a_wrong_word_is_one_line(call: Any, here: Path, words: str, fault: str) -> None:
    assert fault in call("similar", *words.split()).fault


def test_an_id_may_begin_with_a_minus(call: Any, here: Path) -> None:
    assert "item must be known to the run, got '-5'" in call("similar", "runs/demo", "-5").fault
