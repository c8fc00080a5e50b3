//! Promises as test cases, for CI systems.

use std::fmt::Write as _;

use super::Report;

/// Text that may hold anything, inside of a document of tags.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

impl Report {
    /// The promises as `JUnit` has tests.
    pub fn junit(&self) -> String {
        let failures = self.promises.iter().filter(|verdict| !verdict.kept).count();
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\">\n",
            escaped(&self.scenario),
            self.promises.len(),
        );
        for verdict in &self.promises {
            let (stack, promise) = (escaped(&verdict.stack), escaped(&verdict.promise));
            let _ = write!(xml, "  <testcase classname=\"{stack}\" name=\"{promise}\"");
            if verdict.kept {
                xml.push_str("/>\n");
            } else {
                let broken = escaped(&verdict.broken.join("; "));
                let _ = write!(xml, ">\n    <failure message=\"{broken}\"/>\n  </testcase>\n");
            }
        }
        xml.push_str("</testsuite>\n");
        xml
    }
}
