"""Small data that every test of the wiring may have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def clicks() -> pd.DataFrame:
    """Thirty users with text ids, twenty items with whole numbers, six clicks each."""
    user = np.repeat(np.arange(30), 6)
    item = (user * 7 + np.tile(np.arange(6), 30) * 3) % 20
    return pd.DataFrame({"user_id": [f"u{number:02d}" for number in user], "item_id": item + 100})
