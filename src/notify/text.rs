//! Subject and text of e-mails, in Vietnamese and English. Times are those of the city's zone, with
//! their offset from UTC.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    endpoint::Language,
    message::{Both, Content, Digest, Event, Message, Share, Texts, Told},
};

/// Words of one language.
struct Words {
    raised: &'static str,
    escalated: &'static str,
    cleared: &'static str,
    acknowledged: &'static str,
    priorities: [&'static str; 4],
    object: &'static str,
    area: &'static str,
    time: &'static str,
    priority: &'static str,
    value: &'static str,
    limit: &'static str,
    why: &'static str,
    cause: &'static str,
    consequence: &'static str,
    action: &'static str,
    respond: &'static str,
    minutes: &'static str,
    parent: &'static str,
    first_out: &'static str,
    by: &'static str,
    more: &'static str,
    alarms: &'static str,
    flood: &'static str,
    rate: &'static str,
    codes: &'static str,
    areas: &'static str,
    gravest: &'static str,
    trial: &'static str,
    trial_text: &'static str,
}

const VI: Words = Words {
    raised: "Cảnh báo mới",
    escalated: "Cảnh báo tăng mức",
    cleared: "Đã trở lại bình thường",
    acknowledged: "Đã xác nhận",
    priorities: ["khẩn cấp", "cao", "trung bình", "thấp"],
    object: "Đối tượng",
    area: "Khu vực",
    time: "Thời điểm",
    priority: "Mức ưu tiên",
    value: "Giá trị",
    limit: "ngưỡng",
    why: "Lý do",
    cause: "Nguyên nhân thường gặp",
    consequence: "Hậu quả nếu không xử lý",
    action: "Cần làm",
    respond: "Thời gian xử lý",
    minutes: "phút",
    parent: "Do cảnh báo",
    first_out: "Cảnh báo đầu tiên tại vị trí này, có thể là nguyên nhân của các cảnh báo sau.",
    by: "Người xác nhận",
    more: "Xem thêm",
    alarms: "cảnh báo",
    flood: "Nhiều cảnh báo trong thời gian ngắn, được gộp vào một thư.",
    rate: "Vượt giới hạn số thư gửi, các cảnh báo được gộp vào một thư.",
    codes: "Theo loại",
    areas: "Theo khu vực",
    gravest: "Nghiêm trọng nhất",
    trial: "Thư thử",
    trial_text: "Đây là thư thử của IOC Hub. Không cần xử lý.",
};

const EN: Words = Words {
    raised: "New alarm",
    escalated: "Alarm got graver",
    cleared: "Returned to normal",
    acknowledged: "Acknowledged",
    priorities: ["critical", "high", "medium", "low"],
    object: "Object",
    area: "Area",
    time: "Time",
    priority: "Priority",
    value: "Value",
    limit: "limit",
    why: "Reason",
    cause: "Usual cause",
    consequence: "If nobody acts",
    action: "What to do",
    respond: "Time to respond",
    minutes: "minutes",
    parent: "Follows from",
    first_out: "The first alarm at this place, probably the cause of those after it.",
    by: "Acknowledged by",
    more: "More",
    alarms: "alarms",
    flood: "Many alarms came in a short time and are told together.",
    rate: "More messages than the limit allows: the alarms are told together.",
    codes: "By kind",
    areas: "By area",
    gravest: "Gravest",
    trial: "Trial message",
    trial_text: "This is a trial message of the IOC Hub. Nothing is to be done.",
};

impl Words {
    const fn event(&self, event: Event) -> &'static str {
        match event {
            Event::Raised => self.raised,
            Event::Escalated => self.escalated,
            Event::Cleared => self.cleared,
            Event::Acknowledged => self.acknowledged,
        }
    }

    fn priority(&self, priority: i16) -> &'static str {
        let at = usize::try_from(priority - 1).unwrap_or(usize::MAX);
        self.priorities.get(at).copied().unwrap_or_default()
    }
}

/// Subject and text of a message.
pub(super) fn write(message: &Message, language: Language, zone: Tz) -> (String, String) {
    let words = match language {
        Language::Vi => &VI,
        Language::En => &EN,
    };
    let writer = Writer { words, language, zone };
    let (subject, mut body) = match &message.content {
        Content::Alarm(told) => (writer.subject(told), writer.alarm(told)),
        Content::Digest(digest) => (writer.digest_subject(digest), writer.digest(digest)),
        Content::Test => (format!("[{}] {}", message.city, words.trial), words.trial_text.into()),
    };
    if let Some(link) = &message.link {
        body = format!("{body}\n\n{}: {link}", words.more);
    }
    body = format!("{body}\n\n-- \nIOC Hub · {} · {}\n", message.city, message.id);
    (subject, body)
}

struct Writer {
    words: &'static Words,
    language: Language,
    zone: Tz,
}

impl Writer {
    fn of<'t>(&self, both: &'t Both) -> &'t str {
        match self.language {
            Language::Vi => &both.vi,
            Language::En => &both.en,
        }
    }

    /// An instant on the clocks of the city, with their offset from UTC.
    fn time(&self, at: DateTime<Utc>) -> String {
        let pattern = match self.language {
            Language::Vi => "%H:%M:%S %d/%m/%Y (UTC%:z)",
            Language::En => "%Y-%m-%d %H:%M:%S (UTC%:z)",
        };
        at.with_timezone(&self.zone).format(pattern).to_string()
    }

    /// The object with its name, if it has one.
    fn object(&self, told: &Told) -> String {
        match &told.object_name {
            Some(name) => format!("{} ({})", self.of(name), told.object),
            None => told.object.clone(),
        }
    }

    /// What it is, by its name and code.
    fn name(&self, told: &Told) -> String {
        match &told.texts {
            Some(texts) => format!("{} ({})", self.of(&texts.name), told.code),
            None => told.code.clone(),
        }
    }

    fn subject(&self, told: &Told) -> String {
        let event = match told.event {
            Event::Raised => String::new(),
            Event::Escalated | Event::Cleared | Event::Acknowledged => {
                format!("{}: ", self.words.event(told.event))
            }
        };
        format!("[P{}] {event}{} – {}", told.priority, self.name(told), self.object(told))
    }

    fn alarm(&self, told: &Told) -> String {
        let words = self.words;
        let mut text = format!("{}: {}\n", words.event(told.event), self.name(told));
        let mut line = |label: &str, value: &str| {
            let _infallible = writeln!(text, "{label}: {value}");
        };
        line(words.object, &self.object(told));
        if let Some(area) = &told.area {
            line(words.area, area);
        }
        line(words.time, &self.time(told.at));
        let priority = format!("{} ({})", told.priority, words.priority(told.priority));
        line(words.priority, &priority);
        if let Some(value) = told.value {
            let unit = told.texts.as_ref().map_or("", |texts| &texts.unit_of_measure);
            let limit = told.limit.map(|limit| format!(" ({} {limit})", words.limit));
            line(words.value, format!("{value}{} {unit}", limit.unwrap_or_default()).trim_end());
        }
        for (label, value) in
            [(words.why, &told.why), (words.parent, &told.parent), (words.by, &told.who)]
        {
            if let Some(value) = value {
                line(label, value);
            }
        }
        if told.first_out {
            let _infallible = writeln!(text, "{}", words.first_out);
        }
        if let (Some(texts), Event::Raised | Event::Escalated) = (&told.texts, told.event) {
            text.push_str(&self.advice(texts));
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn advice(&self, texts: &Texts) -> String {
        let words = self.words;
        format!(
            "\n{}: {}\n{}: {}\n{}: {}\n{}: {} {}\n",
            words.action,
            self.of(&texts.action),
            words.cause,
            self.of(&texts.cause),
            words.consequence,
            self.of(&texts.consequence),
            words.respond,
            texts.time_to_respond_s.div_ceil(60),
            words.minutes,
        )
    }

    fn digest_subject(&self, digest: &Digest) -> String {
        let priorities: Vec<String> =
            digest.priorities.iter().map(|(priority, n)| format!("P{priority}: {n}")).collect();
        let gravest = digest.gravest.first();
        let gravest = gravest.map(|told| format!(" – {}, {}", told.code, told.object));
        format!(
            "[{}] {} {}{}",
            priorities.join(", "),
            digest.count,
            self.words.alarms,
            gravest.unwrap_or_default()
        )
    }

    fn digest(&self, digest: &Digest) -> String {
        let words = self.words;
        let why = if digest.why == "flood" { words.flood } else { words.rate };
        let mut text = format!(
            "{why}\n{}: {} … {}\n",
            words.time,
            self.time(digest.from),
            self.time(digest.to)
        );
        for (label, shares) in [(words.codes, &digest.codes), (words.areas, &digest.areas)] {
            let _infallible = writeln!(text, "\n{label}:");
            for share in shares {
                let _infallible = writeln!(text, "  {:>5}  {}", share.count, self.share(share));
            }
        }
        let _infallible = writeln!(text, "\n{}:", words.gravest);
        for told in &digest.gravest {
            let (name, object) = (self.name(told), self.object(told));
            let _infallible = writeln!(text, "  [P{}] {name} – {object}", told.priority);
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn share(&self, share: &Share) -> String {
        match (&share.name, &share.text) {
            (Some(name), Some(text)) => format!("{} ({name})", self.of(text)),
            (Some(name), None) => name.clone(),
            (None, _) => "–".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use unicode_normalization::is_nfc;

    use super::{
        super::{message::TextsOf, message::tests::row, plan::Together},
        *,
    };
    use crate::store::notify::TransitionRow;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    fn texts() -> TextsOf {
        Arc::new(|_| {
            Some(Texts {
                name: Both::new("Đèn tín hiệu tắt", "Signal dark"),
                cause: Both::new("Mất điện lưới", "Mains lost"),
                consequence: Both::new("Nguy cơ tai nạn", "Risk of crashes"),
                action: Both::new("Báo cảnh sát giao thông", "Tell the traffic police"),
                time_to_respond_s: 300,
                unit_of_measure: "V".into(),
            })
        })
    }

    fn message(content: Content) -> Message {
        Message {
            v: 1,
            id: "truc-ban:1".into(),
            endpoint: "truc-ban".into(),
            city: "can-tho".into(),
            made_at: DateTime::UNIX_EPOCH,
            link: Some("https://ioc.example/alarms".into()),
            content,
        }
    }

    fn told() -> Told {
        let row = TransitionRow {
            name: Some(("Nút Mậu Thân".into(), "Mau Than junction".into())),
            value: Some(181.5),
            limit: Some(195.0),
            why: Some("power.off".into()),
            ..row(1, "sig_dark", 1)
        };
        Told::of(row, Event::Raised, &texts())
    }

    #[test]
    fn a_subject_names_priority_code_and_object() {
        let (subject, body) = write(&message(Content::Alarm(Box::new(told()))), Language::Vi, ZONE);
        assert_eq!(subject, "[P1] Đèn tín hiệu tắt (sig_dark) – Nút Mậu Thân (sig-1)");
        assert!(is_nfc(&body));
        for expected in [
            "Mức ưu tiên: 1 (khẩn cấp)",
            "Giá trị: 181.5 (ngưỡng 195) V",
            "Lý do: power.off",
            "Cần làm: Báo cảnh sát giao thông",
            "Thời gian xử lý: 5 phút",
            "Xem thêm: https://ioc.example/alarms",
            "truc-ban:1",
        ] {
            assert!(body.contains(expected), "missing {expected:?} in\n{body}");
        }
        let (subject, body) = write(&message(Content::Alarm(Box::new(told()))), Language::En, ZONE);
        assert_eq!(subject, "[P1] Signal dark (sig_dark) – Mau Than junction (sig-1)");
        assert!(body.contains("What to do: Tell the traffic police"), "{body}");
    }

    #[test]
    fn times_are_those_of_the_clocks_of_the_city() {
        let told = Told { at: "2026-11-22T17:30:05Z".parse().unwrap(), ..told() };
        let (_, body) = write(&message(Content::Alarm(Box::new(told))), Language::Vi, ZONE);
        assert!(body.contains("Thời điểm: 00:30:05 23/11/2026 (UTC+07:00)\n"), "{body}");
        let many = (1..=2).map(|seq| Told::of(row(seq, "sig_dark", 2), Event::Raised, &texts()));
        let digest = Digest::of(many.collect(), Together::Flood).unwrap();
        let (_, body) = write(&message(Content::Digest(Box::new(digest))), Language::En, ZONE);
        assert!(body.contains("(UTC+07:00) … "), "{body}");
    }

    #[test]
    fn what_is_over_needs_no_advice() {
        let over = Told { event: Event::Cleared, ..told() };
        let (subject, body) = write(&message(Content::Alarm(Box::new(over))), Language::En, ZONE);
        assert!(subject.starts_with("[P1] Returned to normal: "), "{subject}");
        assert!(!body.contains("What to do"), "{body}");
    }

    #[test]
    fn a_digest_tells_counts_and_the_gravest() {
        let many = (1..=30).map(|seq| Told::of(row(seq, "sig_dark", 2), Event::Raised, &texts()));
        let digest = Digest::of(many.collect(), Together::Flood).unwrap();
        let (subject, body) =
            write(&message(Content::Digest(Box::new(digest))), Language::Vi, ZONE);
        assert_eq!(subject, "[P2: 30] 30 cảnh báo – sig_dark, sig-1");
        assert!(body.contains("   30  Đèn tín hiệu tắt (sig_dark)"), "{body}");
        assert!(body.contains("   10  area-1"), "{body}");
        assert_eq!(body.matches("[P2] ").count(), 20);
    }
}
