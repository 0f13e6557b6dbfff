# SPDX-License-Identifier: GPL-2.0
"""Runs functions as tests and prints KTAP: a function that raises has failed."""

import tempfile
import traceback


def same(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r} instead of {wanted!r}")


def main(tests):
    """Run each test, with a temporary directory if it takes an argument. Return 1 if one failed."""
    print(f"KTAP version 1\n1..{len(tests)}", flush=True)
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            with tempfile.TemporaryDirectory() as directory:
                test(*[directory][:test.__code__.co_argcount])
            ok = "ok"
        except Exception:  # pylint: disable=broad-exception-caught
            print("# " + traceback.format_exc().strip().replace("\n", "\n# "))
            ok, failed = "not ok", 1
        print(f"{ok} {number} {test.__name__.replace('_', ' ')}", flush=True)
    return failed
