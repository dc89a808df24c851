"""The symbolic pickle machine: all 68 opcodes, no import, no call.

It walks a pickle as CPython's C unpickler does (memo, marks on a meta stack, frames, extension
codes, persistent ids, buffers) and keeps names, calls and states instead of objects. Where the
real loader would stop with an error, so does the machine; what was seen before stays.

The loop is plain typed Python without dynamic tricks, so that it can be compiled as it is. It
reads through a bounded buffer: constants longer than a few hundred bytes stay in the file, so
memory follows the number of opcodes that are remembered, never the size of arrays.

Source: CPython 3.11, Lib/pickletools.py (opcodes), Lib/pickle.py and Modules/_pickle.c (semantics).
"""

from __future__ import annotations

import struct
from typing import Final

from owaudit.codec import pickle_calls
from owaudit.codec.pickle_trace import INVALID, LIMITED, STOPPED, TRUNCATED, Stop, Trace
from owaudit.codec.pickle_values import (
    MISSING,
    Blob,
    Instance,
    Items,
    Name,
    Partial,
    Unknown,
    expanded_size,
)
from owaudit.codec.window import READ_CEILING, Window
from owaudit.model.limits import Limits

CHUNK: Final = 1024 * 1024
MARGIN: Final = 65_536 + 16
"""Every short argument of an opcode lies within this many bytes after it."""
BIG_DOUBLE: Final = struct.Struct(">d")
MOST_DIGITS: Final = 4300
"""Python refuses longer decimal texts, because converting them takes quadratic time."""
FARTHEST_MEMO: Final = 1 << 20
"""A memo index this far beyond the last one makes CPython allocate the whole table."""
KEPT_BYTES: Final = 256
"""Byte strings up to this length are kept as values, longer ones as their place in the file."""
KEPT_TEXT: Final = 1024
MOST_LEAVES: Final = 1 << 32
"""Values that are reached when containers shared in the stream are walked one by one."""
DEEPEST_MARK: Final = 100_000
NESTED_PICKLES: Final = 8

HOLE: Final = Unknown("memo entry that was never set")


class Machine:
    """Reads one pickle from ``window`` and leaves what it saw in ``trace``.

    After ``run``: ``ending`` is one of the four constants above, ``position`` the offset after the
    last byte read, ``detail`` what went wrong, ``result`` the value at STOP. ``ceiling`` is how many
    items of one container are kept; the rest is counted.
    """

    def __init__(
        self, window: Window, start: int, trace: Trace, limits: Limits, depth: int = 0, ceiling: int = 256
    ) -> None:
        self.window = window
        self.start = start
        self.trace = trace
        self.limits = limits
        self.depth = depth
        self.ceiling = ceiling
        self.position = start
        self.ending = ""
        self.detail = ""
        self.protocol = 0
        self.result: object = MISSING
        self.opcode_counts: list[int] = [0] * 256
        self.frame_end = -1
        self.crossing: tuple[int, int] | None = None
        """The first instruction that passes the end of its frame, and that end."""
        self.jump_at = -1
        self.jump_to = -1
        self.payload: list[tuple[int, int]] = []
        self._buffer = b""
        self._base = start
        self._far: dict[int, object] = {}
        self._memo: list[object] = []
        self._holes = 0

    @property
    def instructions(self) -> int:
        """Opcodes read so far."""
        return sum(self.opcode_counts)

    # The loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Read to STOP, or to where the loader would fail, or to a limit."""
        at = self.start
        try:
            self._loop()
            return
        except Stop as stop:
            self.ending = stop.ending
            self.detail = stop.detail
            at = stop.at
        except IndexError:
            at = self.position
            if self.window.size - at < 9:
                self.ending, self.detail = TRUNCATED, "the bytes end inside an instruction"
            else:
                self.ending, self.detail = INVALID, "the stack is empty where a value is needed"
        except (ValueError, OverflowError, struct.error) as error:
            self.ending, self.detail = INVALID, f"an argument cannot be read ({type(error).__name__})"
            at = self.position
        self.position = min(at, self.window.size)

    def _loop(self) -> None:
        counts = self.opcode_counts
        trace = self.trace
        memo = self._memo
        far = self._far
        ceiling = self.ceiling
        stack: list[object] = []
        meta: list[list[object]] = []
        buf = self._buffer
        base = self.start
        pos = 0
        limit = -1
        full = -1
        n = 0
        while True:
            if pos > limit:
                at = base + pos
                if 0 <= self.frame_end <= at:
                    if at > self.frame_end and self.crossing is None:
                        self.crossing = (self.position, self.frame_end)
                    self.frame_end = -1
                    if self.jump_at < 0 and pos <= full:
                        limit = full
                        continue
                self._check_limits(stack, meta)
                if self.jump_at >= 0 and at >= self.jump_at:
                    if at > self.jump_at:
                        raise Stop(INVALID, "an instruction passes the end of its frame", at)
                    at = self.jump_to
                    self.jump_at = -1
                buf = self._fill(at)
                base = self._base
                pos = 0
                limit = len(buf) - MARGIN
                if base + len(buf) >= self.window.size:
                    limit = len(buf) - 1
                full = limit
                limit = self._next_stop(base, limit)
            op = buf[pos]
            start = pos
            self.position = base + pos
            pos += 1
            counts[op] += 1
            if op == 0x94:  # MEMOIZE
                if self._holes or far:
                    self._put(len(memo) - self._holes + len(far), stack[-1])
                else:
                    memo.append(stack[-1])
            elif op == 0x4B:  # BININT1
                stack.append(buf[pos])
                pos += 1
            elif op == 0x8C:  # SHORT_BINUNICODE
                n = buf[pos] + 1
                stack.append(str(buf[pos + 1 : pos + n], "utf-8", "surrogatepass"))
                pos += n
            elif op == 0x71:  # BINPUT
                n = buf[pos]
                pos += 1
                if n == len(memo) and not far:
                    memo.append(stack[-1])
                else:
                    self._put(n, stack[-1])
            elif op == 0x68:  # BINGET
                n = buf[pos]
                pos += 1
                stack.append(memo[n] if n < len(memo) else self._get(n))
            elif op == 0x47:  # BINFLOAT
                stack.append(BIG_DOUBLE.unpack(buf[pos : pos + 8])[0])
                pos += 8
            elif op == 0x4A:  # BININT
                stack.append(int.from_bytes(buf[pos : pos + 4], "little", signed=True))
                pos += 4
            elif op == 0x4D:  # BININT2
                stack.append(buf[pos] | buf[pos + 1] << 8)
                pos += 2
            elif op == 0x58:  # BINUNICODE
                n = int.from_bytes(buf[pos : pos + 4], "little")
                pos += 4
                if n <= KEPT_TEXT:
                    stack.append(str(buf[pos : pos + n], "utf-8", "surrogatepass"))
                    pos += n
                else:
                    pos = self._long_constant(stack, base, pos, n, True)
            elif op == 0x6A:  # LONG_BINGET
                n = int.from_bytes(buf[pos : pos + 4], "little")
                pos += 4
                stack.append(memo[n] if n < len(memo) else self._get(n))
            elif op == 0x72:  # LONG_BINPUT
                n = int.from_bytes(buf[pos : pos + 4], "little")
                pos += 4
                if n == len(memo) and not far:
                    memo.append(stack[-1])
                else:
                    self._put(n, stack[-1])
            elif op == 0x28:  # MARK
                if len(meta) >= DEEPEST_MARK:
                    raise Stop(LIMITED, "pickle_stack", base + start)
                meta.append(stack)
                stack = []
            elif op == 0x86:  # TUPLE2
                top = stack.pop()
                stack[-1] = (stack[-1], top)
            elif op == 0x85:  # TUPLE1
                stack[-1] = (stack[-1],)
            elif op == 0x87:  # TUPLE3
                top = stack.pop()
                second = stack.pop()
                stack[-1] = (stack[-1], second, top)
            elif op == 0x74:  # TUPLE
                items = stack
                stack = meta.pop()
                stack.append(tuple(items))
            elif op == 0x52:  # REDUCE
                args = stack.pop()
                callee = stack[-1]
                if type(callee) is Name and type(args) is tuple and callee.instance is not None:
                    stack[-1] = trace.plain_call(callee, args, base + start, base + pos)
                else:
                    stack[-1] = self._reduce(callee, args, base + start, base + pos)
            elif op == 0x65 or op == 0x75:  # APPENDS
                items = stack
                stack = meta.pop()
                self._extend(stack[-1], items, base + start)
            elif op == 0x4E:  # NONE
                stack.append(None)
            elif op == 0x88:
                stack.append(True)
            elif op == 0x89:
                stack.append(False)
            elif op == 0x43 or op == 0x55:  # SHORT_BINBYTES, SHORT_BINSTRING
                n = buf[pos] + 1
                content = buf[pos + 1 : pos + n]
                if op == 0x55:
                    stack.append(str(content, "latin-1"))
                else:
                    stack.append(content)
                    if n > 3 and (content[0] == 0x80 or content[0] == 0x50):
                        trace.note_bytes(base + pos + 1, n - 1, content)
                pos += n
            elif op == 0x61:  # APPEND
                top = stack.pop()
                self._extend(stack[-1], [top], base + start)
            elif op == 0x73:  # SETITEM
                top = stack.pop()
                second = stack.pop()
                self._extend(stack[-1], [second, top], base + start)
            elif op == 0x5D:  # EMPTY_LIST
                stack.append(Items("list", ceiling))
            elif op == 0x7D:  # EMPTY_DICT
                stack.append(Items("dict", ceiling))
            elif op == 0x29:  # EMPTY_TUPLE
                stack.append(())
            elif op == 0x81:  # NEWOBJ
                args = stack.pop()
                callee = stack.pop()
                stack.append(self._construct(callee, args, base + start, base + pos))
            elif op == 0x62:  # BUILD
                top = stack.pop()
                self._build(stack[-1], top, base + start, base + pos)
                if self.jump_at >= 0:
                    limit = self._next_stop(base, full)
            elif op == 0x93:  # STACK_GLOBAL
                top = stack.pop()
                second = stack.pop()
                stack.append(trace.name_from_stack(second, top, base + start, base + pos))
            elif op == 0x63:  # GLOBAL
                module, pos = self._line(buf, base, pos)
                qualname, pos = self._line(buf, base, pos)
                stack.append(trace.name(_text(module), _text(qualname), base + start, base + pos))
            elif op == 0x8A:  # LONG1
                n = buf[pos] + 1
                stack.append(int.from_bytes(buf[pos + 1 : pos + n], "little", signed=True))
                pos += n
            elif op == 0x51:  # BINPERSID
                stack[-1] = trace.persistent(stack[-1], base + start, base + pos)
            elif op == 0x2E:  # STOP
                self.result = stack.pop()
                self.position = base + pos
                leaves = expanded_size(self.result)
                if leaves > MOST_LEAVES:
                    trace.note_odd(
                        "expansion",
                        "an object that can be walked",
                        f"at least 2**{leaves.bit_length() - 1} leaves",
                        base + start,
                    )
                self.ending = STOPPED
                return
            elif op == 0x80:  # PROTO
                self.protocol = buf[pos]
                pos += 1
                if self.protocol > 5:
                    raise Stop(INVALID, f"protocol {self.protocol} does not exist", base + start)
            elif op == 0x95:  # FRAME
                n = int.from_bytes(buf[pos : pos + 8], "little")
                pos += 8
                self.frame_end = base + pos + n
                limit = self._next_stop(base, full)
            elif op == 0x8F:  # EMPTY_SET
                stack.append(Items("set"))
            elif op == 0x90:  # ADDITEMS
                items = stack
                stack = meta.pop()
                self._extend(stack[-1], items, base + start)
            elif op == 0x42 or op == 0x54:  # BINBYTES, BINSTRING
                n = int.from_bytes(buf[pos : pos + 4], "little", signed=op == 0x54)
                pos += 4
                if n < 0:
                    raise Stop(INVALID, "a length below zero", base + start)
                pos = self._long_constant(stack, base, pos, n, op == 0x54)
            elif op == 0x8E:  # BINBYTES8
                n = int.from_bytes(buf[pos : pos + 8], "little")
                pos = self._long_constant(stack, base, pos + 8, n, False)
            elif op == 0x8D:  # BINUNICODE8
                n = int.from_bytes(buf[pos : pos + 8], "little")
                pos = self._long_constant(stack, base, pos + 8, n, True)
            elif op == 0x96:  # BYTEARRAY8
                n = int.from_bytes(buf[pos : pos + 8], "little")
                pos = self._long_constant(stack, base, pos + 8, n, False)
                array = Items("bytearray")
                array.kept.append(stack[-1])
                array.count = n
                stack[-1] = array
            elif op == 0x30:  # POP: an empty stack pops the mark instead
                if stack:
                    stack.pop()
                else:
                    stack = meta.pop()
            elif op == 0x31:  # POP_MARK
                stack = meta.pop()
            elif op == 0x32:  # DUP
                stack.append(stack[-1])
            elif op == 0x8B:  # LONG4
                n = int.from_bytes(buf[pos : pos + 4], "little", signed=True)
                pos += 4
                if n < 0:
                    raise Stop(INVALID, "a length below zero", base + start)
                if n <= KEPT_BYTES:
                    stack.append(int.from_bytes(buf[pos : pos + n], "little", signed=True))
                    pos += n
                else:
                    pos = self._long_constant(stack, base, pos, n, False)
                    stack[-1] = Unknown(f"int of {n} bytes")
            elif op == 0x91:  # FROZENSET
                items = stack
                stack = meta.pop()
                stack.append(_filled("frozenset", items))
            elif op == 0x6C:  # LIST
                items = stack
                stack = meta.pop()
                stack.append(_filled("list", items))
            elif op == 0x64:  # DICT
                items = stack
                stack = meta.pop()
                stack.append(_filled("dict", items))
            elif op == 0x92:  # NEWOBJ_EX
                keywords = stack.pop()
                args = stack.pop()
                callee = stack.pop()
                stack.append(self._construct_ex(callee, args, keywords, base + start, base + pos))
            elif op == 0x6F:  # OBJ
                items = stack
                stack = meta.pop()
                if not items:
                    raise Stop(INVALID, "OBJ without a class", base + start)
                stack.append(self._reduce(items[0], tuple(items[1:]), base + start, base + pos))
            elif op == 0x69:  # INST
                module, pos = self._line(buf, base, pos)
                qualname, pos = self._line(buf, base, pos)
                items = stack
                stack = meta.pop()
                callee = trace.name(_text(module), _text(qualname), base + start, base + pos)
                stack.append(self._reduce(callee, tuple(items), base + start, base + pos))
            elif op == 0x49:  # INT: text; 00 and 01 are booleans
                line, pos = self._line(buf, base, pos)
                stack.append(_decimal(line, base + start))
            elif op == 0x4C:  # LONG: text with an optional L
                line, pos = self._line(buf, base, pos)
                stack.append(_decimal(line.removesuffix(b"L"), base + start))
            elif op == 0x46:  # FLOAT: text
                line, pos = self._line(buf, base, pos)
                try:
                    stack.append(float(line))
                except ValueError:
                    raise Stop(INVALID, "FLOAT without a number", base + start) from None
            elif op == 0x53:  # STRING: quoted text
                line, pos = self._line(buf, base, pos)
                stack.append(_quoted(line, base + start))
            elif op == 0x56:  # UNICODE: text with escapes
                line, pos = self._line(buf, base, pos)
                stack.append(_raw_unicode(line))
            elif op == 0x67:  # GET
                line, pos = self._line(buf, base, pos)
                n = _index(line, base + start)
                stack.append(memo[n] if n < len(memo) else self._get(n))
            elif op == 0x70:  # PUT
                line, pos = self._line(buf, base, pos)
                self._put(_index(line, base + start), stack[-1])
            elif op == 0x50:  # PERSID
                line, pos = self._line(buf, base, pos)
                stack.append(trace.persistent(_text(line), base + start, base + pos))
            elif op == 0x82:  # EXT1
                n = buf[pos]
                pos += 1
                stack.append(trace.extension(n, base + start, base + pos))
            elif op == 0x83:  # EXT2
                n = buf[pos] | buf[pos + 1] << 8
                pos += 2
                stack.append(trace.extension(n, base + start, base + pos))
            elif op == 0x84:  # EXT4
                n = int.from_bytes(buf[pos : pos + 4], "little", signed=True)
                pos += 4
                stack.append(trace.extension(n, base + start, base + pos))
            elif op == 0x97:  # NEXT_BUFFER
                stack.append(Unknown("out-of-band buffer"))
            elif op == 0x98:  # READONLY_BUFFER
                stack[-1] = stack[-1]
            else:
                counts[op] -= 1
                raise Stop(INVALID, f"opcode 0x{op:02x} does not exist", base + start)

    # Bytes ------------------------------------------------------------------------------------

    def _fill(self, at: int) -> bytes:
        if at > self.window.size:
            raise Stop(TRUNCATED, "the bytes end inside an argument", self.window.size)
        self._buffer = self.window.read(at, CHUNK)
        self._base = at
        if not self._buffer:
            raise Stop(TRUNCATED, "the bytes end before STOP", at)
        return self._buffer

    def _next_stop(self, base: int, limit: int) -> int:
        """The last position at which the loop may go on without looking up: before the end of the
        frame and before the place where an inline array begins."""
        for place in (self.frame_end, self.jump_at):
            if place >= 0 and place - base - 1 < limit:
                limit = place - base - 1
        return limit

    def _line(self, buf: bytes, base: int, pos: int) -> tuple[bytes, int]:
        """The bytes up to the next newline, and the position after it."""
        end = buf.find(b"\n", pos)
        if end >= 0:
            return buf[pos:end], end + 1
        line = self.window.read(base + pos, READ_CEILING)
        end = line.find(b"\n")
        if end < 0:
            if base + pos + len(line) < self.window.size:
                raise Stop(LIMITED, "pickle_line", base + pos)
            raise Stop(TRUNCATED, "the bytes end inside a line", self.window.size)
        return line[:end], pos + end + 1

    def _long_constant(self, stack: list[object], base: int, pos: int, size: int, text: bool) -> int:
        """Push a constant of ``size`` bytes; return the position after it."""
        at = base + pos
        if size > self.window.size - at:
            raise Stop(TRUNCATED, f"a constant of {size} bytes passes the end", at)
        if size <= KEPT_BYTES:
            content = self.window.read(at, size)
            stack.append(str(content, "latin-1") if text else content)
            if not text:
                self.trace.note_bytes(at, size, content)
            return pos + size
        stack.append(Blob(at, size, text))
        if not text:
            self.trace.note_bytes(at, size, self.window.read(at, 16))
            self.payload.append((at, at + size))
        return pos + size

    def _check_limits(self, stack: list[object], meta: list[list[object]]) -> None:
        limits = self.limits
        if self.trace.spend(self) > limits.pickle_instructions:
            raise Stop(LIMITED, "pickle_instructions", self.position)
        depth = len(stack) + len(self._memo) + len(self._far)
        if len(meta) < 1000:
            for level in meta:
                depth += len(level)
        if depth > limits.pickle_stack:
            raise Stop(LIMITED, "pickle_stack", self.position)

    # Memo -------------------------------------------------------------------------------------

    def _put(self, index: int, value: object) -> None:
        memo = self._memo
        if index < 0:
            raise Stop(INVALID, "a memo index below zero", self.position)
        if index < len(memo):
            if memo[index] is HOLE:
                self._holes -= 1
            memo[index] = value
        elif index == len(memo):
            memo.append(value)
        elif index <= len(memo) + 4096:
            self._holes += index - len(memo)
            memo.extend([HOLE] * (index - len(memo)))
            memo.append(value)
        else:
            self._far[index] = value
            if index > len(memo) + FARTHEST_MEMO:
                self.trace.note_odd(
                    "memo-index", "memo entries in a row", f"entry {index} after {len(memo)}", self.position
                )
        while self._far and len(memo) in self._far:
            memo.append(self._far.pop(len(memo)))

    def _get(self, index: int) -> object:
        if 0 <= index < len(self._memo):
            return self._memo[index]
        if index in self._far:
            return self._far[index]
        raise Stop(INVALID, f"memo entry {index} was never set", self.position)

    # Objects ----------------------------------------------------------------------------------

    def _extend(self, target: object, items: list[object], at: int) -> None:
        if isinstance(target, Items):
            target.extend(items)
        else:
            self.trace.fill(target, items, at)

    def _reduce(self, callee: object, args: object, start: int, end: int) -> object:
        if not isinstance(args, tuple):
            args = self._as_tuple(args)
        if callee is HOLE:
            raise Stop(INVALID, HOLE.why, start)
        return pickle_calls.call(self.trace, callee, args, start, end)

    def _as_tuple(self, args: object) -> tuple[object, ...]:
        """Arguments that are no tuple make the loader fail; what they hold is still of interest."""
        if isinstance(args, Items) and args.shape == "list":
            return tuple(args.kept)
        return (args,)

    def _construct(self, callee: object, args: object, start: int, end: int) -> object:
        return self.trace.construct(
            callee, args if isinstance(args, tuple) else self._as_tuple(args), start, end
        )

    def _construct_ex(self, callee: object, args: object, keywords: object, start: int, end: int) -> object:
        both = args if isinstance(args, tuple) else self._as_tuple(args)
        if isinstance(keywords, Items) and keywords.count:
            both = (*both, keywords)
        return self.trace.construct(callee, both, start, end)

    def _build(self, target: object, state: object, start: int, end: int) -> None:
        self.trace.build(target, state, start, end)
        if isinstance(target, Instance) and target.of.dotted in INLINE_ARRAYS:
            self._inline_array(state, end)
        elif isinstance(target, Partial) and isinstance(state, tuple) and state:
            target.function = state[0]
            if len(state) > 1 and isinstance(state[1], tuple):
                target.args = state[1]

    # joblib: array bytes follow the frame that ends in the BUILD of the wrapper --------------

    def _inline_array(self, state: object, end: int) -> None:
        at = self.frame_end if self.frame_end > end else end
        if self.jump_at >= 0:
            raise Stop(INVALID, "two arrays claim the same place in the stream", end)
        layout = array_layout(state)
        if layout is None:
            raise Stop(INVALID, "the size of an inline array cannot be told", end)
        if layout.pickled:
            if self.depth >= NESTED_PICKLES:
                raise Stop(LIMITED, "nesting_depth", end)
            inner = Machine(self.window, at, self.trace, self.limits, self.depth + 1)
            inner.run()
            for op, count in enumerate(inner.opcode_counts):
                self.opcode_counts[op] += count
            self.payload.extend(inner.payload)
            if inner.ending != STOPPED:
                raise Stop(inner.ending, inner.detail, inner.position)
            self.jump_at, self.jump_to = (at if at > end else end), inner.position
            return
        if layout.aligned:
            padding = self.window.read(at, 1)
            at += 1 + (padding[0] if padding else 0)
        stop = at + layout.size
        if stop > self.window.size:
            raise Stop(TRUNCATED, f"an inline array of {layout.size} bytes passes the end", end)
        self.payload.append((at, stop))
        self.jump_at = self.frame_end if self.frame_end > end else end
        self.jump_to = stop


INLINE_ARRAYS: Final = frozenset(
    ("joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper")
)


class ArrayLayout:
    """How many bytes an inline array takes; ``pickled``: it is a pickle of its own."""

    def __init__(self, size: int, aligned: bool, pickled: bool) -> None:
        self.size = size
        self.aligned = aligned
        self.pickled = pickled


def array_layout(state: object) -> ArrayLayout | None:
    """Read the state of a joblib array wrapper; None where it does not say enough.

    Source: joblib 1.6.0, numpy_pickle.NumpyArrayWrapper.read_array.
    """
    if not isinstance(state, Items):
        return None
    shape = state.get("shape")
    element = pickle_calls.element_type(state.get("dtype"))
    if not isinstance(shape, tuple) or element is None:
        return None
    if element.holds_objects:
        return ArrayLayout(0, False, True)
    count = 1
    for length in shape:
        if not isinstance(length, int) or length < 0:
            return None
        count *= length
        if count.bit_length() > 62:
            return None
    aligned = state.get("numpy_array_alignment_bytes")
    return ArrayLayout(count * element.size, aligned is not MISSING and aligned is not None, False)


def _filled(shape: str, items: list[object]) -> Items:
    filled = Items(shape)
    filled.extend(items)
    return filled


def _text(line: bytes) -> str:
    return str(line, "utf-8", "backslashreplace")


def _decimal(line: bytes, at: int) -> int:
    """INT and LONG: Python accepts spaces, signs and underscores around decimal digits."""
    if len(line) > MOST_DIGITS:
        raise Stop(INVALID, f"a number of {len(line)} digits, more than Python converts", at)
    if line == b"00":
        return False
    if line == b"01":
        return True
    try:
        return int(line, 0) if line.strip().lstrip(b"+-")[:1] != b"0" else int(line)
    except ValueError:
        raise Stop(INVALID, "INT or LONG without a number", at) from None


def _index(line: bytes, at: int) -> int:
    try:
        return int(line[:32])
    except ValueError:
        raise Stop(INVALID, "a memo index that is no number", at) from None


def _quoted(line: bytes, at: int) -> str:
    line = line.strip()
    if len(line) < 2 or line[0] != line[-1] or line[:1] not in (b"'", b'"'):
        raise Stop(INVALID, "STRING without quotes", at)
    return pickle_calls.unescape(line[1:-1])


def _raw_unicode(line: bytes) -> str:
    try:
        return str(line, "raw-unicode-escape")
    except UnicodeDecodeError:
        return str(line, "latin-1")
