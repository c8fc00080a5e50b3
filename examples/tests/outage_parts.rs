//! The unit tests of the outage example. An example is a program: built by `cargo test`, so that
//! `tests/outage.rs` can run it, but not tested itself. So its parts are included here again.

#![expect(dead_code, reason = "what is used by the program's main function only")]
#![expect(unreachable_pub, reason = "a program has no outside")]
#![expect(clippy::cast_precision_loss, reason = "counts of calls, far below 2^52")]

#[path = "../outage/client.rs"]
mod client;
#[path = "../outage/diary.rs"]
mod diary;
#[path = "../outage/finale.rs"]
mod finale;
#[path = "../outage/ledger.rs"]
mod ledger;
#[path = "../outage/load.rs"]
mod load;
#[path = "../outage/measure.rs"]
mod measure;
#[path = "../outage/options.rs"]
mod options;
#[path = "../outage/pipeline.rs"]
mod pipeline;
#[path = "../outage/progress.rs"]
mod progress;
#[path = "../outage/report.rs"]
mod report;
#[path = "../outage/scenario.rs"]
mod scenario;
#[path = "../outage/server.rs"]
mod server;
#[path = "../outage/stage.rs"]
mod stage;
#[path = "../outage/table.rs"]
mod table;
#[path = "../outage/timeline_svg.rs"]
mod timeline_svg;
#[path = "../outage/wire.rs"]
mod wire;
#[path = "../outage/workshop.rs"]
mod workshop;
