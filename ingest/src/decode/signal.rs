//! `signal/state` and `signal/events`.

use chrono::TimeDelta;

use super::{
    EVENTS_MAX, Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
    number::Quantity,
    part::{at_least_one, parts},
};
use crate::{
    message::Fact,
    reject::Reason,
    signal::{ControllerEvent, Group, GroupKind, Mode, SignalEvents, SignalState},
};

/// Groups of one controller: the movement list of SAE J2735 holds 1 to 255.
const GROUPS_MAX: usize = 255;
const GROUP: Quantity = Quantity::new(0, 1, 255);
/// SAE J2735 `MovementPhaseState`.
const STATE: Quantity = Quantity::new(0, 0, 9);
const PLAN: Quantity = Quantity::new(0, 0, 65_535);
/// NTCIP 1202 unitFlashStatus.
const FLASH: Quantity = Quantity::new(0, 1, 8);
const PREEMPT: Quantity = Quantity::new(0, 0, 255);
/// Times within a cycle, and of the end of a state: up to an hour (J2735 `TimeMark`), in milliseconds.
const WITHIN_HOUR: Quantity = Quantity::new(3, 0, 3_600_000);
/// Offset of a plan, up to an hour either way, in milliseconds.
const OFFSET: Quantity = Quantity::new(3, -3_600_000, 3_600_000);
/// An event at most a day after the time of its batch, in milliseconds.
const AFTER: Quantity = Quantity::new(0, 0, 86_400_000);
/// Event codes and parameters, unsigned 16-bit numbers.
const CODE: Quantity = Quantity::new(0, 0, 65_535);

keys!(StateKey {
    Mode = "mode",
    Plan = "plan",
    Cycle = "cycle_s",
    Position = "cycle_position_s",
    Offset = "offset_s",
    Flash = "flash",
    Preempt = "preempt",
    Groups = "groups",
});

keys!(GroupKey {
    Group = "group",
    Kind = "kind",
    State = "state",
    Since = "since",
    MinEnd = "min_end_s",
    MaxEnd = "max_end_s",
    LikelyEnd = "likely_end_s",
    Call = "call",
});

keys!(EventsKey { Events = "events" });

/// Reads `signal/state`.
pub(super) fn state(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut state = SignalState {
        mode: Mode::Unknown,
        plan: None,
        cycle_ms: None,
        cycle_position_ms: None,
        offset_ms: None,
        flash: None,
        preempt: None,
        groups: Vec::new(),
    };
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            StateKey::Mode => state.mode = reader.word()?,
            StateKey::Plan => state.plan = reader.nullable(|r| r.whole(PLAN))?,
            StateKey::Cycle => state.cycle_ms = reader.nullable(|r| r.fixed(WITHIN_HOUR))?,
            StateKey::Position => {
                state.cycle_position_ms = reader.nullable(|r| r.fixed(WITHIN_HOUR))?;
            }
            StateKey::Offset => state.offset_ms = reader.nullable(|r| r.fixed(OFFSET))?,
            StateKey::Flash => state.flash = reader.nullable(|r| r.whole(FLASH))?,
            StateKey::Preempt => state.preempt = reader.nullable(|r| r.whole(PREEMPT))?,
            StateKey::Groups => state.groups = groups(reader)?,
        }
        Ok(())
    })?;
    seen.require(StateKey::Mode)?;
    seen.require(StateKey::Groups)?;
    Ok(Parsed { envelope: Some(envelope), fact: Fact::SignalState(state), refused: Vec::new() })
}

/// A state is of all groups or of none: half a state would show a wrong picture of the crossing.
fn groups(reader: &mut Reader<'_>) -> Result<Vec<Group>, Fault> {
    let mut groups: Vec<Group> = Vec::new();
    reader.list(GROUPS_MAX, |reader, _| {
        let group = group(reader)?;
        if groups.iter().any(|other| (other.kind, other.group) == (group.kind, group.group)) {
            return Err(Fault::absent(Reason::Duplicate, "stands twice in the message"));
        }
        groups.push(group);
        Ok(())
    })?;
    at_least_one(groups)
}

fn group(reader: &mut Reader<'_>) -> Result<Group, Fault> {
    let mut group = Group {
        group: 0,
        kind: GroupKind::Vehicle,
        state: 0,
        since: None,
        min_end_ms: None,
        max_end_ms: None,
        likely_end_ms: None,
        call: None,
    };
    let seen = reader.object(|reader, key| {
        match key {
            GroupKey::Group => group.group = reader.whole(GROUP)?,
            GroupKey::Kind => group.kind = reader.word()?,
            GroupKey::State => group.state = reader.whole(STATE)?,
            GroupKey::Since => group.since = reader.nullable(Reader::time)?,
            GroupKey::MinEnd => group.min_end_ms = reader.nullable(|r| r.fixed(WITHIN_HOUR))?,
            GroupKey::MaxEnd => group.max_end_ms = reader.nullable(|r| r.fixed(WITHIN_HOUR))?,
            GroupKey::LikelyEnd => {
                group.likely_end_ms = reader.nullable(|r| r.fixed(WITHIN_HOUR))?;
            }
            GroupKey::Call => group.call = reader.nullable(Reader::boolean)?,
        }
        Ok(())
    })?;
    seen.require(GroupKey::Group)?;
    seen.require(GroupKey::Kind)?;
    seen.require(GroupKey::State)?;
    Ok(group)
}

/// An event before the time of its batch is known, which may stand behind the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offset {
    after_ms: u32,
    code: u16,
    parameter: u16,
}

/// Reads `signal/events`.
pub(super) fn events(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut offsets = Vec::new();
    let mut refused = Vec::new();
    let mut latest_ms = None;
    let (envelope, seen) = enveloped(reader, |reader, EventsKey::Events| {
        // Events come in the order of time, so that few have to be compared with the others.
        let twice = |events: &[Offset], new: &Offset| {
            if latest_ms.is_none_or(|latest| new.after_ms > latest) {
                latest_ms = Some(new.after_ms);
                return false;
            }
            events.contains(new)
        };
        offsets = parts(reader, "events", EVENTS_MAX, &mut refused, event, twice)?;
        Ok(())
    })?;
    seen.require(EventsKey::Events)?;
    let event = |offset: Offset| ControllerEvent {
        time: envelope.time + TimeDelta::milliseconds(offset.after_ms.into()),
        code: offset.code,
        parameter: offset.parameter,
    };
    let events = offsets.into_iter().map(event).collect();
    let fact = Fact::SignalEvents(SignalEvents { events });
    Ok(Parsed { envelope: Some(envelope), fact, refused })
}

/// Reads `[milliseconds, code, parameter]`.
fn event(reader: &mut Reader<'_>) -> Result<Offset, Fault> {
    let place = reader.place();
    let mut event = Offset { after_ms: 0, code: 0, parameter: 0 };
    let length = reader.list(3, |reader, index| {
        match index {
            0 => event.after_ms = reader.whole(AFTER)?,
            1 => event.code = reader.whole(CODE)?,
            _ => event.parameter = reader.whole(CODE)?,
        }
        Ok(())
    })?;
    if length < 3 {
        return Err(Fault::value(
            Reason::Missing,
            "must be [milliseconds, code, parameter]",
            place,
        ));
    }
    Ok(event)
}
