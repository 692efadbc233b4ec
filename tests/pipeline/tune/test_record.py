"""What a search found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sgl_rec.pipeline.tune.journal import Trial
from sgl_rec.pipeline.tune.record import Tuned, in_words


def trial(number: int, value: float | None, state: Any = "complete", why: str = "") -> Trial:
    epoch = None if value is None else 3
    facts: dict[str, Any] = {"settings": {"a.b": number}, "epochs_run": 8, "seconds": 1.25}
    return Trial(number=number, value=value, epoch=epoch, state=state, why=why, **facts)


TRIALS = (
    trial(0, 0.1),
    trial(1, 0.3, "pruned", "behind"),
    trial(2, 0.2),
    trial(3, 0.2),
    trial(4, None, "failed", "not finite"),
)


def test_the_best_is_complete_and_the_first_of_equal_ones() -> None:
    assert Tuned(Path("out"), "ndcg@20", TRIALS).best.number == 2
    assert Tuned(Path("out"), "ndcg@20", TRIALS).method_file == Path("out/best.toml")


def test_the_table_has_a_row_a_trial() -> None:
    table = Tuned(Path("out"), "ndcg@20", TRIALS).table
    assert table["a.b"].tolist() == [0, 1, 2, 3, 4]
    assert table["ndcg@20"].tolist()[:4] == [0.1, 0.3, 0.2, 0.2]
    assert pd.isna(table.loc[4, ["ndcg@20", "epoch"]]).all()
    assert table["state"].tolist() == ["complete", "pruned", "complete", "complete", "failed"]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (TRIALS[0], "valid ndcg@20 0.1000 at epoch 3 of 8, 1.2 s, a.b = 0"),
        (TRIALS[1], "pruned (behind); valid ndcg@20 0.3000 at epoch 3 of 8, 1.2 s, a.b = 1"),
        (TRIALS[4], "failed (not finite); 1.2 s, a.b = 4"),
    ],
)
def test_a_line_a_trial(one: Trial, words: str) -> None:
    assert in_words(one, "ndcg@20") == words
