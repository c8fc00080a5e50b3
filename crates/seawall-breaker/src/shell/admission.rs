//! Who gets in.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::evidence::Refusals;
use super::{Admitted, Entry, Gate, Report, Shell};
use crate::machine::{Admission, Refusing, Ticket};
use crate::sync::fence;
use crate::time::Nanos;

impl Shell {
    /// Admits a call that a closed circuit admits, or asks the machine.
    pub(crate) fn admit(&self, gate: Gate, now: Nanos, report: &impl Report) -> Entry {
        if gate.admits() {
            let admitted = Admitted { gate, probe: 0, began: now };
            return Entry::Admitted(self.count_admission(admitted));
        }
        self.ask(now, report)
    }

    fn count_admission(&self, admitted: Admitted) -> Admitted {
        if admitted.gate.tallies() {
            self.counters.count(|line| &line.admitted);
        }
        admitted
    }

    #[inline]
    pub(crate) fn count_refusal(&self) {
        self.refusals().count();
    }

    /// Refuses on what is beside the gate; `None` if the wait is over, or the state is another or
    /// changing.
    #[inline]
    pub(crate) fn refuse(&self, now: Nanos) -> Option<(Gate, Refusing, &Refusals)> {
        let refusals = self.refusals.get()?;
        let (gate, refusing) = refusals.at(now)?;
        // The words were read before the gate is read again. A writer changes the gate before it
        // changes the words (see `publish`), so a gate that is the same says that they were too.
        fence(Acquire);
        if self.gate.load(Relaxed) != gate.0 {
            return None;
        }
        Some((gate, refusing, refusals))
    }

    #[cold]
    fn ask(&self, now: Nanos, report: &impl Report) -> Entry {
        let (admission, gate) = self.with(now, report, |machine, happened| {
            let admission = machine.admit(now, happened);
            (admission, Gate::of(machine, machine.ease()))
        });
        let admitted = |ticket: Ticket| {
            self.count_admission(Admitted { gate, probe: ticket.probe, began: now })
        };
        match admission {
            Admission::Admitted(ticket) => Entry::Admitted(admitted(ticket)),
            Admission::Shadowed(ticket, refusal) => Entry::Shadowed(admitted(ticket), refusal),
            Admission::Refused(refusal) => Entry::Refused(refusal),
        }
    }
}
