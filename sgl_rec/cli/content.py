"""The options of ``train`` that say what is known of items: each is short for a key of ``[content]``."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "item_text": (
        "text",
        "Columns of the items' table that place items nobody has touched, as title,genres.",
        {"metavar": "COLUMNS"},
    ),
    "item_images": ("images", "A folder or zip file of pictures called by item id.", {"type": click.Path()}),
    "item_features": (
        "features",
        "A file with a vector for each item (.npy, .parquet, .csv); may be repeated.",
        {"type": click.Path(), "multiple": True},
    ),
    "text_encoder": (
        "text_encoder",
        "tfidf, minilm, hub:OWNER/MODEL, or a run of `pretrain`  [default: tfidf].",
        {},
    ),
    "image_encoder": ("image_encoder", "pixels, or a run of `pretrain`  [default: pixels].", {}),
}
CONTENT = tuple(_OPTIONS)
"""The names of these options."""


def content_options(command: Command) -> Command:
    """Add the options of ``CONTENT``."""
    for name, (_, text, how) in reversed(_OPTIONS.items()):
        command = click.option("--" + name.replace("_", "-"), help=text, **how)(command)
    return command


def content_settings(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """What was given, taken out of ``options``, as settings: ``{"content": {"text": [...]}}``.

    Example:
        >>> content_settings({"item_text": "title, genres", "item_features": (), "seed": 1})
        {'content': {'text': ['title', 'genres']}}
    """
    given = {_OPTIONS[name][0]: options.pop(name, None) for name in CONTENT}
    if given["text"] is not None:
        given["text"] = [word.strip() for word in given["text"].split(",") if word.strip()]
    given["features"] = list(given["features"] or ()) or None
    found = {key: value for key, value in given.items() if value is not None}
    return {"content": found} if found else {}
