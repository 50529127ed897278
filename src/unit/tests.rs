//! The trees of units: validity, succession, names and roll-up.

use std::path::Path;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn city() -> City {
    City::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho")).unwrap()
}

/// A day of each of the three trees.
fn trees() -> [NaiveDate; 3] {
    ["2024-10-31", "2025-06-30", "2025-07-01"].map(day)
}

#[test]
fn the_three_trees_have_their_communes() {
    let units = Units::of_city(&city());
    let counts = trees().map(|day| {
        let tree = units.tree_at(day);
        let count = |level| tree.at_level(level).count();
        (count(Level::District), count(Level::Commune), count(Level::Agency))
    });
    assert_eq!(counts, [(9, 83, 20), (9, 80, 20), (0, 103, 14)]);
    let wards = |day| units.tree_at(day).units().filter(|node| node.kind == UnitKind::Ward).count();
    assert_eq!(wards(trees()[2]), 31);
    assert_eq!(units.tree_at(day("2020-01-01")).units().count(), 0);
}

#[test]
fn everything_of_a_day_is_below_the_city() {
    let units = Units::of_city(&city());
    for day in trees() {
        let tree = units.tree_at(day);
        assert_eq!(tree.root().unwrap().code, "gso:92");
        assert_eq!(tree.descendants("gso:92").len(), tree.units().count(), "{day}");
    }
    let before = units.tree_at(day("2024-10-31"));
    assert_eq!(before.ancestors("gso:31126"), ["gso:31126", "gso:916", "gso:92"]);
    assert_eq!(before.descendants("gso:916").len(), 12);
    assert_eq!(before.parent("gso:31120"), Some("gso:916"));
    let now = units.tree_at(day("2026-01-01"));
    assert_eq!(now.ancestors("gso:31120"), ["gso:31120", "gso:92"]);
    assert!(now.descendants("gso:916").is_empty() && now.ancestors("gso:916").is_empty());
}

#[test]
fn a_span_is_cut_where_the_tree_changes() {
    let units = Units::of_city(&city());
    let span = |from, to| Span { from: day(from), to: day(to) };
    assert_eq!(
        units.eras(span("2024-01-01", "2026-01-01")),
        [
            span("2024-01-01", "2024-11-01"),
            span("2024-11-01", "2025-07-01"),
            span("2025-07-01", "2026-01-01")
        ]
    );
    assert_eq!(units.eras(span("2025-07-01", "2025-08-01")), [span("2025-07-01", "2025-08-01")]);
    assert_eq!(
        units.eras(span("2020-02-01", "2020-04-01")),
        [span("2020-02-01", "2020-03-01"), span("2020-03-01", "2020-04-01")]
    );
    assert!(units.eras(span("2026-01-01", "2026-01-01")).is_empty());
}

#[test]
fn a_reused_code_is_not_the_unit_of_today() {
    let units = Units::of_city(&city());
    let today = day("2026-11-22");
    for reused in ["31120", "31135", "31147", "31157", "31217", "31288", "31315", "31231"] {
        let code = format!("gso:{reused}");
        assert_ne!(
            units.tree_at(day("2024-01-01")).unit(&code).unwrap().name_vi,
            units.tree_at(today).unit(&code).unwrap().name_vi,
            "{code} names another unit now"
        );
        let now = |then| units.today_of(&code, day(then), today);
        assert_eq!(now("2024-01-01"), Mapped::Unmapped, "{code}");
        assert_eq!(now("2025-07-01"), Mapped::Unit(code.as_str()), "{code}");
    }
}

#[test]
fn only_a_whole_succession_leads_to_today() {
    let units = Units::of_city(&city());
    let today = day("2026-11-22");
    let now = |code, then| units.today_of(code, day(then), today);
    // Untouched by the reform.
    for code in ["gso:92", "gso:31213", "gso:31309", "gso:31249", "gso:31264"] {
        assert_eq!(now(code, "2021-06-01"), Mapped::Unit(code));
    }
    // A part of it went to Cái Khế.
    assert_eq!(now("gso:31178", "2021-06-01"), Mapped::Unmapped);
    // Code, name and kind are those of a ward of today; that it is the same one is nowhere stated.
    assert_eq!(now("gso:31168", "2021-06-01"), Mapped::Unmapped);
    assert_eq!(now("gso:31126", "2021-06-01"), Mapped::Unmapped, "gone in 2024");
    assert_eq!(now("gso:916", "2021-06-01"), Mapped::Unmapped, "no districts any more");
    assert_eq!(now("gso:31120", "2019-01-01"), Mapped::Unmapped, "before the first tree");
    // Seen from the past, the past is as it was.
    let then = units.today_of("gso:31120", day("2021-06-01"), day("2024-12-31"));
    assert_eq!(then, Mapped::Unit("gso:31120"));
}

#[test]
fn a_chain_of_successions_is_followed() {
    let mut city = city();
    let mut unit = city.units[0].clone();
    let mut add = |code: &str, from: &str, to: Option<&str>| {
        (unit.code, unit.valid_from, unit.valid_to) = (code.to_owned(), day(from), to.map(day));
        city.units.push(unit.clone());
    };
    add("gso:11", "2020-03-01", Some("2022-01-01"));
    add("gso:12", "2022-01-01", Some("2024-01-01"));
    add("gso:13", "2024-01-01", None);
    let mut edge = city.successions[0].clone();
    for (from, from_day, to, to_day) in [
        ("gso:11", "2020-03-01", "gso:12", "2022-01-01"),
        ("gso:12", "2022-01-01", "gso:13", "2024-01-01"),
    ] {
        (edge.from, edge.to) = ((from.to_owned(), day(from_day)), (to.to_owned(), day(to_day)));
        city.successions.push(edge.clone());
    }
    let units = Units::of_city(&city);
    let now = units.today_of("gso:11", day("2021-01-01"), day("2026-01-01"));
    assert_eq!(now, Mapped::Unit("gso:13"));
    assert_ne!(units.version(), Units::of_city(&self::city()).version());
}

#[test]
fn units_are_found_however_their_name_is_written() {
    let units = Units::of_city(&city());
    let (then, now) = (day("2021-06-01"), day("2026-01-01"));
    let one = |code: &str| Found::One(code.to_owned());
    for (text, day, code) in [
        ("gso:31135", now, "gso:31135"),
        ("Phường Ninh Kiều", now, "gso:31135"),
        ("phường  NINH KIỀU", now, "gso:31135"),
        ("P. Ninh Kiều", now, "gso:31135"),
        ("P.Ninh Kiều", now, "gso:31135"),
        ("UBND phường Ninh Kiều", now, "gso:31135"),
        ("Ủy ban nhân dân Phường Cái Khế", now, "gso:31120"),
        ("Uỷ ban nhân dân phường Cái Khế - TP. Cần Thơ", now, "gso:31120"),
        ("Bộ phận Một cửa xã Lai Hoà", now, "gso:31810"),
        ("Tân An", now, "gso:31147"),
        ("Tân An", then, "gso:31135"),
        ("Thạnh Hoà", now, "gso:31408"),
        ("Thạnh Hòa", then, "gso:31217"),
        ("Long Hưng", now, "gso:31579"),
        ("Long Hưng", then, "gso:31157"),
        ("Quận Bình Thuỷ", then, "gso:918"),
        ("P. Bình Thủy", then, "gso:31168"),
        ("Bình Thuỷ", now, "gso:31168"),
        ("Sở Văn hoá, Thể thao và Du lịch", now, "agency:H13.40"),
        ("Sở Nội vụ TP. Cần Thơ", now, "gso:none"),
        ("Sở Nội vụ, TP. Cần Thơ", now, "agency:H13.31"),
        ("Nội vụ", then, "agency:H13.03"),
        ("UBND thành phố Cần Thơ", then, "gso:92"),
        ("Thị trấn Thạnh An", then, "gso:31231"),
        ("Xã Thạnh An, huyện Vĩnh Thạnh", then, "gso:31240"),
        ("TT Phong Điền (huyện Phong Điền, TP Cần Thơ)", then, "gso:31299"),
    ] {
        let expected = if code == "gso:none" { Found::None } else { one(code) };
        assert_eq!(units.find(text, day), expected, "{text} on {day}");
    }
}

#[test]
fn a_name_of_several_units_or_of_none_is_not_guessed() {
    let units = Units::of_city(&city());
    let then = day("2021-06-01");
    let many = |codes: &[&str]| Found::Many(codes.iter().map(|code| (*code).to_owned()).collect());
    assert_eq!(units.find("Thạnh An", then), many(&["gso:31231", "gso:31240"]));
    assert_eq!(units.find("Bình Thủy", then), many(&["gso:31168", "gso:918"]));
    for none in
        ["", "Thanh An", "Phường Thạnh An", "Phường Ninh Kiều", "gso:31810", "Xã Lạ, huyện Lạ"]
    {
        assert_eq!(units.find(none, then), Found::None, "{none}");
    }
}
