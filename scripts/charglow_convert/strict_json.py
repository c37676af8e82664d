"""JSON without the liberties Python's json takes: no duplicate keys, no NaN, no lone surrogates, bounded depth."""

import json
import re
from typing import Any

from .errors import ConvertError, quoted, reason

# Nested objects and lists. The engine's limits (wasm/bundle/limits.h): models hold models, all else is flat.
MAX_DEPTH = 16
MAX_CONFIG_DEPTH = 200

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


def loads(text: str, where: str, hint: str = "", max_depth: int = MAX_DEPTH) -> Any:
    """Parses `text`. Raises ConvertError at `where` for anything that is not strict JSON."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        _check(value, max_depth)
    except _Refused as refused:
        raise ConvertError(where, refused.expected, refused.actual, hint) from None
    except json.JSONDecodeError as error:
        actual = f"{error.msg[0].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno}"
        raise ConvertError(where, "JSON", actual, hint) from None
    except RecursionError:
        raise ConvertError(where, f"at most {max_depth} levels of nesting", "more", hint) from None
    except ValueError as error:  # Python 3.11+ refuses integers of more than 4,300 digits with a plain ValueError
        raise ConvertError(where, "JSON", str(error), hint) from None
    return value


def _check(value, max_depth):
    """Refuses lone surrogates and too much nesting. Without recursion, whatever the nesting."""
    pending = [(value, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            surrogate = _SURROGATE.search(value)
            if surrogate:
                raise _Refused("Unicode text", f"the lone surrogate U+{ord(surrogate.group()):04X} in {quoted(value)}")
        elif isinstance(value, (dict, list)):
            if depth == max_depth:
                raise _Refused(f"at most {max_depth} levels of nesting", "more")
            pending.extend((member, depth + 1) for member in value)
            if isinstance(value, dict):
                pending.extend((member, depth + 1) for member in value.values())


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
        raise ConvertError(path, "a file that can be read", reason(error)) from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConvertError(path, "UTF-8 text", "UTF-16 text (as PowerShell's > writes)", "Save it again as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConvertError(path, "UTF-8 text", f"the byte 0x{data[error.start]:02x} at offset {error.start}", hint) from None
