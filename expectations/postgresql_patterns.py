"""RE2's regular expressions, in which policies and kinds of value are written, in PostgreSQL's spelling.

PostgreSQL reads some of the same signs another way: `\\b` is a backspace there, `.` takes a line's end with it, `\\s`
is a character more, classes follow the server's locale, and nothing repeats more than 255 times. Here each keeps its
meaning; which characters a class holds, RE2 itself is asked. One difference stays: RE2 finds `\\B` between the bytes
of one letter outside ASCII as well. To be read under the collation "C".
"""

from __future__ import annotations

import functools
import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MOST_TIMES: Final = 255
"""How often PostgreSQL repeats at most."""

_TOKEN = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|\Z)
    | \(\?(?P<on>[imsU]*)(?:-(?P<off>[imsU]+))?(?P<scope>[:)])
    | (?P<open>\((?:\?P?<\w+>)?)
    | (?P<class>\[\^?\]?(?:\[:\^?\w+:\]|\\[pPx]\{[^}]*\}|\\.|[^]\\])*\])
    | \\(?:x\{(?P<long>[0-9A-Fa-f]+)\}|x(?P<short>[0-9A-Fa-f]{2})|(?P<octal>[0-7]{1,3}))
    | (?P<escape>\\(?:[pP]\{[^}]*\}|[pP].|.))
    | (?P<times>[*+?]|\{\d+(?:,\d*)?\})\??
    | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)

_PLACES: Final = {"^": "(?:^)", "$": "(?:$)", r"\A": "(?:^)", r"\z": "(?:$)", r"\b": r"(?:\y)", r"\B": r"(?:\Y)"}
_PLACES_IN_LINES: Final = {**_PLACES, "^": r"(?:^|(?<=\n))", "$": r"(?:$|(?=\n))"}

_CONTROLS: Final = {r"\a": "\a", r"\f": "\f", r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\v": "\v"}

_PLAIN_CLASS: Final = re.compile(r"\[(?:[0-9A-Za-z](?:-[0-9A-Za-z])?|[ .,:;()+$_/@])+-?\]")
"""Classes that both read alike."""


@functools.cache
def in_postgresql(pattern: str) -> str:
    """Spell a pattern that RE2 accepts so that PostgreSQL finds it in the same texts."""
    return _Spelling().of(pattern)


def whole_in_postgresql(pattern: str) -> str:
    """Spell a pattern that a text must match as a whole."""
    return f"^{in_postgresql(pattern)}$"


class _Spelling:
    """What is spelled so far: for each open group its parts, and the flags that held before it."""

    def __init__(self) -> None:
        self._flags = frozenset[str]()
        self._open: list[tuple[list[str], frozenset[str]]] = [([], self._flags)]

    def of(self, pattern: str) -> str:
        for token in _TOKEN.finditer(pattern):
            self._take(token)
        (parts, _), *_unclosed = self._open
        return f"(?:{''.join(parts)})"

    def _take(self, token: re.Match[str]) -> None:
        found, parts = token.groupdict(), self._open[-1][0]
        if found["quoted"] is not None:
            parts += map(self._letter, found["quoted"])
        elif found["scope"] or found["open"]:
            self._begin(found)
        elif found["class"]:
            parts.append(self._class(found["class"]))
        elif code := found["long"] or found["short"]:
            parts.append(self._letter(chr(int(code, 16))))
        elif found["octal"]:
            parts.append(self._letter(chr(int(found["octal"], 8))))
        elif found["escape"]:
            parts.append(self._escaped(found["escape"]))
        elif found["times"]:
            parts.append(_repeated(parts.pop(), found["times"]))
        elif token[0] == ")":
            self._end()
        else:
            parts.append(self._sign(token[0]))

    def _begin(self, found: dict[str, str | None]) -> None:
        flags = (self._flags | {*(found["on"] or "")}) - {*(found["off"] or "")}
        if found["scope"] != ")":
            self._open.append(([], self._flags))
        self._flags = flags

    def _end(self) -> None:
        parts, self._flags = self._open.pop()
        self._open[-1][0].append(f"(?:{''.join(parts)})")

    def _sign(self, sign: str) -> str:
        if sign == "|":
            return sign
        return self._class(sign) if sign == "." else self._place(sign) or self._letter(sign)

    def _escaped(self, escape: str) -> str:
        if escape in _CONTROLS:
            return _letter(_CONTROLS[escape])
        return self._place(escape) or (self._class(escape) if escape[1].isalnum() else _letter(escape[1]))

    def _place(self, sign: str) -> str | None:
        return (_PLACES_IN_LINES if "m" in self._flags else _PLACES).get(sign)

    def _class(self, written: str) -> str:
        if "i" not in self._flags and _PLAIN_CLASS.fullmatch(written):
            return written
        return _characters(written, "".join(sorted(self._flags & {"i", "s"})))

    def _letter(self, letter: str) -> str:
        if "i" in self._flags and letter.isalpha():
            return _characters(letter, "i")
        return _letter(letter)


def _letter(letter: str) -> str:
    if letter == "\0":
        return _NOTHING  # no text of PostgreSQL holds it
    if letter.isascii() and letter.isalnum():
        return letter
    return rf"\{letter}" if letter.isascii() and letter.isprintable() else _coded(ord(letter))


def _coded(code: int) -> str:
    return chr(code) if code < 128 and chr(code).isalnum() else rf"\u{code:04X}" if code < 0x10000 else rf"\U{code:08X}"


_NOTHING: Final = rf"[^{_coded(1)}-{_coded(0x10FFFF)}]"


def _repeated(atom: str, times: str) -> str:
    """Repeat an atom. What is repeated once more must be one atom again, so it becomes a group."""
    numbers = [int(number) for number in re.findall(r"\d+", times)]
    if max(numbers, default=0) <= MOST_TIMES:
        return f"(?:{atom}{times})"
    least, most = numbers[0], numbers[-1]
    unbounded = f"{atom}*" if times.endswith(",}") else ""
    return f"(?:{_in_steps(atom, '', least)}{unbounded or _in_steps(atom, '0,', most - least)})"


def _in_steps(atom: str, least: str, times: int) -> str:
    """Repeat in steps that PostgreSQL takes: so many times, or (`least` being `0,`) up to so many."""
    steps, left = divmod(times, MOST_TIMES)
    return f"{atom}{{{least}{MOST_TIMES}}}" * steps + f"{atom}{{{least}{left}}}"


@functools.cache
def _characters(written: str, flags: str) -> str:
    """List the characters that RE2 takes for a class, a dot, or a letter in either case."""
    held = pc.match_substring_regex(_every_character(), rf"\A(?{flags}:{written})\z").to_numpy(zero_copy_only=False)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], held, [False]))))
    codes = _codes()
    runs = [(int(codes[first]), int(codes[after - 1])) for first, after in edges.reshape(-1, 2)]
    listed = (_coded(first) + (f"-{_coded(last)}" if last > first else "") for first, last in runs)
    return f"[{''.join(listed)}]" if runs else _NOTHING


@functools.cache
def _codes() -> npt.NDArray[np.int32]:
    return np.concatenate([np.arange(1, 0xD800, dtype=np.int32), np.arange(0xE000, 0x110000, dtype=np.int32)])


@functools.cache
def _every_character() -> pa.Array:
    codes = _codes()
    sizes = 1 + sum((codes >= least).astype(np.int32) for least in (0x80, 0x800, 0x10000))
    ends = np.cumsum(sizes, dtype=np.int32)
    written = codes.astype("<u4").tobytes().decode("utf-32-le").encode()
    offsets = np.concatenate((np.zeros(1, np.int32), ends))
    return pa.Array.from_buffers(pa.string(), len(codes), [None, pa.py_buffer(offsets), pa.py_buffer(written)])
