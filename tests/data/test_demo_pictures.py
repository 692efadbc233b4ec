from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from sgl_rec.data.demo import ATTRIBUTES, demo_dataset_tables
from sgl_rec.data.demo_pictures import item_pictures
from sgl_rec.errors import MissingDependencyError, UserError

SHIRT = {"colour": "blue", "pattern": "striped", "material": "cotton", "kind": "shirt"}


def test_every_item_has_its_own_picture() -> None:
    items = demo_dataset_tables()[1]
    pictures = item_pictures(items)
    assert (pictures.shape, pictures.dtype) == ((1_000, 32, 32, 3), np.uint8)
    assert len(np.unique(pictures.reshape(1_000, -1), axis=0)) == 1_000
    assert np.array_equal(pictures[::-1], item_pictures(items[::-1])), "each row by itself"


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_value_shows(attribute: str) -> None:
    values = ATTRIBUTES[attribute]
    pictures = item_pictures(pd.DataFrame([SHIRT | {attribute: value} for value in values]))
    assert len(np.unique(pictures.reshape(len(values), -1), axis=0)) == len(values)


def test_size() -> None:
    assert item_pictures(pd.DataFrame([SHIRT]), size=64).shape == (1, 64, 64, 3)
    with pytest.raises(UserError, match="size must be at least 8, got 4"):
        item_pictures(pd.DataFrame([SHIRT]), size=4)


def test_wrong_items() -> None:
    with pytest.raises(UserError, match="no 'kind'"):
        item_pictures(pd.DataFrame([SHIRT]).drop(columns="kind"))
    with pytest.raises(UserError, match=r"colour must be one of black, .*, got 'pink'"):
        item_pictures(pd.DataFrame([SHIRT | {"colour": "pink"}]))


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sgl-rec\[images\]'"):
        item_pictures(pd.DataFrame([SHIRT]))
