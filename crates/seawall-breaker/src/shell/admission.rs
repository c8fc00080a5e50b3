//! Who gets in.

use std::sync::atomic::Ordering::Acquire;

use super::evidence::Refusals;
use super::{Admitted, Entry, Gate, Report, Shell};
use crate::machine::{Admission, Refusal, Refusing, Ticket};
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

    /// Refuses on what is beside the gate; `None` if the wait is over, the state is another or
    /// changing, or it is the operator who refuses.
    #[inline]
    pub(crate) fn refuse(&self, now: Nanos) -> Option<(Refusing, &Refusals)> {
        let refusals = self.refusals.get()?;
        let (gate, refusing) = refusals.at(now)?;
        (self.gate_after_reading() == gate).then_some((refusing, refusals))
    }

    /// [`refuse`](Self::refuse), whoever does; and why.
    pub(crate) fn refuse_anyhow(&self, now: Nanos) -> Option<Refusal> {
        let (gate, refusing) = self.refusals.get()?.at(now)?;
        let now = self.gate_after_reading();
        (now.unforced() == gate).then(|| Refusal { reason: now.reason(), refusing })
    }

    /// The words were read before the gate is read again. A writer changes the gate before it
    /// changes the words (see `publish`), so a gate that is the same says that they were too.
    #[inline]
    fn gate_after_reading(&self) -> Gate {
        fence(Acquire);
        self.glance()
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
