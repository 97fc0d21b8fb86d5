//! What one consumer group goes by: the settings of its own, or else those of the coordinator.

use metadata::{ConfigResource, Image, ResourceKind};

use crate::names::GroupId;
use crate::settings::ConsumerSettings;

/// See the module. Looked up anew with every heartbeat, so that changes are in force at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupSettings {
    /// `consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `consumer.assignment.interval.ms`: how long the group stays with an assignment before it is thought over again.
    pub assignment_interval_ms: i32,
}

impl GroupSettings {
    /// The settings of `group`. Values that the coordinator's bounds do not allow, perhaps because they were narrowed
    /// since, count as the nearest allowed.
    pub fn of(group: &GroupId, image: &Image, settings: &ConsumerSettings) -> Self {
        let resource = ConfigResource { kind: ResourceKind::Group, name: group.as_str().into() };
        let own = image.configs(&resource);
        let number = |key: &str, default: i32, min: i32, max: i32| {
            let text = own.and_then(|own| own.get(key));
            text.and_then(|text| text.parse().ok()).unwrap_or(default).min(max).max(min)
        };
        Self {
            session_timeout_ms: number(
                "consumer.session.timeout.ms",
                settings.session_timeout_ms,
                settings.session_timeout_ms_min,
                settings.session_timeout_ms_max,
            ),
            heartbeat_interval_ms: number(
                "consumer.heartbeat.interval.ms",
                settings.heartbeat_interval_ms,
                settings.heartbeat_interval_ms_min,
                settings.heartbeat_interval_ms_max,
            ),
            assignment_interval_ms: number(
                "consumer.assignment.interval.ms",
                settings.assignment_interval_ms,
                settings.assignment_interval_ms_min,
                settings.assignment_interval_ms_max,
            ),
        }
    }
}
