"""What people and tests add to a model: labels, title, licence, examples (about.json) and Keras's own answers (parity)."""

import sys
from typing import Any, Dict, Iterable, List

from . import strict_json
from .errors import ConvertError, described, quoted, require_unicode

_ABOUT_KEYS = ("title", "licence", "labels", "examples")
_EXAMPLE_KEYS = ("text", "title", "note")
_RESULT_KEYS = ("outputs", "attention", "layers", "signals")


def read_about(path: str) -> Dict[str, Any]:
    """The members of an about.json: title, licence, labels, examples; each may be absent."""
    about = _object(strict_json.loads(strict_json.read_file(path), path), path, _ABOUT_KEYS)
    for key in ("title", "licence"):
        if key in about:
            check_line(about[key], f"{path}: {key}")
    if "labels" in about:
        check_labels(about["labels"], f"{path}: labels")
    if "examples" in about:
        where = f"{path}: examples"
        for index, example in enumerate(_list(about["examples"], where)):
            at = f"{where}[{index}]"
            _object(example, at, _EXAMPLE_KEYS, required=("text",))
            for key in example:
                _string(example[key], f"{at}: {key}")
        # in FORMAT.md's order, whatever the file's
        about["examples"] = [{key: example[key] for key in _EXAMPLE_KEYS if key in example} for example in about["examples"]]
    return about


def check_line(value: Any, where: str) -> str:
    """A string with something in it."""
    require_unicode(_string(value, where), where)
    if not value.strip():
        raise ConvertError(where, "some text", "an empty string", "Leave it out where there is nothing to say.")
    return value


def check_labels(labels: Any, where: str) -> List[str]:
    """At least two different names of classes."""
    for index, label in enumerate(_list(labels, where)):
        check_line(label, f"{where}[{index}]")
        if label in labels[:index]:
            raise ConvertError(f"{where}[{index}]", "a different name for each class", f"{quoted(label)} twice")
    if len(labels) < 2:
        raise ConvertError(where, "at least two names", f"{len(labels)}",
                           "A single sigmoid unit has two: below 0.5, and from 0.5.")
    return labels


def read_parity(path: str, layer_names: Iterable[str]) -> str:
    """Checks a parity file (FORMAT.md section 6) and returns its JSON as it is spelled, without the spaces.

    Numbers keep their spelling, so that the bytes do not depend on the language of the writer.
    """
    source = strict_json.read_file(path)
    parity = _object(strict_json.loads(source, path), path, ("made_with", "cases"), required=("made_with", "cases"))
    made_with = parity["made_with"]
    if not _object(made_with, f"{path}: made_with"):
        raise ConvertError(f"{path}: made_with", "an object of versions", "an empty one")
    for key, version in made_with.items():
        _string(version, f"{path}: made_with: {key}")
    cases = _list(parity["cases"], f"{path}: cases")
    if not cases:
        raise ConvertError(f"{path}: cases", "at least one case", "none")
    known = set(layer_names)
    for index, case in enumerate(cases):
        _check_case(case, f"{path}: cases[{index}]", known)
    return strict_json.without_spaces(source)


def _check_case(case, where, layer_names):
    _object(case, where, ("name", "text", "ids", "input", "inputs", "continues") + _RESULT_KEYS, required=("name",))
    _string(case["name"], f"{where}: name")
    if "continues" in case and not isinstance(case["continues"], bool):
        raise ConvertError(f"{where}: continues", "true or false", described(case["continues"]))
    if "text" in case:
        _string(case["text"], f"{where}: text")
        if "ids" not in case:
            raise ConvertError(where, "ids, what the text must become", "a text alone")
    if "inputs" in case:
        at = f"{where}: inputs"
        for layer, given in _object(case["inputs"], at).items():
            # Not held against the layers' names: a Sequential has an input that no file lists.
            _object(given, f"{at}: {layer}", ("ids", "input"))
            _check_input(given, f"{at}: {layer}")
        if "ids" in case or "input" in case or not case["inputs"]:
            raise ConvertError(where, "either one input or several inputs", "both" if case["inputs"] else "neither")
    else:
        _check_input(case, where)
    results = 0
    for key in _RESULT_KEYS:
        at = f"{where}: {key}"
        for layer, array in _object(case.get(key, {}), at).items():
            # "lstm:1" is the second tensor that the layer "lstm" gives, a state; "lstm/forget_gate" one of its signals;
            # "block/attention" what a layer within the layer "block" attends with.
            names = (layer.split("/")[0],) if key == "signals" else (layer, layer.rpartition(":")[0])
            if key == "attention":
                names += (layer.rpartition("/")[0],)
            if not layer_names.intersection(names):
                raise ConvertError(at, "layers of the model", quoted(layer), "Name layers as Keras does.")
            _check_array(array, f"{at}: {layer}")
            results += 1
    if not results:
        raise ConvertError(where, "an answer of Keras to compare with", "none")


def _check_input(given, where):
    if ("ids" in given) == ("input" in given):
        raise ConvertError(where, "either ids or input", "both" if "ids" in given else "neither")
    if "ids" in given:
        _check_ids(given["ids"], f"{where}: ids")
    else:
        _check_array(given["input"], f"{where}: input")


def _check_ids(ids, where):
    rows = _list(ids, where)
    if rows and isinstance(rows[0], list) and rows[0] and isinstance(rows[0][0], list):
        for row in rows:  # words within sentences
            _check_ids(row, where)
        return
    for row in rows:
        for token_id in _list(row, where):
            if type(token_id) is not int or token_id < 0:
                raise ConvertError(where, "whole numbers from 0", described(token_id))
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1:
        raise ConvertError(where, "rows of equal length (batch, timesteps)", f"rows of {lengths}" if lengths else "no rows")


def _check_array(array, where):
    _object(array, where, ("shape", "values"), required=("shape", "values"))
    shape = _list(array["shape"], f"{where}: shape")
    if any(type(dimension) is not int or dimension < 0 for dimension in shape):
        raise ConvertError(f"{where}: shape", "whole numbers from 0", f"{shape}")
    size = 1
    for dimension in shape:
        size *= dimension
    values = _list(array["values"], f"{where}: values")
    if len(values) != size:
        raise ConvertError(f"{where}: values", f"{size:,} for the shape {shape}", f"{len(values):,}")
    for index, value in enumerate(values):
        if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
            raise ConvertError(f"{where}: values[{index}]", "a finite number", described(value))


def _object(value, where, allowed=None, required=()):
    if not isinstance(value, dict):
        raise ConvertError(where, "an object", described(value))
    for key in value:
        if allowed is not None and key not in allowed:
            raise ConvertError(where, "the members " + ", ".join(allowed), quoted(key))
    for key in required:
        if key not in value:
            raise ConvertError(where, f"a member {quoted(key)}", "none")
    return value


def _list(value, where):
    if not isinstance(value, list):
        raise ConvertError(where, "a list", described(value))
    return value


def _string(value, where):
    if not isinstance(value, str):
        raise ConvertError(where, "a string", described(value))
    return value
