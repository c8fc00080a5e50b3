//! `seawall`: the toolkit's program. Arguments and exit codes; what it does is in the libraries.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod rehearse;

/// Works with seawall's files.
#[derive(Debug, Parser)]
#[command(name = "seawall", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays an outage that has not happened yet against stacks of policies.
    Rehearse(Box<rehearse::Arguments>),
    /// Looks for what is wrong or questionable about a file of settings or a scenario.
    Check(check::Arguments),
}

fn main() -> ExitCode {
    // Clap ends with 2 at a mistake in the arguments, as the subcommands do at one in a file.
    match Arguments::parse().command {
        Command::Rehearse(arguments) => rehearse::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
    }
}
