//! Steps of the internal process: each begins with the event that names it and is over when an event
//! names another one, or when the dossier ends. Waiting for papers or payment does not count.

use chrono::{DateTime, Utc};

use super::{Clock, Pause, Rules, judge};
use crate::record::{Due, small};

/// A step that began.
struct Begun<'a> {
    name: &'a str,
    due: Option<Due>,
}

/// Steps that are over and had a due time, and those of them that were over in time.
pub(super) fn count(clock: &Clock<'_>, rules: &Rules<'_>) -> (i16, i16) {
    let Some(acceptance) = &clock.acceptance else { return (0, 0) };
    let (mut total, mut on_time) = (0, 0);
    let pauses = Pause::all(clock.until_end(), acceptance.at, |step| super::waits(step.status));
    let mut over = |begun: Option<Begun<'_>>, at: DateTime<Utc>| {
        let Some(due) = begun.and_then(|begun| begun.due) else { return };
        let waited: Vec<Pause> = pauses.iter().filter(|pause| pause.from < at).copied().collect();
        let too_late = judge::precision(clock.limit).too_late(due.at, rules);
        total += 1;
        on_time += usize::from(at < too_late + due.put_off(&waited));
    };
    let mut current: Option<Begun<'_>> = None;
    for told in clock.until_end() {
        let (step, at) = (&told.step, told.step.at);
        if super::is_end(step.status) {
            continue;
        }
        if let Some(name) = step.step.as_deref()
            && current.as_ref().is_none_or(|current| current.name != name)
        {
            over(current.replace(Begun { name, due: None }), at);
        }
        if let (Some(current), Some(due)) = (&mut current, step.step_due_at)
            && current.due.is_none_or(|known| known.at != due)
        {
            current.due = Some(Due { at: due, set_at: at });
        }
    }
    if let Some((at, _status)) = clock.end {
        over(current, at);
    }
    (small(total), small(on_time))
}
