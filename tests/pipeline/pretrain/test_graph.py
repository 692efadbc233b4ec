"""Graphs as samples."""

from __future__ import annotations

from pathlib import Path

import torch

from sgl_rec.pipeline.pretrain.graph import read

FILES = {"A": "1, 2\n2, 1\n3, 4\n4, 3\n", "graph_indicator": "1\n1\n2\n2\n", "graph_labels": "1\n-1\n"}


def test_a_tu_folder(tmp_path: Path) -> None:
    for part, text in FILES.items():
        (tmp_path / f"TOY_{part}.txt").write_text(text)
    samples = read(tmp_path, max_degree=3)
    assert (len(samples), samples.names, samples.classes) == (2, ("TOY-0", "TOY-1"), ("-1", "1"))
    assert samples.label is not None
    assert samples.label.tolist() == [1, 0]
    batch = samples.take(torch.tensor([1, 0]))
    assert (batch.num_graphs, batch.x.shape[1]) == (2, *samples.shape)
    assert read(tmp_path, max_degree=3).sha256 == samples.sha256
    (tmp_path / "TOY_A.txt").write_text("1, 2\n2, 1\n")
    assert read(tmp_path, max_degree=3).sha256 != samples.sha256


def test_what_a_column_stands_for_is_kept(tmp_path: Path) -> None:
    labels = {"a": "5\n6\n5\n6\n", "b": "6\n6\n6\n6\n"}
    for name, column in labels.items():
        (tmp_path / name).mkdir()
        for part, text in {**FILES, "node_labels": column}.items():
            (tmp_path / name / f"TOY_{part}.txt").write_text(text)
    first = read(tmp_path / "a")
    later = read(tmp_path / "b", kept=first.kept)
    assert later.shape == first.shape == (2,)
    assert later.take(torch.tensor([0])).x.tolist() == [[0, 1], [0, 1]]
