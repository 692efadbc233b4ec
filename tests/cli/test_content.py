"""Content of items on the command line: train with it, place new items by it."""

from __future__ import annotations

import importlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.pipeline.demo import write_demo
from sgl_rec.pipeline.train import resume
from tests.killing import run_child

FAST = [
    "--method", "lightgcn", "--max-epochs", "1", "--set", "encoder.embedding_dim=8", "--threads", "1",
    "--set", "content.max_epochs=2", "--set", "content.hidden_dim=16", "--split", "cold-items",
]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``datasets demo`` writes, and a run on the demo's titles with what it said."""
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("content")
    write_demo(folder / "files")
    done = subprocess.run(
        [sys.executable, "-m", "sgl_rec", "train", *FAST, "--item-text", "title", "--out", "run"],
        capture_output=True, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120, check=True,
    )  # fmt: skip
    (folder / "out").write_bytes(done.stdout)
    (folder / "err").write_bytes(done.stderr)
    return folder


@pytest.fixture
def place(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: an own one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def new_items(shop: Path) -> Path:
    return shop / "files" / "new_items.csv"


def test_train_says_what_content_is_worth(shop: Path) -> None:
    shown, said = (shop / "out").read_text(), (shop / "err").read_text()
    assert "content knn" in shown
    assert "content  text of 1,000 items" in said
    assert "taken for cold" in said
    assert said.splitlines()[-1] == "run folder: run"
    metrics = sgl_rec.load_run(shop / "run").metrics
    assert metrics["content"]["blocks"] == {"text": 1000}
    assert metrics["content"]["held"] == 50
    assert (shop / "run" / "content.safetensors").is_file()


def test_a_dry_run_writes_what_it_would_do(call: Any, place: Path) -> None:
    words = ["--item-text", "title, colour", "--text-encoder", "tfidf", "--dry-run"]
    result = call("train", *FAST, *words)
    assert result.code == 0
    assert '[content]\ntext = [\n    "title",\n    "colour",\n]' in result.out
    assert [path for path in place.iterdir() if path.name != "cache"] == []


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        pytest.param(["--item-text", "genre"], ["'genre'", "'title', 'colour', 'pattern', 'material', 'kind'"]),
        (["--item-text", "title,genre"], ["'genre'", "'colour'"]),
        (["--item-text", ""], ["'--item-text': must not be empty"]),
        (["--item-text", ","], ["must have text, images or features, got none of them"]),
        (["--text-encoder", "tfidf"], ["must have text, images or features, got none of them"]),
        (["--item-text", "title", "--text-encoder", "bert"], ["content.text_encoder", "'bert'"]),
        (["--item-images", "none"], ["none"]),
        (["--item-images", "empty"], ["pictures must be called by the id of their item"]),
        (["--item-features", "none.npy"], ["none.npy: the features must be a file"]),
        (["--item-features", "f.npy", "--item-features", "f.txt"], ["f.txt: suffix of features must be .npy"]),
        (["--item-features", "far.csv"], ["far.csv: features must be of items of the data"]),
        (["--item-text", "title", "--set", "content.temperature=0"], ["content.temperature"]),
        (["--item-text", "title", "--set", "content.text_encodr=minilm"], ["did you mean 'text_encoder'"]),
    ],
)
def test_a_fault_of_the_callers(words: list[str], faults: list[str], call: Any, place: Path) -> None:
    (place / "empty").mkdir()
    np.save(place / "f.npy", np.eye(1001))
    (place / "f.txt").write_text("1 2\n")
    (place / "far.csv").write_text("item_id,a\n5000,1\n")
    before = sorted(place.iterdir())
    fault = call("train", *FAST, *words).fault
    assert all(one in fault for one in faults), fault
    assert sorted(place.iterdir()) == before, "no run folder is left"


@pytest.mark.parametrize("option", ["text", "images", "features"])
def test_a_resume_takes_the_content_of_the_run(option: str, call: Any, shop: Path) -> None:
    fault = call("train", "--resume", shop / "run", f"--item-{option}", "x").fault
    assert f"--item-{option} cannot be given with --resume: the run's own settings hold" in fault


def test_data_without_items_has_no_texts(call: Any, place: Path) -> None:
    (place / "log.csv").write_text(
        "user_id,item_id\n" + "".join(f"{u},{i}\n" for u in range(9) for i in range(9))
    )
    fault = call("train", "--dataset", "log.csv", *FAST, "--item-text", "title", "--out", "run").fault
    assert "items must be described by 'title', got nothing; name a file of items" in fault
    assert not (place / "run").exists()


def test_new_items_alone_and_among_all(call: Any, place: Path, shop: Path) -> None:
    (place / "users.txt").write_text("5\n3\n")
    words = ["recommend", shop / "run", "--users", "users.txt", "--new-items", new_items(shop), "--with-titles"]
    alone = call(*words, "--only-new", "--k", "20")
    assert (alone.code, alone.err) == (0, "")
    lists = pd.read_csv(io.StringIO(alone.out))
    assert list(lists.columns) == ["user_id", "item_id", "score", "rank", "title"]
    assert lists["user_id"].tolist() == [5] * 12 + [3] * 12
    assert set(lists["item_id"]) == set(range(1001, 1013))
    titles = pd.read_csv(new_items(shop)).set_index("item_id")["title"]
    assert lists["title"].tolist() == titles[lists["item_id"]].tolist()
    assert call(*words, "--k", "1012", "--include-seen", "--output", "r.csv").code == 0
    everything = pd.read_csv(place / "r.csv")
    assert len(everything) > 2 * (900 + 12)
    among = everything[everything["item_id"] > 1000]
    assert among["item_id"].tolist() == lists["item_id"].tolist(), "in the same order"


def test_similar_of_a_new_item(call: Any, place: Path, shop: Path) -> None:
    result = call("similar", shop / "run", "1001", "--k", "3", "--new-items", new_items(shop))
    assert (result.code, result.err) == (0, "")
    near = pd.read_csv(io.StringIO(result.out))
    assert len(near) == 3
    assert 1001 not in near["item_id"].tolist()
    assert "item must be known to the run, got '1001'" in call("similar", shop / "run", "1001").fault


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("recommend RUN --only-new", "--only-new: must stand with --new-items FILE"),
        ("recommend RUN --item-images p", "must stand with --new-items FILE"),
        ("recommend RUN --item-features f.npy", "must stand with --new-items FILE"),
        ("similar RUN 5 --item-images p", "must stand with --new-items FILE"),
        ("recommend RUN --new-items none.csv", "--new-items: none.csv must be a file of items, got none"),
        ("recommend RUN --new-items old.csv", "items must be new to the run, one or more, got none"),
        (
            "recommend RUN --new-items bare.csv --output r.csv",
            "columns must be those of the run's items, 'title' among them",
        ),
        ("recommend RUN --new-items words.csv", "ids of items must be whole numbers"),
        ("similar RUN 5 --new-items blank.csv", "with content the run can read, one or more, got none"),
        ("recommend RUN --new-items good.csv --item-features good.csv", "good.csv"),
        ("similar RUN 77777 --new-items good.csv", "item must be known to the run"),
        ("recommend runs/demo --new-items good.csv", "the run must be one with content and embeddings"),
        ("recommend RUN --new-items binary.csv", "binary.csv"),
    ],
)
def test_new_items_that_are_none(words: str, fault: str, call: Any, here: Path, shop: Path) -> None:
    for name, text in (
        ("old.csv", "item_id,title\n1,x\n"),
        ("bare.csv", "item_id\n5000\n"),
        ("words.csv", "item_id,title\nabc,red hat\n"),
        ("blank.csv", "item_id,title\n5000,\n"),
        ("good.csv", "item_id,title\n5000,red silk hat\n"),
    ):
        (here / name).write_text(text)
    (here / "binary.csv").write_bytes(b"\xff\xfe\x00\x80item")
    before = {path.name for path in here.iterdir()}
    assert fault in call(*words.replace("RUN", str(shop / "run")).split()).fault
    assert {path.name for path in here.iterdir()} == before


def test_lists_do_not_go_over_the_new_items(call: Any, place: Path, shop: Path) -> None:
    own = shutil.copy(new_items(shop), place / "new.csv")
    before = Path(own).read_bytes()
    fault = call("recommend", shop / "run", "--new-items", "new.csv", "--output", "new.csv").fault
    assert "the output must not be what is read" in fault
    assert Path(own).read_bytes() == before


def test_evaluate_gives_the_same_figures(shop: Path) -> None:
    run = sgl_rec.load_run(shop / "run")
    again = json.loads(json.dumps(run.evaluate()))
    assert {"cold_among_cold", "cold_among_all", "warm_among_all"} == again["cold"].keys()
    for name in ("test", "cold", "interval", "baselines"):
        assert again[name] == run.metrics[name]


def test_pictures_and_features_place_items(call: Any, place: Path, shop: Path) -> None:
    """Of a shop of our own, by the demo's pictures: there are some for its 150 items and for a new one."""
    log().to_csv(place / "log.csv", index=False)
    (place / "new.csv").write_text("item_id\n1001\n")
    np.save(place / "f.npy", np.random.default_rng(0).normal(size=(1002, 3)).astype(np.float16))
    own = ["--item-images", shop / "files" / "pictures", "--item-features", "f.npy"]
    result = call("train", "--dataset", "log.csv", *FAST, *own, "--out", "run")
    assert result.code == 0
    assert "content  images of 149, features 1 of 150 items" in result.err, "there is no item 0"
    words = ["recommend", "run", "--new-items", "new.csv", "--only-new"]
    users = log()["user_id"].nunique()
    assert call(*words, "--output", "r.csv").err == f"{users} lists, {users} rows: r.csv\n"
    assert call(*words, *own, "--output", "s.csv").code == 0
    assert (place / "r.csv").read_bytes() == (place / "s.csv").read_bytes()


def test_the_demos_files(call: Any, place: Path) -> None:
    result = call("datasets", "demo", "shop")
    assert (result.code, result.err) == (0, "")
    assert result.out == "shop: 1,000 items, 12 new ones, 1,012 pictures\n"
    assert "must be a new or an empty folder" in call("datasets", "demo", "shop").fault


# --- kill and resume ---


def log() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    taste = generator.random((60, 4))[:, np.arange(150) % 4] + 0.4 * generator.random((60, 150))
    user, item = np.nonzero(taste > np.quantile(taste, 0.75))
    return pd.DataFrame({"user_id": user, "item_id": item})


def begin(out: Path, features: Path) -> None:
    torch.use_deterministic_algorithms(True)
    settings = {
        "encoder": {"embedding_dim": 8},
        "training": {"max_epochs": 3, "refit": "valid"},
        "content": {"features": [str(features)], "max_epochs": 3, "hidden_dim": 8},
    }
    sgl_rec.train(log(), method="lightgcn", out=out, settings=settings, threads=1)


def begin_to_die(out: Path, features: Path, where: str, calls: int) -> None:
    """The same, but the process is killed at one of the calls of a function."""
    module, _, name = where.partition(":")
    owner, _, attribute = name.rpartition(".")
    holder: Any = importlib.import_module(module)
    holder = getattr(holder, owner) if owner else holder
    real: Callable[..., Any] = getattr(holder, attribute)
    left = [calls]

    def die(*arguments: Any, **more: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)

    setattr(holder, attribute, die)
    begin(out, features)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("calm")
    np.save(folder / "f.npy", np.random.default_rng(2).normal(size=(150, 5)))
    threads = torch.get_num_threads()
    begin(folder / "run", folder / "f.npy")
    torch.set_num_threads(threads)
    return folder


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("sgl_rec.training.loop:Trainer._run_epoch", 2),  # while the recommender learns
        ("sgl_rec.training.loop:Trainer._run_epoch", 5),  # while the tower does
        ("sgl_rec.pipeline.run_folder:RunFolder.write_model", 1),  # when all is measured
    ],
)
def test_killed_half_way_and_resumed_gives_the_same_bytes(
    where: str, calls: int, calm: Path, tmp_path: Path, restored_state: None
) -> None:
    multiprocessing.set_forkserver_preload(["sgl_rec.pipeline.train"])
    assert run_child(begin_to_die, tmp_path / "run", calm / "f.npy", where, calls) == -signal.SIGKILL
    assert not (tmp_path / "run" / "metrics.json").exists()
    resume(tmp_path / "run", threads=1)
    for name in ("model.safetensors", "content.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (calm / "run" / name).read_bytes()
    one, other = (sgl_rec.load_run(folder / "run").metrics for folder in (tmp_path, calm))
    assert one["test"] == other["test"]
    timeless = [
        {key: value for key, value in each["content"].items() if key != "seconds"} for each in (one, other)
    ]
    assert timeless[0] == timeless[1]
    assert one["content"]["held"] > 0
