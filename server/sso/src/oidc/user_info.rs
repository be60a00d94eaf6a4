//! The UserInfo endpoint, for what the ID token does not say.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AccessToken, ClaimsVerificationError, SubjectIdentifier, UserInfoClaims, UserInfoError};

use super::provider::Http;
use super::reject::{Document, Reject};
use super::start::Protocol;
use super::token::MoreClaims;
use crate::fetch::FetchError;

const LONGEST_ACCESS_TOKEN: usize = 8192;

pub(super) type UserInfo = UserInfoClaims<MoreClaims, CoreGenderClaim>;

/// What the endpoint says about the person of the ID token, and about nobody else.
pub(super) async fn ask(
    http: &Http<'_>,
    protocol: &Protocol,
    access_token: &AccessToken,
    subject: &SubjectIdentifier,
) -> Result<UserInfo, Reject> {
    let malformed = Reject::Malformed { document: Document::UserInfo };
    // The library puts it into a header and panics if it does not fit there.
    let length = 1..=LONGEST_ACCESS_TOKEN;
    let secret = access_token.secret();
    if !length.contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Reject::AccessToken);
    }
    let request = protocol.user_info(access_token.clone(), Some(subject.clone())).map_err(|_| malformed.clone())?;
    let answer: Result<UserInfo, UserInfoError<FetchError>> = request.request_async(http).await;
    answer.map_err(|error| match error {
        UserInfoError::ClaimsVerification(ClaimsVerificationError::InvalidSubject(_)) => Reject::UserInfoSubject,
        UserInfoError::Request(error) => Reject::Unreachable { document: Document::UserInfo, error },
        UserInfoError::Response(status, ..) if !status.is_success() => {
            Reject::Status { document: Document::UserInfo, status: status.as_u16() }
        }
        _ => malformed,
    })
}
