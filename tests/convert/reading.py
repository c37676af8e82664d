"""Reads bundles from scratch, by FORMAT.md and not by the converter's code, checking every MUST on the way."""

import hashlib
import json
import math
import struct
from dataclasses import dataclass

import numpy as np

LAYOUTS = {"keras-hdf5", "keras-hdf5-weights", "keras-v3", "keras-v3-weights"}
ITEM_SIZE = {"F16": 2, "F32": 4, "F64": 8}
NUMPY = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
REQUIRED = {"format", "digest", "source", "layers"}
OPTIONAL = {"keras_version", "backend", "model_config", "assets", "choices", "text", "labels", "title", "licence", "examples", "parity"}
JSON_KEYS = ("source", "layers", "assets", "choices", "text", "labels", "examples", "parity")


@dataclass
class Bundle:
    metadata: dict
    tensors: dict  # name -> numpy array, in file order
    dtypes: dict

    def json(self, key):
        return strict(self.metadata[key])


def strict(text):
    def unique(pairs):
        assert len({key for key, _ in pairs}) == len(pairs), "duplicate key"
        return dict(pairs)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


def depth(value):
    if isinstance(value, (dict, list)):
        members = value.values() if isinstance(value, dict) else value
        return 1 + max((depth(member) for member in members), default=0)
    return 0


def read_safetensors(path):
    """Sections 1, 3 and 4 of FORMAT.md, asserted."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert length <= 16 * 1024 * 1024 and length % 8 == 0
    raw = data[8:8 + length]
    assert raw[:1] == b"{" and raw.rstrip(b" ").endswith(b"}") and len(raw) - len(raw.rstrip(b" ")) < 8
    header = strict(raw.decode("utf-8"))
    assert depth(header) <= 16
    assert next(iter(header)) == "__metadata__"
    metadata = header.pop("__metadata__")
    body = data[8 + length:]
    position = 0
    tensors, dtypes = {}, {}
    for name, entry in header.items():
        assert set(entry) == {"dtype", "shape", "data_offsets"}
        begin, end = entry["data_offsets"]
        assert begin == position, "hole or overlap"
        assert end - begin == ITEM_SIZE[entry["dtype"]] * math.prod(entry["shape"])
        tensors[name] = np.frombuffer(body[begin:end], NUMPY[entry["dtype"]]).reshape(entry["shape"])
        dtypes[name] = entry["dtype"]
        position = end
    assert position == len(body), "trailing bytes"
    return check(Bundle(metadata, tensors, dtypes))


def read_json(path):
    """Section 2 of FORMAT.md, asserted."""
    content = strict(path.read_bytes().decode("utf-8"))
    assert list(content) == ["__metadata__", "tensors"]
    tensors, dtypes = {}, {}
    for name, entry in content["tensors"].items():
        assert set(entry) == {"dtype", "shape", "data"}
        flat = np.array(entry["data"], dtype="f8").astype(NUMPY[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
        dtypes[name] = entry["dtype"]
    return check(Bundle(content["__metadata__"], tensors, dtypes))


def check(bundle):
    metadata = bundle.metadata
    assert all(isinstance(value, str) for value in metadata.values())
    assert REQUIRED <= set(metadata) <= REQUIRED | OPTIONAL
    assert metadata["format"] == "charglow/1"
    assert metadata["digest"] == digest(bundle)
    assert set(bundle.json("source")) == {"layout", "file"}
    assert bundle.json("source")["layout"] in LAYOUTS
    for layer in bundle.json("layers"):
        assert [key for key in ("name", "keras_name", "weights", "left_out") if key in layer] == list(layer)
        assert {"name", "weights"} <= set(layer)
        assert set(layer.get("left_out", {}).values()) <= {"integer", "string", "enumeration"}
        assert layer.get("left_out") != {} and not set(layer.get("left_out", {})) & set(bundle.tensors)
    for key in ("assets", "choices"):
        if key in metadata:
            assert list(bundle.json(key)) == sorted(bundle.json(key))
    for key in JSON_KEYS:
        if key in metadata and key != "parity":
            assert metadata[key] == json.dumps(bundle.json(key), ensure_ascii=False, separators=(",", ":"))
    listed = [name for layer in bundle.json("layers") for name in layer["weights"]]
    assert sorted(listed) == sorted(bundle.tensors) and len(set(listed)) == len(listed)
    assert list(bundle.tensors) == sorted(listed, key=lambda name: (-ITEM_SIZE[bundle.dtypes[name]], listed.index(name)))
    for array in bundle.tensors.values():
        assert array.ndim <= 8 and all(dimension < 2**31 for dimension in array.shape)
        assert np.isfinite(array).all()
    return bundle


def digest(bundle):
    parts = []
    for key in sorted(bundle.metadata, key=str.encode):
        if key != "digest":
            parts += [key.encode(), bundle.metadata[key].encode()]
    for name in sorted(bundle.tensors, key=str.encode):
        array = bundle.tensors[name]
        shape = "[" + ",".join(str(dimension) for dimension in array.shape) + "]"
        parts += [name.encode(), bundle.dtypes[name].encode(), shape.encode(), array.tobytes()]
    return "sha256:" + hashlib.sha256(b"".join(struct.pack("<Q", len(part)) + part for part in parts)).hexdigest()
