"""Views of texts as loops over lists."""

from __future__ import annotations


def mask_tokens(
    tokens: list[list[int]], number: list[list[float]], *, rate: float, mask: int, special: set[int]
) -> list[list[int]]:
    view = []
    for row, drawn in zip(tokens, number, strict=True):
        view.append([mask if t not in special and n < rate else t for t, n in zip(row, drawn, strict=True)])
    return view


def delete_tokens(
    tokens: list[list[int]], number: list[list[float]], *, rate: float, padding: int, special: set[int]
) -> list[list[int]]:
    view = []
    for row, drawn in zip(tokens, number, strict=True):
        words = [place for place, token in enumerate(row) if token not in special]
        spared = max(words, key=lambda place: drawn[place], default=None)
        kept = []
        for place, token in enumerate(row):
            if token in special or drawn[place] >= rate or place == spared:
                kept.append(token)
        view.append(kept + [padding] * (len(row) - len(kept)))
    return view
