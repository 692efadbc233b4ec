"""A vector for each sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.embed import embed


def test_vectors_with_their_names(tiny_pretrain: Path, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    found = embed(tiny_pretrain, pictures, output=path, settings={"only": ["bar-2/*", "bar-3/1.png"]})
    table = pd.read_parquet(path)
    assert found.names[0] == table["name"][0] == "bar-2/0.png"
    assert found.labels == tuple(table["label"]) == ("bar-2",) * 8 + ("bar-3",)
    np.testing.assert_array_equal(np.stack(table["vector"].tolist()), found.vectors.numpy())
    whole = embed(tiny_pretrain, pictures)
    np.testing.assert_allclose(found.vectors, whole.vectors[[*range(16, 24), 25]], atol=1e-5)


def test_the_output_is_looked_at_first(tiny_pretrain: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suffix must be"):
        embed(tiny_pretrain, tmp_path / "nowhere", output=tmp_path / "v.pt")
    (tmp_path / "link.parquet").symlink_to(tiny_pretrain / "history.parquet")
    with pytest.raises(UserError, match="must not be a file of the run itself"):
        embed(tiny_pretrain, tmp_path / "nowhere", output=tmp_path / "link.parquet")


def test_loose_samples_have_no_labels(tiny_pretrain: Path, pictures: Path) -> None:
    assert embed(tiny_pretrain, pictures / "bar-0").labels is None


def test_what_is_read_and_other_runs_are_not_written_over(
    tiny_pretrain: Path, tiny_run: Path, pictures: Path, tmp_path: Path
) -> None:
    source = tmp_path / "vectors.csv"
    source.write_text("text\na\nb\n")
    with pytest.raises(UserError, match="the output must not be what is read"):
        embed(tiny_pretrain, source, output=source)
    with pytest.raises(UserError, match=r"the output must not be a file of the run .*demo; choose another name"):
        embed(tiny_pretrain, pictures, output=tiny_run / "ids.parquet")
    assert source.read_text() == "text\na\nb\n"
