//! All that the checks of one run have seen, for people and for programs.

use serde_json::{Value, json};

use crate::change::{Change, how};
use crate::check::Severity;
use crate::outcome::{Finding, Outcome, Row, printable};
use crate::profile::Profile;

/// See the module.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was expected of the host.
    pub profile: Profile,
    /// Findings first, the worst of them before the others; then what could not be found out, what is well, and what
    /// does not matter here.
    pub rows: Vec<Row>,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings by severity.
    pub required: usize,
    /// See `required`.
    pub recommended: usize,
    /// See `required`.
    pub info: usize,
    /// What could not be found out.
    pub unknown: usize,
    /// What is well.
    pub fine: usize,
    /// What does not matter on this host.
    pub not_applicable: usize,
}

impl Report {
    pub(crate) fn new(profile: Profile, mut rows: Vec<Row>) -> Self {
        rows.sort_by_key(|row| match row.outcome {
            Outcome::Finding(_) => (0, std::cmp::Reverse(row.severity)),
            Outcome::Unknown { .. } => (1, std::cmp::Reverse(row.severity)),
            Outcome::Fine { .. } => (2, std::cmp::Reverse(Severity::Info)),
            Outcome::NotApplicable { .. } => (3, std::cmp::Reverse(Severity::Info)),
        });
        Self { profile, rows }
    }

    /// The findings, the worst first.
    pub fn findings(&self) -> impl Iterator<Item = (&Row, &Finding)> {
        self.rows.iter().filter_map(|row| Some((row, row.finding()?)))
    }

    /// The worst severity of a finding.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings().map(|(row, _)| row.severity).max()
    }

    /// How many there are of each.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            *match (&row.outcome, row.severity) {
                (Outcome::Finding(_), Severity::Required) => &mut counts.required,
                (Outcome::Finding(_), Severity::Recommended) => &mut counts.recommended,
                (Outcome::Finding(_), Severity::Info) => &mut counts.info,
                (Outcome::Unknown { .. }, _) => &mut counts.unknown,
                (Outcome::Fine { .. }, _) => &mut counts.fine,
                (Outcome::NotApplicable { .. }, _) => &mut counts.not_applicable,
            } += 1;
        }
        counts
    }

    /// The findings and what could not be found out; with `all`, what is well and what does not matter, too.
    #[must_use]
    pub fn text(&self, all: bool) -> String {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| all || row.is_shown()).collect();
        let cells: Vec<[String; 4]> = rows.iter().map(|row| row.cells()).collect();
        let width = |column: usize| {
            let cells = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.max().unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2)];
        let mut text = String::new();
        for (row, [state, id, what, found]) in rows.iter().zip(&cells) {
            let [first, second, third] = widths;
            let line = format!("{state:first$}  {id:second$}  {what:third$}  {found}");
            text.push_str(line.trim_end());
            text.push('\n');
            if let Some(finding) = row.finding() {
                let indent = first + 2;
                text.push_str(&format!("{:indent$}why: {}\n", "", row.reasons()));
                if !finding.changes.is_empty() {
                    text.push_str(&format!("{:indent$}how: {}\n", "", how(&finding.changes)));
                }
            }
        }
        text.push_str(&self.summary());
        text
    }

    /// A row a line, columns separated by tabs.
    #[must_use]
    pub fn plain(&self, all: bool) -> String {
        let rows = self.rows.iter().filter(|row| all || row.is_shown());
        rows.map(|row| {
            let (found, wanted, changes) = row.parts();
            let cells =
                [row.state(), row.check.id, &row.subject, &found, &wanted, row.check.why, &how(changes)];
            cells.map(|cell| cell.replace('\t', " ")).join("\t") + "\n"
        })
        .collect()
    }

    /// Everything.
    #[must_use]
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let counts = self.counts();
        json!({
            "profile": self.profile.name(),
            "counts": {
                "required": counts.required,
                "recommended": counts.recommended,
                "info": counts.info,
                "unknown": counts.unknown,
                "fine": counts.fine,
                "not_applicable": counts.not_applicable,
            },
            "checks": rows,
        })
    }

    fn summary(&self) -> String {
        let Counts { required, recommended, info, unknown, fine, not_applicable } = self.counts();
        format!(
            "profile {}: {required} required, {recommended} recommended, {info} info; \
             {fine} fine, {unknown} unknown, {not_applicable} not applicable\n",
            self.profile
        )
    }
}

impl Row {
    fn is_shown(&self) -> bool {
        matches!(self.outcome, Outcome::Finding(_) | Outcome::Unknown { .. })
    }

    fn state(&self) -> &'static str {
        match self.outcome {
            Outcome::Finding(_) => self.severity.name(),
            Outcome::Unknown { .. } => "unknown",
            Outcome::Fine { .. } => "fine",
            Outcome::NotApplicable { .. } => "n/a",
        }
    }

    fn parts(&self) -> (String, String, &[Change]) {
        match &self.outcome {
            Outcome::Finding(finding) => (finding.found.clone(), finding.wanted.clone(), &finding.changes),
            Outcome::Fine { found } => (found.clone(), String::new(), &[]),
            Outcome::Unknown { why } | Outcome::NotApplicable { why } => (why.clone(), String::new(), &[]),
        }
    }

    fn cells(&self) -> [String; 4] {
        let (found, wanted, _) = self.parts();
        let found = if wanted.is_empty() { found } else { format!("{found}; wanted {wanted}") };
        [self.state().to_owned(), self.check.id.to_owned(), self.what(), found]
    }

    /// Why it matters, with what was measured.
    fn reasons(&self) -> String {
        match self.check.effect {
            Some(effect) => format!("{}; measured: {}", self.check.why, effect.text),
            None => self.check.why.to_owned(),
        }
    }

    fn json(&self) -> Value {
        let (found, wanted, changes) = self.parts();
        let mut value = json!({
            "id": self.check.id,
            "area": self.check.area.name(),
            "title": self.check.title,
            "subject": self.subject,
            "state": match self.outcome {
                Outcome::Finding(_) => "finding",
                Outcome::Unknown { .. } => "unknown",
                Outcome::Fine { .. } => "fine",
                Outcome::NotApplicable { .. } => "not_applicable",
            },
            "severity": self.severity.name(),
            "why": self.check.why,
        });
        let mut add = |name: &str, member: Value| {
            if let Some(members) = value.as_object_mut() {
                members.insert(name.to_owned(), member);
            }
        };
        match &self.outcome {
            Outcome::Unknown { .. } | Outcome::NotApplicable { .. } => add("reason", found.into()),
            Outcome::Fine { .. } => add("found", found.into()),
            Outcome::Finding(_) => {
                add("found", found.into());
                add("wanted", wanted.into());
                add(
                    "changes",
                    changes.iter().map(|change| printable(&change.to_string())).collect::<Vec<_>>().into(),
                );
            }
        }
        if let Some(effect) = self.check.effect {
            add("effect", json!({ "text": effect.text, "run": effect.run }));
        }
        value
    }
}
