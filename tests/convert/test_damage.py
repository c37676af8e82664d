"""Damaged HDF5 files, by the hundred: an orderly answer to each, and never a hang."""

import json
import pathlib
import re
import subprocess
import sys
from collections import Counter

import pytest

from charglow_convert import probe
from charglow_convert.errors import ConvertError
from conftest import REPOSITORY

WORKER = pathlib.Path(__file__).with_name("damage_worker.py")
FIXTURES = REPOSITORY / "tests" / "fixtures"
COPIES = 100  # of each file
HANGS = re.compile(r"ConvertError: damaged\.h5: expected readable HDF5, found that the HDF5 library (hangs|crashes) on it .*")


@pytest.mark.parametrize("source", ["keras-2.15/classic/model.h5", "keras-2.2/classic/model.h5",
                                    "keras-3/format_classic_weights/model.weights.h5"])
def test_damage(folder, source):
    command = [sys.executable, WORKER, FIXTURES / source, str(COPIES), "20"]
    outcomes = [json.loads(line) for line in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
    assert len(outcomes) == COPIES
    for outcome in outcomes:
        assert outcome["trace"] == "", f"number {outcome['number']}"
        if outcome["code"] == 1:
            assert re.fullmatch(r"convert\.py: \S.*: expected .*, found .*\.( .*\.?)?\n", outcome["errors"]), outcome
        elif outcome["code"] == 0:
            assert outcome["errors"] == ""
        else:
            assert HANGS.fullmatch(outcome["probe"]), outcome
        assert set(outcome["files"]) <= {"damaged.h5", "out.safetensors"}, "no temporary file stays"
    kinds = Counter(outcome["code"] for outcome in outcomes)
    # Most flips hit unused space or a weight, which HDF5 cannot notice.
    assert kinds[0] > COPIES / 5 and kinds[1] > COPIES / 5
    assert all(outcome["code"] == 1 for outcome in outcomes if outcome["kind"] == "truncate"), "every truncation is noticed"


@pytest.fixture
def endless(folder):
    """A file whose first global heap object has no size: HDF5 (1.10 to 2.0) looks for the next one for ever."""
    data = bytearray((FIXTURES / "keras-2.15/classic/model.h5").read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 16:heap + 32] = bytes(16)
    (folder / "m.h5").write_bytes(data)


def test_the_library_hangs(endless):
    with pytest.raises(ConvertError) as error:
        probe.check("m.h5", seconds=3)
    assert str(error.value) == ("m.h5: expected readable HDF5, found that the HDF5 library hangs on it (for 3 seconds). "
                                "The file is damaged or incomplete: copy or download it again.")


def test_the_command_line_probes(endless):
    """Through the whole program, with a shorter deadline than people get."""
    program = f"import sys; sys.path.insert(0, {str(REPOSITORY / 'scripts')!r}); from charglow_convert import cli, probe; " \
              "probe.SECONDS = 3; sys.exit(cli.main(['m.h5']))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("convert.py: m.h5: expected readable HDF5, found that the HDF5 library hangs on it (for 3 seconds)")


def test_the_library_crashes(folder, monkeypatch):
    (folder / "m.h5").write_bytes(b"anything")
    monkeypatch.setattr(probe, "_PROGRAM", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ConvertError) as error:
        probe.check("m.h5")
    assert str(error.value) == ("m.h5: expected readable HDF5, found that the HDF5 library crashes on it (-11). "
                                "The file is damaged or incomplete: copy or download it again.")


def test_good_and_merely_bad_files_pass_the_probe(folder):
    probe.check(str(FIXTURES / "keras-2.15/classic/model.h5"))
    (folder / "bad.h5").write_bytes((FIXTURES / "keras-2.15/classic/model.h5").read_bytes()[:5000])
    probe.check("bad.h5")  # an orderly error: the converter will meet it again and say so
