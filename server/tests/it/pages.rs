//! What surrounds the pages: addresses that lead nowhere, files under the name of their content, QR codes.

use std::io::Read as _;

use axum::body::Body;
use axum::http::StatusCode;
use shutterpost_model::access::Role;

use crate::support::{Answer, App, As, apps, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_keeps_its_frame_for_whoever_is_signed_in() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let viewer = app.sign_in(&home.email(Role::Viewer)).await;
        for path in ["/cms/nonsense", "/cms/events/x/y/z", "/cms/people/nobody", "/cms/error/not-found"] {
            let answer = app.get(path, &viewer).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            let page = answer.text();
            assert!(page.contains("class=\"rail\"") && page.contains("/cms/sign-out"), "{path}: {page}");
            assert!(page.contains("viewer@home.example"), "{path} shows whose frame it is");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
}

/// The page without what differs in every answer: the nonce of its scripts.
fn unnamed(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    answer.text().replace(nonce, "")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_tells_strangers_nothing() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let ended = app.sign_in(&home.email(Role::Viewer)).await;
        app.form("/cms/sign-out", &ended, &[]).await;
        let plain = app.get("/cms/nonsense", &As::Nobody).await;
        assert_eq!(plain.status, StatusCode::NOT_FOUND);
        assert!(!plain.text().contains("class=\"rail\"") && !plain.text().contains("/cms/sign-out"));
        for (path, who) in [
            ("/cms/other", &As::Nobody),
            ("/cms/events/x/y/z", &As::Nobody),
            ("/cms/nonsense", &As::Cookie("sps_nonsense".into())),
            ("/cms/nonsense", &ended),
            ("/cms/nonsense", &home.device),
        ] {
            let answer = app.get(path, who).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(unnamed(&answer), unnamed(&plain), "{path} as {who:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_text_is_refused_in_the_words_of_its_surface() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let known = app.get("/s/nonsense", &As::Nobody).await;
        let bytes = app.get("/s/%ff", &As::Nobody).await;
        assert_eq!((bytes.status, bytes.body), (known.status, known.body));
        let api = app.get("/api/v1/events/%ff", &home.editor_token).await;
        assert_eq!(api.status, StatusCode::NOT_FOUND);
        assert_eq!(
            (api.header("content-type"), &api.json()["code"]),
            ("application/problem+json", &"not_found".into())
        );
        for answer in [
            app.get("/cms/captures/%ff", &owner).await,
            app.form("/cms/captures/%ff", &owner, &[("intent", "delete")]).await,
        ] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert!(answer.text().contains("<html"), "{}", answer.text());
        }
    }
}

async fn coded(app: &App, path: &str, accept: &str) -> Answer {
    let request = app.request("GET", path, &As::Nobody).header("accept-encoding", accept);
    app.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_our_own_travel_compressed() {
    for app in apps().await {
        for (path, text) in [
            (shutterpost_app::cms::stylesheet_path(), shutterpost_app::cms::stylesheet()),
            (shutterpost_app::share::script_path(), shutterpost_app::share::SCRIPT),
        ] {
            let brotli = coded(&app, path, "gzip, deflate, br, zstd").await;
            let mut plain = Vec::new();
            brotli::BrotliDecompress(&mut brotli.body.as_slice(), &mut plain).expect("brotli");
            assert!(plain == text.as_bytes() && brotli.body.len() * 2 < text.len(), "{path}");
            let gzip = coded(&app, path, "gzip").await;
            let mut plain = String::new();
            flate2::read::GzDecoder::new(gzip.body.as_slice()).read_to_string(&mut plain).expect("gzip");
            assert!(plain == text, "{path}");
            let identity = coded(&app, path, "br;q=0").await;
            assert!(identity.body == text.as_bytes(), "{path}");
            for (answer, coding) in [(&brotli, "br"), (&gzip, "gzip"), (&identity, "")] {
                assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, coding), "{path}");
                assert_eq!(answer.header("vary"), "Accept-Encoding", "{path}");
                assert!(answer.header("cache-control").contains("immutable"), "{path}");
            }
            assert_eq!(brotli.header("content-type"), identity.header("content-type"), "{path}");
        }
    }
}

/// The text that a reader of QR codes gets from the picture: its dark squares as modules, then decoded.
fn read(svg: &str) -> String {
    let path = svg.split("d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
    // Each square is `M{x} {y}h{width}v{height}…`.
    let squares: Vec<[usize; 3]> = path
        .split('M')
        .skip(1)
        .map(|square| {
            let mut numbers = square.split(|c: char| !c.is_ascii_digit()).map(|text| text.parse().expect("a number"));
            std::array::from_fn(|_| numbers.next().expect("place and width"))
        })
        .collect();
    let [left, top, unit] = squares[0];
    let dark: std::collections::BTreeSet<(usize, usize)> =
        squares.iter().map(|[x, y, _]| ((x - left) / unit, (y - top) / unit)).collect();
    let size = dark.iter().map(|(x, _)| x + 1).max().expect("modules");
    assert!(left >= 4 * unit && top >= 4 * unit, "a quiet zone of four modules");
    let grid = rqrr::Grid::new(rqrr::SimpleGrid::from_func(size, |x, y| dark.contains(&(x, y))));
    grid.decode().expect("a QR code").1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_code_of_a_capture_is_its_view_link() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let (page, code) =
            (format!("/cms/captures/{}", home.capture), format!("/cms/captures/{}/qr.svg", home.capture));
        let first = app.get(&code, &editor).await;
        assert_eq!((first.status, first.header("content-type")), (StatusCode::OK, "image/svg+xml"));
        assert_eq!(read(&first.text()), home.view_url);

        let capture = app.capture(&editor, &home.capture).await;
        let links = capture["links"].as_array().expect("links");
        let view = links.iter().find(|link| link["kind"] == "view").expect("the view link");
        let link = view["id"].as_str().expect("an id");
        app.form(&page, &editor, &[("intent", "renew_link"), ("link", link)]).await;
        let second = read(&app.get(&code, &editor).await.text());
        assert!(second.starts_with("http://localhost:8080/s/") && second != home.view_url, "{second}");
        assert_eq!(app.get(&crate::support::path_of(&second), &As::Nobody).await.status, StatusCode::OK);
        app.form(&page, &editor, &[("intent", "revoke_link"), ("link", link)]).await;
        assert_eq!(app.get(&code, &editor).await.status, StatusCode::NOT_FOUND, "a revoked link is offered to nobody");
    }
}
