//! How many instructions a module's `run` takes: `fuel MODULE < INPUT` prints `{"instructions":…}`. The input is a line with the number of numbers and
//! of bytes, and what lies in memory then.

use std::io::Read;

use wasmi::{Config, Engine, Linker, Module, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The interpreter calls itself for each instruction where the compiler makes no jumps of its calls.
    let counting = std::thread::Builder::new().stack_size(4 << 30).spawn(|| count().map_err(|e| e.to_string()))?;
    counting.join().map_err(|_| "it trapped")??;
    Ok(())
}

fn count() -> Result<(), Box<dyn std::error::Error>> {
    const PLENTY: u64 = 1 << 40;
    let path = std::env::args().nth(1).ok_or("name the module")?;
    let mut given = Vec::new();
    std::io::stdin().read_to_end(&mut given)?;
    let end = given.iter().position(|b| *b == b'\n').ok_or("no first line")?;
    let sizes: Vec<u32> = std::str::from_utf8(&given[..end])?.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, std::fs::read(path)?)?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(PLENTY)?;
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let input = instance.get_typed_func::<(u32, u32), u32>(&store, "input")?;
    let run = instance.get_typed_func::<(), ()>(&store, "run")?;
    let memory = instance.get_memory(&store, "memory").ok_or("no memory")?;
    let at = input.call(&mut store, (sizes[0], sizes[1]))?;
    memory.write(&mut store, at as usize, &given[end + 1..])?;
    let before = store.get_fuel()?;
    run.call(&mut store, ())?;
    println!("{{\"instructions\":{}}}", before - store.get_fuel()?);
    Ok(())
}
