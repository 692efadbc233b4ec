"""The one form of every message a user reads: ``<where>: <what> must be <rule>, got <value>; <what to do>``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A fault of the caller's: a wrong file, key, id, path or option. The command line exits with code 2."""


class MissingDependencyError(UserError, ImportError):
    """A part needs an optional package; the message names the command that installs it."""


def must_be(where: str, what: str, rule: str, got: object, advice: str = "") -> UserError:
    """Build the standard message.

    Example:
        >>> str(must_be("edge_drop", "drop_rate", "in [0, 1)", 1.5, "lower it"))
        'edge_drop: drop_rate must be in [0, 1), got 1.5; lower it'
    """
    text = f"{where}: {what} must be {rule}, got {got}"
    return UserError(f"{text}; {advice}" if advice else text)


def one_line(error: object) -> str:
    """The words of somebody else's error, for a message of ours: its lines joined.

    Example:
        >>> one_line(OSError("Invalid data\\nDeserializing failed.\\n"))
        'Invalid data Deserializing failed.'
    """
    return " ".join(str(error).split())


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint naming the nearest known word, or the list when nothing is near.

    Example:
        >>> nearest("embeding_dim", ["embedding_dim", "num_layers"])
        "did you mean 'embedding_dim'?"
    """
    known = sorted(known)
    # Comparing takes time with the length, and nothing is near a word of thousands of letters.
    close = difflib.get_close_matches(word[:100], known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
