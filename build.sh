#!/usr/bin/env bash
# Everything there is to do with this repository. Each verb is a few plain commands that a person could type.
#
#   ./build.sh setup    install what is missing: Rust's library source, wasm-pack, node packages, a browser (asks nothing)
#   ./build.sh build    the widget (Wasm) and the `whereabouts` binary, in target/release
#   ./build.sh demo     build, and start the API and a demo store on two ports (options: --port, --shop-port, --data, --speed)
#   ./build.sh test     set up, build, and run every test, browser tests included
#   ./build.sh stores   the widget in a shop that others wrote (EverShop, with a Postgres of its own), from a product to the door
#   ./build.sh push     messages to a real Firefox, from the opt-in to the notification (installs Firefox and its driver where they are missing)
#   ./build.sh check    formatting, lints, dependency and licence audit
#   ./build.sh agreement   carriers' payloads (../shared/data), read by us and by another reader: a table by carrier, and each difference explained
#   ./build.sh fuzz     hostile input for the parsers, ten seconds each (or as many as you say); findings in fuzz/artifacts
#   ./build.sh crash    the real binary, killed a hundred times under load (or as often as you say): nothing acknowledged is lost
#   ./build.sh bench    speed, as ratios to a stated reference measured in the same run (--json for tools; --soak MINUTES: flat memory?;
#                       --orders 1000000: the console over a year of so many; --keep ./FOLDER: which stays there and is found again)
#   ./build.sh pictures screenshots of the gallery and an order page, phone and desktop, into target/pictures (or a folder)
#   ./build.sh size     bytes that a page loads, by surface, against the budgets (--json for tools)
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\033[1m▸ %s\033[0m\n' "$*" >&2; }

setup() { tools/setup.sh; }

widget() { # the two Wasm modules, the loader, styles and languages → pkg/assets, only when their sources changed
    local stamp=pkg/assets/manifest.json
    if [ ! -f $stamp ] || [ -n "$(find src www crates/{frugal,promise,view,wire} tools Cargo.toml Cargo.lock package.json \
        -path www/demo -prune -o -type f -newer $stamp -print -quit)" ]; then
        say "building the widget (Wasm)"
        tools/wasm.sh
    fi
}

build() {
    setup
    widget
    say "building the whereabouts binary"
    cargo build --release --package whereabouts-api
}

demo() {
    build
    exec target/release/whereabouts demo "$@"
}

check() {
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo check --quiet --package whereabouts-promise --no-default-features
    if command -v cargo-deny >/dev/null; then cargo deny --log-level error check licenses bans sources; else say "skipped: cargo-deny is not installed"; fi
}

tests() {
    setup
    widget
    say "Rust tests"
    cargo test --workspace --no-fail-fast
    say "hostile input"
    fuzz 5
    say "browser tests"
    cargo build --quiet --package whereabouts-api
    PUPPETEER_FROM=$driver node --test --test-concurrency=1 --test-timeout=400000 tests/browser/*.test.mjs tests/stores/{shopify,snippets}.test.mjs
    firefox || say "skipped: messages to a real Firefox (./build.sh push installs what they need)"
    say "one answer everywhere: the estimating part as a checkout function"
    node --test --test-timeout=900000 tests/checkout/*.test.mjs
    say "bytes that a page loads"
    size
}

# A real Firefox and what drives it: too large to be asked of everybody. CI and releases run `push`.
driver=$PWD/target/firefox-driver
firefox() { { command -v firefox-esr || command -v firefox; } >/dev/null && [ -d "$driver/node_modules/puppeteer-core" ]; }

push() {
    setup
    { command -v firefox-esr || command -v firefox; } >/dev/null || tools/setup.sh firefox-esr
    firefox || npm install --silent --no-audit --no-fund --prefix "$driver" puppeteer-core@24.43.1
    widget
    cargo build --quiet --package whereabouts-api
    PUPPETEER_FROM=$driver node --test --test-timeout=400000 tests/browser/push.test.mjs
}

stores() {
    setup
    local missing=()
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
    command -v php >/dev/null || missing+=(php-cli)
    [ ${#missing[@]} = 0 ] || tools/setup.sh "${missing[@]}"
    widget
    cargo build --quiet --package whereabouts-api
    node --test --test-concurrency=1 --test-timeout=900000 tests/stores/*.test.mjs
}

fuzz() { # coverage feedback through the compiler's own pass; needs a C++ compiler for libFuzzer
    if ! command -v c++ >/dev/null; then say "skipped: fuzzing needs a C++ compiler"; return; fi
    local seconds=${1:-10} target flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
    local host; host=$(rustc -vV | sed -n 's/^host: //p')
    # With --target, build scripts and macros stay as they are.
    RUSTFLAGS=$flags CARGO_TARGET_DIR=target/fuzz cargo build --quiet --release --target "$host" --manifest-path fuzz/Cargo.toml
    mkdir -p fuzz/artifacts
    for target in detect payloads signatures tables documents shipments incidents; do
        mkdir -p "fuzz/corpus/$target"
        "target/fuzz/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -verbosity=1 \
            -artifact_prefix="fuzz/artifacts/$target-" "fuzz/corpus/$target" "fuzz/seeds/$target" 2>"fuzz/artifacts/$target.log" ||
            { tail -30 "fuzz/artifacts/$target.log"; say "$target failed: see fuzz/artifacts"; return 1; }
        echo "$target: $(grep -a '^Done' "fuzz/artifacts/$target.log")"
    done
}

agreement() { cargo test --quiet --package whereabouts-tracking --test agreement -- --nocapture; }

crash() { WHEREABOUTS_CRASH_ROUNDS=${1:-100} cargo test --package whereabouts-api --test ingest crash -- --nocapture; }

bench() {
    build
    cargo build --quiet --release --package whereabouts-bench
    # The server's figures, then what a shopper sees; with --json as one list.
    target/release/whereabouts-bench "$@" >target/bench.out
    case " $* " in *" --json "*) ;; *) cat target/bench.out ;; esac
    WHEREABOUTS_BINARY=$PWD/target/release/whereabouts node bench/paint.mjs --with target/bench.out "$@"
}

pictures() { build; WHEREABOUTS_BINARY=$PWD/target/release/whereabouts node tools/pictures.mjs "${1:-target/pictures}"; }

size() { widget; node tools/size.mjs "$@"; }

verb=${1:-help}
[ $# -gt 0 ] && shift
case $verb in
    setup | build | demo | stores | push | check | agreement | fuzz | crash | bench | pictures | size) $verb "$@" ;;
    test) tests "$@" ;;
    *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && [ "$verb" = help ] ;;
esac
