"""Problems as documents."""

import pytest

from moot.errors import PROBLEMS, Problem
from moot.http.problems import problem_answer


@pytest.mark.parametrize("problem_id", PROBLEMS)
def test_every_row_of_the_table_can_be_answered(problem_id):
    """ERR-1: type, title, status, detail, code and cure for every error there is."""
    answer = problem_answer(Problem(problem_id))
    assert {"type", "title", "status", "detail", "code", "cure"} <= set(answer.body)
    assert 400 <= answer.status < 600
    assert answer.body["status"] == answer.status
    assert "{" not in answer.body["detail"]


def test_facts_travel_but_never_replace_the_members_of_the_rfc():
    """RFC 9457 §3.2: extension members stand beside the others; only plain values travel."""
    answer = problem_answer(Problem("body_too_large", limit_bytes=7, status=200, secret=object()))
    assert answer.body["limit_bytes"] == 7
    assert answer.body["status"] == 413
    assert "secret" not in answer.body


def test_retry_after_and_challenge_are_headers():
    """RFC 9110 §10.2.3 and §11.6.1."""
    assert (b"retry-after", b"9") in problem_answer(Problem("unavailable", retry_after_s=9)).headers
    assert problem_answer(Problem("token_invalid")).headers[0][0] == b"www-authenticate"
