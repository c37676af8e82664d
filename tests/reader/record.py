#!/usr/bin/env python3
"""Has the converter convert all fixtures and whatever its own tests make, and writes down what it answers.

    python tests/reader/record.py FOLDER

FOLDER gets the files that went in and the bundles that came out, named by their content, and cases.json:
[{"test", "model", "name", "config", "config_name", "about", "about_name", "bundle" or "error"}, …]. The page's reader then has
to give the same answers. Left out is what is not its business: the JSON form, the output's place, vocabularies, parity, options.
"""

import hashlib
import json
import os
import pathlib
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import convert_fixtures  # noqa: E402
from charglow_convert import cli  # noqa: E402
from charglow_convert.errors import ConvertError  # noqa: E402

# The tests that are about files of Keras's, and not about options and outputs.
TESTS = ["test_annotations.py", "test_bad_files.py", "test_bundle.py", "test_keras_v3.py", "test_layouts.py", "test_properties.py"]


class Recorder:
    def __init__(self, folder):
        self.folder = folder.resolve()  # the tests change their working directory
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cases = {}
        self.test = ""
        self._convert = cli.convert
        cli.convert = self._recorded

    def _recorded(self, options):
        name = os.path.basename(options.source)
        case = {"model": self._kept(options.source), "name": name}
        for option in ("config", "about"):
            path = getattr(options, option)
            case.update({option: self._kept(path), f"{option}_name": path and os.path.basename(path)})
        whole = case["model"] and all(case[option] or not getattr(options, option) for option in ("config", "about"))
        # Options win over an about.json; there are none in the page.
        whole = whole and not (options.about and (options.labels or options.title or options.licence))
        try:
            report = self._convert(options)
        except ConvertError as error:
            of_input = str(error).startswith(tuple(f"{path}: " for path in (options.source, options.config, options.about)))
            # A list alone is no about.json, but names of classes to the page.
            of_input = of_input and (error.where, error.actual) != (options.about, "a list")
            if whole and of_input and error.expected != "an output of its own":
                self._add(case, error=str(error).replace(options.source, name, 1))
            raise
        output = pathlib.Path(options.output or f"{os.path.splitext(options.source)[0]}.safetensors")
        if whole and options.format != "json" and output.is_file() and not output.read_bytes().startswith(b"{"):
            self._add(case, bundle=self._kept(output))
        return report

    def _kept(self, path):
        """The name under which a copy of the file is kept; None where there is no such file."""
        if path is None or not os.path.isfile(path):
            return None
        data = pathlib.Path(path).read_bytes()
        name = hashlib.sha256(data).hexdigest()
        (self.folder / name).write_bytes(data)
        return name

    def _add(self, case, **result):
        test = self.test or os.environ["PYTEST_CURRENT_TEST"].removeprefix("tests/convert/").rpartition(" ")[0]
        self.cases.setdefault(json.dumps({**case, **result}), {"test": test, **case, **result})


def record_fixtures(recorder, fixtures):
    with tempfile.TemporaryDirectory() as folder:
        for case in sorted({path.parent for name in convert_fixtures.SOURCES for path in fixtures.rglob(name)}):
            recorder.test = str(case.relative_to(ROOT))
            # What comes with a model is checked when it is used; here its file is what counts.
            line = convert_fixtures.arguments(case)
            line = line[:3] if "--config" in line else line[:1]
            if cli.main([*line, "--output", f"{folder}/m.safetensors", "--force", "--quiet"]) != 0:
                sys.exit(f"record.py: {case} could not be converted.")
    recorder.test = ""


def main(folder):
    recorder = Recorder(folder)
    for fixtures in ("fixtures", "fixtures-next"):
        record_fixtures(recorder, ROOT / "tests" / fixtures)
    os.chdir(ROOT)
    files = [f"tests/convert/{name}" for name in TESTS]
    code = pytest.main(["-q", "-p", "no:cacheprovider", *files])
    (recorder.folder / "cases.json").write_text(json.dumps(list(recorder.cases.values()), indent=1), encoding="utf-8")
    return code


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("record.py: expected one argument, the folder to write to.")
    sys.exit(main(pathlib.Path(sys.argv[1])))
