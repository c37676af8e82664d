#!/usr/bin/env python3
"""Turns a Keras HDF5 model into a bundle that the page and the engine load. See FORMAT.md and `convert.py --help`.

Needs h5py and numpy (scripts/requirements.txt), not Keras. Nothing in the model file is executed.
"""
import sys

if sys.version_info < (3, 8):
    sys.exit("convert.py: expected Python 3.8 or newer, found %d.%d." % sys.version_info[:2])

try:
    # Python puts this file's folder first on sys.path, so that the package is found from any working directory.
    from charglow_convert.cli import main
except ModuleNotFoundError as error:
    if error.name not in ("h5py", "numpy"):
        raise
    sys.exit("convert.py: expected h5py and numpy, found no %s. Use the project's own Python, .venv/bin/python, which "
             "`npm start` makes, or run in an environment of yours: %s -m pip install -r %s"
             % (error.name, sys.executable, __file__.replace("convert.py", "requirements.txt")))

if __name__ == "__main__":
    sys.exit(main())
