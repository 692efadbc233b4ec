"""Images and their texts, through training to vectors and probes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.build import make_batches, make_networks, read_samples
from sgl_rec.pipeline.pretrain.embed import embed
from sgl_rec.pipeline.pretrain.image_text import read
from sgl_rec.pipeline.pretrain.pretrain import pretrain, resolve, resume_pretrain
from sgl_rec.pipeline.pretrain.probe import probe

pytest.importorskip("kornia")
pytest.importorskip("sklearn")
DATA = {"size": 8, "num_channels": 1, "label_column": "kind"}
SMALL: dict[str, Any] = {
    "data": DATA,
    "views": [],
    "encoder": {"width": 16},
    "head": {"output_dim": 8},
    "second_encoder": {"width": 32},
    "second_head": {"output_dim": 8},
    "training": {"max_epochs": 40, "batch_size": 8},
}
WORDS = ("first", "second", "third", "last")


@pytest.fixture(scope="module")
def pairs(pictures: Path) -> Path:
    """A table beside the pictures: a bar is told by its place."""
    path = pictures / "pairs.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "text", "kind"])
        for place, word in enumerate(WORDS):
            for number in range(8):
                rows.writerow([f"bar-{place}/{number}.png", f"bar {number} in the {word} place", word])
        rows.writerow(["bar-9/0.png", "no bar", "none"])
    return path


@pytest.fixture(scope="module")
def run(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    threads = torch.get_num_threads()
    folder = pretrain("image-text", pairs, settings=SMALL, out=tmp_path_factory.mktemp("clip") / "r", threads=1)
    torch.set_num_threads(threads)
    return folder.path


def test_the_two_sides_of_a_sample(pairs: Path) -> None:
    samples = read(pairs, **DATA)
    assert (len(samples), samples.shape, samples.classes) == (32, (1, 8), tuple(sorted(WORDS)))
    assert "bar-9/0.png: image must be readable" in samples.notes[0]
    other = samples.other_side
    assert (other.names[9], other.shape[1]) == ("bar 1 in the second place", 0)
    assert other.label is samples.label
    index = torch.tensor([3, 30])
    assert samples.take(index).shape == (2, 1, 8, 8)
    assert other.take(index).shape == (2, 7)  # its start and six words
    assert samples.sha256 != read(pairs, **{**DATA, "invert": True}).sha256


def test_a_tower_and_views_for_each_side(pairs: Path) -> None:
    views = {"second_views": [{"name": "delete_tokens", "rate": 0.5}]}
    config = resolve("image-text", pairs, settings={**SMALL, **views})
    samples = read_samples(config)
    batch = make_batches(config, samples, device=torch.device("cpu")).epoch(0).batch(0)
    assert batch.first[0].is_floating_point()
    assert batch.second[0].dtype == torch.int64
    assert int((batch.second[0] != 0).sum()) < 8 * 7  # words are gone
    networks = make_networks(config, shape=samples.shape, second_shape=samples.other_side.shape, num_steps=1)
    first, second = (
        tower(*side) for tower, side in zip(networks.towers, (batch.first, batch.second), strict=True)
    )
    assert first.shape == second.shape == (8, 8)


def test_a_side_finds_the_other(run: Path, pairs: Path) -> None:
    found = probe(run, pairs, probes=["retrieval", "zero_shot"], prompts=["in the {} place", "{}"])
    assert set(found["retrieval"]) == {"trained", "before"}
    assert {"recall@1", "recall@1 back"} <= set(found["retrieval"]["trained"])
    trained = found["zero_shot"]["trained"]
    assert trained["majority"] == 0.25
    assert trained["low"] > 0.5  # bars in their own place
    assert found["retrieval"]["trained"]["recall@10"] > found["retrieval"]["before"]["recall@10"]
    assert set(probe(run, pairs)) == {"retrieval"}
    assert set(probe(run, pairs, prompts=["{}"])) == {"retrieval", "zero_shot"}


def test_vectors_of_a_side(run: Path, pairs: Path, pictures: Path, tmp_path: Path) -> None:
    images, texts = embed(run, pairs), embed(run, pairs, side="second")
    assert (images.names[8], texts.names[8]) == ("bar-1/0.png", "bar 0 in the second place")
    assert images.vectors.shape == texts.vectors.shape == (32, 8)
    assert images.labels == texts.labels
    alone = embed(run, pictures, settings={"only": ["bar-1/*"]})
    torch.testing.assert_close(alone.vectors, images.vectors[8:16])
    lines = tmp_path / "lines.txt"
    lines.write_text("bar 0 in the second place\nunheard\n")
    spoken = embed(run, lines, side="second")
    torch.testing.assert_close(spoken.vectors[0], texts.vectors[8])


def test_it_goes_on_from_where_it_was(run: Path) -> None:
    assert resume_pretrain(run).is_finished()


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"second_head": {"output_dim": 4}},
            "second_head: output_dim must be 8, as wide as what head makes, got 4",
        ),
        ({"second_encoder": {"name": "grou"}}, "second_encoder: name must be a known text encoder, got 'grou'"),
        ({"second_views": [{"name": "rotation"}]}, "second_views 1: name must be a known text view"),
        ({"momentum": {}}, "momentum must be left out with second_encoder"),
    ],
)
def test_a_wrong_second_side(over: dict[str, Any], message: str, pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        pretrain("image-text", pairs, settings={**SMALL, **over}, out=tmp_path / "r", threads=1)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probes": ["zero_shot"]}, "zero_shot must be given prompts, got none; say --prompt"),
        ({"prompts": ["a bar"]}, "--prompt: it must be a text with {} where the class stands, got 'a bar'"),
        ({"probes": ["sts"]}, "pairs must be scored, for sts"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], message: str, run: Path, pairs: Path) -> None:
    with pytest.raises(UserError, match=message):
        probe(run, pairs, **options)


def test_any_text_of_an_image_will_do(run: Path, pairs: Path) -> None:
    """Every pair twice: the first of two equal rows is found, whichever was asked for."""
    header, *rows = pairs.read_text().splitlines()
    twice = pairs.with_name("twice.csv")
    twice.write_text("\n".join([header, *(row for row in rows for _ in range(2))]) + "\n")
    once, both = (probe(run, path, probes=["retrieval"])["retrieval"]["trained"] for path in (pairs, twice))
    assert both["recall@1"] == once["recall@1"]
    assert both["recall@1 back"] == once["recall@1 back"]
