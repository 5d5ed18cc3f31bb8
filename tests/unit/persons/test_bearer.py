"""Bearer tokens: whose keys count for which issuer, and what is refused."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from moot.errors import Problem
from moot.persons.bearer import Bearers, bearer_token
from moot.persons.jwks import KeySet

OWN = "an embedding program's own key, long enough"
ISSUER = "https://project.supabase.co/auth/v1"
NOW = 1_800_000_000.0
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def jwk(key, kid, **more):
    maker = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else None
    maker = maker or jwt.algorithms.ECAlgorithm
    return {**maker.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


async def fetch(url):
    return {"keys": [jwk(RSA, "rsa", alg="RS256"), jwk(EC, "ec", use="sig")]}


def bearers(**changes) -> Bearers:
    given = {
        "own_key": OWN,
        "issuer": ISSUER,
        "audience": "authenticated",
        "keys": KeySet(ISSUER, "https://keys", fetch=fetch, monotonic=lambda: 0.0),
        "now_s": lambda: NOW,
    }
    return Bearers(**(given | changes))


def claims(**changes):
    made = {"sub": "u-1", "exp": NOW + 60, "iss": ISSUER, "aud": "authenticated"} | changes
    return {name: value for name, value in made.items() if value is not None}


def own(**changes):
    return jwt.encode(claims(**({"iss": None, "aud": None} | changes)), OWN, "HS256")


def issued(key=EC, kid="ec", algorithm="ES256", headers=None, **changes):
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} | (headers or {}))


def by_hand(header, payload, secret):
    """Make an HS256 token that a library would refuse to make."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part(header) + b"." + part(payload)
    mac = hmac.new(secret, text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


async def refused(token, **changes):
    with pytest.raises(Problem) as caught:
        await bearers(**changes).read(token)
    assert caught.value.kind.id == "token_invalid"


async def test_own_token_names_an_account():
    """PERSON-1: a token of the embedding program is the account that it names."""
    person = await bearers().read(own(name="  Ana  "))
    assert (person.id, person.name, person.is_account) == ("account:own|u-1", "Ana", True)


async def test_issued_token_names_an_account_of_its_issuer():
    """PERSON-1: a Supabase project's token is the account of that project, RSA or EC."""
    metadata = {"full_name": "Ana"}
    person = await bearers().read(issued(user_metadata=metadata))
    assert (person.id, person.name) == (f"account:{ISSUER}|u-1", "Ana")
    assert (await bearers().read(issued(RSA, "rsa", "RS256"))).id == person.id


async def test_the_two_kinds_of_account_never_meet():
    """PERSON-2: the embedding program cannot be somebody of the issuer by naming them."""
    assert (await bearers().read(own())).id != (await bearers().read(issued())).id
    await refused(own(iss=ISSUER, aud="authenticated"))


async def test_a_token_that_was_good_expires():
    """PERSON-2: what is verified once is not good for ever, nor with another key."""
    token = own()
    assert await bearers().read(token) == await bearers().read(token)
    await refused(token, now_s=lambda: NOW + 91)
    await refused(token, own_key="the next key of the program, long enough")
    assert await bearers().read(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 31},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": NOW + 31},
        {"sub": None},
        {"sub": ""},
        {"sub": "a b"},
        {"sub": "a|\x00"},
        {"sub": "x" * 256},
    ],
)
async def test_expired_early_and_nameless_tokens_are_401(changes):
    """PERSON-2: an expired token, one of the future and one without a subject are refused."""
    header = {"alg": "HS256", "typ": "JWT"}
    payload = claims(**({"iss": None, "aud": None} | changes))
    await refused(by_hand(header, payload, OWN.encode()))
    if isinstance(changes.get("exp", 1), int | float):
        await refused(issued(**changes))


async def test_clocks_may_differ_by_half_a_minute():
    """A token is good for 30 s after it expired, and no longer."""
    assert await bearers().read(own(exp=NOW - 29))
    assert await bearers().read(own(nbf=NOW + 29))
    assert await bearers().read(own(iat=NOW + 3600))


@pytest.mark.parametrize("aud", ["other", ["other"], None])
async def test_foreign_audience_is_401(aud):
    """PERSON-2: a token that the issuer made for another program is refused."""
    await refused(issued(aud=aud))
    if aud:
        await refused(own(aud=aud))


async def test_audience_may_be_a_list():
    """RFC 7519 §4.1.3: one of several audiences is enough."""
    assert await bearers().read(issued(aud=["x", "authenticated"]))
    assert await bearers().read(own(aud=["x", "moot"]))


async def test_alg_none_is_401():
    """PERSON-2: an unsigned token is refused, for either kind of account."""
    await refused(jwt.encode(claims(), None, "none"))
    await refused(jwt.encode(claims(iss=None, aud=None), None, "none"))


async def test_public_key_as_hmac_key_is_401():
    """PERSON-2: an HS256 token signed with the issuer's public key is refused (CVE-2021-39215)."""
    for key, kid in ((RSA, "rsa"), (EC, "ec")):
        for form in (serialization.PublicFormat.SubjectPublicKeyInfo,):
            pem = key.public_key().public_bytes(serialization.Encoding.PEM, form)
            await refused(by_hand({"alg": "HS256", "kid": kid}, claims(), pem))
            await refused(by_hand({"alg": "HS256", "kid": kid}, claims(iss=None), pem))


async def test_algorithm_comes_from_the_key():
    """RFC 8725 §3.1: the issuer's key verifies only the algorithm that it is for."""
    await refused(issued(RSA, "rsa", "PS256"))
    await refused(issued(RSA, "rsa", "RS512"))
    await refused(issued(RSA, "ec", "RS256"))


async def test_unknown_key_and_header_confusions_are_401():
    """PERSON-2: unknown `kid`, wrong kinds, unknown `crit`, and keys in the header are refused."""
    other = ec.generate_private_key(ec.SECP256R1())
    await refused(issued(other, "ec"))
    await refused(issued(EC, "nobody"))
    await refused(issued(other, "ec", headers={"jwk": jwk(other, "ec")}))
    await refused(issued(EC, "x" * 300))
    await refused(by_hand({"alg": "HS256", "crit": ["exp"]}, claims(iss=None), OWN.encode()))
    await refused(by_hand({"alg": "HS256", "kid": 7}, claims(), OWN.encode()))


async def test_swapped_issuers_are_401():
    """PERSON-2: each issuer has its own keys; another's signature counts for nobody."""
    await refused(jwt.encode(claims(), OWN, "HS256"))
    await refused(jwt.encode(claims(iss="https://other"), EC, "ES256", headers={"kid": "ec"}))


@pytest.mark.parametrize(
    "token", ["", ".", "a.b.c", "a" * 9000, "ü.ü.ü", "e30.e30.", "\x00", "[" * 5000]
)
async def test_garbage_is_401(token):
    """ERR-1: anything can arrive in a header."""
    await refused(token)


async def test_tokens_mean_nothing_where_no_key_is_set():
    """Without `auth_secret` and issuer every token is refused."""
    await refused(own(), own_key=None)
    await refused(issued(), issuer=None, keys=None)
    await refused(issued(), audience=None)


async def test_unshowable_name_is_left_out():
    """PERSON-3: an account's name passes the same rules as a typed one."""
    assert (await bearers().read(own(name="\u202eevil"))).name is None
    assert (await bearers().read(own(name=7))).name is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("", None)],
)
def test_only_the_bearer_scheme_carries_a_token(header, expected):
    """RFC 6750 §2.1."""
    assert bearer_token(header) == expected
