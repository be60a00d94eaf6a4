//! Support, as far as pages show it.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, GrantId, OrganisationId, StaffId, StaffSessionId, SupportApprovalId};
use shutterpost_model::identity::security::{NewPending, TotpSetup};
use shutterpost_model::identity::{Client, Me, NewSession};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{
    Acting, ApprovalView, AskAccess, Desk, GrantState, GrantView, StaffActor, StaffInvitation, Support, SupportAccess,
    SupportNotice, SupportPage,
};

use super::{Answer, NOW, World, disclosed, elsewhere};

pub fn staff() -> StaffActor {
    StaffActor::proven(StaffId::new(1, [1; 10]), StaffSessionId::new(1, [2; 10]))
}

pub fn grant_id(number: u8) -> GrantId {
    GrantId::new(NOW.0, [number; 10])
}

pub fn approval_id(number: u8) -> SupportApprovalId {
    SupportApprovalId::new(NOW.0, [number; 10])
}

fn grant(number: u8, state: GrantState) -> GrantView {
    GrantView {
        id: grant_id(number),
        organisation: OrganisationId::new(1, [5; 10]),
        organisation_name: "Acme".into(),
        staff_name: disclosed("Sam <Support>"),
        reason: disclosed("The gallery of yesterday is empty"),
        access: if number == 2 { SupportAccess::Write } else { SupportAccess::Read },
        state,
        minutes: 30,
        asked_at: NOW,
        begun_at: None,
        ends_at: (state == GrantState::Granted).then(|| NOW.plus(90_000)),
        ended_at: None,
    }
}

fn approval(number: u8, own: bool) -> ApprovalView {
    ApprovalView {
        id: approval_id(number),
        organisation: OrganisationId::new(1, [5; 10]),
        act: "captures.delete".into(),
        object: CaptureId::new(NOW.0, [2; 10]).into_string(),
        staff_name: disclosed("Sam <Support>"),
        asked_at: NOW,
        approved: false,
        expires_at: NOW.plus(60_000),
        own,
    }
}

#[async_trait]
impl Support for World {
    async fn sign_in(&self, _: Pii<String>, _: Secret, _: Client) -> Answer<NewPending> {
        elsewhere()
    }
    async fn awaits_factor(&self, _: &str) -> Answer<bool> {
        elsewhere()
    }
    async fn present_factor(&self, _: &str, _: Secret, _: Client) -> Answer<NewSession> {
        elsewhere()
    }
    async fn staff(&self, _: &str) -> Answer<Option<StaffActor>> {
        elsewhere()
    }
    async fn sign_out(&self, _: &StaffActor) -> Answer<()> {
        elsewhere()
    }
    async fn invitation(&self, token: &str) -> Answer<StaffInvitation> {
        if token == "used" {
            return Err(AppError::new(Code::LinkExpired));
        }
        Ok(StaffInvitation {
            name: Pii::new("Sam <Support>".into()),
            email: Pii::new("sam@shutterpost.example".into()),
            setup: TotpSetup {
                secret: Secret::new("GEZDGNBVGY3TQOJQ".into()),
                uri: Secret::new("otpauth://totp/Shutterpost:sam?secret=GEZDGNBVGY3TQOJQ".into()),
            },
        })
    }
    async fn accept_invitation(&self, _: &str, _: Secret, _: Secret, _: Client) -> Answer<Vec<Secret>> {
        elsewhere()
    }
    async fn desk(&self, _: &StaffActor) -> Answer<Desk> {
        let states = [GrantState::Asked, GrantState::Granted, GrantState::Ended];
        let grants = (1..).zip(states).filter(|_| !self.empty).map(|(number, state)| grant(number, state)).collect();
        Ok(Desk {
            name: disclosed("Sam <Support>"),
            grants,
            approvals: vec![approval(1, true), approval(2, false)],
            open: self.trashed.then(|| grant_id(3)),
        })
    }
    async fn ask(&self, _: &StaffActor, _: AskAccess) -> Answer<()> {
        elsewhere()
    }
    async fn open(&self, _: &StaffActor, _: &GrantId) -> Answer<NewSession> {
        elsewhere()
    }
    async fn leave(&self, _: &StaffActor) -> Answer<()> {
        elsewhere()
    }
    async fn finish(&self, _: &StaffActor, _: &GrantId) -> Answer<()> {
        elsewhere()
    }
    async fn approve(&self, _: &StaffActor, _: &SupportApprovalId) -> Answer<()> {
        elsewhere()
    }
    async fn acting(&self, _: &str) -> Answer<Acting> {
        elsewhere()
    }
    async fn viewed(&self, _: &Actor, _: Option<&str>) -> Answer<()> {
        elsewhere()
    }
    async fn me(&self, _: &Actor) -> Answer<Me> {
        elsewhere()
    }
    async fn notices(&self, _: &Actor) -> Answer<Vec<SupportNotice>> {
        elsewhere()
    }
    async fn of_organisation(&self, _: &Actor) -> Answer<SupportPage> {
        if self.empty {
            return Ok(SupportPage { grants: Vec::new(), approvals: Vec::new() });
        }
        Ok(SupportPage {
            grants: vec![grant(1, GrantState::Asked), grant(2, GrantState::Granted), grant(3, GrantState::Ended)],
            approvals: vec![approval(2, false)],
        })
    }
    async fn allow(&self, _: &Actor, _: &GrantId, _: i64) -> Answer<()> {
        elsewhere()
    }
    async fn refuse(&self, _: &Actor, _: &GrantId) -> Answer<()> {
        elsewhere()
    }
    async fn end(&self, _: &Actor, _: &GrantId) -> Answer<()> {
        elsewhere()
    }
    async fn approve_act(&self, _: &Actor, _: &SupportApprovalId) -> Answer<()> {
        elsewhere()
    }
}
