//! From text to value and back, as Kafka's `ConfigDef.parseType` and `convertToString` do it.

use std::fmt;

use super::{Setting, ValueType};

/// A setting's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Boolean(bool),
    Short(i16),
    Int(i32),
    Long(i64),
    Double(f64),
    /// A string, a class or a password.
    Text(String),
    List(Vec<String>),
}

/// Why a setting cannot be had; its text is meant for the user who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidSetting {
    /// Nothing is called so.
    Unknown { kind: &'static str, name: String },
    /// The value is not one of those which the setting may have.
    Value { name: String, value: String, reason: String },
    /// Two values do not go together, or one is not allowed here.
    Conflict(String),
}

/// Stands for the value of a secret in what is shown.
const HIDDEN: &str = "[hidden]";

impl InvalidSetting {
    /// A value of `setting` that it may not have. A secret's value is left out.
    pub(super) fn value(setting: &Setting, value: &str, reason: impl Into<String>) -> Self {
        let value = if setting.is_sensitive() { HIDDEN } else { value };
        Self::Value { name: setting.name.to_owned(), value: value.to_owned(), reason: reason.into() }
    }

    /// The setting that this is about, if it is about one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unknown { name, .. } | Self::Value { name, .. } => Some(name),
            Self::Conflict(_) => None,
        }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { kind, name } => write!(f, "Unknown {kind} config name: {name}"),
            Self::Value { name, value, reason } => {
                write!(f, "Invalid value '{value}' for configuration {name}: {reason}")
            }
            Self::Conflict(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for InvalidSetting {}

/// The value of `setting` that `text` stands for, checked against what the setting accepts.
pub(super) fn parse(setting: &Setting, text: &str) -> Result<Value, InvalidSetting> {
    let text = text.trim();
    let value =
        typed(setting.value_type, text).map_err(|reason| InvalidSetting::value(setting, text, reason))?;
    match setting.accepts.objection(&value) {
        None => Ok(value),
        Some(reason) => Err(InvalidSetting::value(setting, text, reason)),
    }
}

/// `text` as a value of this type.
fn typed(value_type: ValueType, text: &str) -> Result<Value, String> {
    match value_type {
        ValueType::Boolean => {
            boolean(text).ok_or_else(|| "Expected value to be either true or false".to_owned())
        }
        ValueType::Short => text.parse().map(Value::Short).map_err(|_| not_a_number("SHORT")),
        ValueType::Int => text.parse().map(Value::Int).map_err(|_| not_a_number("INT")),
        ValueType::Long => text.parse().map(Value::Long).map_err(|_| not_a_number("LONG")),
        ValueType::Double => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Double(number)),
            _ => Err(not_a_number("DOUBLE")),
        },
        ValueType::String | ValueType::Class | ValueType::Password => Ok(Value::Text(text.to_owned())),
        ValueType::List => Ok(Value::List(list(text))),
    }
}

fn boolean(text: &str) -> Option<Value> {
    if text.eq_ignore_ascii_case("true") {
        Some(Value::Boolean(true))
    } else if text.eq_ignore_ascii_case("false") {
        Some(Value::Boolean(false))
    } else {
        None
    }
}

fn not_a_number(name: &str) -> String {
    format!("Not a number of type {name}")
}

/// The parts of `text` between its commas; none for the empty text.
pub(super) fn list(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(|part| part.trim().to_owned()).collect()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Short(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Long(value) => value.fmt(f),
            Self::Double(value) => f.write_str(&java_double(*value)),
            Self::Text(value) => f.write_str(value),
            Self::List(value) => f.write_str(&value.join(",")),
        }
    }
}

/// The number as Java's `Double.toString` writes it, since that is what clients of Kafka see.
fn java_double(number: f64) -> String {
    const PLAIN: std::ops::Range<f64> = 1e-3..1e7;
    if number == 0.0 || PLAIN.contains(&number.abs()) {
        return format!("{number:?}");
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

impl Value {
    /// The number, for whole numbers of any width.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Short(number) => Some(i64::from(*number)),
            Self::Int(number) => Some(i64::from(*number)),
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }

    /// The number of a decimal setting.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }
}
