//! The settings in force for a topic, as typed values that the hot path can read.

/// The settings in force for a topic on this node.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicSettings {
    /// `segment.bytes`.
    pub segment_bytes: u32,
}
