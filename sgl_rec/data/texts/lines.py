"""A text a line."""

from __future__ import annotations

from pathlib import Path

from sgl_rec.data.texts.rows import MOST_CHARACTERS, LeftOut, Texts, fault_of, numbered_lines


def read_lines(path: Path, *, encoding: str | None = None) -> Texts:
    r"""Every line that is not blank, without the blanks around it. The file may be compressed (gzip).

    Args:
        encoding: by default UTF-8, or what the byte-order mark says.

    Raises: UserError for a file that cannot be read or decoded, and for one without a text.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_text("A plane is taking off.\n\nA cat sleeps.\n")
        >>> read_lines(path).text
        ('A plane is taking off.', 'A cat sleeps.')
    """
    kept: list[str] = []
    left_out = LeftOut(path)
    for number, line in numbered_lines(path, encoding=encoding, most=MOST_CHARACTERS):
        if fault := fault_of(line):
            left_out.add(number, "the text", *fault)
        else:
            kept.append(line)
    left_out.refuse_if_all(len(kept))
    return Texts(tuple(kept), left_out=left_out.lines())
