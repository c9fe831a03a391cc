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
        --out-dir pkg/$surface --out-name $surface -- --package whereabouts-widget --no-default-features --features $surface "${build_std[@]}"
    # Without inlining of what is called once: larger, but smaller when compressed. Names shared with the glue become short: see assets.mjs.
    node_modules/.bin/wasm-opt -Oz --converge -ocimfs=0 "${features[@]}" pkg/$surface/${surface}_bg.wasm -o pkg/$surface/$surface.wasm
    node_modules/.bin/wasm-opt --strip-debug --strip-producers --minify-imports-and-exports-and-modules "${features[@]}" \
        pkg/$surface/$surface.wasm -o pkg/$surface/$surface.wasm >pkg/$surface/names.json
done
node tools/assets.mjs
