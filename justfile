# What there is to do here; `just` lists it. The scripts install what they need; these recipes only name them.

# List what there is.
default:
    @just --list --unsorted

# The two commands of the README.
demo *arguments:
    scripts/demo {{ arguments }}

# Every test, on every PostgreSQL version and a real Redis, as CI runs it.
test *arguments:
    scripts/test {{ arguments }}

# Format the code.
fmt:
    scripts/format

# Formatting and lints, nothing allowed.
lint:
    scripts/format --check
    cargo clippy --quiet --locked --all-targets -- -D warnings

# Tests whose names contain a word, on the servers that are there.
some word:
    eval "$(scripts/servers env)" && cargo test --locked {{ word }}

# What the service costs beside the least it could cost.
bench *parts:
    scripts/bench {{ parts }}

# Write the OpenAPI document anew.
openapi:
    cargo run --quiet --locked -- openapi >openapi/v1.json

# Licenses and sources of what we depend on; needs cargo-deny.
deny:
    cargo deny check

# The image, and everything around it; needs Docker.
up:
    docker compose up --build --detach --wait

# What has to hold before a commit.
ready: lint test
