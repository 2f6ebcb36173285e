# Shared by the scripts: sourced, not run. Says what it does on stderr, and installs packages only as root or by sudo.

# Where cargo puts it, wherever that is.
dbopt=${CARGO_TARGET_DIR:-target}/debug/dbopt

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo; then sudo "$@"
  else return 127; fi
}

# packages NAME... : install Debian packages that are missing; elsewhere name them and stop.
packages() {
  local missing=() name
  if ! have dpkg-query; then return 1; fi
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing ${missing[*]}"
  if ! as_root true 2>/dev/null; then die "run this as root, or install first: ${missing[*]}"; fi
  # Package lists may be absent, or older than the archive.
  apt_install "${missing[@]}" 2>/dev/null && return 0
  as_root apt-get update -qq
  apt_install "${missing[@]}" || die "apt-get could not install: ${missing[*]}"
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE : make sure the command is there.
need() {
  have "$1" && return 0
  packages "$2" || die "'$1' is missing: install it (Debian and Ubuntu: package $2)"
  have "$1" || die "'$1' is still missing after installing $2"
}

# The Rust toolchain that rust-toolchain.toml pins; rustup fetches it by itself once it is there.
rust() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  need cc gcc
  libclang
  rust_is_new_enough && return 0
  if have apt-cache && apt-cache show rustup >/dev/null 2>&1; then
    packages rustup
  elif ! have rustup; then
    say "fetching rustup"
    need curl curl
    curl --proto '=https' --tlsv1.2 -fsS https://sh.rustup.rs | sh -s -- -y -q --profile minimal >&2 || true
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  fi
  rust_is_new_enough || die "Rust $(rust_wanted) or newer is needed: install it with rustup (https://rustup.rs), then run this again"
}

# PostgreSQL's parser is C: its bindings are made while it is built, by libclang and the headers that come with it.
libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  packages libclang-dev || have clang || die "libclang is missing: install it (Debian and Ubuntu: package libclang-dev)"
}

rust_wanted() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

rust_is_new_enough() {
  local found; found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [ -n "$found" ] && [ "$(printf '%s\n' "$(rust_wanted)" "$found" | sort -V | head -1)" = "$(rust_wanted)" ]
}

# own_server MEMBER [SETTING=VALUE...] : start a server of its own on the binaries of a member of scripts/servers, and stop the one
# before. Sets dsn. It listens on a socket alone, and is removed when the script ends.
own_server() {
  local member=$1 bin home options; shift
  own_server_stop
  bin=$(tr : '\n' <<<"$DBOPT_TEST_SERVERS" | sed -n "s/^$member=//p")
  [ -n "$bin" ] || die "no server '$member': scripts/servers prepare $member"
  home=$(mktemp -d /tmp/own.XXXXXX); chmod 755 "$home"
  [ "$(id -u)" != 0 ] || chown nobody "$home"
  options="-c listen_addresses= -c unix_socket_directories=$home -c fsync=off"
  for setting in "$@"; do options+=" -c $setting"; done
  own_server_home=$home own_server_bin=$bin
  trap own_server_stop EXIT
  as_nobody "$bin/initdb" -D "$home/data" -A trust -U postgres --no-sync --no-locale -E UTF8 >/dev/null
  as_nobody "$bin/pg_ctl" -D "$home/data" -l "$home/log" -w -o "$options" start >/dev/null
  dsn="host=$home user=postgres dbname=postgres"
}
as_nobody() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi
}
own_server_stop() {
  [ -n "${own_server_home:-}" ] || return 0
  as_nobody "$own_server_bin/pg_ctl" -D "$own_server_home/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$own_server_home"; own_server_home=
}

# measured FILE : put standard input between the marks of a page of docs.
measured() {
  { sed '/<!-- measured -->/q' "$1"; echo; cat; sed -n '/<!-- \/measured -->/,$p' "$1"; } >"$1.new"
  mv "$1.new" "$1"
  say "wrote $1"
}

# alike PREFIX SERVERS [COLUMNS] : rows of a table out of files PREFIX.*, whose lines are a version, a tab and a row. What all servers
# print alike comes once; else the versions that print it are in the last column. Rows with the same first columns stay together.
alike() {
  cat "$1".* | awk -F'\t' -v servers="$2" -v columns="${3:-2}" '
    { split($2, part, " [|] "); key = ""
      for (i = 1; i <= columns; i++) key = key part[i] "|"
      if (!(key in rows)) keys[++n] = key
      if (!($2 in seen)) rows[key] = rows[key] "\n" $2
      count[$2]++; seen[$2] = seen[$2] (seen[$2] ? ", " : "") $1 }
    END {
      for (i = 1; i <= n; i++) {
        m = split(substr(rows[keys[i]], 2), row, "\n")
        for (j = 1; j <= m; j++) print "| " row[j] " | " (count[row[j]] == servers ? "all" : seen[row[j]]) " |"
      }
    }'
}
