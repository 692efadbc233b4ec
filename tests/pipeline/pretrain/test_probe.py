"""How much vectors know of labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.probe import probe

pytest.importorskip("sklearn")
FIRST, REST = {"only": ["*/[0-3].png"]}, {"only": ["*/[4-7].png"]}


def test_with_samples_to_learn_from(tiny_pretrain: Path, pictures: Path) -> None:
    found = probe(tiny_pretrain, pictures, train=pictures, settings=REST, train_settings=FIRST)
    assert set(found) == {"knn", "linear"}
    for columns in found.values():
        assert set(columns) == {"trained", "before", "raw"}
        assert columns["raw"]["accuracy"] == 1.0  # a bar in its own place, under weak noise
        assert columns["trained"]["accuracy"] > 0.25


def test_alone(tiny_pretrain: Path, pictures: Path) -> None:
    found = probe(tiny_pretrain, pictures, probes=["clustering"])
    assert set(found) == {"clustering"}
    assert found == probe(tiny_pretrain, pictures, probes=["clustering"])
    both = probe(tiny_pretrain, pictures, settings={"only": ["bar-[01]/*"]}, num_folds=4)
    assert set(both) == {"svm", "clustering"}
    assert set(both["svm"]) == {"trained", "before", "raw"}


def test_labels_are_matched_by_name(tiny_pretrain: Path, pictures: Path) -> None:
    only = {"only": ["bar-[23]/*"]}
    with_gap = probe(tiny_pretrain, pictures, train=pictures, settings=only, probes=["knn"])
    assert with_gap["knn"]["raw"]["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probes": ["knnn"]}, "--probe: name must be a known probe, got 'knnn'; did you mean 'knn'"),
        ({"probes": ["linear"]}, "linear must be given other samples to learn from, got none; say --train PATH"),
    ],
)
def test_what_cannot_be_asked(
    options: dict[str, list[str]], message: str, tiny_pretrain: Path, pictures: Path
) -> None:
    with pytest.raises(UserError, match=message):
        probe(tiny_pretrain, pictures, **options)


def test_samples_without_labels(tiny_pretrain: Path, pictures: Path) -> None:
    with pytest.raises(UserError, match="samples must be labelled, got no labels; put each class of images in a"):
        probe(tiny_pretrain, pictures / "bar-0")


def test_figures_that_would_mean_nothing_are_refused(tiny_pretrain: Path, pictures: Path) -> None:
    one, other = {"only": ["bar-0/*"]}, {"only": ["bar-1/*"]}
    both = {"only": ["bar-[12]/*"]}
    with pytest.raises(UserError, match="classes must be at least 2, got 1"):
        probe(tiny_pretrain, pictures, settings=one, probes=["clustering"])
    with pytest.raises(
        UserError, match=r"classes must be some of those of .*, got 'bar-1' and 'bar-0' among others"
    ):
        probe(tiny_pretrain, pictures, train=pictures, settings=both, train_settings=one, probes=["knn"])
    assert probe(tiny_pretrain, pictures, train=pictures, settings=both, train_settings=other, probes=["knn"])
