"""Converts many damaged copies of one file, each in a process of its own, and prints what became of each as a line of JSON.

usage: damage_worker.py FILE NUMBER SEED, in an empty folder

A process that the HDF5 library holds for ever is ended by SIGALRM, whose default action needs no turn of Python's.
"""

import contextlib
import io
import json
import os
import pathlib
import random
import signal
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

from charglow_convert import cli, probe  # noqa: E402

SECONDS = 4


def damaged(source, rng):
    """A truncation, a few flipped bits, or four overwritten bytes."""
    data = bytearray(source)
    kind = rng.choice(["truncate", "flip", "flip", "flip", "overwrite"])
    if kind == "truncate":
        return bytes(data[:rng.randrange(len(data))]), kind
    for _ in range(rng.choice([1, 1, 4])):
        place = rng.randrange(len(data) - 4)
        if kind == "flip":
            data[place] ^= 1 << rng.randrange(8)
        else:
            data[place:place + 4] = rng.choice([b"\xff" * 4, bytes(4), rng.getrandbits(32).to_bytes(4, "little")])
    return bytes(data), kind


def outcome_of(path):
    """(exit code, standard error, traceback) of one conversion in a forked process; a signal's number is a negative code."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        errors, trace, code = io.StringIO(), "", None
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
                code = cli.main([path, "-o", "out.safetensors"])
        except BaseException:
            trace = traceback.format_exc()
        os.write(writer, json.dumps([code, errors.getvalue()[:20000], trace[-20000:]]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return [-os.WTERMSIG(status), "", ""]
    return json.loads(told)


def main():
    source = open(sys.argv[1], "rb").read()
    rng = random.Random(int(sys.argv[3]))
    check = probe.check
    probe.check = lambda path: None  # a process for each copy is here already
    for number in range(int(sys.argv[2])):
        data, kind = damaged(source, rng)
        with open("damaged.h5", "wb") as file:
            file.write(data)
        code, errors, trace = outcome_of("damaged.h5")
        refused_by_probe = ""
        if code is not None and code < 0:
            try:
                check("damaged.h5", seconds=SECONDS)
            except Exception as error:  # whatever it is, the test wants to see it
                refused_by_probe = f"{type(error).__name__}: {error}"
        print(json.dumps({"number": number, "kind": kind, "code": code, "errors": errors, "trace": trace,
                          "probe": refused_by_probe, "files": sorted(os.listdir("."))}))


if __name__ == "__main__":
    main()
