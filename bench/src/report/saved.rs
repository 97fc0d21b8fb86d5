//! A saved result, as far as reports look into it. What it lacks is not shown; nothing in it is trusted.

use serde_json::Value;

use crate::error::BenchError;
use crate::json::FORMAT;

/// An interval that is shorter says nothing of a rate.
const SECONDS_MIN: f64 = 0.05;

/// One result and what it is called on the page.
#[derive(Debug)]
pub(super) struct Saved<'a> {
    pub(super) name: String,
    value: &'a Value,
}

impl<'a> Saved<'a> {
    pub(super) fn new(file: &str, value: &'a Value) -> Result<Self, BenchError> {
        match value.get("format").and_then(Value::as_u64) {
            Some(FORMAT) if value.get("changes").is_some() => {
                return Err(BenchError::Result(format!("{file}: a result of groups has nothing to plot")));
            }
            Some(FORMAT) => {}
            Some(other) => {
                return Err(BenchError::Result(format!(
                    "{file}: a result of format {other}; this program reads format {FORMAT}"
                )));
            }
            None => return Err(BenchError::Result(format!("{file}: not a result of strome bench"))),
        }
        let stem = file.rsplit('/').next().unwrap_or(file);
        let stem = stem.strip_suffix(".json").unwrap_or(stem);
        let workload = value.get("workload").and_then(Value::as_str).unwrap_or("run");
        Ok(Self { name: format!("{workload} ({stem})"), value })
    }

    /// What lies at a path such as `produce.latency.p99_us`.
    pub(super) fn at(&self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.value, |value, key| value.get(key)).filter(|value| !value.is_null())
    }

    pub(super) fn number(&self, path: &str) -> Option<f64> {
        self.at(path)?.as_f64()
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.at(path).map(shown)
    }

    /// Pairs of percent and microseconds.
    pub(super) fn curve(&self, part: &str) -> Vec<(f64, f64)> {
        let curve = self.at(&format!("{part}.latency.curve_us")).and_then(Value::as_array);
        let point = |pair: &Value| Some((pair.get(0)?.as_f64()?, pair.get(1)?.as_f64()?));
        curve.into_iter().flatten().filter_map(point).collect()
    }

    /// A figure of each second that was measured. The moments in which the last answers came are no seconds, and would
    /// look like a fall from a cliff.
    pub(super) fn series(&self, figure: impl Fn(&Value) -> Option<f64>) -> Vec<(f64, f64)> {
        let series = self.at("series").and_then(Value::as_array);
        let point = |point: &Value| {
            let at = point.get("at_s")?.as_f64().filter(|at| *at > 0.0)?;
            point.get("seconds")?.as_f64().filter(|seconds| *seconds > SECONDS_MIN)?;
            Some((at, figure(point)?))
        };
        series.into_iter().flatten().filter_map(point).collect()
    }

    /// The members of an object, each with its value as text.
    pub(super) fn members(&self, path: &str) -> Vec<(String, String)> {
        let members = self.at(path).and_then(Value::as_object);
        let members = members.into_iter().flatten().filter(|(_, value)| !value.is_null());
        members.map(|(key, value)| (key.clone(), shown(value))).collect()
    }
}

/// A value for people.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
