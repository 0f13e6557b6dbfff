# SPDX-License-Identifier: GPL-2.0
"""Checks that the tests notice defects. For each ../mutants/NAME.patch: applies it to a copy of the tree,
builds that, and runs the tests.

The first line of a patch describes the defect. The line "tests:" names the scripts of the default tier that
have to notice it; with ALL=1 the whole tier runs. At least one test has to fail. Before that, the unchanged
tree is tested, and no test may fail. The checkout stays unchanged, and the lane "mutant" keeps its objects
for the next run. The last line is "N passed, N failed".
"""

import os
import re

from bench import headers, paths
from bench.paths import CACHE, CHECKOUT, NVDIMM
from bench.progress import Failed, locked, run, step

WORK = CACHE / "build/mutants"
TREE = WORK / "tree"


class Mutant:
    """A patch, or without a name the tree as it is."""

    def __init__(self, file=None):
        self.file = file
        self.name = file.stem if file else "unchanged"
        self.log = WORK / f"{self.name}.log"
        lines = file.read_text().splitlines() if file else [""]
        self.defect = lines[0]
        self.tests = [test for line in lines if line.startswith("tests: ") for test in line.split()[1:]]

    def check(self):
        """Fail if the patch does not say which tests notice it."""
        if not self.tests:
            raise Failed(f"{self.file.name} names no tests that notice it; add a line 'tests: NAME...'")
        for test in self.tests:
            if headers.read(f"{test}.sh").get("tier") == "full":
                raise Failed(f"{self.file.name}: {test}.sh is not in the default tier")

    def make(self):
        """Make the copy of the checkout, with the patch. Whether that worked."""
        TREE.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        copy = ["rsync", "-rlpc", "--delete", "--exclude=/.git", f"{CHECKOUT}/", f"{TREE}/"]
        patch = ["patch", "--fuzz=0", "-p1", "-d", TREE, "-i", self.file]
        return run(copy, self.log) == 0 and (not self.file or run(patch, self.log) == 0)

    def results(self):
        """[(outcome, name, reason)] of the tests of the copy, which is built for that."""
        pattern = "" if os.environ.get("ALL") == "1" else f"({'|'.join(self.tests)})$"
        lines = check_copy(f"^mutant/{pattern}|^kunit/mutant", self.name, self.log)
        return [(outcome, name.removeprefix("mutant/"), why) for outcome, name, why, *_ in lines]


def check_copy(pattern, name, log):
    """Run `check` of the copied tree, which takes the place of the checkout. Return the lines of its
    results."""
    results = CACHE / "check/results"
    before = results.resolve()
    script = 'mount --bind "$1" /rust-dax && shift && exec "$@"'
    run(["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script, "sh", TREE,
         "python3", "-B", "-m", "bench", "check", pattern, "mutant"], log, name,
        cwd="/", env=os.environ | {"TIER": "default"})
    if not results.exists() or results.resolve() == before:
        raise Failed(f"the check has no results; see {paths.on_host(log)}")
    return [line.split("\t") for line in results.read_text().splitlines()]


def judge(mutant, results):
    """Whether the results are as they have to be, and what to say of them."""
    log = paths.on_host(mutant.log)
    bad = [(name, why) for outcome, name, why in results if outcome == "fail"]
    if "build/mutant" in dict(bad):
        return False, f"{mutant.name}: it cannot be built; see {log}"
    # A guest that fails before its first test has not noticed the defect.
    if not any(re.search(r"/\d", name) for _, name, _ in results):
        return False, f"{mutant.name}: no test ran; see {log}"
    if not mutant.file:
        if bad:
            return False, "the tree as it is: " + "; ".join(" ".join(one).strip() for one in bad[:3])
        return True, f"the tree as it is: {sum(outcome == 'pass' for outcome, *_ in results)} tests pass"
    if not bad:
        return False, f"{mutant.name}: no test noticed: {mutant.defect}"
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return True, f"{mutant.name}: {mutant.defect} Noticed by {bad[0][0]}{more}"


def main(arguments):
    """[PATTERN]: the mutants whose names match the regular expression."""
    pattern = arguments[0] if arguments else ""
    patches = sorted((NVDIMM / "mutants").glob("*.patch"))
    mutants = [Mutant(file) for file in patches if re.search(pattern, file.stem)]
    if not mutants:
        raise Failed(f"no mutant matches {pattern}")
    for mutant in mutants:
        mutant.check()
    unchanged = Mutant()
    unchanged.tests = sorted({test for mutant in mutants for test in mutant.tests})
    WORK.mkdir(parents=True, exist_ok=True)
    verdicts = []
    with locked(WORK / "lock", "run of the mutants"):
        for mutant in (unchanged, *mutants):
            good, text = False, f"{mutant.name}: the patch does not apply; see {paths.on_host(mutant.log)}"
            if mutant.make():
                good, text = judge(mutant, mutant.results())
            verdicts.append((good, f"{'pass' if good else 'fail'}: {text}"))
            step(verdicts[-1][1])
            if mutant is unchanged and not good:
                break
    passed = sum(good for good, _ in verdicts)
    print("", *(text for _, text in verdicts), f"{passed} passed, {len(verdicts) - passed} failed", sep="\n")
    return 0 if passed == len(verdicts) else 1
