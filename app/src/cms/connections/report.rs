//! Testing a connection, and what came of it, check by check.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::connections::{ConnectionView, ReportLine, TestReport, Verdict};

use super::words::{advice, check};
use crate::cms::forms::OutcomeBanner;
use crate::texts::{language_of, use_locale};
use crate::ui::{Badge, Column, Meaning, Submit, Table, Time, Tone};

#[component]
pub fn TestCard(connection: ConnectionView) -> impl IntoView {
    let locale = use_locale();
    let ConnectionView { summary, report, .. } = connection;
    let tested = match summary.tested_at {
        Some(at) => td_string!(locale, connections.test_done, date = at.date().readable(language_of(locale))),
        None => td_string!(locale, connections.test_missing).to_owned(),
    };
    let forms = summary.complete.then(|| {
        view! {
            <div class="form-actions">
                <form method="post">
                    <Submit intent="probe">{td_string!(locale, connections.test_probe)}</Submit>
                </form>
                <form method="post" action=format!("/sso/{}/test", summary.id)>
                    <Submit tone=Tone::Primary>{td_string!(locale, connections.test_sign_in)}</Submit>
                </form>
            </div>
        }
    });
    view! {
        <section class="card" aria-labelledby="test-title">
            <h2 class="section-title" id="test-title">{td_string!(locale, connections.step_test)}</h2>
            <OutcomeBanner intent="probe"/>
            <p>{td_string!(locale, connections.test_text)}</p>
            <p>{tested}</p>
            {forms}
            {report.map(|report| view! { <Report report/> })}
        </section>
    }
}

#[component]
fn Report(report: TestReport) -> impl IntoView {
    let locale = use_locale();
    let TestReport { sign_in, lines, at } = report;
    let title = if sign_in {
        td_string!(locale, connections.report_sign_in)
    } else {
        td_string!(locale, connections.report_probe)
    };
    let columns = vec![
        Column::text(td_string!(locale, connections.report_check)),
        Column::text(td_string!(locale, connections.report_verdict)),
    ];
    let rows = lines.into_iter().map(|line| view! { <Line line/> }).collect_view();
    view! {
        <h3 class="field-label">{title} ": " <Time at/></h3>
        <Table label=title columns>{rows}</Table>
    }
}

#[component]
fn Line(line: ReportLine) -> impl IntoView {
    let locale = use_locale();
    let ReportLine { check: name, verdict, detail } = line;
    let (meaning, text) = match verdict {
        Verdict::Passed => (Meaning::Good, td_string!(locale, connections.verdict_passed)),
        Verdict::Failed => (Meaning::Bad, td_string!(locale, connections.verdict_failed)),
        Verdict::NotReached => (Meaning::Neutral, td_string!(locale, connections.verdict_not_reached)),
    };
    let detail = detail.filter(|_| verdict == Verdict::Failed);
    let advice = detail.as_deref().and_then(|code| advice(locale, code));
    view! {
        <tr>
            <th scope="row">
                {check(locale, &name)}
                {advice.map(|advice| view! { <span class="cell-sub">{advice}</span> })}
                // For whoever helps: the stable name of what went wrong.
                {detail.map(|code| view! { <span class="cell-sub"><code>{code}</code></span> })}
            </th>
            <td>
                <Badge meaning>{text}</Badge>
            </td>
        </tr>
    }
}
