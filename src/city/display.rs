//! Wall displays: how many panels, how large and how far away, and what they show in turn.
//!
//! From `displays.toml`, which a city may leave out. The size of the text follows from the pitch and
//! the distance, so both are needed; the source says where the figures come from.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    problem::{Cause, Problems},
    read,
    record::{Located, Record},
};

/// File of the displays.
pub(super) const DISPLAYS: &str = "displays.toml";
const KEYS: &[&str] = &[
    "id",
    "name_vi",
    "name_en",
    "columns",
    "rows",
    "panel_width_px",
    "panel_height_px",
    "pitch_mm",
    "distance_m",
    "views",
    "rotate_s",
    "source",
];

/// What a display can show.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum DisplayView {
    /// The whole city: map, alarms, roads, service desk, reform, sources.
    Overview,
    /// Roads first.
    Traffic,
    /// Service desk and reform first.
    Service,
    /// Alarms first.
    Alarms,
}

impl DisplayView {
    /// Every view.
    pub const ALL: [Self; 4] = [Self::Overview, Self::Traffic, Self::Service, Self::Alarms];

    /// The word of the view in files, in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Traffic => "traffic",
            Self::Service => "service",
            Self::Alarms => "alarms",
        }
    }

    /// The view with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.as_str() == word)
    }
}

/// A wall display.
#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    /// Id, a token, last part of the address of its page.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Panels side by side.
    pub columns: u8,
    /// Panels above each other.
    pub rows: u8,
    /// Pixels of a panel from left to right.
    pub panel_width_px: u16,
    /// Pixels of a panel from top to bottom.
    pub panel_height_px: u16,
    /// From the middle of a pixel to that of the next, millimetres.
    pub pitch_mm: f64,
    /// From the panels to the eyes of those who read, metres.
    pub distance_m: f64,
    /// What it shows in turn; the first one also while there is an urgent alarm.
    pub views: Vec<DisplayView>,
    /// How long each view stays, seconds; null when it never changes by itself.
    pub rotate_s: Option<u16>,
    /// Where the figures come from.
    pub source: String,
}

/// Reads the `[[display]]` tables; none when there is no such file.
pub(super) fn read_displays(dir: &Path, problems: &mut Problems) -> Vec<Located<Display>> {
    if !dir.join(DISPLAYS).exists() {
        return Vec::new();
    }
    let Some(root) = read::read_toml(dir, DISPLAYS, problems) else { return Vec::new() };
    root.refuse_unknown(&["display"], problems);
    root.tables("display").iter().filter_map(|table| read_display(table, problems)).collect()
}

fn read_display(row: &Record, problems: &mut Problems) -> Option<Located<Display>> {
    row.refuse_unknown(KEYS, problems);
    let id = row.token("id", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let columns = row.fixed("columns", 0, 1..=12, problems);
    let rows = row.fixed("rows", 0, 1..=6, problems);
    let panel_width_px = row.fixed("panel_width_px", 0, 640..=15_360, problems);
    let panel_height_px = row.fixed("panel_height_px", 0, 480..=8_640, problems);
    let pitch_mm = row.number("pitch_mm", 0.05..=20.0, problems);
    let distance_m = row.number("distance_m", 0.3..=50.0, problems);
    let views = read_views(row, problems);
    let rotate_s =
        row.optional("rotate_s", problems, |row, key, p| row.fixed(key, 0, 10..=3_600, p));
    let source = row.text("source", problems);
    let display = Display {
        id: id?,
        name_vi: name_vi?,
        name_en: name_en?,
        columns: columns?,
        rows: rows?,
        panel_width_px: panel_width_px?,
        panel_height_px: panel_height_px?,
        pitch_mm: pitch_mm?,
        distance_m: distance_m?,
        views: views?,
        rotate_s: rotate_s?,
        source: source?,
    };
    Some(row.locate(display))
}

fn read_views(row: &Record, problems: &mut Problems) -> Option<Vec<DisplayView>> {
    let words = row.texts("views", problems)?;
    let views: Option<Vec<_>> = words.iter().map(|word| DisplayView::parse(word)).collect();
    let views = views.filter(|views| !views.is_empty());
    if views.is_none() {
        let allowed = DisplayView::ALL.map(DisplayView::as_str).join(", ");
        let allowed = format!("a list of {allowed}");
        let cause = Cause::Value { found: words.join(", "), allowed, suggestion: None };
        row.report("views", cause, problems);
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: &str = r#"
        [[display]]
        id = "hall"
        name_vi = "Tường màn hình"
        name_en = "Wall"
        columns = 4
        rows = 3
        panel_width_px = 1920
        panel_height_px = 1080
        pitch_mm = 0.63
        distance_m = 6.0
        views = ["overview", "traffic"]
        rotate_s = 60
        source = "test"
    "#;

    fn displays(text: &str) -> (Vec<Display>, usize) {
        let mut problems = Problems::default();
        let root = read::parse_toml(DISPLAYS, text, &mut problems).unwrap();
        let tables = root.tables("display").iter();
        let read = tables.filter_map(|table| read_display(table, &mut problems));
        let read = read.map(|located| located.value).collect();
        (read, problems.0.len())
    }

    #[test]
    fn a_wall_is_read() {
        let (read, problems) = displays(WALL);
        assert_eq!(problems, 0);
        assert_eq!((read[0].columns, read[0].rows, read[0].rotate_s), (4, 3, Some(60)));
        assert_eq!(read[0].views, [DisplayView::Overview, DisplayView::Traffic]);
    }

    #[test]
    fn each_mistake_is_reported() {
        for (right, wrong) in [
            ("columns = 4", "columns = 0"),
            ("pitch_mm = 0.63", "pitch_mm = -1"),
            ("\"traffic\"", "\"weather\""),
            ("views = [\"overview\", \"traffic\"]", "views = []"),
            ("source = \"test\"", ""),
            ("rotate_s = 60", "rotates_s = 60"),
        ] {
            let (_, problems) = displays(&WALL.replace(right, wrong));
            assert_eq!(problems, 1, "{wrong}");
        }
    }
}
