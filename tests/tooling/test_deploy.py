"""The files in deploy/, the image and compose.yaml: as far as they can be tried without Docker."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from clarion.config import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "deploy/systemd").iterdir())
SETTINGS = {f"CLARION_{name.upper()}" for name in Settings.model_fields}


def final_stage() -> str:
    return DOCKERFILE.rpartition("\nFROM ")[2]


def test_the_final_image_has_no_build_tools_and_no_rights() -> None:
    stage = final_stage()
    assert re.search(r"^USER 10001:10001$", stage, flags=re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", stage, flags=re.MULTILINE)
    for tool in ("pip", "hatch", "gcc", "build-essential", "COPY src", "COPY . "):
        assert tool not in stage
    assert "--no-install-recommends" in stage


def test_the_image_is_built_without_fetching_a_frontend() -> None:
    """A syntax line fetches another image for every build, which a closed network doesn't have."""
    assert "# syntax=" not in DOCKERFILE


def test_the_image_has_what_the_wheel_is_made_of() -> None:
    """Every file that the Dockerfile copies is let through by .dockerignore, and exists."""
    let_through = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for name in line.split()
    }
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)


def test_settings_in_the_files_exist() -> None:
    files = [ROOT / "Dockerfile", ROOT / "compose.yaml", *UNITS]
    files += [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    for path in files:
        named = set(re.findall(r"\bCLARION_[A-Z_]+\b", path.read_text(encoding="utf-8")))
        assert named <= SETTINGS, path


def test_the_services_start_in_order_and_see_the_same_data() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"database", "migrate", "web", "worker"}
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("web", "worker"):
        needed = services[name]["depends_on"]
        assert needed == {"migrate": {"condition": "service_completed_successfully"}}
        assert services[name]["volumes"] == ["data:/data"]
        assert services[name]["read_only"] is True
    assert "healthcheck" not in services["web"]  # the image's own
    assert set(COMPOSE["volumes"]) == {"data", "database"}
    named = json.loads(COMPOSE["x-clarion"]["environment"]["CLARION_TRUSTED_PROXIES"])
    assert Settings(trusted_proxies=named).trusted_proxies == named


def test_a_restore_does_not_run_migrate_first() -> None:
    """It refuses a database of a newer version, which is when one restores a backup."""
    text = (ROOT / "docs/containers.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    docker compose run .*$", text, flags=re.MULTILINE)
    assert len(commands) == 2
    assert all(" --no-deps " in command for command in commands)


def test_the_same_postgresql_in_the_image_and_beside_it() -> None:
    """pg_dump refuses a server that is newer."""
    server = COMPOSE["services"]["database"]["image"].partition(":")[2]
    assert f"postgresql-client-{server}" in final_stage()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    for path in UNITS:  # the program is not installed here
        text = path.read_text(encoding="utf-8").replace("/opt/clarion/bin/clarion", "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    name = unit.name.replace("@.", "@1.")
    checked = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_nginx_accepts_the_example(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    config = nginx_config(tmp_path, listen=18443)
    checked = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


def test_caddy_answers_strangers_who_ask_for_metrics_itself() -> None:
    """Caddy runs every handle before a respond, whatever their order in the file is."""
    text = (ROOT / "deploy/caddy/Caddyfile").read_text(encoding="utf-8")
    outside = re.findall(r"^\t(\w+)", text, flags=re.MULTILINE)
    assert set(outside) == {"handle"}
    assert "\thandle @monitors {\n\t\trespond 403\n\t}\n" in text


def nginx_config(folder: Path, listen: int) -> Path:
    """The example in a file that nginx can be started with by anybody."""
    certificate = folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=news.example.org", "-days", "2"),
            *("-keyout", str(certificate), "-out", str(folder / "public.pem")),
        ],
        check=True,
        capture_output=True,
    )
    text = (ROOT / "deploy/nginx/clarion.conf").read_text(encoding="utf-8")
    text = re.sub(r"listen (\[::\]:|)80;", "listen unix:plain.socket;", text, count=1)
    text = text.replace("listen [::]:80;", "")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{listen} ssl;")
    text = text.replace("listen [::]:443 ssl;", "")
    text = re.sub(r"/etc/letsencrypt\S+/fullchain.pem", str(folder / "public.pem"), text)
    text = re.sub(r"/etc/letsencrypt\S+/privkey.pem", str(certificate), text)
    folders = "".join(
        f"{name}_temp_path {folder / name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"pid {folder / 'pid'};\nerror_log stderr;\ndaemon off;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{text}\n}}\n"
    )
    return config
