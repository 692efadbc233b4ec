"""The inner loop of ``propagate`` on the CPU: the sum of some rows of a table, held in registers.

Written as LLVM instructions because Numba's own loops keep the running sum in memory: they load and store it for
every row that is added, which takes twice the time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

_VECTOR_BYTES = 64  # one cache line; processors with narrower registers use several
_BLOCKS = (4, 2, 1)  # vectors summed at once: 4 cover D = 64 in float32
# Entries from one whose row is fetched to one whose row is summed: the columns of a row are known long before.
_AHEAD = 16

_INDEX, _INT32, _BYTE = ir.IntType(64), ir.IntType(32), ir.IntType(8)


@intrinsic  # type: ignore[untyped-decorator]
def gather_sum(_: Any, out: Any, factor: Any, table: Any, scale: Any, column: Any, first: Any, last: Any) -> Any:
    """``out[:] = factor * sum over first <= e < last of scale[column[e]] * table[column[e]]``, in this order.

    Args:
        out: (D,) float32 or float64; only written.
        table: (N, D), contiguous, of out's dtype; or uint16, which are the upper halves of float32.
        scale: (N,), or None for ones.
        column: (E,) int32, all of it: rows beyond ``last`` are fetched early for the next call.
    """
    signature = types.void(out, out.dtype, table, scale, column, types.int64, types.int64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = [
            None if kind == types.none else context.make_array(kind)(context, builder, value)
            for kind, value in [*zip(signature.args, arguments, strict=True)]
            if kind not in (types.int64, out.dtype)
        ]
        numbers = arguments[1], arguments[5], arguments[6]
        _Sum(builder, arrays, *numbers, halves=table.dtype == types.uint16).build()
        return context.get_dummy_value()

    return signature, build


class _Sum:
    """Writes the instructions: for each block of columns of the table a loop over entries."""

    def __init__(
        self, builder: Any, arrays: list[Any], factor: Any, first: Any, last: Any, *, halves: bool
    ) -> None:
        out, table, scale, column = arrays
        self.builder, self.halves = builder, halves
        self.factor, self.first, self.last = factor, first, last
        self.out, self.table, self.column = out.data, table.data, column.data
        self.scale = None if scale is None else scale.data
        self.number = out.data.type.pointee
        self.itemsize = 4 if self.number == ir.FloatType() else 8
        self.width = builder.extract_value(out.shape, 0)
        self.last_entry = builder.sub(builder.extract_value(column.shape, 0), _INDEX(1))
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _INT32, _INT32, _INT32])
        self.prefetch = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], kind)

    def build(self) -> None:
        lanes = _VECTOR_BYTES // self.itemsize
        start: Any = _INDEX(0)
        for count, size in [*((count, lanes) for count in _BLOCKS), (1, 1)]:
            start = self._blocks(start, count, size)

    def _blocks(self, start: Any, count: int, lanes: int) -> Any:
        """Sum blocks of ``count`` vectors from column ``start`` on while they fit; return where they end."""
        builder, step = self.builder, _INDEX(count * lanes)
        before = builder.block
        test, body, after = (builder.append_basic_block(name) for name in ("test", "block", "after"))
        builder.branch(test)
        builder.position_at_end(test)
        position = builder.phi(_INDEX)
        position.add_incoming(start, before)
        end = builder.add(position, step)
        builder.cbranch(builder.icmp_signed("<=", end, self.width), body, after)
        builder.position_at_end(body)
        for index, total in enumerate(self._entries(position, count, lanes)):
            where = builder.gep(self.out, [builder.add(position, _INDEX(index * lanes))])
            total = builder.fmul(total, self._broadcast(self.factor, total.type))
            builder.store(total, self._vector_at(where, self.number, lanes), align=self.itemsize)
        position.add_incoming(end, builder.block)
        builder.branch(test)
        builder.position_at_end(after)
        return position

    def _entries(self, position: Any, count: int, lanes: int) -> list[Any]:
        """The loop over entries; returns the sums of the block's vectors."""
        builder = self.builder
        zero = ir.Constant(ir.VectorType(self.number, lanes), [0.0] * lanes)
        before = builder.block
        test, body, after = (builder.append_basic_block(name) for name in ("more", "entry", "summed"))
        builder.branch(test)
        builder.position_at_end(test)
        entry, totals = builder.phi(_INDEX), [builder.phi(zero.type) for _ in range(count)]
        builder.cbranch(builder.icmp_signed("<", entry, self.last), body, after)
        builder.position_at_end(body)
        self._fetch_early(entry, position, count * lanes)
        row = self._column_of(entry)
        sums = self._plus_row(totals, row, position, lanes)
        following = builder.add(entry, _INDEX(1))
        builder.branch(test)
        for phi, initial, value in zip(
            [entry, *totals], [self.first, *[zero] * count], [following, *sums], strict=True
        ):
            phi.add_incoming(initial, before)
            phi.add_incoming(value, body)
        builder.position_at_end(after)
        return totals

    def _plus_row(self, totals: list[Any], row: Any, position: Any, lanes: int) -> list[Any]:
        builder, kind = self.builder, totals[0].type
        scale = None
        if self.scale is not None:
            scale = self._broadcast(builder.load(builder.gep(self.scale, [row])), kind)
        sums = []
        for index, total in enumerate(totals):
            value = self._load(self._place(row, builder.add(position, _INDEX(index * lanes))), lanes)
            if scale is not None:
                value = builder.fmul(value, scale, flags=("contract",))
            sums.append(builder.fadd(total, value, flags=("contract",)))
        return sums

    def _broadcast(self, scalar: Any, kind: Any) -> Any:
        """A vector of one number."""
        nothing, lanes = ir.Constant(kind, ir.Undefined), [0] * kind.count
        first = self.builder.insert_element(nothing, scalar, _INT32(0))
        return self.builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INT32, kind.count), lanes))

    def _load(self, where: Any, lanes: int) -> Any:
        builder = self.builder
        if not self.halves:
            return builder.load(self._vector_at(where, self.number, lanes), align=self.itemsize)
        halves = builder.load(self._vector_at(where, ir.IntType(16), lanes), align=2)
        wide = ir.VectorType(_INT32, lanes)
        upper = builder.shl(builder.zext(halves, wide), ir.Constant(wide, [16] * lanes))
        return builder.bitcast(upper, ir.VectorType(self.number, lanes))

    def _fetch_early(self, entry: Any, position: Any, columns: int) -> None:
        builder = self.builder
        later = builder.add(entry, _INDEX(_AHEAD))
        later = builder.select(builder.icmp_signed("<", later, self.last_entry), later, self.last_entry)
        where = self._place(self._column_of(later), position)
        itemsize = 2 if self.halves else self.itemsize
        for byte in range(0, columns * itemsize, _VECTOR_BYTES):
            line = builder.gep(where, [_INDEX(byte // itemsize)])
            hint = [_INT32(word) for word in (0, 3, 1)]  # to read, into the nearest cache, data
            builder.call(self.prefetch, [builder.bitcast(line, _BYTE.as_pointer()), *hint])

    def _column_of(self, entry: Any) -> Any:
        return self.builder.zext(self.builder.load(self.builder.gep(self.column, [entry])), _INDEX)

    def _place(self, row: Any, position: Any) -> Any:
        offset = self.builder.add(self.builder.mul(row, self.width), position)
        return self.builder.gep(self.table, [offset])

    def _vector_at(self, where: Any, number: Any, lanes: int) -> Any:
        return self.builder.bitcast(where, ir.VectorType(number, lanes).as_pointer())
