# Headwater as an image: one process, SQLite on a volume. Build: docker build -t headwater .

FROM python:3.11-slim AS build
# A venv of its own can be copied whole into the second stage; pip and its cache stay behind.
RUN python -m venv /opt/headwater
WORKDIR /src
# Dependencies first: this layer is built anew only when the lock changes. Every file is checked against its hash.
COPY requirements.txt ./
RUN /opt/headwater/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY topology topology
COPY rules rules
COPY engine engine
COPY ingest ingest
COPY api api
# The build backend is in the lock, so nothing unchecked is fetched here.
RUN /opt/headwater/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
# Playbooks may come from a Git repository (docs/continuity.md).
RUN apt-get update && apt-get install -y --no-install-recommends "git=1:2.*" && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10666 --home-dir /var/lib/headwater --create-home headwater
COPY --from=build /opt/headwater /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HEADWATER_CONFIG=/etc/headwater/headwater.yaml \
    HEADWATER_DATA=/var/lib/headwater \
    HEADWATER_HOST=0.0.0.0
# 0.0.0.0 is the container's own network. Headwater refuses it until the configuration holds a token.
USER 10666
WORKDIR /var/lib/headwater
VOLUME /var/lib/headwater
EXPOSE 8666
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8666/healthz', timeout=2)"]
# SIGTERM lets the last commit finish.
STOPSIGNAL SIGTERM
ENTRYPOINT ["headwater"]
CMD ["serve"]
