# Sentinel's image: `docker build -t sentinel:0.1.0 .`
# Three stages: the wheel, what it runs on, and the image. Every package is locked with its hashes.

FROM python:3.12.13-slim-bookworm@sha256:8a7e7cc04fd3e2bd787f7f24e22d5d119aa590d429b50c95dfe12b3abe52f48b AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements-build.lock ./
RUN pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
# The package holds symbolic links to these two folders; the wheel holds their files.
COPY agents agents
COPY configs configs
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.12.13-slim-bookworm@sha256:8a7e7cc04fd3e2bd787f7f24e22d5d119aa590d429b50c95dfe12b3abe52f48b AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/sentinel
ENV PATH=/opt/sentinel/bin:$PATH
WORKDIR /source
COPY requirements-run.lock ./
# Only wheels: a package that needs a compiler must fail here, not bring one along.
RUN pip install --require-hashes --only-binary :all: -r requirements-run.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-deps /wheels/*.whl && python -m compileall -q /opt/sentinel

FROM python:3.12.13-slim-bookworm@sha256:8a7e7cc04fd3e2bd787f7f24e22d5d119aa590d429b50c95dfe12b3abe52f48b
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sentinel" \
      org.opencontainers.image.description="Real-time early warning of financial risk" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.12.13-slim-bookworm"
# Kernels are compiled here, once. Without a name for the CPU, Numba compiles for the one that
# builds, and a host with another one compiles everything anew; `generic` runs on every CPU of the
# architecture, and these kernels are as quick with it. Numba takes a cache only where it can write,
# which in a container it cannot: the locator brings this one to where the process may write.
ENV PATH=/opt/sentinel/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_DIR=/opt/sentinel/kernels
COPY --from=packages /opt/sentinel /opt/sentinel
# A day of an invented bank compiles what the warm-up of a worker does not reach. The outbox'
# folder is made here, so that a volume mounted on it belongs to the user.
RUN sentinel check \
    && sentinel simulate --customers 50 --days 1 --attacks-per-day 40 --out /tmp/bank \
    && sentinel replay --quiet /tmp/bank/events.jsonl > /tmp/bank/alerts.jsonl \
    && python -c "from sentinel import engine, settings; engine.warm_up(settings.read_configuration(None))" \
    && rm -r /tmp/bank \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/sentinel
ENV NUMBA_CACHE_LOCATOR_CLASSES=sentinel.kernel_cache.ImageCacheLocator
USER 10001:10001
EXPOSE 6066
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6066/livez', timeout=3)"]
ENTRYPOINT ["sentinel"]
CMD ["worker"]
