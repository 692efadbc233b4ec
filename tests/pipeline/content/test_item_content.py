"""What is known of items, kept in a file of the run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sgl_rec.encoders.text.tfidf import Tfidf
from sgl_rec.errors import UserError
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.training.checkpoint import Checkpoint

TEXTS = ["red hat", "red sock", "", "blue sock"]


@pytest.fixture
def content() -> ItemContent:
    tfidf = Tfidf.learnt(TEXTS)
    known = torch.tensor([[True, True], [True, False], [False, False], [True, True]])
    features = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)) * known[:, 1:]
    encoders = {"text": "tfidf", "features 1": "3"}
    return ItemContent({"text": tfidf(TEXTS), "features 1": features}, known, tfidf, encoders, ("a note",))


def load(path: Path, num_items: int = 4) -> ItemContent:
    return ItemContent.load(path, num_items=num_items, advice="restore it")


def test_saved_and_loaded_it_is_the_same_bit_for_bit(content: ItemContent, tmp_path: Path) -> None:
    content.save(tmp_path / "c.safetensors")
    again = load(tmp_path / "c.safetensors")
    assert list(again.blocks) == ["text", "features 1"]
    for one, other in zip(again.rows, content.rows, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(again.known, content.known)
    assert again.known.dtype == torch.bool
    assert again.encoders == content.encoders
    assert again.tfidf is not None
    assert content.tfidf is not None
    texts = ["blue hat", "never seen", "red red sock"]
    assert torch.equal(again.tfidf(texts), content.tfidf(texts))
    again.save(tmp_path / "d.safetensors")
    assert (tmp_path / "c.safetensors").read_bytes() == (tmp_path / "d.safetensors").read_bytes()


def test_without_words(content: ItemContent, tmp_path: Path) -> None:
    bare = ItemContent({"images": content.rows[1]}, content.known[:, 1:], encoders={"images": "pixels 8"})
    bare.save(tmp_path / "c.safetensors")
    again = load(tmp_path / "c.safetensors")
    assert (again.tfidf, list(again.blocks), again.encoders) == (None, ["images"], {"images": "pixels 8"})


def test_each_block_has_length_one(content: ItemContent) -> None:
    vectors = content.vectors
    assert vectors.shape == (4, content.rows[0].shape[1] + 3)
    torch.testing.assert_close(vectors.norm(dim=1) ** 2, content.known.sum(1).float())
    assert content.described.tolist() == [True, True, False, True]


@pytest.mark.parametrize("number", [3, 5, 0])
def test_other_items(content: ItemContent, number: int, tmp_path: Path) -> None:
    content.save(tmp_path / "c.safetensors")
    with pytest.raises(UserError, match=rf"content must be of {number} items, got \(4, 2\); restore it"):
        load(tmp_path / "c.safetensors", number)


def test_a_flipped_byte_anywhere(content: ItemContent, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    content.save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"c\.safetensors"):
            load(path)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_file_that_was_cut_off(content: ItemContent, kept: int, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    content.save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"c\.safetensors: must be a whole checkpoint, .*restore it"):
        load(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.safetensors: must be a whole checkpoint"):
        load(tmp_path / "none.safetensors")


def test_whole_files_of_something_else(content: ItemContent, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    content.save(path)
    saved = Checkpoint.load(path)
    rows = {f"block.{number}": row for number, row in enumerate(content.rows)}
    wrong = [
        Checkpoint({"rows": torch.eye(2)}, {}),
        Checkpoint(saved.tensors, {**saved.values, "blocks": ["text", "features 1", "images"]}),
        Checkpoint(saved.tensors, {**saved.values, "blocks": 2}),
        Checkpoint(saved.tensors, {**saved.values, "encoders": ["tfidf"]}),
        Checkpoint(saved.tensors, {**saved.values, "words": ["red"]}),
        Checkpoint(saved.tensors, {"blocks": ["text"], "encoders": {}}),
        Checkpoint({**rows, "known": content.known}, saved.values),
        Checkpoint({**saved.tensors, "block.1": torch.zeros(3, 3)}, saved.values),
        Checkpoint(saved.tensors, ["text"]),  # type: ignore[arg-type]
    ]
    for one in wrong:
        one.save(path)
        with pytest.raises(UserError) as caught:
            load(path)
        assert "\n" not in str(caught.value)
