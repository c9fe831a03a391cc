//! How many instructions a module's `run` takes for an input on standard input: `fuel MODULE < INPUT` prints `{"instructions":…}`.

use std::io::Read;

use wasmi::{Config, Engine, Linker, Module, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const PLENTY: u64 = 1 << 40;
    let path = std::env::args().nth(1).ok_or("name the module")?;
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, std::fs::read(path)?)?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(PLENTY)?;
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let room = instance.get_typed_func::<u32, u32>(&store, "room")?;
    let run = instance.get_typed_func::<(u32, u32), u64>(&store, "run")?;
    let memory = instance.get_memory(&store, "memory").ok_or("no memory")?;
    let len = u32::try_from(input.len())?;
    let at = room.call(&mut store, len)?;
    memory.write(&mut store, at as usize, &input)?;
    let before = store.get_fuel()?;
    let answer = run.call(&mut store, (at, len))?;
    let used = before - store.get_fuel()?;
    println!("{{\"instructions\":{used},\"answer\":{}}}", answer & 0xffff_ffff);
    Ok(())
}
