"""Texts as samples, through training to probes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.build import make_batches, make_encoder
from sgl_rec.pipeline.pretrain.encode import other_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.mine import with_negatives
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pipeline.pretrain.pretrain import pretrain, resolve
from sgl_rec.pipeline.pretrain.probe import probe
from sgl_rec.pipeline.pretrain.text import read
from sgl_rec.pretrain_config import PretrainConfig
from sgl_rec.settings import merge

SMALL: dict[str, Any] = {
    "encoder": {"width": 16, "num_heads": 2},
    "head": {"output_dim": 8},
    "training": {"max_epochs": 2, "batch_size": 4},
}
ROWS = ("red cat,a cat,4.5", "blue dog,a dog,5", "green fish,a stone,0.5", "old tree,trees,4", "sun,moon,1")
PAIRS = "\n".join(("text,other,score", *ROWS, ""))
COLUMNS = {"other_column": "other", "score_column": "score"}


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(PAIRS)
    return path


def test_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one two\n\nthree\n")
    samples = read(path)
    assert (samples.names, samples.other, samples.label) == (("one two", "three"), None, None)
    assert samples.take(torch.tensor([1])).shape == (1, 2)  # its start and its word: no wider than it has to be
    assert samples.shape == (samples.take(torch.tensor([0, 1])).max() + 1, samples.given["padding_id"])


def test_what_was_learnt_of_the_texts_is_kept(tmp_path: Path) -> None:
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("one two three\nfour five\n")
    other.write_text("five six\nseven\n")
    folder = pretrain("text", path, settings=SMALL, out=tmp_path / "run", threads=1)
    assert len(json.loads(folder.kept)["words"]) == 5
    samples = other_samples(PretrainFolder.open(folder.path), other)
    own = read(path)
    five = own.take(torch.tensor([1]))[0, 2]
    assert samples.take(torch.tensor([0]))[0].tolist() == [own.take(torch.tensor([0]))[0, 0], five, 1]
    kept = folder.path / "kept.json"
    kept.write_text(kept.read_text().replace("five", "nine"))
    with pytest.raises(UserError, match=r"kept.json: must be as the run wrote it"):
        other_samples(PretrainFolder.open(folder.path), other)


def test_pairs_of_a_high_score_are_what_is_learnt_from(pairs: Path) -> None:
    samples = read(pairs, min_score=4, **COLUMNS)
    assert samples.learnt is not None
    assert (len(samples), samples.learnt.tolist()) == (5, [0, 1, 3])
    config = resolve("text", pairs, settings={**SMALL, "data": {**COLUMNS, "min_score": 4.0}})
    batches = make_batches(config, samples, device=torch.device("cpu"))
    assert (batches.num_steps, batches.batch_size) == (1, 3)
    batch = batches.epoch(0).batch(0)
    order = [samples.names.index(name) for name in ("red cat", "blue dog", "old tree")]
    firsts = {tuple(row) for row in samples.take(torch.tensor(order)).tolist()}
    assert {tuple(row) for row in batch.first[0].tolist()} == firsts
    assert samples.other is not None
    seconds = {tuple(row) for row in samples.other(torch.tensor(order)).tolist()}
    assert {tuple(row) for row in batch.second[0].tolist()} == seconds


def test_contradictions_are_hard_negatives(tmp_path: Path) -> None:
    path = tmp_path / "nli.jsonl"
    rows = [("a man runs", "someone moves", "entailment"), ("a man runs", "nobody moves", "contradiction")]
    rows += [("a dog sits", "an animal sits", "entailment"), ("a dog sits", "it is raining", "neutral")]
    rows += [("a dog sits", "no dog sits", "contradiction")]
    keys = ("sentence1", "sentence2", "gold_label")
    path.write_text("".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows))
    folder = pretrain("text", path, settings=SMALL, out=tmp_path / "run", threads=1)
    samples = other_samples(folder, path)
    assert samples.names == ("a man runs", "a dog sits")
    assert samples.negative is not None
    batch = make_batches(folder.config, samples, device=torch.device("cpu")).epoch(0).batch(0)
    assert batch.negative is not None
    assert batch.negative[0].shape[0] == 2


def test_scored_pairs_are_probed_by_their_correlation(pairs: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "data": {**COLUMNS, "min_score": 4.0}}
    folder = pretrain("text", pairs, settings=settings, out=tmp_path / "run", threads=1)
    found = probe(folder.path, pairs)
    assert set(found) == {"sts"}
    assert set(found["sts"]) == {"trained", "before"}
    assert -1 <= found["sts"]["trained"]["spearman"] <= 1
    both = probe(folder.path, pairs, probes=["retrieval"])["retrieval"]["trained"]
    assert {"recall@1", "recall@1 back"} <= set(both)
    with pytest.raises(UserError, match=r"got no labels; .* name the column \(data\.label_column\)"):
        probe(folder.path, pairs, probes=["svm"])


def test_hard_negatives_are_found_among_unlike_pairs(pairs: Path, tmp_path: Path) -> None:
    data = {**COLUMNS, "min_score": 4.0, "max_negative_score": 1.0}
    samples = read(pairs, **data)
    assert samples.unlike is not None
    assert samples.unlike.names == ("green fish", "sun", "a stone", "moon")
    settings = {**SMALL, "data": data, "training": {**SMALL["training"], "batch_size": 3}}
    folder = pretrain("text", pairs, settings=settings, out=tmp_path / "run", threads=1)
    mined = with_negatives(folder.config, samples, device=torch.device("cpu"))
    batch = make_batches(folder.config, mined, device=torch.device("cpu")).epoch(0).batch(0)
    assert batch.negative is not None
    unlike = {tuple(row) for row in samples.unlike.take(torch.arange(4)).tolist()}
    assert {tuple(row) for row in batch.negative[0].tolist()} <= unlike
    expected = [mined_for(name, samples, folder.config) for name in ("red cat", "blue dog", "old tree")]
    assert sorted(map(tuple, batch.negative[0].tolist())) == sorted(expected)
    plain = merge(settings, {"data": {"tokenizer": "words"}})
    del plain["data"]["max_negative_score"]
    other = pretrain("text", pairs, settings=plain, out=tmp_path / "plain", threads=1)
    losses = [pd.read_parquet(one.history_file)["loss"].tolist() for one in (folder, other)]
    assert losses[0] > losses[1], "with more to be told from"


def mined_for(name: str, samples: Samples, config: PretrainConfig) -> tuple[int, ...]:
    """The tokens of the negative that a loop chooses by the encoder as it begins."""
    encoder = make_encoder(config, shape=samples.shape).eval()
    index = torch.tensor([samples.names.index(name)])
    assert samples.unlike is not None
    assert samples.other is not None
    row, partner = encoder(samples.take(index))[0], encoder(samples.other(index))[0]
    alike = float(torch.cosine_similarity(row, partner, dim=0))
    table = samples.unlike.take(torch.arange(len(samples.unlike)))
    cosines = [float(torch.cosine_similarity(row, encoder(one[None])[0], dim=0)) for one in table]
    below = [value for value in cosines if value <= alike - 0.2 * abs(alike)]
    return tuple(table[cosines.index(max(below) if below else min(cosines))].tolist())


def test_what_is_only_looked_at_needs_no_scores_and_no_negatives(pairs: Path, tmp_path: Path) -> None:
    data = {"other_column": "other", "negative_column": "score"}
    folder = pretrain("text", pairs, settings={**SMALL, "data": data}, out=tmp_path / "run", threads=1)
    other = tmp_path / "other.csv"
    other.write_text("text,other\na dog,two dogs\n")
    assert other_samples(folder, other).names == ("a dog",)
    with pytest.raises(UserError, match=r"data\.min_score must be left out: these samples are not learnt from"):
        other_samples(folder, pairs, settings={"min_score": 4.0})


def test_other_files_need_not_have_the_columns_of_the_runs(pairs: Path, tmp_path: Path) -> None:
    """Trained on scored pairs, and then asked for vectors of lines, of one column, of a table in other words."""
    settings = {**SMALL, "data": {**COLUMNS, "text_column": "text", "min_score": 4.0}}
    folder = pretrain("text", pairs, settings=settings, out=tmp_path / "run", threads=1)
    lines, column = tmp_path / "lines.txt", tmp_path / "column.csv"
    lines.write_text("red cat\nblue dog\n")
    column.write_text("text,note\nred cat,1\nblue dog,2\n")
    other = tmp_path / "other.tsv"
    other.write_text("a\tb\nred cat\tdog\nblue dog\tcat\n")
    found = [other_samples(folder, path) for path in (lines, column)]
    found.append(other_samples(folder, other, settings={"text_column": "a"}))
    assert [one.names for one in found] == [("red cat", "blue dog")] * 3
    assert all(one.other is None and one.score is None for one in found)
    both = other_samples(folder, other, settings={"text_column": "a", "other_column": "b"})
    assert both.other is not None
    assert other_samples(folder, pairs).score is not None
    with pytest.raises(UserError, match="its columns must be one called 'text', got a, b"):
        other_samples(folder, other)
    with pytest.raises(UserError, match="its columns must be one called 'nothing'"):
        other_samples(folder, column, settings={"other_column": "nothing"})


def test_how_many_are_learnt_from_is_said(pairs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="sgl_rec")
    settings = {**SMALL, "data": {**COLUMNS, "min_score": 4.0, "max_negative_score": 1.0}}
    folder = pretrain("text", pairs, settings=settings, out=tmp_path / "run", threads=1)
    assert {"samples": 5, "learnt_from": 3, "hard_negatives_among": 4}.items() <= folder.read_json(
        folder.metrics_file
    ).items()
    assert "learnt from: 3" in caplog.text
    assert "read by  max_negative_score=1.0, min_score=4.0, other_column=other, score_column=score" in caplog.text


def test_labels_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "l.tsv"
    path.write_text("text\tkind\nred cat\tpet\nblue dog\tpet\noak\ttree\nelm\ttree\n")
    samples = read(path, label_column="kind")
    assert samples.classes == ("pet", "tree")
    assert samples.label is not None
    assert samples.label.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_score": 9.0, **COLUMNS}, "pairs must be of a score of at least 9, one or more, got none"),
        ({"max_negative_score": 1.0, **COLUMNS}, "must be below data.min_score, which is not given, got 1"),
        ({"max_negative_score": 4.0, "min_score": 4.0, **COLUMNS}, "must be below data.min_score, 4, got 4"),
        (
            {"max_negative_score": 0.1, "min_score": 4.0, **COLUMNS},
            "pairs must be of a score of at most 0.1, one or more, got none",
        ),
        (
            {"max_negative_score": 1.0, "min_score": 4.0, **COLUMNS, "negative_column": "text"},
            "data.max_negative_score must be left out where data.negative_column has them, got 1",
        ),
        ({"min_score": 1.0, "other_column": "other"}, "data.min_score must be given with data.score_column"),
        ({"tokenizer": "no-such-folder"}, "no-such-folder"),
    ],
)
def test_what_cannot_be_read(pairs: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(pairs, **options)


def test_pairs_are_asked_for(tiny_pretrain: Path, pictures: Path) -> None:
    with pytest.raises(UserError, match="samples must be pairs, for sts, got none"):
        probe(tiny_pretrain, pictures, probes=["sts"])


def test_scores_that_are_all_the_same(pairs: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "data": dict(COLUMNS)}
    folder = pretrain("text", pairs, settings=settings, out=tmp_path / "run", threads=1)
    pairs.write_text("text,other,score\na,b,1\nc,d,1\n")
    with pytest.raises(UserError, match="scores must be of at least two values, got one value"):
        probe(folder.path, pairs)


@pytest.mark.parametrize("key", ["tokenizer", "length", "source"])
def test_what_the_run_has_of_its_own_is_not_said_again(key: str, pairs: Path, tmp_path: Path) -> None:
    folder = pretrain("text", pairs, settings=SMALL, out=tmp_path / "run", threads=1)
    with pytest.raises(UserError, match=f"data.{key} must be left out: the run has its own"):
        other_samples(folder, pairs, settings={key: "words"})
