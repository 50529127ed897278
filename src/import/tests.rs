//! Tables as other cities publish them: titles above, merged headers, notes below, and mistakes.

use std::{path::Path, sync::LazyLock};

use ioc_ingest::{
    dossier::{DossierChannel, DossierStatus as D, DossierStep},
    ticket::{Channel, TicketStatus as T, TicketStep},
};

use super::*;
use crate::city::City;

static FIXTURE: LazyLock<Fixture> = LazyLock::new(Fixture::new);

struct Fixture {
    words: Words,
    units: Units,
    categories: Vec<(String, String)>,
    personal_keys: Vec<String>,
}

impl Fixture {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
        let city = City::load(&folder).unwrap();
        let categories = city.categories.iter();
        Self {
            words: Words::default_words(),
            units: Units::of_city(&city),
            categories: categories.map(|row| (row.token.clone(), row.name_vi.clone())).collect(),
            personal_keys: ["ho_ten", "sdt", "name"].map(str::to_owned).to_vec(),
        }
    }

    fn upload(&self, kind: Kind, text: &str, ask: &Ask) -> Upload {
        Upload {
            kind,
            bytes: text.to_owned().into(),
            ask: ask.clone(),
            words: Arc::new(self.words.clone()),
            units: self.units.clone(),
            categories: self.categories.clone(),
            personal_keys: self.personal_keys.clone(),
            zone: chrono_tz::Asia::Ho_Chi_Minh,
            today: "2026-11-22".parse().unwrap(),
        }
    }

    fn read(&self, kind: Kind, text: &str, ask: &Ask) -> (Report, Content) {
        self.upload(kind, text, ask).read(&|_rows| {})
    }

    fn facts(&self, kind: Kind, text: &str) -> (Report, Vec<Fact>) {
        let (report, content) = self.read(kind, text, &Ask::default());
        let mut facts = Vec::new();
        self.upload(kind, text, &Ask::default()).facts(&mut |_line, fact| {
            facts.push(fact);
            true
        });
        let facts = if report.is_refused { Vec::new() } else { facts };
        assert_eq!(content, Content::Facts(facts.len() as u64), "both readings are one");
        (report, facts)
    }

    fn dossiers(&self, text: &str) -> (Report, Vec<DossierStep>) {
        let (report, facts) = self.facts(Kind::Dossier, text);
        let step = |fact| match fact {
            Fact::Dossier(step) => *step,
            other => panic!("{other:?}"),
        };
        (report, facts.into_iter().map(step).collect())
    }

    fn tickets(&self, text: &str) -> (Report, Vec<TicketStep>) {
        let (report, facts) = self.facts(Kind::Ticket, text);
        let step = |fact| match fact {
            Fact::Ticket(step) => *step,
            other => panic!("{other:?}"),
        };
        (report, facts.into_iter().map(step).collect())
    }
}

fn ask(period: &str) -> Ask {
    Ask { period: Some(period.parse().unwrap()), unit: None }
}

/// Line, column and problem of every problem.
fn problems(report: &Report) -> Vec<(Option<u64>, &str, &str)> {
    report
        .problems
        .iter()
        .map(|flaw| (flaw.line, flaw.column.as_str(), flaw.problem.as_str()))
        .collect()
}

fn local(text: &str) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::parse_from_rfc3339(&format!("{text}:00+07:00")).unwrap().to_utc()
}

#[test]
fn a_dossier_export_becomes_the_steps_of_its_dates() {
    let fixture = &*FIXTURE;
    let text = "\
BÁO CÁO HỒ SƠ;;;;;;;;;
Từ ngày 01/06/2021 đến ngày 30/06/2021;;;;;;;;;

STT;Mã hồ sơ (*);Mã TTHC;Lĩnh vực;Đơn vị xử lý;Hình thức nộp;Ngày nộp hồ sơ;Ngày tiếp nhận;Ngày hẹn trả;Ngày trả KQ;Trạng thái
1;000.00.31.H13-210601-0001;1.005129;Hộ tịch;UBND phường Bình Thuỷ;Trực tuyến;31/05/2021 20:15;01/06/2021;03/06/2021;03/06/2021;Đã trả kết quả
2;000.00.31.H13-210602-0002;;Hộ tịch;P. Cái Khế;;;02/06/2021 08:00;;;Đang xử lý

Người lập biểu;;;;;;;;;
";
    let text = text.replace("Ngày trả KQ", "Ngày trả kết quả");
    let (report, steps) = fixture.dossiers(&text);
    assert_eq!(problems(&report), []);
    assert_eq!((report.rows, report.storable, report.header_lines), (2, 4, Some((4, 4))));
    assert_eq!(report.lines_skipped, [8]);
    let [registered, accepted, returned, second] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(registered.status, D::Registered);
    assert_eq!(registered.at, local("2021-05-31T20:15"));
    assert_eq!(registered.unit.as_deref(), Some("gso:31168"));
    assert_eq!(registered.field.as_deref(), Some("civil-status"));
    assert_eq!(registered.channel, Some(DossierChannel::Online));
    assert_eq!(registered.due_at, Some(local("2021-06-03T17:00")));
    assert_eq!((accepted.status, accepted.at), (D::Accepted, local("2021-06-01T07:00")));
    assert_eq!((returned.status, returned.at), (D::Returned, local("2021-06-03T17:00")));
    assert_eq!(second.unit.as_deref(), Some("gso:31117"));
    assert_eq!((second.channel, second.due_at, second.formality.clone()), (None, None, None));
}

#[test]
fn a_dossier_that_was_refused_withdrawn_or_stopped_has_no_result() {
    let text = "\
Mã hồ sơ;Ngày tiếp nhận;Ngày trả kết quả;Trạng thái
A;01/06/2021;03/06/2021;Trả lại
B;01/06/2021;03/06/2021;Rút hồ sơ
C;01/06/2021;03/06/2021;Dừng xử lý
D;01/06/2021;;Chờ nộp thuế
";
    let (report, steps) = FIXTURE.dossiers(text);
    assert_eq!(problems(&report), []);
    let told: Vec<(&str, D)> = steps.iter().map(|step| (&*step.dossier, step.status)).collect();
    let expected = [
        ("A", D::Accepted),
        ("A", D::NotAccepted),
        ("B", D::Accepted),
        ("B", D::Withdrawn),
        ("C", D::Accepted),
        ("C", D::Stopped),
        ("D", D::Accepted),
    ];
    assert_eq!(told, expected);
    assert_eq!(steps[1].at, local("2021-06-03T17:00"));
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    assert!(warning.problem.contains("payment"), "{warning:?}");
}

#[test]
fn every_bad_cell_is_told_and_good_rows_are_taken() {
    let fixture = &*FIXTURE;
    let text = "\
Mã hồ sơ,Cơ quan giải quyết,Ngày nhận,Ngày hẹn trả,Ngày trả,Kênh,Thời hạn giải quyết,Phí
A-1,Phường Cái Khế,01/06/2021,02/13/2021,,bồ câu,5 tuần,\"1.1152\"
A-2,Phường Ninh Kiều,44000,,,,,
,Sở Nội vụ,01/06/2021,,,,,
A-3,Bình Thủy,05/06/2021,10/06/2021,01/06/2021,,,
A-4,Sở TN&MT,05/06/2021,,06/06/2021,Trực tiếp,15 ngày,20.000
";
    let text = text.replace("Phí", "Lệ phí");
    let (report, steps) = fixture.dossiers(&text);
    let found = problems(&report);
    let has = |line: u64, column: &str, part: &str| {
        let hit = found
            .iter()
            .any(|(at, of, problem)| *at == Some(line) && *of == column && problem.contains(part));
        assert!(hit, "line {line} {column}: {part}\n{found:#?}");
    };
    has(2, "Ngày hẹn trả", "month before the day");
    has(2, "Kênh", "none of the known words");
    has(2, "Thời hạn giải quyết", "no time limit");
    has(2, "Lệ phí", "misprint");
    has(3, "Ngày nhận", "bare number");
    has(4, "Mã hồ sơ", "empty");
    has(5, "Cơ quan giải quyết", "several units");
    has(5, "Ngày trả", "before");
    assert_eq!((report.rows, report.rows_bad), (5, 4));
    assert!(!report.is_refused);
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0].unit.as_deref(), Some("agency:H13.11"));
    assert_eq!(steps[0].fees.as_ref().unwrap()[0].amount_vnd, 20_000);
    let kinds = report.problems.iter().find(|flaw| flaw.column == "Kênh").unwrap();
    assert_eq!(kinds.value.as_deref(), Some("bồ câu"));
    assert!(kinds.advice.contains("trực tiếp"), "{kinds:?}");
}

#[test]
fn a_unit_is_that_of_the_day_of_the_row() {
    let fixture = &*FIXTURE;
    let text = "\
Mã hồ sơ\tĐơn vị\tNgày tiếp nhận
A\tPhường Tân An\t30/06/2025
B\tPhường Tân An\t01/07/2025
C\tPhường Ninh Kiều\t30/06/2025
D\tQuận Ninh Kiều\t01/07/2025
";
    let (report, steps) = fixture.dossiers(text);
    let units: Vec<_> = steps.iter().map(|step| step.unit.as_deref().unwrap()).collect();
    assert_eq!(units, ["gso:31135", "gso:31147"]);
    let lines: Vec<_> = report.problems.iter().map(|flaw| flaw.line).collect();
    assert_eq!(lines, [Some(4), Some(5)]);
    assert!(report.problems[0].problem.contains("2025-06-30"));
}

#[test]
fn a_table_with_personal_columns_is_refused_without_its_values() {
    let fixture = &*FIXTURE;
    let text = "\
Mã hồ sơ,Họ và tên người nộp,Số ĐT liên hệ,ho_ten,Ngày tiếp nhận,Địa chỉ
A,Nguyễn Văn An,0912345678,x,sai ngày,12 Trần Phú
";
    let (report, content) = fixture.read(Kind::Dossier, text, &Ask::default());
    assert!(report.is_refused && content.is_empty());
    let personal: Vec<&str> = report
        .columns
        .iter()
        .filter(|column| column.is_personal)
        .map(|column| column.title.as_str())
        .collect();
    assert_eq!(personal, ["Họ và tên người nộp", "Số ĐT liên hệ", "ho_ten", "Địa chỉ"]);
    let told = serde_json::to_string(&report).unwrap();
    for secret in ["Nguyễn", "0912345678", "Trần Phú", "sai ngày"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    assert!(report.problems.iter().all(|flaw| flaw.line == Some(1) && flaw.value.is_none()));
}

#[test]
fn long_digit_runs_are_masked_in_reports() {
    let fixture = &*FIXTURE;
    let text = "Mã hồ sơ,Ngày tiếp nhận,Trạng thái\nA,01/06/2021,079201234567\n";
    let (report, _) = fixture.dossiers(text);
    assert_eq!(report.problems[0].value.as_deref(), Some("************"));
}

#[test]
fn a_history_of_steps_is_read_row_by_row() {
    let fixture = &*FIXTURE;
    let text = "\
MaHoSo|Trạng thái|Thời điểm|Hạn trả
A|2|01/06/2021 08:00|05/06/2021
A|5|02/06/2021 09:00|
A|Đang xử lý|03/06/2021 10:00|
A|Đã xử lý xong||
";
    let (report, steps) = fixture.dossiers(text);
    let told: Vec<_> = steps.iter().map(|step| (step.status, step.at)).collect();
    assert_eq!(
        told,
        [
            (D::Accepted, local("2021-06-01T08:00")),
            (D::SupplementRequested, local("2021-06-02T09:00")),
            (D::InProcess, local("2021-06-03T10:00")),
        ]
    );
    // The last row tells no time.
    assert_eq!(problems(&report).len(), 1);
    assert_eq!(report.problems[0].line, Some(5));
}

#[test]
fn missing_columns_refuse_the_table_and_say_what_is_needed() {
    let fixture = &*FIXTURE;
    let (report, content) =
        fixture.read(Kind::Ticket, "Mã phản ánh,Kênh\nA,Zalo\n", &Ask::default());
    assert!(report.is_refused && content.is_empty());
    assert!(report.problems[0].problem.contains("created_at"), "{report:?}");
    assert!(report.problems[0].advice.contains("ngày tiếp nhận"), "{report:?}");
    for text in ["xin chào", "1,2,3\n4,5,6\n", "Mã hồ sơ\n"] {
        let (report, _) = fixture.read(Kind::Ii06a, text, &ask("2021"));
        assert!(report.is_refused, "{text}");
    }
}

#[test]
fn desk_exports_become_tickets_without_texts() {
    let fixture = &*FIXTURE;
    let (_, name) = fixture.categories[0].clone();
    let text = format!(
        "\
Mã phản ánh;Ngày gửi;Nguồn tiếp nhận;Lĩnh vực;Nội dung;Đơn vị xử lý;Ngày chuyển xử lý;Ngày trả lời;Tình trạng;Số sao
PA1;10/05/2021 09:00;Tổng đài 1022;{name};Ổ gà trước nhà ông Ba;Sở GTVT;10/05/2021 10:00;12/05/2021;Đã xử lý;5
PA2;11/05/2021;Bồ câu đưa thư;{name};;;;;Mới;
PA3;12/05/2021;Zalo;Chuyện lạ;;Sở Xây dựng;;;Từ chối;
PA4;12/05/2021;Zalo;Chuyện lạ;;Sở Xây dựng;;13/05/2021;Trùng;
"
    );
    let (report, steps) = fixture.tickets(&text);
    let told: Vec<_> = steps.iter().map(|step| (&*step.ticket, step.status)).collect();
    assert_eq!(
        told,
        [
            ("PA1", T::New),
            ("PA1", T::Assigned),
            ("PA1", T::Resolved),
            ("PA4", T::New),
            ("PA4", T::Duplicate),
        ]
    );
    assert_eq!(steps[0].channel, Some(Channel::Hotline));
    assert_eq!(steps[0].category.as_deref(), Some(fixture.categories[0].0.as_str()));
    assert_eq!(steps[1].unit.as_deref(), Some("agency:H13.09"));
    assert_eq!(steps[2].rating, Some(5));
    assert!(steps.iter().all(|step| step.summary.is_none()));
    let lines: Vec<_> =
        report.problems.iter().map(|flaw| (flaw.line, flaw.column.as_str())).collect();
    assert_eq!(lines, [(Some(3), "Nguồn tiếp nhận"), (Some(4), "Tình trạng")]);
    assert!(report.warnings.iter().any(|flaw| flaw.line == Some(5) && flaw.column == "Lĩnh vực"));
    let text = report.columns.iter().find(|column| column.title == "Nội dung").unwrap();
    assert_eq!(text.field, None);
}

const II06A: &str = "\
Biểu số II.06a/VPCP/KSTT,,,,,,,,,,,,
TÌNH HÌNH GIẢI QUYẾT TTHC,,,,,,,,,,,,
Kỳ báo cáo: Quý II năm 2021,,,,,,,,,,,,
STT,Đơn vị,Số hồ sơ nhận giải quyết,,,,Số lượng hồ sơ đã giải quyết,,,,Số lượng hồ sơ đang giải quyết,,
,,Tổng số,Trong kỳ,,Từ kỳ trước,Tổng số,Trước hạn,Đúng hạn,Quá hạn,Tổng số,Trong hạn,Quá hạn
,,,Trực tuyến,\"Trực tiếp, dịch vụ bưu chính\",,,,,,,,
(1),(2),(3)=(4)+(5)+(6),(4),(5),(6),(7)=(8)+(9)+(10),(8),(9),(10),(11)=(12)+(13),(12),(13)
I,Cấp huyện,,,,,,,,,,,
1,Quận Ninh Kiều,1.432,280,1.052,100,1.400,1.000,390,10,32,30,2
2,Q. Bình Thuỷ,500,100,350,50,480,400,70,10,21,20,1
3,Huyện Vĩnh Thạnh,\"1.1152\",,,,,,,,,,
4,UBND huyện Cờ Đỏ,hơn 1.000,-,-,-,,,,,,,
,Tổng cộng,2.940,380,1.402,150,1.880,1.400,460,20,53,50,3
Ghi chú: số liệu tính đến 30/6/2021,,,,,,,,,,,,
,,,,,,,,,,,,THỦ TRƯỞNG ĐƠN VỊ
";

#[test]
fn form_ii06a_is_read_with_its_merged_header() {
    let fixture = &*FIXTURE;
    let (report, content) = fixture.read(Kind::Ii06a, II06A, &ask("2021-Q2"));
    let Content::Ii06a(rows) = content else { panic!() };
    let fields: Vec<_> =
        report.columns.iter().map(|column| column.field.as_deref().unwrap_or("-")).collect();
    assert_eq!(fields[1], "name");
    assert_eq!(fields[2..], ii06a::COUNTS);
    assert_eq!(report.header_lines, Some((4, 6)));
    let units: Vec<_> = rows.iter().map(|row| row.unit.as_str()).collect();
    assert_eq!(units, ["gso:916", "gso:918", "gso:925"]);
    let first = [1432, 280, 1052, 100, 1400, 1000, 390, 10, 32, 30, 2].map(Some);
    assert_eq!(rows[0].counts, first);
    assert_eq!(rows[2].counts[..4], [Some(1000), None, None, None]);
    assert_eq!(rows[2].lower_bounds, ["received_total"]);
    assert_eq!(problems(&report).len(), 1, "{:#?}", report.problems);
    assert_eq!(report.problems[0].line, Some(11));
    assert!(report.problems[0].advice.contains("11.152"));
    assert_eq!(report.lines_skipped, [7, 8, 13, 14, 15]);
}

#[test]
fn sums_that_do_not_hold_are_told_with_both_numbers() {
    let fixture = &*FIXTURE;
    let (report, _) = fixture.read(Kind::Ii06a, II06A, &ask("2021-Q2"));
    let warned: Vec<_> =
        report.warnings.iter().map(|flaw| (flaw.line.unwrap(), flaw.problem.as_str())).collect();
    // 500 = 100 + 350 + 50, but 480 + 21 = 501.
    let form = warned.iter().filter(|(line, _)| *line == 10).collect::<Vec<_>>();
    assert_eq!(form.len(), 1, "{warned:#?}");
    assert!(form[0].1.contains("500") && form[0].1.contains("501"), "{form:?}");
    // The parts of the totals are the sums of the rows; 2.940 may be, because a row is a lower bound,
    // but it is not 380 + 1.402 + 150 nor 1.880 + 53.
    let total: Vec<_> = warned.iter().filter(|(line, _)| *line == 13).collect();
    assert_eq!(total.len(), 2, "{warned:#?}");
    assert!(total[0].1.contains("2.940") && total[0].1.contains("1.932"), "{total:?}");
    assert!(total[1].1.contains("1.933"), "{total:?}");
    let changed = II06A.replace("Tổng cộng,2.940,380", "Tổng cộng,2.940,381");
    let (report, _) = fixture.read(Kind::Ii06a, &changed, &ask("2021-Q2"));
    let told = report.warnings.iter().any(|flaw| {
        flaw.line == Some(13) && flaw.problem.contains("381") && flaw.problem.contains("380")
    });
    assert!(told, "{:#?}", report.warnings);
}

#[test]
fn a_form_of_one_unit_has_fields_as_rows() {
    let fixture = &*FIXTURE;
    let text = "\
Lĩnh vực giải quyết;Tổng tiếp nhận;Đã giải quyết;Đang giải quyết
Hộ tịch;120;100;20
Chứng thực;80;80;0
Tổng số;200;180;20
";
    let ask = Ask { period: Some("2026-09".parse().unwrap()), unit: Some("gso:31135".to_owned()) };
    let (report, content) = fixture.read(Kind::Ii06a, text, &ask);
    let Content::Ii06a(rows) = content else { panic!() };
    assert_eq!(problems(&report), []);
    assert_eq!(report.warnings, []);
    let told: Vec<_> = rows.iter().map(|row| (row.unit.as_str(), row.field.as_str())).collect();
    assert_eq!(told, [("gso:31135", "civil-status"), ("gso:31135", "certification")]);
    assert_eq!(rows[1].counts[8], Some(0), "zero is no empty cell");
    assert_eq!(rows[1].counts[5], None);
    // Without the unit nobody knows whose fields these are.
    let (report, _) = fixture.read(Kind::Ii06a, text, &Ask { unit: None, ..ask });
    assert_eq!(report.rows_bad, 2);
}

#[test]
fn official_points_are_read_wide_and_long() {
    let fixture = &*FIXTURE;
    let wide = "\
BẢNG ĐIỂM BỘ CHỈ SỐ 766,,,,,,,,
STT,Đơn vị,\"Công khai, minh bạch\",Tiến độ giải quyết,Dịch vụ công trực tuyến,Mức độ số hóa,Thanh toán trực tuyến,Mức độ hài lòng,Tổng điểm,Xếp loại
1,Phường Ninh Kiều,\"16,5\",19.2,\"9,87\",\"20\",8.1,\"17,99\",\"91,66\",Xuất sắc
2,Phường Cái Khế,17,18,11,20,9,\"18,5\",\"92,5\",Xuất sắc
3,Phường Bình Thủy,17,18,11,20,9,17,95,Xuất sắc
";
    let (report, content) = fixture.read(Kind::Official766, wide, &ask("2026-10"));
    let Content::Scores(rows) = content else { panic!() };
    assert_eq!(
        problems(&report),
        [(Some(4), "Mức độ hài lòng", "is more than the highest number of points")]
    );
    let of = |unit: &str, component: &str| {
        rows.iter()
            .find(|row| row.unit == unit && row.component == component)
            .map(|row| row.points_e3)
    };
    assert_eq!(of("gso:31135", "Q1"), Some(16_500));
    assert_eq!(of("gso:31135", "Q6"), Some(8_100));
    assert_eq!(of("gso:31135", "total"), Some(91_660));
    assert_eq!(rows.len(), 14);
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    assert!(
        warning.problem.contains("95,000") && warning.problem.contains("92,000"),
        "{warning:?}"
    );
    let long = "Kỳ đánh giá\tĐơn vị\tChỉ số\tĐiểm\n\
                Tháng 10/2026\tPhường Ninh Kiều\tQ1.1\t5,914\n\
                Quý IV/2026\tPhường Ninh Kiều\tTổng điểm\t91.66\n\
                2026-13\tPhường Ninh Kiều\tTổng điểm\t91.66\n";
    let (report, content) = fixture.read(Kind::Official766, long, &Ask::default());
    let Content::Scores(rows) = content else { panic!() };
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.period.to_string(), row.component.as_str(), row.points_e3))
        .collect();
    assert_eq!(
        told,
        [("2026-10".to_owned(), "Q1.1", 5_914), ("2026-Q4".to_owned(), "total", 91_660)]
    );
    assert_eq!(problems(&report), [(Some(4), "Kỳ đánh giá", "is no period")]);
}

#[test]
fn formalities_of_old_and_new_levels_are_read() {
    let fixture = &*FIXTURE;
    let text = "\
Mã TTHC;Tên TTHC;Lĩnh vực;Cấp thực hiện;Mức độ;Có phí;Thời hạn giải quyết;Ngày hiệu lực;Đối tượng thực hiện
1.000001;Đăng ký khai sinh;Hộ tịch;Cấp xã;Toàn trình;Không;1 ngày làm việc;01/07/2025;Cá nhân
1.000002;Cấp giấy phép xây dựng;Xây dựng;Cấp tỉnh;Mức độ 4;Có;15 ngày;;Tổ chức, cá nhân
1.000002;Cấp giấy phép xây dựng;Xây dựng;Cấp tỉnh;Mức độ 4;Có;15 ngày;;
;Thiếu mã;Hộ tịch;;;;;;
1.000003;Khai tử;Hộ tịch;Cấp phường;Mức độ 5;;;;
";
    let (report, content) = fixture.read(Kind::Formality, text, &Ask::default());
    let Content::Formalities(rows) = content else { panic!() };
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].level, rows[0].online_level), ("commune", "full"));
    assert_eq!(rows[0].valid_from.to_string(), "2025-07-01");
    assert_eq!((rows[1].online_level, rows[1].has_fee), ("4", Some(true)));
    assert_eq!(rows[1].audience, Some("both"));
    let lines: Vec<_> =
        report.problems.iter().map(|flaw| (flaw.line, flaw.column.as_str())).collect();
    assert_eq!(
        lines,
        [
            (Some(4), "Mã TTHC"),
            (Some(5), "Mã TTHC"),
            (Some(6), "Cấp thực hiện"),
            (Some(6), "Mức độ")
        ]
    );
}

#[test]
fn reading_twice_gives_the_same() {
    let fixture = &*FIXTURE;
    let text =
        "Mã hồ sơ,Ngày tiếp nhận,Ngày trả\nA,01/06/2021,02/06/2021\nA,01/06/2021,02/06/2021\n";
    let (report, first) = fixture.facts(Kind::Dossier, text);
    assert_eq!(first, fixture.facts(Kind::Dossier, text).1);
    assert_eq!(report.warnings.len(), 1, "the doubled row is told");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn no_table_is_too_strange(text in "([A-Za-zăâđêôơưáàảãạ0-9 .,;/()\"-]{0,40}\n){0,12}") {
        let fixture = &*FIXTURE;
        for kind in Kind::ALL {
            let (report, content) = fixture.read(kind, &text, &ask("2026"));
            proptest::prop_assert!(content.is_empty() || !report.is_refused);
        }
    }
}
