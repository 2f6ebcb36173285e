# The service in an image of its own: the binary, root certificates, and nobody's rights.
FROM rust:1.95.0-slim-bookworm AS build
# PostgreSQL's parser is C: its bindings are made while it is built.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libclang-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# Dependencies alone, compiled around an empty program: this layer is made anew only when they change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs \
    && cargo build --locked --profile dist --bin dbopt

COPY migrations migrations
COPY openapi openapi
COPY src src
# Cargo goes by times, and those of the sources are older than the empty program.
RUN touch src/main.rs src/lib.rs \
    && cargo build --locked --profile dist --bin dbopt \
    && objcopy --only-keep-debug target/dist/dbopt target/dist/dbopt.debug \
    && strip target/dist/dbopt \
    && objcopy --add-gnu-debuglink=target/dist/dbopt.debug target/dist/dbopt

# The symbols of the binary, for debuggers: docker build --target symbols --output type=local,dest=. .
FROM scratch AS symbols
COPY --from=build /build/target/dist/dbopt.debug /dbopt.debug

FROM debian:12.12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/target/dist/dbopt /usr/local/bin/dbopt

# Nobody's account: it owns no file, and nothing is written. State is in PostgreSQL (DBOPT_STORE_URL).
USER 65532:65532
# Others can reach a container, so the service starts only once an API key exists: dbopt keys create.
ENV DBOPT_LISTEN=0.0.0.0:8080 \
    DBOPT_DATA_DIR=/nonexistent \
    DBOPT_LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["dbopt", "health"]
ENTRYPOINT ["dbopt"]
CMD ["serve"]
