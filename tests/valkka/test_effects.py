"""Marks of tests claim effects of documented names, and of no others; see effects.py."""

from tests.valkka.effects import claims, documented, expanded


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
