from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sgl_rec.encoders.text.transformers_folder import transformers_folder
from sgl_rec.errors import MissingDependencyError, UserError

TOKENS = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]])


def encoder(folder: Path, size: int = 10, **arguments: Any) -> Any:
    return transformers_folder(size, 0, folder=str(folder), generator=torch.Generator(), **arguments)


def test_the_states_of_the_library(model_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = encoder(model_folder).eval()
    bert = model.module.model
    alone = bert(TOKENS[1:, :3]).last_hidden_state[0]
    torch.testing.assert_close(model(TOKENS)[1], alone.mean(0))
    torch.testing.assert_close(encoder(model_folder, pooling="cls").eval()(TOKENS)[1], alone[0])
    saved = load_file(model_folder / "model.safetensors")
    assert torch.equal(bert.embeddings.word_embeddings.weight, saved["embeddings.word_embeddings.weight"])
    assert not any(one.requires_grad for one in bert.pooler.parameters())
    assert capfd.readouterr() == ("", "")


def test_weights_that_were_pickled_are_read_as_tensors_alone(model_folder: Path) -> None:
    expected = encoder(model_folder).eval()(TOKENS)
    weights = load_file(model_folder / "model.safetensors")
    (model_folder / "model.safetensors").unlink()
    torch.save(weights, model_folder / "pytorch_model.bin")
    torch.testing.assert_close(encoder(model_folder).eval()(TOKENS), expected)

    class Harm:
        def __reduce__(self) -> Any:
            return Path.touch, (model_folder / "harm",)

    torch.save({"harm": Harm()}, model_folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="must be a model of transformers, got "):
        encoder(model_folder)
    assert not (model_folder / "harm").exists()


def test_code_of_the_folder_is_never_run(model_folder: Path) -> None:
    config = json.loads((model_folder / "config.json").read_text())
    harm = f"open({str(model_folder / 'harm')!r}, 'w')\n"
    (model_folder / "modeling_own.py").write_text(harm + "class Own: ...\n")
    auto = {"AutoConfig": "modeling_own.Own", "AutoModel": "modeling_own.Own"}
    (model_folder / "config.json").write_text(json.dumps(config | {"auto_map": auto}))
    assert encoder(model_folder).embedding_dim == 8, "the library's own of that name"
    (model_folder / "config.json").write_text(json.dumps(config | {"auto_map": auto, "model_type": "own"}))
    with pytest.raises(UserError, match="must be a model of transformers, got ValueError"):
        encoder(model_folder)
    assert not (model_folder / "harm").exists()


def test_what_does_not_fit(model_folder: Path) -> None:
    with pytest.raises(UserError, match="vocabulary_size must be at most the model's 10, got 11"):
        encoder(model_folder, 11)
    with pytest.raises(UserError, match="tokens of a text must be at most 12, got 13; lower length"):
        encoder(model_folder)(torch.full((1, 13), 5))
    path = model_folder / "model.safetensors"
    weights = load_file(path)
    save_file({k: v for k, v in weights.items() if "layer.1" not in k}, path, metadata={"format": "pt"})
    with pytest.raises(
        UserError, match=r"weights must be all those of its config\.json, got none for encoder\.layer"
    ):
        encoder(model_folder)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="must be a model of transformers, got "):
        encoder(model_folder)
    path.unlink()
    with pytest.raises(UserError, match=r"folder must be one with weights \(\.safetensors or \.bin\)"):
        encoder(model_folder)
    with pytest.raises(UserError, match=r"folder must be one with a config\.json"):
        encoder(model_folder / "none")


def test_without_the_library(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers.models.auto", None)
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'sgl-rec\[text\]'"):
        encoder(model_folder)
