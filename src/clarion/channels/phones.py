"""Phone numbers as people write them, and which country they are of.

The tables are those of Google's libphonenumber 9.0.42 (resources/PhoneNumberMetadata.xml), reduced
to lengths: its patterns lag behind the numbers that countries give out, and would refuse real ones.
Mexico may have a 1 after its code, as some providers write it.
"""

from functools import cache
from typing import NamedTuple

# Calling code: how many digits follow it in numbers of mobile phones, of landlines and over the
# internet. No calling code is the beginning of another one (ITU-T E.164).
_CODES = """
    1:10 20:8-10 211:9 212:9 213:8-9 216:8 218:9 220:7,9 221:9 222:8 223:8 224:8-9 225:10 226:8
    227:8 228:8 229:8,10 230:7-8 231:7-9 232:8 233:9 234:10 235:8 236:8 237:9 238:7 239:7 240:9
    241:7-8 242:9 243:7-10 244:9 245:7,9 246:7 247:5 248:7 249:9 250:8-9 251:9 252:6-9 253:8
    254:7-9 255:9 256:9 257:8 258:8-9 260:9 261:9 262:9 263:7,9-10 264:8-9 265:7,9 266:8 267:7-8
    268:8 269:7 27:5-9 290:4-5 291:7 297:7 298:6 299:6 30:10 31:9,11 32:8-9 33:9 34:9 350:8 351:9
    352:4-11 353:7-10 354:7,9 355:8-9 356:8 357:8 358:5-10 359:6-9 36:8-9 370:8 371:8 372:7-8
    373:8 374:8 375:9 376:6,9 377:8-9 378:8,10 380:9 381:7-12 382:8 383:8-12 385:8-9 386:8 387:8-9
    389:8 39:6-12 40:6,9 41:9 420:9 421:6-7,9 423:7,9 43:4-13 44:9-10 45:8 46:7-9 47:8 48:7,9
    49:5-15 500:5 501:7 502:8 503:8 504:8 505:8 506:8 507:7-8 508:6,9 509:8 51:8-9 52:10-11
    53:6-8,10 54:10-11 55:10-11 56:9 57:8,10 58:10 590:9 591:8 592:7 593:8-9 594:9 595:7-9 596:9
    597:6-7 598:8 599:7-8 60:8-10 61:9 62:7-12 63:6,8-10 64:8-10 65:8 66:8-9 670:7-8 672:6 673:7
    674:7 675:7-8 676:5,7 677:5,7 678:5,7 679:7 680:7 681:6 682:5 683:4,7 685:5-7,10 686:5,8 687:6
    688:5-7 689:8 690:4-7 691:7 692:7 7:10 81:9-10 82:5-6,8-11 84:9-10 850:8,10 852:8 853:8
    855:8-9 856:8-10 86:7-11 870:9,12 878:12 880:6-10 881:9-10 882:7-12 883:8-12 886:8-11 90:10
    91:10 92:9-10 93:9 94:9 95:6-10 960:7 961:7-8 962:8-9 963:8-9 964:8-10 965:8 966:9 967:7-9
    968:8 970:8-9 971:8-9 972:8-9,11-12 973:8 974:8 975:7-8 976:8-10 977:8,10 98:6-7,10 992:9
    993:8 994:9 995:9 996:9 998:9
"""
# Country (ISO 3166-1): its calling code, the digits before a national number, and how many digits
# the numbers of mobile phones have.
_COUNTRIES = """
    AC:247::5 AD:376::6,9 AE:971:0:9 AF:93:0:9 AG:1:1:10 AI:1:1:10 AL:355:0:9 AM:374:0:8 AO:244::9
    AR:54:0:10-11 AS:1:1:10 AT:43:0:7-13 AU:61:0:9 AW:297::7 AX:358:0:6-10 AZ:994:0:9 BA:387:0:8-9
    BB:1:1:10 BD:880:0:10 BE:32:0:9 BF:226::8 BG:359:0:8-9 BH:973::8 BI:257::8 BJ:229::10
    BL:590:0:9 BM:1:1:10 BN:673::7 BO:591:0:8 BQ:599::7 BR:55:0:10-11 BS:1:1:10 BT:975::8
    BW:267::8 BY:375:8:9 BZ:501::7 CA:1:1:10 CC:61:0:9 CD:243:0:7,9 CF:236::8 CG:242::9 CH:41:0:9
    CI:225::10 CK:682::5 CL:56::9 CM:237::9 CN:86:0:11 CO:57:0:10 CR:506::8 CU:53:0:8 CV:238::7
    CW:599::7-8 CX:61:0:9 CY:357::8 CZ:420::9 DE:49:0:10-11 DJ:253::8 DK:45::8 DM:1:1:10 DO:1:1:10
    DZ:213:0:9 EC:593:0:9 EE:372::7-8 EG:20:0:10 EH:212:0:9 ER:291:0:7 ES:34::9 ET:251:0:9
    FI:358:0:6-10 FJ:679::7 FK:500::5 FM:691::7 FO:298::6 FR:33:0:9 GA:241::7-8 GB:44:0:10
    GD:1:1:10 GE:995:0:9 GF:594:0:9 GG:44:0:10 GH:233:0:9 GI:350::8 GL:299::6 GM:220::7,9
    GN:224::9 GP:590:0:9 GQ:240::9 GR:30::10 GT:502::8 GU:1:1:10 GW:245::9 GY:592::7 HK:852::8
    HN:504::8 HR:385:0:8-9 HT:509::8 HU:36:06:9 ID:62:0:9-12 IE:353:0:9 IL:972:0:9 IM:44:0:10
    IN:91:0:10 IO:246::7 IQ:964:0:10 IR:98:0:10 IS:354::7,9 IT:39::9-10 JE:44:0:10 JM:1:1:10
    JO:962:0:9 JP:81:0:10 KE:254:0:9 KG:996:0:9 KH:855:0:8-9 KI:686:0:8 KM:269::7 KN:1:1:10
    KP:850:0:10 KR:82:0:9-10 KW:965::8 KY:1:1:10 KZ:7:8:10 LA:856:0:9-10 LB:961:0:7-8 LC:1:1:10
    LI:423:0:7,9 LK:94:0:9 LR:231:0:7,9 LS:266::8 LT:370:0:8 LU:352::9 LV:371::8 LY:218:0:9
    MA:212:0:9 MC:377:0:8-9 MD:373:0:8 ME:382:0:8 MF:590:0:9 MG:261:0:9 MH:692:1:7 MK:389:0:8
    ML:223::8 MM:95:0:7-10 MN:976:0:8 MO:853::8 MP:1:1:10 MQ:596:0:9 MR:222::8 MS:1:1:10 MT:356::8
    MU:230::8 MV:960::7 MW:265:0:9 MX:52::10-11 MY:60:0:9-10 MZ:258::9 NA:264:0:9 NC:687::6
    NE:227::8 NF:672::6 NG:234:0:10 NI:505::8 NL:31:0:9,11 NO:47::8 NP:977:0:10 NR:674::7
    NU:683::4,7 NZ:64:0:8-10 OM:968::8 PA:507::7-8 PE:51:0:9 PF:689::8 PG:675::8 PH:63:0:10
    PK:92:0:10 PL:48::9 PM:508:0:6,9 PR:1:1:10 PS:970:0:9 PT:351::9 PW:680::7 PY:595:0:9 QA:974::8
    RE:262:0:9 RO:40:0:9 RS:381:0:8-10 RU:7:8:10 RW:250:0:9 SA:966:0:9 SB:677::5,7 SC:248::7
    SD:249:0:9 SE:46:0:9 SG:65::8 SH:290::5 SI:386:0:8 SJ:47::8 SK:421:0:9 SL:232:0:8 SM:378::8
    SN:221::9 SO:252:0:7-9 SR:597::7 SS:211:0:9 ST:239::7 SV:503::8 SX:1:1:10 SY:963:0:9 SZ:268::8
    TA:290:: TC:1:1:10 TD:235::8 TG:228::8 TH:66:0:9 TJ:992::9 TK:690::4-7 TL:670::8 TM:993:8:8
    TN:216::8 TO:676::7 TR:90:0:10 TT:1:1:10 TV:688::6-7 TW:886:0:9 TZ:255:0:9 UA:380:0:9
    UG:256:0:9 US:1:1:10 UY:598:0:8 UZ:998::9 VA:39::9-10 VC:1:1:10 VE:58:0:10 VG:1:1:10 VI:1:1:10
    VN:84:0:9 VU:678::7 WF:681::6 WS:685::7,10 XK:383:0:8 YE:967:0:9 YT:262:0:9 ZA:27:0:5-9
    ZM:260:0:9 ZW:263:0:9
"""


_MOST_NAMED = 3  # countries of one calling code


class Country(NamedTuple):
    """How phone numbers are written inside a country."""

    code: str  # its calling code
    prefix: str  # before a national number, often 0; not part of the international one
    mobile: frozenset[int]  # digits of a mobile phone's number without code and prefix


def code_of(digits: str) -> str:
    """The calling code of a whole international number, which has as many digits behind it as
    numbers of that code have. Empty where it can't be one."""
    codes = _codes()
    for size in (1, 2, 3):
        lengths = codes.get(digits[:size])
        if lengths is not None:
            return digits[:size] if len(digits) - size in lengths else ""
    return ""


def calling_code(digits: str) -> str:
    """The calling code that digits begin with, whatever their number; "" where there is none."""
    codes = _codes()
    return next((digits[:size] for size in (1, 2, 3) if digits[:size] in codes), "")


def countries_of(code: str) -> list[str]:
    """The countries with a calling code, by their two letters; none where there are more than
    three, or the digits are no calling code."""
    letters = sorted(name for name, country in countries().items() if country.code == code)
    return letters if len(letters) <= _MOST_NAMED else []


def with_code(digits: str, country: str) -> str | None:
    """The international number of one written inside a country; None for what can't be one.

    ``digits`` may have lost the prefix, as in spreadsheets, and may have the calling code already.
    """
    here = countries()[country]
    lengths = _codes()[here.code]
    bare = digits.removeprefix(here.prefix)
    if bare != digits and len(bare) in lengths:
        return here.code + bare
    behind = digits.removeprefix(here.code)
    if behind != digits and len(behind) in here.mobile:
        return digits
    return here.code + digits if len(digits) in lengths else None


@cache
def countries() -> dict[str, Country]:
    """All countries by their two letters."""
    table = {}
    for entry in _COUNTRIES.split():
        name, code, prefix, mobile = entry.split(":")
        table[name] = Country(code, prefix, _numbers(mobile))
    return table


@cache
def _codes() -> dict[str, frozenset[int]]:
    return {
        code: _numbers(lengths) for code, lengths in (entry.split(":") for entry in _CODES.split())
    }


def _numbers(spans: str) -> frozenset[int]:
    """“5-7,9” as numbers."""
    numbers: set[int] = set()
    for span in filter(None, spans.split(",")):
        first, _, last = span.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
