"""What a person reads after a conversion."""

from typing import Any, Dict, List, Optional

from . import strict_json
from .errors import grouped, printable
from .model import Layer, Model

_LABEL_WIDTH = 14
_MAX_NAME = 44
_LAYOUTS = {
    "keras-hdf5": "HDF5, full model",
    "keras-hdf5-weights": "HDF5, weights only",
    "keras-v3": "Keras archive, full model",
    "keras-v3-weights": "Keras 3 tree in HDF5, weights only",
}


def render(model: Model, source: str, source_size: int, metadata: Dict[str, str], output: str, size: int, digest: str) -> str:
    """The summary of a finished conversion: a block of text without a final line break."""
    origin = [f"Keras {model.keras_version}" if model.keras_version else "Keras version not stated"]
    if model.backend:
        origin.append(model.backend)
    is_tree = model.layout.startswith("keras-v3")  # its many groups without weights are not all layers
    tensors = model.tensors
    parameters = sum(tensor.size for tensor in tensors)
    dtypes = ", ".join(sorted({tensor.dtype for tensor in tensors})) or "none"
    blocks = [
        _line("model", f"{source}  ({_bytes(source_size)})"),
        _line("layout", f"{_LAYOUTS[model.layout]}, {', '.join(origin)}"),
        "",
        *_table([layer for layer in model.layers if layer.tensors or not is_tree]),
        "",
        _line("parameters", f"{parameters:,} ({dtypes})"),
    ]
    left_out = [f"{path} ({kind})" for layer in model.layers for path, kind in layer.left_out.items()]
    blocks += [_line("" if index else "left out", text) for index, text in enumerate(left_out)]
    if "model_config" not in metadata:
        blocks.append(_line("architecture", "none: the engine proposes one by names and shapes, and lists what it assumed."))
        blocks.append(_line("", "Surer is --config model.json, written by model.to_json()."))
    blocks += [_line("" if index else "assets", f"{name}  ({_bytes(len(text.encode('utf-8')))})")
               for index, (name, text) in enumerate(model.assets.items())]
    chosen = strict_json.loads(metadata["choices"], "choices") if "choices" in metadata else {}
    blocks += [_line("" if index else "chosen", f"{name} = {value}") for index, (name, value) in enumerate(chosen.items())]
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
        title = layer.name or "(the model itself)"
        if layer.keras_name is not None:
            title = f"{title} ({layer.keras_name})"
        if not layer.tensors:
            rows.append((title, "", "", ""))
        for index, (tensor, name) in enumerate(zip(layer.tensors, layer.weight_names)):
            short = name[len(layer.name) + 1:] if name.startswith(layer.name + "/") else name
            shape = " × ".join(f"{dimension}" for dimension in tensor.shape) or "scalar"
            rows.append(("" if index else title, short, shape, f"{tensor.size:,}"))
    rows = [tuple(_clip(printable(cell)) for cell in row) for row in rows]
    head = ("layer", "weight", "shape", "parameters")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    return [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in [head, *rows]
    ]


def _clip(cell: str) -> str:
    if len(cell) <= _MAX_NAME:
        return cell
    head = _MAX_NAME // 3
    return f"{cell[:head]}…{cell[head + 1 - _MAX_NAME:]}"


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
