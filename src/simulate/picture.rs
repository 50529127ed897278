//! The still picture of a simulated camera: a road drawn as SVG, marked as simulated, with the time and the
//! name of the camera in it as real ones have. Vehicles follow from camera and time alone.
//!
//! A frozen camera shows one picture for [`FROZEN_MS`], one that was moved shows the road from aside.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{
    calendar::local,
    dice::{Dice, Purpose, key},
    traffic::{Tide, demand},
};

/// A vehicle is seen for this long, from the far end of the road to the near one.
const PASSAGE_MS: i64 = 8_000;
/// Lanes of the road; the left half comes towards the camera.
const LANES: i64 = 4;
/// A frozen picture is of the begin of such a span.
const FROZEN_MS: i64 = 600_000;
/// Vanishing point and edges of the road at the bottom, in a picture of 640 x 360.
const VANISHING: (f64, f64) = (320.0, 110.0);
const VANISHING_MOVED: (f64, f64) = (560.0, 60.0);
const EDGES: (f64, f64) = (60.0, 580.0);

/// What the camera does instead of showing its road.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The picture stands still.
    pub(crate) frozen: bool,
    /// It was turned away from its home preset.
    pub(crate) moved: bool,
}

/// The picture that `source` takes at `at`, as the text of an SVG document.
pub(crate) fn drawn(source: &str, at: DateTime<Utc>, zone: Tz, trouble: Trouble) -> String {
    let mut at_ms = at.timestamp_millis();
    if trouble.frozen {
        at_ms -= at_ms.rem_euclid(FROZEN_MS);
    }
    let vanishing = if trouble.moved { VANISHING_MOVED } else { VANISHING };
    let day = (5.8..18.2).contains(&local(zone, at_ms).hour);
    let (sky, land, road, line) = if day {
        ("#aab4bd", "#8a938c", "#6d7277", "#d5d9dc")
    } else {
        ("#1b2025", "#23282b", "#33383d", "#9aa1a8")
    };
    let (x, y) = vanishing;
    let (left, right) = EDGES;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" width="640" height="360"><rect width="640" height="360" fill="{land}"/><rect width="640" height="{y}" fill="{sky}"/><path d="M{x} {y}L{left} 360H{right}Z" fill="{road}"/>"#
    );
    for lane in 1..LANES {
        let foot = at_lane(lane, LANES);
        let dash = if lane * 2 == LANES { "" } else { r#" stroke-dasharray="18 14""# };
        let _infallible = write!(
            svg,
            r#"<path d="M{x} {y}L{foot} 360" stroke="{line}" stroke-width="2"{dash}/>"#
        );
    }
    for lane in 0..LANES {
        vehicles(&mut svg, source, (at_ms, lane), vanishing, zone);
    }
    let shown = (DateTime::UNIX_EPOCH + TimeDelta::milliseconds(at_ms)).with_timezone(&zone);
    let time = shown.format("%d/%m/%Y %H:%M:%S");
    let _infallible = write!(
        svg,
        r##"<g font-family="sans-serif" font-size="15" fill="#fff"><rect width="640" height="24" fill="#000"/><text x="8" y="17">{source}</text><text x="632" y="17" text-anchor="end">{time}</text><rect y="336" width="640" height="24" fill="#000"/><text x="320" y="353" text-anchor="middle">HÌNH MÔ PHỎNG · SIMULATED PICTURE</text></g></svg>"##
    );
    svg
}

/// Where the border before a lane meets the lower edge.
#[expect(clippy::cast_precision_loss, reason = "a handful of lanes")]
fn at_lane(lane: i64, lanes: i64) -> f64 {
    EDGES.0 + (EDGES.1 - EDGES.0) * lane as f64 / lanes as f64
}

/// The vehicles of one lane: in each span of half a passage one may begin its way.
fn vehicles(
    svg: &mut String,
    source: &str,
    (at_ms, lane): (i64, i64),
    (x, y): (f64, f64),
    zone: Tz,
) {
    let busy = demand(local(zone, at_ms), Tide::Even);
    let half = PASSAGE_MS / 2;
    for back in 0..2 {
        let begun = at_ms.div_euclid(half) - back;
        let mut dice =
            Dice::new(1, Purpose::Layout, key(source).wrapping_add(lane.cast_unsigned()), begun);
        if !dice.chance(0.25 + 0.7 * busy) {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of one passage")]
        let way = (at_ms - begun * half) as f64 / PASSAGE_MS as f64;
        let near = if lane * 2 < LANES { way } else { 1.0 - way };
        // Perspective: most of the way is seen far off.
        let scale = near * near;
        let (foot, next) = (at_lane(lane, LANES), at_lane(lane + 1, LANES));
        let place = |at: f64| x + (at - x) * scale;
        let low = y + (360.0 - y) * scale;
        let motorcycle = dice.chance(0.7);
        let width = (place(next) - place(foot)) * if motorcycle { 0.28 } else { 0.72 };
        let height = width * if motorcycle { 1.6 } else { 0.8 };
        let middle = place(foot).midpoint(place(next));
        let grey = ["#2b2f33", "#c9ced3", "#59616a", "#9aa2ab"][dice.index(4)];
        let _infallible = write!(
            svg,
            r##"<rect x="{:.1}" y="{:.1}" width="{width:.1}" height="{height:.1}" rx="2" fill="{grey}" stroke="#111"/>"##,
            middle - width / 2.0,
            low - height,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_picture_tells_its_camera_its_time_and_that_it_is_simulated() {
        let svg = drawn("cam-001", at("2026-03-02T01:15:07Z"), ZONE, Trouble::default());
        for expected in ["cam-001", "02/03/2026 08:15:07", "MÔ PHỎNG"] {
            assert!(svg.contains(expected), "{expected} in {svg}");
        }
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && !svg.contains("script"));
    }

    #[test]
    fn it_moves_unless_it_is_frozen() {
        let (one, two) = (at("2026-03-02T01:15:07Z"), at("2026-03-02T01:15:09Z"));
        let free = Trouble::default();
        assert_ne!(drawn("cam-001", one, ZONE, free), drawn("cam-001", two, ZONE, free));
        let frozen = Trouble { frozen: true, moved: false };
        assert_eq!(drawn("cam-001", one, ZONE, frozen), drawn("cam-001", two, ZONE, frozen));
    }

    #[test]
    fn one_that_was_moved_shows_another_view() {
        let now = at("2026-03-02T01:15:07Z");
        let moved = Trouble { frozen: false, moved: true };
        assert_ne!(
            drawn("cam-001", now, ZONE, moved),
            drawn("cam-001", now, ZONE, Trouble::default())
        );
    }
}
