"""The tiles of ``contrast_cuda``: blocks of anchors against blocks of candidates, on tensor cores.

A program owns ``OWN`` rows of one side and meets ``tiles`` blocks of ``OTHER`` rows of the other. Its second
number says which tiles: what it writes is one part of a sum.
"""

from __future__ import annotations

import triton.language as tl

from sgl_rec.kernels.triton_jit import jit


@jit()
def block_of_rows(
    table: tl.tensor, row: tl.tensor, num: tl.tensor, D: tl.constexpr, WIDTH: tl.constexpr, UPCAST: tl.constexpr
) -> tl.tensor:
    """A block of rows, zero where there is none."""
    lane = tl.arange(0, WIDTH)
    mask = (row < num)[:, None] & (lane < D)[None, :]
    block = tl.load(table + row.to(tl.int64)[:, None] * D + lane[None, :], mask=mask, other=0.0)
    if UPCAST:
        block = block.to(tl.float32)
    return block


@jit()
def masked(
    logits: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    bias: tl.tensor,
    anchor_id: tl.tensor,
    candidate_id: tl.tensor,
    target: tl.tensor,
    num_anchors: tl.tensor,
    num_candidates: tl.tensor,
    SKIP_TARGET: tl.constexpr,
) -> tl.tensor:
    """Logits with their bias, -inf at pairs that are none; ``row`` runs down and ``column`` across, or turned."""
    is_row = row < num_anchors
    is_column = column < num_candidates
    if bias is not None:
        logits += tl.load(bias + column, mask=is_column, other=0.0)
    if anchor_id is not None:
        own = tl.load(anchor_id + row, mask=is_row, other=0)
        out = own == tl.load(candidate_id + column, mask=is_column, other=0)
        if target is not None:
            out = out & (column != tl.load(target + row, mask=is_row, other=0))
        logits = tl.where(out, float("-inf"), logits)
    if SKIP_TARGET:
        at_target = column == tl.load(target + row, mask=is_row, other=0)
        logits = tl.where(at_target, float("-inf"), logits)
    return tl.where(is_row & is_column, logits, float("-inf"))


@jit(plain=("num_anchors", "num_candidates", "tiles"))
def sum_exponentials(
    anchor: tl.tensor,
    candidate: tl.tensor,
    bias: tl.tensor,
    shift: tl.tensor,
    anchor_id: tl.tensor,
    candidate_id: tl.tensor,
    target: tl.tensor,
    top: tl.tensor,
    total: tl.tensor,
    num_anchors: tl.tensor,
    num_candidates: tl.tensor,
    tiles: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
    PRECISION: tl.constexpr,
    UPCAST: tl.constexpr,
) -> None:
    """(top, sum exp(logit - top)) of a block of anchors over ``tiles`` tiles of candidates; top may be given."""
    row = tl.program_id(0) * OWN + tl.arange(0, OWN)
    first = tl.program_id(1) * tiles
    anchors = block_of_rows(anchor, row, num_anchors, D, WIDTH, UPCAST)
    sums = tl.zeros((OWN,), dtype=tl.float32)
    if shift is not None:
        above = tl.load(shift + row, mask=row < num_anchors, other=0.0)
    else:
        above = tl.full((OWN,), float("-inf"), dtype=tl.float32)
    for tile in range(first, tl.minimum(first + tiles, tl.cdiv(num_candidates, OTHER))):
        column = tile * OTHER + tl.arange(0, OTHER)
        candidates = block_of_rows(candidate, column, num_candidates, D, WIDTH, UPCAST)
        product = tl.dot(anchors, tl.trans(candidates), input_precision=PRECISION)
        logits = masked(
            product,
            row[:, None],
            column[None, :],
            bias,
            anchor_id,
            candidate_id,
            target,
            num_anchors,
            num_candidates,
            False,
        )
        if shift is not None:
            sums += tl.sum(tl.exp(logits - above[:, None]), axis=1)
        else:
            higher = tl.maximum(above, tl.max(logits, axis=1))
            # a row whose every candidate was left out so far: -inf - -inf would be NaN
            level = tl.where(higher == float("-inf"), 0.0, higher)
            sums = sums * tl.exp(above - level) + tl.sum(tl.exp(logits - level[:, None]), axis=1)
            above = higher
    place = tl.program_id(1).to(tl.int64) * num_anchors + row
    tl.store(total + place, sums, mask=row < num_anchors)
    if shift is None:
        tl.store(top + place, above, mask=row < num_anchors)


@jit(plain=("num_anchors", "num_candidates", "tiles"))
def anchor_gradient(
    anchor: tl.tensor,
    candidate: tl.tensor,
    bias: tl.tensor,
    level: tl.tensor,
    factor: tl.tensor,
    anchor_id: tl.tensor,
    candidate_id: tl.tensor,
    target: tl.tensor,
    gradient: tl.tensor,
    num_anchors: tl.tensor,
    num_candidates: tl.tensor,
    tiles: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
    PRECISION: tl.constexpr,
    UPCAST: tl.constexpr,
    SKIP_TARGET: tl.constexpr,
) -> None:
    """factor_i sum_j exp(logit_ij - level_i) c_j over ``tiles`` tiles of candidates."""
    row = tl.program_id(0) * OWN + tl.arange(0, OWN)
    first = tl.program_id(1) * tiles
    anchors = block_of_rows(anchor, row, num_anchors, D, WIDTH, UPCAST)
    levels = tl.load(level + row, mask=row < num_anchors, other=0.0)
    total = tl.zeros((OWN, WIDTH), dtype=tl.float32)
    for tile in range(first, tl.minimum(first + tiles, tl.cdiv(num_candidates, OTHER))):
        column = tile * OTHER + tl.arange(0, OTHER)
        candidates = block_of_rows(candidate, column, num_candidates, D, WIDTH, UPCAST)
        product = tl.dot(anchors, tl.trans(candidates), input_precision=PRECISION)
        logits = masked(
            product,
            row[:, None],
            column[None, :],
            bias,
            anchor_id,
            candidate_id,
            target,
            num_anchors,
            num_candidates,
            SKIP_TARGET,
        )
        share = tl.exp(logits - levels[:, None]).to(candidate.dtype.element_ty)
        if UPCAST:
            share = share.to(tl.float32)
        total = tl.dot(share, candidates, total, input_precision=PRECISION)
    total = total * tl.load(factor + row, mask=row < num_anchors, other=0.0)[:, None]
    lane = tl.arange(0, WIDTH)
    place = (tl.program_id(1).to(tl.int64) * num_anchors + row)[:, None] * D + lane[None, :]
    tl.store(gradient + place, total, mask=(row < num_anchors)[:, None] & (lane < D)[None, :])


@jit(plain=("num_anchors", "num_candidates", "tiles"))
def candidate_gradient(
    anchor: tl.tensor,
    candidate: tl.tensor,
    bias: tl.tensor,
    level: tl.tensor,
    factor: tl.tensor,
    anchor_id: tl.tensor,
    candidate_id: tl.tensor,
    target: tl.tensor,
    gradient: tl.tensor,
    bias_gradient: tl.tensor,
    num_anchors: tl.tensor,
    num_candidates: tl.tensor,
    tiles: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
    PRECISION: tl.constexpr,
    UPCAST: tl.constexpr,
    SKIP_TARGET: tl.constexpr,
) -> None:
    """sum_i factor_i exp(logit_ij - level_i) a_i, and the same without a_i, over ``tiles`` tiles of anchors."""
    column = tl.program_id(0) * OWN + tl.arange(0, OWN)
    first = tl.program_id(1) * tiles
    candidates = block_of_rows(candidate, column, num_candidates, D, WIDTH, UPCAST)
    total = tl.zeros((OWN, WIDTH), dtype=tl.float32)
    weights = tl.zeros((OWN,), dtype=tl.float32)
    for tile in range(first, tl.minimum(first + tiles, tl.cdiv(num_anchors, OTHER))):
        row = tile * OTHER + tl.arange(0, OTHER)
        anchors = block_of_rows(anchor, row, num_anchors, D, WIDTH, UPCAST)
        product = tl.dot(candidates, tl.trans(anchors), input_precision=PRECISION)
        logits = masked(
            product,
            row[None, :],
            column[:, None],
            bias,
            anchor_id,
            candidate_id,
            target,
            num_anchors,
            num_candidates,
            SKIP_TARGET,
        )
        levels = tl.load(level + row, mask=row < num_anchors, other=0.0)
        factors = tl.load(factor + row, mask=row < num_anchors, other=0.0)
        share = tl.exp(logits - levels[None, :]) * factors[None, :]
        if bias_gradient is not None:
            weights += tl.sum(share, axis=1)
        share = share.to(anchor.dtype.element_ty)
        if UPCAST:
            share = share.to(tl.float32)
        total = tl.dot(share, anchors, total, input_precision=PRECISION)
    lane = tl.arange(0, WIDTH)
    place = tl.program_id(1).to(tl.int64) * num_candidates + column
    inside = column < num_candidates
    if gradient is not None:
        mask = inside[:, None] & (lane < D)[None, :]
        tl.store(gradient + place[:, None] * D + lane[None, :], total, mask=mask)
    if bias_gradient is not None:
        tl.store(bias_gradient + place, weights, mask=inside)
