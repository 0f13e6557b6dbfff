# SPDX-License-Identifier: GPL-2.0
"""Tests what judges whether the tests noticed a defect."""

import pytest

from bench import mutants
from bench.progress import Failed

PATCH = "Flushes nothing.\n\ntests: block dm\n--- a/x\n+++ b/x\n"
GOOD, BAD = ("pass", "block/1 writes", ""), ("fail", "block/2 flushes", "it lost a line")


@pytest.fixture(name="mutant")
def mutant_with(tmp_path):
    """A function that makes a mutant of the text of a patch."""
    def made(text=PATCH):
        (tmp_path / "lost.patch").write_text(text)
        return mutants.Mutant(tmp_path / "lost.patch")
    return made


def test_a_patch_names_its_tests(mutant):
    assert (mutant().defect, mutant().tests) == ("Flushes nothing.", ["block", "dm"])
    mutant().check()
    for tests in ("", "tests: nosuch\n", "tests: fresh-long\n"):
        with pytest.raises(Failed):
            mutant(PATCH.replace("tests: block dm\n", tests)).check()


@pytest.mark.parametrize("results, good, said", [
    ([GOOD, BAD], True, "lost: Flushes nothing. Noticed by block/2 flushes"),
    ([BAD, BAD, GOOD], True, "lost: Flushes nothing. Noticed by block/2 flushes and 1 more"),
    ([GOOD], False, "lost: no test noticed: Flushes nothing."),
    ([("fail", "main/boot", "the guest ended too early")], False, "lost: no test ran; see "),
    ([("fail", "build/mutant", "see log")], False, "lost: it cannot be built; see "),
    ([], False, "lost: no test ran; see "),
])
def test_a_defect_has_to_be_noticed(mutant, results, good, said):
    verdict, text = mutants.judge(mutant(), results)
    assert verdict == good and text.startswith(said)


@pytest.mark.parametrize("results, good, said", [
    ([GOOD, GOOD], True, "the tree as it is: 2 tests pass"),
    ([GOOD, BAD], False, "the tree as it is: block/2 flushes it lost a line"),
])
def test_the_tree_as_it_is_has_to_pass(results, good, said):
    assert mutants.judge(mutants.Mutant(), results) == (good, said)
