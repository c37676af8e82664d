"""JSON without the liberties Python's json takes: no duplicate keys, no NaN, no lone surrogates, bounded depth."""

import json
import re
from typing import Any

from .errors import ConvertError, quoted

# Real architectures nest 10 to 20 deep; an unbounded depth would be a stack overflow in some reader.
MAX_DEPTH = 64

_SURROGATE = re.compile("[\ud800-\udfff]")
# A JSON string, or a run of the white space that JSON allows between tokens.
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')


class _Refused(Exception):
    def __init__(self, expected, actual):
        super().__init__(expected, actual)
        self.expected = expected
        self.actual = actual


def _object(pairs):
    result = {}
    for key, value in pairs:
        if key in result:
            raise _Refused("every key once", f"{quoted(key)} twice")
        result[key] = value
    return result


def _constant(name):
    raise _Refused("JSON numbers", name)


def loads(text: str, where: str, hint: str = "") -> Any:
    """Parses `text`. Raises ConvertError at `where` for anything that is not strict JSON."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        _check(value, 0)
    except _Refused as refused:
        raise ConvertError(where, refused.expected, refused.actual, hint) from None
    except json.JSONDecodeError as error:
        actual = f"{error.msg[0].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno}"
        raise ConvertError(where, "JSON", actual, hint) from None
    except RecursionError:
        raise ConvertError(where, f"at most {MAX_DEPTH} levels of nesting", "more", hint) from None
    except ValueError as error:  # Python 3.11+ refuses integers of more than 4,300 digits with a plain ValueError
        raise ConvertError(where, "JSON", str(error), hint) from None
    return value


def _check(value, depth):
    if depth > MAX_DEPTH:
        raise _Refused(f"at most {MAX_DEPTH} levels of nesting", "more")
    if isinstance(value, str):
        surrogate = _SURROGATE.search(value)
        if surrogate:
            raise _Refused("Unicode text", f"the lone surrogate U+{ord(surrogate.group()):04X} in {quoted(value)}")
    elif isinstance(value, dict):
        for key, member in value.items():
            _check(key, depth)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)


def dumps(value: Any) -> str:
    """Compact JSON, the same bytes as JavaScript's JSON.stringify for strings, whole numbers, lists and objects.

    (Objects whose keys look like whole numbers excepted: JavaScript sorts those first.)
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def without_spaces(text: str) -> str:
    """JSON `text` without the white space between its tokens; numbers and strings keep their spelling."""
    return _STRING_OR_SPACE.sub(lambda match: match.group(1) or "", text)


def read_file(path: str, hint: str = "") -> str:
    """The text of a JSON file: UTF-8, with or without a byte order mark."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ConvertError(path, "a file that can be read", error.strerror or str(error)) from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConvertError(path, "UTF-8 text", "UTF-16 text (as PowerShell's > writes)", "Save it again as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConvertError(path, "UTF-8 text", f"the byte 0x{data[error.start]:02x} at offset {error.start}", hint) from None
