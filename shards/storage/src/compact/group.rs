//! Which segments become one: as many as fit into `segment.bytes`, so that a log whose segments shrink does not end up
//! with ever more of them. Kafka's `groupSegmentsBySize`.

use types::Offset;

use crate::segment::Segment;

/// What one segment may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupBounds {
    /// `segment.bytes`.
    pub(super) bytes: u64,
    /// `segment.index.bytes`, for each of the indexes.
    pub(super) index_bytes: u64,
}

/// A segment with the sizes of its index files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sized {
    pub(super) segment: Segment,
    pub(super) offset_index_bytes: u64,
    pub(super) time_index_bytes: u64,
}

/// How many of `segments`, which are in order, become the next segment; `end` is where the last one ends. At least one,
/// if there is one.
pub(super) fn first_group(segments: &[Sized], end: Offset, bounds: GroupBounds) -> usize {
    let Some((first, rest)) = segments.split_first() else { return 0 };
    let (mut bytes, mut offsets, mut times) =
        (first.segment.bytes, first.offset_index_bytes, first.time_index_bytes);
    let mut count = 1;
    for (i, next) in rest.iter().enumerate() {
        bytes += next.segment.bytes;
        offsets += next.offset_index_bytes;
        times += next.time_index_bytes;
        let behind = rest.get(i + 1).map_or(end, |behind| behind.segment.base);
        let reach = behind.0 - 1 - first.segment.base.0;
        let fits = bytes <= bounds.bytes && offsets <= bounds.index_bytes && times <= bounds.index_bytes;
        // Empty segments have no entries whose offsets would have to fit; they are gathered, whatever their distance.
        if !fits || next.segment.bytes > 0 && reach > i64::from(i32::MAX) {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::TimestampMs;

    fn segment(base: i64, bytes: u64, index: u64) -> Sized {
        let segment = Segment { base: Offset(base), bytes, max_timestamp: TimestampMs(0) };
        Sized { segment, offset_index_bytes: index, time_index_bytes: index }
    }

    const BOUNDS: GroupBounds = GroupBounds { bytes: 100, index_bytes: 50 };

    #[test]
    fn segments_are_gathered_up_to_the_size_of_one() {
        let segments = [segment(0, 60, 1), segment(10, 40, 1), segment(20, 1, 1)];
        assert_eq!(first_group(&segments, Offset(30), BOUNDS), 2);
        assert_eq!(first_group(&segments[1..], Offset(30), BOUNDS), 2);
        assert_eq!(first_group(&[segment(0, 500, 500)], Offset(30), BOUNDS), 1, "however large it is");
        assert_eq!(first_group(&[], Offset(30), BOUNDS), 0);
        let indexes = [segment(0, 1, 30), segment(10, 1, 20), segment(20, 1, 1)];
        assert_eq!(first_group(&indexes, Offset(30), BOUNDS), 2);
    }

    #[test]
    fn offsets_of_a_group_fit_into_its_index() {
        let far = i64::from(i32::MAX);
        let segments = [segment(0, 1, 1), segment(far, 1, 1), segment(far + 2, 1, 1)];
        assert_eq!(first_group(&segments, Offset(far + 3), BOUNDS), 1);
        assert_eq!(first_group(&segments[..2], Offset(far + 1), BOUNDS), 2);
        let empty = [segment(0, 0, 0), segment(far + 10, 0, 0), segment(2 * far, 1, 1)];
        assert_eq!(first_group(&empty, Offset(2 * far + 1), BOUNDS), 2);
    }
}
