//! Picture designs.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::designs::{
    ApplyState, Design, DesignFile, DesignView, Designs, FileKind, Filter, Fit, Format, Line, Logo, NewDesignFile,
    Overlay, Place, PreviewOn, Progress, Weight,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::colour::Colour;
use shutterpost_model::id::{DesignFileId, EventId};

use super::{Answer, World, elsewhere};

/// The overlay and the logo that the design uses, and a frame that it does not.
pub fn design_file_id(number: u8) -> DesignFileId {
    DesignFileId::new(1, [number; 10])
}

/// Half of the photos have the design.
pub fn progress(state: ApplyState) -> Progress {
    let (can_undo, differs) = (state != ApplyState::None, false);
    Progress { state, done: 1200, all: 2400, failed: 0, can_undo, differs }
}

#[async_trait]
impl Designs for World {
    async fn find(&self, _: &Actor, _: &EventId) -> Answer<DesignView> {
        if !self.design {
            return Ok(DesignView { design: Design::default(), version: 0, files: Vec::new() });
        }
        let file = |number: u8, kind: FileKind, name: &str| DesignFile {
            id: design_file_id(number),
            kind,
            name: name.into(),
            media_type: "image/png".into(),
            size: 48_000,
            used: number != 3,
        };
        let mut design = Design { same_for_all: false, ..Design::default() };
        design.portrait.filter = Filter::Warm;
        design.portrait.line = Some(Line {
            text: "Summer <party>".into(),
            colour: Colour::WHITE.into(),
            backing: None,
            weight: Weight::Bold,
            place: Place::Bottom,
            size: 55,
            margin: 40,
        });
        design.landscape.overlay = Some(Overlay { file: design_file_id(1), fit: Fit::Contain });
        design.square.logo = Some(Logo { file: design_file_id(2), place: Place::TopLeft, size: 333, margin: 0 });
        Ok(DesignView {
            design,
            version: 7,
            files: vec![
                file(1, FileKind::Overlay, "Rim <1>.png"),
                file(2, FileKind::Logo, "logo.svg"),
                file(3, FileKind::Frame, "frame.webp"),
            ],
        })
    }

    async fn save(&self, _: &Actor, _: &EventId, _: Design, _: i32) -> Answer<i32> {
        elsewhere()
    }
    async fn add_file(&self, _: &Actor, _: &EventId, _: NewDesignFile) -> Answer<DesignFile> {
        elsewhere()
    }
    async fn remove_file(&self, _: &Actor, _: &EventId, _: &DesignFileId) -> Answer<()> {
        elsewhere()
    }

    /// What was asked for, in the place of a picture.
    async fn preview(&self, _: &Actor, _: &EventId, draft: &Design, on: PreviewOn, format: Format) -> Answer<Vec<u8>> {
        if draft.of(format).line.as_ref().is_some_and(|line| line.text.contains('☃')) {
            return Err(AppError::field("landscape.line.text", Code::NoLetter));
        }
        let filter = draft.of(format).filter.as_str();
        Ok(format!("{filter} on {on} as {}", format.as_str()).into_bytes())
    }

    async fn apply(&self, _: &Actor, _: &EventId) -> Answer<Progress> {
        elsewhere()
    }
    async fn progress(&self, _: &Actor, _: &EventId) -> Answer<Progress> {
        Ok(self.applying.unwrap_or(Progress { done: 0, all: 0, ..progress(ApplyState::None) }))
    }
    async fn pause(&self, _: &Actor, _: &EventId) -> Answer<Progress> {
        elsewhere()
    }
    async fn resume(&self, _: &Actor, _: &EventId) -> Answer<Progress> {
        elsewhere()
    }
    async fn undo(&self, _: &Actor, _: &EventId) -> Answer<Progress> {
        elsewhere()
    }
}
