//! Which captures of the grid are selected, and where the keyboard stands. Plain rules without a browser.

use std::collections::BTreeSet;

use shutterpost_model::id::CaptureId;

/// Selected captures, the tile under the keyboard, and the tile from which a range extends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    chosen: BTreeSet<CaptureId>,
    anchor: Option<CaptureId>,
}

impl Selection {
    pub fn contains(&self, capture: &CaptureId) -> bool {
        self.chosen.contains(capture)
    }

    pub fn count(&self) -> i64 {
        i64::try_from(self.chosen.len()).unwrap_or(i64::MAX)
    }

    /// The selected captures, in no particular order.
    pub fn captures(&self) -> Vec<CaptureId> {
        self.chosen.iter().cloned().collect()
    }

    /// Selects or deselects one and makes it the start of the next range.
    pub fn toggle(&mut self, capture: &CaptureId) {
        if !self.chosen.remove(capture) {
            self.chosen.insert(capture.clone());
        }
        self.anchor = Some(capture.clone());
    }

    /// Gives everything between the start of the range and the capture the state that the start has, as file
    /// managers do. Without a start it is a plain toggle.
    pub fn extend(&mut self, order: &[CaptureId], to: &CaptureId) {
        let place = |wanted: &CaptureId| order.iter().position(|id| id == wanted);
        let range = self.anchor.as_ref().and_then(place).zip(place(to));
        let (Some((from, to_index)), Some(anchor)) = (range, self.anchor.clone()) else {
            self.toggle(to);
            return;
        };
        let select = self.chosen.contains(&anchor);
        for id in order.iter().take(from.max(to_index) + 1).skip(from.min(to_index)) {
            if select {
                self.chosen.insert(id.clone());
            } else {
                self.chosen.remove(id);
            }
        }
    }

    /// Selects everything that is loaded, or nothing if everything is selected already.
    pub fn toggle_all(&mut self, order: &[CaptureId]) {
        if order.iter().all(|id| self.chosen.contains(id)) {
            self.clear();
        } else {
            self.chosen.extend(order.iter().cloned());
        }
    }

    pub fn clear(&mut self) {
        self.chosen.clear();
        self.anchor = None;
    }

    /// Forgets captures that left the grid.
    pub fn retain(&mut self, order: &[CaptureId]) {
        let left: BTreeSet<_> = order.iter().collect();
        self.chosen.retain(|id| left.contains(id));
    }
}

/// A direction of the arrow keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Back,
    Forth,
    Up,
    Down,
    First,
    Last,
}

impl Direction {
    /// Reads `KeyboardEvent.key`.
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "ArrowLeft" => Some(Self::Back),
            "ArrowRight" => Some(Self::Forth),
            "ArrowUp" => Some(Self::Up),
            "ArrowDown" => Some(Self::Down),
            "Home" => Some(Self::First),
            "End" => Some(Self::Last),
            _ => None,
        }
    }
}

/// The tile reached from `current` among tiles given by the centre of each in page order (x, y, in pixels). Up and
/// down go to the neighbouring row, to the tile whose centre is nearest.
pub fn step(direction: Direction, current: usize, centres: &[(f64, f64)]) -> Option<usize> {
    let last = centres.len().checked_sub(1)?;
    let &(x, y) = centres.get(current)?;
    let row = |beyond: fn(f64, f64) -> bool, nearer: fn(f64, f64) -> bool| {
        let next_row = centres
            .iter()
            .map(|centre| centre.1)
            .filter(|other| beyond(*other, y))
            .reduce(|best, other| if nearer(other, best) { other } else { best })?;
        let tiles = centres.iter().enumerate().filter(|(_, centre)| (centre.1 - next_row).abs() < ROW_TOLERANCE);
        tiles.min_by(|(_, a), (_, b)| (a.0 - x).abs().total_cmp(&(b.0 - x).abs())).map(|(index, _)| index)
    };
    match direction {
        Direction::Back => current.checked_sub(1),
        Direction::Forth => (current < last).then_some(current + 1),
        Direction::First => Some(0),
        Direction::Last => Some(last),
        Direction::Up => row(|other, own| other < own - ROW_TOLERANCE, |other, best| other > best),
        Direction::Down => row(|other, own| other > own + ROW_TOLERANCE, |other, best| other < best),
    }
}

/// Centres of one row differ by rounding only.
const ROW_TOLERANCE: f64 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: u8) -> Vec<CaptureId> {
        (0..count).map(|number| CaptureId::new(i64::from(number), [number; 10])).collect()
    }

    fn chosen(selection: &Selection, order: &[CaptureId]) -> Vec<usize> {
        order.iter().enumerate().filter(|(_, id)| selection.contains(id)).map(|(index, _)| index).collect()
    }

    #[test]
    fn a_range_runs_from_the_last_click_in_both_directions() {
        let order = ids(8);
        let mut selection = Selection::default();
        selection.toggle(&order[4]);
        selection.extend(&order, &order[6]);
        assert_eq!(chosen(&selection, &order), [4, 5, 6]);
        selection.extend(&order, &order[2]);
        assert_eq!(chosen(&selection, &order), [2, 3, 4, 5, 6]);
        selection.toggle(&order[3]);
        selection.extend(&order, &order[5]);
        assert_eq!(chosen(&selection, &order), [2, 6]);
        assert_eq!(selection.count(), 2);
    }

    #[test]
    fn a_range_without_a_start_is_a_click() {
        let order = ids(3);
        let mut selection = Selection::default();
        selection.extend(&order, &order[1]);
        assert_eq!(chosen(&selection, &order), [1]);
        selection.retain(&order[2..]);
        assert_eq!(selection.count(), 0);
        selection.extend(&order[2..], &order[2]);
        assert_eq!(chosen(&selection, &order), [2]);
    }

    #[test]
    fn all_means_all_and_then_none() {
        let order = ids(3);
        let mut selection = Selection::default();
        selection.toggle(&order[0]);
        selection.toggle_all(&order);
        assert_eq!(chosen(&selection, &order), [0, 1, 2]);
        selection.toggle_all(&order);
        assert_eq!(selection.count(), 0);
    }

    #[test]
    fn arrows_walk_rows_of_different_widths() {
        // Row one: 0 1 2, row two: 3 4, row three: 5.
        let centres = [(50.0, 90.0), (150.0, 90.0), (250.0, 91.0), (80.0, 280.0), (230.0, 280.0), (60.0, 470.0)];
        for (direction, from, to) in [
            (Direction::Forth, 2, Some(3)),
            (Direction::Back, 3, Some(2)),
            (Direction::Back, 0, None),
            (Direction::Forth, 5, None),
            (Direction::Down, 2, Some(4)),
            (Direction::Down, 4, Some(5)),
            (Direction::Down, 5, None),
            (Direction::Up, 5, Some(3)),
            (Direction::Up, 4, Some(2)),
            (Direction::Up, 1, None),
            (Direction::Last, 0, Some(5)),
            (Direction::First, 5, Some(0)),
        ] {
            assert_eq!(step(direction, from, &centres), to, "{direction:?} from {from}");
        }
        assert_eq!(step(Direction::Forth, 0, &[]), None);
    }
}
