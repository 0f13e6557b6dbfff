# SPDX-License-Identifier: GPL-2.0
"""The scripts of the selftests, in the guests of the lanes."""

import pytest

from bench import headers, ktap, lanes, logs

HUNG = (124, 137)


def in_guests():
    """A parameter for each script in each lane. The scripts of a boot share a guest."""
    for lane in lanes.KNOWN:
        for script in headers.tests():
            yield pytest.param((lane, script.boot), script, id=f"{lane}/{script.stem}",
                               marks=pytest.mark.xdist_group(f"{lane}:{script.boot}"))


# scope: without it, pytest would boot a guest for each script, as not all parameters are those of fixtures
@pytest.mark.parametrize("guest, script", in_guests(), indirect=["guest"], scope="session")
def test_script(guest, script, points, request, results):
    """Each test point that the script prints; and that the kernel reports no problem meanwhile."""
    lane = request.node.bench_name.partition("/")[0]
    took = dict(logs.seconds_of_scripts(logs.read(guest.dmesg)))
    request.node.bench_took = took.get(script.name)
    request.node.bench_log = f"{lane}/{script.stem}.dmesg"
    document = guest.document(script)
    file = f"{lane}/{script.stem}.ktap"
    (results / file).write_text("\n".join(document) + "\n")
    first = script.name == guest.scripts[0].name
    if guest.status(script) is None:
        pytest.fail(f"it did not finish: {guest.fate}", pytrace=False)
    points(ktap.parse(document), file)
    if guest.status(script) in HUNG:
        pytest.fail("it took too long", pytrace=False)
    for part in [script.name] + ["boot"] * first:
        if part in guest.problems:
            pytest.fail(f"the kernel reported a problem: {part}: " + "\n".join(guest.problems[part]), pytrace=False)
    if first and guest.fate:
        pytest.fail(f"the guest: {guest.fate}", pytrace=False)


@pytest.mark.parametrize("guest", [pytest.param((lane, "kunit"), id=f"kunit/{lane}") for lane in lanes.KNOWN],
                         indirect=True)
def test_kunit(guest, points, results):
    """The KUnit suites, which run when their module is loaded; their results are in the kernel log."""
    log = logs.read(guest.dmesg)
    cases = ktap.kunit(log)
    assert cases, guest.fate or "no KUnit case ran"
    for name, point in sorted(cases.items()):
        point.number, point.title = "", name
    points([cases[name] for name in sorted(cases)], f"{guest.build.name}/kunit.dmesg")
