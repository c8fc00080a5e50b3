//! A scenario: servers, load, faults, stacks and promises, read from TOML.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use toml::Table;

use crate::time::{MICROSECOND, MILLISECOND, Nanos, SECOND};

pub use reader::Mistakes;

pub(crate) use fault::{Fault, Kind};
pub(crate) use load::{Load, Traffic};
pub(crate) use promise::Promise;
use reader::{Notes, Reader};
pub(crate) use service::Service;
pub(crate) use settings::{Breaking, Budgeting, Layers, Preset, Retrying, Settings, StackSettings};

mod fault;
mod load;
mod promise;
mod reader;
mod service;
mod settings;

/// An outage that has not happened yet: the servers, the calls, what goes wrong, and what is
/// promised.
///
/// ```
/// use seawall_rehearse::Scenario;
///
/// let scenario = Scenario::parse(
///     r#"
///     [load]
///     rate = 700
///     deadline = "500ms"
///     [server]
///     slots = 10
///     service = { kind = "exponential", mean = "10ms" }
///     [[fault]]
///     kind = "freeze"
///     at = "5s"
///     for = "3s"
///     "#,
/// )?;
/// assert_eq!(scenario.seeds(), 1);
///
/// let mistakes = Scenario::parse("[load]\nrate = 0\n").unwrap_err();
/// assert_eq!(mistakes.lines()[0], "load.deadline is missing, but must be a time such as \"500ms\"");
/// # Ok::<_, seawall_rehearse::Mistakes>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) seeds: u32,
    pub(crate) load: Load,
    pub(crate) servers: Servers,
    pub(crate) faults: Vec<Fault>,
    pub(crate) stacks: Vec<StackSettings>,
    pub(crate) promises: Vec<Promise>,
    /// How long is watched after the trouble is over.
    pub(crate) watch: Nanos,
    /// No call is made after this.
    pub(crate) longest: Option<Nanos>,
    /// As it was written, with everything that stood in other files.
    source: Table,
}

/// The servers, all alike.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Servers {
    pub(crate) backends: u32,
    /// A backend for each request is drawn rather than taken in turn.
    pub(crate) at_random: bool,
    pub(crate) slots: u32,
    pub(crate) service: Service,
    /// How many requests may wait; `u32::MAX` is any number.
    pub(crate) queue: u32,
    /// The newest of those that wait comes first.
    pub(crate) newest_first: bool,
    /// Work ends when its caller has left.
    pub(crate) aware: bool,
    /// How long it takes to refuse a request.
    pub(crate) refusal: Nanos,
    /// Requests take longer where many are inside.
    pub(crate) crowding: Option<Crowding>,
}

/// A request that begins while `from` are inside takes as long as usual, while `until` or more are `times`
/// as long, and in proportion between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Crowding {
    pub(crate) from: u32,
    pub(crate) until: u32,
    pub(crate) times: f64,
}

impl Crowding {
    /// How many times as long a request takes that begins while `inside` are there, itself among them.
    pub(crate) fn factor(&self, inside: u32) -> f64 {
        let over = f64::from(inside.saturating_sub(self.from));
        let share = over / f64::from(self.until.saturating_sub(self.from).max(1));
        1.0 + (self.times - 1.0) * share.min(1.0)
    }
}

impl Scenario {
    /// How long losses are counted after the trouble is over.
    pub(crate) const COUNTED_AFTER: Nanos = 10 * SECOND;

    /// Reads a scenario.
    ///
    /// # Errors
    ///
    /// All mistakes, one line each, with the field and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        Self::from_table(&table(text)?, Path::new(""))
    }

    /// Reads a scenario from a file. Files that it names are looked for in the same folder.
    ///
    /// # Errors
    ///
    /// Where the file can't be read, and as [`parse`](Self::parse).
    pub fn read(file: &Path) -> Result<Self, Mistakes> {
        let table = read_table(file)?;
        let mut scenario = Self::from_table(&table, file.parent().unwrap_or(Path::new("")))?;
        if !table.contains_key("name") {
            let stem = file.file_stem().unwrap_or_default();
            scenario.name = stem.to_string_lossy().into_owned();
            scenario.write("", "name", scenario.name.clone());
        }
        Ok(scenario)
    }

    /// Reads a scenario from a table that was parsed before; `folder` is where files are looked for.
    pub(crate) fn from_table(table: &Table, folder: &Path) -> Result<Self, Mistakes> {
        let notes = Notes::default();
        let root = Reader::new(String::new(), table, &notes);
        let scenario = read(&root, folder);
        root.finish();
        // Where a part is not there, a note says so.
        notes.finish(())?;
        let mut scenario =
            scenario.ok_or_else(|| Mistakes::one("the scenario has neither load nor server"))?;
        scenario.source = table.clone();
        service::write_out(&mut scenario.source, &["server", "service"], &scenario.servers.service);
        if let Traffic::Closed { think, .. } = &scenario.load.traffic {
            service::write_out(&mut scenario.source, &["load", "closed", "think"], think);
        }
        Ok(scenario)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first of the seeds that it is played with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many seeds it is played with.
    pub fn seeds(&self) -> u32 {
        self.seeds
    }

    /// The same scenario with other seeds: `count` of them, from `first` on.
    #[must_use]
    pub fn with_seeds(mut self, first: u64, count: u32) -> Self {
        self.seed = first;
        self.seeds = count.max(1);
        self.write("", "seed", i64::try_from(first).unwrap_or(i64::MAX));
        self.write("", "seeds", i64::from(self.seeds));
        self
    }

    /// The same scenario with as many clients, which share the load.
    #[must_use]
    pub fn with_clients(mut self, clients: u32) -> Self {
        self.load.clients = clients.max(1);
        self.write("load", "clients", i64::from(self.load.clients));
        self
    }

    /// The file that this is, with everything in it: what [`parse`](Self::parse) reads.
    pub fn source(&self) -> String {
        self.source.to_string()
    }

    /// Writes what has been changed since it was read.
    fn write(&mut self, table: &str, field: &str, value: impl Into<toml::Value>) {
        let table = match self.source.get_mut(table) {
            Some(toml::Value::Table(table)) => table,
            _ => &mut self.source,
        };
        table.insert(field.to_owned(), value.into());
    }

    /// The seeds that it is played with.
    pub(crate) fn each_seed(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.seed;
        (0..u64::from(self.seeds)).map(move |n| first.wrapping_add(n))
    }

    /// From when until when something is wrong; the whole run where nothing ever is.
    pub(crate) fn trouble(&self) -> (Nanos, Nanos) {
        let faults = self.faults.iter().map(|fault| (fault.at, fault.until));
        let surges = self.load.surges.iter().map(|surge| (surge.at, surge.until));
        let all = || faults.clone().chain(surges.clone());
        let end = self.longest.unwrap_or(Nanos::MAX);
        match (all().map(|times| times.0).min(), all().map(|times| times.1).max()) {
            (Some(from), Some(until)) => (from, until.min(end)),
            _ => (0, end),
        }
    }

    /// When the last call is made.
    pub(crate) fn end(&self) -> Nanos {
        let end = self.trouble().1.saturating_add(self.watch.max(Self::COUNTED_AFTER));
        end.min(self.longest.unwrap_or(Nanos::MAX))
    }

    /// Calls a second where nothing is wrong: the most that `rate` and `steps` say, or what the users make
    /// that wait for answers.
    pub(crate) fn usual_rate(&self) -> f64 {
        match &self.load.traffic {
            Traffic::Open { points, .. } => points.iter().map(|point| point.1).fold(0.0, f64::max),
            Traffic::Closed { users, think } => {
                f64::from(*users) / (think.mean() + self.servers.service.mean())
            }
        }
    }

    /// What all slots of all servers serve in a second.
    pub fn capacity(&self) -> f64 {
        f64::from(self.servers.backends) * f64::from(self.servers.slots)
            / self.servers.service.mean()
    }
}

/// Parses the text of a scenario.
pub(crate) fn table(text: &str) -> Result<Table, Mistakes> {
    text.parse::<Table>().map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..offset].split(|&byte| byte == b'\n').count();
        let message: Vec<_> = error.message().split_whitespace().collect();
        Mistakes::one(format!("line {line}: {}", message.join(" ")))
    })
}

/// Reads and parses a scenario file.
pub(crate) fn read_table(file: &Path) -> Result<Table, Mistakes> {
    let text = read_text(file);
    table(&text.map_err(|error| Mistakes::one(format!("{}: {error}", file.display())))?)
}

/// A million measured times fit into it.
const MAX_FILE: u64 = 64 << 20;

/// Reads a file of at most [`MAX_FILE`] bytes. What is no file may have no end, or wait for a writer.
pub(crate) fn read_text(file: &Path) -> io::Result<String> {
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::other("no file"));
    }
    let mut text = String::new();
    File::open(file)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("longer than {MAX_FILE} bytes")));
    }
    Ok(text)
}

fn read(root: &Reader<'_>, folder: &Path) -> Option<Scenario> {
    root.whole("version", &(1..=1));
    let name = root.text("name").unwrap_or("scenario").to_owned();
    let seed = root.whole("seed", &(0..=u32::MAX)).unwrap_or(1).into();
    let seeds = root.whole("seeds", &(1..=1_000)).unwrap_or(1);
    let watch = root.time("watch", &(10 * SECOND..=fault::LONGEST));
    let longest = root.time("for", &(100 * MILLISECOND..=fault::LONGEST));
    root.missing("load", "a table with `rate` and `deadline`");
    let load = root.table("load").and_then(|table| {
        let load = load::read(&table, folder);
        table.finish();
        load
    });
    root.missing("server", "a table with `slots` and `service`");
    let servers = root.table("server").and_then(|table| {
        let servers = servers(&table, folder);
        table.finish();
        servers
    });
    let backends = servers.as_ref().map_or(1, |servers| servers.backends);
    let fault = |table: Reader<'_>| {
        let fault = fault::read(&table, backends);
        table.finish();
        fault
    };
    let faults: Vec<_> = root.tables("fault", 100).into_iter().filter_map(fault).collect();
    let stacks: Vec<_> = root.tables("stack", 50).into_iter().filter_map(settings::read).collect();
    let promises =
        root.tables("promise", 100).into_iter().filter_map(|table| promise(table, &stacks));
    let promises = promises.collect();
    let mut scenario = Scenario {
        name,
        seed,
        seeds,
        load: load?,
        servers: servers?,
        faults,
        stacks,
        promises,
        watch: 0,
        longest,
        source: Table::new(),
    };
    check(root, &scenario);
    let (from, until) = scenario.trouble();
    let tenfold = until.saturating_sub(from).saturating_mul(10);
    scenario.watch = watch.unwrap_or_else(|| tenfold.clamp(10 * SECOND, 60 * SECOND));
    Some(scenario)
}

/// What the parts have to do with each other.
fn check(root: &Reader<'_>, scenario: &Scenario) {
    let calm = scenario.faults.is_empty() && scenario.load.surges.is_empty();
    let endless = scenario.faults.iter().any(|fault| fault.until == Nanos::MAX);
    if scenario.longest.is_none() && (calm || endless) {
        let why = if calm { "no fault" } else { "a fault without an end" };
        root.missing("for", format_args!("the length of the run, where there is {why}"));
    }
    for (index, fault) in scenario.faults.iter().enumerate() {
        let end = scenario.longest.unwrap_or(Nanos::MAX);
        if fault.at >= end || (fault.until > end && fault.until != Nanos::MAX) {
            root.notes().refuse(
                &format!("fault[{index}]"),
                "beyond the run",
                "over before `for` is",
            );
        }
    }
}

fn servers(table: &Reader<'_>, folder: &Path) -> Option<Servers> {
    let slots = table.whole("slots", &(1..=100_000));
    if slots.is_none() {
        table.missing("slots", "a whole number between 1 and 100000");
    }
    let service = service::read(table, "service", folder);
    if service.is_none() {
        table.missing("service", "a time, or a table with `kind`");
    }
    let endless = table.raw("queue").and_then(toml::Value::as_str) == Some("endless");
    let queue =
        if endless { u32::MAX } else { table.whole("queue", &(0..=100_000_000)).unwrap_or(1_000) };
    Some(Servers {
        backends: table.whole("backends", &(1..=1_000)).unwrap_or(1),
        at_random: table.word("choice", &["round_robin", "random"]) == Some("random"),
        newest_first: table.word("discipline", &["fifo", "lifo"]) == Some("lifo"),
        aware: table.flag("aware").unwrap_or(false),
        refusal: table.time("refusal", &(0..=SECOND)).unwrap_or(500 * MICROSECOND),
        crowding: table.table("crowding").and_then(crowding),
        slots: slots?,
        service: service?,
        queue,
    })
}

fn crowding(table: Reader<'_>) -> Option<Crowding> {
    let many = 1..=100_000_000;
    let (from, until) = (table.whole("from", &many), table.whole("until", &many));
    let times = table.number("times", &(1.0..=10_000.0));
    table.missing("from", "requests inside, a whole number of at least 1");
    table.missing("until", "more requests than `from`");
    table.missing("times", "a number between 1 and 10000");
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        table.refuse("until", until, "more requests than `from`");
    }
    table.finish();
    Some(Crowding { from: from?, until: until?, times: times? })
}

fn promise(table: Reader<'_>, stacks: &[StackSettings]) -> Option<Promise> {
    let text = table.text("that");
    if text.is_none() {
        table.missing("that", "a comparison such as \"recovery < 1s and loss < 4s\"");
    }
    let stack = table.text("stack").map(str::to_owned);
    if let Some(stack) = &stack
        && !stacks.iter().any(|known| known.name == *stack)
        && !settings::ALWAYS.contains(&stack.as_str())
    {
        let known: Vec<_> = stacks.iter().map(|known| known.name.as_str()).collect();
        table.refuse(
            "stack",
            format_args!("{stack:?}"),
            format_args!("one of: {}", known.join(", ")),
        );
    }
    let median = table.word("of", &["worst", "median"]) == Some("median");
    let text = text?.to_owned();
    let parts = match promise::parse(&text) {
        Ok(parts) => parts,
        Err(mistake) => {
            table.refuse("that", mistake, "comparisons such as \"recovery < 1s and loss < 4s\"");
            return None;
        }
    };
    table.finish();
    Some(Promise { text, stack, median, parts })
}
