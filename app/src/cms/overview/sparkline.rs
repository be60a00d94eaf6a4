//! Small curves without axes, as SVG.

use leptos::prelude::*;

/// Size of the drawing; the style sheet scales it.
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 32.0;
/// Room for the line's thickness.
const MARGIN: f64 = 3.0;

/// Points of the curve from left to right. Zero lies on the ground, so that a quiet fortnight looks quiet.
fn points(values: &[i64]) -> Vec<(f64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "a drawing 120 units wide")]
    let float = |value: i64| value.max(0) as f64;
    let highest = values.iter().copied().max().map_or(1.0, float).max(1.0);
    let last = i64::try_from(values.len()).map_or(1.0, |count| float(count - 1)).max(1.0);
    (0_i64..)
        .zip(values)
        .map(|(index, value)| {
            let x = MARGIN + float(index) / last * (WIDTH - 2.0 * MARGIN);
            let y = HEIGHT - MARGIN - float(*value) / highest * (HEIGHT - 2.0 * MARGIN);
            (x, y)
        })
        .collect()
}

/// A curve of the values. It decorates a number that stands beside it in words, so screen readers pass it over.
#[component]
pub fn Sparkline(values: Vec<i64>) -> impl IntoView {
    let points = points(&values);
    let line = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
    let area = points.first().zip(points.last()).map(|(first, last)| {
        let ground = HEIGHT - MARGIN;
        format!("{:.1},{ground:.1} {line} {:.1},{ground:.1}", first.0, last.0)
    });
    view! {
        <svg class="overview-spark" viewBox="0 0 120 32" aria-hidden="true" preserveAspectRatio="none">
            <polygon class="overview-spark-area" points=area/>
            <polyline class="overview-spark-line" points=line/>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_stay_inside_and_stand_on_the_ground() {
        let curve = points(&[0, 10, 5]);
        assert_eq!(curve, [(3.0, 29.0), (60.0, 3.0), (117.0, 16.0)]);
        assert_eq!(points(&[0, 0]), [(3.0, 29.0), (117.0, 29.0)]);
        assert_eq!(points(&[7]), [(3.0, 3.0)]);
        assert_eq!(points(&[]), []);
    }
}
