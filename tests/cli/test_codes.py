"""``clarion codes``: from an empty pool to a redeemed code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.codes import issuing
from clarion.codes.models import Code, CodePool
from clarion.contacts.models import Contact
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def code(ok: Callable[..., str]) -> str:
    """A code of the pool “spring” that contact Anna has got."""
    ok("codes", "create", "spring", "--pattern", "SPRING-####-????", "--generate", "5")
    pool = CodePool.objects.get()
    anna = Contact.objects.create(name="Anna").pk
    return issuing.issue(pool.pk, 1, [(anna, 0)]).codes[anna, 0]


def test_pools(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    assert "clarion codes create" in ok("codes", "list")
    printed = ok("codes", "create", "spring", "--pattern", "S-####-????", "--generate", "25")
    assert printed == "Created the pool “spring” with 25 codes.\n"
    assert ok("codes", "generate", "spring", "5") == "Added 5 codes to “spring”.\n"
    (pool,) = ok_json("codes", "list")
    assert (pool["total"], pool["free"], pool["issued"], pool["redemption_rate"]) == (
        30,
        30,
        0,
        None,
    )
    assert ok("codes", "list").split()[:3] == ["NAME", "PATTERN", "TOTAL"]
    assert ok("codes", "archive", "spring") == "“spring” has been archived.\n"
    assert ok_json("codes", "list")[0]["archived"]
    assert ok_json("codes", "restore", "spring") == {"pool": "spring", "state": "restored"}


def test_a_pattern_that_is_too_short_makes_no_pool(refused: Callable[..., str]) -> None:
    said = refused("codes", "create", "spring", "--pattern", "S-##", "--generate", "100")
    assert "can make 64 different codes" in said
    assert "Add 3 more “?”" in said
    assert not CodePool.objects.exists()


def test_import(ok: Callable[..., str], refused: Callable[..., str], tmp_path: Path) -> None:
    ok("codes", "create", "partner")
    file, rejects = tmp_path / "codes.csv", tmp_path / "rejects.csv"
    file.write_text("voucher,value\nONE,5\nTWO,5\nONE,5\n,5\n")
    said = ok("codes", "import", "partner", str(file), "--rejects", str(rejects))
    assert said == "Added 2 codes to “partner”. 1 repeated, 1 rejected.\n"
    assert len(rejects.read_text().splitlines()) == 3
    assert "Choose the column" in refused(
        "codes", "import", "partner", str(file), "--column", "price"
    )
    assert "“other”" in refused("codes", "import", "other", str(file))


def test_redeem_show_undo(
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    refused: Callable[..., str],
    code: str,
) -> None:
    used = ok_json("codes", "redeem", code.lower(), "--note", "till 3", "--key", "k1")
    assert (used["code"], used["note"], used["undone_at"]) == (code, "till 3", None)
    assert ok_json("codes", "redeem", code, "--key", "k1")["id"] == used["id"]
    assert "can be used once, and has been" in refused("codes", "redeem", code)
    assert "Anna" in ok("codes", "show", code)
    assert ok_json("codes", "show", code)["redeemed"] == 1
    assert "There is no such code" in refused("codes", "show", "NOPE")
    assert code in ok("codes", "redemptions")
    assert ok("codes", "undo", str(used["id"])) == f"Undone. {code} can be used once more.\n"
    assert "already" in refused("codes", "undo", str(used["id"]))
    assert "no redemption 999" in refused("codes", "undo", "999")
    assert ok_json("codes", "redemptions", "--pool", "spring")[0]["undone_at"]


def test_redeem_a_file_twice(
    ok: Callable[..., str], ok_json: Callable[..., Any], code: str, tmp_path: Path
) -> None:
    other = Code.objects.filter(issued_at=None).values_list("code", flat=True)[0]
    file, rejects = tmp_path / "till.csv", tmp_path / "refused.csv"
    file.write_text(f"code\n{code}\n{other}\nNOPE\n{code}\n")
    first = ok_json("codes", "redeem-file", str(file), "--rejects", str(rejects))
    assert first == {"lines": 4, "redeemed": 2, "repeated": 0, "refused": 2}
    assert rejects.read_text().splitlines()[1].startswith("4,NOPE,There is no such code")
    again = ok_json("codes", "redeem-file", str(file))
    assert again == {"lines": 4, "redeemed": 0, "repeated": 2, "refused": 2}
    assert "2 redeemed before" in ok("codes", "redeem-file", str(file))


def test_delete_asks_and_refuses_what_contacts_have(
    clarion: Callable[..., Any], ok: Callable[..., str], refused: Callable[..., str], code: str
) -> None:
    ok("codes", "create", "unused", "--pattern", "U-####-????", "--generate", "3")
    assert clarion("codes", "delete", "unused", stdin="n\n").exit_code == 1
    assert CodePool.objects.filter(name="unused").exists()
    assert ok("codes", "delete", "unused", "--yes") == "“unused” has been deleted.\n"
    assert "Archive it instead" in refused("codes", "delete", "spring", "--yes")


def test_a_broadcast_gives_codes(
    ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    channel = factory.channel("shop")
    factory.people(channel, 2)
    ok("codes", "create", "spring", "--pattern", "S-####-????", "--generate", "5")
    text = "Yours: {{ code }}"
    assert "Choose a code pool for it" in refused(
        "send", "--channel", "shop", "--all", "--text", text
    )
    sent = ok_json("send", "--channel", "shop", "--all", "--text", text, "--codes", "spring")
    broadcast = Broadcast.objects.get(pk=sent["id"])
    assert broadcast.code_pool == CodePool.objects.get()
    assert "“autumn”" in refused(
        "send", "--channel", "shop", "--all", "--text", text, "--codes", "autumn"
    )


def test_the_rules_of_a_pool_are_edited(
    ok: Callable[..., str], ok_json: Callable[..., Any], clarion: Callable[..., Any]
) -> None:
    ok("codes", "create", "spring", "--pattern", "S-####-????", "--holder-only", "--uses", "2")
    assert ok("codes", "edit", "spring") == "Saved the pool “spring”.\n"
    ok("codes", "edit", "spring", "--valid-until", "2027-03-31T23:59", "--low-at", "10",
       "--top-up", "20", "--uses", "0", "--anyone", "--name", "autumn")  # fmt: skip
    pool = CodePool.objects.get()
    assert (pool.name, pool.uses, pool.holder_only, pool.low_at, pool.top_up) == (
        "autumn", None, False, 10, 20,
    )  # fmt: skip
    assert pool.valid_until is not None
    assert pool.pattern == "S-####-????"
    ok_json("codes", "edit", "autumn", "--valid-until", "none", "--look-alikes")
    pool.refresh_from_db()
    assert (pool.valid_until, pool.look_alikes) == (None, True)
    wrong = clarion("codes", "edit", "autumn", "--pattern", "")
    assert "Only a pool with a pattern can be topped up." in wrong.stderr


def test_who_got_which_code(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    ok("codes", "create", "spring", "--pattern", "SPRING-####-????", "--generate", "5")
    person = factory.people(factory.channel(), 1)[0]
    broadcast = factory.broadcast("Spring")
    pool = CodePool.objects.get()
    issuing.issue(pool.pk, broadcast.pk, [(person.contact_id, 0)])
    (row,) = ok_json("codes", "issued", str(broadcast.pk))
    assert (row["contact"], row["redeemed"]) == (person.contact_id, 0)
    assert row["code"].startswith("SPRING-")
    assert "Person 0" in ok("codes", "issued", str(broadcast.pk))
    assert "No codes." in ok("codes", "issued", str(broadcast.pk), "--redeemed")
