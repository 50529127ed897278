//! Tables that people import: what is told of them, what is stored, and that twice is once.

use anyhow::Context as _;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    browser::{Answer, Browser},
    site::{Site, SiteOptions},
};

/// Unit, columns 3 and 7, and which of them are lower bounds.
type Counted = (String, Option<i64>, Option<i64>, Vec<String>);

async fn import(browser: &Browser, query: &str, table: &str) -> anyhow::Result<Answer> {
    import_bytes(browser, query, table.as_bytes()).await
}

async fn import_bytes(browser: &Browser, query: &str, table: &[u8]) -> anyhow::Result<Answer> {
    let headers = [("content-type", "text/csv")];
    let path = format!("/api/v1/imports?{query}");
    browser.request("POST", &path, &headers, table).await
}

/// New, known already, known with other content.
fn told(report: &Value) -> [u64; 3] {
    let stored = &report["stored"];
    [&stored["new"], &stored["duplicates"], &stored["changed"]].map(|n| n.as_u64().unwrap_or(99))
}

/// Line and column of each problem, or of each warning.
fn flaws(report: &Value, list: &str) -> Vec<(u64, String)> {
    let flaws = report[list].as_array().into_iter().flatten();
    flaws
        .map(|flaw| {
            let column = flaw["column"].as_str().unwrap_or_default();
            (flaw["line"].as_u64().unwrap_or_default(), column.to_owned())
        })
        .collect()
}

/// The bytes of a text in Windows-1258: letters, and tone marks behind them.
fn windows_1258(text: &str) -> anyhow::Result<Vec<u8>> {
    const LETTERS: [(char, u8); 14] = [
        ('Ă', 0xc3),
        ('Â', 0xc2),
        ('Ê', 0xca),
        ('Ô', 0xd4),
        ('Ơ', 0xd5),
        ('Ư', 0xdd),
        ('Đ', 0xd0),
        ('ă', 0xe3),
        ('â', 0xe2),
        ('ê', 0xea),
        ('ô', 0xf4),
        ('ơ', 0xf5),
        ('ư', 0xfd),
        ('đ', 0xf0),
    ];
    const MARKS: [(char, u8); 5] = [
        ('\u{300}', 0xcc),
        ('\u{309}', 0xd2),
        ('\u{303}', 0xde),
        ('\u{301}', 0xec),
        ('\u{323}', 0xf2),
    ];
    let mut bytes = Vec::new();
    for letter in text.nfc() {
        let parts: Vec<char> = std::iter::once(letter).nfd().collect();
        let mark = parts.iter().find_map(|part| MARKS.iter().find(|(mark, _)| mark == part));
        let rest = parts.iter().copied().filter(|part| MARKS.iter().all(|(mark, _)| mark != part));
        for plain in rest.nfc() {
            let known = LETTERS.iter().find(|(letter, _)| *letter == plain).map(|(_, byte)| *byte);
            let ascii = u8::try_from(plain).ok().filter(u8::is_ascii);
            bytes.push(known.or(ascii).with_context(|| format!("{plain:?} is not in the page"))?);
        }
        bytes.extend(mark.map(|(_, byte)| *byte));
    }
    Ok(bytes)
}

async fn count(site: &Site, table: &str) -> anyhow::Result<i64> {
    let client = site.hub.store.connect().await?;
    Ok(client.query_one(&format!("select count(*) from {table}"), &[]).await?.get(0))
}

const TICKETS: &str = "\
Danh sách phản ánh tháng 10/2026;;;;;
Mã phản ánh;Ngày gửi;Kênh;Đơn vị xử lý;Ngày trả lời;Trạng thái
IMP-1;05/07/2026 08:00;Tổng đài 1022;Phường Ninh Kiều;06/07/2026;Đã xử lý
IMP-2;06/07/2026 09:30;Zalo;P. Cái Khế;;Đang xử lý
IMP-3;31/06/2026;Zalo;Phường Không Có;;Mới
";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_tickets_goes_the_way_of_messages() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::standing().0).await?;
    let administrator = site.administrator().await?;
    let dry = import(&administrator, "kind=ticket&dry_run=true", TICKETS).await?.expect(200)?;
    assert_eq!(
        (&dry["rows"], &dry["rows_bad"], &dry["storable"]),
        (&json!(3), &json!(1), &json!(3))
    );
    let flaws: Vec<_> = dry["problems"].as_array().into_iter().flatten().collect();
    assert_eq!(flaws.len(), 2, "{dry}");
    assert!(flaws.iter().all(|flaw| flaw["line"] == json!(5) && flaw["advice"] != json!("")));
    assert_eq!((&dry["stored"], count(&site, "ticket_step").await?), (&Value::Null, 0));
    assert_eq!(administrator.json("/api/v1/imports").await?["items"], json!([]));

    let first = import(&administrator, "kind=ticket", TICKETS).await?.expect(200)?;
    let stored =
        |new, duplicates| json!({"new": new, "duplicates": duplicates, "changed": 0, "refused": 0});
    assert_eq!(first["stored"], stored(3, 0), "{first}");
    let ticket = administrator.json("/api/v1/tickets/import-desk:IMP-1").await?;
    assert!(ticket.to_string().contains("gso:31135"), "{ticket}");
    let again = import(&administrator, "kind=ticket", TICKETS).await?.expect(200)?;
    assert_eq!(again["stored"], stored(0, 3), "{again}");
    assert_eq!(count(&site, "ticket_step").await?, 3);

    let runs = administrator.json("/api/v1/imports").await?["items"].clone();
    assert_eq!(runs.as_array().map(Vec::len), Some(2));
    assert_eq!((&runs[0]["done"], &runs[0]["rows_bad"]), (&json!(3), &json!(1)));
    assert!(runs[0]["finished_at"].is_string() && runs[0]["sha256"] == runs[1]["sha256"]);
    let journal = administrator.json("/api/v1/journal").await?;
    assert!(journal.to_string().contains("\"import\""), "{journal}");
    site.stop().await?;
    Ok(())
}

/// An export as another system writes it: titles above, other names of units and columns, empty cells, notes
/// below, and five mistakes in three rows.
const DOSSIERS: &str = "\
BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ;;;;;;;;
(Từ ngày 01/06/2026 đến ngày 30/06/2026);;;;;;;;

STT;Mã số hồ sơ;Mã TTHC;Cơ quan thực hiện;Hình thức tiếp nhận;Ngày giờ tiếp nhận;Ngày hẹn trả kết quả;Ngày giải quyết xong;Phí, lệ phí
1;H13.29.01-260601-0001;1.005129;UBND phường Bình Thuỷ;Trực tuyến;01/06/2026 08:15;05/06/2026;04/06/2026;8.000
2;H13.29.01-260602-0002;1.005129;P. Cái Khế;Trực tiếp;02/06/2026;09/06/2026;;-
3;H13.29.01-260603-0003;1.005129;Phường Không Có;Bồ câu;03/06/2026;10/06/2026;;
4;;1.005129;Phường Ninh Kiều;Trực tiếp;31/06/2026;10/06/2026;;
5;H13.29.01-260604-0005;1.005129;Phường Ninh Kiều;BCCI;04/06/2026;11/06/2026;12/06/2026;1.1152
6;H13.29.01-260604-0006;;Phường Ninh Kiều;;04/06/2026;11/06/2026;12/06/2026;

Người lập biểu;;;;;;;;
";

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_dossiers_is_told_stored_once_and_counted() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::standing().0).await?;
    let administrator = site.administrator().await?;
    let dry = import(&administrator, "kind=dossier&dry_run=true", DOSSIERS).await?.expect(200)?;
    let expected: [(u64, &str); 5] = [
        (7, "Cơ quan thực hiện"),
        (7, "Hình thức tiếp nhận"),
        (8, "Mã số hồ sơ"),
        (8, "Ngày giờ tiếp nhận"),
        (9, "Phí, lệ phí"),
    ];
    let mut found = flaws(&dry, "problems");
    found.sort();
    assert_eq!(found, expected.map(|(line, column)| (line, column.to_owned())), "{dry}");
    assert_eq!(
        (&dry["rows"], &dry["rows_bad"], &dry["storable"]),
        (&json!(6), &json!(3), &json!(5))
    );
    assert_eq!((count(&site, "dossier_step").await?, &dry["stored"]), (0, &Value::Null));

    let first = import(&administrator, "kind=dossier", DOSSIERS).await?.expect(200)?;
    assert_eq!(told(&first), [5, 0, 0], "{first}");
    assert_eq!((count(&site, "dossier").await?, count(&site, "quarantine").await?), (3, 0));
    // The same table again, in every encoding and with every delimiter, is nothing new.
    let tabs = DOSSIERS.replace(';', "\t");
    let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    };
    let apart: String = DOSSIERS.nfd().collect();
    let tables: [(&str, Vec<u8>); 6] = [
        ("UTF-8", DOSSIERS.into()),
        ("UTF-8", apart.into()),
        ("UTF-8 with mark", [b"\xef\xbb\xbf", tabs.as_bytes()].concat()),
        ("UTF-16 LE", [vec![0xff, 0xfe], wide(&tabs, u16::to_le_bytes)].concat()),
        ("UTF-16 BE", [vec![0xfe, 0xff], wide(DOSSIERS, u16::to_be_bytes)].concat()),
        ("Windows-1258", windows_1258(DOSSIERS)?),
    ];
    for (encoding, table) in tables {
        let again = import_bytes(&administrator, "kind=dossier", &table).await?.expect(200)?;
        assert_eq!((&again["encoding"], told(&again)), (&json!(encoding), [0, 5, 0]), "{again}");
    }
    assert_eq!(count(&site, "dossier_step").await?, 5);
    // What was corrected comes in; the rest stays.
    let corrected =
        DOSSIERS.replace("1.1152", "11.152").replace("Phường Không Có;Bồ câu", "Phường Tân An;");
    let report = import(&administrator, "kind=dossier", &corrected).await?.expect(200)?;
    assert_eq!(told(&report), [3, 5, 0], "{report}");
    let fees = "select coalesce(sum(fee_vnd), 0)::int8 from dossier";
    assert_eq!(site.count(fees).await?, 19_152);
    let path = "/api/v1/indicators/values?ids=A01,A04,A07&period=2026-06&unit=gso:92";
    let answer = administrator.json(path).await?;
    let values = answer["values"].as_array().context("values")?;
    let figures: Vec<_> = values.iter().filter(|one| one["part"].is_null()).collect();
    let figures: Vec<_> = figures.iter().map(|one| (&one["id"], &one["value"])).collect();
    let [received, resolved, late] = [json!("A01"), json!("A04"), json!("A07")];
    assert_eq!(figures, [(&received, &json!(5)), (&resolved, &json!(3)), (&late, &json!(2))]);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn published_sums_that_do_not_add_up_are_told_with_both_numbers() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::standing().0).await?;
    let administrator = site.administrator().await?;
    let form = "TT;Địa phương;Tổng tiếp nhận;Tiếp nhận trực tuyến;Tiếp nhận trực tiếp;Từ kỳ trước\n\
                1;Phường Ninh Kiều;1.432;280;1.152;0\n\
                2;P. Cái Khế;1.432;280;1.1152;0\n\
                3;Phường Bình Thủy;hơn 362.729;;;\n\
                4;Phường Tân An;100;50;40;5\n\
                ;Tổng cộng;300.000;;;\n";
    let report = import(&administrator, "kind=ii06a&period=2026-06", form).await?.expect(200)?;
    assert_eq!(flaws(&report, "problems"), [(3, "Tiếp nhận trực tiếp".to_owned())], "{report}");
    let problem = report["problems"][0].to_string();
    assert!(problem.contains("misprint") && problem.contains("11.152"), "{problem}");
    // Row 4 does not add up, nor does the total: both are told, and the row is kept as it was published.
    let warned = flaws(&report, "warnings");
    assert_eq!(
        warned,
        [(5, "Tổng tiếp nhận".to_owned()), (6, "Tổng tiếp nhận".to_owned())],
        "{report}"
    );
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("100 is told") && warnings.contains("add up to 95"), "{warnings}");
    assert_eq!(told(&report), [3, 0, 0], "{report}");
    let bounded = "select received_total from imported_ii06a \
                   where 'received_total' = any(lower_bounds) and unit = 'gso:31168'";
    assert_eq!(site.count(bounded).await?, 362_729);
    let again = import(&administrator, "kind=ii06a&period=2026-06", form).await?.expect(200)?;
    assert_eq!(told(&again), [0, 3, 0], "{again}");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn published_tables_replace_their_own_rows_only() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::standing().0).await?;
    let administrator = site.administrator().await?;
    let form = "Đơn vị,Tổng tiếp nhận,Đã giải quyết,Đang giải quyết\n\
                Phường Ninh Kiều,1.432,1.400,32\n\
                Phường Cái Khế,hơn 500,400,\n";
    let query = "kind=ii06a&period=2026-09";
    let report = import(&administrator, query, form).await?.expect(200)?;
    assert_eq!(told(&report), [2, 0, 0], "{report}");
    let corrected = form.replace("1.432,1.400", "1.433,1.401");
    let report = import(&administrator, query, &corrected).await?.expect(200)?;
    assert_eq!(told(&report), [0, 1, 1], "{report}");
    let client = site.hub.store.connect().await?;
    let rows = client
        .query(
            "select unit, received_total, open_total, lower_bounds from imported_ii06a order by unit",
            &[],
        )
        .await?;
    let rows: Vec<Counted> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let bound = vec!["received_total".to_owned()];
    assert_eq!(
        rows,
        [
            ("gso:31120".to_owned(), Some(500), None, bound),
            ("gso:31135".to_owned(), Some(1433), Some(32), vec![])
        ]
    );

    let points = "Đơn vị;Tổng điểm\nPhường Ninh Kiều;91,66\nPhường Ninh Kiều;91,66\n";
    let report = import(&administrator, "kind=official766&period=2026-Q3", points).await?;
    let report = report.expect(200)?;
    assert_eq!((told(&report), &report["rows_bad"]), ([1, 0, 0], &json!(1)), "{report}");
    let scores = client
        .query_one("select component, score_e3 from official_score where period = '2026-Q3'", &[])
        .await?;
    assert_eq!((scores.get(0), scores.get(1)), ("total", 91_660_i64));

    let formalities =
        "Mã TTHC,Tên TTHC,Cấp thực hiện,Mức độ\n9.000001,Thử nghiệm,Cấp xã,Toàn trình\n";
    for expected in [[1, 0, 0], [0, 1, 0]] {
        let report = import(&administrator, "kind=formality", formalities).await?.expect(200)?;
        assert_eq!(told(&report), expected, "{report}");
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_and_strangers_are_kept_out() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::standing().0).await?;
    let administrator = site.administrator().await?;
    let personal =
        "Mã phản ánh,Ngày gửi,Họ và tên,SĐT\nIMP-9,05/07/2026,Nguyễn Văn An,0912345678\n";
    let report = import(&administrator, "kind=ticket", personal).await?;
    for secret in ["Nguyễn", "0912345678"] {
        assert!(!report.text().contains(secret), "{}", report.text());
    }
    let report = report.expect(200)?;
    assert_eq!((&report["is_refused"], &report["stored"]), (&json!(true), &Value::Null));
    assert_eq!(count(&site, "ticket_step").await?, 0);

    let wrong = import(&administrator, "kind=tram", TICKETS).await?;
    wrong.expect_problem(400, "invalid", Some("kind"))?;
    let wrong = import(&administrator, "kind=ii06a&period=2026-13", TICKETS).await?;
    wrong.expect_problem(400, "invalid", Some("period"))?;
    let wrong = import(&administrator, "kind=ii06a&period=2026&unit=gso:1", TICKETS).await?;
    wrong.expect_problem(400, "invalid", Some("unit"))?;
    let foreign = import(&administrator, "kind=ticket&source=vds-001", TICKETS).await?;
    foreign.expect_problem(409, "impossible", None)?;
    let json = administrator.post("/api/v1/imports?kind=ticket", &json!({})).await?;
    json.expect_problem(415, "body", None)?;
    import(&site.visitor(), "kind=ticket", TICKETS).await?.expect_problem(
        401,
        "unauthenticated",
        None,
    )?;
    site.stop().await?;
    Ok(())
}
