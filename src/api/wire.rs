//! The browser's copy of the types that the API answers with, generated from them.

use std::{fmt::Write as _, fs, path::Path};

use ts_rs::{Config, TS};

use super::{
    alarm, alarm_action, alarm_works, answer, assessment, call, city, desk, device, display,
    document, dossier, formality, gap, handover, health, history, import, indicator, journal,
    metric, notification, paging, pcu, performance, petition, problem, quality, quarantine,
    scorecard, series, session, source, state, still, ticket, unit, view,
};
use crate::{
    access,
    indicator::{catalogue, decision766, identity, law, nine, value},
    readiness,
};

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
        let mut text = String::new();
        $(declare::<$kind>(&mut text);)+
        text
    }};
}

/// The city and what was measured.
fn city_and_history() -> String {
    declare![
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
        history::Indications,
        history::GroupRuns,
        history::EquipmentHistory,
        history::EquipmentReport,
        still::Cameras,
        still::Camera,
        still::PictureOrigin,
        unit::Area,
        unit::Unit,
        unit::Successor,
        series::SeriesSet,
        series::total::TotalSet,
        series::total::Total,
        series::Series,
        pcu::PcuCatalogue,
        pcu::PcuProfile,
        pcu::PcuFactor,
        crate::pcu::Mark,
        crate::pcu::Cuts,
        crate::pcu::CongestionCuts,
        crate::pcu::LevelOfService,
        crate::pcu::Congestion,
        pcu::TrafficNow,
        pcu::TrafficOf,
        state::CityState,
        state::ShownDevice,
        state::ShownSignal,
        state::ShownReading,
        state::ShownHealth,
        ticket::Ticket,
        ticket::Category,
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
        crate::quality::Check,
        quality::DetectorState,
        quality::DeviceQuality,
        quality::PlaceQuality,
        crate::quality::standing::OpenCheck,
        crate::quality::Limits,
        crate::quality::Thresholds,
        crate::quality::thresholds::Profile,
        crate::quality::thresholds::Override,
        crate::quality::numbers::Numbers,
        quality::ForcedBad,
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
        journal::Silence,
        alarm_action::LimitProposal,
        view::SavedView,
        view::NewView,
        crate::city::DisplayView,
        display::DisplayProfile,
        display::DisplayInfo,
        display::Pushed,
        display::NewPush,
        handover::Handover,
        handover::NewHandover,
        health::ReadinessReport,
        readiness::Component,
    ]
}

/// Alarms.
fn alarms() -> String {
    declare![
        alarm::Alarm,
        alarm::AlarmShelf,
        alarm::AlarmOut,
        alarm::AlarmPage,
        alarm::AlarmTexts,
        alarm::AlarmRule,
        alarm::AlarmRules,
        alarm::AlarmTransition,
        alarm::AlarmWithHistory,
        alarm_action::SeenAlarm,
        alarm_action::Acknowledgement,
        alarm_action::AlarmResult,
        alarm_action::AlarmResults,
        alarm_action::AlarmReason,
        alarm_action::NewShelf,
        alarm_action::NewOutOfService,
        alarm_action::NewAlarmComment,
        alarm_action::AlarmAssignment,
        alarm_action::AlarmLink,
        alarm_works::AlarmWorks,
        alarm_works::NewAlarmWorks,
    ]
}

/// Records of the one-stop system, indicators and scorecards.
fn reform() -> String {
    declare![
        dossier::Dossier,
        dossier::DossierWithSteps,
        dossier::DossierStep,
        dossier::Limit,
        petition::Petition,
        petition::PetitionWithSteps,
        petition::PetitionStep,
        document::Document,
        document::DocumentWithSteps,
        document::DocumentStep,
        assessment::Assessment,
        formality::Formality,
        formality::OnlineService,
        catalogue::Group,
        catalogue::Operator,
        indicator::TargetStatement,
        indicator::IndicatorStatement,
        indicator::IndicatorCatalogue,
        value::Versions,
        value::PeriodStatement,
        value::Status,
        value::ValueBound,
        value::Reporting,
        value::Published,
        value::Value,
        value::Answer,
        identity::Checked,
        indicator::RecordBehind,
        scorecard::Scorecards<nine::NineCard>,
        law::Band,
        nine::ScoreOrigin,
        nine::Overruled,
        nine::NineScore,
        decision766::ComponentScore,
        decision766::DecisionCard,
        nine::NineCard,
        scorecard::NewScoreRuling,
        scorecard::Closed,
    ]
}

/// Notifications and the performance of the alarm system.
fn around_alarms() -> String {
    declare![
        crate::notify::board::EndpointCondition,
        notification::NotificationEndpoint,
        notification::Notification,
        crate::performance::target::TargetBound,
        crate::performance::target::AlarmTarget,
        crate::performance::target::AlarmFigure,
        performance::AlarmPerformance,
        performance::AlarmFlood,
        performance::AlarmHour,
        performance::StaleAlarm,
        performance::AlarmCode,
        performance::ChatteringAlarm,
        performance::PriorityShare,
        performance::AlarmHandling,
        performance::ServiceAvailability,
        performance::StreamCompleteness,
        performance::GoodIntervals,
    ]
}

#[test]
fn wire_types_are_up_to_date() {
    let text = [city_and_history(), alarms(), around_alarms(), reform()].concat();
    let text = format!("{HEADER}{text}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found != text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        panic!("{FILE} was out of date and was written anew: look at the difference and commit it");
    }
}
