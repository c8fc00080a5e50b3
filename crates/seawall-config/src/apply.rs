//! Takes another document while the pipelines of this one run: all of it, or nothing.

use std::sync::Arc;

use seawall::ConfigError;

use crate::changes::{Change, Changes};
use crate::layers;
use crate::mistakes::Notes;
use crate::pipelines::{LiveForm, LiveLayers, State};
use crate::{Config, Mistakes, Pipelines};

mod list;
mod plan;

/// One policy that takes other settings, and how to give it back the old ones.
struct Step {
    path: String,
    apply: Box<dyn Fn() -> Result<(), ConfigError>>,
    undo: Box<dyn Fn()>,
}

/// What is to be done, and what it changes.
#[derive(Default)]
struct Plan {
    steps: Vec<Step>,
    changes: Vec<Change>,
    notes: Notes,
}

impl Pipelines {
    /// Takes another document. Everything that it changes is changed, or, with an error, nothing.
    ///
    /// Pipelines that were given out go on with the new settings. A policy keeps its state wherever it
    /// can: an open circuit stays open with the time that it has left, a budget keeps its tokens, a
    /// limit its permits; the [changes](Changes) say what was kept and lost. Where a pipeline has
    /// `layers`, calls under way end in those with which they began. One that is no longer in the
    /// document goes on for everyone that has it.
    ///
    /// Calls wait for nothing.
    ///
    /// # Errors
    ///
    /// All that is wrong with the document, as in [`build`](crate::PipelinesBuilder::build); and what
    /// can't be changed while it runs.
    pub fn apply(&self, config: &Config) -> Result<Changes, Mistakes> {
        let mut state = self.0.state.lock();
        let mut next = self.0.given.build(config, &state.policies)?;
        let mut plan = Plan::default();
        plan.shared(self, &state, &next);
        plan.pipelines(self, &mut state, &mut next);
        let Plan { steps, changes, notes } = plan;
        notes.finish(())?;
        carry_out(&steps)?;
        // Nothing below can fail.
        let replaced = swap(&mut state, next);
        drop(state);
        drop(replaced);
        Ok(Changes(changes))
    }
}

fn carry_out(steps: &[Step]) -> Result<(), Mistakes> {
    for (done, step) in steps.iter().enumerate() {
        if let Err(error) = (step.apply)() {
            steps[..done].iter().rev().for_each(|step| (step.undo)());
            return Err(Mistakes::one(None, format!("{}: {error}", step.path)));
        }
    }
    Ok(())
}

/// Puts the new layers and tables in force. What they replace comes back, to be dropped without the
/// lock.
fn swap(state: &mut State, next: State) -> State {
    let mut next = next;
    for (name, live) in &mut next.live {
        let Some(before) = state.live.remove(name) else { continue };
        match (&mut live.form, before.form) {
            (LiveForm::Standard(new), LiveForm::Standard(running)) => *new = running,
            (LiveForm::Layers(new), LiveForm::Layers(running)) => {
                let LiveLayers { current, types, mut replaced, items } = running;
                let same = items.len() == new.items.len()
                    && items.iter().zip(&new.items).all(|(old, new)| old.is(new));
                if !same {
                    let layers = Arc::new(layers::stack(&new.items));
                    replaced.retain(|it| it.strong_count() > 0);
                    replaced.push(Arc::downgrade(&current.swap(layers)));
                }
                (new.current, new.types, new.replaced) = (current, types, replaced);
            }
            _ => {}
        }
    }
    std::mem::replace(state, next)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use seawall::Retry;

    use super::*;

    /// No document gets here: what a policy refuses was refused before. Were it otherwise, those before it
    /// would get back what they had.
    #[test]
    fn where_one_refuses_those_before_it_get_back_what_they_had() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let step = |number: u32| {
            let (applied, undone) = (Rc::clone(&log), Rc::clone(&log));
            let apply = move || {
                applied.borrow_mut().push(format!("apply {number}"));
                match number {
                    3 => Retry::builder().max_attempts(0).build().map(drop),
                    _ => Ok(()),
                }
            };
            let undo = move || undone.borrow_mut().push(format!("undo {number}"));
            Step {
                path: format!("retries.r{number}"),
                apply: Box::new(apply),
                undo: Box::new(undo),
            }
        };
        let steps: Vec<_> = (1..=4).map(step).collect();
        let mistakes = carry_out(&steps).unwrap_err().to_string();
        assert_eq!(mistakes, "retries.r3: retry: max_attempts is 0, but must be at least 1");
        assert_eq!(*log.borrow(), ["apply 1", "apply 2", "apply 3", "undo 2", "undo 1"]);
    }
}
