#!/usr/bin/env bash
# Builds the widget: one Wasm a surface, optimized for size, and all that a page loads, hashed and compressed, into pkg/assets.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/toolchain.sh
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
mkdir -p pkg
cargo run --quiet --package whereabouts-view --example shapes >pkg/shapes.json
wasm_toolchain
export CARGO_TARGET_DIR=target/wasm
# What today's browsers have; more would write types that some of them reject.
features=(--enable-reference-types --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-nontrapping-float-to-int
    --enable-sign-ext --enable-mutable-globals --enable-call-indirect-overlong)
for surface in estimate order; do
    wasm-pack --log-level warn build --mode no-install --no-opt --target web --no-typescript --no-pack --profile release-wasm \
        --out-dir pkg/$surface --out-name $surface -- --package whereabouts-widget --no-default-features --features $surface "${build_std[@]}"
    # Nothing but these is called, and nothing of the page is called from there: see src/lib.rs.
    exports=(memory input output "draw_$surface")
    [ $surface = order ] || exports+=(load_promise)
    printf '[{"name":"all","root":true,"reaches":["%s"]}' "$(IFS=, && sed 's/,/","/g' <<<"${exports[*]}")" >pkg/$surface/graph.json
    for name in "${exports[@]}"; do printf ',{"name":"%s","export":"%s"}' "$name" "$name"; done >>pkg/$surface/graph.json
    echo ']' >>pkg/$surface/graph.json
    node tools/forget.mjs pkg/$surface/${surface}_bg.wasm
    node_modules/.bin/wasm-metadce "${features[@]}" pkg/$surface/${surface}_bg.wasm --graph-file pkg/$surface/graph.json \
        -o pkg/$surface/$surface.wasm >pkg/$surface/unused.txt
    # Little inlining of what is called once: larger, but smaller when compressed. Nothing lies in the first kilobyte: there the stack ends.
    node_modules/.bin/wasm-opt --low-memory-unused --flatten --rereloop -Oz --converge -ocimfs=25 -aimfs=7 --reorder-functions "${features[@]}" pkg/$surface/$surface.wasm -o pkg/$surface/$surface.wasm
    node_modules/.bin/wasm-opt --strip-debug --strip-producers --strip-target-features "${features[@]}" \
        pkg/$surface/$surface.wasm -o pkg/$surface/$surface.wasm
done
[ -n "${ONLY_WASM:-}" ] || node tools/assets.mjs
