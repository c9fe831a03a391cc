#!/usr/bin/env bash
# Builds the estimating part as a checkout function's module: target/checkout/checkout.wasm. No standard library is built, hence none is used.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/toolchain.sh
wasm_toolchain
export CARGO_TARGET_DIR=$PWD/target/checkout
cargo build --quiet --release --target wasm32-unknown-unknown --manifest-path tests/checkout/Cargo.toml \
    -Z build-std=core,alloc -Z build-std-features=optimize_for_size
cp target/checkout/wasm32-unknown-unknown/release/whereabouts_checkout.wasm target/checkout/checkout.wasm
