"""Texts, pictures and files of vectors -> rows; what an encoder made is not made again."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sgl_rec.config import Content
from sgl_rec.errors import UserError
from sgl_rec.pipeline.content import encode
from sgl_rec.pipeline.content.encode import read_content, settle
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.pretrain.encode import embed_samples, other_samples, read_encoder
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pipeline.pretrain.pretrain import pretrain
from sgl_rec.types import Ids

ITEMS = Ids(pd.Index([4, 1, 7]))
TEXTS = np.array(["red wool hat", "", "red sock"], dtype=object)
SMALL: dict[str, Any] = {
    "encoder": {"width": 16, "num_heads": 2},
    "head": {"output_dim": 8},
    "training": {"max_epochs": 1, "batch_size": 4},
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of ``pretrain text``."""
    folder, threads = tmp_path_factory.mktemp("texts"), torch.get_num_threads()
    (folder / "lines.txt").write_text("red wool hat\nblue sock\ngreen fish\nred silk sock\nold wool\n")
    made = pretrain("text", folder / "lines.txt", settings=SMALL, out=folder / "run", threads=1)
    torch.set_num_threads(threads)
    return made.path


def picture(path: Path, colour: str) -> None:
    image = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.new("RGB", (20, 20), colour).save(path)


@pytest.fixture
def pictures_by_id(tmp_path: Path) -> Path:
    """Of two of the three items, one of them in a folder below; and one of somebody else."""
    folder = tmp_path / "by-id"
    for name, colour in (("4.png", "white"), ("below/7.jpg", "red"), ("99.png", "blue")):
        picture(folder / name, colour)
    return folder


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many samples are encoded at each call."""
    calls: list[int] = []

    def embed(encoder: torch.nn.Module, samples: Samples) -> torch.Tensor:
        calls.append(len(samples))
        return embed_samples(encoder, samples)

    monkeypatch.setattr(encode, "embed_samples", embed)
    return calls


def test_words(caplog: pytest.LogCaptureFixture) -> None:
    content = read_content(Content(text=("title",)), ITEMS, TEXTS)
    rows = content.blocks["text"]
    assert content.known.tolist() == [[True], [False], [True]]
    assert (rows[1] == 0).all()
    assert content.tfidf is not None
    assert torch.equal(content.tfidf([str(text) for text in TEXTS]), rows)
    assert content.encoders == {"text": "tfidf"}
    new = read_content(
        Content(text=("title",)), Ids(pd.Index([8, 9])), np.array(["a red thing", "unknown words"], object),
        kept=content,
    )  # fmt: skip
    assert new.tfidf is content.tfidf
    assert new.known.tolist() == [[True], [False]], "unknown words say nothing"


def test_no_item_has_a_text() -> None:
    with pytest.raises(UserError, match=r"content\.text: items must be with a text, one or more, got none"):
        read_content(Content(text=("title",)), ITEMS, np.array(["", " ", ""], dtype=object))
    with pytest.raises(UserError, match=r"content\.text: it must be asked of the data as it is read"):
        read_content(Content(text=("title",)), ITEMS, None)


def test_pixels_of_pictures_called_by_id(pictures_by_id: Path) -> None:
    content = read_content(Content(images=str(pictures_by_id)), ITEMS, None)
    rows = content.blocks["images"]
    assert rows.shape == (3, 3 * 8 * 8)
    assert content.known[:, 0].tolist() == [True, False, True]
    assert (rows[0] == 1).all()
    assert (rows[1] == 0).all()
    red = rows[2].reshape(3, 64).mean(dim=1)
    assert red[0] > 0.95 > 0.05 > red[1:].max()
    assert (content.encoders, content.notes) == ({"images": "pixels 8"}, ())


def test_a_picture_that_cannot_be_read_is_noted(pictures_by_id: Path) -> None:
    (pictures_by_id / "1.png").write_bytes(b"no picture")
    content = read_content(Content(images=str(pictures_by_id)), ITEMS, None)
    assert content.known[:, 0].tolist() == [True, False, True]
    (note,) = content.notes
    assert note.endswith("1.png: image must be readable, got no picture of a known kind")


def test_of_two_pictures_of_one_item_the_first_by_name_counts(tmp_path: Path) -> None:
    for name, colour in (("4.gif", "black"), ("4.png", "white"), ("z/4.png", "white"), ("a/7.png", "white")):
        picture(tmp_path / "p" / name, colour)
    picture(tmp_path / "p" / "b" / "7.png", "black")
    rows = read_content(Content(images=str(tmp_path / "p")), ITEMS, None).blocks["images"]
    assert (rows[0] == 0).all()
    assert (rows[2] == 1).all()


def test_no_picture_is_of_an_item(pictures_by_id: Path) -> None:
    with pytest.raises(
        UserError, match=r"pictures must be called by the id of their item, as 50\.png, got 4\.png"
    ):
        read_content(Content(images=str(pictures_by_id)), Ids(pd.Index([50, 51])), None)
    with pytest.raises(UserError, match=r"by-id: pictures"):
        read_content(Content(images=str(pictures_by_id)), Ids(pd.Index(["04", "07"])), None)


def test_new_items_need_have_no_picture(pictures_by_id: Path) -> None:
    settings = Content(images=str(pictures_by_id))
    kept = read_content(settings, ITEMS, None)
    new = read_content(settings, Ids(pd.Index([50, 99])), None, kept=kept)
    assert new.known[:, 0].tolist() == [False, True]


def test_new_items_need_have_no_features(tmp_path: Path) -> None:
    """As they need have no picture, and no text that is known."""
    np.save(tmp_path / "f.npy", np.eye(8))
    settings = Content(text=("title",), features=(str(tmp_path / "f.npy"),))
    kept = read_content(settings, ITEMS, TEXTS)
    new = read_content(settings, Ids(pd.Index([50, 99])), np.array(["red", "red"], object), kept=kept)
    assert new.known.tolist() == [[True, False]] * 2


def test_blocks_stand_side_by_side(pictures_by_id: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.eye(5))
    np.save(tmp_path / "g.npy", np.ones((8, 2)))
    content = read_content(
        Content(
            text=("title",), images=str(pictures_by_id),
            features=(str(tmp_path / "f.npy"), str(tmp_path / "g.npy")),
        ),
        ITEMS, TEXTS,
    )  # fmt: skip
    assert list(content.blocks) == ["text", "images", "features 1", "features 2"]
    assert content.known.int().tolist() == [[1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1]]
    assert content.encoders["features 1"] == "5"
    assert content.encoders["features 2"] == "2"


def test_vectors_of_another_width_are_not_taken_for_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.eye(8))
    np.save(tmp_path / "g.npy", np.ones((8, 2)))
    kept = read_content(Content(features=(str(tmp_path / "f.npy"),)), ITEMS, None)
    with pytest.raises(UserError, match=r"content\.features 1: encoder must be the one that the run's own items"):
        read_content(Content(features=(str(tmp_path / "g.npy"),)), ITEMS, None, kept=kept)


def test_a_run_of_pretrain_reads_texts(text_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    settings = Content(text=("title",), text_encoder=str(text_run))
    content = read_content(settings, ITEMS, TEXTS)
    rows = content.blocks["text"]
    assert rows.isfinite().all()
    assert content.known[:, 0].tolist() == [True, False, True]
    assert (rows[1] == 0).all()
    assert (rows[0] != 0).any()
    again = read_content(settings, ITEMS, TEXTS)
    assert torch.equal(again.blocks["text"], rows)
    assert calls == [3], "the second time they came from the cache"
    read_content(settings, Ids(pd.Index([5])), np.array(["blue sock"], object), kept=content)
    assert calls == [3, 1]


def test_a_run_of_pretrain_sees_pictures(
    tiny_pretrain: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    folder = tmp_path / "by-id"
    folder.mkdir()
    for item, name in ((4, "bar-0/0.png"), (7, "bar-3/1.png")):
        (folder / f"{item}.png").write_bytes((pictures / name).read_bytes())
    settings = Content(images=str(folder), image_encoder=str(tiny_pretrain))
    content = read_content(settings, ITEMS, None)
    run = PretrainFolder.open(tiny_pretrain)
    expected = embed_samples(read_encoder(run), other_samples(run, folder))
    torch.testing.assert_close(content.blocks["images"][[0, 2]], expected)
    assert content.known[:, 0].tolist() == [True, False, True]
    calls.clear()
    read_content(settings, ITEMS, None)
    assert calls == []


def test_another_run_is_another_encoder(text_run: Path, tmp_path: Path) -> None:
    settings = Content(text=("title",), text_encoder=str(text_run))
    kept = read_content(settings, ITEMS, TEXTS)
    with pytest.raises(UserError, match=r"content\.text: encoder must be the one"):
        read_content(Content(text=("title",)), ITEMS, TEXTS, kept=kept)
    words = read_content(Content(text=("title",)), ITEMS, TEXTS)
    with pytest.raises(UserError, match=r"content\.text: encoder must be the one"):
        read_content(settings, ITEMS, TEXTS, kept=words)


@pytest.mark.parametrize("content", [b"", b"nothing", None])
def test_a_damaged_cache_is_made_again(
    content: bytes | None, text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    calls = counted(monkeypatch)
    settings = Content(text=("title",), text_encoder=str(text_run))
    before = read_content(settings, ITEMS, TEXTS)
    (file,) = (tmp_path / "cache" / "sgl-rec" / "vectors").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if content is None else content)
    after = read_content(settings, ITEMS, TEXTS)
    assert torch.equal(before.blocks["text"], after.blocks["text"])
    assert calls == [3, 3]
    assert "is damaged; its vectors are computed again" in caplog.text
    assert file.read_bytes() == whole
    assert len(list(file.parent.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_only_slower(
    text_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("no folder")
    content = read_content(Content(text=("title",), text_encoder=str(text_run)), ITEMS, TEXTS)
    assert content.known[:, 0].tolist() == [True, False, True]
    assert "the vectors cannot be kept" in caplog.text


def test_encoders_that_are_none(
    text_run: Path, tiny_pretrain: Path, tiny_run: Path, pictures_by_id: Path
) -> None:
    def text(encoder: object) -> ItemContent:
        return read_content(Content(text=("title",), text_encoder=str(encoder)), ITEMS, TEXTS)

    def images(encoder: object) -> ItemContent:
        return read_content(Content(images=str(pictures_by_id), image_encoder=str(encoder)), ITEMS, None)

    with pytest.raises(UserError, match=r"content\.text_encoder: it must be tfidf, minilm, .*got 'tf-idf'"):
        text("tf-idf")
    with pytest.raises(UserError, match=r"content\.image_encoder: it must be pixels or the folder of a run"):
        images("pixel")
    with pytest.raises(UserError, match=r"must be a run of text or image-text, got one of vision"):
        text(tiny_pretrain)
    with pytest.raises(UserError, match=r"must be a run of vision or image-text, got one of text"):
        images(text_run)
    with pytest.raises(UserError, match=r"must be a run folder"):
        text(pictures_by_id)
    with pytest.raises(UserError, match=r"one of pretrain, got one of train"):
        text(tiny_run)


def test_a_run_that_is_not_finished(text_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(text_run, tmp_path / "run"))
    (run / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"run must be a finished run; go on with: sgl-rec pretrain --resume"):
        read_content(Content(text=("title",), text_encoder=str(run)), ITEMS, TEXTS)


def test_settled_paths_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("pics", "run"):
        (tmp_path / name).mkdir()
    settled = settle(Content(text=("title",), images="pics", features=("f.npy",), text_encoder="run"))
    assert (settled.images, settled.features) == (str(tmp_path / "pics"), (str(tmp_path / "f.npy"),))
    assert (settled.text_encoder, settled.image_encoder) == (str(tmp_path / "run"), "pixels")
    assert settle(settled) == settled


def test_a_folder_with_the_name_of_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pixels").mkdir()
    (tmp_path / "tfidf").mkdir()
    settled = settle(Content(text=("title",), images="pixels"))
    assert (settled.text_encoder, settled.image_encoder) == ("tfidf", "pixels")
    assert settled.images == str(tmp_path / "pixels")


def test_what_is_encoded_is_told_of(text_run: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sgl_rec"):
        read_content(Content(text=("title",), text_encoder=str(text_run)), ITEMS, TEXTS)
    assert "encoding 3 items' content" in caplog.text
