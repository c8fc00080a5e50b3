//! The tests of `seawall` that need no process of their own.

mod a_fallbacks_answer_looks_like_a_real_one;
mod a_handle_reports_nothing_to_the_pipeline_around_it;
mod a_job_in_flight_under_a_supervisor_is_lost;
mod a_key_forges_a_line_of_a_log;
mod a_pipeline_that_cant_work_is_built;
mod a_refusal_does_not_say_which_policy;
mod an_error_does_not_go_where_users_errors_go;
mod an_operation_that_cant_be_repeated_is_repeated;
mod an_option_of_one_call_needs_an_attempt;
mod callers_fail_in_the_moment_of_recovery;
mod callers_with_too_little_time_open_the_circuit;
mod capture;
mod changing_one_setting_loses_the_tuned_others;
mod idempotent_drops_the_retry_that_was_given;
mod limits;
mod pipeline;
mod registry;
mod shapes;
mod the_loser_of_a_hedge_opens_the_circuit;
mod worst_case;
