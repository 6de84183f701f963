# docker build -t fewer .
# With datasets from S3 and Google Cloud Storage: docker build -t fewer --build-arg FEATURES=object-store .

FROM rust:1.95-trixie AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends libopenblas-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
ARG FEATURES=""

# The dependencies alone: this layer is kept until a manifest changes. The targets that the manifests name have to be
# there, if empty.
COPY Cargo.toml Cargo.lock ./
COPY crates/submodular/Cargo.toml crates/submodular/
RUN mkdir -p src benches/load tests/it crates/submodular/src crates/submodular/benches \
 && touch src/lib.rs crates/submodular/src/lib.rs \
 && for target in src/main.rs tests/it/main.rs benches/load/main.rs crates/submodular/benches/first_pass.rs; do \
      echo 'fn main() {}' > "$target"; \
    done
RUN cargo build --release --locked --features "$FEATURES"

COPY crates crates
COPY src src
COPY tests/data/debian_2k.parquet tests/data/
# The sources may be older than what was built from the empty ones, and would be taken for unchanged. The lines of all
# dependencies are four fifths of the binary.
RUN touch src/lib.rs src/main.rs crates/submodular/src/lib.rs \
 && cargo build --release --locked --features "$FEATURES" \
 && strip --strip-debug target/release/fewer

FROM debian:trixie-slim
# The serial OpenBLAS: the service's own threads compute, and a pool of OpenBLAS under them would only be in their way.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libopenblas0-serial \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 /data
COPY --from=build /build/target/release/fewer /usr/local/bin/fewer

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fewer" \
      org.opencontainers.image.description="A self-hosted service that picks the best small subset of a large set" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

# Reachable from outside the container, so it starts with a key (FEWER_AUTH__API_KEY_FILE) or not at all, unless
# FEWER_SERVER__ALLOW_ANONYMOUS says otherwise.
ENV FEWER_SERVER__LISTEN=0.0.0.0:8080 \
    FEWER_STORAGE__DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["fewer", "healthcheck"]
ENTRYPOINT ["fewer"]
CMD ["serve"]
