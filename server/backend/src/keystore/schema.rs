//! The tables of the key store, on both databases.

diesel::table! {
    keystore (singleton) {
        singleton -> Integer,
        id -> Text,
        created_at -> BigInt,
        swept_until -> BigInt,
        ledger_count -> BigInt,
        ledger_hash -> Nullable<Binary>,
    }
}

diesel::table! {
    generations (generation) {
        generation -> Integer,
        state -> Text,
        created_at -> BigInt,
        destroyed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    keys (id) {
        id -> Text,
        realm -> Text,
        purpose -> Text,
        subject -> Text,
        version -> Integer,
        algorithm -> Text,
        state -> Text,
        parent -> Nullable<Text>,
        generation -> Nullable<Integer>,
        wrapped -> Binary,
        created_at -> BigInt,
        not_after -> Nullable<BigInt>,
        destroyed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    lookups (realm, field, scope, hash) {
        realm -> Text,
        field -> Text,
        scope -> Text,
        hash -> Binary,
        subject -> Text,
        created_at -> BigInt,
    }
}
