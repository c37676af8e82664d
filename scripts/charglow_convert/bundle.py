"""Writes a bundle (FORMAT.md sections 1 to 4): the digest, both forms, and the step that puts the file in its place."""

import hashlib
import os
import re
import secrets
import zlib
from contextlib import contextmanager
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple

import numpy as np

from . import strict_json
from .errors import ConvertError, grouped, reason
from .model import ITEM_SIZE, Layer, Model, Tensor

FORMAT = "charglow/1"
MAX_HEADER = 16 * 1024 * 1024
FORMS = ("safetensors", "json")
# The order of the table in FORMAT.md section 3.
METADATA_KEYS = ("format", "digest", "source", "layers", "keras_version", "backend", "model_config", "assets", "choices",
                 "text", "labels", "title", "licence", "examples", "parity")

_BUNDLE_START = re.compile(rb'(?:.{8})?\s*\{\s*"__metadata__"\s*:\s*\{\s*"format"\s*:\s*"charglow/', re.DOTALL)


def metadata_of(model: Model, file_name: str) -> Dict[str, str]:
    """The metadata that comes from the source itself. The caller adds the rest; `write` adds the digest."""
    metadata = {
        "format": FORMAT,
        "source": strict_json.dumps({"layout": model.layout, "file": file_name}),
        "layers": strict_json.dumps([_layer_entry(layer) for layer in model.layers]),
    }
    for key in ("keras_version", "backend", "model_config"):
        value = getattr(model, key)
        if value is not None:
            metadata[key] = value
    if model.assets:
        metadata["assets"] = strict_json.dumps(model.assets)
    return metadata


def _layer_entry(layer: Layer):
    entry: Dict[str, Any] = {"name": layer.name}
    if layer.keras_name is not None:
        entry["keras_name"] = layer.keras_name
    entry["weights"] = [tensor.name for tensor in layer.tensors]
    if layer.left_out:
        entry["left_out"] = layer.left_out
    return entry


def write(path: str, form: str, metadata: Dict[str, str], tensors: List[Tensor]) -> Tuple[int, str]:
    """Writes the bundle to `path` and returns its size in bytes and its digest.

    Each tensor is read twice, one at a time: for the digest, which stands in front, and for its bytes. `path` is either
    replaced as a whole or left as it was.

    Raises ConvertError for a value that is not finite, a source that changes meanwhile, or an output that cannot be written.
    """
    ordered = sorted(tensors, key=lambda tensor: -ITEM_SIZE[tensor.dtype])  # stable: by layer within a size
    checksums: Dict[str, int] = {}
    digest = _digest(metadata, tensors, checksums)
    complete = {**metadata, "digest": digest}
    complete = {key: complete[key] for key in METADATA_KEYS if key in complete}
    header = _header(complete, ordered, path)  # its limit holds for both forms: they can be turned into each other
    with _replacing(path) as file:
        if form == "safetensors":
            file.write(header)
            for tensor in ordered:
                file.write(_bytes(_read_again(tensor, checksums)))
        else:
            _write_json(file, complete, ordered, checksums)
        size = file.tell()
    return size, digest


def _digest(metadata, tensors, checksums):
    """FORMAT.md section 4. Also fills `checksums`, by which the second reading of each tensor is checked."""
    sha = hashlib.sha256()

    def add(data):
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)

    for key in sorted(metadata, key=lambda key: key.encode("utf-8")):
        add(key.encode("utf-8"))
        add(metadata[key].encode("utf-8"))
    for tensor in sorted(tensors, key=lambda tensor: tensor.name.encode("utf-8")):
        array = tensor.read()
        _require_finite(array, tensor)
        data = _bytes(array)
        checksums[tensor.name] = zlib.crc32(data)
        add(tensor.name.encode("utf-8"))
        add(tensor.dtype.encode("utf-8"))
        add(strict_json.dumps(list(tensor.shape)).encode("utf-8"))
        add(data)
    return "sha256:" + sha.hexdigest()


def _bytes(array):
    """The array's bytes without a copy."""
    return memoryview(array.reshape(-1)).cast("B") if array.size else b""


def _require_finite(array, tensor):
    finite = np.isfinite(array)
    if finite.all():
        return
    index = tuple(int(i) for i in np.unravel_index(int(np.argmin(finite)), array.shape))
    count = int(array.size - np.count_nonzero(finite))
    raise ConvertError(tensor.where, "finite numbers", f"{array[index]} at {list(index)} ({grouped(count, 'such value')})",
                       "The training diverged: use an earlier checkpoint.")


def _read_again(tensor, checksums):
    array = tensor.read()
    if zlib.crc32(_bytes(array)) != checksums[tensor.name]:
        raise ConvertError(tensor.where, "the same numbers at both readings", "others",
                           "The file is being written: wait until training has saved it.")
    return array


def _header(metadata, tensors, path):
    """The length and the header of the binary form."""
    header = {"__metadata__": metadata}
    offset = 0
    for tensor in tensors:
        end = offset + tensor.nbytes
        header[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    encoded = strict_json.dumps(header).encode("utf-8")
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > MAX_HEADER:
        raise ConvertError(path, f"at most {MAX_HEADER:,} bytes of header", f"{len(encoded):,}",
                           "Architecture, vocabulary, examples and parity together are too long.")
    return len(encoded).to_bytes(8, "little") + encoded


def _write_json(file: BinaryIO, metadata, tensors, checksums):
    entries = ",\n".join(f"{strict_json.dumps(key)}:{strict_json.dumps(value)}" for key, value in metadata.items())
    file.write(f'{{"__metadata__":{{\n{entries}}},\n"tensors":{{'.encode("utf-8"))
    for index, tensor in enumerate(tensors):
        shape = strict_json.dumps(list(tensor.shape))
        start = f'{strict_json.dumps(tensor.name)}:{{"dtype":"{tensor.dtype}","shape":{shape},"data":['
        file.write(((",\n" if index else "\n") + start).encode("utf-8"))
        # str of a numpy scalar: the fewest digits that read back to the same value of its own dtype
        file.write(",".join(map(str, _read_again(tensor, checksums).reshape(-1))).encode("ascii"))
        file.write(b"]}")
    file.write(b"}}\n")


def require_writable(path: str, inputs: List[str], force: bool) -> None:
    """Refuses an output that would destroy something other than an earlier bundle."""
    if not os.path.exists(path):
        if not os.path.isdir(os.path.dirname(os.path.realpath(path))):
            raise ConvertError(path, "a folder to write to", "no such folder", "Make the folder first.")
        return
    for source in inputs:
        if os.path.exists(source) and os.path.samefile(source, path):
            raise ConvertError(path, "an output of its own", "one of the inputs", "Give another name by -o.")
    if not os.path.isfile(path):
        raise ConvertError(path, "a file name", "a folder" if os.path.isdir(path) else "something that is not a file",
                           "Give a file name by -o.")
    if force:
        return
    try:
        with open(path, "rb") as file:
            start = file.read(256)
    except OSError as error:
        raise ConvertError(path, "a file that can be replaced", reason(error)) from None
    if not _BUNDLE_START.match(start):
        raise ConvertError(path, "no file, or an earlier bundle to replace", "a file of another kind",
                           "Give another name by -o, or say --force.")


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    """A new file beside `path` that takes its place at the end, or is removed again on any error or interruption."""
    target = os.path.realpath(path)  # through a symbolic link, so that the link stays
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if os.path.exists(target):
                os.chmod(temporary, os.stat(target).st_mode & 0o777)
            os.replace(temporary, target)
        except OSError as error:
            raise ConvertError(path, "an output that can be written", reason(error)) from None
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the name itself reaches the disk with its folder
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
