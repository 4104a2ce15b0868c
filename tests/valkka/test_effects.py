"""Each documented name that works is shown to have an effect, by the marks of tests; see effects.py."""

from tests.valkka.effects import claims, documented, expanded, shown_by

NEEDED = ("M", "S")


def test_each_name_and_member_that_works_is_shown_to_have_an_effect() -> None:
    """Of those that are taken without effect it is said that they are."""
    shown = shown_by()
    missing = [
        part
        for name in documented()
        if name.works and name.mark in NEEDED
        for part in name.parts
        if part not in shown and part.rpartition(".")[2] not in name.idle
    ]
    assert missing == []


def test_no_idle_name_is_unknown() -> None:
    for name in documented():
        assert set(name.idle) <= {name.name, *name.members}


def test_claims_are_of_documented_names() -> None:
    known = {part for name in documented() if name.works for part in (name.whole, *name.parts)}
    unknown = {(claim.test, name) for claim in claims() for name in claim.names if name not in known}
    assert unknown == set()


def test_claims_are_made_by_tests_that_judge() -> None:
    assert {claim.test for claim in claims() if not claim.judges} == set()
    assert len({claim.file for claim in claims()}) > 1


def test_braces_stand_for_alternatives() -> None:
    assert list(expanded("a.{b,c}.{d, e}")) == ["a.b.d", "a.b.e", "a.c.d", "a.c.e"]
    assert list(expanded("a.b")) == ["a.b"]
