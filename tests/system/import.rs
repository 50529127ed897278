//! Tables that people import: what is told of them, what is stored, and that twice is once.

use serde_json::{Value, json};

use crate::{
    browser::{Answer, Browser},
    site::{Site, SiteOptions},
};

/// Unit, columns 3 and 7, and which of them are lower bounds.
type Counted = (String, Option<i64>, Option<i64>, Vec<String>);

async fn import(browser: &Browser, query: &str, table: &str) -> anyhow::Result<Answer> {
    let headers = [("content-type", "text/csv; charset=utf-8")];
    let path = format!("/api/v1/imports?{query}");
    browser.request("POST", &path, &headers, table.as_bytes()).await
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

#[tokio::test(flavor = "multi_thread")]
async fn published_tables_replace_their_own_rows_only() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::standing().0).await?;
    let administrator = site.administrator().await?;
    let form = "Đơn vị,Tổng tiếp nhận,Đã giải quyết,Đang giải quyết\n\
                Phường Ninh Kiều,1.432,1.400,32\n\
                Phường Cái Khế,hơn 500,400,\n";
    let told = |report: &Value| {
        let stored = &report["stored"];
        [&stored["new"], &stored["duplicates"], &stored["changed"]]
            .map(|n| n.as_u64().unwrap_or(99))
    };
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
