//! Files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::mistakes::one_of;
use crate::tree::{MAX_BYTES, Node, Source};
use crate::{Mistakes, Place};

/// Reads a file of at most [`MAX_BYTES`] and one more, which a [`Source`] refuses.
pub(crate) fn read(file: &Path) -> Result<String, Mistakes> {
    read_text(file).map_err(|error| {
        let place = Place::new(file.display().to_string().into(), 0, 0);
        Mistakes::one(Some(place), error.to_string())
    })
}

fn read_text(file: &Path) -> io::Result<String> {
    // What is no file may have no end, or wait for a writer.
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    File::open(file)?.take(MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Parses a text by the name of its file.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Node, Mistakes> {
    let name = file.display().to_string();
    #[cfg_attr(not(any(feature = "toml", feature = "json", feature = "yaml")), expect(unused))]
    let source = Source::new(&name, text)?;
    let extension = file.extension().and_then(|it| it.to_str()).unwrap_or_default();
    match extension {
        #[cfg(feature = "toml")]
        "toml" => crate::tree::toml::parse(&source),
        #[cfg(feature = "json")]
        "json" => crate::tree::json::parse(&source),
        #[cfg(feature = "yaml")]
        "yaml" | "yml" => crate::tree::yaml::parse(&source),
        _ => {
            let mut known = Vec::new();
            if cfg!(feature = "toml") {
                known.push("toml");
            }
            if cfg!(feature = "json") {
                known.push("json");
            }
            if cfg!(feature = "yaml") {
                known.extend(["yaml", "yml"]);
            }
            let allowed = one_of(extension, known);
            let what = format!("the name ends in \"{extension}\", but must end in {allowed}");
            Err(Mistakes::one(Some(Place::new(name.into(), 0, 0)), what))
        }
    }
}
