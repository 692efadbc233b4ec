from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.encoders.text.hub import FILES, model_folder, settled
from sgl_rec.encoders.text.tokenizer import make_tokenizer
from sgl_rec.encoders.text.transformers_folder import transformers_folder
from sgl_rec.errors import MissingDependencyError, UserError

hub = pytest.importorskip("huggingface_hub")


def test_a_model_of_the_hub_is_the_folder_that_it_is_kept_in(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    kept: Path = request.getfixturevalue("model_folder")
    asked: list[Any] = []

    def fetch(model: str, *, revision: str | None, allow_patterns: list[str], ignore_patterns: list[str]) -> str:
        assert ignore_patterns == ["*/*"]
        asked.append((model, revision, allow_patterns))
        return str(kept)

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    tokenizer = make_tokenizer("hub:someone/model", [])
    encoder = transformers_folder(
        tokenizer.vocabulary_size, 0, folder="hub:someone/model@abc", generator=torch.Generator()
    )
    assert encoder(tokenizer(["a cat"])).shape == (1, encoder.embedding_dim)
    assert asked == [("someone/model", None, list(FILES)), ("someone/model", "abc", list(FILES))]


def test_nothing_that_is_pickled_or_run_is_fetched() -> None:
    from fnmatch import fnmatch

    for name in ("pytorch_model.bin", "modeling_own.py", "model.pt", "weights.pkl", "onnx/model.onnx"):
        assert not any(fnmatch(name, pattern) for pattern in FILES), name
    for name in ("model.safetensors", "model-00001-of-00002.safetensors", "config.json", "tokenizer.json"):
        assert any(fnmatch(name, pattern) for pattern in FILES), name


def test_what_the_cache_has_is_read_without_a_network(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    with pytest.raises(UserError, match="here: a model of the hub must be one that can be fetched, got "):
        model_folder("hub:someone/model@main", where="here")
    commit = "0" * 40
    shutil.copytree(request.getfixturevalue("model_folder"), cache / "models--someone--model/snapshots" / commit)
    (cache / "models--someone--model/refs").mkdir()
    (cache / "models--someone--model/refs/main").write_text(commit)
    for name in ("hub:someone/model", "hub:someone/model@main", f"hub:someone/model@{commit}"):
        assert model_folder(name, where="here").name == commit
        assert settled(name, where="here") == f"hub:someone/model@{commit}"


@pytest.mark.parametrize("name", ["hub:", "hub:a b", "hub:a/b/c"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(UserError, match="check its name and the network, or name a folder with its files"):
        model_folder(name, where="here")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sgl-rec\[text\]'"):
        model_folder("hub:someone/model", where="here")
