//! Presence detectors of signals: which detector channel stands at the stop line of which phase.
//!
//! From `presence.csv`, which a city may leave out. Of the rows about a signal the closest count: those
//! that name it over those of its corridor over those of every signal.

use super::{
    problem::Problems,
    record::{Located, Record},
    scope::{Scope, read_scope},
};

/// File of the presence detectors.
pub(super) const PRESENCE: &str = "presence.csv";
/// Columns of the presence detectors.
pub(super) const PRESENCE_COLUMNS: &[&str] = &["signals", "channel", "phase"];

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceRow {
    /// Which signals.
    pub signals: Scope,
    /// Detector channel, the parameter of events 81 and 82.
    pub channel: u16,
    /// Phase that it serves, 1 to 16.
    pub phase: u8,
}

/// The channels of a signal with their phases, by channel.
pub fn channels_of(rows: &[PresenceRow], source: &str, corridor: Option<&str>) -> Vec<(u16, u8)> {
    let about = |row: &PresenceRow| row.signals.about(source, corridor);
    let Some(closest) = rows.iter().filter_map(about).max() else { return Vec::new() };
    let own = rows.iter().filter(|row| about(row) == Some(closest));
    let mut channels: Vec<(u16, u8)> = own.map(|row| (row.channel, row.phase)).collect();
    channels.sort_unstable();
    channels
}

/// Reads one row of `presence.csv`.
pub(super) fn read_presence(row: &Record, problems: &mut Problems) -> Option<Located<PresenceRow>> {
    let signals = read_scope(row, "signals", problems);
    let channel = row.fixed("channel", 0, 1..=65_535, problems);
    let phase = row.fixed("phase", 0, 1..=16, problems);
    Some(row.locate(PresenceRow { signals: signals?, channel: channel?, phase: phase? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_rows_about_a_signal_count() {
        let of = |id: &str| Scope::Of([id.into()].into());
        let row = |signals, channel, phase| PresenceRow { signals, channel, phase };
        let rows = [
            row(Scope::All, 1, 1),
            row(Scope::All, 2, 2),
            row(of("ql1"), 4, 2),
            row(of("sig-1"), 9, 6),
            row(of("sig-1"), 8, 4),
        ];
        assert_eq!(channels_of(&rows, "sig-1", Some("ql1")), [(8, 4), (9, 6)]);
        assert_eq!(channels_of(&rows, "sig-2", Some("ql1")), [(4, 2)]);
        assert_eq!(channels_of(&rows, "sig-3", None), [(1, 1), (2, 2)]);
        assert_eq!(channels_of(&rows[2..], "sig-3", None), []);
    }
}
