"""TU folders, made by hand and the real ones; torch_geometric's own reader is the oracle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.datasets import TUDataset

from sgl_rec.data.tu import read_tu
from sgl_rec.errors import UserError

# Two graphs, of three nodes and of two: a path with a loop and a repeat, and one edge.
FILES = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n3, 3\n2, 1\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n",
    "graph_labels": "1\n-1\n",
    "node_labels": "6\n2\n6\n9\n2\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, text in files.items():
        (folder / f"TOY_{part}.txt").write_text(text)
    return folder


def test_by_hand(tmp_path: Path) -> None:
    graphs = read_tu(write(tmp_path / "TOY", FILES))
    assert graphs.name == "TOY"
    assert graphs.edge_index.tolist() == [[0, 1, 1, 2, 3, 4], [1, 0, 2, 1, 4, 3]]
    assert graphs.node_start.tolist() == [0, 3, 5]
    assert graphs.x.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert (graphs.label.tolist(), graphs.classes) == ([1, 0], (-1, 1))


def test_nothing_is_written_and_raw_is_looked_into(tmp_path: Path) -> None:
    write(tmp_path / "TOY" / "raw", FILES)
    before = sorted(tmp_path.rglob("*"))
    assert len(read_tu(tmp_path / "TOY")) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_attributes_stand_before_labels(tmp_path: Path) -> None:
    attributes = {"node_attributes": "0.5,1\n-2e0,0\n0,0\n1,1\n3,4\n"}
    assert read_tu(write(tmp_path, FILES | attributes)).x[1].tolist() == [-2, 0, 1, 0, 0]
    bare = {part: text for part, text in FILES.items() if part != "node_labels"}
    assert read_tu(write(tmp_path / "bare", bare | attributes)).x[4].tolist() == [3, 4]


@pytest.mark.parametrize(("max_degree", "width"), [(100, 3), (1, 2), (0, 1)])
def test_without_features_it_is_the_degree(tmp_path: Path, max_degree: int, width: int) -> None:
    bare = {part: text for part, text in FILES.items() if part != "node_labels"}
    graphs = read_tu(write(tmp_path, bare), max_degree=max_degree)
    degrees = [min(degree, max_degree) for degree in (1, 2, 1, 1, 1)]
    assert graphs.x.tolist() == np.eye(width)[degrees].tolist()


def test_without_graph_labels_there_are_no_classes(tmp_path: Path) -> None:
    graphs = read_tu(write(tmp_path, {part: FILES[part] for part in ("A", "graph_indicator")}))
    assert (graphs.label, graphs.classes) == (None, ())


@pytest.mark.parametrize(
    ("part", "text", "message"),
    [
        ("A", "1, 2\n2, x\n", r"TOY_A.txt: cannot be read as numbers \(.*check the file"),
        ("A", "1, 2\n2, 1, 1\n", "TOY_A.txt: cannot be read as numbers"),
        ("A", "1\n2\n", r"TOY_A.txt: columns must be 2, got 1"),
        ("A", "", "TOY_A.txt: cannot be read as numbers"),
        ("A", "1, 2\n1, 6\n", r"TOY_A.txt, line 2: an edge must be numbers of nodes, 1 to 5, got \(1, 6\)"),
        ("A", "0, 2\n", "line 1: an edge must be numbers of nodes"),
        ("A", "1, 2\n3, 4\n", r"line 2: an edge must be two nodes of one graph, got \(3, 4\)"),
        (
            "graph_indicator",
            "1\n2\n1\n2\n2\n",
            "line 3: graphs must be numbered from 1 in ascending order, got 1",
        ),
        ("graph_indicator", "2\n2\n2\n3\n3\n", "line 1: graphs must be numbered from 1"),
        ("graph_indicator", "1\n1\n1\n3\n3\n", "line 4: graphs must be numbered from 1"),
        ("graph_labels", "1\n", "TOY_graph_labels.txt: lines must be 2, as the other files have, got 1"),
        ("graph_labels", "1\n0.5\n", "cannot be read as numbers"),
        ("node_labels", "1\n2\n", "TOY_node_labels.txt: lines must be 5"),
        ("node_labels", "1\n2\n3\n4\n99999999999999999999\n", "cannot be read as numbers"),
        ("node_attributes", "1\n2\n3\n4\nnan\n", "the numbers must be finite"),
        ("node_attributes", "1\n2\n3\n4\n1e300\n", "the numbers must be finite"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, part: str, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_tu(write(tmp_path, FILES | {part: text}))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (write(tmp_path, FILES) / "TOY_graph_labels.txt").write_bytes(b"\xff\xfe1\n")
    with pytest.raises(UserError, match="cannot be read as numbers"):
        read_tu(tmp_path)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must be of one TU data set, with a file NAME_A.txt, got none"):
        read_tu(tmp_path / "absent")
    write(tmp_path, FILES)
    (tmp_path / "OTHER_A.txt").write_text("1, 2\n")
    with pytest.raises(UserError, match=r"got OTHER_A.txt, TOY_A.txt"):
        read_tu(tmp_path)
    with pytest.raises(UserError, match="max_degree must be at least 0, got -1"):
        read_tu(write(tmp_path / "bare", {part: FILES[part] for part in ("A", "graph_indicator")}), max_degree=-1)


@pytest.mark.data
@pytest.mark.parametrize("name", ["MUTAG", "PROTEINS"])
def test_the_real_ones_are_as_torch_geometric_reads_them(data_root: Path, tmp_path: Path, name: str) -> None:
    if not (data_root / "tu" / name).is_dir():
        pytest.skip(f"tu/{name} is absent in SGL_REC_DATA")
    shutil.copytree(data_root / "tu" / name, tmp_path / name)
    theirs = TUDataset(str(tmp_path), name)
    ours = read_tu(data_root / "tu" / name)
    assert len(ours) == len(theirs)
    used = theirs.x.any(dim=0)
    assert torch.equal(ours.x, theirs.x[:, used])
    assert torch.equal(ours.label, theirs.y)
    for number in (0, 7, len(ours) - 1):
        assert torch.equal(ours.batch(torch.tensor([number])).edge_index, theirs[number].edge_index)


def test_labels_of_an_earlier_reading_keep_their_columns(tmp_path: Path) -> None:
    first = read_tu(write(tmp_path / "a", FILES))
    assert first.node_labels == ((2, 6, 9),)
    fewer = FILES | {"node_labels": "6\n6\n6\n9\n9\n"}
    second = read_tu(write(tmp_path / "b", fewer), known=first.node_labels)
    assert second.x.tolist() == [[0, 1, 0]] * 3 + [[0, 0, 1]] * 2
    other = FILES | {"node_labels": "6\n7\n6\n9\n2\n"}
    with pytest.raises(
        UserError, match=r"TOY_node_labels.txt, line 2: a node label must be one of the 3 .*, got 7"
    ):
        read_tu(write(tmp_path / "c", other), known=first.node_labels)


def test_degrees_of_an_earlier_reading_are_as_many(tmp_path: Path) -> None:
    bare = {part: FILES[part] for part in ("A", "graph_indicator")}
    folder = write(tmp_path / "a", bare)
    assert read_tu(folder).most_degree == 2
    assert read_tu(folder, most_degree=4).x.shape[1] == 5
    assert read_tu(folder, most_degree=1).x.tolist() == read_tu(folder, max_degree=1).x.tolist()
