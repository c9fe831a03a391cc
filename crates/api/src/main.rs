//! The `whereabouts` command.

mod cli;

use clap::Parser;

/// Webhooks come in thousands a second, each with a few dozen small allocations that another thread frees: glibc's spends a fifth of a
/// worker's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers "when will it arrive?" and "where is my order?".
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Serve the API.
    Serve(cli::serve::Args),
    /// Serve the API with a demo store, sample orders and parcels on the move.
    Demo(cli::demo::Args),
    /// How good would its promises have been, on past orders?
    Backtest(cli::backtest::Args),
    /// Ways into the console, for who runs the server.
    Console(cli::console::Args),
    /// Whose tracking number is it?
    Detect(cli::detect::Args),
    /// What a policy promises.
    Estimate(cli::estimate::Args),
    /// A carrier's list of incidents to delay notices.
    Incidents(cli::incidents::Args),
    /// How long deliveries take, from past shipments; and a policy with it filled in.
    Learn(cli::learn::Args),
    /// A payload on standard input to canonical shipments.
    Normalize(cli::normalize::Args),
    /// Make all state anew from the raw events.
    Replay(cli::replay::Args),
    /// Write a checked copy of the database, while the server runs.
    Backup(cli::upkeep::Backup),
    /// Put a copy in the database's place, with the server stopped.
    Restore(cli::upkeep::Restore),
    /// Look at everything that an installation needs, and say how to mend what is wrong.
    Doctor(cli::upkeep::Doctor),
    /// Hand out what is kept of a shopper, or forget them.
    #[command(subcommand)]
    Shopper(cli::upkeep::Person),
    #[command(hide = true)]
    Seed(cli::seed::Args),
    /// Mint or check an order token.
    #[command(subcommand)]
    Token(cli::token::Args),
}

/// Whoever reads no further than the head of what is printed has what they wanted: the rest is no failure.
fn end_quietly_where_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        // The standard library's words; 32 is EPIPE.
        if said.starts_with("failed printing to stdout") && said.ends_with("(os error 32)") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

fn main() -> std::process::ExitCode {
    end_quietly_where_nobody_reads();
    let result = match Command::parse() {
        Command::Serve(args) => cli::serve::run(args),
        Command::Demo(args) => cli::demo::run(args),
        Command::Backtest(args) => cli::backtest::run(args),
        Command::Console(args) => cli::console::run(args),
        Command::Detect(args) => cli::detect::run(args),
        Command::Estimate(args) => cli::estimate::run(args),
        Command::Incidents(args) => cli::incidents::run(args),
        Command::Learn(args) => cli::learn::run(args),
        Command::Normalize(args) => cli::normalize::run(args),
        Command::Replay(args) => cli::replay::run(args),
        Command::Backup(args) => cli::upkeep::run_backup(args),
        Command::Restore(args) => cli::upkeep::run_restore(args),
        Command::Doctor(args) => cli::upkeep::run_doctor(args),
        Command::Shopper(args) => cli::upkeep::run_shopper(args),
        Command::Seed(args) => cli::seed::run(args),
        Command::Token(args) => cli::token::run(args),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("whereabouts: {e:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
