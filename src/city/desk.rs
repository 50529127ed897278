//! The service desk: ticket categories, and the published year that the demonstration replays once.
//!
//! From `categories.csv` and the table `desk_history` of `city.toml`.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use ioc_ingest::ticket::Channel;

use super::{
    problem::{Cause, Problems, nearest},
    record::{Located, Record},
};

/// File of the categories.
pub(super) const CATEGORIES: &str = "categories.csv";
/// Columns of the categories.
pub(super) const CATEGORY_COLUMNS: &[&str] = &["token", "name_vi", "name_en", "public_space"];
const HISTORY_KEYS: &[&str] =
    &["from", "to", "received", "handled", "in_process", "channels_pct", "source"];

/// Category of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketCategory {
    /// Token in a message.
    pub token: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Whether it is about a thing in public space, so that its place may be shown.
    pub public_space: bool,
}

/// A period that the desk published, in totals.
#[derive(Debug, Clone, PartialEq)]
pub struct DeskHistory {
    /// First civil day.
    pub from: NaiveDate,
    /// First civil day after the period.
    pub to: NaiveDate,
    /// Tickets received in the period.
    pub received: u32,
    /// Of them handled.
    pub handled: u32,
    /// Of them still in process at the end: received minus handled.
    pub in_process: u32,
    /// Share of each channel in percent, 100 together. Not published: demonstration data.
    pub channels_pct: Vec<(Channel, u8)>,
    /// Where the totals were printed.
    pub source: String,
}

/// Reads one row of `categories.csv`.
pub(super) fn read_category(
    row: &Record,
    problems: &mut Problems,
) -> Option<Located<TicketCategory>> {
    let token = row.token("token", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let public_space = row.boolean("public_space", problems);
    let category = TicketCategory {
        token: token?,
        name_vi: name_vi?,
        name_en: name_en?,
        public_space: public_space?,
    };
    Some(row.locate(category))
}

/// Reads the table `desk_history`.
pub(super) fn read_history(row: &Record, problems: &mut Problems) -> Option<DeskHistory> {
    row.refuse_unknown(HISTORY_KEYS, problems);
    let from = row.date("from", problems);
    let to = row.date("to", problems);
    let received = row.fixed("received", 0, 0..=10_000_000, problems);
    let handled = row.fixed("handled", 0, 0..=10_000_000, problems);
    let in_process = row.fixed("in_process", 0, 0..=10_000_000, problems);
    let channels_pct = read_channels(row, problems);
    let source = row.text("source", problems);
    let history = DeskHistory {
        from: from?,
        to: to?,
        received: received?,
        handled: handled?,
        in_process: in_process?,
        channels_pct: channels_pct?,
        source: source?,
    };
    if history.received != history.handled + history.in_process {
        let text = format!(
            "received {} is not handled {} plus in_process {}",
            history.received, history.handled, history.in_process
        );
        row.report("received", Cause::Conflict(text), problems);
    }
    if history.to <= history.from {
        row.report("to", Cause::Conflict("to is not after from".to_owned()), problems);
    }
    Some(history)
}

const CHANNELS: [(&str, Channel); 7] = [
    ("hotline", Channel::Hotline),
    ("web", Channel::Web),
    ("app", Channel::App),
    ("zalo", Channel::Zalo),
    ("facebook", Channel::Facebook),
    ("in_person", Channel::InPerson),
    ("email", Channel::Email),
];

fn read_channels(row: &Record, problems: &mut Problems) -> Option<Vec<(Channel, u8)>> {
    let names = CHANNELS.map(|(name, _)| name);
    let Some(table) = row.children.get("channels_pct").and_then(|tables| tables.first()) else {
        let allowed = format!("a table of {}", names.join(", "));
        row.report("channels_pct", Cause::Missing { allowed }, problems);
        return None;
    };
    let known: BTreeSet<_> = names.into_iter().collect();
    for key in table.fields.keys().filter(|key| !known.contains(key.as_str())) {
        let cause =
            Cause::UnknownKey { allowed: names.join(", "), suggestion: nearest(key, names) };
        table.report(key, cause, problems);
    }
    let mut channels = Vec::new();
    for (name, channel) in CHANNELS.into_iter().filter(|(name, _)| table.fields.contains_key(*name))
    {
        channels.push((channel, table.fixed(name, 0, 0..=100, problems)?));
    }
    let sum: u32 = channels.iter().map(|(_, share)| u32::from(*share)).sum();
    if sum != 100 {
        let text = format!("the shares sum to {sum}, not 100");
        row.report("channels_pct", Cause::Conflict(text), problems);
    }
    Some(channels)
}
