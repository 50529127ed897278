//! The browser's copy of the types that the API answers with, generated from them.

use std::{fmt::Write as _, fs, path::Path};

use ts_rs::{Config, TS};

use super::{
    answer, call, city, desk, device, gap, health, import, journal, metric, paging, problem,
    quarantine, series, session, source, state, ticket, unit,
};
use crate::{access, readiness};

const FILE: &str = "dashboards/src/data/wire/api.ts";
const HEADER: &str = "\
// What the HTTP API takes and answers, generated from the hub's own types: do not edit.
// `cargo test wire_types` writes it anew. Units stand in the names; null is \"not known\".
";

fn declare<T: TS>(text: &mut String) {
    let config = Config::new().with_large_int("number");
    let docs = T::docs().unwrap_or_default();
    let declaration = format!("{docs}export {}", T::decl(&config));
    let declaration = declaration.replace("/**\n * ", "/** ").replace("\n */", " */");
    // One field per line, indented.
    let declaration = declaration.replace(", }", ",\n}");
    text.push('\n');
    let mut inside = false;
    for line in declaration.lines().map(str::trim_end) {
        inside &= !line.starts_with('}');
        let indent = if inside { "  " } else { "" };
        let _infallible = writeln!(text, "{indent}{line}");
        inside |= line.starts_with("export") && line.ends_with('{');
    }
}

macro_rules! declare {
    ($($kind:ty),+ $(,)?) => {{
        let mut text = HEADER.to_owned();
        $(declare::<$kind>(&mut text);)+
        text
    }};
}

#[test]
fn wire_types_are_up_to_date() {
    let text = declare![
        problem::ProblemDocument,
        answer::Name,
        paging::Page<answer::Name>,
        access::Right,
        access::Role,
        session::Credentials,
        session::PasswordChange,
        session::Session,
        city::City,
        city::CityMap,
        city::FeatureCollection,
        city::Feature,
        device::Device,
        device::Detector,
        unit::Area,
        unit::Unit,
        unit::Successor,
        series::SeriesSet,
        series::total::TotalSet,
        series::total::Total,
        series::Series,
        state::CityState,
        state::ShownDevice,
        state::ShownSignal,
        state::ShownReading,
        state::ShownHealth,
        ticket::Ticket,
        ticket::TicketWithSteps,
        ticket::TicketStep,
        call::Call,
        desk::DeskSummary,
        metric::Metric,
        metric::MetricFigures,
        metric::Figure,
        source::SourceInfo,
        source::SourceState,
        source::SourceCounters,
        source::Acceptance,
        source::Accepted,
        gap::Gap,
        gap::GapKind,
        gap::GapSpan,
        quarantine::Refused,
        quarantine::RefusedMessage,
        quarantine::Replayed,
        import::ImportRun,
        crate::import::Kind,
        crate::import::Report,
        crate::import::ColumnUse,
        crate::import::Flaw,
        crate::import::Stored,
        journal::JournalEntry,
        health::ReadinessReport,
        readiness::Component,
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found != text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        panic!("{FILE} was out of date and was written anew: look at the difference and commit it");
    }
}
