"""A small bench."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sgl_rec.pipeline.bench.plan import Asked


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
