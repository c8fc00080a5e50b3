//! The options of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use clap::error::ErrorKind;
use hyper::Uri;

/// Runs an outage for three clients of one HTTP service - a bare one, one with naive retries, one
/// behind a seawall pipeline - and reports how many calls of each survive
#[derive(Clone, Debug, Parser)]
#[command(name = "outage", version)]
pub struct Options {
    /// Run this scenario (see examples/outage/scenario.toml)
    #[arg(long, value_name = "FILE.toml", conflicts_with = "quick")]
    pub scenario: Option<PathBuf>,
    /// Drive this server instead of the built-in one: there are no faults, break it yourself
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub target: Option<Uri>,
    /// The seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print the report as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
    /// The short version, under 15 seconds
    #[arg(long)]
    pub quick: bool,
    /// Serve metrics for Prometheus here while it runs, under /metrics
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Write timeline.svg and report.json here
    #[arg(long, value_name = "DIR", default_value = "target/outage")]
    pub out: PathBuf,
}

impl Options {
    /// Reads the command line. `Err` holds the text to print: help, which is no error, or one line that
    /// names the option.
    pub fn read(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Self, Refusal> {
        Self::try_parse_from(args).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refusal::Help(error.to_string()),
            _ => Refusal::Mistake(in_one_line(&error)),
        })
    }
}

/// Why there are no options.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Help(String),
    Mistake(String),
}

/// Clap's message without the usage and the hints below it.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let message = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = message.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

fn http_url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (url.scheme_str(), url.authority()) {
        (Some("http"), Some(_)) => Ok(url),
        (Some("https"), _) => Err("this example speaks no TLS, give an http:// URL".to_owned()),
        _ => Err("not an http:// URL".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options, Refusal> {
        Options::read(["outage"].iter().chain(args).map(Into::into))
    }

    #[test]
    fn a_mistake_is_one_line_that_names_the_option() {
        for (args, option) in [
            (&["--seed", "x"][..], "--seed"),
            (&["--seed", "-1"], "-1"),
            (&["--target", "https://localhost/"], "--target"),
            (&["--target", "/index.html"], "--target"),
            (&["--sceanrio", "x.toml"], "--sceanrio"),
            (&["--scenario"], "--scenario"),
            (&["--quick", "--scenario", "x.toml"], "--scenario"),
            (&["surplus"], "surplus"),
        ] {
            let Err(Refusal::Mistake(line)) = read(args) else { panic!("{args:?}") };
            assert!(line.contains(option) && !line.contains('\n'), "{line}");
            assert!(!line.starts_with("error"), "{line}");
        }
    }

    #[test]
    fn help_is_no_mistake() {
        assert!(matches!(read(&["--help"]), Err(Refusal::Help(_))));
    }

    #[test]
    fn everything_has_a_default() {
        let options = read(&[]).unwrap();
        assert_eq!((options.seed, options.json, options.quick), (1, false, false));
    }
}
