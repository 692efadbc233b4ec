"""Small data that every test of the wiring may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgl_rec.pipeline.bench_plan import Asked


@pytest.fixture
def clicks() -> pd.DataFrame:
    """Thirty users with text ids, twenty items with whole numbers, six clicks each."""
    user = np.repeat(np.arange(30), 6)
    item = (user * 7 + np.tile(np.arange(6), 30) * 3) % 20
    return pd.DataFrame({"user_id": [f"u{number:02d}" for number in user], "item_id": item + 100})


@pytest.fixture
def shop(clicks: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A bench that takes seconds: two methods, two seeds, thirty users; the working folder has its data."""
    monkeypatch.chdir(tmp_path)
    clicks.to_csv("shop.csv", index=False)
    settings = {
        "encoder": {"embedding_dim": 4, "num_layers": 1},
        "training": {"max_epochs": 1, "backend": "torch"},
        "evaluation": {"k": [5, 10]},
    }
    return Asked(("shop.csv",), ("lightgcn", "xsimgcl"), Path("out"), (0, 1), settings=settings, threads=1)
