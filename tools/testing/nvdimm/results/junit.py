# SPDX-License-Identifier: GPL-2.0
"""JUnit XML for Jenkins and other CI systems. The kernel's kunit_junit has no times and no messages."""

import re
import xml.etree.ElementTree as ET

# characters that XML 1.0 cannot represent
UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text):
    return UNSPEAKABLE.sub("?", text)


def case(run, result):
    element = ET.Element("testcase", classname=result.suite.replace("/", "."), name=clean(result.title))
    if result.what == "fail":
        message = clean(result.why or "not ok")
        failure = ET.SubElement(element, "failure", message=message, type="failure")
        failure.text = clean(run.excerpt(result))
    elif result.what == "skip":
        ET.SubElement(element, "skipped", message=clean(result.why))
    elif result.what == "xfail":
        ET.SubElement(element, "skipped", message=clean(f"expected failure: {result.why}"))
    return element


def counted(element, results, seconds):
    what = [result.what for result in results]
    element.set("tests", str(len(what)))
    element.set("failures", str(what.count("fail")))
    element.set("errors", "0")
    element.set("skipped", str(what.count("skip") + what.count("xfail")))
    element.set("time", str(seconds))
    return element


def document(run):
    total = sum(run.group_seconds(group) for group in run.count(lambda r: r.group))
    root = counted(ET.Element("testsuites", name="rust-dax"), run.results, total)
    for name, results in run.suites().items():
        suite = ET.SubElement(root, "testsuite", name=name)
        counted(suite, results, run.seconds[name])
        if "began" in run.about:
            suite.set("timestamp", run.about["began"])
        suite.extend(case(run, result) for result in results)
        logs = sorted({result.log for result in results if result.log})
        if logs:
            ET.SubElement(suite, "system-out").text = "logs: " + " ".join(logs)
    ET.indent(root)
    return root


def write(run, path):
    ET.ElementTree(document(run)).write(path, encoding="utf-8", xml_declaration=True)
