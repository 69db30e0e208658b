"""`clarion check --deploy`: each check says what is wrong and what to do."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clarion.accounts import audit
from clarion.accounts.models import AuditEntry
from clarion.cli import deploying
from clarion.cli.failures import Failed
from clarion.cli.safety import Weak
from clarion.kit import clock, db
from support import factory

PUBLIC = {"public_url": "https://news.example.org"}


def refusal(check: Callable[[], str]) -> str:
    with pytest.raises((Weak, Failed)) as refused:
        check()
    return str(refused.value)


def use(settings: Any, **changes: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update=changes)


@pytest.mark.parametrize(
    ("check", "changes", "said"),
    [
        (deploying.check_debug, {"debug": True}, "CLARION_DEBUG is on"),
        (deploying.check_https, {}, "does not begin with https://"),
        (deploying.check_https, {"public_url": "http://a.example"}, "does not begin with https://"),
        (deploying.check_https, PUBLIC | {"hsts_seconds": 0}, "CLARION_HSTS_SECONDS is 0"),
        (deploying.check_names, {"allowed_hosts": ["*"]}, "allows every name"),
        (deploying.check_proxies, {"trusted_proxies": ["0.0.0.0/0"]}, "trusts 0.0.0.0/0"),
        (deploying.check_proxies, {"trusted_proxies": ["::1", "::/0"]}, "trusts ::/0"),
        (deploying.check_metrics, {"metrics_networks": ["0.0.0.0/1"]}, "is a wide network"),
    ],
)
def test_what_is_wrong_with_settings(
    settings: Any, check: Callable[[], str], changes: dict[str, Any], said: str
) -> None:
    use(settings, **changes)
    assert said in refusal(check)


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        (deploying.check_debug, {}),
        (deploying.check_https, PUBLIC),
        (deploying.check_names, {}),
        (deploying.check_proxies, {"trusted_proxies": ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]}),
        (deploying.check_metrics, {"metrics_networks": ["0.0.0.0/0"], "metrics_token": "t"}),
        (deploying.check_metrics, {"metrics_networks": ["10.0.0.0/8"]}),
        (deploying.check_key, {}),
        (deploying.check_versions, {}),
    ],
)
def test_what_is_right(settings: Any, check: Callable[[], str], changes: dict[str, Any]) -> None:
    use(settings, **changes)
    assert check().endswith(".")


def test_where_the_key_is(settings: Any) -> None:
    use(settings, secret_key="", database_url="sqlite:///x")
    assert "Backups contain it" in deploying.check_key()
    use(settings, database_url="postgresql://x")
    assert "set CLARION_SECRET_KEY on all of them" in refusal(deploying.check_key)


def test_secrets_in_a_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no clarion.toml" in deploying.check_settings_file()
    file = tmp_path / "clarion.toml"
    file.write_text('metrics_token = "x"\n')
    file.chmod(0o644)
    assert "can read metrics_token in" in refusal(deploying.check_settings_file)
    file.chmod(0o600)
    assert deploying.check_settings_file()


@pytest.mark.django_db
def test_who_can_log_in() -> None:
    assert "no admin who can log in" in refusal(deploying.check_agents)
    factory.agent("admin")
    assert deploying.check_agents() == "1 admin can log in."


@pytest.mark.django_db
def test_when_the_last_backup_was_made() -> None:
    assert "No backup was made" in refusal(deploying.check_backup)
    entry = audit.note("backup.create", "installation", audit.COMMAND_LINE)
    assert deploying.check_backup().startswith("The last backup was made on ")
    AuditEntry.objects.filter(pk=entry.pk).update(at=clock.now() - timedelta(days=2))
    assert "Make one every day" in refusal(deploying.check_backup)


@pytest.mark.django_db
@pytest.mark.only_on("sqlite")
def test_a_disk_without_room_for_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the disk has" in deploying.check_space()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    assert "Free some space" in refusal(deploying.check_space)


@pytest.mark.django_db
def test_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deploying.adjtimex() in range(-1, 6)
    monkeypatch.setattr(deploying, "adjtimex", lambda: 0)
    assert deploying.check_clock() == "The clock is synchronised."
    monkeypatch.setattr(deploying, "adjtimex", lambda: deploying.UNSYNCHRONISED)
    assert "is not synchronised" in refusal(deploying.check_clock)
    monkeypatch.setattr(db, "clock_ahead", lambda: -7 * clock.SECOND)
    assert "differ by 7.0 seconds" in refusal(deploying.check_clock)


@pytest.mark.django_db
class TestDatabase:
    def test_on_this_machine(self) -> None:
        assert deploying.check_connection() == "The database is on this machine."

    @pytest.mark.only_on("postgresql")
    def test_elsewhere_without_encryption(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(db, "server_process", lambda: None)
        assert "is not encrypted" in refusal(deploying.check_connection)

    @pytest.mark.parametrize(
        ("setting", "value", "said"),
        [
            ("synchronous_commit", "off", "synchronous_commit = off"),
            ("fsync", "off", "fsync = off"),
            ("autovacuum", "off", "autovacuum is off"),
            ("jit", "on", "don't reach PostgreSQL"),
            ("idle_in_transaction_session_timeout", "0", "don't reach PostgreSQL"),
        ],
    )
    def test_settings_of_the_server(self, setting: str, value: str, said: str) -> None:
        values = dict.fromkeys(deploying._DURABLE, "on") | {
            "autovacuum": "on", "jit": "off", "idle_in_transaction_session_timeout": "10000",
        }  # fmt: skip
        deploying.judge(values)
        with pytest.raises((Weak, Failed), match=said):
            deploying.judge(values | {setting: value})

    @pytest.mark.only_on("postgresql")
    def test_the_settings_are_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []
        monkeypatch.setattr(deploying, "judge", asked.append)
        assert deploying.check_postgres() == "The settings of PostgreSQL are safe."
        assert set(asked[0]) > set(deploying._DURABLE)


@pytest.mark.django_db
def test_it_is_part_of_check_and_has_json(
    ok_json: Callable[..., Any], clarion: Callable[..., Any], settings: Any
) -> None:
    plain = ok_json("check")
    assert plain["ok"] is True
    assert {"result": "ok", "text": "CLARION_DEBUG is off."} not in plain["checks"]
    deployed = clarion("check", "--deploy")
    assert deployed.exit_code == 1
    assert "FAILED  CLARION_PUBLIC_URL does not begin with https://" in deployed.stdout
    assert "ok      CLARION_DEBUG is off." in deployed.stdout
