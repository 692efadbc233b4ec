"""``sgl-rec probe``: a run and labelled samples in, figures out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")


def test_figures_to_stdout_and_to_a_file(call: Any, tiny_pretrain: Path, pictures: Path, tmp_path: Path) -> None:
    words = ("--set", 'data.only=["*/[4-7].png"]', "--train-set", 'data.only=["*/[0-3].png"]', "--quiet")
    path = tmp_path / "f.json"
    result = call("probe", tiny_pretrain, pictures, "--train", pictures, *words, "--output", path)
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["trained", "before", "raw"]
    assert lines[1][:2] == ["knn", "accuracy"]
    assert lines[1][-1] == "1.0000"
    assert lines[5][:2] == ["linear", "accuracy"]
    assert json.loads(path.read_text())["knn"]["raw"]["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--probe", "knn"), "knn must be given other samples to learn from"),
        (("--probe", "svn"), "did you mean 'svm'?"),
        (("--folds", "9", "--probe", "svm"), "svm: num_folds must be at most 8, the rows of the smallest class"),
        (("--train", "nowhere"), "nowhere"),
    ],
)
def test_one_line_for_a_fault(
    words: tuple[str, ...], message: str, call: Any, tiny_pretrain: Path, pictures: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    result = call("probe", tiny_pretrain, pictures, *words, "--output", "f.json")
    assert message in result.fault
    assert list(tmp_path.iterdir()) == []


def test_finetuned_beside_a_start_from_scratch(call: Any, tiny_pretrain: Path, pictures: Path) -> None:
    words = ("--train", pictures, "--finetune", "--labels", "0.5,1", "--steps", "2", "--quiet")
    result = call("probe", tiny_pretrain, pictures, *words)
    assert result.code == 0, result.err
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["pretrained", "scratch"]
    assert [line[:2] for line in lines if "labels" in line] == [["0.5", "labels"], ["1", "labels"]]
    assert "--finetune is given with --train" in call("probe", tiny_pretrain, pictures, "--finetune").fault
    assert "--labels is given with --finetune" in call("probe", tiny_pretrain, pictures, "--labels", "1").fault
    assert "--steps is given with --finetune" in call("probe", tiny_pretrain, pictures, "--steps", "9").fault
    wrong = call("probe", tiny_pretrain, pictures, "--train", pictures, "--finetune", "--labels", "all")
    assert "must be numbers as 0.1,1, got 'all'" in wrong.fault


def test_how_train_is_read_without_train(call: Any, tiny_pretrain: Path, pictures: Path) -> None:
    fault = call("probe", tiny_pretrain, pictures, "--train-set", "data.size=8").fault
    assert "--train-set is given with --train" in fault


def test_prompts_are_for_samples_with_texts(call: Any, tiny_pretrain: Path, pictures: Path) -> None:
    words = ("--probe", "zero_shot", "--prompt", "a drawing of {}")
    assert "samples must be texts or pairs with texts" in call("probe", tiny_pretrain, pictures, *words).fault
    words = ("--train", pictures, "--finetune", "--prompt", "{}")
    assert "without --probe and --prompt" in call("probe", tiny_pretrain, pictures, *words).fault
