"""Which kind of file this is, by its content: one that a reader here reads, or what else it looks like and what to do."""

import os
import struct
import zipfile

import h5py

from .errors import ConvertError, reason

EXPECTED = "a Keras file (.keras, .h5, .hdf5)"
HDF5, ARCHIVE = "HDF5", "archive"
_DOWNLOAD = "Download the file itself again."
SAVE_H5 = 'In Keras: model.save("model.h5").'

# (offset, magic, what it is, hint)
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", ""),
    (0, b"\xff\xd8\xff", "a JPEG image", ""),
    (0, b"GIF8", "a GIF image", ""),
    (0, b"%PDF-", "a PDF document", ""),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Run `git lfs pull`, or download the file itself."),
    (0, b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
    (257, b"ustar", "a tar archive", "Unpack it first."),
    (0, b"\x93NUMPY", "a NumPy array (.npy)", SAVE_H5),
    (4, b"TFL3", "a TensorFlow Lite model", SAVE_H5),
    (0, b"GGUF", "a GGUF model", SAVE_H5),
    (8, b'{"', "a safetensors file", "It needs no conversion if it is a bundle: open it as it is."),
)


def kind_of(path: str) -> str:
    """HDF5, or ARCHIVE for the ZIP archive of a .keras file; raises ConvertError that says what else it looks like."""
    if os.path.isdir(path):
        if os.path.isfile(os.path.join(path, "model.weights.h5")):
            raise ConvertError(path, EXPECTED, "a folder with a Keras 3 model",
                               "Give its model.weights.h5, with its config.json as --config.")
        raise ConvertError(path, EXPECTED, "a folder", f"A SavedModel folder cannot be read. {SAVE_H5}")
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise ConvertError(path, EXPECTED, reason(error)) from None
    if not head:
        raise ConvertError(path, EXPECTED, "an empty file", _DOWNLOAD)
    if h5py.is_hdf5(path):  # also finds a signature behind a user block
        return HDF5
    if head.startswith(b"PK") and _is_keras(path):
        return ARCHIVE
    what, hint = _looks_like(path, head)
    raise ConvertError(path, EXPECTED, what, hint)


def _looks_like(path, head):
    if head.startswith(b"PK"):
        return _zip(path)
    for offset, magic, what, hint in _MAGIC:
        if head.startswith(magic, offset):
            return f"what looks like {what}", hint
    if head[0] == 0x80 and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "what looks like a Python pickle", f"Pickles are never opened: they can run code. {SAVE_H5}"
    text = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    text = text.lstrip()
    if text[:1] == b"<":
        return "what looks like a web page (HTML)", _DOWNLOAD
    if text[:1] in (b"{", b"["):
        return "what looks like JSON", "The weights are in another file; give an architecture by --config, a vocabulary by --vocab."
    return f"{os.path.getsize(path):,} bytes of something else", SAVE_H5


def _names(path):
    """What is in a ZIP archive; None where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, LookupError, NotImplementedError, struct.error):
        return None


def _is_keras(path):
    return not {"metadata.json", "config.json", "model.weights.h5"}.isdisjoint(_names(path) or ())


def _zip(path):
    names = _names(path)
    if names is None:
        return "what looks like a damaged ZIP archive", _DOWNLOAD
    if any(name.endswith("data.pkl") for name in names):
        return "what looks like a PyTorch model", "Only Keras models can be read."
    return "what looks like a ZIP archive", "Unpack it first."
