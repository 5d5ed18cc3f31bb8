"""What the edges know of a person."""

from moot.persons.person import Person


def test_a_person_is_a_value():
    """PERSON-1: two requests of one guest are by the same person; a guest is no account."""
    assert Person("guest:a") == Person("guest:a") != Person("guest:b")
    assert not Person("guest:a").is_account
