#!/usr/bin/env bash
# Installs what the build and the tests need, and nothing that is there already. Asks nothing; quick when all is there.
#
# An ordinary machine has rustup and node. A plain Debian or Ubuntu needs neither: the distribution's packages serve.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/toolchain.sh

say() { printf '\033[1m▸ %s\033[0m\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

packages() { # install Debian packages, as root or by sudo
    has apt-get || fail "please install by hand: $*"
    local as=()
    [ "$(id -u)" = 0 ] || { has sudo || fail "please install: $* (or run setup as root)"; as=(sudo); }
    say "installing $* (Debian packages)"
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || {
        "${as[@]}" apt-get update -qq
        "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    }
}

# Named on the command line: what only some commands need.
[ $# = 0 ] || { packages "$@"; exit; }

# A C compiler (SQLite is compiled in), node, a browser for the tests.
missing=()
has cc || missing+=(gcc libc6-dev)
has node || missing+=(nodejs)
has npm || missing+=(npm)
[ -n "$(browser)" ] || missing+=(chromium fonts-noto-core fonts-noto-color-emoji)
[ ${#missing[@]} = 0 ] || packages "${missing[@]}"

# Rust. Debian's `rustc-web` is recent enough for everything; its plain `rustc` is not.
if ! has cargo; then
    packages rustc-web cargo-web
fi

# The widget is built together with the standard library: its source comes by rustup where that works, else as a Debian package.
if ! wasm_toolchain; then
    if has rustup && [ -z "${WHEREABOUTS_DEBIAN_RUST:-}" ] && say "adding the standard library's source" &&
        timeout 180 rustup component add rust-src >/dev/null 2>&1; then :; else
        say "rustup can't add it here: taking Debian's Rust for the widget"
        packages rustc-web cargo-web rust-web-src
        [ -n "$(wasm_linker)" ] || packages lld
    fi
    wasm_toolchain || fail "no Rust compiler with the source of its library (rustup component add rust-src)"
fi
unset RUSTC RUSTC_BOOTSTRAP RUSTFLAGS

# The Wasm tools; wasm-bindgen's must be exactly the library's version.
locked=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
install_tool() { # crate version
    say "installing $1 $2 (a minute or two)"
    cargo install --quiet --locked "$1" --version "$2" 2>/dev/null || cargo install --quiet "$1" --version "$2"
}
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
has wasm-pack || install_tool wasm-pack 0.15.1
[ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $locked" ] || install_tool wasm-bindgen-cli "$locked"

# Node packages: esbuild, binaryen (wasm-opt), the browser driver.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing node packages"
    npm ci --silent --no-audit --no-fund
    touch node_modules/.package-lock.json
fi
