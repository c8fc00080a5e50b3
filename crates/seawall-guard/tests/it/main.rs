//! The tests of `seawall-guard` that need no process of their own.

mod a_fallback_given_up_panics_when_it_is_dropped;
mod a_fallback_that_waits_is_described_as_none;
mod a_job_of_a_child_is_dropped_at_the_stop;
mod a_listener_that_calls_back_ends;
mod a_margin_makes_a_deadline_later;
mod a_panic_of_a_child_that_is_stopped_is_not_told;
mod a_panic_of_a_fallback_ends_the_chain;
mod a_panic_of_work_that_nobody_waits_for_is_not_told;
mod a_result_is_lost_when_the_budget_of_the_task_is_gone;
mod a_scope_made_elsewhere_outlives_the_scope_around_it;
mod an_endless_error_of_a_child_fills_the_memory;
mod an_error_that_panics_when_dropped_takes_the_answer_along;
mod blocking;
mod deadline;
mod defaults;
mod detach;
mod fallback;
mod held_until_over;
mod last_good;
mod nothing_before_the_first_poll;
mod panic_guard;
mod reconfigured;
mod supervisor;
mod tasks;
mod timeout;
mod work_that_panics_and_then_panics_when_dropped_aborts;
