//! How the alarm system and the equipment perform, over a span: pure figures over counted rows.
//!
//! [`rate`] judges how many alarms operators got and when; [`outage`] how long devices were down;
//! [`target`] what each figure should reach. The rows come from `store::alarm_performance`.
//!
//! Invariants: only alarms that operators saw count for them; what is not known is null, never 0.

pub mod outage;
pub mod rate;
pub mod target;
