"""Countries and languages, and what addresses there need.

Codes of ISO 3166-1 and ISO 639-1. What an address needs follows the countries' postal
services; of a country that is not listed any postal code is taken.
"""

from __future__ import annotations


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


COUNTRIES = _codes(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM "
    "BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX "
    "CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG "
    "GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV "
    "LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE "
    "NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO "
    "RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF "
    "WS YE YT ZA ZM ZW"
)
LANGUAGES = _codes(
    "aa ab af ak am ar as az be bg bn bo br bs ca ce co cs cy da de dz ee el en eo es "
    "et eu fa fi fo fr fy ga gd gl gu ha he hi hr hu hy id ig is it ja jv ka kk kl km "
    "kn ko ku ky lb ln lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no om or pa pl "
    "ps pt rm rn ro ru rw sd se si sk sl sn so sq sr st su sv sw ta te tg th ti tk tl "
    "tn to tr ts tt ug uk ur uz vi wo xh yi yo zh zu"
)
WITH_REGIONS = _codes("AE AU BR CA CN CO ES HK IN IT JP KR MX SV TW US VE")
WITHOUT_POSTAL_CODES = _codes(
    "AE AG AN AO AW BF BI BJ BO BS BW BZ CF CG CI CK CM DJ DM ER FJ GA GD GH GM GQ GY "
    "HK JM KI KM KN KP LC ML MO MR MS MW NR NU PA QA RW SB SC SL SR ST SY TD TF TG TK "
    "TL TO TT TV UG VU WS YE ZW"
)
_FIVE, _FOUR, _SIX = (r"\d{5}", "10115"), (r"\d{4}", "0150"), (r"\d{6}", "110001")
POSTAL_CODES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("DE", "FR", "ES", "IT", "FI", "MX", "TR"), _FIVE),
    **dict.fromkeys(("NO", "DK", "AT", "CH", "BE", "AU", "HU", "NZ", "ZA"), _FOUR),
    **dict.fromkeys(("IN", "CN", "SG", "RO", "RU"), _SIX),
    "US": (r"\d{5}(-\d{4})?", "98052 or 98052-6399"),
    "CA": (r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "K1A 0B1"),
    "GB": (r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "SW1A 1AA"),
    "NL": (r"\d{4} ?[A-Z]{2}", "1012 AB"),
    "SE": (r"\d{3} ?\d{2}", "111 22"),
    "PL": (r"\d{2}-\d{3}", "00-950"),
    "PT": (r"\d{4}-\d{3}", "1000-001"),
    "BR": (r"\d{5}-?\d{3}", "01310-100"),
    "JP": (r"\d{3}-?\d{4}", "100-0001"),
}
"""Pattern and sample, by country."""
