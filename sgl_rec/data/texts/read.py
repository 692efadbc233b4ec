"""A file of texts in the form that its name says, or that is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sgl_rec.data.texts.lines import read_lines
from sgl_rec.data.texts.nli import read_nli
from sgl_rec.data.texts.rows import DELIMITERS, Texts, suffix_of
from sgl_rec.data.texts.table import read_table
from sgl_rec.errors import must_be


def read_texts(
    path: Path,
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
) -> Texts:
    r"""Texts by ``read_lines``, ``read_table`` or ``read_nli``.

    Args:
        form: by default ``table`` for ``.csv`` and ``.tsv``, ``nli`` for ``.jsonl``, else ``lines``.
        text_column, other_column, negative_column, label_column, score_column, columns: of a table alone.
        delimiter, quoting: of a table, or of inference in one.

    Raises: UserError as they do, and for an argument that the form has no use for.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "pairs.tsv"
        >>> _ = path.write_text('4.5\t"Go," he said.\tHe said go.\n')
        >>> texts = read_texts(path, columns=("score", "a", "b"), text_column="a", other_column="b")
        >>> texts.text, texts.other
        (('"Go," he said.',), ('He said go.',))
    """
    chosen = form or form_of(path)
    of_a_table: dict[str, object] = {
        "text_column": text_column, "other_column": other_column, "negative_column": negative_column,
        "label_column": label_column, "score_column": score_column, "columns": columns or None,
    }  # fmt: skip
    useless = {} if chosen == "table" else of_a_table
    if chosen == "lines":
        useless |= {"delimiter": delimiter, "quoting": quoting}
    for name, value in useless.items():
        if value is not None:
            raise must_be(str(path), name, f"left out for {chosen}", repr(value), "or say form = table")
    if chosen == "lines":
        return read_lines(path, encoding=encoding)
    if chosen == "nli":
        return read_nli(path, delimiter=delimiter, quoting=quoting, encoding=encoding)
    return read_table(
        path,
        text_column=text_column or "text",
        other_column=other_column,
        negative_column=negative_column,
        label_column=label_column,
        score_column=score_column,
        columns=columns,
        delimiter=delimiter,
        quoting=quoting,
        encoding=encoding,
    )


def form_of(path: Path) -> Literal["lines", "table", "nli"]:
    """The form that the suffix says."""
    if suffix_of(path) in DELIMITERS:
        return "table"
    return "nli" if suffix_of(path) == ".jsonl" else "lines"
