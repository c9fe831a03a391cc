#!/usr/bin/env bash
# Builds the widget: one Wasm a surface, optimized for size, and all that a page loads, hashed and compressed, into pkg/assets.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/toolchain.sh
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
wasm_toolchain
export CARGO_TARGET_DIR=target/wasm
# What today's browsers have; more would write types that some of them reject.
features=(--enable-reference-types --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-nontrapping-float-to-int
    --enable-sign-ext --enable-mutable-globals --enable-call-indirect-overlong)
for surface in estimate order; do
    wasm-pack --log-level warn build --mode no-install --no-opt --target web --no-typescript --no-pack --profile release-wasm \
        --out-dir pkg/$surface --out-name $surface -- --package whereabouts-widget --no-default-features --features $surface
    node_modules/.bin/wasm-opt -Oz "${features[@]}" pkg/$surface/${surface}_bg.wasm -o pkg/$surface/${surface}_bg.wasm
done
node tools/assets.mjs
