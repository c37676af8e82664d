"""Runs the converter inside the test's own process, in an empty folder."""

import pathlib
import sys
from dataclasses import dataclass

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from charglow_convert import cli, probe  # noqa: E402


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def convert(folder, capfd, monkeypatch):
    """convert(*arguments) -> Result. Without the probing process, which test_damage.py tests by itself."""
    monkeypatch.setattr(probe, "check", lambda path: None)

    def run(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as exit:
            code = exit.code
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def converted(convert):
    """converted(*arguments) -> Result, of a run that must succeed."""

    def run(*arguments):
        result = convert(*arguments)
        assert (result.code, result.err) == (0, "")
        return result

    return run
