//! Who gets in by a connection, and as what.

use shutterpost_model::access::Role;
use shutterpost_model::connections::Admission;

use super::attempts::Refusal;
use crate::identity::provided::Standing;

/// What becomes of somebody's place in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Stays,
    Becomes(Role),
    Joins(Role),
}

/// Decides it. A map holds at each sign-in and in both directions; it never makes or unmakes an owner. Without a map the
/// roles are given here, and the default is for newcomers alone. `invited` is the role that an admin promised.
pub(super) fn place(
    standing: Standing,
    admission: &Admission,
    groups: &[String],
    invited: Option<Role>,
) -> Result<Place, Refusal> {
    let mapped = admission.role_of(groups).ok_or(Refusal::NoRole);
    match standing {
        Standing::Member(Role::Owner) => Ok(Place::Stays),
        Standing::Member(_) if admission.role_map.is_empty() => Ok(Place::Stays),
        Standing::Member(role) => mapped.map(|to| if to == role { Place::Stays } else { Place::Becomes(to) }),
        Standing::Removed | Standing::Stranger => match invited.filter(|role| *role != Role::Owner) {
            Some(promised) if admission.role_map.is_empty() => Ok(Place::Joins(promised)),
            Some(_) => mapped.map(Place::Joins),
            // Whom an admin removed no provider brings back.
            None if standing == Standing::Removed => Err(Refusal::Removed),
            None if !admission.just_in_time => Err(Refusal::NotMember),
            None => mapped.map(Place::Joins),
        },
    }
}

/// What tells that a provider saw a second factor (RFC 8176 and what the large ones say).
const FACTORS: [&str; 11] = [
    "mfa",
    "otp",
    "hwk",
    "swk",
    "fpt",
    "face",
    "sc",
    "sms",
    "http://schemas.microsoft.com/claims/multipleauthn",
    "https://refeds.org/profile/mfa",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
];

/// Whether one of the ways in which somebody signed in at the provider is a second factor.
pub(super) fn saw_factor(methods: &[String]) -> bool {
    methods.iter().any(|method| FACTORS.contains(&method.as_str()))
}

#[cfg(test)]
mod tests {
    use shutterpost_model::connections::RoleRule;

    use super::*;

    fn admission(rules: &[(&str, Role)], default_role: Option<Role>, just_in_time: bool) -> Admission {
        let role_map = rules.iter().map(|(group, role)| RoleRule { group: (*group).to_owned(), role: *role }).collect();
        Admission { trust_factor: false, just_in_time, default_role, role_map }
    }

    fn groups(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn case_39_a_map_never_makes_or_unmakes_an_owner() {
        // As stored by somebody else: what checks drafts would not have let it in.
        let map = admission(&[("bosses", Role::Owner), ("staff", Role::Viewer)], None, true);
        for standing in [Standing::Stranger, Standing::Member(Role::Viewer)] {
            assert_eq!(place(standing, &map, &groups(&["bosses"]), None), Err(Refusal::NoRole));
        }
        for names in [&["staff"][..], &[]] {
            assert_eq!(place(Standing::Member(Role::Owner), &map, &groups(names), None), Ok(Place::Stays));
        }
        assert_eq!(
            place(Standing::Stranger, &admission(&[], None, false), &[], Some(Role::Owner)),
            Err(Refusal::NotMember)
        );
    }

    #[test]
    fn a_role_is_the_maps_at_each_sign_in() {
        let map = admission(&[("staff", Role::Viewer), ("desk", Role::Editor)], None, true);
        let of = |role, names: &[&str]| place(Standing::Member(role), &map, &groups(names), None);
        assert_eq!(of(Role::Admin, &["desk", "staff"]), Ok(Place::Becomes(Role::Editor)), "never above the map");
        assert_eq!(of(Role::Editor, &["staff"]), Ok(Place::Becomes(Role::Viewer)), "falls with it at once");
        assert_eq!(of(Role::Editor, &["desk"]), Ok(Place::Stays));
        assert_eq!(of(Role::Editor, &["other"]), Err(Refusal::NoRole));
        assert_eq!(
            place(Standing::Stranger, &map, &groups(&["staff"]), Some(Role::Admin)),
            Ok(Place::Joins(Role::Viewer))
        );
    }

    #[test]
    fn without_a_map_roles_are_given_here() {
        let plain = admission(&[], Some(Role::Viewer), true);
        assert_eq!(place(Standing::Member(Role::Admin), &plain, &[], None), Ok(Place::Stays));
        assert_eq!(place(Standing::Stranger, &plain, &[], None), Ok(Place::Joins(Role::Viewer)));
        assert_eq!(place(Standing::Stranger, &plain, &[], Some(Role::Editor)), Ok(Place::Joins(Role::Editor)));
        assert_eq!(place(Standing::Removed, &plain, &[], None), Err(Refusal::Removed));
        assert_eq!(place(Standing::Stranger, &admission(&[], None, true), &[], None), Err(Refusal::NoRole));
        let closed = admission(&[], Some(Role::Viewer), false);
        assert_eq!(place(Standing::Stranger, &closed, &[], None), Err(Refusal::NotMember));
    }

    #[test]
    fn only_what_is_on_the_list_is_a_second_factor() {
        assert!(saw_factor(&groups(&["pwd", "mfa"])));
        assert!(saw_factor(&groups(&["https://refeds.org/profile/mfa"])));
        assert!(!saw_factor(&groups(&["pwd", "MFA", "mfa ", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"])));
    }
}
