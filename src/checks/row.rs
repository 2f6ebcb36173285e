//! How many bytes a row takes, as `heap_fill_tuple` lays it out: what comes in which order decides how much is
//! padding.
//!
//! Each value starts at a multiple of its type's alignment, but for values of variable length with a short header,
//! which start anywhere. NULLs take nothing but a bit. A row ends at a multiple of 8. Where a value begins depends
//! on all before it, so what is followed here is how likely each remainder by 8 is.

use crate::model::observation::LayoutColumn;

/// `MAXALIGN`: rows begin and end at multiples of it.
pub const MAXALIGN: f64 = 8.0;
/// A tuple header without its null bitmap.
const HEADER_BYTES: usize = 23;
/// Values up to this long have a header of one byte, and are not aligned.
const SHORT_BYTES_MAX: f64 = 127.0;

/// What is known of a column's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    length: Length,
    alignment: usize,
    null_share: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    Fixed(usize),
    /// Bytes on average, header included.
    Variable(f64),
}

/// What is assumed of values of variable length: no one knows but their average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Widths {
    /// They end anywhere.
    Spread,
    /// All are as long as their average.
    Equal,
}

impl Item {
    /// Of a type of fixed length, in bytes, that takes no NULL.
    pub fn fixed(bytes: usize, alignment: usize) -> Self {
        Self { length: Length::Fixed(bytes), alignment, null_share: 0.0 }
    }

    /// Of a type of variable length, of so many bytes on average, headers of one byte included.
    pub fn variable(bytes: f64) -> Self {
        Self { length: Length::Variable(bytes), alignment: 1, null_share: 0.0 }
    }

    /// Of a column, unless what it takes to know was never counted.
    pub fn of(column: &LayoutColumn) -> Option<Self> {
        let alignment = match column.alignment {
            'c' => 1,
            's' => 2,
            'i' => 4,
            _ => 8,
        };
        // A virtual column stores nothing.
        if column.generated == Some('v') {
            return Some(Self { length: Length::Fixed(0), alignment: 1, null_share: 1.0 });
        }
        let null_share = if column.not_null { 0.0 } else { column.null_share? };
        let Ok(length) = usize::try_from(column.length) else {
            let width = if null_share < 1.0 { column.width? } else { 0.0 };
            let aligned = column.storage == 'p' || width > SHORT_BYTES_MAX;
            let alignment = if aligned { alignment } else { 1 };
            return Some(Self { length: Length::Variable(width), alignment, null_share });
        };
        Some(Self { length: Length::Fixed(length), alignment, null_share })
    }

    fn bytes(&self) -> f64 {
        match self.length {
            #[expect(clippy::cast_precision_loss, reason = "lengths of types")]
            Length::Fixed(bytes) => bytes as f64,
            Length::Variable(bytes) => bytes,
        }
    }

    /// Where it belongs: the most strictly aligned first, what varies in length last.
    fn rank(&self) -> (bool, std::cmp::Reverse<usize>, bool) {
        let (varies, uneven) = match self.length {
            Length::Fixed(bytes) => (false, bytes % self.alignment != 0),
            Length::Variable(_) => (true, false),
        };
        (varies, std::cmp::Reverse(self.alignment), uneven)
    }
}

/// The order that pads least, as positions. Columns that rank the same keep theirs.
pub fn best_order(items: &[Item]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|position| items[*position].rank());
    order
}

/// What the best order of columns saves.
#[derive(Debug, Clone, PartialEq)]
pub struct Reordered {
    /// The columns in the best order, as positions.
    pub order: Vec<usize>,
    /// Bytes of an average row as it is.
    pub now: f64,
    /// The same in the best order.
    pub best: f64,
}

/// The best order of columns, and the least that it saves: no one knows how long each value is, so what is saved is
/// saved whatever they are. Columns that were dropped before are gone from the new order.
pub fn reorder(items: &[Item], dropped: usize) -> Reordered {
    let order = best_order(items);
    let reordered: Vec<Item> = order.iter().map(|position| items[*position]).collect();
    let [spread, equal] = [Widths::Spread, Widths::Equal]
        .map(|widths| (bytes(items, dropped, widths), bytes(&reordered, 0, widths)));
    let least = if spread.0 - spread.1 < equal.0 - equal.1 { spread } else { equal };
    Reordered { order, now: least.0, best: least.1 }
}

/// Bytes of an average row with these columns, and some that were dropped before, which are NULL.
pub fn bytes(items: &[Item], dropped: usize, widths: Widths) -> f64 {
    let mut ends = [0.0; 8];
    ends[0] = 1.0;
    let mut bytes = header(items, dropped);
    for item in items {
        let mut next = ends.map(|likely| likely * item.null_share);
        for (remainder, likely) in ends.iter().enumerate() {
            let likely = likely * (1.0 - item.null_share);
            let padding = remainder.next_multiple_of(item.alignment) - remainder;
            bytes += likely * (float(padding) + item.bytes());
            let begin = remainder + padding;
            match item.length {
                Length::Variable(_) if widths == Widths::Spread => {
                    next = next.map(|end| end + likely / 8.0);
                }
                _ => next[(begin + whole(item.bytes())) % 8] += likely,
            }
        }
        ends = next;
    }
    let rounding = |(remainder, likely): (usize, &f64)| {
        likely * float(remainder.next_multiple_of(8) - remainder)
    };
    bytes + ends.iter().enumerate().map(rounding).sum::<f64>()
}

/// Bytes of an average header: a row without NULLs has no bitmap.
fn header(items: &[Item], dropped: usize) -> f64 {
    let columns = items.len() + dropped;
    let with_bitmap = (HEADER_BYTES + columns.div_ceil(8)).next_multiple_of(8);
    let without = HEADER_BYTES.next_multiple_of(8);
    let complete: f64 = items.iter().map(|item| 1.0 - item.null_share).product();
    let complete = if dropped > 0 { 0.0 } else { complete };
    complete * float(without) + (1.0 - complete) * float(with_bitmap)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a row")]
fn float(bytes: usize) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a value")]
fn whole(bytes: f64) -> usize {
    bytes.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOL: Item = Item { length: Length::Fixed(1), alignment: 1, null_share: 0.0 };
    const INT4: Item = Item { length: Length::Fixed(4), alignment: 4, null_share: 0.0 };
    const INT8: Item = Item { length: Length::Fixed(8), alignment: 8, null_share: 0.0 };
    const UUID: Item = Item { length: Length::Fixed(16), alignment: 1, null_share: 0.0 };
    const TEXT: Item = Item { length: Length::Variable(11.0), alignment: 1, null_share: 0.0 };

    fn row(items: &[Item]) -> f64 {
        bytes(items, 0, Widths::Equal)
    }

    fn best(items: &[Item]) -> f64 {
        row(&best_order(items).into_iter().map(|position| items[position]).collect::<Vec<_>>())
    }

    #[test]
    fn padding_is_saved_unless_the_row_s_end_takes_it_all() {
        assert_eq!((row(&[INT4, INT8]), best(&[INT4, INT8])), (40.0, 40.0));
        let flags = [BOOL, INT8, BOOL, INT8, INT4, INT8];
        assert_eq!((row(&flags), best(&flags)), (72.0, 56.0));
        assert_eq!((row(&[BOOL, UUID]), best(&[BOOL, UUID])), (48.0, 48.0));
    }

    #[test]
    fn short_values_of_variable_length_are_not_aligned_but_push_what_follows() {
        assert_eq!((row(&[TEXT, INT8]), row(&[INT8, TEXT])), (48.0, 48.0));
        assert_eq!((row(&[TEXT, INT8, TEXT]), best(&[TEXT, INT8, TEXT])), (64.0, 56.0));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "sums of whole numbers")]
    fn a_null_takes_nothing_but_a_bitmap() {
        let null = Item { null_share: 1.0, ..INT8 };
        assert_eq!(row(&[INT8, null]), 32.0, "the bitmap fits the header's own padding");
        assert_eq!(row(&[vec![INT8; 9], vec![null]].concat()), 32.0 + 72.0);
        let half = Item { null_share: 0.5, ..INT8 };
        assert_eq!(row(&[half]), 28.0);
        assert_eq!(bytes(&[INT8; 8], 1, Widths::Equal), 32.0 + 64.0, "a dropped column is NULL");
    }
}
