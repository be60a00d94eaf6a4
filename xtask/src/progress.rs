//! What a person sees while a recipe runs: one line when a step begins, with how long it usually takes, and one when it
//! is over.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

/// A step that has begun.
#[derive(Debug)]
#[must_use = "say when the step is done"]
pub struct Step {
    started: Instant,
}

/// Announces a step. `usually` is for a two-core machine, such as `about 70 s`; empty when it is over at once.
pub fn step(title: &str, usually: &str) -> Step {
    let title = bold(&format!("▸ {title}"));
    if usually.is_empty() {
        println!("{title}");
    } else {
        println!("{title} ({usually})");
    }
    Step { started: Instant::now() }
}

impl Step {
    /// Says how long it took.
    pub fn done(self) {
        println!("  done in {}", seconds(self.started.elapsed()));
    }
}

/// One line of information that is not a step.
pub fn note(text: &str) {
    println!("  {text}");
}

/// Bold on a terminal, plain in a file.
pub fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// `3.2 s`, `75 s`, `4 min 16 s`.
pub fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole >= 120 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else if whole >= 10 {
        format!("{whole} s")
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// Waits; the one place that does, because everything xtask waits for is another process that can only be asked again.
#[expect(clippy::disallowed_methods, reason = "no clock of a test can move another process along")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(seconds(Duration::from_millis(3210)), "3.2 s");
        assert_eq!(seconds(Duration::from_secs(75)), "75 s");
        assert_eq!(seconds(Duration::from_secs(256)), "4 min 16 s");
    }
}
