//! Interleaved pairs: ours and theirs in turn, so that a slow minute of the machine meets both.

use serde_json::{Map, Value, json};

use crate::{failure::Failure, progress};

/// Which way a ratio of ours to theirs is good.
#[derive(Debug, Clone, Copy)]
pub enum Better {
    Lower,
    Higher,
}

/// Measured pairs.
#[derive(Debug, Default)]
pub struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    /// Measures each side `count` times; the side that begins alternates. `measure` is told whether it is our turn.
    pub fn measure(count: usize, mut measure: impl FnMut(Side) -> Result<f64, Failure>) -> Result<Self, Failure> {
        let mut pairs = Self::default();
        for turn in 0..count {
            let (ours, theirs) = if turn % 2 == 0 {
                let ours = measure(Side::Ours)?;
                (ours, measure(Side::Theirs)?)
            } else {
                let theirs = measure(Side::Theirs)?;
                (measure(Side::Ours)?, theirs)
            };
            progress::note(&format!(
                "pair {} of {count}: ours {ours:.3}, theirs {theirs:.3}, {:.3}",
                turn + 1,
                ours / theirs
            ));
            pairs.0.push((ours, theirs));
        }
        Ok(pairs)
    }

    /// Pairs of what was measured beside something else, in the order of their turns.
    pub fn of(ours: &[f64], theirs: &[f64]) -> Self {
        Self(ours.iter().copied().zip(theirs.iter().copied()).collect())
    }

    /// Median, least and greatest ratio.
    pub fn ratio(&self) -> (f64, f64, f64) {
        let mut ratios: Vec<f64> = self.0.iter().map(|(ours, theirs)| ours / theirs).collect();
        ratios.sort_by(f64::total_cmp);
        let least = ratios.first().copied().unwrap_or(f64::NAN);
        let greatest = ratios.last().copied().unwrap_or(f64::NAN);
        (median(ratios), least, greatest)
    }

    /// The medians of both sides by themselves.
    pub fn medians(&self) -> (f64, f64) {
        (
            median(self.0.iter().map(|(ours, _)| *ours).collect()),
            median(self.0.iter().map(|(_, theirs)| *theirs).collect()),
        )
    }

    /// The line that every bench prints, with the absolute figures of its own in `more`.
    pub fn line(&self, bench: &str, against: &str, better: Better, more: Map<String, Value>) -> Value {
        let (ratio, min, max) = self.ratio();
        let mut line = Map::new();
        line.insert("bench".into(), json!(bench));
        line.insert("ratio".into(), json!(rounded(ratio)));
        line.insert("min".into(), json!(rounded(min)));
        line.insert("max".into(), json!(rounded(max)));
        line.insert("pairs".into(), json!(self.0.len()));
        line.insert("against".into(), json!(against));
        line.insert(
            "better".into(),
            json!(match better {
                Better::Lower => "lower",
                Better::Higher => "higher",
            }),
        );
        line.extend(more);
        Value::Object(line)
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Ours,
    Theirs,
}

/// The middle value, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => (below + above) / 2.0,
        (_, Some(value)) => *value,
        _ => f64::NAN,
    }
}

/// The value below which `share` of all lie (nearest rank).
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Four digits are more than the spread allows anyway.
pub fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(vec![]).is_nan());
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(hundred.clone(), 0.99), 99.0);
        assert_eq!(percentile(hundred, 0.5), 50.0);
    }

    #[test]
    fn sides_take_turns_in_beginning_and_the_line_has_the_agreed_keys() {
        let mut order = Vec::new();
        let pairs = Pairs::measure(3, |side| {
            order.push(side);
            Ok(if side == Side::Ours { 2.0 } else { 4.0 })
        })
        .unwrap();
        assert_eq!(order, [Side::Ours, Side::Theirs, Side::Theirs, Side::Ours, Side::Ours, Side::Theirs]);
        let line = pairs.line("x", "y", Better::Lower, Map::new());
        assert_eq!(
            line,
            json!({"bench": "x", "ratio": 0.5, "min": 0.5, "max": 0.5, "pairs": 3, "against": "y", "better": "lower"})
        );
    }
}
