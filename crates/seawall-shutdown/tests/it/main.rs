//! The tests of `seawall-shutdown` that need no process of their own.

mod a_blocking_step_that_never_returns_does_not_compile;
mod a_chain_of_steps_costs_the_square_of_its_length;
mod a_forced_end_names_no_step_that_it_skipped;
mod a_job_stays_queued_while_a_worker_is_idle;
mod a_nul_in_the_name_of_a_blocking_step_panics;
mod a_shutdown_does_not_say_when_a_step_begins_and_ends;
mod a_step_registered_after_build_gets_none_of_its_phases_reserve;
mod a_step_runs_after_the_report_said_that_it_was_aborted;
mod a_subsystem_beyond_the_bound_hides_that_it_was_not_clean;
mod an_interrupt_waits_for_balancers;
mod bug_a_waker_that_panics_leaves_others_asleep;
mod counts;
mod counts_of_a_pool_say_nothing_of_jobs_that_run;
mod critical;
mod graph;
mod liveness;
mod phases;
mod pool;
mod report;
mod shutdown_gate;
mod subsystems;
mod supervise;
mod wakers_of_futures_that_went_are_kept;
