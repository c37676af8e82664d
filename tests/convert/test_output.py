"""The output file: replaced as a whole or left alone, whatever happens meanwhile."""

import os
import signal
import stat
import subprocess
import sys

import pytest

import builders
import reading
from conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "convert.py"


@pytest.fixture(autouse=True)
def model(folder):
    builders.write_model(folder / "m.h5")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_earlier_bundle_is_replaced(folder, converted):
    for old, new in (("m.safetensors", "m.safetensors"), ("m.json", "m.json")):
        converted("m.h5", "-o", old)
        before = (folder / old).read_bytes()
        converted("m.h5", "-o", new, "--title", "new")
        assert (folder / old).read_bytes() != before
    assert reading.read_safetensors(folder / "m.safetensors").metadata["title"] == "new"
    assert names(folder) == ["m.h5", "m.json", "m.safetensors"]


@pytest.mark.parametrize("content", [b"my thesis", b"", b'{"__metadata__":{"format":"pt"}}'])
def test_another_file_is_not_replaced_unless_forced(folder, convert, content):
    (folder / "thesis").write_bytes(content)
    result = convert("m.h5", "-o", "thesis")
    assert (result.code, result.err) == (1, "convert.py: thesis: expected no file, or an earlier bundle to replace, found a file of "
                                            "another kind. Give another name by -o, or say --force.\n")
    assert (folder / "thesis").read_bytes() == content
    assert convert("m.h5", "-o", "thesis", "--force").code == 0
    reading.read_safetensors(folder / "thesis")


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize("name", ["m.h5", "./sub/../m.h5", "link.h5", "hard.h5"])
def test_the_input_is_never_replaced(folder, convert, name, force):
    (folder / "sub").mkdir()
    (folder / "link.h5").symlink_to("m.h5")
    os.link(folder / "m.h5", folder / "hard.h5")
    before = (folder / "m.h5").read_bytes()
    result = convert("m.h5", "-o", name, *force)
    assert (result.code, result.err) == (1, f"convert.py: {name}: expected an output of its own, found one of the inputs. "
                                            "Give another name by -o.\n")
    assert (folder / "m.h5").read_bytes() == before


@pytest.mark.parametrize("option", ["--vocab", "--about", "--parity", "--config"])
def test_no_other_input_is_replaced(folder, convert, option):
    (folder / "x.json").write_text("{}")
    result = convert("m.h5", option, "x.json", "-o", "x.json", "--force")
    assert result.err.startswith("convert.py: x.json: expected an output of its own, found one of the inputs.")
    assert (folder / "x.json").read_text() == "{}"


@pytest.mark.parametrize("name, message", [
    ("none/m.safetensors", "expected a folder to write to, found no such folder. Make the folder first."),
    ("sub", "expected a file name, found a folder. Give a file name by -o."),
    ("/dev/null", "expected a file name, found something that is not a file. Give a file name by -o."),
])
def test_places_that_cannot_be_written(folder, convert, name, message):
    (folder / "sub").mkdir()
    result = convert("m.h5", "-o", name, "--force")
    assert (result.code, result.err) == (1, f"convert.py: {name}: {message}\n")
    assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null")


def test_a_symbolic_link_stays_one(folder, converted):
    (folder / "sub").mkdir()
    (folder / "out.safetensors").symlink_to("sub/real.safetensors")
    converted("m.h5", "-o", "out.safetensors")
    assert (folder / "out.safetensors").is_symlink()
    reading.read_safetensors(folder / "sub" / "real.safetensors")


def test_permissions(folder, converted):
    mask = os.umask(0o027)
    try:
        converted("m.h5")
        assert stat.S_IMODE(os.stat("m.safetensors").st_mode) == 0o640
        os.chmod("m.safetensors", 0o604)
        converted("m.h5")
        assert stat.S_IMODE(os.stat("m.safetensors").st_mode) == 0o604
    finally:
        os.umask(mask)


# Sends the process a signal while the second tensor is being written, when the temporary file is there and half full.
INTERRUPTED = """
import os, signal, sys
sys.path.insert(0, {scripts!r})
from charglow_convert import bundle, cli
read_again, calls = bundle._read_again, []
def interrupted(tensor, checksums):
    calls.append(tensor.name)
    if len(calls) == 2:
        assert [name for name in os.listdir(".") if name.endswith(".tmp")], "nothing to tidy up"
        os.kill(os.getpid(), signal.{signal})
    return read_again(tensor, checksums)
bundle._read_again = interrupted
sys.exit(cli.main(["m.h5"]))
"""


@pytest.mark.parametrize("old", [True, False], ids=["over an old one", "new"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted(folder, converted, name, old):
    if old:
        converted("m.h5", "--title", "old")
    before = names(folder)
    content = (folder / "m.safetensors").read_bytes() if old else None
    program = INTERRUPTED.format(scripts=str(SCRIPT.parent), signal=name)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "convert.py: interrupted, nothing was written.\n")
    assert names(folder) == before
    assert not old or (folder / "m.safetensors").read_bytes() == content


@pytest.mark.parametrize("form", ["safetensors", "json"])
def test_a_full_disk(folder, converted, form):
    """The limit on the size of a file stands in for a full disk: both fail in write()."""
    import resource
    converted("m.h5", "--format", form)
    before = (folder / f"m.{form}").read_bytes()
    builders.write_model(folder / "m.h5", {"dense": {"k": builders.numbers(100, 100)}})
    result = subprocess.run([sys.executable, SCRIPT, "m.h5", "--format", form], capture_output=True, text=True,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"convert.py: m.{form}: expected an output that can be written, found file too large.\n"
    assert names(folder) == sorted(["m.h5", f"m.{form}"])
    assert (folder / f"m.{form}").read_bytes() == before


def test_a_folder_that_cannot_be_written(convert):
    result = convert("m.h5", "-o", "/proc/m.safetensors")  # where root cannot write either
    assert (result.code, result.err) == (
        1, "convert.py: /proc/m.safetensors: expected an output that can be written, found no such file or directory.\n")


def test_an_error_of_our_own_leaves_nothing_behind(folder, converted, convert, monkeypatch):
    from charglow_convert import bundle
    converted("m.h5")
    before = (folder / "m.safetensors").read_bytes()

    def broken(tensor, checksums):
        raise ZeroDivisionError

    monkeypatch.setattr(bundle, "_read_again", broken)
    with pytest.raises(ZeroDivisionError):
        convert("m.h5")
    assert names(folder) == ["m.h5", "m.safetensors"]
    assert (folder / "m.safetensors").read_bytes() == before


def test_sigkill_leaves_the_old_one(folder, converted):
    """Nobody can tidy up after SIGKILL, but the bundle is the old one, whole."""
    converted("m.h5")
    before = (folder / "m.safetensors").read_bytes()
    program = INTERRUPTED.format(scripts=str(SCRIPT.parent), signal="SIGKILL")
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    assert (folder / "m.safetensors").read_bytes() == before
