"""The options that say what is known of items: of ``train`` (keys of ``[content]``), and of new items."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from sgl_rec.pipeline.content.new_items import Placing
    from sgl_rec.pipeline.run_folder import RunFolder

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


def new_items_options(command: Command) -> Command:
    """Add the options of items that a run has never seen: what ``placing`` takes."""
    known = " [default: the run's]"
    path = click.Path()
    for option in (
        click.option(
            "--item-features", type=path, multiple=True, help=f"Their vectors; may be repeated {known}."
        ),
        click.option("--item-images", type=path, help=f"A folder or zip file of their pictures  {known}."),
        click.option("--new-items", type=path, help="A file of items the run has never seen."),
    ):
        command = option(command)
    return command


def placing(
    folder: RunFolder,
    *,
    new_items: str | None,
    item_images: str | None,
    item_features: tuple[str, ...],
    output: Path | None = None,
) -> Placing | None:
    """The new items at their places, None where there are none; ``output`` may be none of these files."""
    if new_items is None:
        if item_images is not None or item_features:
            raise click.UsageError("--item-images and --item-features: must stand with --new-items FILE")
        return None
    from sgl_rec.pipeline.content.new_items import place_new_items

    folder.check_output(output, new_items, item_images, *item_features)

    return place_new_items(folder, Path(new_items), images=item_images, features=item_features)
