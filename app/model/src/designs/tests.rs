use super::*;

fn logo(size: u16) -> Option<Logo> {
    let file = DesignFileId::new(0, [0; 10]);
    Some(Logo { file, place: Place::TopLeft, size, margin: 40 })
}

#[test]
fn a_design_is_read_back_and_names_its_files() {
    let mut design = Design { same_for_all: false, ..Design::default() };
    design.portrait.logo = logo(200);
    design.square.frame = Some(Frame::Plain { colour: Colour::WHITE.into(), width: 30 });
    let json = serde_json::to_string(&design).expect("serialises");
    assert_eq!(serde_json::from_str::<Design>(&json).expect("reads"), design);
    let fields: Vec<_> = design.files().into_iter().map(|(field, kind, _)| (field, kind)).collect();
    assert_eq!(fields, [("portrait.logo.file".to_owned(), FileKind::Logo)]);
    assert!(serde_json::from_str::<Design>(r#"{"portrait":{"colour":"red"}}"#).is_err());
}

#[test]
fn one_design_counts_for_all_formats_or_each_its_own() {
    let mut design = Design::default();
    design.portrait.logo = logo(200);
    assert!(design.is_plain());
    assert_eq!(design.of(Format::Portrait), &design.landscape);
    design.same_for_all = false;
    assert!(!design.is_plain());
    assert_eq!(design.of(Format::Portrait), &design.portrait);
}

#[test]
fn numbers_and_words_have_limits() {
    let mut design = Design::default();
    assert!(design.check().is_ok());
    design.square.logo = logo(19);
    design.landscape.line = Some(Line {
        text: " ".into(),
        colour: Colour::WHITE.into(),
        backing: None,
        weight: Weight::Bold,
        place: Place::Bottom,
        size: 301,
        margin: 400,
    });
    let error = design.check().expect_err("three problems");
    assert_eq!(error.of("square.logo.size"), Some(Code::OutOfRange));
    assert_eq!(error.of("landscape.line.size"), Some(Code::OutOfRange));
    assert_eq!(error.of("landscape.line.text"), Some(Code::Required));
    assert_eq!(error.fields.len(), 3);
}

#[test]
fn a_tint_has_two_spellings() {
    for text in ["#102030", "#10203040"] {
        assert_eq!(text.parse::<Tint>().map(|tint| tint.to_string()), Ok(text.to_owned()));
    }
    assert_eq!("#102030ff".parse::<Tint>(), "#102030".parse());
    for text in ["", "#1020304", "#1020304g", "#10203+40", "rgb(1,2,3)", "#10203\u{e9}"] {
        assert_eq!(text.parse::<Tint>(), Err(Code::BadColour), "{text}");
    }
}
