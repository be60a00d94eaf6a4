//! What it would take to draw a drawing, in the renderer's own steps: it goes through everything as the renderer does and
//! adds up instead of drawing. Style sheets, references and units are resolved by then, so nothing hides behind them.
//!
//! All is told in *canvases*, that is, as often as all pixels of the finished picture, whatever its size will be.

use resvg::tiny_skia::{Path, PathSegment, Point, Rect, Transform};
use resvg::usvg::{ClipPath, Group, Mask, Node, Paint, Path as Shape, Stroke, Tree};

use crate::branding::drawing::DrawingError;

/// Pixels filled and laid over each other, in canvases.
const MAX_PAINT: f64 = 120.0;
/// Layers that are held at the same time, in canvases.
const MAX_HELD: f64 = 8.0;
/// The sum of how high all lines of all outlines are, in heights of the canvas: in each row of pixels the renderer goes
/// through all lines that cross it.
const MAX_RISE: f64 = 5_000.0;
/// Lines and curves, and dashes.
const MAX_SEGMENTS: f64 = 200_000.0;
/// Shapes and groups, counted as often as they are drawn.
const MAX_NODES: u32 = 40_000;
const MAX_DEPTH: u32 = 200;
/// A gradient is computed for each pixel, which takes many times as long as a colour.
const GRADIENT: f64 = 8.0;
/// A layer is cleared, laid over the one below, and its edges are looked at.
const LAYER: f64 = 4.0;
/// An outline has two sides and corners.
const OUTLINE: f64 = 4.0;

/// Refuses what would take more than it may.
pub(super) fn weigh(tree: &Tree) -> Result<(), DrawingError> {
    let canvas = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let mut scales = Scales { canvas, paint: 0.0, rise: 0.0, segments: 0.0, nodes: 0 };
    scales.children(tree.root(), At { transform: Transform::identity(), held: 0.0, depth: 0, clipping: None })
}

struct Scales {
    /// In the drawing's units.
    canvas: (f64, f64),
    paint: f64,
    rise: f64,
    segments: f64,
    nodes: u32,
}

/// Where the renderer would be.
#[derive(Clone, Copy)]
struct At {
    transform: Transform,
    /// Canvases of the layers that are held.
    held: f64,
    depth: u32,
    /// Inside of a clipping path, the canvases of the layer that it cuts.
    clipping: Option<f64>,
}

impl Scales {
    fn children(&mut self, group: &Group, at: At) -> Result<(), DrawingError> {
        let at = At { depth: at.depth + 1, ..at };
        if at.depth > MAX_DEPTH {
            return Err(DrawingError::TooComplex("groups inside groups"));
        }
        for node in group.children() {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err(DrawingError::TooComplex("elements"));
            }
            match node {
                Node::Group(group) => self.group(group, at)?,
                Node::Path(shape) => self.shape(shape, at)?,
                Node::Image(_) => return Err(DrawingError::Unsupported("a picture inside the drawing")),
                Node::Text(_) => return Err(DrawingError::Unsupported("text")),
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &Group, at: At) -> Result<(), DrawingError> {
        if !group.filters().is_empty() {
            return Err(DrawingError::Unsupported("a filter"));
        }
        let mut at = At { transform: at.transform.pre_concat(group.transform()), ..at };
        if let Some(layer) = at.clipping {
            if let Some(clip) = group.clip_path() {
                at = self.hold(at, layer)?;
                self.clip(clip, at, layer)?;
            }
            return self.children(group, at);
        }
        if !group.should_isolate() {
            return self.children(group, at);
        }
        let layer = self.layer(group.layer_bounding_box().to_rect().transform(at.transform));
        let at = self.hold(at, layer)?;
        if let Some(clip) = group.clip_path() {
            self.clip(clip, at, layer)?;
        }
        if let Some(mask) = group.mask() {
            self.mask(mask, at, layer)?;
        }
        self.children(group, at)
    }

    /// A layer more.
    fn hold(&mut self, at: At, layer: f64) -> Result<At, DrawingError> {
        self.paint(layer * LAYER)?;
        let held = at.held + layer;
        if held > MAX_HELD {
            return Err(DrawingError::TooComplex("layers inside layers"));
        }
        Ok(At { held, ..at })
    }

    fn clip(&mut self, clip: &ClipPath, at: At, layer: f64) -> Result<(), DrawingError> {
        let at = At { depth: at.depth + 1, ..self.hold(at, layer * 1.25)? };
        let inner = At { transform: at.transform.pre_concat(clip.transform()), clipping: Some(layer), ..at };
        self.children(clip.root(), inner)?;
        clip.clip_path().map_or(Ok(()), |clip| self.clip(clip, at, layer))
    }

    fn mask(&mut self, mask: &Mask, at: At, layer: f64) -> Result<(), DrawingError> {
        let at = At { depth: at.depth + 1, clipping: None, ..self.hold(at, layer * 1.5)? };
        self.children(mask.root(), at)?;
        mask.mask().map_or(Ok(()), |mask| self.mask(mask, at, layer))
    }

    fn shape(&mut self, shape: &Shape, at: At) -> Result<(), DrawingError> {
        let paint_of = |paint: &Paint| match paint {
            Paint::Color(_) => Ok(1.0),
            Paint::LinearGradient(_) | Paint::RadialGradient(_) => Ok(GRADIENT),
            Paint::Pattern(_) => Err(DrawingError::Unsupported("a pattern")),
        };
        if let Some(fill) = shape.fill() {
            let paint = paint_of(fill.paint())?;
            self.paint(self.covered(shape.data().bounds().transform(at.transform)) * paint)?;
            self.outline(shape.data(), at.transform, 0.0, 1.0)?;
        }
        if let Some(stroke) = shape.stroke() {
            let paint = paint_of(stroke.paint())?;
            self.paint(self.covered(shape.stroke_bounding_box().transform(at.transform)) * paint)?;
            let scale = f64::from(at.transform.sx.hypot(at.transform.ky).max(at.transform.kx.hypot(at.transform.sy)));
            let width = f64::from(stroke.width().get()) * scale / self.canvas.1;
            self.outline(shape.data(), at.transform, width, OUTLINE)?;
            self.dashes(shape.data(), stroke, width)?;
        }
        Ok(())
    }

    fn paint(&mut self, canvases: f64) -> Result<(), DrawingError> {
        self.paint += canvases;
        // Not a number is too much as well.
        if self.paint <= MAX_PAINT { Ok(()) } else { Err(DrawingError::TooComplex("large shapes and layers")) }
    }

    /// Lines of an outline and how high they are, each with `thickness` added.
    fn outline(&mut self, path: &Path, transform: Transform, thickness: f64, times: f64) -> Result<(), DrawingError> {
        // What is above or below of the canvas is cut off before rows are gone through.
        let height = |mut point: Point| {
            transform.map_point(&mut point);
            (f64::from(point.y) / self.canvas.1).clamp(0.0, 1.0)
        };
        let (mut start, mut last, mut rise, mut lines) = (0.0_f64, 0.0_f64, 0.0, 0_u32);
        for segment in path.segments() {
            lines += 1;
            let (by, to) = match segment {
                PathSegment::MoveTo(point) => {
                    start = height(point);
                    last = start;
                    continue;
                }
                PathSegment::LineTo(point) => ([None, None], height(point)),
                PathSegment::QuadTo(by, point) => ([Some(by), None], height(point)),
                PathSegment::CubicTo(by, and, point) => ([Some(by), Some(and)], height(point)),
                PathSegment::Close => ([None, None], start),
            };
            for next in by.into_iter().flatten().map(height).chain([to]) {
                rise += (next - last).abs();
                last = next;
            }
        }
        self.lines(f64::from(lines), rise + f64::from(lines) * thickness.min(1.0), times)
    }

    fn dashes(&mut self, path: &Path, stroke: &Stroke, thickness: f64) -> Result<(), DrawingError> {
        let Some(dashes) = stroke.dasharray() else { return Ok(()) };
        let round: f64 = dashes.iter().map(|length| f64::from(*length)).sum();
        let count = length(path) / round * dashes.len() as f64;
        self.lines(count, count * thickness.min(1.0), OUTLINE)
    }

    fn lines(&mut self, count: f64, rise: f64, times: f64) -> Result<(), DrawingError> {
        self.segments += count * times;
        self.rise += rise * times;
        if self.segments <= MAX_SEGMENTS && self.rise <= MAX_RISE {
            Ok(())
        } else {
            Err(DrawingError::TooComplex("lines"))
        }
    }

    /// How much of the canvas is under a box.
    fn covered(&self, bounds: Option<Rect>) -> f64 {
        self.share(bounds, 0.0, 1.0)
    }

    /// How much the renderer sets aside for a layer: it goes up to twice the canvas beyond each side.
    fn layer(&self, bounds: Option<Rect>) -> f64 {
        self.share(bounds, -2.0, 3.0)
    }

    /// What of a box is between `from` and `to` canvases, in canvases.
    fn share(&self, bounds: Option<Rect>, from: f64, to: f64) -> f64 {
        let Some(bounds) = bounds else { return (to - from) * (to - from) };
        let part = |begin: f32, end: f32, whole: f64| {
            let (begin, end) = (f64::from(begin) / whole, f64::from(end) / whole);
            (end.clamp(from, to) - begin.clamp(from, to)).max(0.0)
        };
        part(bounds.left(), bounds.right(), self.canvas.0) * part(bounds.top(), bounds.bottom(), self.canvas.1)
    }
}

/// At most the length of a path, in its own units.
fn length(path: &Path) -> f64 {
    let (mut last, mut start, mut sum) = (Point::zero(), Point::zero(), 0.0);
    for segment in path.segments() {
        let mut to = |points: &[Point]| {
            for point in points {
                sum += f64::from(point.x - last.x).hypot(f64::from(point.y - last.y));
                last = *point;
            }
        };
        match segment {
            PathSegment::MoveTo(point) => (last, start) = (point, point),
            PathSegment::LineTo(point) => to(&[point]),
            PathSegment::QuadTo(by, point) => to(&[by, point]),
            PathSegment::CubicTo(by, and, point) => to(&[by, and, point]),
            PathSegment::Close => to(&[start]),
        }
    }
    sum
}
