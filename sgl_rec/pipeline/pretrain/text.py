"""Texts: one a sample, or pairs that say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from sgl_rec.data.texts.read import form_of, read_texts
from sgl_rec.data.texts.rows import Texts
from sgl_rec.data.texts.table import column_names
from sgl_rec.encoders.text import TEXT_ENCODERS
from sgl_rec.encoders.text.tokenizer import make_tokenizer, read_tokenizer
from sgl_rec.encoders.text.tokens import Tokenizer, trimmed
from sgl_rec.errors import must_be
from sgl_rec.pipeline.pretrain.modality import Modality, Samples
from sgl_rec.views.tokens import TEXT_VIEWS


def read(
    source: Path,
    *,
    form: Literal["lines", "table", "nli"] | None = None,
    text_column: str | None = None,
    other_column: str | None = None,
    negative_column: str | None = None,
    label_column: str | None = None,
    score_column: str | None = None,
    columns: Sequence[str] = (),
    delimiter: str | None = None,
    quoting: str | None = None,
    encoding: str | None = None,
    min_score: float | None = None,
    max_negative_score: float | None = None,
    tokenizer: str = "words",
    vocabulary_size: int = 30_000,
    length: int = 64,
    kept: str = "",
) -> Samples:
    """The texts of a file, as ids of tokens.

    Args:
        form, text_column, other_column, negative_column, label_column, score_column, columns, delimiter, quoting,
            encoding: see ``data.texts.read.read_texts``.
        min_score: learn from pairs of at least this score alone, as from pairs that say the same.
        max_negative_score: find hard negatives for them among the texts of pairs of at most this, lower, score.
        tokenizer, vocabulary_size, length: see ``encoders.text.tokenizer.make_tokenizer``.
    """
    texts = read_texts(
        source, form=form, text_column=text_column, other_column=other_column, negative_column=negative_column,
        label_column=label_column, score_column=score_column, columns=tuple(columns), delimiter=delimiter,
        quoting=quoting, encoding=encoding,
    )  # fmt: skip
    learnt = None if min_score is None else _at_least(texts, min_score, source=source)
    unlike = () if max_negative_score is None else _unlike(texts, max_negative_score, min_score, source=source)
    made = known_tokenizer(kept, tokenizer, texts.every(), vocabulary_size=vocabulary_size, length=length)
    return replace(
        text_samples(texts.text, made),
        sha256=hashlib.sha256(repr((texts.every(), texts.score)).encode()).hexdigest(),
        label=texts.label,
        classes=texts.classes,
        notes=texts.left_out,
        other=None if texts.other is None else _taker(texts.other, made),
        negative=None if texts.negative is None else _taker(texts.negative, made),
        unlike=text_samples(unlike, made) if unlike else None,
        score=texts.score,
        learnt=learnt,
    )


def text_samples(texts: Sequence[str], tokenizer: Tokenizer) -> Samples:
    """Texts as ids of a tokenizer."""
    padding_id = tokenizer.padding_id
    return Samples(
        take=_taker(texts, tokenizer),
        shape=(tokenizer.vocabulary_size, padding_id),
        names=tuple(" ".join(text.split()) for text in texts),
        sha256=hashlib.sha256(repr(tuple(texts)).encode()).hexdigest(),
        words=tokenizer,
        given={"padding_id": padding_id, "mask_id": tokenizer.mask_id, "special_ids": tokenizer.special_ids},
        kept=tokenizer.to_json(),
    )


def known_tokenizer(
    kept: str, name: str, texts: Sequence[str], *, vocabulary_size: int, length: int
) -> Tokenizer:
    """The one that a run has kept, else one by its name (``encoders.text.tokenizer.make_tokenizer``)."""
    if kept:
        return read_tokenizer(kept, where="kept.json")
    return make_tokenizer(name, texts, vocabulary_size=vocabulary_size, length=length)


def _at_least(texts: Texts, min_score: float, *, source: Path) -> Tensor:
    chosen = (_scores(texts, "min_score", source) >= min_score).nonzero()[:, 0]
    if not len(chosen):
        raise must_be(f"{source}", "pairs", f"of a score of at least {min_score:g}, one or more", "none")
    return chosen


def _unlike(texts: Texts, max_score: float, min_score: float | None, *, source: Path) -> tuple[str, ...]:
    """The texts of pairs scored so low, each once."""
    if min_score is None or max_score >= min_score:
        rule = f"below data.min_score, {'which is not given' if min_score is None else f'{min_score:g}'}"
        raise must_be(f"{source}", "data.max_negative_score", rule, max_score, "pairs as low are no positives")
    if texts.negative is not None:
        rule = "left out where data.negative_column has them"
        raise must_be(f"{source}", "data.max_negative_score", rule, max_score)
    low = (_scores(texts, "max_negative_score", source) <= max_score).nonzero()[:, 0].tolist()
    found = dict.fromkeys(side[row] for side in (texts.text, texts.other or ()) for row in low)
    if not found:
        raise must_be(f"{source}", "pairs", f"of a score of at most {max_score:g}, one or more", "none")
    return tuple(found)


def _scores(texts: Texts, key: str, source: Path) -> Tensor:
    if texts.score is None:
        raise must_be(f"{source}", f"data.{key}", "given with data.score_column", "none")
    return texts.score


def _taker(texts: Sequence[str], tokenizer: Tokenizer) -> Callable[[Tensor], Tensor]:
    """Indices -> ids, no wider than the longest of these texts."""
    tokens = tokenizer(texts).int()  # half the memory of the ids an encoder takes
    return lambda index: trimmed(tokens[index].long(), padding_id=tokenizer.padding_id)


TOKENIZING = ("tokenizer", "vocabulary_size", "length")


def fitting(path: Path, known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What a run says of its own file, as far as another one has it: columns of a table that it does not need."""
    form = said.get("form") or known.get("form") or form_of(path)
    if form == "table":
        return fitting_table(path, known, said, optional=("other_column", "label_column", "score_column"))
    useless = OF_A_TABLE if form == "lines" else OF_A_TABLE - {"delimiter", "quoting"}
    return {key: value for key, value in known.items() if key not in useless}


def fitting_table(
    path: Path, known: Mapping[str, Any], said: Mapping[str, Any], *, optional: Sequence[str]
) -> dict[str, Any]:
    """The same of a table: without those of the optional columns that it has not."""
    given = {**known, **said}
    how = {key: given.get(key) for key in ("delimiter", "quoting", "encoding")}
    there = given.get("columns") or column_names(path, **how)
    return {key: value for key, value in known.items() if key not in optional or value in there}


OF_A_TABLE = frozenset(
    ("text_column", "other_column", "label_column", "score_column", "columns", "delimiter", "quoting")
)
"""Keys that say nothing of lines; those of columns say nothing of NLI files either."""
LEARNING = ("negative_column", "min_score", "max_negative_score")
TEXT = Modality(
    read, TEXT_ENCODERS, TEXT_VIEWS, method="simcse", learnt_by=TOKENIZING, learning=LEARNING, fitting=fitting
)
