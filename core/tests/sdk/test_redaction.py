"""What the redactor takes out of texts, and what it leaves alone."""

import pytest
from entrepot.sdk.redaction import REDACTED, Redactor

SECRET = "wJalrXUtnFEMI/K7MDENG"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"client_secret={SECRET}&scope=all",
        f'{{"refresh_token": "{SECRET}"}}',
        f"<Credentials><SecretAccessKey>{SECRET}</SecretAccessKey></Credentials>",
        f'<a:SessionToken xmlns:a="urn:a">\n  {SECRET}\n</a:SessionToken>',
    ],
)
def test_secrets_are_known_by_their_names(text):
    told = Redactor().text(text)
    assert SECRET not in told
    assert REDACTED in told


@pytest.mark.parametrize(
    "text",
    [
        "<NextToken>page-two-of-seven</NextToken>",
        "<Name>Tokens of esteem</Name>",
        '{"continuation_token": "page-two"}',
        "token_type=Bearer",
    ],
)
def test_what_is_no_secret_stays(text):
    assert Redactor().text(text) == text


def test_registered_value_goes_in_every_spelling():
    redactor = Redactor(["p@ss wörd/1"])
    told = redactor.text("p%40ss+w%C3%B6rd%2F1 and p@ss wörd/1")
    assert told == f"{REDACTED} and {REDACTED}"


@pytest.mark.parametrize(
    "text",
    ["x" * 300_000, "token" * 60_000, "<" + "a:" * 150_000 + "</", "=" * 300_000],
)
def test_endless_words_are_read_once(text):
    # Read again from each letter on, one of these would take an hour.
    assert Redactor().text(text) == text
    assert Redactor().text(f"{text} token=planted") == f"{text} token={REDACTED}"
