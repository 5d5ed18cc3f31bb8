"""An issuer's keys: fetched, kept, fetched again."""

import asyncio

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from moot.errors import Problem
from moot.persons.jwks import IssuerUnreachable, KeySet

KEY = ec.generate_private_key(ec.SECP256R1())
JWK = jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)


class Issuer:
    def __init__(self):
        self.documents = {"https://keys": {"keys": [{**JWK, "kid": "1"}]}}
        self.asked = []
        self.now = 0.0

    async def fetch(self, url):
        self.asked.append(url)
        await asyncio.sleep(0)
        if url not in self.documents:
            raise IssuerUnreachable("404")
        return self.documents[url]

    def keys(self, url="https://keys", issuer="https://issuer"):
        return KeySet(issuer, url, fetch=self.fetch, monotonic=lambda: self.now)


async def test_keys_are_fetched_once_for_many():
    """A hundred requests at once ask the issuer once."""
    issuer = Issuer()
    keys = issuer.keys()
    found = await asyncio.gather(*[keys.find("1") for _ in range(100)])
    assert all(key is not None and key.algorithm == "ES256" for key in found)
    assert len(issuer.asked) == 1


async def test_unknown_key_ids_cannot_make_us_ask_often():
    """Tokens with made-up key ids cause one fetch in 30 s, not one each."""
    issuer = Issuer()
    keys = issuer.keys()
    for number in range(50):
        assert await keys.find(f"x{number}") is None
    assert len(issuer.asked) == 1
    issuer.now = 31.0
    issuer.documents["https://keys"]["keys"].append({**JWK, "kid": "2"})
    assert await keys.find("2") is not None
    assert len(issuer.asked) == 2


async def test_a_withdrawn_key_is_gone_after_ten_minutes():
    """A key that the issuer no longer lists verifies nothing once the kept set is renewed."""
    issuer = Issuer()
    keys = issuer.keys()
    assert await keys.find("1") is not None
    issuer.documents["https://keys"] = {"keys": [{**JWK, "kid": "2"}]}
    issuer.now = 599.0
    assert await keys.find("1") is not None
    issuer.now = 601.0
    assert await keys.find("1") is None


async def test_an_issuer_that_is_away_does_not_lock_people_out():
    """Known keys go on counting while the issuer cannot be asked; without any it is 503."""
    issuer = Issuer()
    keys = issuer.keys()
    assert await keys.find("1") is not None
    issuer.documents.clear()
    issuer.now = 700.0
    assert await keys.find("1") is not None
    with pytest.raises(Problem) as caught:
        await issuer.keys().find("1")
    assert caught.value.kind.id == "issuer_unavailable"
    assert caught.value.retry_after_s


async def test_discovery_finds_the_keys_and_believes_only_its_issuer():
    """OpenID Connect Discovery 1.0 §4.3: the document must name the very issuer that was asked."""
    issuer = Issuer()
    path = "https://issuer/.well-known/openid-configuration"
    issuer.documents[path] = {"issuer": "https://issuer", "jwks_uri": "https://keys"}
    assert await issuer.keys(url=None).find("1") is not None
    issuer.documents[path] = {"issuer": "https://evil", "jwks_uri": "https://keys"}
    with pytest.raises(Problem):
        await issuer.keys(url=None).find("1")
    issuer.documents[path] = {"issuer": "https://issuer", "jwks_uri": "file:///etc/passwd"}
    with pytest.raises(Problem):
        await issuer.keys(url=None).find("1")


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "9"},
        {**JWK, "kid": "9", "use": "enc"},
        {**JWK, "kid": "9", "alg": "HS256"},
        {**JWK, "kid": "9", "x": "AA"},
        {**JWK, "kid": 9},
        "text",
        None,
    ],
)
async def test_keys_that_are_not_for_signing_are_left_out(entry):
    """A symmetric, encrypting or broken entry verifies nothing and breaks nothing."""
    issuer = Issuer()
    issuer.documents["https://keys"]["keys"].insert(0, entry)
    keys = issuer.keys()
    assert await keys.find("9") is None
    assert await keys.find("1") is not None


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, "text", 7])
async def test_a_broken_key_set_is_as_good_as_none(document):
    """ERR-1: what the issuer answers is from the network as well."""
    issuer = Issuer()
    issuer.documents["https://keys"] = document
    with pytest.raises(Problem):
        await issuer.keys().find("1")
