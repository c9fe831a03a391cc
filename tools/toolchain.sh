# Sourced by the scripts beside it: finds the tools that differ from machine to machine.

browser() { # path of a Chromium
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
        [ -n "$name" ] && command -v "$name" 2>/dev/null && return
    done
    true
}

wasm_linker() { # a wasm-capable linker, where the compiler has none of its own
    local found
    for found in "$(rustc --print sysroot 2>/dev/null)"/lib/rustlib/*/bin/rust-lld; do
        [ -x "$found" ] && echo "$found" && return
    done
    command -v wasm-ld || compgen -c wasm-ld- | sort -V | tail -1
}

library_source() { # has this compiler the source of its standard library beside it?
    [ -d "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library" ]
}

# Sets the environment so that cargo builds for wasm32 together with the standard library (`$build_std`), which makes a shopper's
# download a tenth smaller than with the ready-made one: no panic messages, no unwinding. Fails where no compiler has the source.
wasm_toolchain() {
    local rustc
    rustc=$(command -v rustc) || return 1
    if [ -n "${WHEREABOUTS_DEBIAN_RUST:-}" ] || ! library_source "$rustc"; then
        [ -x /usr/bin/rustc ] && library_source /usr/bin/rustc && [ -n "$(wasm_linker)" ] || return 1
        export RUSTC=/usr/bin/rustc
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(wasm_linker)
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
    fi
    # Building the library is an unstable feature of stable compilers: this variable opens it.
    export RUSTC_BOOTSTRAP=1
    # Paths of the machine stay out of the module.
    export RUSTFLAGS="-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none \
        --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
    build_std=(-Z build-std=std,panic_abort -Z build-std-features=optimize_for_size)
}
