"""Natural language inference: what follows from a sentence is its positive, what contradicts it its negative."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sgl_rec.data.texts.rows import (
    MOST_CHARACTERS,
    LeftOut,
    Texts,
    fault_of,
    numbered_lines,
    suffix_of,
    table_rows,
)
from sgl_rec.data.texts.table import Layout
from sgl_rec.errors import must_be

COLUMNS = (("sentence1", "sentence2", "gold_label"), ("premise", "hypothesis", "label"))
"""Premise, hypothesis and label, as SNLI and MultiNLI call them, or in words."""
POSITIVE, NEGATIVE = "entailment", "contradiction"
UNUSED = ("neutral", "-")
"""Labels that are left out: what may be so or not, and what people did not agree on."""
MOST_LINE = 8 * MOST_CHARACTERS
"""Characters of a line of JSON; it has parses of its sentences beside them."""


def read_nli(
    path: Path, *, delimiter: str | None = None, quoting: str | None = None, encoding: str | None = None
) -> Texts:
    r"""Triples of SNLI or MultiNLI: a premise, an entailment of it, and a contradiction of it.

    Each entailment of a premise is a triple, and takes the premise's contradictions in turn; premises without the
    one or the other make none. ``.jsonl`` has an object a line, others are tables with a header. Columns are
    ``sentence1``, ``sentence2`` and ``gold_label``, or ``premise``, ``hypothesis`` and ``label``, a word each.

    Args:
        delimiter, quoting, encoding: of a table, as for ``read_table``; ``.txt`` has tabs, as SNLI's.

    Raises: UserError for a file without these columns, one that cannot be read, and one without a triple.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> rows = ["A man sings.,A man makes music.,entailment", "A man sings.,Nobody sings.,contradiction"]
        >>> _ = path.write_text("premise,hypothesis,label\n" + "\n".join(rows))
        >>> texts = read_nli(path)
        >>> texts.text, texts.other, texts.negative
        (('A man sings.',), ('A man makes music.',), ('Nobody sings.',))

    Reference: Gao et al., "SimCSE: Simple Contrastive Learning of Sentence Embeddings" (EMNLP 2021), section 4.
    Difference: of several contradictions each is taken in turn, where theirs draws one.
    """
    left_out = LeftOut(path)
    if suffix_of(path) == ".jsonl":
        rows = _objects(path, left_out, encoding)
    else:
        of_snli = "tab" if suffix_of(path) == ".txt" else None
        rows = _table(path, left_out, delimiter or of_snli, quoting, encoding)
    # A dict keeps the order and drops what is said twice.
    follows: dict[str, dict[str, None]] = {}
    opposes: dict[str, dict[str, None]] = {}
    unused: Counter[str] = Counter()
    for number, premise, hypothesis, label in rows:
        if label in UNUSED:
            unused[label] += 1
        elif label not in (POSITIVE, NEGATIVE):
            rule = f"{POSITIVE}, {NEGATIVE} or one of {', '.join(UNUSED)}"
            left_out.add(number, "the label", rule, repr(label[:60]))
        elif fault := fault_of(premise) or fault_of(hypothesis):
            left_out.add(number, "the text", *fault)
        else:
            (follows if label == POSITIVE else opposes).setdefault(premise, {})[hypothesis] = None
    return _triples(path, follows, opposes, unused, left_out)


def _triples(
    path: Path,
    follows: dict[str, dict[str, None]],
    opposes: dict[str, dict[str, None]],
    unused: Counter[str],
    left_out: LeftOut,
) -> Texts:
    triples = []
    for premise, positives in follows.items():
        negatives = list(opposes.get(premise, ()))
        for index, positive in enumerate(positives if negatives else ()):
            triples.append((premise, positive, negatives[index % len(negatives)]))
    if not triples:
        left_out.refuse_if_all(len(follows) + len(opposes) + unused.total())
        rule = f"one premise with an {POSITIVE} and a {NEGATIVE}, at least"
        raise must_be(str(path), "the file", rule, "none")
    alone = len(follows.keys() ^ opposes.keys())
    counts = [(unused["neutral"], "neutral pairs"), (unused["-"], "pairs without a label that people agreed on")]
    counts.append((alone, f"premises without an {POSITIVE} or without a {NEGATIVE}"))
    notes = tuple(f"{path}: {number} {what} are left out" for number, what in counts if number)
    text, other, negative = zip(*triples, strict=True)
    return Texts(text, other, negative, left_out=left_out.lines() + notes)


def _table(
    path: Path, left_out: LeftOut, delimiter: str | None, quoting: str | None, encoding: str | None
) -> Iterator[tuple[int, str, str, str]]:
    rows = table_rows(path, delimiter=delimiter, quoting=quoting, encoding=encoding)
    layout = Layout.of(path, rows, columns=())
    names = next((names for names in COLUMNS if set(names) <= set(layout.names)), COLUMNS[0])
    places = [layout.place(name) for name in names]
    for number, fields in rows:
        if fault := layout.fault_of(fields):
            left_out.add(number, *fault)
        else:
            premise, hypothesis, label = (fields[place].strip() for place in places)
            yield number, premise, hypothesis, label


def _objects(path: Path, left_out: LeftOut, encoding: str | None) -> Iterator[tuple[int, str, str, str]]:
    for number, line in numbered_lines(path, encoding=encoding, most=MOST_LINE):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            left_out.add(number, "the line", "an object of JSON", repr(line[:60]))
            continue
        for names in COLUMNS:
            values = [found.get(name) for name in names] if isinstance(found, dict) else []
            spelt = [value.strip() for value in values if isinstance(value, str)]
            if len(spelt) == len(names):
                yield number, spelt[0], spelt[1], spelt[2]
                break
        else:
            rule = "an object with " + " or ".join(", ".join(names) for names in COLUMNS) + " as text"
            left_out.add(number, "the line", rule, repr(line[:60]))
