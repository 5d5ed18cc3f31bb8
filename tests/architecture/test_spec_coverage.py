"""Every rule of docs/spec is cited by a test."""

from scripts import rules


def test_every_rule_is_cited_by_a_test() -> None:
    """A rule that no test cites is a rule that nobody keeps."""
    stated = rules.rules()
    assert len(stated) > 30
    assert {rule: stated[rule] for rule in rules.untested()} == {}


def test_every_cited_rule_exists() -> None:
    """A test that cites a rule of a known family cites one that is written down."""
    stated = rules.rules()
    families = {rule.rpartition("-")[0] for rule in stated}
    unknown = {
        rule: sorted(files)
        for rule, files in rules.citations().items()
        if rule.rpartition("-")[0] in families and rule not in stated
    }
    assert unknown == {}
