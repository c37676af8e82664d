"""Guarded access to the ZIP archive that a .keras file is.

Nothing is unpacked to the disk, so that names cannot lead anywhere; members are read whole, into memory, after the size
that they declare has been compared with what is allowed. `zipfile` inflates no more than that and compares the CRC-32.
"""

import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import Dict, Iterator, List

from .errors import ConvertError, grouped, printable, quoted
from .hdf5 import DAMAGED

SAVE_AGAIN = "Load the model in Keras and save it again as .keras."

# What the bits and numbers of a ZIP entry mean: PKWARE's APPNOTE, sections 4.4.4 and 4.4.5.
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """The members of one archive by name, in its own order. Raises ConvertError for whatever it will not read."""

    def __init__(self, file: zipfile.ZipFile, path: str):
        self._file = file
        self._path = path
        self._members: Dict[str, zipfile.ZipInfo] = {}
        for info in file.infolist():
            # `filename` ends at a NUL, and is turned round on Windows; this is what the archive says.
            name = info.orig_filename
            where = f"{path}: {quoted(name)}"
            if "\\" in name or "\0" in name or name.startswith("/") or ".." in name.split("/"):
                raise ConvertError(where, "a name of a file inside of the archive", "one that could lead out of it", SAVE_AGAIN)
            if name in self._members:
                raise ConvertError(where, "every file once", "the name twice", SAVE_AGAIN)
            self._members[name] = info

    @property
    def names(self) -> List[str]:
        """The files, without the folders."""
        return [name for name in self._members if not name.endswith("/")]

    def read(self, name: str, most: int) -> bytes:
        """The whole content of a member that is there, of at most `most` bytes."""
        info = self._members[name]
        where = f"{self._path}: {name}"
        if info.flag_bits & _ENCRYPTED:
            raise ConvertError(where, "a file that is not encrypted", "that it is", SAVE_AGAIN)
        if info.compress_type not in _METHODS:
            method = zipfile.compressor_names.get(info.compress_type, "an unknown one")
            raise ConvertError(where, "no compression, or deflate", f"the method {info.compress_type} ({method})", SAVE_AGAIN)
        if info.file_size > most:
            raise ConvertError(where, f"at most {grouped(most, 'byte')}", f"{info.file_size:,}")
        with _guard(where):
            content = self._file.read(info)
        if len(content) != info.file_size:  # the archive ends inside of it
            raise ConvertError(where, grouped(info.file_size, "byte"), f"{len(content):,}", DAMAGED)
        return content

    def text(self, name: str, most: int) -> str:
        """The content of a member that holds UTF-8 text, character for character."""
        content = self.read(name, most)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            actual = f"the byte 0x{content[error.start]:02x} at offset {error.start}"
            raise ConvertError(f"{self._path}: {name}", "UTF-8 text", actual, DAMAGED) from None


@contextmanager
def open_archive(path: str) -> Iterator[Archive]:
    """Opens a ZIP archive for reading. The caller has seen its signature."""
    with _guard(path):
        file = zipfile.ZipFile(path)
    with file:
        yield Archive(file, path)


@contextmanager
def _guard(where):
    """Turns whatever zipfile raises on a damaged archive into a ConvertError."""
    try:
        yield
    except MemoryError:
        raise ConvertError(where, "a file that fits in memory", "that it does not") from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError, struct.error) as error:
        message = printable(str(error)).rstrip(".") or type(error).__name__
        raise ConvertError(where, "a readable ZIP archive", f"an error: {message}", DAMAGED) from None
