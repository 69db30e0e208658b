# Clarion in a container: clarion web, clarion worker, or any other command. See docs/containers.md.

FROM python:3.11-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python -m venv /opt/clarion
COPY requirements.lock ./
RUN /opt/clarion/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
# The wheel is built with a hatchling that stays in this stage.
RUN python -m venv /opt/hatch \
    && /opt/hatch/bin/pip install "hatchling>=1.27" \
    && /opt/hatch/bin/python -m hatchling build -t wheel -d /build/dist \
    && /opt/clarion/bin/pip install --no-deps --no-index /build/dist/*.whl \
    && /opt/clarion/bin/python -m compileall -q /opt/clarion/lib

FROM python:3.11-slim-trixie
# pg_dump, pg_restore and psql are for clarion backup and clarion restore.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin clarion \
    && install --directory --owner=clarion --group=clarion --mode=0700 /data
COPY --from=build /opt/clarion /opt/clarion
ENV PATH=/opt/clarion/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CLARION_DATA=/data \
    CLARION_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Of the web server; compose.yaml turns it off for workers, which answer no requests.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
ENTRYPOINT ["clarion"]
# One machine, SQLite: the web server and a worker.
CMD ["serve", "--host", "0.0.0.0"]
