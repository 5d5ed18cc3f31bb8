"""The programs of the house that judge the rest: what they would let pass, nobody sees."""

import pytest
from scripts import licences, packages, rules
from scripts import test as runner
from scripts.test import Command, Result, count


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("12 passed in 1.20s", (12, 0, 0)),
        ("=== 1 failed, 11 passed, 2 skipped, 3 warnings in 61.20s (0:01:01) ===", (11, 1, 2)),
        ("2 errors in 0.10s", (0, 2, 0)),
        ("3 passed, 1 xfailed in 0.10s", (3, 0, 0)),
        ("test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", (7, 0, 1)),
        ("test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured", (7, 2, 0)),
        ("      Tests  3 passed (3)", (3, 0, 0)),
        ("\x1b[2m      Tests \x1b[22m 1 failed | 2 passed | 1 skipped | 1 todo (5)", (2, 1, 2)),
        (" Test Files  1 passed (1)", (0, 0, 0)),
        ("8 passed, 1 failed\n", (8, 1, 0)),
        ("the 12 passed tests were nice", (0, 0, 0)),
    ],
)
def test_the_closing_line_of_each_runner_is_understood(
    line: str, counts: tuple[int, int, int]
) -> None:
    """pytest, cargo test and vitest each say in their own way what passed and what did not."""
    result = Result("x")
    count(line, result)
    assert (result.passed, result.failed, result.skipped) == counts


@pytest.mark.parametrize(
    "result",
    [Result("x", failed=1), Result("x", skipped=1), Result("x", broken=["it ended with 1"])],
)
def test_a_part_is_good_only_if_all_of_it_ran(result: Result) -> None:
    """A skipped test spoils a part as a failed one does."""
    assert not result.is_good
    assert Result("x", passed=1).is_good


def test_a_part_beside_others_fails_the_run_as_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it does not wait for it, and its failure is told all the same."""
    begun = []

    def slow() -> list[Command]:
        begun.append("slow")
        return [Command(["sh", "-c", "sleep 0.3; exit 1"])]

    monkeypatch.setattr(
        runner, "PARTS", {"slow": slow, "next": lambda: [Command(["echo", "2 passed, 0 failed"])]}
    )
    monkeypatch.setattr(runner, "BESIDE", {"slow"})
    first, second = runner.run_all(["slow", "next"])
    assert begun == ["slow"]
    assert (first.name, first.is_good, first.passed) == ("next", True, 2)
    assert (second.name, second.is_good) == ("slow", False)


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
        ("MIT/Apache-2.0", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only WITH Classpath-exception-2.0", False),
        ("AGPL-3.0-only", False),
        ("", False),
        ("MIT MIT", False),
        ("(MIT", False),
    ],
)
def test_an_expression_of_licences_is_understood(expression: str, allowed: bool) -> None:
    """AND needs both, OR one; what cannot be read is not allowed."""
    assert licences.is_allowed(expression) is allowed


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a part needs and the machine lacks is asked for by Debian's name, once."""
    monkeypatch.setattr(
        packages,
        "NEEDED",
        {"a": (("no-such-program", "p"), ("sh", "q")), "b": (("no-such-program", "p"),)},
    )
    assert packages.missing(["a", "b", "none"]) == ["p"]


def test_a_rule_is_read_from_the_documents() -> None:
    """The rules are those of docs/spec, each in one document."""
    stated = rules.rules()
    assert stated["JOIN-3"] == "docs/spec/meeting.md"
    assert stated["EVENT-1"] == "docs/spec/realtime.md"
