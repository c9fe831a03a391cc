//! The widget's assets are embedded from `pkg/assets`; without a web build the folder is empty, and the server says so.

fn main() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pkg/assets");
    if let Err(e) = std::fs::create_dir_all(folder) {
        println!("cargo::error={folder}: {e}");
    }
    println!("cargo::rerun-if-changed={folder}");
}
