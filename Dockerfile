# The book's environment without CUDA.
#   docker build -t amdd .
#   docker run --rm -v "$PWD/_build:/srv/amdd/_build" amdd              # make book
# With CUDA: docker build --build-arg LOCK=requirements.lock -t amdd .
FROM python:3.11-slim-bookworm

# Debian removes old versions of packages, so that pinned ones soon can't be installed.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends git libgl1 libglib2.0-0 make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 reader \
    && install --directory --owner=1000 --group=1000 /srv/amdd

USER 1000
WORKDIR /srv/amdd
ARG LOCK=requirements-cpu.lock
COPY --chown=1000:1000 . .
RUN make env LOCK="$LOCK" && mkdir -p _build

CMD ["make", "book"]
