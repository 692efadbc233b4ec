"""``sgl-rec train``: what it says, what it writes, what it refuses."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sgl_rec.files import lock

FAST = ["--method", "lightgcn", "--max-epochs", "2", "--set", "encoder.embedding_dim=8", "--threads", "1"]
DATA = {"dataset": "demo", "split": "random", "split_seed": 0, "valid_share": 0.1, "test_share": 0.1}


def test_figures_go_to_stdout_and_all_else_to_stderr(spawn: Any, tmp_path: Path) -> None:
    result = spawn("train", *FAST, "--out", "own", "--k", "5,20")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["test", "lightgcn", "popularity"]
    metrics = json.loads((tmp_path / "own" / "metrics.json").read_text())
    shown = {
        line.split()[0]: line.split()[1:] for line in lines[1:] if "@" in line and not line.startswith("NOTE")
    }
    assert shown.keys() == metrics["test"].keys()
    assert float(shown["ndcg@20"][0]) == pytest.approx(metrics["test"]["ndcg@20"], abs=5e-5)
    assert float(shown["ndcg@20"][1]) == pytest.approx(metrics["baselines"]["popularity"]["ndcg@20"], abs=5e-5)
    for said in (
        "method   lightgcn",
        "demo@",
        "2,000 users, 1,000 items, 60,000",
        "split    random",
        "device   ",
    ):
        assert said in result.err
    assert result.err.splitlines()[-1] == "run folder: own"
    # No terminal: no control codes, and one line an epoch.
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.out + result.err)
    epochs = [line for line in result.err.splitlines() if " epoch " in line]
    assert [line.split(":")[0] for line in epochs] == ["search epoch 1", "search epoch 2"]
    assert all("loss " in line and "valid ndcg@20 " in line for line in epochs)


def test_a_terminal_shows_a_bar_and_stdout_stays_clean(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sgl_rec", "train", *FAST, "--out", "own"],
        stdout=subprocess.PIPE, stderr=slave, cwd=tmp_path, env=environment,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert process.stdout is not None
    out = process.stdout.read()
    process.stdout.close()
    assert process.wait() == 0
    text = shown.decode()
    assert "\x1b[" in text
    assert "epoch 2/2" in text
    assert "loss 0." in text
    assert "valid ndcg@20" in text
    assert text.rstrip().endswith("run folder: own")
    assert b"\x1b" not in out
    assert out.startswith(b"test")


def test_quiet_says_only_the_figures(call: Any, here: Path) -> None:
    result = call("train", *FAST, "--out", "own", "--quiet")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("test")
    assert "epoch 2" in (here / "own" / "log.txt").read_text()


def test_without_out_every_run_has_a_folder_of_its_own(call: Any, here: Path) -> None:
    for _ in range(2):
        assert call("train", *FAST, "--max-epochs", "1").code == 0
    made = [path for path in (here / "runs").iterdir() if path.name != "demo"]
    assert len(made) == 2
    for path in made:
        assert re.fullmatch(r"demo-lightgcn-\d{8}T\d{6}(-\d+)?", path.name)


def test_dry_run_shows_the_config_and_writes_nothing(call: Any, here: Path) -> None:
    before = sorted(here.rglob("*"))
    result = call("train", "--dry-run", "--threads", "1", "--set", "training.batch_size=77")
    assert result.code == 0
    shown = tomllib.loads(result.out)
    assert shown["training"]["batch_size"] == 77
    assert shown["method"] == "sgl-ed"
    assert shown["data"] == DATA
    assert re.search(r"# expected memory: \d+ MB", result.out)
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--dataset ./nothing", "must be a folder with interactions"),
        ("--method lightgc", "did you mean 'lightgcn'"),
        ("--method absent.toml", "--method: absent.toml must be a method's file, got none; check the path"),
        ("--split lightgcnpp", "lightgcnpp"),
        ("--config absent.toml", "absent.toml: config file must exist"),
        ("--set training.lerning_rate=1", "did you mean 'learning_rate'"),
        ("--set views.drop_rat=0.5", "did you mean 'drop_rate'"),
        ("--set loss.contrastive.temperatur=1", "did you mean 'temperature'"),
        ("--set encoder.name=gcn", "known: "),
        ("--set training.learning_rate=fast", "training.learning_rate"),
        ("--set training=5", "training"),
        ("--set loss=5", "loss"),
        ("--set data=5", "data"),
        ("--set method=5", "method"),
        ("--set nonsense", "section.key=value"),
        ("--set views.drop_rate=1.5", "drop_rate must be"),
        ("--set encoder.embedding_dim=0", "embedding_dim must be"),
        ("--set encoder.num_layers=-1", "num_layers must be"),
        ("--set loss.contrastive.temperature=0", "temperature must be"),
        ("--set loss.contrastive.candidates=some", "candidates"),
        ("--set training.metric=ndgc@20", "did you mean 'ndcg'"),
        ("--set training.metric=ndcg", "training.metric"),
        ("--k 0", "--k"),
        ("--k ten", "--k"),
        ("--k 10,,20", "--k"),
        ("--seed -1", "--seed"),
        ("--max-epochs 0", "--max-epochs"),
        ("--threads 0", "--threads"),
        ("--device tpu", "--device"),
        ("--device cuda:99", "--device"),
        ("--refit most", "--refit"),
        ("--out runs/demo", "--overwrite"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_line_and_no_run(call: Any, here: Path, words: str, fault: str) -> None:
    before = sorted(here.rglob("*"))
    assert fault in call("train", *words.split()).fault
    assert sorted(here.rglob("*")) == before


def test_an_unknown_data_set_names_the_nearest(call: Any, here: Path) -> None:
    result = call("train", "--dataset", "dmeo")
    assert result.code == 2
    assert "did you mean 'demo'" in result.err


@pytest.mark.parametrize(
    "words",
    ["--seed 3", "--dataset demo", "--method lightgcn", "--set training.seed=3", "--max-epochs 9", "--k 5",
     "--precision bfloat16", "--backend torch", "--refit all", "--split random", "--out other", "--overwrite",
     "--config x.toml", "--dry-run"],
)  # fmt: skip
def test_resume_refuses_what_would_change_the_result(call: Any, here: Path, words: str) -> None:
    assert (
        f"{words.split()[0]} cannot be given with --resume"
        in call("train", "--resume", "runs/demo", *words.split()).fault
    )


def test_resume_of_a_finished_run_shows_its_figures(call: Any, here: Path) -> None:
    result = call("train", "--resume", "runs/demo", "--threads", "1")
    assert result.code == 0
    assert "is finished; nothing is left to do" in result.err
    assert result.out.startswith("test")


def test_resume_of_nothing_is_one_line(call: Any, here: Path) -> None:
    assert "must be a run folder" in call("train", "--resume", "runs/none").fault


def test_overwrite_replaces_a_run(call: Any, here: Path) -> None:
    result = call("train", *FAST, "--out", "runs/demo", "--overwrite", "--seed", "9", "--max-epochs", "1")
    assert result.code == 0
    assert json.loads((here / "runs/demo/metrics.json").read_text())["protocol"]["seed"] == 9
    assert (here / "runs/demo/log.txt").read_text().count("search epoch") == 1


def test_other_cut_offs_than_the_metrics(call: Any, here: Path) -> None:
    result = call("train", *FAST, "--out", "own", "--k", "5")
    assert result.code == 0, result.err
    assert {name.split("@")[1] for name in json.loads((here / "own/metrics.json").read_text())["test"]} >= {"5"}


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
@pytest.mark.parametrize("beside", ["nothing", "a run", "a config.toml"])
def test_files_of_somebody_elses_are_never_touched(
    call: Any, here: Path, beside: str, options: list[str]
) -> None:
    out = here / ("runs/demo" if beside == "a run" else "own")
    (out / "thesis").mkdir(parents=True)
    (out / "thesis" / "chapter.tex").write_text("years of work")
    if beside == "a config.toml":
        (out / "config.toml").write_text("[somebody]\nelse = 1\n")
    before = sorted(out.rglob("*"))
    assert "got other files" in call("train", *FAST, "--out", out, *options).fault
    assert sorted(out.rglob("*")) == before


def test_somebody_elses_lone_config_is_no_run(call: Any, here: Path) -> None:
    (here / "own").mkdir()
    (here / "own" / "config.toml").write_text("[somebody]\nelse = 1\n")
    assert "got other files (config.toml)" in call("train", *FAST, "--out", "own", "--overwrite").fault


def test_out_that_is_a_file_or_below_one_is_refused(call: Any, here: Path) -> None:
    (here / "file").write_text("x")
    assert "must be a folder, got a file" in call("train", *FAST, "--out", "file").fault
    assert "cannot be made" in call("train", *FAST, "--out", "file/below").fault


def test_an_empty_folder_may_be_given(call: Any, here: Path) -> None:
    (here / "own").mkdir()
    assert call("train", *FAST, "--max-epochs", "1", "--out", "own").code == 0


def test_a_second_writer_is_refused(call: Any, here: Path) -> None:
    before = (here / "runs/demo/config.toml").read_text()
    with lock(here / "runs/demo/lock", who="the first"):
        assert "another process is writing here" in call("train", "--resume", "runs/demo").fault
        assert "another process" in call("train", *FAST, "--out", "runs/demo", "--overwrite").fault
    assert (here / "runs/demo/config.toml").read_text() == before


def test_defaults_method_config_options_in_this_order(call: Any, here: Path) -> None:
    (here / "my.toml").write_text(
        'method = "lightgcn"\n[data]\nsplit_seed = 3\n'
        "[training]\nlearning_rate = 0.5\nbatch_size = 10\nseed = 1\n"
    )
    words = ["--config", "my.toml", "--set", "training.batch_size=20", "--seed", "2", "--dry-run"]
    shown = tomllib.loads(call("train", *words).out)
    assert shown["method"] == "lightgcn"
    assert "views" not in shown
    assert shown["data"] == DATA | {"split_seed": 3}
    training = shown["training"]
    assert (training["learning_rate"], training["batch_size"], training["seed"]) == (0.5, 20, 2)
    assert training["patience"] == 10
    over = tomllib.loads(call("train", *words, "--method", "sgl-nd").out)
    assert (over["method"], over["views"]["name"]) == ("sgl-nd", "node_drop")


def test_precision_and_backend(call: Any, here: Path) -> None:
    shown = tomllib.loads(call("train", "--precision", "bfloat16", "--backend", "torch", "--dry-run").out)
    assert (shown["training"]["precision"], shown["training"]["backend"]) == ("bfloat16", "torch")
    shown = tomllib.loads(call("train", "--dry-run").out)
    assert shown["training"]["precision"] in ("float32", "bfloat16"), "auto is settled before it is written"


def test_a_backend_that_cannot_run_there_leaves_no_run(
    call: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)  # there it could
    fault = call("train", "--backend", "cuda", "--device", "cpu", "--out", "own").fault
    assert "backend must be one for cpu, got 'cuda'; leave --backend out" in fault
    assert not (here / "own").exists()


def test_the_data_set_of_a_config_file_is_the_one_that_is_read(call: Any, here: Path) -> None:
    rows = [f"u{user},i{(user * 7 + step) % 13}" for user in range(20) for step in range(6)]
    (here / "shop.csv").write_text("\n".join(["user_id,item_id", *rows]) + "\n")
    (here / "my.toml").write_text('[data]\ndataset = "shop.csv"\n')
    for words in (["--config", "my.toml"], ["--set", "data.dataset=shop.csv"]):
        result = call("train", *words, "--dry-run", "--threads", "1")
        assert "20 users, 13 items" in result.err
        assert tomllib.loads(result.out)["data"]["dataset"] == "shop.csv"
    result = call("train", "--config", "my.toml", "--dataset", "demo", "--dry-run", "--threads", "1")
    assert tomllib.loads(result.out)["data"]["dataset"] == "demo"
    assert "2,000 users" in result.err


def test_a_runs_own_config_makes_the_same_run(call: Any, here: Path) -> None:
    result = call("train", "--config", "runs/demo/config.toml", "--out", "again", "--threads", "1")
    assert result.code == 0
    first, second = (json.loads((here / name / "metrics.json").read_text()) for name in ("runs/demo", "again"))
    assert first["test"] == second["test"]
    assert (here / "again/config.toml").read_text() == (here / "runs/demo/config.toml").read_text()


@pytest.mark.parametrize(
    ("option", "parts"), [(["--refit"], ["train", "valid"]), (["--refit", "all"], ["train", "valid", "test"])]
)
def test_refit(call: Any, here: Path, option: list[str], parts: list[str]) -> None:
    result = call("train", *FAST, "--out", "own", *option)
    assert result.code == 0, result.err
    metrics = json.loads((here / "own/metrics.json").read_text())
    assert metrics["model_trained_on"] == parts
    measured = ["train"] if option == ["--refit", "all"] else parts
    assert metrics["protocol"]["trained_on"] == measured
    again = call("evaluate", "own")
    if option == ["--refit", "all"]:
        first = json.loads((here / "runs/demo/metrics.json").read_text())
        assert metrics["test"] == first["test"], "the figures are fixed before the refit"
        assert "trained on all interactions" in again.fault
        assert call("recommend", "own", "--k", "1", "--output", "r.csv").code == 0
    else:
        assert again.code == 0
        assert result.out == again.out


@pytest.mark.data
def test_refit_of_a_published_split_is_an_error(call: Any, here: Path, data_root: Path) -> None:
    words = ["--dataset", "ml-1m", "--split", "lightgcnpp", "--refit"]
    assert "must have no published validation part, got 'lightgcnpp'" in call("train", *words).fault
    assert not (here / "runs" / "ml-1m").exists()


@pytest.mark.data
def test_an_absent_split_names_those_that_are_there(call: Any, here: Path, data_root: Path) -> None:
    assert "lightgcnpp" in call("train", "--dataset", "ml-1m", "--split", "lightgcn", "--dry-run").fault


def test_set_goes_over_the_short_options(call: Any, here: Path) -> None:
    words = ("--max-epochs", "1", "--set", "training.max_epochs=2")
    result = call("train", "--dry-run", "--threads", "1", *words)
    assert tomllib.loads(result.out)["training"]["max_epochs"] == 2


def test_a_method_file_gives_its_own_name(call: Any, here: Path) -> None:
    text = (here / "runs/demo/config.toml").read_text()
    (here / "my.toml").write_text(text.replace('method = "lightgcn"', 'method = "mine"'))
    result = call("train", "--method", "my.toml", "--dry-run", "--threads", "1")
    assert tomllib.loads(result.out)["method"] == "mine"


def test_a_warm_start_says_what_it_knows(call: Any, here: Path) -> None:
    words = ["train", *FAST, "--max-epochs", "1"]
    shown = call(*words, "--warm-start", "runs/demo", "--dry-run")
    assert "from runs/demo: 2,000 users and 1,000 items it knows, 0 and 0 are new" in shown.err
    assert 'warm_start = "runs/demo"' in shown.out
    assert "--warm-start cannot be given" in call("train", "--resume", "runs/demo", "--warm-start", "x").fault
    (here / "runs/demo/model.safetensors").write_bytes(b"half")
    for run, fault in (("absent", "absent: must be a run folder"), ("runs/demo", "model.safetensors: must be")):
        assert fault in call(*words, "--warm-start", run, "--out", "new").fault
        assert not (here / "new").exists()
