"""What a person reads after a conversion."""

from typing import Any, Dict, List, Optional

from . import strict_json
from .errors import grouped, printable
from .model import Layer, Model

_LABEL_WIDTH = 14
_MAX_NAME = 44


def render(model: Model, source: str, source_size: int, metadata: Dict[str, str], output: str, size: int, digest: str) -> str:
    """The summary of a finished conversion: a block of text without a final line break."""
    layout = "full model" if model.layout == "keras-hdf5" else "weights only"
    origin = [f"Keras {model.keras_version}" if model.keras_version else "Keras version not stated"]
    if model.backend:
        origin.append(model.backend)
    tensors = model.tensors
    parameters = sum(tensor.size for tensor in tensors)
    dtypes = ", ".join(sorted({tensor.dtype for tensor in tensors})) or "none"
    blocks = [
        _line("model", f"{source}  ({_bytes(source_size)})"),
        _line("layout", f"HDF5, {layout}, {', '.join(origin)}"),
        "",
        *_table(model.layers),
        "",
        _line("parameters", f"{parameters:,} ({dtypes})"),
    ]
    if "model_config" not in metadata:
        blocks.append(_line("architecture", "NONE: the engine cannot run this bundle."))
        blocks.append(_line("", "Convert again with --config model.json, written by model.to_json()."))
    blocks += _text(strict_json.loads(metadata["text"], "text") if "text" in metadata else None)
    if "labels" in metadata:
        blocks.append(_line("labels", ", ".join(strict_json.loads(metadata["labels"], "labels"))))
    for key in ("title", "licence"):
        if key in metadata:
            blocks.append(_line(key, metadata[key]))
    if "examples" in metadata:
        blocks.append(_line("examples", f"{len(strict_json.loads(metadata['examples'], 'examples')):,}"))
    blocks.append(_line("parity", _parity(metadata.get("parity"))))
    blocks += ["", _line("written", f"{output}  ({_bytes(size)})"), _line("digest", digest[:len("sha256:") + 16] + "…")]
    return "\n".join(blocks)


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{printable(text)}"


def _bytes(count: int) -> str:
    if count < 1000:
        return grouped(count, "byte")
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 999.5 * scale or unit == "GB":
            return f"{count / scale:,.3g} {unit}" if count < 100 * scale else f"{count / scale:,.0f} {unit}"
    raise AssertionError("unreachable")


def _table(layers: List[Layer]) -> List[str]:
    """One row per weight: layer, weight, shape, number of parameters; and one per layer without weights."""
    rows = []
    for layer in layers:
        if not layer.tensors:
            rows.append((layer.name, "", "", ""))
        for index, (tensor, name) in enumerate(zip(layer.tensors, layer.weight_names)):
            short = name[len(layer.name) + 1:] if name.startswith(layer.name + "/") else name
            shape = " × ".join(f"{dimension}" for dimension in tensor.shape) or "scalar"
            rows.append(("" if index else layer.name, short, shape, f"{tensor.size:,}"))
    rows = [tuple(_clip(printable(cell)) for cell in row) for row in rows]
    head = ("layer", "weight", "shape", "parameters")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    return [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in [head, *rows]
    ]


def _clip(cell: str) -> str:
    return cell if len(cell) <= _MAX_NAME else cell[:_MAX_NAME - 1] + "…"


def _text(text: Optional[Dict[str, Any]]) -> List[str]:
    if text is None:
        return [_line("text", "no vocabulary: the page will ask for one (or give --vocab or --charset)")]
    units = "characters" if text["unit"] == "char" else "words"
    ids = text["vocabulary"].values()
    facts = [f"{units}, {grouped(len(ids), 'token')} with ids {min(ids)} to {max(ids)}"]
    if text["num_words"] is not None:
        facts.append(f"only ids below {text['num_words']:,}")
    facts.append("lower-cased" if text["lower"] else "case kept")
    facts.append("unknown ones left out" if text["oov"] == "drop" else f"unknown ones get id {text['oov']}")
    fill = [f"filled with id {text['pad']} ({text['padding']})", f"cut ({text['truncating']})"]
    fill.append(f"to {text['length']:,} timesteps" if text["length"] is not None else "to the model's own length")
    if text["one_hot"]:
        fill.append("as one-hot rows")
    lines = [_line("text", ", ".join(facts)), _line("", " ".join([", ".join(fill[:2]), *fill[2:]]))]
    lines += [_line("" if index else "assumed", f"- {sentence}") for index, sentence in enumerate(text["assumed"])]
    return lines


def _parity(parity: Optional[str]) -> str:
    if parity is None:
        return "none: nothing to check the engine against"
    content = strict_json.loads(parity, "parity")
    made_with = ", ".join(f"{key} {value}" for key, value in content["made_with"].items())
    return f"{grouped(len(content['cases']), 'case')}, made with {made_with}"
