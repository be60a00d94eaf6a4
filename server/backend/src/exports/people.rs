//! Guests and consents in an archive: a table of each, and both together as JSON. Nothing of what they say is kept for it:
//! it is written from the guests' own rows each time, and if it is not what it was, it is not sent.

use std::collections::HashMap;

use async_trait::async_trait;
use crc32fast::Hasher;
use shutterpost_media::zip::Entry;
use shutterpost_model::guests::ConsentView;
use shutterpost_model::pii::{Pii, Purpose};
use shutterpost_model::time::Millis;

use super::names;
use super::queries::{self, ExportRow, PlacedPerson, signed, unsigned};
use crate::db::{Conn, write_tx};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::services::Deps;

/// Guests of one transaction, or of one look.
const PAGE: i64 = 200;

/// The files: name, what stands in front of the guests, and behind them. Spreadsheets read UTF-8 by the mark at its
/// beginning alone.
const FILES: [(&str, &str, &str); 3] = [
    ("guests.csv", "\u{feff}id,created_at,language,name,email,phone,files\r\n", ""),
    ("consents.csv", "\u{feff}guest,purpose,granted,text_version,recorded_at\r\n", ""),
    ("guests.json", "[\n", "\n]\n"),
];

/// A guest as an archive tells of them.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) created_at: Millis,
    pub(crate) language: String,
    pub(crate) name: Option<Pii<String>>,
    pub(crate) email: Option<Pii<String>>,
    pub(crate) phone: Option<Pii<String>>,
    /// All of them, the oldest first.
    pub(crate) consents: Vec<ConsentView>,
}

/// What guests hand in, so that exports import nothing of them.
#[async_trait]
pub(crate) trait People: Send + Sync {
    /// Those of the guests who are there, outside the trash, with their consents until then; in no order.
    async fn people(
        &self,
        conn: &mut Conn,
        scope: &OrgScope,
        guests: &[String],
        until: Millis,
    ) -> Result<Vec<Person>, Failure>;
}

/// What the files say of a guest.
type Parts = [Pii<String>; 3];

/// A cell of a table. Programs that calculate take some first signs for a formula; they are told that it is text. Some take a
/// semicolon for the end of a cell, whatever stands around it: what follows one is a beginning too.
fn cell(text: &str) -> String {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\0', '＝', '＋', '－', '＠'];
    let mut safe = String::with_capacity(text.len() + 2);
    let mut begins = true;
    for sign in text.chars() {
        if begins && FORMULA.contains(&sign) {
            safe.push('\'');
        }
        begins = matches!(sign, ';' | '\t' | '\n' | '\r') || (begins && sign == ' ');
        safe.push(sign);
        if sign == '"' {
            safe.push('"');
        }
    }
    format!("\"{safe}\"")
}

/// `first`: no guest stands in front of them in the JSON.
fn parts(person: Person, files: &[String], first: bool) -> Result<Parts, Failure> {
    let Person { id, created_at, language, name, email, phone, consents } = person;
    let open = |value: Option<Pii<String>>| value.map(|value| value.disclose(Purpose::Export));
    let (name, email, phone) = (open(name), open(email), open(phone));
    let text = |value: &Option<shutterpost_model::pii::Disclosed<String>>| {
        cell(value.as_ref().map_or("", |value| value.get().as_str()))
    };
    let created = created_at.rfc3339();
    let guest = format!(
        "{id},{created},{language},{},{},{},{}\r\n",
        text(&name),
        text(&email),
        text(&phone),
        cell(&files.join(" "))
    );
    let mut table = String::new();
    let mut list = Vec::with_capacity(consents.len());
    for ConsentView { purpose, granted, text_version, recorded_at } in consents {
        let at = recorded_at.rfc3339();
        table.push_str(&format!("{id},{purpose},{granted},{text_version},{at}\r\n"));
        list.push(serde_json::json!({
            "purpose": purpose, "granted": granted, "text_version": text_version, "recorded_at": at,
        }));
    }
    let json = serde_json::json!({
        "id": id, "created_at": created, "language": language, "name": name, "email": email, "phone": phone,
        "files": files, "consents": list,
    });
    let json = format!("{}{json}", if first { "" } else { ",\n" });
    Ok([Pii::new(guest), Pii::new(table), Pii::new(json)])
}

/// The keyed hash by which it is known again. It belongs to the export: the same guest has another in another one.
fn digest(deps: &Deps, row: &ExportRow, parts: &Parts) -> [u8; 32] {
    let mut all = Vec::new();
    for part in parts {
        all.extend((part.expose().len() as u64).to_be_bytes());
        all.extend(part.expose().as_bytes());
    }
    deps.keys.lookup_in("export-guest", &row.id, &all)
}

/// The guests as they are now, each with the names of their captures in the archive.
async fn read(
    deps: &Deps,
    people: &dyn People,
    scope: &OrgScope,
    row: &ExportRow,
    placed: &[PlacedPerson],
) -> Result<HashMap<String, (Person, Vec<String>)>, Failure> {
    let ids: Vec<String> = placed.iter().map(|placed| placed.guest.clone()).collect();
    let mut conn = deps.db.read().await?;
    let mut found: HashMap<String, (Person, Vec<String>)> = people
        .people(&mut conn, scope, &ids, Millis(row.created_at))
        .await?
        .into_iter()
        .map(|person| (person.id.clone(), (person, Vec::new())))
        .collect();
    for (guest, name) in queries::files_of(&mut conn, row, &ids).await? {
        // A file's name without the folder that the list of guests lies in too.
        let name = name.as_deref().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
        if let (Some((_, files)), Some(name)) = (found.get_mut(&guest), name) {
            files.push(name);
        }
    }
    Ok(found)
}

/// Bytes and checksums of the files so far.
fn lengths(row: &ExportRow) -> [i64; 3] {
    [row.guests_length, row.consents_length, row.json_length]
}

/// Adds to a file.
fn add(row: &mut ExportRow, file: usize, text: &str) -> Result<(), Failure> {
    let (length, crc) = match file {
        0 => (&mut row.guests_length, &mut row.guests_crc),
        1 => (&mut row.consents_length, &mut row.consents_crc),
        _ => (&mut row.json_length, &mut row.json_crc),
    };
    let before = u32::try_from(*crc).map_err(|error| Failure::internal("a stored checksum", error))?;
    let mut hasher = Hasher::new_with_initial(before);
    hasher.update(text.as_bytes());
    *crc = i64::from(hasher.finalize());
    *length += signed(text.len() as u64)?;
    Ok(())
}

fn begin(row: &mut ExportRow) -> Result<(), Failure> {
    for (file, (_, head, _)) in FILES.iter().enumerate() {
        if lengths(row).get(file) == Some(&0) {
            add(row, file, head)?;
        }
    }
    Ok(())
}

/// Whether no guest has their place yet.
fn is_first(json_at: i64) -> bool {
    let [.., (_, head, _)] = FILES;
    u64::try_from(json_at).is_ok_and(|at| at == head.len() as u64)
}

/// Gives the next guests their places; `None` when there is nobody left.
pub(super) async fn place(
    deps: &Deps,
    people: &dyn People,
    scope: &OrgScope,
    mut row: ExportRow,
) -> Result<Option<ExportRow>, Failure> {
    let waiting = queries::people_behind(&mut deps.db.read().await?, &row, row.guests_placed, PAGE).await?;
    if waiting.is_empty() {
        return Ok(None);
    }
    let mut found = read(deps, people, scope, &row, &waiting).await?;
    let deps = deps.clone();
    let placed = write_tx!(deps.db, tx => {
        begin(&mut row)?;
        for PlacedPerson { position, guest, .. } in waiting {
            row.guests_placed = position;
            let Some((person, files)) = found.remove(&guest) else {
                queries::leave_out_person(tx, &row, position).await?;
                continue;
            };
            let at = lengths(&row);
            let parts = parts(person, &files, is_first(row.json_length))?;
            for (file, part) in parts.iter().enumerate() {
                add(&mut row, file, part.expose())?;
            }
            queries::place_person(tx, &row, position, at, &digest(&deps, &row, &parts)).await?;
            row.guests += 1;
        }
        queries::keep(tx, &row).await?;
        Ok(row)
    })?;
    Ok(Some(placed))
}

/// Ends the files, whose entries come behind those of the captures.
pub(super) fn end(row: &mut ExportRow) -> Result<(), Failure> {
    begin(row)?;
    for (file, (_, _, tail)) in FILES.iter().enumerate() {
        add(row, file, tail)?;
    }
    Ok(())
}

/// The entries of the files, in their order.
pub(super) fn entries(row: &ExportRow) -> Result<Vec<Entry>, Failure> {
    if !row.people {
        return Ok(Vec::new());
    }
    let crcs = [row.guests_crc, row.consents_crc, row.json_crc];
    let entry = |((name, ..), (length, crc)): (&(&str, &str, &str), (i64, i64))| {
        let crc = u32::try_from(crc).map_err(|error| Failure::internal("a stored checksum", error))?;
        let modified = names::modified(Millis(row.created_at));
        Ok(Entry { name: format!("{}/{name}", row.folder), length: unsigned(length)?, crc, modified })
    };
    FILES.iter().zip(lengths(row).into_iter().zip(crcs)).map(entry).collect()
}

/// The bytes of a file from one of them on, as many as are at hand; none where somebody is gone, or another than they were.
pub(super) async fn bytes(
    deps: &Deps,
    people: &dyn People,
    scope: &OrgScope,
    row: &ExportRow,
    (file, length): (usize, u64),
    from: u64,
) -> Result<Vec<u8>, Failure> {
    let Some((_, head, tail)) = FILES.get(file) else { return Ok(Vec::new()) };
    if from < head.len() as u64 {
        return Ok(rest(head, from));
    }
    let end = length - tail.len() as u64;
    if from >= end {
        return Ok(rest(tail, from - end));
    }
    let mut conn = deps.db.read().await?;
    let Some(first) = queries::person_at(&mut conn, row, file, signed(from)?).await? else { return Ok(Vec::new()) };
    let placed = queries::people_behind(&mut conn, row, first - 1, PAGE).await?;
    drop(conn);
    let mut found = read(deps, people, scope, row, &placed).await?;
    let (mut text, mut begins, mut next) = (String::new(), None, None);
    for PlacedPerson { position, guest, at, digest: noted } in placed {
        let (Some(guests_at), Some(consents_at), Some(json_at)) = at else { break };
        let at = [guests_at, consents_at, json_at];
        // Somebody stood in between.
        if next.is_some_and(|next| next != at) {
            break;
        }
        let Some((person, files)) = found.remove(&guest) else { break };
        let parts = parts(person, &files, is_first(json_at))?;
        if noted.as_deref() != Some(&digest(deps, row, &parts)[..]) {
            // They changed since. The archive cannot be sent to its end any more, and is to say so.
            let row = row.clone();
            write_tx!(deps.db, tx => queries::leave_out_person(tx, &row, position).await)?;
            break;
        }
        let mut behind = at;
        for (place, part) in behind.iter_mut().zip(&parts) {
            *place += signed(part.expose().len() as u64)?;
        }
        next = Some(behind);
        if begins.is_none() {
            begins = at.get(file).copied();
        }
        if let Some(part) = parts.get(file) {
            text.push_str(part.expose());
        }
    }
    let begins = unsigned(begins.unwrap_or_default())?;
    Ok(rest(&text, from.saturating_sub(begins)))
}

fn rest(text: &str, from: u64) -> Vec<u8> {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    text.as_bytes().get(from..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        for (text, expected) in [
            ("Anna", "\"Anna\""),
            ("O\"Neill, \"A\"", "\"O\"\"Neill, \"\"A\"\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+4930123456", "\"'+4930123456\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("－1", "\"'－1\""),
            ("x;=cmd|' /C calc'!A0;", "\"x;'=cmd|' /C calc'!A0;\""),
            ("x; =1", "\"x; '=1\""),
            ("Anna-Maria; geb. Muster", "\"Anna-Maria; geb. Muster\""),
            ("\tx", "\"'\tx\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn everybody_is_an_element_of_one_list() {
        let person = |id: &str| Person {
            id: id.into(),
            created_at: Millis(0),
            language: "de".into(),
            name: Some(Pii::new("Änne \"X\"\n".into())),
            email: None,
            phone: Some(Pii::new("+4930123456".into())),
            consents: vec![ConsentView {
                purpose: "delivery".into(),
                granted: true,
                text_version: 2,
                recorded_at: Millis(1000),
            }],
        };
        let files = ["000001.jpg".to_owned(), "000002.jpg".to_owned()];
        let [one, two] =
            [("a", true), ("b", false)].map(|(id, first)| parts(person(id), &files, first).expect("parts"));
        let [.., (_, head, tail)] = FILES;
        let text = format!("{head}{}{}{tail}", one[2].expose(), two[2].expose());
        let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(list[1]["id"], "b");
        assert_eq!(list[0]["phone"], "+4930123456", "as it is, for programs");
        assert_eq!(list[0]["consents"][0]["recorded_at"], "1970-01-01T00:00:01Z");
        assert_eq!(one[1].expose(), "a,delivery,true,2,1970-01-01T00:00:01Z\r\n");
        assert_eq!(
            one[0].expose(),
            "a,1970-01-01T00:00:00Z,de,\"Änne \"\"X\"\"\n\",\"\",\"'+4930123456\",\"000001.jpg 000002.jpg\"\r\n"
        );
    }
}
