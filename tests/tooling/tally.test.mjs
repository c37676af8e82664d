/** The test runner's own counting. A runner that counts wrongly hides every other failure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readJunit } from "../../scripts/lib/junit.mjs";
import { lastLine, sum, tally } from "../../scripts/lib/tally.mjs";

const CTEST = `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Linux-g++" tests="4" failures="1" disabled="1" skipped="1" hostname="" time="0">
	<testcase name="Bundle.Opens" classname="Bundle.Opens" time="0.01" status="run"><system-out>[ RUN ] &lt;x&gt;</system-out></testcase>
	<testcase name="Bundle.Refuses" classname="Bundle.Refuses" time="0.01" status="fail">
		<failure message=""/><system-out><![CDATA[</testcase> <failure>]]></system-out>
	</testcase>
	<testcase name="Bundle.Off" classname="Bundle.Off" time="0" status="disabled"><skipped message="Disabled"/></testcase>
	<testcase name="Bundle.NotRun" classname="Bundle.NotRun" time="0" status="notrun"><skipped message="SKIP_RETURN_CODE"/></testcase>
</testsuite>`;
const PYTEST = `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
<testcase classname="tests.test_a" name="test_one[a &gt; b]" time="0.1" /><testcase classname="tests.test_a" name="test_two" time="0.1"><failure message="assert 1 > 2">x</failure></testcase>
<testcase classname="tests.test_a" name="test_three" time="0"><skipped type="pytest.skip" message="no">x</skipped></testcase>
<testcase classname="tests.test_a" name="test_four" time="0"><error message="failed on setup">x</error></testcase></testsuite></testsuites>`;

const good = { label: "suite", code: 0, how: "exit code 0", single: false };
const report = (inner) => `<testsuites>${inner}</testsuites>`;
const numbers = ({ passed, failed, skipped }) => [passed, failed, skipped];

test("GoogleTest's report, with a failed and a skipped test", () => {
  const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" disabled="0" errors="0" time="0." name="AllTests">
  <testsuite name="Corpus" tests="3" failures="1" disabled="0" skipped="1" errors="0" time="0.">
    <testcase name="OfNothing" file="/x/corpus_test.cpp" line="3" status="run" result="completed" time="0." classname="Corpus" />
    <testcase name="Names" status="run" result="completed" time="0." classname="Corpus">
      <failure message="expected &lt;1&gt;&#x0A;found 2" type=""><![CDATA[corpus_test.cpp:9
expected <1>]]></failure>
    </testcase>
    <testcase name="Later" status="run" result="skipped" time="0." classname="Corpus">
      <skipped message="corpus_test.cpp:12&#x0A;"><![CDATA[corpus_test.cpp:12
]]></skipped>
    </testcase>
  </testsuite>
</testsuites>`;
  const { passed, failed, skipped, failures, skips } = tally({ label: "engine", code: 1, how: "exit code 1", report, single: false });
  assert.deepEqual([passed, failed, skipped], [1, 1, 1]);
  assert.deepEqual([failures, skips], [["engine: Corpus › Names"], ["engine: Corpus › Later"]]);
});

test("ctest's report, with markup inside its output", () => {
  assert.deepEqual(readJunit(CTEST), [
    { name: "Bundle.Opens", outcome: "passed" },
    { name: "Bundle.Refuses", outcome: "failed" },
    { name: "Bundle.Off", outcome: "skipped" },
    { name: "Bundle.NotRun", outcome: "skipped" },
  ]);
});

test("pytest's report: errors are failures", () => {
  assert.deepEqual(
    readJunit(PYTEST).map((one) => one.outcome),
    ["passed", "failed", "skipped", "failed"],
  );
  assert.equal(readJunit(PYTEST)[0].name, "tests.test_a › test_one[a > b]");
});

test("failures are counted and named", () => {
  const result = tally({ ...good, code: 1, how: "exit code 1", report: PYTEST });
  assert.deepEqual(numbers(result), [1, 2, 1]);
  assert.deepEqual(result.failures, ["suite: tests.test_a › test_two", "suite: tests.test_a › test_four"]);
});

test("what was skipped is named", () => {
  assert.deepEqual(tally({ ...good, report: PYTEST }).skips, ["suite: tests.test_a › test_three"]);
  assert.deepEqual(sum([tally({ ...good, report: PYTEST }), tally({ ...good, report: PYTEST })]).skips.length, 2);
});

test("failures count even when the program exits with 0", () => {
  assert.deepEqual(numbers(tally({ ...good, report: PYTEST })), [1, 2, 1]);
});

test("a crash after the last test is a failure", () => {
  const result = tally({ ...good, code: null, how: "signal SIGSEGV", report: report('<testcase name="a"/>') });
  assert.deepEqual(numbers(result), [1, 1, 0]);
  assert.match(result.failures[0], /ended with signal SIGSEGV/);
});

test("no report, no XML, a report that is cut off: each a failure", () => {
  assert.deepEqual(numbers(tally({ ...good, report: null })), [0, 1, 0]);
  assert.deepEqual(numbers(tally({ ...good, report: "" })), [0, 1, 0]);
  assert.deepEqual(numbers(tally({ ...good, report: "<html></html>" })), [0, 1, 0]);
  assert.deepEqual(numbers(tally({ ...good, report: '<testsuites><testcase name="a"/>' })), [0, 1, 0]);
});

test("zero tests, or skipped ones only, are a failure", () => {
  assert.deepEqual(numbers(tally({ ...good, report: report("") })), [0, 1, 0]);
  const skipped = tally({ ...good, report: report('<testcase name="a"><skipped/></testcase>') });
  assert.deepEqual(numbers(skipped), [0, 1, 1]);
});

test("a file without tests, which Node.js reports as one passed test, is a failure", () => {
  const files = ["/project/tests/empty.test.mjs"];
  const xml = report('<testcase name="/project/tests/empty.test.mjs" classname="test"/><testcase name="a" classname="test"/>');
  const result = tally({ ...good, report: xml, files });
  assert.deepEqual(numbers(result), [1, 1, 0]);
  assert.match(result.failures[0], /empty\.test\.mjs: expected tests, found none/);
});

test("a program without a report is one test", () => {
  assert.deepEqual(numbers(tally({ ...good, single: true, report: null })), [1, 0, 0]);
  assert.deepEqual(numbers(tally({ ...good, single: true, report: null, code: 2 })), [0, 1, 0]);
  assert.deepEqual(numbers(tally({ ...good, single: true, report: null, code: null })), [0, 1, 0]);
});

test("sums, and the last line", () => {
  const total = sum([tally({ ...good, code: 1, report: PYTEST }), tally({ ...good, code: 8, report: CTEST })]);
  assert.deepEqual(numbers(total), [2, 3, 3]);
  assert.equal(total.failures.length, 3);
  assert.equal(lastLine(total), "2 passed, 3 failed, 3 skipped");
  assert.equal(lastLine({ passed: 7, failed: 0, skipped: 0, failures: [] }), "7 passed, 0 failed");
});
