//! The report as one page that needs nothing from outside.

use std::fmt::Write as _;

use super::Report;
use super::junit::escaped;
use super::table::{COLUMNS, share};

const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fff;--ink:#1b1f24;--faint:#68707a;--rule:#d5dae0;--fault:#8a93a0;\
--good:#2b6cb0;--load:#e6e9ed;--open:#9b2c2c;--half:#d69e2e;--shut:#cdd3da}\
@media (prefers-color-scheme:dark){:root{--ground:#14181d;--ink:#e6eaef;--faint:#98a2ae;--rule:#313842;\
--fault:#aab4c0;--good:#63b3ed;--load:#232a32;--open:#fc8181;--half:#f6e05e;--shut:#3f4853}}\
body{margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;background:var(--ground);color:var(--ink);\
font:15px/1.5 system-ui,sans-serif}h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
p{margin:.25rem 0}.faint{color:var(--faint)}svg{width:100%;height:auto;display:block}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.3rem .5rem;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}\
th:first-child,td:first-child{text-align:left}th{font-weight:600}li{margin:.2rem 0}\
.broken{font-weight:600}.broken::before{content:'✗ '}.kept::before{content:'✓ '}ul{list-style:none;padding:0}";

impl Report {
    /// The report as one HTML page: pictures, table and promises. Light or dark as the reader has it.
    pub fn html(&self) -> String {
        let name = escaped(&self.scenario);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{name} – rehearsal</title><style>{STYLE}</style></head><body>\n<h1>{name}</h1>\n",
        );
        let _ = writeln!(page, "<p class=\"faint\">{}</p>", escaped(&self.seeds_in_words()));
        let _ =
            writeln!(page, "<h2>Answered over time, seed {}</h2>\n{}", self.seeds[0], self.svg());
        self.figures(&mut page);
        self.circuits(&mut page);
        self.promised(&mut page);
        page.push_str("</body></html>\n");
        page
    }

    fn figures(&self, page: &mut String) {
        page.push_str(
            "<h2>Figures, medians</h2>\n<div class=\"wide\"><table><thead><tr><th>stack</th>",
        );
        for (name, _) in COLUMNS {
            let _ = write!(page, "<th>{name}</th>");
        }
        page.push_str("<th>worst loss</th><th>gain</th><th>of best</th></tr></thead><tbody>\n");
        for stack in &self.stacks {
            let _ = write!(page, "<tr><td>{}</td>", escaped(&stack.name));
            for (_, cell) in COLUMNS {
                let _ = write!(page, "<td>{}</td>", cell(&stack.median));
            }
            let [gain, best] = [stack.gain, stack.gain_of_best].map(share);
            let _ = writeln!(
                page,
                "<td>{:.2}</td><td>{gain}</td><td>{best}</td></tr>",
                stack.worst.loss
            );
        }
        page.push_str(
            "</tbody></table></div>\n<p class=\"faint\">loss: seconds of load without an answer, from the first fault until 10 s \
             after the last; recovery: seconds until 90 % are answered for good; requests: per call; gain: share of what an \
             omniscient client gains, and of what the best stack gains</p>\n",
        );
    }

    /// How long the circuits were in which state, under the first seed.
    fn circuits(&self, page: &mut String) {
        let with = self.stacks.iter().filter(|stack| !stack.timeline.states.is_empty());
        for (index, stack) in with.enumerate() {
            if index == 0 {
                let seed = self.seeds[0];
                let _ = writeln!(page, "<h2>Circuits, seconds of all clients, seed {seed}</h2>");
            }
            let states = stack.timeline.states.iter();
            let states: Vec<_> = states.map(|(name, time)| format!("{name} {time:.2}")).collect();
            let _ = writeln!(page, "<p>{}: {}</p>", escaped(&stack.name), states.join(", "));
        }
    }

    fn promised(&self, page: &mut String) {
        if self.promises.is_empty() {
            return;
        }
        page.push_str("<h2>Promises</h2>\n<ul>\n");
        for verdict in &self.promises {
            let class = if verdict.kept { "kept" } else { "broken" };
            let broken = verdict.broken.join("; ");
            let _ = writeln!(
                page,
                "<li class=\"{class}\">{}: {} <span class=\"faint\">{}</span></li>",
                escaped(&verdict.stack),
                escaped(&verdict.promise),
                escaped(&broken),
            );
        }
        page.push_str("</ul>\n");
    }
}
