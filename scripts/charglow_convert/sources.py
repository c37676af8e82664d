"""Opens a Keras file with the reader that its content asks for."""

import os
from contextlib import contextmanager
from typing import Iterator

from . import hdf5, keras_hdf5, keras_v3, sniff
from .model import Model


@contextmanager
def open_model(path: str) -> Iterator[Model]:
    """The model in the file. Its tensors can be read while the context is open.

    Raises ConvertError for a file that is not Keras's, is damaged, or reaches outside of itself.
    """
    if sniff.kind_of(path) == sniff.ARCHIVE:
        with keras_v3.open_archive(path) as model:
            yield model
        return
    with hdf5.open_file(path) as file:
        reader = keras_v3.read_weights if keras_v3.is_tree(file, path) else keras_hdf5.read
        yield reader(file, path, os.path.getsize(path))
