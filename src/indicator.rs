//! Indicators: named figures that are computed from the records by published definitions.
//!
//! Read order: `measure` names what can be counted, `period` the days, `exact` the numbers; `catalogue` and
//! `law` are the data in `config/`; `placing` tells which units count together, `facts` holds their sums;
//! `formula` says how each id is computed, `supply`, `figure`, `nine`, `decision766` and `identity` what is
//! more than a quotient; `evaluate` computes, and `value` is what goes over the wire. Nothing here does
//! input or output: `reform` reads the sums from the store and hands them in.
//!
//! Invariants: integers only, percent rounded half up to two decimals, scores in thousandths; null is not 0;
//! every value names its versions and its cut-off; a law, band or threshold is never in code.

pub mod catalogue;
pub mod decision766;
pub mod evaluate;
pub mod exact;
pub mod facts;
pub mod figure;
pub mod formula;
pub mod identity;
pub mod law;
pub mod measure;
pub mod nine;
pub mod period;
pub mod placing;
pub mod supply;
pub mod value;
