//! What formulas read: sums of measures and what stands open, added up for one subject (a unit with all
//! below it, or one key of it).
//!
//! Pure: `reform` fills it from the store. What is open at the end of a past period follows from sums of
//! everything before; of the running period it is counted at the instant. What open records say of the
//! period itself is read from them in either.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::measure::{AGE_BANDS, Dimension, Measure, Noun, OpenSums, Ranked};

/// Over which days a measure is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// The period.
    In,
    /// Everything before the period.
    Before,
    /// Everything until the end of the period.
    Until,
    /// The latest working days until the end of the period, as many as a threshold says.
    Recent,
    /// From the day after the printed number of documents to digitise until the end of the period; where
    /// none was printed, everything until then.
    SincePrinted,
}

/// What stands at the end of the period, or now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Open.
    Open,
    /// Open past the due time.
    Overdue,
    /// Open and due soon; only now.
    DueSoon,
    /// Overdue with an apology; only now.
    Apologised,
    /// Received in the period, overdue by now, and nothing else to complain of.
    Dissatisfied,
    /// Waiting since before the end of the period, and not in time by the rule of Decision 766.
    WaitingLate,
    /// Open in a band of age; only now.
    Band(u8),
}

impl Standing {
    /// Whether the open records themselves tell it, of a past period too: it has been so since then.
    pub const fn is_told_by_open_records(self) -> bool {
        match self {
            Self::Dissatisfied | Self::WaitingLate => true,
            Self::Open | Self::Overdue | Self::DueSoon | Self::Apologised | Self::Band(_) => false,
        }
    }
}

/// Something that a formula adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Amount {
    /// A measure.
    Sum(Window, Measure),
    /// What stands open.
    Standing(Noun, Standing),
}

/// Amounts with their signs.
pub type Terms = Vec<(i64, Amount)>;

/// Formalities with a place each, and the measures of their marks: one list for all subjects of an answer,
/// of which each has marks for thousands of formalities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formalities {
    measures: Vec<Measure>,
    places: HashMap<String, usize>,
}

impl Formalities {
    /// None yet. Bit n of a mark tells of measure n, of at most 31.
    pub fn new(measures: Vec<Measure>) -> Self {
        Self { measures, places: HashMap::new() }
    }

    /// The place of a formality, a new one if it has none.
    pub fn place(&mut self, formality: &str) -> usize {
        if let Some(place) = self.places.get(formality) {
            return *place;
        }
        let next = self.places.len();
        self.places.insert(formality.to_owned(), next);
        next
    }
}

/// Marks by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Touched {
    known: Arc<Formalities>,
    marks: Vec<i32>,
}

/// Everything that is known of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    sums: BTreeMap<(Window, Measure), i64>,
    open: BTreeMap<Noun, OpenSums>,
    ranked: BTreeMap<Ranked, BTreeMap<i32, i64>>,
    split: BTreeMap<(Measure, Dimension), BTreeMap<String, i64>>,
    touched: Touched,
    ages: Vec<i64>,
    reporting: BTreeMap<Noun, BTreeSet<String>>,
    /// Nouns of which there was a record until the end of the period.
    seen: BTreeSet<Noun>,
    is_running: bool,
}

impl Facts {
    /// Nothing yet; of the running period, or of a past one.
    pub fn new(is_running: bool) -> Self {
        Self { is_running, ..Self::default() }
    }

    /// Adds sums of measures that came from one unit.
    pub fn add(&mut self, window: Window, measures: &[Measure], values: &[i64], unit: &str) {
        for (&measure, &value) in measures.iter().zip(values) {
            *self.sums.entry((window, measure)).or_default() += value;
            if value != 0 {
                self.seen.insert(measure.noun());
            }
            if window == Window::In && value != 0 && activity(measure.noun()).contains(&measure) {
                self.reporting.entry(measure.noun()).or_default().insert(unit.to_owned());
            }
        }
    }

    /// Notes that there was a record of a noun until the end of the period.
    pub fn note_seen(&mut self, noun: Noun) {
        self.seen.insert(noun);
    }

    /// Adds what is open of one unit.
    pub fn add_open(&mut self, noun: Noun, sums: &OpenSums) {
        let open = self.open.entry(noun).or_default();
        open.open += sums.open;
        open.overdue += sums.overdue;
        open.due_soon += sums.due_soon;
        open.no_due += sums.no_due;
        open.paused += sums.paused;
        open.overdue_apology += sums.overdue_apology;
        open.dissatisfied += sums.dissatisfied;
        open.waiting_late += sums.waiting_late;
        for (band, count) in open.bands.iter_mut().zip(sums.bands) {
            *band += count;
        }
    }

    /// Adds a histogram.
    pub fn add_ranked(&mut self, ranked: Ranked, counts: &[(i32, i64)]) {
        let histogram = self.ranked.entry(ranked).or_default();
        for &(bucket, count) in counts {
            *histogram.entry(bucket).or_default() += count;
        }
    }

    /// Adds a measure by a second key.
    pub fn add_split(&mut self, measure: Measure, by: Dimension, key: &str, value: i64) {
        let keys = self.split.entry((measure, by)).or_default();
        *keys.entry(key.to_owned()).or_default() += value;
    }

    /// Notes that there are dossiers for the formalities at these places, and in which measures they count.
    pub fn touch(&mut self, formalities: &Arc<Formalities>, places: &[usize], mark: i32) {
        let Touched { known, marks: own } = &mut self.touched;
        if !Arc::ptr_eq(known, formalities) {
            *known = Arc::clone(formalities);
            *own = vec![0; formalities.places.len()];
        }
        for &place in places {
            if let Some(own) = own.get_mut(place) {
                *own |= mark;
            }
        }
    }

    /// Adds the age of an open ticket, working days.
    pub fn add_age(&mut self, working_days: i64) {
        self.ages.push(working_days);
    }

    /// Whether a formality has a dossier that counts in a measure.
    pub fn touched(&self, formality: &str, measure: Measure) -> bool {
        let Touched { known, marks } = &self.touched;
        let mark = known.measures.iter().position(|one| *one == measure);
        let place = known.places.get(formality).and_then(|place| marks.get(*place));
        place.zip(mark).is_some_and(|(marks, mark)| marks & (1 << mark) != 0)
    }

    /// A measure by a second key.
    pub fn split(&self, measure: Measure, by: Dimension) -> impl Iterator<Item = (&str, i64)> {
        let keys = self.split.get(&(measure, by)).into_iter().flatten();
        keys.map(|(key, value)| (key.as_str(), *value))
    }

    /// A histogram: bucket and count, ascending.
    pub fn ranked(&self, ranked: Ranked) -> Vec<(i32, i64)> {
        let counts = self.ranked.get(&ranked).into_iter().flatten();
        counts.map(|(bucket, count)| (*bucket, *count)).collect()
    }

    /// Ages of open tickets, ascending.
    pub fn ages(&self) -> Vec<i64> {
        let mut ages = self.ages.clone();
        ages.sort_unstable();
        ages
    }

    /// Whether any record of a noun was ever seen until the end of the period.
    pub fn seen(&self, noun: Noun) -> bool {
        self.seen.contains(&noun) || self.open.get(&noun).is_some_and(|open| open.open > 0)
    }

    /// Units with a record of the noun in the period.
    pub fn reporting(&self, noun: Noun) -> usize {
        self.reporting.get(&noun).map_or(0, BTreeSet::len)
    }

    /// A measure; 0 for one without records.
    pub fn sum(&self, window: Window, measure: Measure) -> i64 {
        self.sums.get(&(window, measure)).copied().unwrap_or(0)
    }

    /// An amount; null where it cannot be known of a past period.
    pub fn amount(&self, amount: Amount) -> Option<i64> {
        match amount {
            Amount::Sum(window, measure) => Some(self.sum(window, measure)),
            Amount::Standing(noun, standing)
                if self.is_running || standing.is_told_by_open_records() =>
            {
                let open = self.open.get(&noun).cloned().unwrap_or_default();
                Some(match standing {
                    Standing::Open => open.open,
                    Standing::Overdue => open.overdue,
                    Standing::DueSoon => open.due_soon,
                    Standing::Apologised => open.overdue_apology,
                    Standing::Dissatisfied => open.dissatisfied,
                    Standing::WaitingLate => open.waiting_late,
                    Standing::Band(band) => {
                        open.bands.get(usize::from(band)).copied().unwrap_or_default()
                    }
                })
            }
            Amount::Standing(noun, standing) => self.total(&stood(noun, standing)?),
        }
    }

    /// The total of amounts with their signs.
    pub fn total(&self, terms: &[(i64, Amount)]) -> Option<i64> {
        terms.iter().try_fold(0, |sum, &(sign, amount)| Some(sum + sign * self.amount(amount)?))
    }
}

/// Measures of which one is above zero when there was any record of the noun.
pub const fn activity(noun: Noun) -> &'static [Measure] {
    match noun {
        Noun::Dossier => &[Measure::Submitted, Measure::Received, Measure::Resolved],
        Noun::Ticket => &[Measure::TicketReceived, Measure::TicketHandled],
        Noun::Call => &[Measure::CallOffered],
        Noun::Petition => &[Measure::PetitionReceived],
        Noun::Document => &[Measure::DocumentReviewed, Measure::DocumentSigned],
        Noun::Assessment => &[Measure::Forms],
    }
}

/// What stood at the end of a past period, from sums of everything until then; null where they do not tell.
pub fn stood(noun: Noun, standing: Standing) -> Option<Terms> {
    use Measure as M;
    let until = |signed: &[(i64, Measure)]| {
        Some(
            signed
                .iter()
                .map(|&(sign, measure)| (sign, Amount::Sum(Window::Until, measure)))
                .collect(),
        )
    };
    match (noun, standing) {
        (Noun::Dossier, Standing::Open) => until(&[(1, M::Received), (-1, M::Resolved)]),
        (Noun::Dossier, Standing::Overdue) => until(&[(1, M::OverdueBegan), (-1, M::OverdueEnded)]),
        (Noun::Ticket, Standing::Open) => until(&[
            (1, M::TicketReceived),
            (-1, M::TicketHandled),
            (-1, M::TicketLeftRejected),
            (-1, M::TicketLeftDuplicate),
            (-1, M::TicketLeftTransferred),
        ]),
        (Noun::Petition, Standing::Open) => {
            until(&[(1, M::PetitionReceived), (-1, M::PetitionHandled)])
        }
        // Every ticket that was handled late fell due before, and one that left by a side exit is in none.
        (Noun::Ticket, Standing::Overdue) => {
            until(&[(1, M::TicketFellDue), (-1, M::TicketDueMet), (-1, M::TicketLate)])
        }
        (Noun::Petition, Standing::Overdue) => {
            until(&[(1, M::PetitionOverdueBegan), (-1, M::PetitionOverdueEnded)])
        }
        (
            Noun::Dossier | Noun::Ticket | Noun::Petition,
            Standing::DueSoon
            | Standing::Apologised
            | Standing::Dissatisfied
            | Standing::WaitingLate
            | Standing::Band(_),
        )
        | (Noun::Call | Noun::Document | Noun::Assessment, _) => None,
    }
}

/// Every band of age.
pub const BANDS: [(u8, &str); AGE_BANDS] =
    [(0, "0-2"), (1, "3-5"), (2, "6-10"), (3, "11-20"), (4, "21+")];
