from __future__ import annotations

from decimal import Decimal

import pytest
from entrepot.hub.mapping.rules.customers import (
    CustomerMatcher,
    clean_domain,
    suggest_customers,
)
from entrepot.hub.mapping.rules.names import (
    company_name,
    may_reach,
    name_similarity,
    similarity,
)
from entrepot.hub.mapping.rules.records import (
    Account,
    Band,
    Company,
    Method,
    Suggestion,
    Words,
)
from hypothesis import given
from hypothesis import strategies as st

WORDS = Words(throwaway_domains=frozenset({"tenants.example"}))
NAMES = [
    ("ABC Engineering", "ABC Engineering, Inc.", "1.0", "0.90", "preselected"),
    ("Acme Corp", "Acme Corporation", "1.0", "0.90", "preselected"),
    ("Acme Inc", "Acme Ltd", "1.0", "0.80", "suggestion"),
    ("Acme Corp", "Acme Capital", "0.5000", None, "none"),
    ("Müller & Söhne GmbH", "Muller and Sohne", "1.0", "0.90", "preselected"),
    ("The Fabrikam Company", "Fabrikam", "1.0", "0.90", "preselected"),
    ("Société Générale", "Societe Generale SA", "1.0", "0.90", "preselected"),
    ("St. Mary's School", "St Marys School", "1.0", "0.90", "preselected"),
    ("Northwind Traders Ltd", "Traders Northwind", "1.0", "0.90", "preselected"),
    ("Smith Dental", "Smyth Dental", "0.9167", "0.8708", "suggestion"),
    (
        "Northwind Traders Ltd",
        "Northwind Trading Ltd",
        "0.8235",
        "0.8382",
        "suggestion",
    ),
    ("Smith Dental", "Smith Dental Group", "0.8000", "0.83", "suggestion"),
    ("Contoso", "Contoso (TEST)", "0.7368", None, "none"),
    ("Fabrikam Holdings", "Fabrikam", "0.6400", None, "none"),
]


def account(name: str, **more: object) -> Account:
    return Account(id="acc", vendor_id="v-1", name=name, **more)


def company(name: str, vendor_id: str = "1", **more: object) -> Company:
    return Company(vendor_id=vendor_id, name=name, **more)


def suggest(
    one: Account, *companies: Company, words: Words = WORDS
) -> Suggestion | None:
    found = suggest_customers([one], companies, words)
    return found[0] if found else None


@pytest.mark.parametrize(("vendor", "psa", "alike", "confidence", "band"), NAMES)
def test_names_of_the_design(
    vendor: str, psa: str, alike: str, confidence: str | None, band: str
):
    got = name_similarity(company_name(vendor), company_name(psa))
    assert Decimal(str(round(got, 4))) == Decimal(alike)
    suggestion = suggest(account(vendor), company(psa))
    if confidence is None:
        assert suggestion is None
        assert band == Band.NONE
    else:
        assert suggestion is not None
        assert suggestion.best.confidence == Decimal(confidence)
        assert suggestion.band == band


def test_unique_domain_beats_the_name_and_is_preselected():
    suggestion = suggest(
        account("Smith Dental", domains=("smithdental.example",)),
        company("Smith Dental Group", domains=("https://www.smithdental.example/",)),
    )
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.95")
    assert suggestion.best.method is Method.DOMAIN
    assert suggestion.band is Band.PRESELECTED


def test_equal_postal_code_adds_a_little():
    suggestion = suggest(
        account("Smith Dental", postal_code="EC1A 1BB"),
        company("Smith Dental Group", postal_code="ec1a1bb"),
    )
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.88")
    assert suggestion.band is Band.SUGGESTION


def test_other_country_takes_a_lot():
    suggestion = suggest(
        account("Fabrikam", country="DE"), company("Fabrikam", country="US")
    )
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.70")
    assert suggestion.band is Band.SUGGESTION


def test_domain_of_two_companies_says_nothing():
    suggestion = suggest(
        account("Alpha", domains=("shared.example",)),
        company("Beta", "1", domains=("shared.example",)),
        company("Gamma", "2", domains=("shared.example",)),
    )
    assert suggestion is None


@pytest.mark.parametrize("domain", ["gmail.com", "x.tenants.example", "us.example"])
def test_domains_of_everybody_say_nothing(domain: str):
    words = Words(
        throwaway_domains=frozenset({"tenants.example"}),
        own_domains=frozenset({"us.example"}),
    )
    one = account("Alpha", domains=(domain,))
    assert suggest(one, company("Beta", domains=(domain,)), words=words) is None


def test_prefix_of_the_default_domain_is_weak_evidence():
    suggestion = suggest(
        account("Unnamed 7", default_domain="blueyonder.tenants.example"),
        company("Blue Yonder Ltd"),
    )
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.70")
    assert suggestion.best.method is Method.DEFAULT_DOMAIN


def test_tax_number_outweighs_all_but_a_stored_id():
    suggestion = suggest(
        account("Alpha", tax_id="DE 123.456.789"), company("Beta", tax_id="de123456789")
    )
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.97")


def test_stored_id_is_certain_whatever_else_differs():
    one = Account(
        id="acc", vendor_id="0f8fad5b-d9cb", name="Acme Inc", country="DE", tax_id=""
    )
    suggestion = suggest(
        one,
        company("Other Ltd", country="US", external_ids=(("tenant", "0F8FAD5B-D9CB"),)),
    )
    assert suggestion is not None
    assert suggestion.best.confidence == 1
    assert suggestion.best.method is Method.EXTERNAL_ID


def test_short_numbers_are_not_ids():
    one = Account(id="acc", vendor_id="12", name="Alpha")
    assert suggest(one, company("Beta", external_ids=(("ticket", "12"),))) is None


def test_confidence_never_exceeds_the_cap_without_a_stored_id():
    suggestion = suggest(
        account("Alpha", tax_id="123456789", postal_code="1010"),
        company("Alpha", tax_id="123456789", postal_code="1010"),
    )
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.98")


def test_short_names_count_less():
    suggestion = suggest(account("ABC"), company("abc"))
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.80")


def test_names_of_other_alphabets_are_compared():
    suggestion = suggest(account("Αθηνά ΑΕ"), company("ΑΘΗΝΑ αε"))
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.90")


def test_a_name_of_legal_forms_only_is_no_evidence():
    assert company_name("Limited Company").variants == ()
    assert suggest(account("Limited"), company("Limited")) is None


def test_close_runner_up_takes_the_preselection():
    suggestion = suggest(
        account("Acme"), company("Acme", "1"), company("Acme Ltd.", "2")
    )
    assert suggestion is not None
    assert suggestion.band is Band.SUGGESTION
    assert [rival.target for rival in suggestion.rivals] == ["2"]


def test_two_customers_claiming_one_company_both_lose_the_preselection():
    found = suggest_customers(
        [
            Account(id="a", vendor_id="v-1", name="Acme"),
            Account(id="b", vendor_id="v-2", name="Acme Inc"),
        ],
        [company("Acme")],
        WORDS,
    )
    assert [one.band for one in found] == [Band.SUGGESTION, Band.SUGGESTION]
    assert all(one.contested for one in found)


def test_customers_of_two_vendors_may_be_one_company():
    found = suggest_customers(
        [
            Account(id="a", connection="one", vendor_id="v-1", name="Acme"),
            Account(id="b", connection="two", vendor_id="v-2", name="Acme Inc"),
        ],
        [company("Acme")],
        WORDS,
    )
    assert [one.band for one in found] == [Band.PRESELECTED, Band.PRESELECTED]


def test_company_taken_by_another_customer_is_not_preselected():
    found = suggest_customers(
        [account("Acme")], [company("Acme")], WORDS, (), {("", "1")}
    )
    assert found[0].band is Band.SUGGESTION


def test_rejected_pair_is_not_suggested_again():
    found = suggest_customers(
        [account("Acme")],
        [company("Acme", "1"), company("Acme Group", "2")],
        WORDS,
        [("acc", "1")],
    )
    assert found == []


def test_unusable_company_is_no_candidate_and_prospects_are_flagged():
    assert suggest(account("Acme"), company("Acme", usable=False)) is None
    suggestion = suggest(account("Acme"), company("Acme", is_customer=False))
    assert suggestion is not None
    assert suggestion.best.flags == ("not_a_customer",)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Acme.example:8443/x?y", "acme.example"),
        ("jo@acme.example", "acme.example"),
        ("acme.example.", "acme.example"),
        ("localhost", ""),
        ("", ""),
    ],
)
def test_domain_out_of_anything(text: str, domain: str):
    assert clean_domain(text) == domain


words = st.text(alphabet="abcdeäöüßéøå &.'-", min_size=0, max_size=24)


@given(words, words)
def test_similarity_is_symmetric_and_bounded(left: str, right: str):
    assert similarity(left, right) == similarity(right, left)
    assert 0 <= similarity(left, right) <= 1
    forward = name_similarity(company_name(left), company_name(right))
    assert forward == name_similarity(company_name(right), company_name(left))


@given(words, words, st.floats(min_value=0.01, max_value=1))
def test_shortcut_never_drops_a_pair_that_reaches_the_ratio(
    left: str, right: str, least: float
):
    if left and right and similarity(left, right) >= least:
        assert may_reach(left, right, least)


@given(words)
def test_normalising_twice_changes_nothing(text: str):
    for variant in company_name(text).variants:
        assert variant in company_name(variant).variants or variant.startswith("the ")


@given(st.lists(words, min_size=1, max_size=12, unique=True), st.data())
def test_blocking_finds_what_comparing_everything_finds(
    names: list[str], data: st.DataObject
):
    wanted = data.draw(words)
    companies = [company(name, str(at)) for at, name in enumerate(names)]
    found = {
        one.target
        for one in CustomerMatcher(companies, WORDS).candidates(account(wanted))
    }
    mine = company_name(wanted)
    for one in companies:
        theirs = company_name(one.name)
        same = {" ".join(sorted(name.split())) for name in mine.variants} & {
            " ".join(sorted(name.split())) for name in theirs.variants
        }
        if same:
            assert one.vendor_id in found


@given(words, words)
def test_confidence_stays_between_zero_and_one(left: str, right: str):
    for candidate in CustomerMatcher([company(right)], WORDS).candidates(account(left)):
        assert 0 < candidate.confidence <= 1
        assert candidate.evidence
