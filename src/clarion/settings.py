"""Django's settings, derived from clarion.config."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from clarion import config
from clarion.kit.sqlite import prefer_bundled

prefer_bundled()
CLARION = config.load()


def database(url: str) -> dict[str, Any]:
    """Django's database entry for a URL. Raises ValueError for an unknown scheme."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "clarion.kit.sqlite",
            "NAME": unquote(url.removeprefix("sqlite:///")),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
                    "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
                    "PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=4000;"
                ),
            },
        }
    if parts.scheme in {"postgresql", "postgres"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": _postgres_options(dict(parse_qsl(parts.query))),
        }
    raise ValueError("CLARION_DATABASE_URL must begin with sqlite:/// or postgresql://")


def _postgres_options(chosen: dict[str, str]) -> dict[str, str]:
    """Ours for every connection, then those of the URL.

    A process that is frozen in the middle of a transaction keeps its locks: after 10 s the server
    ends that transaction, so that the others go on. Compiling (jit) costs short queries more than
    it saves them.
    """
    defaults = "-c idle_in_transaction_session_timeout=10s -c jit=off"
    return {**chosen, "options": f"{defaults} {chosen.get('options', '')}".strip()}


BASE = Path(__file__).parent
DEBUG = CLARION.debug
SECRET_KEY = CLARION.secret_key or config.stored_secret(CLARION.data)
SECRET_KEY_FALLBACKS = CLARION.secret_key_fallbacks
ALLOWED_HOSTS = CLARION.allowed_hosts or (
    [urlsplit(CLARION.public_url).hostname or ""] if CLARION.public_url else []
) + ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [CLARION.public_url.rstrip("/")] if CLARION.public_url else []
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "clarion.accounts",
    "clarion.channels",
    "clarion.content",
    "clarion.contacts",
    "clarion.consents",
    "clarion.codes",
    "clarion.chats",
    "clarion.records",
    "clarion.clicks",
    "clarion.segments",
    "clarion.bulk",
    "clarion.broadcasts",
    "clarion.webhooks",
    "clarion.engine",
    "clarion.hooks",
    "clarion.api",
    "clarion.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "clarion.web.assets.serve",
    "clarion.web.middleware.content_security_policy",
    "clarion.api.entry.serve",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "clarion.web.login.remember_device",
    "clarion.web.middleware.login_first",
    "clarion.web.second_step.set_up_first",
    "clarion.web.middleware.agent_time_zone",
]
ROOT_URLCONF = "clarion.urls"
CSRF_FAILURE_VIEW = "clarion.web.views.errors.csrf_failure"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            # In place of Django's own, whose files another program would have to collect.
            "libraries": {"static": "clarion.web.templatetags.assets"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clarion.web.context.navigation",
            ],
        },
    }
]
# Threads that answer requests keep their connections: opening one takes longer than many a query.
DATABASES = {"default": {**database(CLARION.database), "CONN_MAX_AGE": None}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Agent"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["clarion.accounts.hashers.BoundedArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
]
ACCOUNT_ADAPTER = "clarion.web.login.InviteOnly"
# "ip" is whom InviteOnly.get_client_ip names: a browser that has logged in before, else an address.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/300s/key"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
PASSWORD_RESET_TIMEOUT = 3 * 86_400  # seconds that a link of accounts.links is good for
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
# All web processes see the same sessions and the same counts of failed log-ins.
SESSION_ENGINE = "clarion.accounts.sessions"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
IS_HTTPS = CLARION.public_url.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# Sent over HTTPS only; that a request came so is what a trusted proxy says (server.run).
SECURE_HSTS_SECONDS = CLARION.hsts_seconds if IS_HTTPS else 0
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# The agents' pages are in English whatever a browser prefers: what Django and the pages of
# recipients have translations for would stand between English sentences.
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
LOCALE_PATHS = [BASE / "locale"]
STATIC_URL = "static/"  # of Django's test server alone: web.assets has what pages load
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # a draft may have thousands of tags
FILE_UPLOAD_TEMP_DIR = None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
LOGGING_CONFIG = None

# Two libraries of the name “static”: ours is in place of Django's on purpose, see TEMPLATES.
SILENCED_SYSTEM_CHECKS = ["templates.W003"]
