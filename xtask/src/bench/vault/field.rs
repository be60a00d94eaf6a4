//! A field sealed and opened: the time that 99 of 100 do not exceed, against the 15 µs that DESIGN gives it, for a value of
//! the length of an address and for one of 200 bytes. The slower of the two counts. Wall time, because the slowest ones are
//! what matters here; processor time is told beside it.

use serde_json::{Map, Value, json};

use super::program::{Figures, figure, figures, vault};
use crate::{
    bench::pairs::{Better, Pairs, Side, median, rounded},
    checkout::Checkout,
    failure::Failure,
};

const GOAL_MICROS: f64 = 15.0;
/// Sizes in bytes, with the names of their figures.
const SIZES: [(&str, u32); 2] = [("field-24", 24), ("field-200", 200)];

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let program = vault(checkout)?;
    let mut all: Vec<Figures> = Vec::new();
    let pairs = Pairs::measure(count, |side| match side {
        Side::Ours => {
            let found = figures(&program, &["field"])?;
            let mut slowest = 0.0_f64;
            for (name, _) in SIZES {
                slowest = slowest.max(figure(&found, &format!("{name}-p99"))?);
            }
            all.push(found);
            Ok(slowest)
        }
        Side::Theirs => Ok(GOAL_MICROS),
    })?;
    let median_of = |name: &str| -> Result<Value, Failure> {
        let values: Result<Vec<f64>, Failure> = all.iter().map(|figures| figure(figures, name)).collect();
        Ok(json!(rounded(median(values?))))
    };
    let mut more = Map::new();
    more.insert("unit".into(), json!("µs"));
    for (name, size) in SIZES {
        more.insert(format!("p50_{size}"), median_of(&format!("{name}-p50"))?);
        more.insert(format!("p99_{size}"), median_of(&format!("{name}-p99"))?);
        more.insert(format!("cpu_{size}"), median_of(&format!("{name}-cpu"))?);
    }
    // A key that was not at hand has its cipher derived first.
    more.insert("cpu_fresh_key".into(), median_of("field-fresh-key")?);
    Ok(pairs.line("vault-field", "the goal of 15 µs", Better::Lower, more))
}
