<?php
// The same people at every provider: everyone's password is their name and "pw".
$config = [
    'admin' => ['core:AdminPassword'],
    'users' => [
        'exampleauth:UserPass',
        'alice:alicepw' => [
            'uid' => ['alice'],
            'mail' => ['alice@example.test'],
            'displayName' => ['Alice Ångström'],
            'groups' => ['staff', 'admins'],
        ],
        'bob:bobpw' => [
            'uid' => ['bob'],
            'mail' => ['bob@example.test'],
            'displayName' => ['Bob Brown'],
            'groups' => ['staff'],
        ],
        // At this provider alone: an address belongs to one account.
        'carol:carolpw' => [
            'uid' => ['carol'],
            'mail' => ['carol@example.test'],
            'displayName' => ['Carol Čapek'],
            'groups' => ['staff', 'admins'],
        ],
    ],
];
