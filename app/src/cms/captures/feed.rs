//! The list of the grid as it grows: pages at its end, new captures at its start. Plain rules without a browser.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use shutterpost_model::captures::{CaptureFilter, CaptureSummary};
use shutterpost_model::id::CaptureId;
use shutterpost_model::messages::DeliveryState;

use crate::words::encode;

/// What a look at the newest page brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Captures nobody has seen yet, newest first; known ones may have changed.
    Some(Vec<CaptureSummary>),
    /// So many came at once that the list has a gap: start over with the fresh page.
    Gap,
}

/// What of a fresh first page is new. `known` are all captures that the grid or its waiting pill holds.
pub fn news(known: &HashSet<CaptureId>, fresh: &[CaptureSummary]) -> News {
    let unseen: Vec<_> = fresh.iter().filter(|capture| !known.contains(&capture.id)).cloned().collect();
    if unseen.len() == fresh.len() && !fresh.is_empty() && !known.is_empty() { News::Gap } else { News::Some(unseen) }
}

/// Takes over what changed of captures that are shown already (their delivery, mostly). Tells whether anything did.
pub fn refresh(shown: &mut [CaptureSummary], fresh: &[CaptureSummary]) -> bool {
    let fresh: HashMap<_, _> = fresh.iter().map(|capture| (&capture.id, capture)).collect();
    let mut changed = false;
    for capture in shown {
        if let Some(newer) = fresh.get(&capture.id).filter(|newer| **newer != capture) {
            *capture = (*newer).clone();
            changed = true;
        }
    }
    changed
}

/// Takes away what a fresh first page should hold and does not: deleted by somebody else in the meantime. `complete`
/// says that no page follows. Tells whether anything went.
pub fn drop_vanished(shown: &mut Vec<CaptureSummary>, fresh: &[CaptureSummary], complete: bool) -> bool {
    let there: HashSet<_> = fresh.iter().map(|capture| &capture.id).collect();
    let covered = fresh.last().map(|last| (last.captured_at, &last.id));
    let before = shown.len();
    shown.retain(|capture| {
        let in_range = complete || covered.is_some_and(|last| (capture.captured_at, &capture.id) > last);
        !in_range || there.contains(&capture.id)
    });
    shown.len() != before
}

/// Puts captures where they belong: newest first, each once.
pub fn insert(shown: &mut Vec<CaptureSummary>, more: Vec<CaptureSummary>) {
    let known: HashSet<_> = shown.iter().map(|capture| capture.id.clone()).collect();
    shown.extend(more.into_iter().filter(|capture| !known.contains(&capture.id)));
    shown.sort_by(|a, b| (b.captured_at, &b.id).cmp(&(a.captured_at, &a.id)));
}

/// The filter as the address shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FilterQuery {
    pub filter: CaptureFilter,
    pub cursor: Option<String>,
}

impl FilterQuery {
    /// Reads the query; what it does not know counts as absent, as an old bookmark should still open.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let filter = CaptureFilter {
            delivery: get("delivery").as_deref().and_then(DeliveryState::from_name),
            guest: get("guest").and_then(|text| match text.as_str() {
                "with" => Some(true),
                "without" => Some(false),
                _ => None,
            }),
            device: get("device").and_then(|text| text.parse().ok()),
            from: None,
            to: None,
            trash: get("trash").as_deref() == Some("1"),
        };
        Self { filter, cursor: get("cursor").filter(|cursor| !cursor.is_empty()) }
    }

    /// The query with its `?`, or nothing where there is no restriction.
    pub fn write(&self) -> String {
        let mut parts = Vec::new();
        if let Some(delivery) = self.filter.delivery {
            parts.push(format!("delivery={}", delivery.as_str()));
        }
        if let Some(guest) = self.filter.guest {
            parts.push(format!("guest={}", if guest { "with" } else { "without" }));
        }
        if let Some(device) = &self.filter.device {
            parts.push(format!("device={device}"));
        }
        if self.filter.trash {
            parts.push("trash=1".to_owned());
        }
        if let Some(cursor) = &self.cursor {
            parts.push(format!("cursor={}", encode(cursor)));
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

/// Whether the filter leaves anything out.
#[cfg(feature = "ssr")]
pub fn is_restricted(filter: &CaptureFilter) -> bool {
    *filter != CaptureFilter::default()
}

/// The address of another rendition of the same capture and revision: `…/thumb-3.webp` → `…/large-3.webp`.
pub fn rendition(thumb: &str, name: &str) -> String {
    match thumb.rsplit_once("/thumb-") {
        Some((before, after)) => format!("{before}/{name}-{after}"),
        None => thumb.to_owned(),
    }
}

/// The class that reserves the box of a picture: its aspect ratio in twentieths, from 2:5 to 3:1. Style attributes are
/// refused by the content security policy, so `style/cms/captures/ratios.css` holds one rule for each.
pub fn ratio_class(width: i32, height: i32) -> String {
    let (width, height) = (i64::from(width.max(1)), i64::from(height.max(1)));
    let twentieths = ((width * 20 + height / 2) / height).clamp(8, 60);
    format!("captures-ratio-{}", twentieths * 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shutterpost_model::time::Millis;

    fn capture(at: i64, delivery: Option<DeliveryState>) -> CaptureSummary {
        let id = CaptureId::new(at, [7; 10]);
        CaptureSummary {
            thumb: format!("/cms/media/{id}/thumb-3.webp"),
            id,
            kind: shutterpost_model::captures::CaptureKind::Still,
            duration: None,
            unplayable: false,
            captured_at: Millis(at),
            width: 3,
            height: 2,
            guests: 0,
            delivery,
            deleted_at: None,
        }
    }

    fn known(captures: &[CaptureSummary]) -> HashSet<CaptureId> {
        captures.iter().map(|capture| capture.id.clone()).collect()
    }

    #[test]
    fn only_unseen_captures_are_news() {
        let shown = [capture(2, None), capture(1, None)];
        let fresh = [capture(3, None), capture(2, None)];
        assert_eq!(news(&known(&shown), &fresh), News::Some(vec![capture(3, None)]));
        assert_eq!(news(&known(&shown), &[capture(9, None), capture(8, None)]), News::Gap);
        assert_eq!(news(&known(&[]), &[capture(9, None)]), News::Some(vec![capture(9, None)]));
        assert_eq!(news(&known(&shown), &[]), News::Some(vec![]));
    }

    #[test]
    fn a_changed_delivery_is_taken_over() {
        let mut shown = [capture(2, Some(DeliveryState::Queued)), capture(1, None)];
        let fresh = [capture(2, Some(DeliveryState::Sent))];
        assert!(refresh(&mut shown, &fresh));
        assert_eq!(shown[0].delivery, Some(DeliveryState::Sent));
        assert!(!refresh(&mut shown, &fresh));
    }

    #[test]
    fn what_others_deleted_leaves_the_grid() {
        let all = || vec![capture(5, None), capture(4, None), capture(3, None), capture(2, None)];
        let times = |shown: &[CaptureSummary]| shown.iter().map(|capture| capture.captured_at.0).collect::<Vec<_>>();
        let mut shown = all();
        assert!(drop_vanished(&mut shown, &[capture(5, None), capture(3, None)], false));
        assert_eq!(times(&shown), [5, 3, 2]);
        let mut shown = all();
        assert!(drop_vanished(&mut shown, &[capture(5, None)], true));
        assert_eq!(times(&shown), [5]);
        let mut shown = all();
        assert!(!drop_vanished(&mut shown, &[], false));
        assert_eq!(times(&shown), [5, 4, 3, 2]);
    }

    #[test]
    fn captures_stand_newest_first_and_once() {
        let mut shown = vec![capture(5, None), capture(3, None)];
        insert(&mut shown, vec![capture(4, None), capture(5, None), capture(9, None)]);
        let times: Vec<_> = shown.iter().map(|capture| capture.captured_at.0).collect();
        assert_eq!(times, [9, 5, 4, 3]);
    }

    #[test]
    fn a_filter_round_trips_through_the_address() {
        let device = shutterpost_model::id::DeviceId::new(1, [1; 10]);
        let query = FilterQuery {
            filter: CaptureFilter {
                delivery: Some(DeliveryState::Failed),
                guest: Some(false),
                device: Some(device.clone()),
                trash: true,
                ..CaptureFilter::default()
            },
            cursor: Some("a+b=".to_owned()),
        };
        assert_eq!(query.write(), format!("?delivery=failed&guest=without&device={device}&trash=1&cursor=a%2Bb%3D"));
        let read = FilterQuery::read(|name| match name {
            "delivery" => Some("failed".to_owned()),
            "guest" => Some("without".to_owned()),
            "device" => Some(device.to_string()),
            "trash" => Some("1".to_owned()),
            "cursor" => Some("a+b=".to_owned()),
            _ => None,
        });
        assert_eq!(read, query);
        assert_eq!(FilterQuery::default().write(), "");
        assert_eq!(FilterQuery::read(|_| Some("nonsense".to_owned())).filter, CaptureFilter::default());
    }

    #[test]
    fn other_renditions_are_found_beside_the_thumb() {
        assert_eq!(rendition("/cms/media/cap_1/thumb-3.webp", "large"), "/cms/media/cap_1/large-3.webp");
        assert_eq!(rendition("/elsewhere", "large"), "/elsewhere");
    }

    #[test]
    fn boxes_follow_the_picture_within_bounds() {
        for (width, height, class) in [
            (3000, 2000, "captures-ratio-150"),
            (4000, 3000, "captures-ratio-135"),
            (2000, 3000, "captures-ratio-65"),
            (1, 1, "captures-ratio-100"),
            (10_000, 10, "captures-ratio-300"),
            (10, 10_000, "captures-ratio-40"),
            (0, 0, "captures-ratio-100"),
        ] {
            assert_eq!(ratio_class(width, height), class);
        }
    }
}
