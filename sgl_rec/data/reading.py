"""How a file of the caller's own is read and cleaned: which column is what, how it is spelt, what is left out."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sgl_rec.errors import UserError, must_be

REQUIRED = ("user_id", "item_id")
OPTIONS = {
    "user_id": "user_column",
    "item_id": "item_column",
    "rating": "rating_column",
    "timestamp": "time_column",
    "weight": "weight_column",
    "title": "title_column",
    "part": "split_column",
}
"""The names columns have inside -> the setting that says what they are called in the file."""
QUOTING = ("auto", "rfc4180", "none")
ASKED_ONLY = ("weight", "title", "part")
"""Columns that are looked at only where a setting names them."""


@dataclass(frozen=True)
class Reading:
    r"""The settings ``data.*`` that concern one file of interactions; by default it is read as it stands.

    Args:
        user_column, item_column, time_column, rating_column: names in the file, by default ``user_id``,
            ``item_id``, ``timestamp``, ``rating`` (the latter two where they are there).
        weight_column: how much a row counts. Weights are summed per pair, and a sum of 0 or less (a cancelled
            order) is no interaction; the graph does not use them otherwise.
        title_column: a text per item, in the file itself or in ``items``.
        split_column: says train, valid or test in every row: a fixed split.
        columns: names of the columns of a file that has no header.
        delimiter: one character, or ``tab``; by default the one the first line has most of.
        quoting: ``auto`` (the default): values may be quoted, and over several lines, of which none may look like
            a row; ``rfc4180``: such lines too; ``none``: a quote is a sign like any other. Of ``items`` as well.
        encoding: of a text file; by default UTF-8, or what its byte-order mark says.
        time_format: ``auto`` (the default: unix seconds or milliseconds by their size, or ISO 8601), ``iso``,
            ``s``, ``ms``, ``us``, ``ns``, or a pattern such as ``%d/%m/%Y``.
        min_rating: rows rated below it are no interactions, and yet their items are not recommended.
        exclude_items: ids of items that are left out; ``@file`` stands for the lines of a file.
        k_core: users and items with fewer interactions are left out, again and again until there are none.
        items: a file of items with an id and a title each.
        item_text: columns of the table of items (``items``, or the one that lies with the data) that make the
            text of an item, as ``title`` and ``genres``.
    """

    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    weight_column: str | None = None
    rating_column: str | None = None
    title_column: str | None = None
    split_column: str | None = None
    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    quoting: str | None = None
    encoding: str | None = None
    time_format: str | None = None
    min_rating: float | None = None
    exclude_items: tuple[str, ...] | None = None
    k_core: int | None = None
    items: str | None = None
    item_text: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.delimiter is not None and self.delimiter not in _SPELT and len(self.delimiter.encode()) != 1:
            raise must_be("--delimiter", "it", "one ASCII character, or tab", repr(self.delimiter))
        if self.quoting not in (None, *QUOTING):
            raise must_be("--quoting", "it", ", ".join(QUOTING), repr(self.quoting))
        if self.encoding is not None:
            try:
                codec = codecs.lookup(self.encoding)
                is_text = codec._is_text_encoding and codec.name not in _OF_NAMES  # rot13, base64, zlib are none
            except (LookupError, ValueError):
                is_text = False
            if not is_text:
                advice = "for example utf-8, latin-1, cp1252 or utf-16"
                raise must_be("--encoding", "it", "a known encoding of text", repr(self.encoding), advice)

    @property
    def separator(self) -> str | None:
        """The delimiter as a character, None where it is to be guessed."""
        return None if self.delimiter is None else _SPELT.get(self.delimiter, self.delimiter)

    @property
    def of_a_table(self) -> list[str]:
        """The options given that only a table with named columns can follow."""
        asked = ("user_column", "item_column", "time_column", "weight_column", "rating_column", "split_column",
                 "columns", "delimiter", "quoting", "encoding")  # fmt: skip
        return [option_of(name) for name in asked if getattr(self, name) is not None]

    @property
    def filters(self) -> bool:
        """Whether interactions are left out that would count otherwise."""
        return any(
            value is not None for value in (self.weight_column, self.min_rating, self.exclude_items, self.k_core)
        )

    def choose(self, header: Sequence[object], *, where: str) -> dict[str, str]:
        """The names inside -> the names in the file, of the columns there are. A name is never guessed.

        Raises: UserError when an id column, or one a setting names, is missing, or a wanted name stands twice.

        Example:
            >>> Reading(item_column="sku").choose(["sku", "price", "user_id"], where="shop.csv")
            {'user_id': 'user_id', 'item_id': 'sku'}
        """
        found = [str(name) for name in header]
        chosen = {}
        for inside, option in OPTIONS.items():
            asked: str | None = getattr(self, option)
            if inside == "title" and self.items is not None:
                continue  # then it is a column of the items file
            if asked is None and inside in ASKED_ONLY:
                continue
            name = inside if asked is None else asked
            if found.count(name) > 1:
                raise must_be(where, "column names", "distinct", f"{name!r} twice", "remove one")
            if name in found:
                chosen[inside] = name
            elif asked is not None or inside in REQUIRED:
                raise no_column(name, found, option_of(option), where)
        if chosen["user_id"] == chosen["item_id"]:
            rule = "two columns: --user-column and --item-column"
            raise must_be(where, "the ids", rule, f"{chosen['user_id']!r} for both")
        if self.min_rating is not None and "rating" not in chosen:
            raise no_column("rating", found, option_of("rating_column"), where)
        return chosen

    def check_unnamed(self, columns: Sequence[str], *, where: str) -> None:
        """Of a format whose columns have no names. Raises: UserError for a setting of a column that it lacks."""
        title = None if self.items is not None else self.title_column  # of the items file, where there is one
        for option, asked, column in (
            ("min_rating", self.min_rating, "rating"),
            ("title_column", title, "title"),
        ):
            if asked is not None and column not in columns:
                rule, got = f"for data with a {column}", f"data with {', '.join(columns)} only"
                raise must_be(where, option_of(option), rule, got, "leave it out")

    def excluded(self) -> list[str]:
        """The ids of ``exclude_items``, with the lines of its files. Raises: UserError for an absent file."""
        ids: list[str] = []
        for word in self.exclude_items or ():
            if not word.startswith("@"):
                ids.append(word)
                continue
            try:
                lines = Path(word[1:]).read_text(encoding=self.encoding or "utf-8-sig").splitlines()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "no text in its encoding"
                raise UserError(
                    f"--exclude-items: {word[1:]} cannot be read ({reason}); check the path"
                ) from error
            ids += [line.strip() for line in lines if line.strip()]
        return ids


AS_IT_IS = Reading()
_OF_NAMES = ("idna", "punycode", "undefined")  # Python's codecs for single names, and for nothing
_SPELT = {"\\t": "\t", "tab": "\t"}


def option_of(setting: str) -> str:
    """``time_column`` -> ``--time-column``."""
    return "--" + setting.replace("_", "-")


def no_column(name: str, found: Sequence[str], option: str, where: str) -> UserError:
    """The message for a column that is not there: those that are, the nearest of them, and the option."""
    listed = ", ".join(repr(column) for column in found[:20]) or "none"
    listed += f" and {len(found) - 20} more" if len(found) > 20 else ""
    plain = {_plain(column): column for column in reversed(found)}
    close = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    near = f"did you mean {plain[close[0]]!r}? " if close else ""
    return UserError(
        f"{where}: columns must have {name!r}, got {listed}; {near}say which it is with {option} NAME"
    )


def _plain(name: str) -> str:
    """Without what is spelt in many ways: ``userId``, ``User ID`` and ``user_id`` are near."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
