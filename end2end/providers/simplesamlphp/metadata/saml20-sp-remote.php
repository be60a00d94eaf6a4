<?php
// Read at every request: a test makes itself known by a file.
foreach (glob(getenv('SERVICE_PROVIDERS') . '/*.json') as $file) {
    $known = json_decode(file_get_contents($file), true);
    if (!is_array($known)) {
        continue;
    }
    $metadata[$known['entity_id']] = [
        'AssertionConsumerService' => $known['acs'],
        'SingleLogoutService' => $known['slo'],
        'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        'saml20.sign.response' => true,
        'saml20.sign.assertion' => true,
        'sign.logout' => true,
        'validate.logout' => false,
    ];
}
