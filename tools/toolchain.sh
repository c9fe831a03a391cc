# Sourced by the scripts beside it: finds the tools that differ from machine to machine.

debian_source=/usr/lib/rustlib/src/rust/library

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

wasm_toolchain() { # sets the environment so that cargo can build for wasm32; fails where no toolchain can
    local rustc
    rustc=$(command -v rustc) || return 1
    if [ -z "${WHEREABOUTS_WITHOUT_RUSTUP_TARGET:-}" ] && ls "$("$rustc" --print sysroot)"/lib/rustlib/wasm32-unknown-unknown/lib/libcore-*.rlib >/dev/null 2>&1; then
        return 0
    fi
    [ -x /usr/bin/rustc ] && [ "$(cat /usr/lib/rustlib/wasm32-unknown-unknown/made-by 2>/dev/null)" = "$(/usr/bin/rustc --version)" ] || return 1
    export RUSTC=/usr/bin/rustc
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(wasm_linker)
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
}

build_wasm_library() { # Rust's standard library for wasm32, from Debian's source, into Debian's sysroot
    local dir lib=/usr/lib/rustlib/wasm32-unknown-unknown as=()
    [ "$(id -u)" = 0 ] || as=(sudo)
    dir=$(mktemp -d)
    mkdir "$dir/src"
    touch "$dir/src/lib.rs"
    # LTO here leaves bitcode in the library, which the widget's own LTO needs.
    cat >"$dir/Cargo.toml" <<TOML
[package]
name = "sysroot"
edition = "2021"
[lib]
crate-type = ["cdylib", "rlib"]
[profile.release]
lto = true
panic = "abort"
opt-level = "z"
TOML
    (cd "$dir" && RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(wasm_linker) \
        cargo build --quiet --release --target wasm32-unknown-unknown \
        -Z build-std=std,panic_abort -Z build-std-features=optimize_for_size)
    "${as[@]}" mkdir -p "$lib/lib"
    "${as[@]}" cp "$dir"/target/wasm32-unknown-unknown/release/deps/*.rlib "$lib/lib/"
    "${as[@]}" rm -f "$lib"/lib/libsysroot*
    /usr/bin/rustc --version | "${as[@]}" tee "$lib/made-by" >/dev/null
    rm -rf "$dir" target/wasm # cargo does not notice a changed library
}
