"""Reads an HDF5 file in a process of its own first, where the HDF5 library may hang or crash without harm.

It does both on some damaged files (one flipped bit in a global heap is enough for an endless loop inside of the library,
measured with HDF5 2.0), and neither a signal handler nor a thread of Python gets a turn meanwhile.
"""

import os
import subprocess
import sys
from typing import Optional

from . import hdf5, sources
from .errors import ConvertError

# Reading takes a fraction of a second for the largest text models; this is for slow disks and busy machines.
SECONDS = 20
BYTES_PER_SECOND = 5e6

_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from charglow_convert import probe; probe.read_all(sys.argv[2])"


def check(path: str, seconds: Optional[float] = None) -> None:
    """Returns if the file can be read to its end or to an orderly error, which the caller will meet as well.

    Raises ConvertError if the library crashes on it, or has not come back after `seconds` and a time for the file's size.
    """
    deadline = (SECONDS if seconds is None else seconds) + os.path.getsize(path) / BYTES_PER_SECOND
    command = [sys.executable, "-c", _PROGRAM, _PACKAGE_PARENT, path]
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                timeout=deadline).returncode
    except subprocess.TimeoutExpired:
        raise ConvertError(path, "readable HDF5", f"that the HDF5 library hangs on it (for {deadline:.0f} seconds)",
                           hdf5.DAMAGED) from None
    if status < 0 or status > 255:  # killed by a signal; on Windows an exception code
        raise ConvertError(path, "readable HDF5", f"that the HDF5 library crashes on it ({status})", hdf5.DAMAGED)


def read_all(path: str) -> None:
    """What the process does: all that the converter will do with the file."""
    try:
        with sources.open_model(path) as model:
            for tensor in model.tensors:
                tensor.read()
    except ConvertError:
        pass
