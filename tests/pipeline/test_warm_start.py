"""A new run that begins where an earlier one stopped: which rows, which do not fit, what is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.build import make_encoder
from sgl_rec.pipeline.prepare import prepare
from sgl_rec.pipeline.train import resume
from sgl_rec.pipeline.warm_start import WarmStart
from sgl_rec.settings import merge
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.training.interrupt import Interrupted
from sgl_rec.training.loop import Nobody

SETTINGS: dict[str, Any] = {
    "encoder": {"embedding_dim": 16, "num_layers": 0},  # no hop, so that all is learnt
    "training": {"max_epochs": 30, "batch_size": 256, "learning_rate": 0.02, "patience": 30},
}
SHORT = merge(SETTINGS, {"training": {"max_epochs": 3}})


def clicks(num_users: int) -> pd.DataFrame:
    """People of four tastes, each with half of the items of that taste."""
    generator = np.random.default_rng(0)
    rows = [
        (f"u{user:03d}", int(item))
        for user in range(num_users)
        for item in generator.choice(np.arange(20), 10, replace=False) * 4 + user % 4
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id"])


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> sgl_rec.Run:
    out = tmp_path_factory.mktemp("earlier") / "run"
    return sgl_rec.train(clicks(120), method="lightgcn", out=out, settings=SETTINGS, threads=1)


def warm(earlier: Path, out: Path, frame: pd.DataFrame, settings: Any = SHORT) -> sgl_rec.Run:
    return sgl_rec.train(frame, method="lightgcn", out=out, settings=settings, threads=1, warm_start=earlier)


def test_it_begins_where_the_earlier_run_stopped(
    earlier: sgl_rec.Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "sgl_rec"):
        run = warm(earlier.path, tmp_path / "warm", clicks(123))
    cold = sgl_rec.train(clicks(123), method="lightgcn", out=tmp_path / "cold", settings=SHORT, threads=1)
    last = earlier.metrics["valid"]["ndcg@20"]
    first_warm, first_cold = run.history["ndcg@20"][0], cold.history["ndcg@20"][0]
    print(f"earlier {last:.3f}, warm epoch 1 {first_warm:.3f}, cold epoch 1 {first_cold:.3f}")
    assert abs(first_warm - last) < 0.25 * (last - first_cold)
    assert f"from {earlier.path}: 120 users and 80 items it knows, 3 and 0 are new" in caplog.text
    assert "before the first epoch" in caplog.text
    facts = run.metrics["protocol"]["warm_start"]
    assert (facts["users_known"], facts["users_new"], facts["items_known"], facts["items_new"]) == (120, 3, 80, 0)


def test_known_rows_are_taken_over_and_new_ones_as_fresh(earlier: sgl_rec.Run) -> None:
    frame = pd.concat([clicks(60), pd.DataFrame({"user_id": ["aaa", "zzz"] * 3, "item_id": [900, 901, 0] * 2})])
    settings = merge(SHORT, {"training": {"warm_start": str(earlier.path)}})
    prepared = prepare(frame, method="lightgcn", settings=settings)
    assert prepared.warm is not None
    users, items = prepared.dataset.users, prepared.dataset.items
    encoder: Any = make_encoder(prepared.config, num_users=len(users), num_items=len(items))
    fresh = encoder.initial().user.clone(), encoder.initial().item.clone()
    prepared.warm.apply(encoder)
    table = Checkpoint.load(earlier.folder.model_file).group("encoder")["nodes"]
    known = earlier.folder.data
    parts = (encoder.initial().user, fresh[0], users, known.users, table[:120])
    for rows, new, ids, old_ids, old in (
        parts,
        (encoder.initial().item, fresh[1], items, known.items, table[120:]),
    ):
        place = old_ids.index_of(ids.values.to_numpy())
        assert 0 < (place < 0).sum() < len(place)
        assert torch.equal(rows[place >= 0], old[place[place >= 0]])
        assert torch.equal(rows[place < 0], new[place < 0])


def test_pairs_the_earlier_model_was_trained_on_are_counted(
    earlier: sgl_rec.Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    facts = warm(earlier.path, tmp_path / "same", clicks(120)).metrics["protocol"]["warm_start"]
    assert (facts["valid_trained_on"], facts["test_trained_on"]) == (0, 0), "the same split"
    assert "flatter" not in caplog.text
    other = merge(SHORT, {"data": {"split_seed": 1}})
    run = warm(earlier.path, tmp_path / "other", clicks(120), other)
    old, new = (pd.read_parquet(path / "interactions.parquet") for path in (earlier.path, run.path))
    both = new[new["part"] == "test"].merge(old[old["part"] == "train"], on=["user_id", "item_id"])
    assert run.metrics["protocol"]["warm_start"]["test_trained_on"] == len(both) > 0
    assert f"{len(both)} of the 120 test interactions were in the training of" in caplog.text


class StopAfter(Nobody):
    """Interrupts a run in its second epoch."""

    def on_step(self, *, epoch: int, step: int, terms: Any) -> None:
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("refit", ["none", "valid"])
def test_a_resume_needs_the_earlier_run_no_more(earlier: sgl_rec.Run, tmp_path: Path, refit: str) -> None:
    settings = merge(SHORT, {"training": {"refit": refit}})
    calm = warm(earlier.path, tmp_path / "calm", clicks(123), settings)
    gone = Path(shutil.copytree(earlier.path, tmp_path / "gone"))
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        sgl_rec.train(
            clicks(123), method="lightgcn", out=tmp_path / "cut", settings=settings, threads=1,
            warm_start=gone, observer=StopAfter(),
        )  # fmt: skip
    shutil.rmtree(gone)
    again = resume(tmp_path / "cut", threads=1)
    one, two = (Checkpoint.load(run.folder.model_file).tensors for run in (calm, again))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_damaged_start_is_named(earlier: sgl_rec.Run, tmp_path: Path) -> None:
    run = warm(earlier.path, tmp_path / "warm", clicks(123))
    (run.folder.checkpoints / "search.safetensors").unlink()
    run.folder.metrics_file.unlink()
    whole = bytearray(run.folder.warm_file.read_bytes())
    whole[-5] ^= 1
    run.folder.warm_file.write_bytes(whole)
    with pytest.raises(UserError, match=r"warm_start\.safetensors: must be a whole checkpoint"):
        resume(run.path, threads=1)
    run.folder.warm_file.unlink()
    with pytest.raises(UserError, match=r"warm_start\.safetensors"):
        resume(run.path, threads=1)


@pytest.mark.parametrize(
    ("frame", "settings", "message"),
    [
        (clicks(9).astype({"item_id": str}), {}, r"item ids must be whole numbers as in .*, got text"),
        (clicks(9).assign(user_id=list(range(9)) * 10), {}, r"user ids must be text as in .*, got whole numbers"),
        (clicks(9), {"encoder": {"embedding_dim": 8}}, r"width .* must be 16 as in .*, got 8; set encoder.emb"),
        (clicks(9).assign(item_id=range(500, 590)).replace(r"u", "v", regex=True), {}, "must know some users or"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_file_is_written(
    earlier: sgl_rec.Run, tmp_path: Path, frame: pd.DataFrame, settings: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        warm(earlier.path, tmp_path / "out", frame, merge(SHORT, settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["model.safetensors", "ids.parquet", "config.toml", "manifest.json", ""])
def test_a_damaged_or_missing_run_is_refused(earlier: sgl_rec.Run, tmp_path: Path, file: str) -> None:
    copy = Path(shutil.copytree(earlier.path, tmp_path / "copy"))
    if file:
        (copy / file).write_bytes((copy / file).read_bytes()[:-40])
    else:
        shutil.rmtree(copy)
    with pytest.raises(UserError, match=file or "must be a run folder"):
        warm(copy, tmp_path / "out", clicks(9))
    assert not (tmp_path / "out").exists()


def test_facts_come_back(tmp_path: Path) -> None:
    rows = {"user": torch.ones(1, 2), "item": torch.ones(1, 2)}
    places = {f"{kind}_index": torch.zeros(1, dtype=torch.int64) for kind in rows}
    WarmStart({**rows, **places}, {"run": "r", "users_known": 1}).save(tmp_path / "w.safetensors")
    read = WarmStart.load(tmp_path / "w.safetensors")
    assert read.facts == {"run": "r", "users_known": 1}
    assert torch.equal(read.tensors["user"], rows["user"])


def test_what_the_runs_before_the_earlier_one_have_seen_is_told(tmp_path: Path) -> None:
    """All was in the training of the first; the second, which began with it, hands that on."""
    first = sgl_rec.train(
        clicks(60),
        method="lightgcn",
        out=tmp_path / "first",
        settings=merge(SHORT, {"training": {"refit": "all"}}),
        threads=1,
    )
    second = warm(first.path, tmp_path / "second", clicks(60))
    shutil.rmtree(first.path)
    third = warm(second.path, tmp_path / "third", clicks(60))
    for run in (second, third):
        facts = run.metrics["protocol"]["warm_start"]
        parts = pd.read_parquet(run.path / "interactions.parquet")["part"].value_counts()
        assert (facts["valid_trained_on"], facts["test_trained_on"]) == (parts["valid"], parts["test"])
