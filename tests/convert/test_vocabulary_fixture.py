"""The engine's tests hold its vocabulary reader against a fixture; the fixture is what the converter says today."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "fixtures"))

import make_vocabularies  # noqa: E402


def test_fixture_is_what_the_converter_says_today():
    with open(make_vocabularies.OUTPUT, encoding="utf-8", newline="") as file:
        assert file.read() == make_vocabularies.fixture(), "run scripts/fixtures/make_vocabularies.py and the engine's tests"


def test_capitals_are_those_of_this_python_or_an_earlier_unicode():
    """The engine's table of capitals is Python 3.11's; later Pythons only know more letters."""
    path = os.path.join(ROOT, "wasm", "text", "capitals.inc")
    with open(path, encoding="ascii") as file:
        runs = [[int(number, 0) for number in line.strip("{},\n").split(",")] for line in file]
    points = [point for first, last, step in runs for point in range(first, last + 1, step)]
    assert len(points) > 1400
    if sys.version_info[:2] == (3, 11):
        assert points == [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and chr(c).lower() != chr(c)]
    elif sys.version_info > (3, 11):
        assert all(chr(point).lower() != chr(point) for point in points)
