"""Guarded access to an HDF5 file that may be damaged or hostile.

HDF5 can point outside of a file (external and soft links, external storage, virtual datasets) and can declare arrays that
were never stored (CVE-2026-0897, CVE-2026-1669). Nothing here follows a link or allocates more than the file can hold.
"""

import io
import re
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, List, Optional, Tuple, Union

import h5py
import numpy as np

from .errors import ConvertError, grouped, printable
from .model import Tensor

DAMAGED = "The file is damaged or incomplete: copy or download it again."
SAVE_AGAIN = "Load the model in Keras and save it again as .h5."

MAX_RANK = 8
MAX_DIMENSION = 2**31 - 1
# Deflate cannot expand more than this (one bit-pair for 258 bytes); LZF stays far below.
MAX_EXPANSION = 1032

_FLOATS = (
    (h5py.h5t.IEEE_F16LE, h5py.h5t.IEEE_F16BE, "F16", "<f2"),
    (h5py.h5t.IEEE_F32LE, h5py.h5t.IEEE_F32BE, "F32", "<f4"),
    (h5py.h5t.IEEE_F64LE, h5py.h5t.IEEE_F64BE, "F64", "<f8"),
)
# What Keras stores among the weights and nothing computes with.
_OTHERS = ((h5py.h5t.TypeEnumID, "enumeration"), (h5py.h5t.TypeIntegerID, "integer"), (h5py.h5t.TypeStringID, "string"))
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
_TRUNCATED = re.compile(r"truncated file: eof = (\d+), .*stored_eof = (\d+)")


@contextmanager
def guard(where: str) -> Iterator[None]:
    """Turns whatever h5py raises on a damaged file into a ConvertError. Wrap h5py calls only, never our own logic."""
    try:
        yield
    except MemoryError:
        raise ConvertError(where, "an array that fits in memory", "that it does not") from None
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        message = printable(str(error.args[0] if error.args else error)).rstrip(".")
        raise ConvertError(where, "readable HDF5", f"an error of the HDF5 library: {message}", DAMAGED) from None


def open_file(path: str) -> h5py.File:
    """Opens an HDF5 file for reading. The caller has checked that its signature is there."""
    return _opened(lambda: h5py.File(path, "r"), path)


def open_image(content: bytes, where: str) -> h5py.File:
    """Opens the HDF5 file that `content` is, in memory. It lives as long as the result."""
    if not content.startswith(b"\x89HDF\r\n\x1a\n"):
        raise ConvertError(where, "an HDF5 file", grouped(len(content), "byte") + " of something else", DAMAGED)
    return _opened(lambda: h5py.File(io.BytesIO(content), "r"), where)


def _opened(open_it: Callable[[], h5py.File], where: str) -> h5py.File:
    try:
        return open_it()
    except OSError as error:
        message = str(error)
    truncated = _TRUNCATED.search(message)
    if truncated:
        actual = f"{int(truncated.group(1)):,} of its {int(truncated.group(2)):,} bytes"
        raise ConvertError(where, "a whole HDF5 file", actual, DAMAGED)
    if "lock" in message:
        raise ConvertError(where, "a file that nobody is writing", "that it is locked",
                           "Wait until training has saved it, or copy it first.")
    with guard(where):
        raise OSError(message)


def member(group: h5py.Group, name: str, where: str) -> Optional[h5py.HLObject]:
    """The object that a hard link called `name` (one path component) leads to; None where there is none."""
    with guard(where):
        link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        kind = {h5py.SoftLink: "a soft link", h5py.ExternalLink: "a link to another file"}.get(type(link), "a link")
        raise ConvertError(where, "the data itself", f"{kind} (links are never followed)", SAVE_AGAIN)
    with guard(where):
        return group[name]


def walk(root: h5py.Group, file: str) -> Tuple[Dict[str, h5py.Group], Dict[str, h5py.Dataset]]:
    """All groups and datasets at and below `root`, by their path in the file without the leading "/".

    Every object may be reached in one way only: a second hard link would make a cycle, or a few bytes look like many.
    """
    with guard(file):
        top = (root.name or "").strip("/")
    groups = {top: root}
    datasets = {}
    seen = {root.id}
    pending = [(top, root)]
    while pending:
        parent, group = pending.pop()
        with guard(f"{file}: {parent or '/'}"):
            names = list(group)
        for name in names:
            path = f"{parent}/{name}" if parent else name
            where = f"{file}: {path}"
            check_unicode(path, where)
            found = member(group, name, where)
            if found is None:
                raise ConvertError(where, "a group or an array", "a name that leads nowhere", DAMAGED)
            with guard(where):
                known = found.id in seen
                seen.add(found.id)
            if known:
                raise ConvertError(where, "an object of its own", "a second link to one seen before", SAVE_AGAIN)
            if isinstance(found, h5py.Group):
                groups[path] = found
                pending.append((path, found))
            elif isinstance(found, h5py.Dataset):
                datasets[path] = found
            else:
                raise ConvertError(where, "a group or an array", f"a {type(found).__name__.lower()}", SAVE_AGAIN)
    return groups, datasets


def check_unicode(text: str, where: str) -> None:
    """Refuses text that is not Unicode (h5py keeps undecodable bytes as lone surrogates)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ConvertError(where, "UTF-8 text", f"undecodable bytes at character {error.start}", DAMAGED) from None


class Attributes:
    """The string attributes of one group."""

    def __init__(self, owner: h5py.Group, where: str, file_size: int):
        self._owner = owner
        self._where = where
        self._file_size = file_size

    def __contains__(self, name: str) -> bool:
        with guard(self._where):
            return name in self._owner.attrs

    def string(self, name: str) -> Optional[str]:
        """A scalar string attribute; None where there is none."""
        if name not in self:
            return None
        values, shape = self._read(name)
        if shape != ():
            raise ConvertError(f"{self._where}: {name}", "one string", f"an array of shape {list(shape)}", DAMAGED)
        return values[0]

    def strings(self, name: str) -> Optional[List[str]]:
        """A list of strings; None where there is none.

        Keras splits a list of more than 64512 bytes into name0, name1, … (keras/saving/hdf5_format.py,
        save_attributes_to_hdf5_group, since 2.1.6) because an attribute cannot be larger.
        """
        if name in self:
            return self._list(name)
        parts = []
        while f"{name}{len(parts)}" in self:
            parts.append(self._list(f"{name}{len(parts)}"))
        return [value for part in parts for value in part] if parts else None

    def _list(self, name):
        values, shape = self._read(name)
        if len(shape) != 1:
            raise ConvertError(f"{self._where}: {name}", "a list of strings", f"an array of shape {list(shape)}", DAMAGED)
        return values

    def _read(self, name):
        where = f"{self._where}: {name}"
        with guard(where):
            attribute = h5py.h5a.open(self._owner.id, name.encode("utf-8"))
            kind = attribute.get_type()
            space = attribute.get_space()
            shape = space.get_simple_extent_dims() if space.get_simple_extent_type() != h5py.h5s.NULL else (0,)
            nbytes = kind.get_size()
        for dimension in shape:
            nbytes *= dimension
        if nbytes == 0:
            return [], shape  # Keras writes an empty list as a float64 array of shape (0,)
        if not isinstance(kind, h5py.h5t.TypeStringID):
            raise ConvertError(where, "strings", _type_name(kind), DAMAGED)
        if nbytes > self._file_size:
            raise ConvertError(where, f"at most {self._file_size:,} bytes (the file's size)", f"{nbytes:,}", DAMAGED)
        with guard(where):
            value = self._owner.attrs[name]
            values = [value] if shape == () else list(np.asarray(value).reshape(-1))
        # bytes or str, whichever the string's HDF5 type and the version of h5py make of it
        texts = [value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value) for value in values]
        for text in texts:
            check_unicode(text, where)
        return texts, shape


def _type_name(kind: h5py.h5t.TypeID) -> str:
    if isinstance(kind, h5py.h5t.TypeVlenID):
        return "variable-length arrays"
    if isinstance(kind, h5py.h5t.TypeStringID):
        return "strings"
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        return "compound values"
    if isinstance(kind, h5py.h5t.TypeReferenceID):
        return "references"
    with guard("HDF5 type"):
        return f"a non-IEEE float of {8 * kind.get_size()} bits" if isinstance(kind, h5py.h5t.TypeFloatID) else str(kind.dtype)


class Budget:
    """Counts the bytes that all tensors claim against the file's size, so that no set of them can claim what is not there."""

    def __init__(self, file_size: int):
        self.file_size = file_size
        self._stored = 0

    def spend(self, stored: int) -> int:
        self._stored += stored
        return self._stored


def weight(dataset: h5py.Dataset, name: str, file: str, budget: Budget) -> Union[Tensor, str]:
    """Checks that `dataset` is a plain, fully stored array of floating-point numbers; reads none of them yet.

    Of an array that is no weight but what Keras stores among them (a counter, a random generator's state, a table of
    strings), which is never read, it returns the kind instead: "integer", "string" or "enumeration" (h5py's booleans).
    """
    where = f"{file}: {name}"
    with guard(where):
        plist = dataset.id.get_create_plist()
        layout = plist.get_layout()
        external = layout == h5py.h5d.CONTIGUOUS and plist.get_external_count() > 0
        kind = dataset.id.get_type()
    # These two come first: asking such a dataset for its extent may already open other files.
    if layout == h5py.h5d.VIRTUAL:
        raise ConvertError(where, "the data itself", "a virtual dataset (other files are never opened)", SAVE_AGAIN)
    if external:
        raise ConvertError(where, "the data itself", "external storage (other files are never opened)", SAVE_AGAIN)
    for other, name_of_other in _OTHERS:
        if isinstance(kind, other):
            return name_of_other
    dtype, numpy_dtype = _float_type(kind, where)
    with guard(where):
        space = dataset.id.get_space()
        null = space.get_simple_extent_type() == h5py.h5s.NULL
        shape = tuple(int(dimension) for dimension in space.get_simple_extent_dims()) if not null else ()
    if null:
        raise ConvertError(where, "an array", "an empty dataspace", SAVE_AGAIN)
    if len(shape) > MAX_RANK:
        raise ConvertError(where, f"at most {MAX_RANK} dimensions", f"{len(shape)}")
    if any(dimension > MAX_DIMENSION for dimension in shape):
        raise ConvertError(where, f"dimensions up to {MAX_DIMENSION:,}", f"the shape {list(shape)}")

    def read() -> np.ndarray:
        with guard(where):
            return np.asarray(dataset[()], dtype=numpy_dtype, order="C")

    result = Tensor(name=name, dtype=dtype, shape=shape, where=where, read=read)
    _check_storage(dataset, plist, layout, result, budget)
    return result


def _float_type(kind, where):
    with guard(where):
        for little, big, dtype, numpy_dtype in _FLOATS:
            if kind.equal(little) or kind.equal(big):
                return dtype, numpy_dtype
    raise ConvertError(where, "IEEE numbers of type float16, float32 or float64", _type_name(kind),
                       "Weights of other types cannot be run.")


def _check_storage(dataset, plist, layout, declared: Tensor, budget):
    """Compares what the shape declares with what the file stores, before anything is allocated."""
    if declared.nbytes == 0:
        return
    with guard(declared.where):
        stored = dataset.id.get_storage_size()
        filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())] if layout == h5py.h5d.CHUNKED else []
        chunk = plist.get_chunk() if layout == h5py.h5d.CHUNKED else ()
    unknown = [code for code in filters if code not in _FILTERS]
    if unknown:
        raise ConvertError(declared.where, "no compression, gzip or lzf", f"the HDF5 filter {unknown[0]}", SAVE_AGAIN)
    needed = declared.nbytes
    if chunk:
        # HDF5 stores and unpacks whole chunks, also where they reach beyond the array.
        needed = declared.nbytes // max(declared.size, 1)
        for dimension, step in zip(declared.shape, chunk):
            needed *= -(-dimension // step) * step
    most = stored * (MAX_EXPANSION if filters else 1)
    if needed > most:
        raise ConvertError(declared.where, f"{grouped(needed, 'byte')} for the shape {list(declared.shape)}",
                           f"{grouped(stored, 'byte')} stored", DAMAGED)
    total = budget.spend(stored)
    if total > budget.file_size:
        raise ConvertError(declared.where, f"at most {budget.file_size:,} bytes of weights (the file's size)",
                           f"{total:,}", DAMAGED)
