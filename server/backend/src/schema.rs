//! The one portable schema of both databases; a test compares it with what the migrations make.

diesel::table! {
    installation (singleton) {
        singleton -> Integer,
        created_at -> BigInt,
        share_sequence -> BigInt,
        key_store -> Nullable<Text>,
        erasures_finished_until -> BigInt,
    }
}

diesel::table! {
    identity_organisations (id) {
        id -> Text,
        name -> Text,
        created_at -> BigInt,
        factor_required_at -> Nullable<BigInt>,
        session_idle_millis -> Nullable<BigInt>,
        session_absolute_millis -> Nullable<BigInt>,
        sso_required_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_users (id) {
        id -> Text,
        email -> Binary,
        name -> Binary,
        language -> Text,
        password_hash -> Nullable<Binary>,
        failures -> Integer,
        throttled_until -> BigInt,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_memberships (organisation_id, user_id) {
        organisation_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> BigInt,
        last_seen_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_emergencies (organisation_id, user_id) {
        organisation_id -> Text,
        user_id -> Text,
        armed_by -> Nullable<Text>,
        armed_at -> BigInt,
        ends_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_removed_members (organisation_id, user_id) {
        organisation_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> BigInt,
        last_seen_at -> Nullable<BigInt>,
        deleted_at -> BigInt,
        deleted_by -> Nullable<Text>,
    }
}

diesel::table! {
    identity_sessions (id) {
        id -> Text,
        secret_hash -> Binary,
        user_id -> Text,
        organisation_id -> Nullable<Text>,
        persistent -> Bool,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        idle_millis -> BigInt,
        expires_at -> BigInt,
        method -> Nullable<Text>,
        confirmed_at -> Nullable<BigInt>,
        device -> Nullable<Binary>,
        address -> Nullable<Binary>,
        connection_id -> Nullable<Text>,
        provider_session_hash -> Nullable<Binary>,
        provider_subject_hash -> Nullable<Binary>,
        id_token_hint -> Nullable<Binary>,
    }
}

diesel::table! {
    identity_totp (user_id) {
        user_id -> Text,
        secret -> Binary,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        last_step -> Nullable<BigInt>,
        failures -> Integer,
        throttled_until -> BigInt,
    }
}

diesel::table! {
    identity_recovery_codes (user_id, selector) {
        user_id -> Text,
        selector -> Text,
        hash -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    identity_pending (id) {
        id -> Text,
        secret_hash -> Binary,
        user_id -> Text,
        organisation_id -> Nullable<Text>,
        persistent -> Bool,
        tries -> Integer,
        created_at -> BigInt,
        expires_at -> BigInt,
        connection_id -> Nullable<Text>,
        provider_session_hash -> Nullable<Binary>,
        provider_subject_hash -> Nullable<Binary>,
        id_token_hint -> Nullable<Binary>,
        session_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_passkeys (id) {
        id -> Text,
        user_id -> Text,
        credential_hash -> Binary,
        credential -> Binary,
        name -> Binary,
        verifies -> Bool,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        refused_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_ceremonies (challenge_hash) {
        challenge_hash -> Binary,
        browser_hash -> Binary,
        purpose -> Text,
        user_id -> Nullable<Text>,
        state -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    identity_sign_ins (id) {
        id -> Text,
        user_id -> Text,
        at -> BigInt,
        method -> Text,
        succeeded -> Bool,
        device -> Binary,
        address -> Nullable<Binary>,
        known_hash -> Binary,
    }
}

diesel::table! {
    identity_invitations (id) {
        id -> Text,
        organisation_id -> Text,
        email -> Binary,
        role -> Text,
        language -> Text,
        generation -> Integer,
        token_hash -> Binary,
        invited_by -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        accepted_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_resets (id) {
        id -> Text,
        user_id -> Text,
        token_hash -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identity_tokens (id) {
        id -> Text,
        organisation_id -> Text,
        name -> Binary,
        role -> Text,
        secret_hash -> Binary,
        hint -> Text,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        scopes -> Nullable<Text>,
        cap -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
        previous_hash -> Nullable<Binary>,
        previous_hint -> Nullable<Text>,
        previous_until -> Nullable<BigInt>,
        previous_used_at -> Nullable<BigInt>,
        previous_by -> Nullable<Text>,
    }
}

diesel::table! {
    sso_connections (organisation_id, id) {
        organisation_id -> Text,
        id -> Text,
        kind -> Text,
        provider -> Text,
        name -> Text,
        settings -> Nullable<Binary>,
        state -> Text,
        trust_factor -> Bool,
        just_in_time -> Bool,
        default_role -> Nullable<Text>,
        role_map -> Binary,
        certificate_ends_at -> Nullable<BigInt>,
        last_report -> Nullable<Binary>,
        tested_at -> Nullable<BigInt>,
        created_at -> BigInt,
        changed_at -> BigInt,
        certificate_told -> Nullable<Integer>,
    }
}

diesel::table! {
    sso_domains (organisation_id, domain) {
        organisation_id -> Text,
        domain -> Text,
        token -> Text,
        connection_id -> Nullable<Text>,
        created_at -> BigInt,
        verified_at -> Nullable<BigInt>,
        checked_at -> Nullable<BigInt>,
        failing_since -> Nullable<BigInt>,
        told -> Bool,
    }
}

diesel::table! {
    events (id) {
        id -> Text,
        organisation_id -> Text,
        name -> Text,
        starts_on -> Text,
        ends_on -> Text,
        time_zone -> Text,
        retention_days -> Integer,
        kept_until -> Text,
        branding -> Text,
        logo_id -> Nullable<Text>,
        version -> Integer,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        deleted_by -> Nullable<Text>,
    }
}

diesel::table! {
    sso_attempts (state_hash) {
        state_hash -> Text,
        connection_id -> Text,
        purpose -> Text,
        payload -> Binary,
        browser_hash -> Text,
        user_id -> Nullable<Text>,
        session_id -> Nullable<Text>,
        next -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    sso_identities (id) {
        id -> Text,
        connection_id -> Text,
        hash -> Binary,
        subject -> Binary,
        user_id -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
    }
}

diesel::table! {
    sso_used (connection_id, hash) {
        connection_id -> Text,
        hash -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    events_counters (event_id) {
        event_id -> Text,
        organisation_id -> Text,
        captures -> BigInt,
    }
}

diesel::table! {
    events_logos (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        width -> Integer,
        height -> Integer,
        object -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    events_designs (event_id) {
        event_id -> Text,
        organisation_id -> Text,
        version -> Integer,
        design -> Text,
        applied -> Nullable<Text>,
        previous -> Nullable<Text>,
        saved_at -> BigInt,
        state -> Text,
        undoing -> Bool,
        run -> Integer,
        after -> Text,
        changed -> BigInt,
        failed -> BigInt,
    }
}

diesel::table! {
    events_design_files (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        kind -> Text,
        name -> Text,
        media_type -> Text,
        size -> BigInt,
        object -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    events_consents (event_id, purpose, version) {
        event_id -> Text,
        purpose -> Text,
        version -> Integer,
        organisation_id -> Text,
        english -> Text,
        german -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    events_devices (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        name -> Binary,
        secret_hash -> Binary,
        hint -> Text,
        captures -> BigInt,
        created_at -> BigInt,
        last_seen_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    captures (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        device_id -> Nullable<Text>,
        uploader -> Text,
        media_type -> Text,
        width -> Integer,
        height -> Integer,
        size -> BigInt,
        orientation -> Integer,
        object -> Text,
        key_subject -> Text,
        revision -> Integer,
        captured_at -> BigInt,
        received_at -> BigInt,
        guests -> Integer,
        delivery -> Nullable<Text>,
        deleted_at -> Nullable<BigInt>,
        deleted_by -> Nullable<Text>,
        deleted_with -> Nullable<Text>,
        kind -> Text,
        duration -> Nullable<BigInt>,
        look -> Nullable<Binary>,
        mark -> Nullable<Text>,
        unplayable -> Bool,
    }
}

diesel::table! {
    captures_renditions (capture_id, name, encoding) {
        capture_id -> Text,
        name -> Text,
        encoding -> Text,
        organisation_id -> Text,
        width -> Integer,
        height -> Integer,
        size -> BigInt,
        object -> Text,
        etag -> Text,
    }
}

diesel::table! {
    guests (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        name -> Nullable<Binary>,
        email -> Nullable<Binary>,
        phone -> Nullable<Binary>,
        language -> Text,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        deleted_by -> Nullable<Text>,
    }
}

diesel::table! {
    guests_captures (guest_id, capture_id) {
        guest_id -> Text,
        capture_id -> Text,
        organisation_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    guests_consents (id) {
        id -> Text,
        organisation_id -> Text,
        guest_id -> Text,
        purpose -> Text,
        granted -> Bool,
        text_version -> Integer,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    share_links (id) {
        id -> Text,
        organisation_id -> Text,
        capture_id -> Text,
        guest_id -> Nullable<Text>,
        kind -> Text,
        generation -> Integer,
        token_hash -> Binary,
        media_hash -> Binary,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    share_changes (sequence) {
        sequence -> BigInt,
        target -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    messages (id) {
        id -> Text,
        organisation_id -> Nullable<Text>,
        event_id -> Nullable<Text>,
        capture_id -> Nullable<Text>,
        guest_id -> Nullable<Text>,
        link_id -> Nullable<Text>,
        user_id -> Nullable<Text>,
        invitation_id -> Nullable<Text>,
        reset_id -> Nullable<Text>,
        template -> Text,
        language -> Text,
        generation -> Integer,
        state -> Text,
        reason -> Nullable<Text>,
        attempts -> Integer,
        created_at -> BigInt,
        next_attempt_at -> Nullable<BigInt>,
        sent_at -> Nullable<BigInt>,
        activity -> Nullable<Text>,
        sign_in_id -> Nullable<Text>,
        support_grant_id -> Nullable<Text>,
        support_moment -> Nullable<Text>,
        notice -> Nullable<Text>,
        notice_organisation -> Nullable<Text>,
    }
}

diesel::table! {
    messages_deliveries (id) {
        id -> Text,
        message_id -> Text,
        organisation_id -> Nullable<Text>,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        failure -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        run_at -> BigInt,
        attempts -> Integer,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    ingest_requests (uploader, key_hash) {
        uploader -> Text,
        key_hash -> Binary,
        organisation_id -> Text,
        event_id -> Text,
        file_hash -> Binary,
        guest_hash -> Binary,
        capture_id -> Text,
        link_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit_entries (id) {
        id -> Text,
        organisation_id -> Nullable<Text>,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        action -> Text,
        object -> Nullable<Text>,
        count -> BigInt,
        fields -> Text,
        request_id -> Nullable<Text>,
        at -> BigInt,
    }
}

diesel::table! {
    privacy_erasures (id) {
        id -> Text,
        organisation_id -> Text,
        kind -> Text,
        object -> Text,
        requested_at -> BigInt,
        receipt -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    support_staff (id) {
        id -> Text,
        email -> Binary,
        name -> Binary,
        language -> Text,
        password_hash -> Nullable<Binary>,
        totp_secret -> Nullable<Binary>,
        last_step -> Nullable<BigInt>,
        failures -> Integer,
        throttled_until -> BigInt,
        code_failures -> Integer,
        code_throttled_until -> BigInt,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    support_recovery_codes (staff_id, selector) {
        staff_id -> Text,
        selector -> Text,
        hash -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    support_invitations (id) {
        id -> Text,
        staff_id -> Text,
        token_hash -> Binary,
        totp_secret -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    support_pending (id) {
        id -> Text,
        secret_hash -> Binary,
        staff_id -> Text,
        tries -> Integer,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    support_grants (id) {
        id -> Text,
        organisation_id -> Text,
        staff_id -> Text,
        reason -> Binary,
        access -> Text,
        minutes -> Integer,
        state -> Text,
        asked_at -> BigInt,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        begun_at -> Nullable<BigInt>,
        ends_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    support_sessions (id) {
        id -> Text,
        secret_hash -> Binary,
        staff_id -> Text,
        grant_id -> Nullable<Text>,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    support_approvals (id) {
        id -> Text,
        grant_id -> Text,
        organisation_id -> Text,
        act -> Text,
        object -> Text,
        asked_at -> BigInt,
        approved_by -> Nullable<Text>,
        approved_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    uploads (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        uploader -> Text,
        kind -> Text,
        joined_of -> Nullable<Text>,
        length -> Nullable<BigInt>,
        taken -> BigInt,
        claim -> BigInt,
        metadata -> Nullable<Binary>,
        state -> Text,
        capture_id -> Nullable<Text>,
        link_id -> Nullable<Text>,
        refusal -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    uploads_parts (object) {
        object -> Text,
        upload_id -> Text,
        organisation_id -> Text,
        begins_at -> BigInt,
        size -> BigInt,
    }
}

diesel::table! {
    captures_originals (capture_id) {
        capture_id -> Text,
        organisation_id -> Text,
        length -> BigInt,
        crc -> BigInt,
        sha256 -> Binary,
    }
}

diesel::table! {
    exports (id) {
        id -> Text,
        organisation_id -> Text,
        event_id -> Text,
        request_hash -> Binary,
        folder -> Text,
        entries -> BigInt,
        placed -> BigInt,
        plan_entries -> BigInt,
        plan_files -> BigInt,
        plan_directory -> BigInt,
        list_length -> BigInt,
        list_crc -> BigInt,
        ready_at -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
        created_by -> Nullable<Text>,
        people -> Bool,
        guests -> BigInt,
        guests_placed -> BigInt,
        guests_length -> BigInt,
        guests_crc -> BigInt,
        consents_length -> BigInt,
        consents_crc -> BigInt,
        json_length -> BigInt,
        json_crc -> BigInt,
    }
}

diesel::table! {
    exports_entries (export_id, position) {
        export_id -> Text,
        position -> BigInt,
        organisation_id -> Text,
        capture_id -> Text,
        at -> Nullable<BigInt>,
        directory_at -> Nullable<BigInt>,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    exports_guests (export_id, position) {
        export_id -> Text,
        position -> BigInt,
        organisation_id -> Text,
        guest_id -> Text,
        guests_at -> Nullable<BigInt>,
        consents_at -> Nullable<BigInt>,
        json_at -> Nullable<BigInt>,
        digest -> Nullable<Binary>,
    }
}

diesel::table! {
    scrub (singleton) {
        singleton -> Integer,
        begun_at -> BigInt,
        source -> Text,
        after -> Text,
        objects -> BigInt,
        finished_at -> Nullable<BigInt>,
        finished_objects -> BigInt,
    }
}

diesel::table! {
    scrub_flaws (object) {
        object -> Text,
        source -> Text,
        subject -> Text,
        flaw -> Text,
        found_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    installation,
    identity_organisations,
    identity_users,
    identity_memberships,
    identity_emergencies,
    identity_removed_members,
    identity_sessions,
    identity_totp,
    identity_recovery_codes,
    identity_pending,
    identity_passkeys,
    identity_ceremonies,
    identity_sign_ins,
    identity_invitations,
    identity_resets,
    identity_tokens,
    sso_connections,
    sso_domains,
    sso_attempts,
    sso_identities,
    sso_used,
    events,
    events_counters,
    events_logos,
    events_designs,
    events_design_files,
    events_consents,
    events_devices,
    captures,
    captures_renditions,
    guests,
    guests_captures,
    guests_consents,
    share_links,
    share_changes,
    messages,
    messages_deliveries,
    jobs,
    ingest_requests,
    uploads,
    uploads_parts,
    privacy_erasures,
    audit_entries,
    support_staff,
    support_recovery_codes,
    support_invitations,
    support_pending,
    support_grants,
    support_sessions,
    support_approvals,
    captures_originals,
    exports,
    exports_entries,
    exports_guests,
    scrub,
    scrub_flaws,
);
